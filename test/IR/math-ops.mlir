// RUN: llmc-opt %s | llmc-opt | FileCheck %s
// RUN: llmc-opt %s --mlir-print-op-generic | llmc-opt | FileCheck %s

// CHECK-LABEL: @unary
func.func @unary(%x: tensor<2x?xf32>, %i: tensor<3xi32>, %b: tensor<4xi1>) {
  // CHECK: llmc.abs %{{.*}} : (tensor<2x?xf32>) -> tensor<2x?xf32>
  %0 = llmc.abs %x : (tensor<2x?xf32>) -> tensor<2x?xf32>
  // CHECK: llmc.erf
  %1 = llmc.erf %x : (tensor<2x?xf32>) -> tensor<2x?xf32>
  // CHECK: llmc.not %{{.*}} : (tensor<4xi1>) -> tensor<4xi1>
  %2 = llmc.not %b : (tensor<4xi1>) -> tensor<4xi1>
  // CHECK: llmc.bitwise_not %{{.*}} : (tensor<3xi32>) -> tensor<3xi32>
  %3 = llmc.bitwise_not %i : (tensor<3xi32>) -> tensor<3xi32>
  // CHECK: llmc.is_inf %{{.*}} {detect_negative = false}
  %4 = llmc.is_inf %x {detect_negative = false}
     : (tensor<2x?xf32>) -> tensor<2x?xi1>
  // A type may say more than inference knew.
  // CHECK: llmc.exp %{{.*}} : (tensor<2x?xf32>) -> tensor<2x7xf32>
  %5 = llmc.exp %x : (tensor<2x?xf32>) -> tensor<2x7xf32>
  return
}

// CHECK-LABEL: @binary
func.func @binary(%x: tensor<2x1x3xf32>, %y: tensor<4x1xf32>,
                  %i: tensor<?xui8>, %n: tensor<i64>) {
  // CHECK: llmc.add {{.*}} -> tensor<2x4x3xf32>
  %0 = llmc.add %x, %y : (tensor<2x1x3xf32>, tensor<4x1xf32>) -> tensor<2x4x3xf32>
  // CHECK: llmc.less_or_equal {{.*}} -> tensor<2x4x3xi1>
  %1 = llmc.less_or_equal %x, %y
     : (tensor<2x1x3xf32>, tensor<4x1xf32>) -> tensor<2x4x3xi1>
  // CHECK: llmc.where {{.*}} -> tensor<2x4x3xf32>
  %2 = llmc.where %1, %x, %y
     : (tensor<2x4x3xi1>, tensor<2x1x3xf32>, tensor<4x1xf32>)
    -> tensor<2x4x3xf32>
  // CHECK: llmc.pow {{.*}} : (tensor<4x1xf32>, tensor<i64>) -> tensor<4x1xf32>
  %3 = llmc.pow %y, %n : (tensor<4x1xf32>, tensor<i64>) -> tensor<4x1xf32>
  // CHECK: llmc.bit_shift {{.*}} {right}
  %4 = llmc.bit_shift %i, %i {right} : (tensor<?xui8>, tensor<?xui8>) -> tensor<?xui8>
  // CHECK: llmc.mod {{.*}} {fmod}
  %5 = llmc.mod %x, %y {fmod}
     : (tensor<2x1x3xf32>, tensor<4x1xf32>) -> tensor<2x4x3xf32>
  // CHECK: llmc.cast {{.*}} {to = i32}
  %6 = llmc.cast %x {to = i32} : (tensor<2x1x3xf32>) -> tensor<2x1x3xi32>
  return
}

// CHECK-LABEL: @reductions
func.func @reductions(%x: tensor<2x?x5xf32>, %w: tensor<4x1x5x7xf32>,
                      %v: tensor<5xf32>) {
  // CHECK: llmc.reduce mean {{.*}} {axes = array<i64: 0, 2>} {{.*}} -> tensor<1x?x1xf32>
  %0 = llmc.reduce mean %x {axes = array<i64: 0, 2>}
     : (tensor<2x?x5xf32>) -> tensor<1x?x1xf32>
  // CHECK: llmc.reduce max {{.*}} keepdims = false} {{.*}} -> tensor<2x?xf32>
  %1 = llmc.reduce max %x {axes = array<i64: 2>, keepdims = false}
     : (tensor<2x?x5xf32>) -> tensor<2x?xf32>
  // CHECK: llmc.softmax {{.*}} {axis = 1 : i64, log}
  %2 = llmc.softmax %x {axis = 1 : i64, log}
     : (tensor<2x?x5xf32>) -> tensor<2x?x5xf32>
  // CHECK: llmc.matmul {{.*}} -> tensor<4x2x?x7xf32>
  %3 = llmc.matmul %x, %w
     : (tensor<2x?x5xf32>, tensor<4x1x5x7xf32>) -> tensor<4x2x?x7xf32>
  // CHECK: llmc.matmul {{.*}} -> tensor<2x?xf32>
  %4 = llmc.matmul %x, %v : (tensor<2x?x5xf32>, tensor<5xf32>) -> tensor<2x?xf32>
  // CHECK: llmc.matmul {{.*}} -> tensor<f32>
  %5 = llmc.matmul %v, %v : (tensor<5xf32>, tensor<5xf32>) -> tensor<f32>
  return
}
