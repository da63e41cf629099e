// RUN: llmc-opt %s --llmc-cast-weights | FileCheck %s --implicit-check-not=llmc.param
// RUN: llmc-opt %s --llmc-cast-weights=activations=bf16 | FileCheck %s --check-prefix=ROUND
// RUN: llmc-opt %s --llmc-cast-weights=type=f16 | FileCheck %s --check-prefix=F16
// RUN: llmc-opt %s "--llmc-cast-weights=what=linear skip=^second" --remarks-filter=llmc-compress --remark-policy=all --remark-format=emitRemark 2>&1 | FileCheck %s --check-prefix=SKIP

// To the nearest, ties to even: 1.00390625 is between 1 and 1.0078125, and
// 1.01171875 between 1.0078125 and 1.015625.
// CHECK: llmc.param @first = {{.*}} : tensor<2x4xbf16>
// CHECK: llmc.param @second = {{.*}} : tensor<4x2xbf16>
// CHECK: llmc.param @table = {{.*}} : tensor<3x4xbf16>
// CHECK: llmc.param @bias = {{.*}} : tensor<2xf32>
// F16: llmc.param @first = {{.*}} : tensor<2x4xf16>
// SKIP: remark: {{.*}}llmc-cast-weights
// SKIP-SAME: bits=16, bytes_after=16, bytes_before=32, largest_error=3.906250e-03, param=first, relative_error=2.083311e-03, type=bf16, weights=8
// SKIP: llmc.param @first = {{.*}} : tensor<2x4xbf16>
// SKIP: llmc.param @second = {{.*}} : tensor<4x2xf32>
// SKIP: llmc.param @table = {{.*}} : tensor<3x4xf32>
llmc.param @first = dense<[[1.0, 1.00390625, 1.01171875, -2.0], [0.0, -0.0, 0x7F800000, 0x7FC00000]]> : tensor<2x4xf32>
llmc.param @second = dense<0.5> : tensor<4x2xf32>
llmc.param @table = dense<0.25> : tensor<3x4xf32>
llmc.param @bias = dense<1.0> : tensor<2xf32>

// CHECK: %[[X:.*]]: tensor<?x4xf32>, %[[IDS:.*]]: tensor<?xi64>)
// CHECK: %[[B1:.*]] = llmc.weight @first : tensor<2x4xbf16>
// CHECK: %[[W1:.*]] = llmc.cast %[[B1]] {to = f32} : (tensor<2x4xbf16>) -> tensor<2x4xf32>
// CHECK: llmc.linear %[[X]], %[[W1]], %{{.*}} :
// CHECK: %[[B2:.*]] = llmc.weight @second : tensor<4x2xbf16>
// CHECK: %[[C2:.*]] = llmc.cast %[[B2]] {to = f32}
// CHECK: %[[W2:.*]] = llmc.transpose %[[C2]] {perm = array<i64: 1, 0>}
// CHECK: llmc.linear %[[X]], %[[W2]] :
// CHECK: %[[B3:.*]] = llmc.weight @table : tensor<3x4xbf16>
// CHECK: %[[W3:.*]] = llmc.cast %[[B3]] {to = f32}
// CHECK: llmc.embedding %[[IDS]], %[[W3]] :
// CHECK: first: "0x{{[0-9]*}}803F803F823F00C000000080807FC07F"

// Both linears read one rounded operand.
// ROUND: %[[X:.*]]: tensor<?x4xf32>, %
// ROUND: %[[R:.*]] = llmc.cast %[[X]] {to = bf16} : (tensor<?x4xf32>) -> tensor<?x4xbf16>
// ROUND: %[[A:.*]] = llmc.cast %[[R]] {to = f32} : (tensor<?x4xbf16>) -> tensor<?x4xf32>
// ROUND: llmc.linear %[[A]], %{{.*}}, %{{.*}} :
// ROUND-NOT: {to = bf16}
// ROUND: llmc.linear %[[A]], %{{.*}} :
func.func @main(%x: tensor<?x4xf32>, %ids: tensor<?xi64>) -> (tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x4xf32>) {
  %b = llmc.weight @bias : tensor<2xf32>
  %w1 = llmc.weight @first : tensor<2x4xf32>
  %y1 = llmc.linear %x, %w1, %b : (tensor<?x4xf32>, tensor<2x4xf32>, tensor<2xf32>) -> tensor<?x2xf32>
  %s = llmc.weight @second : tensor<4x2xf32>
  %w2 = llmc.transpose %s {perm = array<i64: 1, 0>} : (tensor<4x2xf32>) -> tensor<2x4xf32>
  %y2 = llmc.linear %x, %w2 : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x2xf32>
  %t = llmc.weight @table : tensor<3x4xf32>
  %e = llmc.embedding %ids, %t : (tensor<?xi64>, tensor<3x4xf32>) -> tensor<?x4xf32>
  return %y1, %y2, %e : tensor<?x2xf32>, tensor<?x2xf32>, tensor<?x4xf32>
}
