// RUN: llmc-opt %s --llmc-hoist-scratch | FileCheck %s

// CHECK-LABEL: func.func private @kernel(
// CHECK-SAME: %{{.*}}: memref<?x?x8xf32>, %[[SCRATCH:.*]]: memref<?xf32>, %{{.*}}: memref<4xi8>
// CHECK-NOT: memref.alloc
// CHECK: memref.store %{{.*}}, %[[SCRATCH]]
// CHECK-NOT: memref.dealloc
func.func private @kernel(%x: memref<?x?x8xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c12 = arith.constant 12 : index
  %a = memref.dim %x, %c0 : memref<?x?x8xf32>
  %b = memref.dim %x, %c1 : memref<?x?x8xf32>
  %rows = arith.muli %a, %b : index
  %size = arith.muli %rows, %c12 : index
  %scratch = memref.alloc(%size) : memref<?xf32>
  %other = memref.alloc() : memref<4xi8>
  %value = memref.load %x[%c0, %c0, %c0] : memref<?x?x8xf32>
  memref.store %value, %scratch[%c0] : memref<?xf32>
  memref.dealloc %scratch : memref<?xf32>
  memref.dealloc %other : memref<4xi8>
  return
}

// A size that is data, and a buffer that nobody releases here, stay.
// CHECK-LABEL: func.func private @data(%{{.*}}: memref<index>) -> memref<3xf32>
// CHECK: memref.alloc(
// CHECK: memref.alloc()
func.func private @data(%n: memref<index>) -> memref<3xf32> {
  %size = memref.load %n[] : memref<index>
  %scratch = memref.alloc(%size) : memref<?xf32>
  %result = memref.alloc() : memref<3xf32>
  memref.dealloc %scratch : memref<?xf32>
  return %result : memref<3xf32>
}

// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[X:.*]]: memref<?x?x8xf32>, %[[Y:.*]]: memref<?x?x8xf32>
// CHECK: %[[A:.*]] = memref.dim %[[X]], %c0
// CHECK: %[[B:.*]] = memref.dim %[[X]], %c1
// CHECK: %[[ROWS:.*]] = arith.muli %[[A]], %[[B]]
// CHECK: %[[SIZE:.*]] = arith.muli %[[ROWS]], %c12
// CHECK: %[[S:.*]] = memref.alloc(%[[SIZE]]) : memref<?xf32>
// CHECK: %[[T:.*]] = memref.alloc() : memref<4xi8>
// CHECK: call @kernel(%[[X]], %[[S]], %[[T]])
// CHECK: memref.dealloc %[[T]]
// CHECK: memref.dealloc %[[S]]
// CHECK: memref.dim %[[Y]]
// CHECK: call @kernel(%[[Y]], %{{.*}}, %{{.*}})
// CHECK: call @data(
func.func @main(%x: memref<?x?x8xf32>, %y: memref<?x?x8xf32>, %n: memref<index>) {
  call @kernel(%x) : (memref<?x?x8xf32>) -> ()
  call @kernel(%y) : (memref<?x?x8xf32>) -> ()
  %r = call @data(%n) : (memref<index>) -> memref<3xf32>
  memref.dealloc %r : memref<3xf32>
  return
}
