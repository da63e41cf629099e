// RUN: llmc-opt %s --llmc-separate-results | FileCheck %s

// CHECK-LABEL: func.func @main
// CHECK-SAME: (%[[X:.*]]: memref<4xf32>, %[[Y:.*]]: memref<4xf32>)
// CHECK: %[[VIEW:.*]] = memref.expand_shape %[[X]]
// CHECK: %[[SECOND:.*]] = bufferization.clone %[[X]]
// CHECK: %[[THIRD:.*]] = bufferization.clone %[[VIEW]]
// CHECK: return %[[X]], %[[SECOND]], %[[Y]], %[[THIRD]]
func.func @main(%x: memref<4xf32>, %y: memref<4xf32>)
    -> (memref<4xf32>, memref<4xf32>, memref<4xf32>, memref<2x2xf32>) {
  %view = memref.expand_shape %x [[0, 1]] output_shape [2, 2] : memref<4xf32> into memref<2x2xf32>
  return %x, %x, %y, %view : memref<4xf32>, memref<4xf32>, memref<4xf32>, memref<2x2xf32>
}
