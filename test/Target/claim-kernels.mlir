// RUN: llmc-opt %s --load-backend=cpu --llmc-claim-kernels -split-input-file \
// RUN:   --mlir-elide-resource-strings-if-larger=1 | FileCheck %s
// RUN: llmc-opt %s --llmc-claim-kernels -split-input-file | FileCheck %s --check-prefix=NONE

// Without backends nothing changes.
// NONE-NOT: llmc.launch

// Two linears of one shape are one kernel; the parameters are packed and the
// old ones are gone. The size of the result is read off the operand.
// CHECK-NOT: llmc.param @a =
// CHECK-DAG: llmc.param @a.cpu.panels{{.*}} : tensor<1x8x{{8|16|32}}xf32>
// CHECK-DAG: llmc.param @b.cpu.panels{{.*}} : tensor<1x8x{{8|16|32}}xf32>
// CHECK: llmc.kernel @linear_0 by "cpu" kind "linear"
// CHECK-NOT: llmc.kernel
// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[X:.*]]: tensor<?x8xf32>
// CHECK: %[[N:.*]] = tensor.dim %[[X]]
// CHECK: %[[E:.*]] = tensor.empty(%[[N]]) : tensor<?x8xf32>
// CHECK: %[[A:.*]] = llmc.weight @a.cpu.panels
// CHECK: %[[Y:.*]] = llmc.launch @linear_0 ins(%[[X]], %[[A]] :{{.*}}) outs(%[[E]] : tensor<?x8xf32>) -> tensor<?x8xf32>
// CHECK: llmc.launch @linear_0 ins(%[[Y]],
llmc.param @a = dense<1.0> : tensor<8x8xf32>
llmc.param @b = dense<2.0> : tensor<8x8xf32>
func.func @main(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %a = llmc.weight @a : tensor<8x8xf32>
  %b = llmc.weight @b : tensor<8x8xf32>
  %y = llmc.linear %x, %a : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %z = llmc.linear %y, %b : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  return %z : tensor<?x8xf32>
}

// -----

// A weight stored as [in, out], and a param that something else reads as well.
// CHECK-DAG: llmc.param @w =
// CHECK-DAG: llmc.param @w.cpu.panels
// CHECK: llmc.launch
// CHECK: llmc.add
llmc.param @w = dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>
func.func @main(%x: tensor<1x2xf32>) -> (tensor<1x3xf32>, tensor<2x3xf32>) {
  %w = llmc.weight @w : tensor<2x3xf32>
  %t = llmc.transpose %w {perm = array<i64: 1, 0>} : (tensor<2x3xf32>) -> tensor<3x2xf32>
  %y = llmc.linear %x, %t : (tensor<1x2xf32>, tensor<3x2xf32>) -> tensor<1x3xf32>
  %s = llmc.add %w, %w : (tensor<2x3xf32>, tensor<2x3xf32>) -> tensor<2x3xf32>
  return %y, %s : tensor<1x3xf32>, tensor<2x3xf32>
}
