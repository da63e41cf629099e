// RUN: llmc-opt %s --llmc-parallelize-kernels | FileCheck %s

#id = affine_map<(i, j) -> (i, j)>
#row = affine_map<(i, j) -> (i)>

// CHECK-LABEL: func.func @dynamic
// CHECK: %[[LARGE:.*]] = arith.cmpi sge, %{{.*}}, %c32768
// CHECK: scf.if %[[LARGE]] {
// CHECK:   scf.parallel (%{{.*}}, %{{.*}}, %{{.*}}) = {{.*}} step (%{{.*}}, %{{.*}}, %c16{{.*}}) {
// CHECK:     linalg.transpose ins(%{{.*}} : memref<1x?x1x64xf32,
// CHECK: } else {
// CHECK-NEXT: linalg.transpose ins(%{{.*}} : memref<?x?x4x64xf32>)
func.func @dynamic(%x: memref<?x?x4x64xf32>, %y: memref<?x4x?x64xf32>) {
  linalg.transpose ins(%x : memref<?x?x4x64xf32>) outs(%y : memref<?x4x?x64xf32>) permutation = [0, 2, 1, 3]
  return
}

// Sums stay with one thread.
// CHECK-LABEL: func.func @sums
// CHECK-NOT: scf.if
// CHECK: scf.parallel (%{{.*}}) =
// CHECK: linalg.generic
// CHECK-SAME: ins(%{{.*}} : memref<16x512xf32,
func.func @sums(%x: memref<64x512xf32>, %y: memref<64xf32>) {
  linalg.generic {indexing_maps = [#id, #row], iterator_types = ["parallel", "reduction"]}
      ins(%x : memref<64x512xf32>) outs(%y : memref<64xf32>) {
  ^bb0(%a: f32, %b: f32):
    %0 = arith.addf %a, %b : f32
    linalg.yield %0 : f32
  }
  return
}

// CHECK-LABEL: func.func @small
// CHECK-NOT: scf.parallel
// CHECK-LABEL: func.func @reduction
// CHECK-NOT: scf.parallel
func.func @small(%x: memref<8x8xf32>, %y: memref<8x8xf32>) {
  linalg.exp ins(%x : memref<8x8xf32>) outs(%y : memref<8x8xf32>)
  return
}
func.func @reduction(%x: memref<100000xf32>, %y: memref<f32>) {
  linalg.reduce { arith.addf } ins(%x : memref<100000xf32>) outs(%y : memref<f32>) dimensions = [0]
  return
}
