// RUN: llmc-opt %s --llmc-lower-to-linalg | FileCheck %s

// Everything that is not upstream's is gone, but the bytes of the params.
// CHECK: llmc.param @w.T
// CHECK: func.func @main(%{{.*}}: tensor<?x3xf32> {llmc.batch, llmc.name = "x"},
// CHECK-SAME: %{{.*}}: tensor<2x3xf32> {llmc.param = @w.T}) -> (tensor<?x2xf32> {llmc.name = "y"})
// CHECK-NOT: llmc.{{[a-z_]+}} %
// CHECK: linalg.
// CHECK-NOT: llmc.{{[a-z_]+}} %
// CHECK: return
llmc.param @w = dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32>

func.func @main(%x: tensor<?x3xf32> {llmc.name = "x"}) -> (tensor<?x2xf32> {llmc.name = "y"}) {
  %w = llmc.weight @w : tensor<3x2xf32>
  %t = llmc.transpose %w {perm = array<i64: 1, 0>} : (tensor<3x2xf32>) -> tensor<2x3xf32>
  %0 = llmc.linear %x, %t : (tensor<?x3xf32>, tensor<2x3xf32>) -> tensor<?x2xf32>
  %1 = llmc.silu %0 : (tensor<?x2xf32>) -> tensor<?x2xf32>
  return %1 : tensor<?x2xf32>
}
