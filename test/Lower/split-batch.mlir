// RUN: llmc-opt %s --split-input-file --llmc-split-batch | FileCheck %s

// The caller makes the results; kernels' buffers stay in the part.
// CHECK-LABEL: func.func private @main_part(
// CHECK-SAME: %[[X:.*]]: memref<?x8xf32>, %[[W:.*]]: memref<8xf32>, %[[Y:.*]]: memref<?x4xf32>)
// CHECK: %[[T:.*]] = memref.alloc
// CHECK: call @f(%[[X]], %[[W]], %[[T]])
// CHECK: call @g(%[[T]], %[[Y]])
// CHECK: return{{$}}

// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[X:.*]]: memref<?x8xf32> {llmc.name = "x"}, %[[W:.*]]: memref<8xf32>) -> (memref<?x4xf32> {llmc.name = "y"}) attributes {llvm.emit_c_interface}
// CHECK: %[[N:.*]] = memref.dim %[[X]], %{{.*}} : memref<?x8xf32>
// CHECK: %[[Y:.*]] = memref.alloc(%[[N]]) : memref<?x4xf32>
// CHECK: %[[BATCH:.*]] = memref.dim %[[X]]
// CHECK-DAG: call @omp_get_max_threads() : () -> i32
// CHECK: %[[PARTS:.*]] = arith.select
// CHECK: %[[WHOLE:.*]] = arith.cmpi ult, %[[PARTS]]
// CHECK: scf.if %[[WHOLE]] {
// CHECK-NEXT: func.call @main_part(%[[X]], %[[W]], %[[Y]])
// CHECK-NEXT: } else {
// CHECK: scf.parallel (%[[I:.*]]) = (%{{.*}}) to (%[[PARTS]]) step (%{{.*}}) {
// CHECK: %[[FIRST:.*]] = arith.muli %[[I]], %[[BATCH]]
// CHECK: %[[BEGIN:.*]] = arith.divui %[[FIRST]], %[[PARTS]]
// CHECK: %[[COUNT:.*]] = arith.subi %{{.*}}, %[[BEGIN]]
// CHECK: %[[ROWS:.*]] = builtin.unrealized_conversion_cast %{{.*}} to memref<?x8xf32>
// CHECK: %[[RESULTS:.*]] = builtin.unrealized_conversion_cast %{{.*}} to memref<?x4xf32>
// CHECK: func.call @main_part(%[[ROWS]], %[[W]], %[[RESULTS]])
// CHECK: return %[[Y]]
func.func private @f(memref<?x8xf32>, memref<8xf32>, memref<?x8xf32>)
func.func private @g(memref<?x8xf32>, memref<?x4xf32>)
func.func @main(%x: memref<?x8xf32> {llmc.batch, llmc.name = "x"}, %w: memref<8xf32>) -> (memref<?x4xf32> {llmc.name = "y"}) attributes {llvm.emit_c_interface} {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?x8xf32>
  %t = memref.alloc(%n) : memref<?x8xf32>
  %y = memref.alloc(%n) : memref<?x4xf32>
  call @f(%x, %w, %t) : (memref<?x8xf32>, memref<8xf32>, memref<?x8xf32>) -> ()
  call @g(%t, %y) : (memref<?x8xf32>, memref<?x4xf32>) -> ()
  memref.dealloc %t : memref<?x8xf32>
  return %y : memref<?x4xf32>
}

// -----

// A caller does not know how large the result is.
// CHECK-NOT: main_part
// CHECK-LABEL: func.func @main(
// CHECK-NOT: llmc.batch
// CHECK: memref.load
func.func @main(%x: memref<?x8xf32> {llmc.batch}, %size: memref<index>) -> memref<?x4xf32> {
  %n = memref.load %size[] : memref<index>
  %y = memref.alloc(%n) : memref<?x4xf32>
  return %y : memref<?x4xf32>
}

// -----

// No input is split.
// CHECK-NOT: main_part
// CHECK-LABEL: func.func @main(
func.func @main(%x: memref<?x8xf32>) -> memref<?x4xf32> {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?x8xf32>
  %y = memref.alloc(%n) : memref<?x4xf32>
  return %y : memref<?x4xf32>
}
