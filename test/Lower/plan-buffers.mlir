// RUN: llmc-opt %s --llmc-plan-buffers --split-input-file | FileCheck %s

// %a is dead when %c is made and has its dimensions, so they share memory, as
// large as the larger one; %b is in use then. The offsets are 0 and [n * 32].
// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[X:.*]]: memref<?x2xf32>
// CHECK: %[[N:.*]] = memref.dim %[[X]], %{{.*}} : memref<?x2xf32>
// CHECK: %[[FIRST:.*]] = arith.muli %{{.*}}, %[[N]]
// CHECK: %[[END:.*]] = arith.andi
// CHECK: %[[NEXT:.*]] = arith.addi %[[ZERO:.*]], %[[END]]
// CHECK: %[[TOTAL:.*]] = arith.addi %[[NEXT]]
// CHECK: %[[SCRATCH:.*]] = call @llmc_take_scratch(%[[TOTAL]]) : (index) -> memref<?xi8>
// CHECK: %[[A:.*]] = memref.view %[[SCRATCH]][%[[ZERO]]][%{{.*}}] : memref<?xi8> to memref<?x4xf32>
// CHECK: call @f(%[[X]], %[[A]])
// CHECK: %[[B:.*]] = memref.view %[[SCRATCH]][%[[NEXT]]][%{{.*}}] : memref<?xi8> to memref<?x4xf32>
// CHECK: %[[CAST:.*]] = memref.cast %[[A]]
// CHECK: call @g(%[[CAST]], %[[B]])
// CHECK: memref.view %[[SCRATCH]][%[[ZERO]]][%{{.*}}] : memref<?xi8> to memref<?x8xf32>
// CHECK-NOT: memref.dealloc
// CHECK: call @llmc_return_scratch(%[[SCRATCH]]) : (memref<?xi8>) -> ()
// CHECK: return
func.func private @f(memref<?x2xf32>, memref<?x4xf32>)
func.func private @g(memref<?x?xf32>, memref<?x4xf32>)
func.func private @h(memref<?x4xf32>, memref<?x8xf32>)
func.func @main(%x: memref<?x2xf32>) {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?x2xf32>
  %a = memref.alloc(%n) : memref<?x4xf32>
  call @f(%x, %a) : (memref<?x2xf32>, memref<?x4xf32>) -> ()
  %b = memref.alloc(%n) : memref<?x4xf32>
  %cast = memref.cast %a : memref<?x4xf32> to memref<?x?xf32>
  call @g(%cast, %b) : (memref<?x?xf32>, memref<?x4xf32>) -> ()
  %c = memref.alloc(%n) : memref<?x8xf32>
  call @h(%b, %c) : (memref<?x4xf32>, memref<?x8xf32>) -> ()
  memref.dealloc %a : memref<?x4xf32>
  memref.dealloc %b : memref<?x4xf32>
  memref.dealloc %c : memref<?x8xf32>
  return
}

// -----

// A use inside of a region counts where the region is: two places.
// CHECK-LABEL: func.func @main(
// CHECK: %[[NEXT:.*]] = arith.addi %[[ZERO:.*]], %{{.*}}
// CHECK: memref.view %{{.*}}[%[[ZERO]]][] : memref<?xi8> to memref<64xf32>
// CHECK: memref.view %{{.*}}[%[[NEXT]]][] : memref<?xi8> to memref<64xf32>
// CHECK: scf.if
func.func private @f(memref<64xf32>)
func.func @main(%flag: i1) {
  %a = memref.alloc() : memref<64xf32>
  %b = memref.alloc() : memref<64xf32>
  call @f(%b) : (memref<64xf32>) -> ()
  scf.if %flag {
    func.call @f(%a) : (memref<64xf32>) -> ()
  }
  memref.dealloc %a : memref<64xf32>
  memref.dealloc %b : memref<64xf32>
  return
}

// -----

// What is returned, is released under a condition, or has a size that is not
// known when @main begins, stays.
// CHECK-LABEL: func.func @main(
// CHECK-NOT: memref.view
// CHECK: memref.alloc() : memref<2xf32>
// CHECK: memref.alloc() : memref<3xf32>
// CHECK: memref.alloc(%{{.*}}) : memref<?xf32>
func.func @main(%flag: i1, %count: memref<index>) -> memref<2xf32> {
  %a = memref.alloc() : memref<2xf32>
  %b = memref.alloc() : memref<3xf32>
  scf.if %flag {
    memref.dealloc %b : memref<3xf32>
  }
  %n = memref.load %count[] : memref<index>
  %c = memref.alloc(%n) : memref<?xf32>
  memref.dealloc %c : memref<?xf32>
  return %a : memref<2xf32>
}

// -----

// A size that is one of a buffer seen without a dimension of 1 is known, too.
// CHECK-LABEL: func.func @main(
// CHECK-NOT: memref.alloc
// CHECK: memref.view %{{.*}} : memref<?xi8> to memref<?x1x4xf32>
// CHECK: memref.view %{{.*}} : memref<?xi8> to memref<?xf32>
func.func private @f(memref<?x1x4xf32>, memref<?xf32>)
func.func @main(%x: memref<?x2xf32>) {
  %c0 = arith.constant 0 : index
  %n = memref.dim %x, %c0 : memref<?x2xf32>
  %a = memref.alloc(%n) : memref<?x1x4xf32>
  %rows = memref.collapse_shape %a [[0, 1], [2]] : memref<?x1x4xf32> into memref<?x4xf32>
  %size = memref.dim %rows, %c0 : memref<?x4xf32>
  %b = memref.alloc(%size) : memref<?xf32>
  call @f(%a, %b) : (memref<?x1x4xf32>, memref<?xf32>) -> ()
  memref.dealloc %a : memref<?x1x4xf32>
  memref.dealloc %b : memref<?xf32>
  return
}
