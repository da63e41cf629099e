// The form of what is lowered; its numbers are tested by the other files.
// RUN: llmc-opt %s --llmc-to-linalg | FileCheck %s

// CHECK-NOT: llmc.add
// CHECK-LABEL: func.func @elementwise
// CHECK-SAME: (%[[X:.*]]: tensor<?x8xf32>, %[[V:.*]]: tensor<8xf32>) -> tensor<?x8xf32>
func.func @elementwise(%x: tensor<?x8xf32>, %v: tensor<8xf32>) -> tensor<?x8xf32> {
  // CHECK: tensor.dim %[[X]]
  // CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "parallel"]} ins(%[[X]], %[[V]] :
  // CHECK: arith.addf
  %0 = llmc.add %x, %v : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// Unsigned integers are signless, and their ops unsigned.
// CHECK-LABEL: func.func @unsigned
// CHECK-SAME: (%{{.*}}: tensor<4xi8>) -> tensor<4xi8>
func.func @unsigned(%x: tensor<4xui8>) -> tensor<4xui8> {
  // CHECK: arith.divui
  %0 = llmc.div %x, %x : (tensor<4xui8>, tensor<4xui8>) -> tensor<4xui8>
  return %0 : tensor<4xui8>
}

// CHECK-LABEL: func.func @reduction
func.func @reduction(%x: tensor<?x8xf32>) -> tensor<?x1xf32> {
  // CHECK: linalg.generic {{.*}} iterator_types = ["parallel", "reduction"]}
  // CHECK: arith.addf
  %0 = llmc.reduce sum %x {axes = array<i64: 1>} : (tensor<?x8xf32>) -> tensor<?x1xf32>
  return %0 : tensor<?x1xf32>
}

// A shape is the sizes of its tensor.
// CHECK-LABEL: func.func @shape
func.func @shape(%x: tensor<?x8xf32>) -> tensor<1xi64> {
  // CHECK: tensor.dim
  // CHECK: arith.index_cast
  // CHECK: tensor.from_elements
  %0 = llmc.shape %x {start = 0, end = 1} : (tensor<?x8xf32>) -> tensor<1xi64>
  return %0 : tensor<1xi64>
}
