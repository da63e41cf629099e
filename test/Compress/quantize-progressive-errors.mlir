// RUN: not llmc-opt %s -llmc-quantize-rtn="progressive" 2>&1 | FileCheck %s --check-prefix=ZEROS
// RUN: not llmc-opt %s -llmc-quantize-rtn="progressive symmetric bits=8" 2>&1 | FileCheck %s --check-prefix=BITS
// RUN: not llmc-opt %s -llmc-quantize-rtn="progressive symmetric half-scales" 2>&1 | FileCheck %s --check-prefix=HALF
// RUN: not llmc-opt %s -llmc-quantize-gptq="progressive" 2>&1 | FileCheck %s --check-prefix=GPTQ
// RUN: llmc-opt %s -verify-diagnostics -llmc-quantize-rtn="progressive symmetric block=16" -o /dev/null
// RUN: not llmc-opt %s -llmc-quantize-rtn="progressive symmetric block=16 strict" 2>&1 | FileCheck %s --check-prefix=STRICT

// ZEROS: error: llmc-quantize-rtn: progressive goes with symmetric, for zero points are not stored; give that too
// BITS: error: llmc-quantize-rtn: progressive goes with bits from 2 to 7: 8 of them leave none for scales; leave it out
// HALF: error: llmc-quantize-rtn: progressive excludes half-scales: f16 holds its scales anyway; leave half-scales out
// GPTQ: error: llmc-quantize-gptq: progressive goes with symmetric

llmc.param @mask = dense<[[255, 255, 255], [0, 0, 255]]> : tensor<2x3xui8>
llmc.param @starts = dense<[0, 24]> : tensor<2xi32>
// STRICT: error: 'bits.values' is not quantized: the values that are stored of it have no rows, which progressive asks for
// expected-remark@below {{'bits.values' is not quantized: the values that are stored of it have no rows, which progressive asks for}}
llmc.param @bits.values = dense<1.0> : tensor<32xf32>
func.func @main(%x: tensor<?x24xf32>) -> tensor<?x2xf32> {
  %values = llmc.weight @bits.values : tensor<32xf32>
  %mask = llmc.weight @mask : tensor<2x3xui8>
  %starts = llmc.weight @starts : tensor<2xi32>
  %w = llmc.densify_bitmap %values, %mask, %starts {columns = 24}
     : (tensor<32xf32>, tensor<2x3xui8>, tensor<2xi32>) -> tensor<2x24xf32>
  %y = llmc.linear %x, %w
     : (tensor<?x24xf32>, tensor<2x24xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}
