// RUN: llmc-opt %s --split-input-file --llmc-find-batch | FileCheck %s

// Layers of an encoder: embeddings, a mask, heads, and the mean over tokens.
// CHECK-LABEL: func.func @main
// CHECK-SAME: %{{[^:]*}}: tensor<?x?xi64> {llmc.batch, llmc.dims = ["batch", "sequence"]}
// CHECK-SAME: %{{[^:]*}}: tensor<?x?xi64> {llmc.batch, llmc.dims = ["batch", "sequence"]}
func.func @main(%ids: tensor<?x?xi64> {llmc.dims = ["batch", "sequence"]},
                %mask: tensor<?x?xi64> {llmc.dims = ["batch", "sequence"]})
    -> (tensor<?x?x8xf32>, tensor<?x8xf32>) {
  %table = llmc.weight @table : tensor<16x8xf32>
  %w = llmc.weight @w : tensor<8x8xf32>
  %scale = llmc.weight @scale : tensor<8xf32>
  %heads = llmc.constant dense<[0, 0, 2, 4]> : tensor<4xi64>
  %flat = llmc.constant dense<[-1, 8]> : tensor<2xi64>
  %zero = llmc.constant dense<0.0> : tensor<f32>
  %low = llmc.constant dense<-1.0e+9> : tensor<f32>
  %x = llmc.embedding %ids, %table : (tensor<?x?xi64>, tensor<16x8xf32>) -> tensor<?x?x8xf32>
  %n = llmc.rms_norm %x, %scale {epsilon = 1.0e-6 : f32} : (tensor<?x?x8xf32>, tensor<8xf32>) -> tensor<?x?x8xf32>
  %r = llmc.quantize_dynamic %n {block = 8 : i64} : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  %l = llmc.linear %r, %w : (tensor<?x?x8xf32>, tensor<8x8xf32>) -> tensor<?x?x8xf32>
  %h = llmc.reshape %l, %heads : (tensor<?x?x8xf32>, tensor<4xi64>) -> tensor<?x?x2x4xf32>
  %q = llmc.transpose %h {perm = array<i64: 0, 2, 1, 3>} : (tensor<?x?x2x4xf32>) -> tensor<?x2x?x4xf32>
  %shape = llmc.shape %ids {start = 0 : i64, end = 2 : i64} : (tensor<?x?xi64>) -> tensor<2xi64>
  %copy = llmc.expand %mask, %shape : (tensor<?x?xi64>, tensor<2xi64>) -> tensor<?x?xi64>
  %b = llmc.cast %copy {to = i1} : (tensor<?x?xi64>) -> tensor<?x?xi1>
  %u = llmc.unsqueeze %b {axes = array<i64: 1, 2>} : (tensor<?x?xi1>) -> tensor<?x1x1x?xi1>
  %m = llmc.where %u, %zero, %low : (tensor<?x1x1x?xi1>, tensor<f32>, tensor<f32>) -> tensor<?x1x1x?xf32>
  %a = llmc.attention %q, %q, %q, %m {scale = 0.5 : f32} : (tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>, tensor<?x1x1x?xf32>) -> tensor<?x2x?x4xf32>
  %t = llmc.transpose %a {perm = array<i64: 0, 2, 1, 3>} : (tensor<?x2x?x4xf32>) -> tensor<?x?x2x4xf32>
  %rows = llmc.reshape %t, %flat : (tensor<?x?x2x4xf32>, tensor<2xi64>) -> tensor<?x8xf32>
  %p = llmc.linear %rows, %w : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %width = llmc.constant dense<8> : tensor<1xi64>
  %full = llmc.concat %shape, %width {axis = 0 : i64} : (tensor<2xi64>, tensor<1xi64>) -> tensor<3xi64>
  %back = llmc.reshape %p, %full : (tensor<?x8xf32>, tensor<3xi64>) -> tensor<?x?x8xf32>
  %y = llmc.add %back, %x : (tensor<?x?x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  %mean = llmc.reduce mean %y {axes = array<i64: 1>, keepdims = false} : (tensor<?x?x8xf32>) -> tensor<?x8xf32>
  return %y, %mean : tensor<?x?x8xf32>, tensor<?x8xf32>
}
llmc.param @table = dense<1.0> : tensor<16x8xf32>
llmc.param @w = dense<1.0> : tensor<8x8xf32>
llmc.param @scale = dense<1.0> : tensor<8xf32>

// -----

// An input without the batch is whole for each part.
// CHECK-LABEL: func.func @main
// CHECK-SAME: tensor<?x3x8x8xf32> {llmc.batch
// CHECK-SAME: tensor<4xf32> {llmc.dims
func.func @main(%x: tensor<?x3x8x8xf32> {llmc.dims = ["batch", "", "", ""]},
                %bias: tensor<4xf32> {llmc.dims = [""]}) -> tensor<?x4xf32> {
  %w = llmc.weight @w : tensor<4x3x8x8xf32>
  %y = llmc.conv %x, %w, %bias {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64} : (tensor<?x3x8x8xf32>, tensor<4x3x8x8xf32>, tensor<4xf32>) -> tensor<?x4x1x1xf32>
  %z = llmc.squeeze %y {axes = array<i64: 2, 3>} : (tensor<?x4x1x1xf32>) -> tensor<?x4xf32>
  return %z : tensor<?x4xf32>
}
llmc.param @w = dense<1.0> : tensor<4x3x8x8xf32>

// -----

// A length that is read from a shape with the batch in it.
// CHECK-LABEL: func.func @main
// CHECK: llmc.batch
func.func @main(%x: tensor<?x?xf32> {llmc.dims = ["batch", "sequence"]}) -> tensor<?x?xf32> {
  %table = llmc.weight @table : tensor<1x16xf32>
  %one = llmc.constant dense<[1]> : tensor<1xi64>
  %zero = llmc.constant dense<[0]> : tensor<1xi64>
  %shape = llmc.shape %x {start = 0 : i64, end = 2 : i64} : (tensor<?x?xf32>) -> tensor<2xi64>
  %n = llmc.gather %shape, %one {axis = 0 : i64} : (tensor<2xi64>, tensor<1xi64>) -> tensor<1xi64>
  %rows = llmc.slice %table, %zero, %n, %one {axes = array<i64: 1>} : (tensor<1x16xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x?xf32>
  %y = llmc.add %x, %rows : (tensor<?x?xf32>, tensor<1x?xf32>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}
llmc.param @table = dense<1.0> : tensor<1x16xf32>

// -----

// Values of a pool are of the row, places are not.
// CHECK-LABEL: func.func @main
// CHECK: llmc.batch
func.func @main(%x: tensor<?x3x8x8xf32> {llmc.dims = ["batch", "", "", ""]}) -> tensor<?x3x4x4xf32> {
  %y, %places = llmc.max_pool %x {kernel_shape = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x3x8x8xf32>) -> (tensor<?x3x4x4xf32>, tensor<?x3x4x4xi64>)
  return %y : tensor<?x3x4x4xf32>
}

// -----

// CHECK-LABEL: func.func @main
// CHECK-NOT: llmc.batch
func.func @main(%x: tensor<?x3x8x8xf32> {llmc.dims = ["batch", "", "", ""]}) -> tensor<?x3x4x4xi64> {
  %y, %places = llmc.max_pool %x {kernel_shape = array<i64: 2, 2>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>} : (tensor<?x3x8x8xf32>) -> (tensor<?x3x4x4xf32>, tensor<?x3x4x4xi64>)
  return %places : tensor<?x3x4x4xi64>
}

// -----

// The best of each row, and what another table has there.
// CHECK-LABEL: func.func @main
// CHECK: llmc.batch
func.func @main(%x: tensor<?x8xf32> {llmc.dims = ["batch", ""]}) -> (tensor<?x2xf32>, tensor<?x1x4xf32>) {
  %k = llmc.constant dense<[2]> : tensor<1xi64>
  %first = llmc.constant dense<[0]> : tensor<1xi64>
  %table = llmc.weight @table : tensor<8x4xf32>
  %values, %places = llmc.top_k %x, %k {axis = 1 : i64} : (tensor<?x8xf32>, tensor<1xi64>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  %y = llmc.gather_elements %x, %places {axis = 1 : i64} : (tensor<?x8xf32>, tensor<?x2xi64>) -> tensor<?x2xf32>
  %best = llmc.gather %places, %first {axis = 1 : i64} : (tensor<?x2xi64>, tensor<1xi64>) -> tensor<?x1xi64>
  %index = llmc.unsqueeze %best {axes = array<i64: 2>} : (tensor<?x1xi64>) -> tensor<?x1x1xi64>
  %z = llmc.gather_nd %table, %index : (tensor<8x4xf32>, tensor<?x1x1xi64>) -> tensor<?x1x4xf32>
  return %y, %z : tensor<?x2xf32>, tensor<?x1x4xf32>
}
llmc.param @table = dense<1.0> : tensor<8x4xf32>

// -----

// A recurrence, whose sequence is in front, in two directions.
// CHECK-LABEL: func.func @main
// CHECK: llmc.batch
func.func @main(%x: tensor<?x9x4xf32> {llmc.dims = ["batch", "", ""]}) -> (tensor<?x9x6xf32>, tensor<?x2x3xf32>) {
  %w = llmc.weight @w : tensor<2x3x4xf32>
  %r = llmc.weight @r : tensor<2x3x3xf32>
  %join = llmc.constant dense<[0, 0, 6]> : tensor<3xi64>
  %t = llmc.transpose %x {perm = array<i64: 1, 0, 2>} : (tensor<?x9x4xf32>) -> tensor<9x?x4xf32>
  %y, %last = llmc.rnn %t, %w, %r {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>, direction = "bidirectional", activations = ["Tanh", "Tanh"], activation_alpha = array<f32: 0.0, 0.0>, activation_beta = array<f32: 0.0, 0.0>} : (tensor<9x?x4xf32>, tensor<2x3x4xf32>, tensor<2x3x3xf32>) -> (tensor<9x2x?x3xf32>, tensor<2x?x3xf32>)
  %rows = llmc.transpose %y {perm = array<i64: 0, 2, 1, 3>} : (tensor<9x2x?x3xf32>) -> tensor<9x?x2x3xf32>
  %both = llmc.reshape %rows, %join : (tensor<9x?x2x3xf32>, tensor<3xi64>) -> tensor<9x?x6xf32>
  %back = llmc.transpose %both {perm = array<i64: 1, 0, 2>} : (tensor<9x?x6xf32>) -> tensor<?x9x6xf32>
  %state = llmc.transpose %last {perm = array<i64: 1, 0, 2>} : (tensor<2x?x3xf32>) -> tensor<?x2x3xf32>
  return %back, %state : tensor<?x9x6xf32>, tensor<?x2x3xf32>
}
llmc.param @w = dense<1.0> : tensor<2x3x4xf32>
llmc.param @r = dense<1.0> : tensor<2x3x3xf32>

// -----

// The best rows of the batch.
// CHECK-LABEL: func.func @main
// CHECK-NOT: llmc.batch
func.func @main(%x: tensor<?x8xf32> {llmc.dims = ["batch", ""]}, %k: tensor<1xi64>) -> tensor<?x8xf32> {
  %values, %places = llmc.top_k %x, %k {axis = 0 : i64} : (tensor<?x8xf32>, tensor<1xi64>) -> (tensor<?x8xf32>, tensor<?x8xi64>)
  return %values : tensor<?x8xf32>
}

// -----

// Rows of the batch are added up.
// CHECK-LABEL: func.func @main
// CHECK-NOT: llmc.batch
func.func @main(%x: tensor<?x8xf32> {llmc.dims = ["batch", ""]}) -> tensor<?x8xf32> {
  %mean = llmc.reduce mean %x {axes = array<i64: 0>} : (tensor<?x8xf32>) -> tensor<1x8xf32>
  %y = llmc.sub %x, %mean : (tensor<?x8xf32>, tensor<1x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// A scale for each channel.
// CHECK-LABEL: func.func @main
// CHECK: llmc.batch
func.func @main(%x: tensor<?x8xf32> {llmc.dims = ["batch", ""]}) -> tensor<?x8xi8> {
  %s = llmc.weight @s : tensor<8xf32>
  %y = llmc.quantize_linear %x, %s {to = i8, precision = f32} : (tensor<?x8xf32>, tensor<8xf32>) -> tensor<?x8xi8>
  return %y : tensor<?x8xi8>
}
llmc.param @s = dense<1.0> : tensor<8xf32>

// -----

// Scales for four rows only.
// CHECK-LABEL: func.func @main
// CHECK-NOT: llmc.batch
func.func @main(%x: tensor<?x8xf32> {llmc.dims = ["batch", ""]}) -> tensor<?x8xi8> {
  %s = llmc.weight @s : tensor<4x2xf32>
  %y = llmc.quantize_linear %x, %s {to = i8, precision = f32, block_size = 4 : i64} : (tensor<?x8xf32>, tensor<4x2xf32>) -> tensor<?x8xi8>
  return %y : tensor<?x8xi8>
}
llmc.param @s = dense<1.0> : tensor<4x2xf32>

// -----

// One scale for all rows.
// CHECK-LABEL: func.func @main
// CHECK-NOT: llmc.batch
func.func @main(%x: tensor<?x8xf32> {llmc.dims = ["batch", ""]}) -> tensor<?x8xui8> {
  %y, %scale, %zero = llmc.dynamic_quantize_linear %x : (tensor<?x8xf32>) -> (tensor<?x8xui8>, tensor<f32>, tensor<ui8>)
  return %y : tensor<?x8xui8>
}

// -----

// Attention between the rows of the batch.
// CHECK-LABEL: func.func @main
// CHECK-NOT: llmc.batch
func.func @main(%x: tensor<?x8xf32> {llmc.dims = ["batch", ""]}) -> tensor<?x8xf32> {
  %t = llmc.transpose %x {perm = array<i64: 1, 0>} : (tensor<?x8xf32>) -> tensor<8x?xf32>
  %s = llmc.matmul %x, %t : (tensor<?x8xf32>, tensor<8x?xf32>) -> tensor<?x?xf32>
  %y = llmc.matmul %s, %x : (tensor<?x?xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// The first rows only.
// CHECK-LABEL: func.func @main
// CHECK-NOT: llmc.batch
func.func @main(%x: tensor<?x8xf32> {llmc.dims = ["batch", ""]}) -> tensor<?x8xf32> {
  %start = llmc.constant dense<0> : tensor<1xi64>
  %end = llmc.constant dense<-1> : tensor<1xi64>
  %step = llmc.constant dense<1> : tensor<1xi64>
  %y = llmc.slice %x, %start, %end, %step {axes = array<i64: 0>} : (tensor<?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// The number of rows is used as a number.
// CHECK-LABEL: func.func @main
// CHECK-NOT: llmc.batch
func.func @main(%x: tensor<?x8xf32> {llmc.dims = ["batch", ""]}) -> tensor<?x8xf32> {
  %n = llmc.shape %x {start = 0 : i64, end = 1 : i64} : (tensor<?x8xf32>) -> tensor<1xi64>
  %f = llmc.cast %n {to = f32} : (tensor<1xi64>) -> tensor<1xf32>
  %y = llmc.div %x, %f : (tensor<?x8xf32>, tensor<1xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// A row of its own for each row of the batch.
// CHECK-LABEL: func.func @main
// CHECK-NOT: llmc.batch
func.func @main(%x: tensor<?x8xf32> {llmc.dims = ["batch", ""]}) -> tensor<?x8xf32> {
  %bias = llmc.weight @bias : tensor<4x8xf32>
  %y = llmc.add %x, %bias : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
llmc.param @bias = dense<1.0> : tensor<4x8xf32>

// -----

// What a part would get has another order.
// CHECK-LABEL: func.func @main
// CHECK-NOT: llmc.batch
func.func @main(%x: tensor<?x8xf32> {llmc.dims = ["batch", ""]}) -> tensor<?x8xf32> {
  %shape = llmc.constant dense<[-1, 8]> : tensor<2xi64>
  %t = llmc.transpose %x {perm = array<i64: 1, 0>} : (tensor<?x8xf32>) -> tensor<8x?xf32>
  %y = llmc.reshape %t, %shape : (tensor<8x?xf32>, tensor<2xi64>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// A result that is not of the batch.
// CHECK-LABEL: func.func @main
// CHECK-NOT: llmc.batch
func.func @main(%x: tensor<?x8xf32> {llmc.dims = ["batch", ""]}) -> (tensor<?x8xf32>, tensor<8xf32>) {
  %y = llmc.relu %x : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %w = llmc.weight @w : tensor<8xf32>
  return %y, %w : tensor<?x8xf32>, tensor<8xf32>
}
llmc.param @w = dense<1.0> : tensor<8xf32>

// -----

// A state is the caller's.
// CHECK-LABEL: func.func @main
// CHECK-NOT: llmc.batch
func.func @main(%x: tensor<?x8xf32> {llmc.dims = ["batch", ""]}, %s: tensor<?x8xf32> {llmc.dims = ["batch", ""], llmc.state = "y"}) -> tensor<?x8xf32> {
  %y = llmc.add %x, %s : (tensor<?x8xf32>, tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}
