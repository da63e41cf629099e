// RUN: llmc-opt %s --llmc-copies-to-loops | FileCheck %s

// CHECK-LABEL: func.func @copies
func.func @copies(%a: memref<4x4xf32>, %b: memref<4x4xf32>, %s: memref<4x4xf32, strided<[8, 1], offset: ?>>,
                  %rows: memref<?x4xf32>) {
  // Contiguous buffers are one call of memcpy.
  // CHECK: memref.copy %{{.*}}, %{{.*}} : memref<4x4xf32> to memref<4x4xf32>
  memref.copy %a, %b : memref<4x4xf32> to memref<4x4xf32>
  // CHECK: memref.copy %{{.*}}, %{{.*}} : memref<?x4xf32> to memref<4x4xf32>
  memref.copy %rows, %b : memref<?x4xf32> to memref<4x4xf32>
  // CHECK: linalg.copy ins(%{{.*}} : memref<4x4xf32>) outs(%{{.*}} : memref<4x4xf32, strided<[8, 1], offset: ?>>)
  memref.copy %a, %s : memref<4x4xf32> to memref<4x4xf32, strided<[8, 1], offset: ?>>
  // CHECK: linalg.copy ins(%{{.*}} : memref<4x4xf32, strided<[8, 1], offset: ?>>) outs(%{{.*}} : memref<4x4xf32>)
  memref.copy %s, %b : memref<4x4xf32, strided<[8, 1], offset: ?>> to memref<4x4xf32>
  // CHECK-NOT: memref.copy
  return
}
