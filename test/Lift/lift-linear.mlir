// RUN: llmc-opt %s --llmc-lift-linear | FileCheck %s

llmc.param @w = dense<1.0> : tensor<8x4xf32>
llmc.param @t = dense<1.0> : tensor<4x8xf32>
llmc.param @b = dense<1.0> : tensor<4xf32>

// CHECK-LABEL: func.func @bias
// CHECK-SAME: (%[[X:.*]]: tensor<?x?x8xf32>)
// CHECK: %[[B:.*]] = llmc.weight @b
// CHECK: %[[T:.*]] = llmc.transpose %{{.*}} {perm = array<i64: 1, 0>}
// CHECK-NEXT: llmc.linear %[[X]], %[[T]], %[[B]]
// CHECK-NEXT: return
func.func @bias(%x: tensor<?x?x8xf32>) -> tensor<?x?x4xf32> {
  %w = llmc.weight @w : tensor<8x4xf32>
  %b = llmc.weight @b : tensor<4xf32>
  %p = llmc.matmul %x, %w
     : (tensor<?x?x8xf32>, tensor<8x4xf32>) -> tensor<?x?x4xf32>
  %y = llmc.add %b, %p
     : (tensor<4xf32>, tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
  return %y : tensor<?x?x4xf32>
}

// A tied embedding is transposed in the model; linear reads it as it is.
// CHECK-LABEL: func.func @tied
// CHECK: %[[W:.*]] = llmc.weight @t
// CHECK-NEXT: llmc.linear %{{.*}}, %[[W]] :
func.func @tied(%x: tensor<?x?x8xf32>) -> tensor<?x?x4xf32> {
  %w = llmc.weight @t : tensor<4x8xf32>
  %t = llmc.transpose %w {perm = array<i64: 1, 0>}
     : (tensor<4x8xf32>) -> tensor<8x4xf32>
  %y = llmc.matmul %x, %t
     : (tensor<?x?x8xf32>, tensor<8x4xf32>) -> tensor<?x?x4xf32>
  return %y : tensor<?x?x4xf32>
}

// GPT-2 merges batch and sequence around each product.
// CHECK-LABEL: func.func @merged
// CHECK-NOT: llmc.reshape
// CHECK: llmc.linear {{.*}} (tensor<?x?x8xf32>, tensor<4x8xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
func.func @merged(%x: tensor<?x?x8xf32>) -> tensor<?x?x4xf32> {
  %w = llmc.weight @w : tensor<8x4xf32>
  %b = llmc.weight @b : tensor<4xf32>
  %flat = llmc.constant dense<[-1, 8]> : tensor<2xi64>
  %m = llmc.reshape %x, %flat
     : (tensor<?x?x8xf32>, tensor<2xi64>) -> tensor<?x8xf32>
  %p = llmc.matmul %m, %w
     : (tensor<?x8xf32>, tensor<8x4xf32>) -> tensor<?x4xf32>
  %q = llmc.add %p, %b : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  %s = llmc.shape %x {start = 0 : i64, end = 2 : i64}
     : (tensor<?x?x8xf32>) -> tensor<2xi64>
  %four = llmc.constant dense<4> : tensor<1xi64>
  %c = llmc.concat %s, %four {axis = 0 : i64}
     : (tensor<2xi64>, tensor<1xi64>) -> tensor<3xi64>
  %y = llmc.reshape %q, %c
     : (tensor<?x4xf32>, tensor<3xi64>) -> tensor<?x?x4xf32>
  return %y : tensor<?x?x4xf32>
}

// The product without its bias is used too; and activations are no weight.
// CHECK-LABEL: func.func @kept
// CHECK: %[[P:.*]] = llmc.linear %{{.*}}, %{{[^,]*}} :
// CHECK: llmc.add %[[P]]
// CHECK: llmc.matmul
func.func @kept(%x: tensor<?x8xf32>, %z: tensor<8x4xf32>)
    -> (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>) {
  %w = llmc.weight @w : tensor<8x4xf32>
  %b = llmc.weight @b : tensor<4xf32>
  %p = llmc.matmul %x, %w
     : (tensor<?x8xf32>, tensor<8x4xf32>) -> tensor<?x4xf32>
  %y = llmc.add %p, %b : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  %m = llmc.matmul %x, %z
     : (tensor<?x8xf32>, tensor<8x4xf32>) -> tensor<?x4xf32>
  return %p, %y, %m : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
}

// A low-rank weight; see llmc-split-low-rank.
// CHECK-LABEL: func.func @low_rank
// CHECK-SAME: (%[[X:.*]]: tensor<?x8xf32>)
// CHECK: %[[UV:.*]] = llmc.matmul
// CHECK: %[[W:.*]] = llmc.transpose %[[UV]]
// CHECK: llmc.linear %[[X]], %[[W]]
func.func @low_rank(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %w = llmc.weight @w : tensor<8x4xf32>
  %t = llmc.transpose %w {perm = array<i64: 1, 0>}
     : (tensor<8x4xf32>) -> tensor<4x8xf32>
  %uv = llmc.matmul %w, %t
      : (tensor<8x4xf32>, tensor<4x8xf32>) -> tensor<8x8xf32>
  %y = llmc.matmul %x, %uv
     : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
