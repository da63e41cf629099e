// RUN: llmc-opt %s --llmc-split-low-rank | FileCheck %s

llmc.param @w = dense<1.0> : tensor<6x4xf32>
llmc.param @u = dense<1.0> : tensor<6x2xf32>
llmc.param @v = dense<1.0> : tensor<2x4xf32>
llmc.param @b = dense<1.0> : tensor<6xf32>

// CHECK-LABEL: func.func @product
// CHECK-SAME: (%[[X:.*]]: tensor<?x3x4xf32>)
// CHECK-DAG: %[[U:.*]] = llmc.weight @u
// CHECK-DAG: %[[V:.*]] = llmc.weight @v
// CHECK-DAG: %[[B:.*]] = llmc.weight @b
// CHECK-NOT: llmc.matmul
// CHECK: %[[XV:.*]] = llmc.linear %[[X]], %[[V]] : (tensor<?x3x4xf32>, tensor<2x4xf32>) -> tensor<?x3x2xf32>
// CHECK-NEXT: %[[Y:.*]] = llmc.linear %[[XV]], %[[U]], %[[B]] : {{.*}} -> tensor<?x3x6xf32>
// CHECK-NEXT: return %[[Y]]
func.func @product(%x: tensor<?x3x4xf32>) -> tensor<?x3x6xf32> {
  %u = llmc.weight @u : tensor<6x2xf32>
  %v = llmc.weight @v : tensor<2x4xf32>
  %b = llmc.weight @b : tensor<6xf32>
  %w = llmc.matmul %u, %v : (tensor<6x2xf32>, tensor<2x4xf32>) -> tensor<6x4xf32>
  %y = llmc.linear %x, %w, %b : (tensor<?x3x4xf32>, tensor<6x4xf32>, tensor<6xf32>) -> tensor<?x3x6xf32>
  return %y : tensor<?x3x6xf32>
}

// A correction, on either side of the sum.
// CHECK-LABEL: func.func @correction
// CHECK-SAME: (%[[X:.*]]: tensor<?x4xf32>)
// CHECK-NOT: llmc.matmul
// CHECK: %[[XV:.*]] = llmc.linear %[[X]], %[[V:.*]] :
// CHECK-NEXT: %[[LEFT:.*]] = llmc.linear %[[XV]], %[[U:.*]] :
// CHECK-NEXT: %[[RIGHT:.*]] = llmc.linear %[[X]], %[[W:.*]], %[[B:.*]] :
// CHECK-NEXT: %[[Y:.*]] = llmc.add %[[LEFT]], %[[RIGHT]]
// CHECK-NEXT: %[[XV2:.*]] = llmc.linear %[[X]], %[[V]] :
// CHECK-NEXT: %[[LEFT2:.*]] = llmc.linear %[[XV2]], %[[U]] :
// CHECK-NEXT: %[[RIGHT2:.*]] = llmc.linear %[[X]], %[[W]] :
// CHECK-NEXT: %[[Z:.*]] = llmc.add %[[LEFT2]], %[[RIGHT2]]
// CHECK-NEXT: return %[[Y]], %[[Z]]
func.func @correction(%x: tensor<?x4xf32>) -> (tensor<?x6xf32>, tensor<?x6xf32>) {
  %w = llmc.weight @w : tensor<6x4xf32>
  %u = llmc.weight @u : tensor<6x2xf32>
  %v = llmc.weight @v : tensor<2x4xf32>
  %b = llmc.weight @b : tensor<6xf32>
  %uv = llmc.matmul %u, %v : (tensor<6x2xf32>, tensor<2x4xf32>) -> tensor<6x4xf32>
  %w0 = llmc.add %w, %uv : (tensor<6x4xf32>, tensor<6x4xf32>) -> tensor<6x4xf32>
  %w1 = llmc.add %uv, %w : (tensor<6x4xf32>, tensor<6x4xf32>) -> tensor<6x4xf32>
  %y = llmc.linear %x, %w0, %b : (tensor<?x4xf32>, tensor<6x4xf32>, tensor<6xf32>) -> tensor<?x6xf32>
  %z = llmc.linear %x, %w1 : (tensor<?x4xf32>, tensor<6x4xf32>) -> tensor<?x6xf32>
  return %y, %z : tensor<?x6xf32>, tensor<?x6xf32>
}

// As [in, out], as ONNX's MatMul has it: the factors change places.
// CHECK-LABEL: func.func @transposed
// CHECK-SAME: (%[[X:.*]]: tensor<?x6xf32>)
// CHECK-DAG: %[[U:.*]] = llmc.weight @u
// CHECK-DAG: %[[V:.*]] = llmc.weight @v
// CHECK-DAG: %[[UT:.*]] = llmc.transpose %[[U]] {perm = array<i64: 1, 0>}
// CHECK-DAG: %[[VT:.*]] = llmc.transpose %[[V]] {perm = array<i64: 1, 0>}
// CHECK: %[[XU:.*]] = llmc.linear %[[X]], %[[UT]] : {{.*}} -> tensor<?x2xf32>
// CHECK-NEXT: %[[Y:.*]] = llmc.linear %[[XU]], %[[VT]] : {{.*}} -> tensor<?x4xf32>
// CHECK-NEXT: return %[[Y]]
func.func @transposed(%x: tensor<?x6xf32>) -> tensor<?x4xf32> {
  %u = llmc.weight @u : tensor<6x2xf32>
  %v = llmc.weight @v : tensor<2x4xf32>
  %uv = llmc.matmul %u, %v : (tensor<6x2xf32>, tensor<2x4xf32>) -> tensor<6x4xf32>
  %w = llmc.transpose %uv {perm = array<i64: 1, 0>} : (tensor<6x4xf32>) -> tensor<4x6xf32>
  %y = llmc.linear %x, %w : (tensor<?x6xf32>, tensor<4x6xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// CHECK-LABEL: func.func @transposed_correction
// CHECK-SAME: (%[[X:.*]]: tensor<?x6xf32>)
// CHECK-NOT: llmc.matmul
// CHECK-COUNT-3: llmc.transpose
// CHECK-NOT: llmc.transpose
// CHECK: %[[XU:.*]] = llmc.linear %[[X]], %{{.*}} : {{.*}} -> tensor<?x2xf32>
// CHECK-NEXT: %[[LOW:.*]] = llmc.linear %[[XU]], %{{.*}} : {{.*}} -> tensor<?x4xf32>
// CHECK-NEXT: %[[REST:.*]] = llmc.linear %[[X]], %{{.*}} : {{.*}} -> tensor<?x4xf32>
// CHECK-NEXT: llmc.add %[[LOW]], %[[REST]]
func.func @transposed_correction(%x: tensor<?x6xf32>) -> tensor<?x4xf32> {
  %w = llmc.weight @w : tensor<6x4xf32>
  %u = llmc.weight @u : tensor<6x2xf32>
  %v = llmc.weight @v : tensor<2x4xf32>
  %uv = llmc.matmul %u, %v : (tensor<6x2xf32>, tensor<2x4xf32>) -> tensor<6x4xf32>
  %sum = llmc.add %w, %uv : (tensor<6x4xf32>, tensor<6x4xf32>) -> tensor<6x4xf32>
  %t = llmc.transpose %sum {perm = array<i64: 1, 0>} : (tensor<6x4xf32>) -> tensor<4x6xf32>
  %y = llmc.linear %x, %t : (tensor<?x6xf32>, tensor<4x6xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// CHECK-LABEL: func.func @embedding
// CHECK-SAME: (%[[IDS:.*]]: tensor<?xi64>)
// CHECK-DAG: %[[U:.*]] = llmc.weight @u
// CHECK-DAG: %[[V:.*]] = llmc.weight @v
// CHECK-DAG: %[[E:.*]] = llmc.embedding %[[IDS]], %[[U]] : {{.*}} -> tensor<?x2xf32>
// CHECK-DAG: %[[VT:.*]] = llmc.transpose %[[V]]
// CHECK: %[[LOW:.*]] = llmc.linear %[[E]], %[[VT]]
// CHECK: %[[ROWS:.*]] = llmc.embedding %[[IDS]], %{{.*}} : {{.*}} -> tensor<?x4xf32>
// CHECK: llmc.add %[[LOW]], %[[ROWS]]
func.func @embedding(%ids: tensor<?xi64>) -> tensor<?x4xf32> {
  %w = llmc.weight @w : tensor<6x4xf32>
  %u = llmc.weight @u : tensor<6x2xf32>
  %v = llmc.weight @v : tensor<2x4xf32>
  %uv = llmc.matmul %u, %v : (tensor<6x2xf32>, tensor<2x4xf32>) -> tensor<6x4xf32>
  %e = llmc.add %uv, %w : (tensor<6x4xf32>, tensor<6x4xf32>) -> tensor<6x4xf32>
  %y = llmc.embedding %ids, %e : (tensor<?xi64>, tensor<6x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// A sum of weights, a bias that is broadcast, and a product that others read
// stay.
// CHECK-LABEL: func.func @others
// CHECK: %[[UV:.*]] = llmc.matmul
// CHECK: %[[SUM:.*]] = llmc.add
// CHECK: llmc.linear %{{.*}}, %[[SUM]]
// CHECK: %[[SPREAD:.*]] = llmc.add %[[UV]], %
// CHECK: llmc.linear %{{.*}}, %[[SPREAD]]
// CHECK: return %{{.*}}, %{{.*}}, %[[UV]]
func.func @others(%x: tensor<?x4xf32>, %c: tensor<4xf32>)
    -> (tensor<?x6xf32>, tensor<?x6xf32>, tensor<6x4xf32>) {
  %w = llmc.weight @w : tensor<6x4xf32>
  %u = llmc.weight @u : tensor<6x2xf32>
  %v = llmc.weight @v : tensor<2x4xf32>
  %uv = llmc.matmul %u, %v : (tensor<6x2xf32>, tensor<2x4xf32>) -> tensor<6x4xf32>
  %sum = llmc.add %w, %w : (tensor<6x4xf32>, tensor<6x4xf32>) -> tensor<6x4xf32>
  %y = llmc.linear %x, %sum : (tensor<?x4xf32>, tensor<6x4xf32>) -> tensor<?x6xf32>
  %spread = llmc.add %uv, %c : (tensor<6x4xf32>, tensor<4xf32>) -> tensor<6x4xf32>
  %z = llmc.linear %x, %spread : (tensor<?x4xf32>, tensor<6x4xf32>) -> tensor<?x6xf32>
  return %y, %z, %uv : tensor<?x6xf32>, tensor<?x6xf32>, tensor<6x4xf32>
}

// Six squarings are the 64th power: more linears than one weight is worth.
// CHECK-LABEL: func.func @power
// CHECK-COUNT-6: llmc.matmul
// CHECK: llmc.linear
// CHECK-NOT: llmc.linear
func.func @power(%x: tensor<?x4xf32>, %w: tensor<4x4xf32>) -> tensor<?x4xf32> {
  %2 = llmc.matmul %w, %w : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %4 = llmc.matmul %2, %2 : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %8 = llmc.matmul %4, %4 : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %16 = llmc.matmul %8, %8 : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %32 = llmc.matmul %16, %16 : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %64 = llmc.matmul %32, %32 : (tensor<4x4xf32>, tensor<4x4xf32>) -> tensor<4x4xf32>
  %y = llmc.linear %x, %64 : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}
