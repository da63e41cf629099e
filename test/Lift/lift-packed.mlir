// What export writes of weights that no runtime has a kernel for;
// test/python/test_onnx_weights.py has all forms of it, with numbers.
// RUN: llmc-opt %s --split-input-file --llmc-lift-packed --cse | FileCheck %s

llmc.param @q = dense<57> : tensor<4x2x4xui8>
llmc.param @s = dense<0.5> : tensor<4x2xf32>
llmc.param @z = dense<129> : tensor<4x1xui8>

// Zero points of 4 bits, and rows of which the last two columns are padding.
// CHECK-LABEL: @dequantize
// CHECK-DAG: %[[Q:.*]] = llmc.weight @q
// CHECK-DAG: %[[S:.*]] = llmc.weight @s
// CHECK-DAG: %[[Z:.*]] = llmc.weight @z
// CHECK: %[[W:.*]] = llmc.dequantize %[[Q]], %[[S]], %[[Z]] {bits = 4 : i64, block = 8 : i64, columns = 14 : i64} : (tensor<4x2x4xui8>, tensor<4x2xf32>, tensor<4x1xui8>) -> tensor<4x14xf32>
// CHECK-NEXT: return %[[W]]
func.func @dequantize() -> tensor<4x14xf32> {
  %q = llmc.weight @q : tensor<4x2x4xui8>
  %by = llmc.constant dense<[0, 4]> : tensor<2xui8>
  %fifteen = llmc.constant dense<15> : tensor<ui8>
  %u = llmc.unsqueeze %q {axes = array<i64: 3>} : (tensor<4x2x4xui8>) -> tensor<4x2x4x1xui8>
  %h = llmc.bit_shift %u, %by {right} : (tensor<4x2x4x1xui8>, tensor<2xui8>) -> tensor<4x2x4x2xui8>
  %a = llmc.bitwise_and %h, %fifteen : (tensor<4x2x4x2xui8>, tensor<ui8>) -> tensor<4x2x4x2xui8>
  %shape = llmc.constant dense<[0, 0, 8]> : tensor<3xi64>
  %i = llmc.reshape %a, %shape : (tensor<4x2x4x2xui8>, tensor<3xi64>) -> tensor<4x2x8xui8>
  %codes = llmc.cast %i {to = f32} : (tensor<4x2x8xui8>) -> tensor<4x2x8xf32>
  %z = llmc.weight @z : tensor<4x1xui8>
  %zu = llmc.unsqueeze %z {axes = array<i64: 2>} : (tensor<4x1xui8>) -> tensor<4x1x1xui8>
  %zh = llmc.bit_shift %zu, %by {right} : (tensor<4x1x1xui8>, tensor<2xui8>) -> tensor<4x1x2xui8>
  %za = llmc.bitwise_and %zh, %fifteen : (tensor<4x1x2xui8>, tensor<ui8>) -> tensor<4x1x2xui8>
  %zi = llmc.cast %za {to = f32} : (tensor<4x1x2xui8>) -> tensor<4x1x2xf32>
  %zshape = llmc.constant dense<[0, 2, 1]> : tensor<3xi64>
  %zeros = llmc.reshape %zi, %zshape : (tensor<4x1x2xf32>, tensor<3xi64>) -> tensor<4x2x1xf32>
  %f = llmc.sub %codes, %zeros : (tensor<4x2x8xf32>, tensor<4x2x1xf32>) -> tensor<4x2x8xf32>
  %s = llmc.weight @s : tensor<4x2xf32>
  %su = llmc.unsqueeze %s {axes = array<i64: 2>} : (tensor<4x2xf32>) -> tensor<4x2x1xf32>
  %m = llmc.mul %f, %su : (tensor<4x2x8xf32>, tensor<4x2x1xf32>) -> tensor<4x2x8xf32>
  %rows = llmc.constant dense<[0, 16]> : tensor<2xi64>
  %r = llmc.reshape %m, %rows : (tensor<4x2x8xf32>, tensor<2xi64>) -> tensor<4x16xf32>
  %begin = llmc.constant dense<0> : tensor<1xi64>
  %end = llmc.constant dense<14> : tensor<1xi64>
  %step = llmc.constant dense<1> : tensor<1xi64>
  %w = llmc.slice %r, %begin, %end, %step {axes = array<i64: 1>} : (tensor<4x16xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<4x14xf32>
  return %w : tensor<4x14xf32>
}

// -----

llmc.param @q = dense<57> : tensor<4x2x3xui8>
llmc.param @s = dense<0.5> : tensor<4x2xf32>

// Fields of 3 bits out of two bytes each, and the middle of their range as zero
// point. Without whole blocks, or from another column on, it is a slice.
// CHECK-LABEL: @parts
// CHECK: %[[W:.*]] = llmc.dequantize %{{.*}}, %{{.*}} {bits = 3 : i64, block = 8 : i64, columns = 16 : i64} : (tensor<4x2x3xui8>, tensor<4x2xf32>) -> tensor<4x16xf32>
// CHECK: llmc.slice %[[W]]
// CHECK: llmc.slice %[[W]]
func.func @parts() -> (tensor<4x8xf32>, tensor<4x15xf32>) {
  %q = llmc.weight @q : tensor<4x2x3xui8>
  %lower = llmc.constant dense<[0, 0, 0, 1, 1, 1, 2, 2]> : tensor<8xi64>
  %upper = llmc.constant dense<[0, 1, 1, 2, 2, 2, 2, 2]> : tensor<8xi64>
  %by = llmc.constant dense<[0, 3, 6, 1, 4, 7, 2, 5]> : tensor<8xui8>
  %up = llmc.constant dense<[0, 5, 2, 7, 4, 1, 6, 3]> : tensor<8xui8>
  %g0 = llmc.gather %q, %lower {axis = 2 : i64} : (tensor<4x2x3xui8>, tensor<8xi64>) -> tensor<4x2x8xui8>
  %g1 = llmc.gather %q, %upper {axis = 2 : i64} : (tensor<4x2x3xui8>, tensor<8xi64>) -> tensor<4x2x8xui8>
  %low = llmc.bit_shift %g0, %by {right} : (tensor<4x2x8xui8>, tensor<8xui8>) -> tensor<4x2x8xui8>
  %high = llmc.bit_shift %g1, %up : (tensor<4x2x8xui8>, tensor<8xui8>) -> tensor<4x2x8xui8>
  %both = llmc.bitwise_or %low, %high : (tensor<4x2x8xui8>, tensor<4x2x8xui8>) -> tensor<4x2x8xui8>
  %seven = llmc.constant dense<7> : tensor<ui8>
  %a = llmc.bitwise_and %both, %seven : (tensor<4x2x8xui8>, tensor<ui8>) -> tensor<4x2x8xui8>
  %codes = llmc.cast %a {to = f32} : (tensor<4x2x8xui8>) -> tensor<4x2x8xf32>
  %four = llmc.constant dense<4.0> : tensor<f32>
  %f = llmc.sub %codes, %four : (tensor<4x2x8xf32>, tensor<f32>) -> tensor<4x2x8xf32>
  %s = llmc.weight @s : tensor<4x2xf32>
  %su = llmc.unsqueeze %s {axes = array<i64: 2>} : (tensor<4x2xf32>) -> tensor<4x2x1xf32>
  %m = llmc.mul %f, %su : (tensor<4x2x8xf32>, tensor<4x2x1xf32>) -> tensor<4x2x8xf32>
  %rows = llmc.constant dense<[0, 16]> : tensor<2xi64>
  %r = llmc.reshape %m, %rows : (tensor<4x2x8xf32>, tensor<2xi64>) -> tensor<4x16xf32>
  %zero = llmc.constant dense<0> : tensor<1xi64>
  %one = llmc.constant dense<1> : tensor<1xi64>
  %to = llmc.constant dense<8> : tensor<1xi64>
  %to16 = llmc.constant dense<16> : tensor<1xi64>
  %x = llmc.slice %r, %zero, %to, %one {axes = array<i64: 1>} : (tensor<4x16xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<4x8xf32>
  %y = llmc.slice %r, %one, %to16, %one {axes = array<i64: 1>} : (tensor<4x16xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<4x15xf32>
  return %x, %y : tensor<4x8xf32>, tensor<4x15xf32>
}

// -----

llmc.param @q = dense<57> : tensor<4x1x6xui8>
llmc.param @s = dense<0.5> : tensor<4x1xf32>

// 3 bits that a kernel reads as 4 and finds 4 in the middle of. Where the middle
// is 5 they are 4 bits.
// CHECK-LABEL: @wider
// CHECK-DAG: %[[Q:.*]] = llmc.weight @q
// CHECK-DAG: %[[S:.*]] = llmc.weight @s
// CHECK: %[[A:.*]] = llmc.dequantize %[[Q]], %[[S]] {bits = 3 : i64, block = 16 : i64, columns = 12 : i64} : (tensor<4x1x6xui8>, tensor<4x1xf32>) -> tensor<4x12xf32>
// CHECK: %[[B:.*]] = llmc.dequantize %{{.*}}, %[[S]], %{{.*}} {bits = 4 : i64
// CHECK: return %[[A]], %[[B]]
func.func @wider() -> (tensor<4x12xf32>, tensor<4x12xf32>) {
  %q = llmc.weight @q : tensor<4x1x6xui8>
  %s = llmc.weight @s : tensor<4x1xf32>
  %lower = llmc.constant dense<[0, 0, 1, 2, 3, 3, 4, 5]> : tensor<8xi64>
  %upper = llmc.constant dense<[0, 1, 2, 3, 3, 4, 5, 5]> : tensor<8xi64>
  %by = llmc.constant dense<[0, 6, 4, 2, 0, 6, 4, 2]> : tensor<8xui8>
  %up = llmc.constant dense<[0, 2, 4, 6, 0, 2, 4, 6]> : tensor<8xui8>
  %g0 = llmc.gather %q, %lower {axis = 2 : i64} : (tensor<4x1x6xui8>, tensor<8xi64>) -> tensor<4x1x8xui8>
  %g1 = llmc.gather %q, %upper {axis = 2 : i64} : (tensor<4x1x6xui8>, tensor<8xi64>) -> tensor<4x1x8xui8>
  %low = llmc.bit_shift %g0, %by {right} : (tensor<4x1x8xui8>, tensor<8xui8>) -> tensor<4x1x8xui8>
  %high = llmc.bit_shift %g1, %up : (tensor<4x1x8xui8>, tensor<8xui8>) -> tensor<4x1x8xui8>
  %both = llmc.bitwise_or %low, %high : (tensor<4x1x8xui8>, tensor<4x1x8xui8>) -> tensor<4x1x8xui8>
  %first = llmc.constant dense<7> : tensor<ui8>
  %second = llmc.constant dense<56> : tensor<ui8>
  %a = llmc.bitwise_and %both, %first : (tensor<4x1x8xui8>, tensor<ui8>) -> tensor<4x1x8xui8>
  %b = llmc.bitwise_and %both, %second : (tensor<4x1x8xui8>, tensor<ui8>) -> tensor<4x1x8xui8>
  %one = llmc.constant dense<1> : tensor<ui8>
  %c = llmc.bit_shift %b, %one : (tensor<4x1x8xui8>, tensor<ui8>) -> tensor<4x1x8xui8>
  %codes = llmc.bitwise_or %a, %c : (tensor<4x1x8xui8>, tensor<4x1x8xui8>) -> tensor<4x1x8xui8>
  %zeros = llmc.constant dense<68> : tensor<4x1xui8>
  %fives = llmc.constant dense<85> : tensor<4x1xui8>
  %w = llmc.dequantize %codes, %s, %zeros {bits = 4 : i64, block = 16 : i64, columns = 12 : i64} : (tensor<4x1x8xui8>, tensor<4x1xf32>, tensor<4x1xui8>) -> tensor<4x12xf32>
  %v = llmc.dequantize %codes, %s, %fives {bits = 4 : i64, block = 16 : i64, columns = 12 : i64} : (tensor<4x1x8xui8>, tensor<4x1xf32>, tensor<4x1xui8>) -> tensor<4x12xf32>
  return %w, %v : tensor<4x12xf32>, tensor<4x12xf32>
}

// -----

llmc.param @q = dense<57> : tensor<4x1x4xui8>
llmc.param @c = dense<0.5> : tensor<2x4xf32>
llmc.param @one = dense<0.5> : tensor<4xf32>
llmc.param @s = dense<0.5> : tensor<4x1xf32>

// Two codebooks of 4 numbers, each for two rows; then one, and scales.
// CHECK-LABEL: @lookup
// CHECK: %[[A:.*]] = llmc.lookup %{{.*}}, %{{.*}} {bits = 2 : i64, block = 16 : i64, columns = 16 : i64} : (tensor<4x1x4xui8>, tensor<2x4xf32>) -> tensor<4x16xf32>
// CHECK: %[[B:.*]] = llmc.lookup %{{.*}}, %{{.*}}, %{{.*}} {bits = 2 : i64, block = 16 : i64, columns = 16 : i64} : (tensor<4x1x4xui8>, tensor<4xf32>, tensor<4x1xf32>) -> tensor<4x16xf32>
// CHECK: return %[[A]], %[[B]]
func.func @lookup() -> (tensor<4x16xf32>, tensor<4x16xf32>) {
  %q = llmc.weight @q : tensor<4x1x4xui8>
  %by = llmc.constant dense<[0, 2, 4, 6]> : tensor<4xui8>
  %three = llmc.constant dense<3> : tensor<ui8>
  %u = llmc.unsqueeze %q {axes = array<i64: 3>} : (tensor<4x1x4xui8>) -> tensor<4x1x4x1xui8>
  %h = llmc.bit_shift %u, %by {right} : (tensor<4x1x4x1xui8>, tensor<4xui8>) -> tensor<4x1x4x4xui8>
  %a = llmc.bitwise_and %h, %three : (tensor<4x1x4x4xui8>, tensor<ui8>) -> tensor<4x1x4x4xui8>
  %i = llmc.cast %a {to = i32} : (tensor<4x1x4x4xui8>) -> tensor<4x1x4x4xi32>
  %shape = llmc.constant dense<[0, 0, 16]> : tensor<3xi64>
  %codes = llmc.reshape %i, %shape : (tensor<4x1x4x4xi32>, tensor<3xi64>) -> tensor<4x1x16xi32>
  %first = llmc.constant dense<[[[0]], [[0]], [[4]], [[4]]]> : tensor<4x1x1xi32>
  %n = llmc.add %codes, %first : (tensor<4x1x16xi32>, tensor<4x1x1xi32>) -> tensor<4x1x16xi32>
  %c = llmc.weight @c : tensor<2x4xf32>
  %all = llmc.constant dense<-1> : tensor<1xi64>
  %books = llmc.reshape %c, %all : (tensor<2x4xf32>, tensor<1xi64>) -> tensor<8xf32>
  %g = llmc.gather %books, %n {axis = 0 : i64} : (tensor<8xf32>, tensor<4x1x16xi32>) -> tensor<4x1x16xf32>
  %rows = llmc.constant dense<[0, 16]> : tensor<2xi64>
  %v = llmc.reshape %g, %rows : (tensor<4x1x16xf32>, tensor<2xi64>) -> tensor<4x16xf32>
  %one = llmc.weight @one : tensor<4xf32>
  %g1 = llmc.gather %one, %codes {axis = 0 : i64} : (tensor<4xf32>, tensor<4x1x16xi32>) -> tensor<4x1x16xf32>
  %s = llmc.weight @s : tensor<4x1xf32>
  %su = llmc.unsqueeze %s {axes = array<i64: 2>} : (tensor<4x1xf32>) -> tensor<4x1x1xf32>
  %m = llmc.mul %g1, %su : (tensor<4x1x16xf32>, tensor<4x1x1xf32>) -> tensor<4x1x16xf32>
  %w = llmc.reshape %m, %rows : (tensor<4x1x16xf32>, tensor<2xi64>) -> tensor<4x16xf32>
  return %v, %w : tensor<4x16xf32>, tensor<4x16xf32>
}

// Codebooks by turns are none that lookup has; 8 numbers need 3 bits.
// CHECK-LABEL: @other_codebooks
// CHECK: llmc.gather
// CHECK: llmc.gather
func.func @other_codebooks() -> (tensor<4x1x16xf32>, tensor<4x1x16xf32>) {
  %q = llmc.weight @q : tensor<4x1x4xui8>
  %by = llmc.constant dense<[0, 2, 4, 6]> : tensor<4xui8>
  %three = llmc.constant dense<3> : tensor<ui8>
  %u = llmc.unsqueeze %q {axes = array<i64: 3>} : (tensor<4x1x4xui8>) -> tensor<4x1x4x1xui8>
  %h = llmc.bit_shift %u, %by {right} : (tensor<4x1x4x1xui8>, tensor<4xui8>) -> tensor<4x1x4x4xui8>
  %a = llmc.bitwise_and %h, %three : (tensor<4x1x4x4xui8>, tensor<ui8>) -> tensor<4x1x4x4xui8>
  %i = llmc.cast %a {to = i32} : (tensor<4x1x4x4xui8>) -> tensor<4x1x4x4xi32>
  %shape = llmc.constant dense<[0, 0, 16]> : tensor<3xi64>
  %codes = llmc.reshape %i, %shape : (tensor<4x1x4x4xi32>, tensor<3xi64>) -> tensor<4x1x16xi32>
  %first = llmc.constant dense<[[[0]], [[4]], [[0]], [[4]]]> : tensor<4x1x1xi32>
  %n = llmc.add %codes, %first : (tensor<4x1x16xi32>, tensor<4x1x1xi32>) -> tensor<4x1x16xi32>
  %c = llmc.weight @c : tensor<2x4xf32>
  %all = llmc.constant dense<-1> : tensor<1xi64>
  %books = llmc.reshape %c, %all : (tensor<2x4xf32>, tensor<1xi64>) -> tensor<8xf32>
  %g = llmc.gather %books, %n {axis = 0 : i64} : (tensor<8xf32>, tensor<4x1x16xi32>) -> tensor<4x1x16xf32>
  %g1 = llmc.gather %books, %codes {axis = 0 : i64} : (tensor<8xf32>, tensor<4x1x16xi32>) -> tensor<4x1x16xf32>
  return %g, %g1 : tensor<4x1x16xf32>, tensor<4x1x16xf32>
}
