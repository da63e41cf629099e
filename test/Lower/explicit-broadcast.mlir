// RUN: llmc-opt %s --llmc-explicit-broadcast --split-input-file | FileCheck %s

// Equal names are equal sizes, static 1 is repeated by the lowering.
// CHECK-LABEL: @known
func.func @known(%x: tensor<?x1xf32> {llmc.dims = ["n", ""]},
                 %y: tensor<1x?xf32> {llmc.dims = ["", "n"]},
                 %z: tensor<?xf32> {llmc.dims = ["n"]}) -> tensor<?x?xf32> {
  // CHECK-NOT: llmc.expand
  %0 = llmc.add %x, %y : (tensor<?x1xf32>, tensor<1x?xf32>) -> tensor<?x?xf32>
  %1 = llmc.mul %0, %z : (tensor<?x?xf32>, tensor<?xf32>) -> tensor<?x?xf32>
  return %1 : tensor<?x?xf32>
}

// -----

// CHECK-LABEL: @unknown
func.func @unknown(%x: tensor<?x4xf32>, %y: tensor<?xf32>) -> tensor<?x4xf32> {
  // CHECK: %[[SX:.*]] = llmc.shape %arg0
  // CHECK: %[[SY:.*]] = llmc.shape %arg1
  // CHECK: %[[S:.*]] = llmc.broadcast_shape %[[SX]], %[[SY]] : (tensor<2xi64>, tensor<1xi64>) -> tensor<2xi64>
  // CHECK: %[[Y:.*]] = llmc.expand %arg1, %[[S]]
  // CHECK: %[[SUM:.*]] = llmc.add %arg0, %[[Y]]
  %0 = llmc.add %x, %y : (tensor<?x4xf32>, tensor<?xf32>) -> tensor<?x4xf32>
  // The sum is as long as the operand it was made from.
  // CHECK: llmc.sub %[[SUM]], %arg0
  %1 = llmc.sub %0, %x : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  return %1 : tensor<?x4xf32>
}

// -----

// A broadcast that was decided once is known afterwards.
// CHECK-LABEL: @once
func.func @once(%x: tensor<?xf32>, %y: tensor<?xf32>) -> tensor<?xi1> {
  // CHECK-COUNT-2: llmc.expand
  %0 = llmc.add %x, %y : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  // CHECK-COUNT-2: llmc.expand
  %1 = llmc.sub %y, %x : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
  // CHECK-NOT: llmc.expand
  %2 = llmc.less %0, %1 : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xi1>
  return %2 : tensor<?xi1>
}

// -----

// Only the batch dimensions of a product broadcast.
// CHECK-LABEL: @matmul
func.func @matmul(%x: tensor<?x2x3xf32>, %y: tensor<?x3x4xf32>) -> tensor<?x2x4xf32> {
  // CHECK: %[[S:.*]] = llmc.broadcast_shape {{.*}} : (tensor<1xi64>, tensor<1xi64>) -> tensor<1xi64>
  // CHECK: %[[X:.*]] = llmc.expand %arg0, {{.*}} -> tensor<?x2x3xf32>
  // CHECK: %[[Y:.*]] = llmc.expand %arg1, {{.*}} -> tensor<?x3x4xf32>
  // CHECK: llmc.matmul %[[X]], %[[Y]]
  %0 = llmc.matmul %x, %y : (tensor<?x2x3xf32>, tensor<?x3x4xf32>) -> tensor<?x2x4xf32>
  return %0 : tensor<?x2x4xf32>
}

// -----

// The inner dimensions of a product and the outer ones of a concatenation.
// CHECK-LABEL: @agree
func.func @agree(%x: tensor<2x?xf32>, %y: tensor<?x3xf32>, %z: tensor<?x?xf32>) -> tensor<?x3xf32> {
  // CHECK: %[[K:.*]] = llmc.shape %arg0 {end = 2 : i64, start = 1 : i64}
  // CHECK: %[[ONE:.*]] = llmc.constant dense<1> : tensor<1xi64>
  // CHECK: %[[SHAPE:.*]] = llmc.concat %[[K]], %[[ONE]]
  // CHECK: %[[Y:.*]] = llmc.expand %arg1, %[[SHAPE]]
  // CHECK: %[[P:.*]] = llmc.matmul %arg0, %[[Y]] : (tensor<2x?xf32>, tensor<?x3xf32>) -> tensor<2x3xf32>
  %0 = llmc.matmul %x, %y : (tensor<2x?xf32>, tensor<?x3xf32>) -> tensor<2x3xf32>
  // CHECK: %[[Z:.*]] = llmc.expand %arg2, {{.*}} -> tensor<?x3xf32>
  // CHECK: llmc.concat %[[P]], %[[Z]] {axis = 0 : i64} : (tensor<2x3xf32>, tensor<?x3xf32>) -> tensor<?x3xf32>
  %1 = llmc.concat %0, %z {axis = 0 : i64} : (tensor<2x3xf32>, tensor<?x?xf32>) -> tensor<?x3xf32>
  return %1 : tensor<?x3xf32>
}
