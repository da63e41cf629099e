// What export writes of pruned weights; test/python/test_prune.py has all forms
// of it, with numbers.
// RUN: llmc-opt %s --split-input-file --llmc-lift-densify --cse | FileCheck %s

llmc.param @values = dense<1.0> : tensor<4x4xf32>
llmc.param @meta = dense<204> : tensor<4x1xui8>

// CHECK-LABEL: @groups
// CHECK: %[[M:.*]] = llmc.weight @meta
// CHECK: %[[V:.*]] = llmc.weight @values
// CHECK: llmc.densify %[[V]], %[[M]] {pattern = "2:4"} : (tensor<4x4xf32>, tensor<4x1xui8>) -> tensor<4x8xf32>
// CHECK-NOT: llmc.scatter_elements
func.func @groups() -> tensor<4x8xf32> {
  %meta = llmc.weight @meta : tensor<4x1xui8>
  %u = llmc.unsqueeze %meta {axes = array<i64: 2>} : (tensor<4x1xui8>) -> tensor<4x1x1xui8>
  %by = llmc.constant dense<[0, 2, 4, 6]> : tensor<4xui8>
  %s = llmc.bit_shift %u, %by {right} : (tensor<4x1x1xui8>, tensor<4xui8>) -> tensor<4x1x4xui8>
  %three = llmc.constant dense<3> : tensor<ui8>
  %a = llmc.bitwise_and %s, %three : (tensor<4x1x4xui8>, tensor<ui8>) -> tensor<4x1x4xui8>
  %c = llmc.cast %a {to = i32} : (tensor<4x1x4xui8>) -> tensor<4x1x4xi32>
  %shape = llmc.constant dense<4> : tensor<2xi64>
  %r = llmc.reshape %c, %shape : (tensor<4x1x4xi32>, tensor<2xi64>) -> tensor<4x4xi32>
  %first = llmc.constant dense<[0, 0, 4, 4]> : tensor<4xi32>
  %i = llmc.add %r, %first : (tensor<4x4xi32>, tensor<4xi32>) -> tensor<4x4xi32>
  %zero = llmc.constant dense<0.0> : tensor<f32>
  %size = llmc.constant dense<[4, 8]> : tensor<2xi64>
  %z = llmc.expand %zero, %size : (tensor<f32>, tensor<2xi64>) -> tensor<4x8xf32>
  %v = llmc.weight @values : tensor<4x4xf32>
  %w = llmc.scatter_elements none %z, %i, %v {axis = 1 : i64} : (tensor<4x8xf32>, tensor<4x4xi32>, tensor<4x4xf32>) -> tensor<4x8xf32>
  return %w : tensor<4x8xf32>
}

// Groups of other columns than those of n:m stay.
// CHECK-LABEL: @other_groups
// CHECK: llmc.scatter_elements
func.func @other_groups() -> tensor<4x8xf32> {
  %meta = llmc.weight @meta : tensor<4x1xui8>
  %u = llmc.unsqueeze %meta {axes = array<i64: 2>} : (tensor<4x1xui8>) -> tensor<4x1x1xui8>
  %by = llmc.constant dense<[0, 2, 4, 6]> : tensor<4xui8>
  %s = llmc.bit_shift %u, %by {right} : (tensor<4x1x1xui8>, tensor<4xui8>) -> tensor<4x1x4xui8>
  %three = llmc.constant dense<3> : tensor<ui8>
  %a = llmc.bitwise_and %s, %three : (tensor<4x1x4xui8>, tensor<ui8>) -> tensor<4x1x4xui8>
  %c = llmc.cast %a {to = i32} : (tensor<4x1x4xui8>) -> tensor<4x1x4xi32>
  %shape = llmc.constant dense<4> : tensor<2xi64>
  %r = llmc.reshape %c, %shape : (tensor<4x1x4xi32>, tensor<2xi64>) -> tensor<4x4xi32>
  %first = llmc.constant dense<[0, 0, 4, 3]> : tensor<4xi32>
  %i = llmc.add %r, %first : (tensor<4x4xi32>, tensor<4xi32>) -> tensor<4x4xi32>
  %zero = llmc.constant dense<0.0> : tensor<f32>
  %size = llmc.constant dense<[4, 8]> : tensor<2xi64>
  %z = llmc.expand %zero, %size : (tensor<f32>, tensor<2xi64>) -> tensor<4x8xf32>
  %v = llmc.weight @values : tensor<4x4xf32>
  %w = llmc.scatter_elements none %z, %i, %v {axis = 1 : i64} : (tensor<4x8xf32>, tensor<4x4xi32>, tensor<4x4xf32>) -> tensor<4x8xf32>
  return %w : tensor<4x8xf32>
}

// -----

// CHECK: llmc.param @fc.starts = dense<[0, 1]> : tensor<2xi32>
llmc.param @fc.values = dense<1.0> : tensor<3xf32>
llmc.param @fc.mask = dense<[[8], [9]]> : tensor<2x1xui8>

// CHECK-LABEL: @bitmap
// CHECK: %[[S:.*]] = llmc.weight @fc.starts : tensor<2xi32>
// CHECK: llmc.densify_bitmap %{{.*}}, %{{.*}}, %[[S]] {columns = 5 : i64} : (tensor<3xf32>, tensor<2x1xui8>, tensor<2xi32>) -> tensor<2x5xf32>
// CHECK-NOT: llmc.where
func.func @bitmap() -> tensor<2x5xf32> {
  %mask = llmc.weight @fc.mask : tensor<2x1xui8>
  %u = llmc.unsqueeze %mask {axes = array<i64: 2>} : (tensor<2x1xui8>) -> tensor<2x1x1xui8>
  %by = llmc.constant dense<[0, 1, 2, 3, 4, 5, 6, 7]> : tensor<8xui8>
  %s = llmc.bit_shift %u, %by {right} : (tensor<2x1x1xui8>, tensor<8xui8>) -> tensor<2x1x8xui8>
  %one = llmc.constant dense<1> : tensor<ui8>
  %a = llmc.bitwise_and %s, %one : (tensor<2x1x8xui8>, tensor<ui8>) -> tensor<2x1x8xui8>
  %shape = llmc.constant dense<[2, 8]> : tensor<2xi64>
  %r = llmc.reshape %a, %shape : (tensor<2x1x8xui8>, tensor<2xi64>) -> tensor<2x8xui8>
  %begin = llmc.constant dense<0> : tensor<1xi64>
  %end = llmc.constant dense<5> : tensor<1xi64>
  %step = llmc.constant dense<1> : tensor<1xi64>
  %kept = llmc.slice %r, %begin, %end, %step {axes = array<i64: 1>} : (tensor<2x8xui8>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<2x5xui8>
  %bits = llmc.cast %kept {to = i32} : (tensor<2x5xui8>) -> tensor<2x5xi32>
  %before = llmc.cumsum %bits {axis = 1 : i64, exclusive} : (tensor<2x5xi32>) -> tensor<2x5xi32>
  %starts = llmc.constant dense<[[0], [1]]> : tensor<2x1xi32>
  %n = llmc.add %before, %starts : (tensor<2x5xi32>, tensor<2x1xi32>) -> tensor<2x5xi32>
  %i = llmc.mul %n, %bits : (tensor<2x5xi32>, tensor<2x5xi32>) -> tensor<2x5xi32>
  %v = llmc.weight @fc.values : tensor<3xf32>
  %g = llmc.gather %v, %i {axis = 0 : i64} : (tensor<3xf32>, tensor<2x5xi32>) -> tensor<2x5xf32>
  %is = llmc.cast %bits {to = i1} : (tensor<2x5xi32>) -> tensor<2x5xi1>
  %zero = llmc.constant dense<0.0> : tensor<f32>
  %w = llmc.where %is, %g, %zero : (tensor<2x5xi1>, tensor<2x5xf32>, tensor<f32>) -> tensor<2x5xf32>
  return %w : tensor<2x5xf32>
}

// -----

llmc.param @fc.values = dense<1.0> : tensor<3xf32>
llmc.param @fc.mask = dense<[[8], [9]]> : tensor<2x1xui8>

// Bits that are counted with their own are other numbers.
// CHECK-LABEL: @other_numbers
// CHECK: llmc.where
func.func @other_numbers() -> tensor<2x8xf32> {
  %mask = llmc.weight @fc.mask : tensor<2x1xui8>
  %u = llmc.unsqueeze %mask {axes = array<i64: 2>} : (tensor<2x1xui8>) -> tensor<2x1x1xui8>
  %by = llmc.constant dense<[0, 1, 2, 3, 4, 5, 6, 7]> : tensor<8xui8>
  %s = llmc.bit_shift %u, %by {right} : (tensor<2x1x1xui8>, tensor<8xui8>) -> tensor<2x1x8xui8>
  %one = llmc.constant dense<1> : tensor<ui8>
  %a = llmc.bitwise_and %s, %one : (tensor<2x1x8xui8>, tensor<ui8>) -> tensor<2x1x8xui8>
  %c = llmc.cast %a {to = i32} : (tensor<2x1x8xui8>) -> tensor<2x1x8xi32>
  %shape = llmc.constant dense<[2, 8]> : tensor<2xi64>
  %bits = llmc.reshape %c, %shape : (tensor<2x1x8xi32>, tensor<2xi64>) -> tensor<2x8xi32>
  %before = llmc.cumsum %bits {axis = 1 : i64} : (tensor<2x8xi32>) -> tensor<2x8xi32>
  %starts = llmc.constant dense<[[0], [1]]> : tensor<2x1xi32>
  %n = llmc.add %before, %starts : (tensor<2x8xi32>, tensor<2x1xi32>) -> tensor<2x8xi32>
  %i = llmc.mul %n, %bits : (tensor<2x8xi32>, tensor<2x8xi32>) -> tensor<2x8xi32>
  %v = llmc.weight @fc.values : tensor<3xf32>
  %g = llmc.gather %v, %i {axis = 0 : i64} : (tensor<3xf32>, tensor<2x8xi32>) -> tensor<2x8xf32>
  %is = llmc.cast %bits {to = i1} : (tensor<2x8xi32>) -> tensor<2x8xi1>
  %zero = llmc.constant dense<0.0> : tensor<f32>
  %w = llmc.where %is, %g, %zero : (tensor<2x8xi1>, tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xf32>
  return %w : tensor<2x8xf32>
}
