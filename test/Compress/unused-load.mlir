// A load that nothing reads does not keep a weight from being replaced.
// RUN: llmc-opt %s --llmc-quantize-rtn="bits=4 block=16" | FileCheck %s --check-prefix=RTN
// RUN: llmc-opt %s --llmc-factorize="method=svd rank=4" | FileCheck %s --check-prefix=FACTORS

// RTN-NOT: llmc.weight @w :
// RTN: llmc.dequantize
// FACTORS-NOT: llmc.weight @w :
// FACTORS: llmc.weight @w.u :

llmc.param @w = dense<1.0> : tensor<32x32xf32>
func.func @main(%x: tensor<?x32xf32>) -> tensor<?x32xf32> {
  %unused = llmc.weight @w : tensor<32x32xf32>
  %w = llmc.weight @w : tensor<32x32xf32>
  %y = llmc.linear %x, %w : (tensor<?x32xf32>, tensor<32x32xf32>) -> tensor<?x32xf32>
  return %y : tensor<?x32xf32>
}
