// RUN: llmc-opt %s --llmc-fuse-elementwise | FileCheck %s

#i = affine_map<(i) -> (i)>
#ij = affine_map<(i, j) -> (i, j)>
#ji = affine_map<(i, j) -> (j, i)>
#rows = affine_map<(i, j) -> (i)>
#columns = affine_map<(i, j) -> (j)>

// CHECK-LABEL: func.func @chain(
// CHECK: linalg.generic
// CHECK: math.exp
// CHECK-NEXT: arith.addf
// CHECK-NOT: linalg.generic
func.func @chain(%x: tensor<?x?xf32>, %one: f32, %to: tensor<?x?xf32>) -> tensor<?x?xf32> {
  %e = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<?x?xf32>) outs(%to : tensor<?x?xf32>) {
  ^bb0(%a: f32, %b: f32):
    %v = math.exp %a : f32
    linalg.yield %v : f32
  } -> tensor<?x?xf32>
  %y = linalg.generic {indexing_maps = [#ji, #ij], iterator_types = ["parallel", "parallel"]}
      ins(%e : tensor<?x?xf32>) outs(%to : tensor<?x?xf32>) {
  ^bb0(%a: f32, %b: f32):
    %v = arith.addf %a, %one : f32
    linalg.yield %v : f32
  } -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

// A product reads each exponential once per row.
// CHECK-LABEL: func.func @product(
// CHECK: linalg.generic
// CHECK: math.exp
// CHECK: linalg.generic
// CHECK-NOT: math.exp
func.func @product(%x: tensor<8xf32>, %w: tensor<4x8xf32>, %tmp: tensor<8xf32>, %to: tensor<4xf32>) -> tensor<4xf32> {
  %e = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]}
      ins(%x : tensor<8xf32>) outs(%tmp : tensor<8xf32>) {
  ^bb0(%a: f32, %b: f32):
    %v = math.exp %a : f32
    linalg.yield %v : f32
  } -> tensor<8xf32>
  %y = linalg.generic {indexing_maps = [#ij, #columns, #rows], iterator_types = ["parallel", "reduction"]}
      ins(%w, %e : tensor<4x8xf32>, tensor<8xf32>) outs(%to : tensor<4xf32>) {
  ^bb0(%a: f32, %b: f32, %s: f32):
    %p = arith.mulf %a, %b : f32
    %n = arith.addf %s, %p : f32
    linalg.yield %n : f32
  } -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// A sum reads each exponential once.
// CHECK-LABEL: func.func @sum(
// CHECK: linalg.generic
// CHECK: math.exp
// CHECK: arith.addf
// CHECK-NOT: linalg.generic
func.func @sum(%x: tensor<4x8xf32>, %tmp: tensor<4x8xf32>, %to: tensor<4xf32>) -> tensor<4xf32> {
  %e = linalg.generic {indexing_maps = [#ij, #ij], iterator_types = ["parallel", "parallel"]}
      ins(%x : tensor<4x8xf32>) outs(%tmp : tensor<4x8xf32>) {
  ^bb0(%a: f32, %b: f32):
    %v = math.exp %a : f32
    linalg.yield %v : f32
  } -> tensor<4x8xf32>
  %y = linalg.generic {indexing_maps = [#ij, #rows], iterator_types = ["parallel", "reduction"]}
      ins(%e : tensor<4x8xf32>) outs(%to : tensor<4xf32>) {
  ^bb0(%a: f32, %s: f32):
    %n = arith.addf %s, %a : f32
    linalg.yield %n : f32
  } -> tensor<4xf32>
  return %y : tensor<4xf32>
}

// Two readers would compute it twice.
// CHECK-LABEL: func.func @two_readers(
// CHECK-COUNT-1: math.exp
// CHECK-NOT: math.exp
func.func @two_readers(%x: tensor<?xf32>, %to: tensor<?xf32>) -> (tensor<?xf32>, tensor<?xf32>) {
  %e = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]}
      ins(%x : tensor<?xf32>) outs(%to : tensor<?xf32>) {
  ^bb0(%a: f32, %b: f32):
    %v = math.exp %a : f32
    linalg.yield %v : f32
  } -> tensor<?xf32>
  %y = linalg.generic {indexing_maps = [#i, #i], iterator_types = ["parallel"]}
      ins(%e : tensor<?xf32>) outs(%to : tensor<?xf32>) {
  ^bb0(%a: f32, %b: f32):
    %v = arith.negf %a : f32
    linalg.yield %v : f32
  } -> tensor<?xf32>
  return %e, %y : tensor<?xf32>, tensor<?xf32>
}
