// RUN: llmc-opt %s --llmc-lift-embedding | FileCheck %s

llmc.param @w = dense<1.0> : tensor<16x4xf32>
llmc.param @half = dense<1.0> : tensor<16x4xf16>

// CHECK-LABEL: func.func @embedding
// CHECK-SAME: (%[[IDS:.*]]: tensor<?x?xi64>)
// CHECK: %[[W:.*]] = llmc.weight @w
// CHECK-NEXT: llmc.embedding %[[IDS]], %[[W]]
// CHECK: llmc.gather %[[W]], %{{.*}} {axis = 1 : i64}
func.func @embedding(%ids: tensor<?x?xi64>)
    -> (tensor<?x?x4xf32>, tensor<16x?x?xf32>) {
  %w = llmc.weight @w : tensor<16x4xf32>
  %y = llmc.gather %w, %ids {axis = 0 : i64}
     : (tensor<16x4xf32>, tensor<?x?xi64>) -> tensor<?x?x4xf32>
  %z = llmc.gather %w, %ids {axis = 1 : i64}
     : (tensor<16x4xf32>, tensor<?x?xi64>) -> tensor<16x?x?xf32>
  return %y, %z : tensor<?x?x4xf32>, tensor<16x?x?xf32>
}

// A table that is stored in another format.
// CHECK-LABEL: func.func @cast
// CHECK: %[[W:.*]] = llmc.cast
// CHECK-NEXT: llmc.embedding %{{.*}}, %[[W]]
func.func @cast(%ids: tensor<?xi64>) -> tensor<?x4xf32> {
  %h = llmc.weight @half : tensor<16x4xf16>
  %w = llmc.cast %h {to = f32} : (tensor<16x4xf16>) -> tensor<16x4xf32>
  %y = llmc.gather %w, %ids {axis = 0 : i64}
     : (tensor<16x4xf32>, tensor<?xi64>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}
