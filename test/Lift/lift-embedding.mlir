// RUN: llmc-opt %s --llmc-lift-embedding | FileCheck %s

llmc.param @w = dense<1.0> : tensor<16x4xf32>

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
