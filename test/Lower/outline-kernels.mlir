// RUN: llmc-opt %s --llmc-outline-kernels --split-input-file | FileCheck %s

// Equal kernels on different buffers are one function; constants move into it.
// CHECK-LABEL: func.func @main
// CHECK: call @[[ADD:.*]](%arg0, %arg1) : (memref<?x8xf32>, memref<?x8xf32>) -> ()
// CHECK-NEXT: call @[[ADD]](%arg1, %arg0)
// CHECK-NEXT: call @[[OTHER:.*]](%arg0, %arg1)
// CHECK-NEXT: return
// CHECK: func.func private @[[ADD]](
// CHECK: %[[ONE:.*]] = arith.constant 1.000000e+00
// CHECK: linalg.generic
// CHECK: arith.addf %{{.*}}, %[[ONE]]
// CHECK: func.func private @[[OTHER]](
// CHECK: %[[TWO:.*]] = arith.constant 2.000000e+00
// CHECK: arith.addf %{{.*}}, %[[TWO]]
#id = affine_map<(i, j) -> (i, j)>
func.func @main(%a: memref<?x8xf32>, %b: memref<?x8xf32>) {
  %one = arith.constant 1.0 : f32
  %two = arith.constant 2.0 : f32
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%a : memref<?x8xf32>) outs(%b : memref<?x8xf32>) {
  ^bb0(%x: f32, %y: f32):
    %0 = arith.addf %x, %one : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%b : memref<?x8xf32>) outs(%a : memref<?x8xf32>) {
  ^bb0(%x: f32, %y: f32):
    %0 = arith.addf %x, %one : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%a : memref<?x8xf32>) outs(%b : memref<?x8xf32>) {
  ^bb0(%x: f32, %y: f32):
    %0 = arith.addf %x, %two : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

// Loops are kernels too, with what they hold, unless they make a value.
// CHECK-LABEL: func.func @main
// CHECK: call @{{.*}}(%arg1, %arg0) : (index, memref<?xf32>) -> ()
// CHECK: scf.for {{.*}} iter_args
// CHECK-NOT: call
// CHECK: return
func.func @main(%a: memref<?xf32>, %n: index) -> f32 {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0.0 : f32
  scf.for %i = %c0 to %n step %c1 {
    memref.store %zero, %a[%i] : memref<?xf32>
  }
  %sum = scf.for %i = %c0 to %n step %c1 iter_args(%s = %zero) -> f32 {
    %x = memref.load %a[%i] : memref<?xf32>
    %t = arith.addf %s, %x : f32
    scf.yield %t : f32
  }
  return %sum : f32
}

// -----

// A number of 16 bits is handed over as an integer.
// CHECK-LABEL: func.func @main
// CHECK: %[[BITS:.*]] = arith.bitcast %arg1 : bf16 to i16
// CHECK: call @[[FILL:.*]](%[[BITS]], %arg0) : (i16, memref<?xbf16>) -> ()
// CHECK: func.func private @[[FILL]](%[[ARG:.*]]: i16,
// CHECK: %[[NUMBER:.*]] = arith.bitcast %[[ARG]] : i16 to bf16
// CHECK: linalg.fill ins(%[[NUMBER]] : bf16)
func.func @main(%a: memref<?xbf16>, %x: bf16) {
  linalg.fill ins(%x : bf16) outs(%a : memref<?xbf16>)
  return
}
