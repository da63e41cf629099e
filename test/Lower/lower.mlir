// RUN: llmc-opt %s --llmc-lower | FileCheck %s

// Nothing is left but the LLVM dialect, with one entry, its error flag and the
// bytes of the params.
// CHECK: llmc.param @w
// CHECK: llvm.func @main(
// CHECK: llvm.func @_mlir_ciface_main(
// CHECK: llvm.mlir.global external @llmc_error(0 : i64)
// CHECK: llvm.func @llmc_invoke(
// CHECK-NOT: {{func\.func|linalg\.|memref\.|tensor\.|arith\.|scf\.|cf\.|math\.}}
llmc.param @w = dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>

func.func @main(%x: tensor<?x2xf32> {llmc.name = "x"}, %i: tensor<?xi64> {llmc.name = "i"}) -> (tensor<?x2xf32> {llmc.name = "y"}) {
  %w = llmc.weight @w : tensor<2x2xf32>
  %0 = llmc.linear %x, %w : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  %1 = llmc.silu %0 : (tensor<?x2xf32>) -> tensor<?x2xf32>
  %2 = llmc.gather %1, %i {axis = 0 : i64} : (tensor<?x2xf32>, tensor<?xi64>) -> tensor<?x2xf32>
  return %2 : tensor<?x2xf32>
}
