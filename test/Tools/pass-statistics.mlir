// What passes count, although LLVM's own statistics are compiled out: here the
// same pass twice, one that counts nothing, and a pass of MLIR between them.
// RUN: llmc-opt %s --pass-pipeline='builtin.module(llmc-quantize-rtn{bits=4 block=8 what=linear},cse,llmc-quantize-rtn{bits=8 block=8},llmc-lift-silu)' --mlir-pass-statistics -o /dev/null 2>&1 | FileCheck %s
// RUN: llmc-opt %s --llmc-quantize-rtn="bits=4 block=8" -o /dev/null 2>&1 | FileCheck %s --check-prefix=SILENT --allow-empty

// SILENT-NOT: (S)
// CHECK: Pass statistics report
// CHECK: llmc-quantize-rtn
// CHECK-NEXT: (S)   2 weights-quantized - Parameters quantized
// CHECK-NEXT: (S)   0 weights-skipped
// CHECK-NEXT: (S) 192 bytes-before {{ *}}- Bytes of the quantized parameters before
// CHECK-NEXT: (S)  60 bytes-after {{ *}}- Bytes of the quantized parameters after
// CHECK-NEXT: llmc-lift-silu
// CHECK-NEXT: (S) 0 silu - SiLUs lifted
// CHECK-NOT: (S)

llmc.param @fc = dense<0.5> : tensor<2x16xf32>
llmc.param @embed = dense<0.25> : tensor<2x8xf32>
func.func @main(%ids: tensor<1xi64>, %x: tensor<1x16xf32>) -> (tensor<1x8xf32>, tensor<1x2xf32>) {
  %t = llmc.weight @embed : tensor<2x8xf32>
  %e = llmc.embedding %ids, %t : (tensor<1xi64>, tensor<2x8xf32>) -> tensor<1x8xf32>
  %w = llmc.weight @fc : tensor<2x16xf32>
  %y = llmc.linear %x, %w : (tensor<1x16xf32>, tensor<2x16xf32>) -> tensor<1x2xf32>
  return %e, %y : tensor<1x8xf32>, tensor<1x2xf32>
}
