// RUN: llmc-opt %s --llmc-carry-accumulators | FileCheck %s

// CHECK-LABEL: func.func @rows(
// CHECK-SAME: %[[A:.*]]: memref<?x8xf32>, %[[X:.*]]: memref<8xf32>, %[[Y:.*]]: memref<?xf32>
// CHECK: scf.for %[[I:.*]] =
// CHECK:   %[[INIT:.*]] = memref.load %[[Y]][%[[I]]]
// CHECK:   %[[SUM:.*]] = scf.for %[[K:.*]] = {{.*}} iter_args(%[[S:.*]] = %[[INIT]]) -> (f32)
// CHECK:     %[[L:.*]] = memref.load %[[A]][%[[I]], %[[K]]]
// CHECK:     %[[R:.*]] = memref.load %[[X]][%[[K]]]
// CHECK:     %[[P:.*]] = arith.mulf %[[L]], %[[R]]
// CHECK:     %[[N:.*]] = arith.addf %[[S]], %[[P]]
// CHECK:     scf.yield %[[N]]
// CHECK:   memref.store %[[SUM]], %[[Y]][%[[I]]]
func.func @rows(%a: memref<?x8xf32>, %x: memref<8xf32>, %y: memref<?xf32>) {
  linalg.generic {
      indexing_maps = [affine_map<(i, k) -> (i, k)>, affine_map<(i, k) -> (k)>,
                       affine_map<(i, k) -> (i)>],
      iterator_types = ["parallel", "reduction"]}
      ins(%a, %x : memref<?x8xf32>, memref<8xf32>) outs(%y : memref<?xf32>) {
  ^bb0(%l: f32, %r: f32, %s: f32):
    %p = arith.mulf %l, %r : f32
    %n = arith.addf %s, %p : f32
    linalg.yield %n : f32
  }
  return
}

// Everything is reduced, two results are carried, and the index is a loop's.
// CHECK-LABEL: func.func @two_results(
// CHECK-SAME: %[[A:.*]]: memref<4x8xf32>, %[[S:.*]]: memref<f32>, %[[T:.*]]: memref<1xindex>
// CHECK-DAG: memref.load %[[S]][]
// CHECK-DAG: memref.load %[[T]][
// CHECK: %[[OUTER:.*]]:2 = scf.for %{{.*}} iter_args
// CHECK:   %[[INNER:.*]]:2 = scf.for %[[K:.*]] = {{.*}} iter_args(%[[S0:.*]] = %{{.*}}, %[[T0:.*]] = %{{.*}})
// CHECK:     arith.addi %[[T0]], %[[K]]
// CHECK:   scf.yield %[[INNER]]#0, %[[INNER]]#1
// CHECK: memref.store %[[OUTER]]#0, %[[S]][]
// CHECK: memref.store %[[OUTER]]#1, %[[T]][
func.func @two_results(%a: memref<4x8xf32>, %s: memref<f32>, %t: memref<1xindex>) {
  linalg.generic {
      indexing_maps = [affine_map<(i, k) -> (i, k)>, affine_map<(i, k) -> ()>,
                       affine_map<(i, k) -> (0)>],
      iterator_types = ["reduction", "reduction"]}
      ins(%a : memref<4x8xf32>) outs(%s, %t : memref<f32>, memref<1xindex>) {
  ^bb0(%x: f32, %sum: f32, %total: index):
    %k = linalg.index 1 : index
    %next = arith.addf %sum, %x : f32
    %more = arith.addi %total, %k : index
    linalg.yield %next, %more : f32, index
  }
  return
}

// The innermost loop is parallel: it vectorises as it is.
// CHECK-LABEL: func.func @columns(
// CHECK: linalg.generic
func.func @columns(%a: memref<8x4xf32>, %y: memref<4xf32>) {
  linalg.generic {
      indexing_maps = [affine_map<(k, j) -> (k, j)>, affine_map<(k, j) -> (j)>],
      iterator_types = ["reduction", "parallel"]}
      ins(%a : memref<8x4xf32>) outs(%y : memref<4xf32>) {
  ^bb0(%x: f32, %s: f32):
    %n = arith.addf %s, %x : f32
    linalg.yield %n : f32
  }
  return
}

// CHECK-LABEL: func.func @elementwise(
// CHECK: linalg.generic
func.func @elementwise(%x: memref<4xf32>) {
  linalg.generic {
      indexing_maps = [affine_map<(i) -> (i)>, affine_map<(i) -> (i)>],
      iterator_types = ["parallel"]}
      ins(%x : memref<4xf32>) outs(%x : memref<4xf32>) {
  ^bb0(%a: f32, %b: f32):
    %n = arith.negf %a : f32
    linalg.yield %n : f32
  }
  return
}
