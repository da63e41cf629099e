// RUN: llmc-opt %s | llmc-opt | FileCheck %s
// RUN: llmc-opt %s --mlir-print-op-generic | llmc-opt | FileCheck %s

// CHECK-LABEL: @positions
func.func @positions(%x: tensor<?x3x4xf32>, %i: tensor<?x3x2xi32>, %u: tensor<?x3x2xf32>,
                     %n: tensor<?x5x1xi64>, %s: tensor<?x5x3x4xf32>) {
  // CHECK: llmc.gather_elements {{.*}} {axis = 2 : i64} {{.*}} -> tensor<?x3x2xf32>
  %0 = llmc.gather_elements %x, %i {axis = 2 : i64}
     : (tensor<?x3x4xf32>, tensor<?x3x2xi32>) -> tensor<?x3x2xf32>
  // CHECK: llmc.gather_nd %{{.*}}, %{{.*}} : {{.*}} -> tensor<?x5x3x4xf32>
  %1 = llmc.gather_nd %x, %n : (tensor<?x3x4xf32>, tensor<?x5x1xi64>) -> tensor<?x5x3x4xf32>
  // CHECK: llmc.gather_nd {{.*}} {batch_dims = 1 : i64} {{.*}} -> tensor<?x5x4xf32>
  %2 = llmc.gather_nd %x, %n {batch_dims = 1 : i64}
     : (tensor<?x3x4xf32>, tensor<?x5x1xi64>) -> tensor<?x5x4xf32>
  // CHECK: llmc.scatter_elements max {{.*}} {axis = 2 : i64} {{.*}} -> tensor<?x3x4xf32>
  %3 = llmc.scatter_elements max %x, %i, %u {axis = 2 : i64}
     : (tensor<?x3x4xf32>, tensor<?x3x2xi32>, tensor<?x3x2xf32>) -> tensor<?x3x4xf32>
  // CHECK: llmc.scatter_nd none {{.*}} -> tensor<?x3x4xf32>
  %4 = llmc.scatter_nd none %x, %n, %s
     : (tensor<?x3x4xf32>, tensor<?x5x1xi64>, tensor<?x5x3x4xf32>) -> tensor<?x3x4xf32>
  return
}

// CHECK-LABEL: @order
func.func @order(%x: tensor<?x4xf32>, %k: tensor<1xi64>) {
  // CHECK: llmc.arg_max {{.*}} {axis = 0 : i64, select_last_index} {{.*}} -> tensor<1x4xi64>
  %0 = llmc.arg_max %x {axis = 0 : i64, select_last_index} : (tensor<?x4xf32>) -> tensor<1x4xi64>
  // CHECK: llmc.arg_min {{.*}} {axis = 1 : i64, select_last_index} {{.*}} -> tensor<?x1xi64>
  %1 = llmc.arg_min %x {axis = 1 : i64, select_last_index} : (tensor<?x4xf32>) -> tensor<?x1xi64>
  // CHECK: llmc.top_k {{.*}} {axis = 1 : i64, smallest} {{.*}} -> (tensor<?x?xf32>, tensor<?x?xi64>)
  %2:2 = llmc.top_k %x, %k {axis = 1 : i64, smallest}
     : (tensor<?x4xf32>, tensor<1xi64>) -> (tensor<?x?xf32>, tensor<?x?xi64>)
  // CHECK: llmc.cumsum {{.*}} {axis = 1 : i64, exclusive, reverse}
  %3 = llmc.cumsum %x {axis = 1 : i64, exclusive, reverse} : (tensor<?x4xf32>) -> tensor<?x4xf32>
  // CHECK: llmc.cumprod {{.*}} {axis = 0 : i64, exclusive, reverse}
  %4 = llmc.cumprod %x {axis = 0 : i64, exclusive, reverse} : (tensor<?x4xf32>) -> tensor<?x4xf32>
  // CHECK: llmc.non_zero {{.*}} -> tensor<2x?xi64>
  %5 = llmc.non_zero %x : (tensor<?x4xf32>) -> tensor<2x?xi64>
  // CHECK: llmc.unique {{.*}} {sorted}
  %6:3 = llmc.unique %x {sorted} : (tensor<?x4xf32>) -> (tensor<?xi64>, tensor<?xi64>, tensor<?xi64>)
  return
}

// The sizes of ranges and pads follow from shape arithmetic.
// CHECK-LABEL: @make
func.func @make(%x: tensor<2x3xf32>, %v: tensor<f32>) {
  %zero = llmc.constant dense<0> : tensor<i64>
  %two = llmc.constant dense<2> : tensor<i64>
  %seven = llmc.constant dense<7> : tensor<i64>
  // CHECK: llmc.range {{.*}} -> tensor<4xi64>
  %0 = llmc.range %zero, %seven, %two : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<4xi64>
  // Its elements 0, 2, 4, 6 are the pads.
  // CHECK: llmc.pad constant {{.*}} -> tensor<6x11xf32>
  %1 = llmc.pad constant %x, %0, %v : (tensor<2x3xf32>, tensor<4xi64>, tensor<f32>) -> tensor<6x11xf32>
  // CHECK: llmc.pad reflect
  %2 = llmc.pad reflect %x, %0 : (tensor<2x3xf32>, tensor<4xi64>) -> tensor<6x11xf32>
  // CHECK: llmc.broadcast_shape {{.*}} -> tensor<4xi64>
  %s = llmc.shape %x {start = 0, end = 2} : (tensor<2x3xf32>) -> tensor<2xi64>
  %3 = llmc.broadcast_shape %0, %s : (tensor<4xi64>, tensor<2xi64>) -> tensor<4xi64>
  return
}

// More pads than are followed one by one leave the sizes unknown.
// CHECK-LABEL: @pad_of_many_dimensions
func.func @pad_of_many_dimensions(%x: tensor<1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1xf32>, %v: tensor<f32>) {
  %0 = llmc.constant dense<0> : tensor<66xi64>
  // CHECK: llmc.pad constant
  %1 = llmc.pad constant %x, %0, %v
     : (tensor<1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1xf32>, tensor<66xi64>, tensor<f32>) -> tensor<1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1x1xf32>
  return
}
