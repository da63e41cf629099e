// RUN: llmc-opt %s --one-shot-bufferize="bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map" | FileCheck %s

llmc.kernel @k by "cpu" kind "linear" {config = {}}

// A kernel does not read what its output holds, so the output needs no copy.
// CHECK-LABEL: func.func @written(
// CHECK-SAME: %[[X:.*]]: memref<4xf32>
// CHECK-NOT: memref.copy
// CHECK: %[[Y:.*]] = memref.alloc() {{.*}} memref<4xf32>
// CHECK: llmc.launch @k ins(%[[X]] : memref<4xf32>) outs(%[[Y]] : memref<4xf32>)
// CHECK: return %[[Y]]
func.func @written(%x: tensor<4xf32>) -> tensor<4xf32> {
  %e = tensor.empty() : tensor<4xf32>
  %y = llmc.launch @k ins(%x : tensor<4xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// Kernels get row-major buffers: a strided slice is copied.
// CHECK-LABEL: func.func @strided(
// CHECK: %[[S:.*]] = memref.subview
// CHECK: %[[D:.*]] = memref.alloc() {{.*}} memref<4x2xf32>
// CHECK: memref.copy %[[S]], %[[D]]
// CHECK: llmc.launch @k ins(%[[D]] : memref<4x2xf32>)
func.func @strided(%x: tensor<4x8xf32>) -> tensor<4xf32> {
  %s = tensor.extract_slice %x[0, 1] [4, 2] [1, 1] : tensor<4x8xf32> to tensor<4x2xf32>
  %e = tensor.empty() : tensor<4xf32>
  %y = llmc.launch @k ins(%s : tensor<4x2xf32>) outs(%e : tensor<4xf32>) -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// What a kernel updates it finds there, in place if nothing else needs it,
// CHECK-LABEL: func.func @updated(
// CHECK-SAME: %[[C:.*]]: memref<4xf32>
// CHECK-NOT: memref.alloc
// CHECK: llmc.launch @k outs(%[[C]] : memref<4xf32>) {updates = array<i64: 0>}
// CHECK: return %[[C]]
func.func @updated(%c: tensor<4xf32>) -> tensor<4xf32> {
  %y = llmc.launch @k outs(%c : tensor<4xf32>) {updates = array<i64: 0>} -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// and otherwise in a copy.
// CHECK-LABEL: func.func @updated_copy(
// CHECK-SAME: %[[C:.*]]: memref<4xf32>
// CHECK: %[[D:.*]] = memref.alloc() {{.*}} memref<4xf32>
// CHECK: memref.copy %[[C]], %[[D]]
// CHECK: llmc.launch @k outs(%[[D]] : memref<4xf32>) {updates = array<i64: 0>}
// CHECK: return %[[D]], %[[C]]
func.func @updated_copy(%c: tensor<4xf32>) -> (tensor<4xf32>, tensor<4xf32>) {
  %y = llmc.launch @k outs(%c : tensor<4xf32>) {updates = array<i64: 0>} -> tensor<4xf32>
  return %y, %c : tensor<4xf32>, tensor<4xf32>
}
