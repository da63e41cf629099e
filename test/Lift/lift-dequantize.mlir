// RUN: llmc-opt %s --llmc-lift-dequantize --llmc-lift-linear | FileCheck %s

// Unsigned codes in blocks of 8 along `in` are as llmc.dequantize stores them.
// CHECK-DAG: llmc.param @blocked = dense_resource<blocked> : tensor<2x2x8xui8>
// CHECK-DAG: llmc.param @blocked.s = dense{{.*}} : tensor<2x2xf32>
// CHECK-DAG: llmc.param @blocked.z = dense{{.*}} : tensor<2x2xui8>
llmc.param @blocked = dense_resource<blocked> : tensor<2x16xui8>
llmc.param @blocked.s = dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
llmc.param @blocked.z = dense<[[1, 2], [3, 4]]> : tensor<2x2xui8>

// CHECK-LABEL: func.func @read_blocked
// CHECK-SAME: (%[[X:.*]]: tensor<?x13xf32>)
// CHECK-DAG: %[[Q:.*]] = llmc.weight @blocked :
// CHECK-DAG: %[[S:.*]] = llmc.weight @blocked.s :
// CHECK-DAG: %[[Z:.*]] = llmc.weight @blocked.z :
// CHECK: %[[W:.*]] = llmc.dequantize %[[Q]], %[[S]], %[[Z]] {bits = 8 : i64, block = 8 : i64, columns = 13 : i64}
// CHECK-NEXT: llmc.linear %[[X]], %[[W]] :
func.func @read_blocked(%x: tensor<?x13xf32>) -> tensor<?x2xf32> {
  %q = llmc.weight @blocked : tensor<2x16xui8>
  %s = llmc.weight @blocked.s : tensor<2x2xf32>
  %z = llmc.weight @blocked.z : tensor<2x2xui8>
  %first = llmc.constant dense<0> : tensor<1xi64>
  %end = llmc.constant dense<13> : tensor<1xi64>
  %one = llmc.constant dense<1> : tensor<1xi64>
  %d = llmc.dequantize_linear %q, %s, %z {block_size = 8 : i64, to = f32}
     : (tensor<2x16xui8>, tensor<2x2xf32>, tensor<2x2xui8>) -> tensor<2x16xf32>
  %w = llmc.slice %d, %first, %end, %one {axes = array<i64: 1>}
     : (tensor<2x16xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<2x13xf32>
  %t = llmc.transpose %w {perm = array<i64: 1, 0>} : (tensor<2x13xf32>) -> tensor<13x2xf32>
  %y = llmc.matmul %x, %t : (tensor<?x13xf32>, tensor<13x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// Signed and [in, out], with a scale for each output: codes move up by 128 and
// are transposed. 128 is the zero point of a weight without any.
// CHECK-DAG: llmc.param @channels = dense_resource<channels> : tensor<3x1x8xui8>
// CHECK-DAG: llmc.param @channels.s = dense{{.*}} : tensor<3x1xf32>
llmc.param @channels = dense<[[-128, -1, 0], [1, 2, 127]]> : tensor<2x3xi8>
llmc.param @channels.s = dense<[1.0, 2.0, 3.0]> : tensor<3xf32>

// CHECK-LABEL: func.func @read_channels
// CHECK: %[[W:.*]] = llmc.dequantize %{{[0-9]+}}, %{{[0-9]+}} {bits = 8 : i64, block = 8 : i64, columns = 2 : i64}
// CHECK-NEXT: llmc.linear %{{.*}}, %[[W]] :
func.func @read_channels(%x: tensor<?x2xf32>) -> tensor<?x3xf32> {
  %q = llmc.weight @channels : tensor<2x3xi8>
  %s = llmc.weight @channels.s : tensor<3xf32>
  %w = llmc.dequantize_linear %q, %s {axis = 1 : i64, to = f32}
     : (tensor<2x3xi8>, tensor<3xf32>) -> tensor<2x3xf32>
  %y = llmc.matmul %x, %w : (tensor<?x2xf32>, tensor<2x3xf32>) -> tensor<?x3xf32>
  return %y : tensor<?x3xf32>
}

// One scale for a table of 4 bits, which is read as it is, too.
// CHECK-DAG: llmc.param @table = dense<{{.*}}> : tensor<3x2xi4>
// CHECK-DAG: llmc.param @table_[[N:[0-9]+]] = dense_resource<table> : tensor<3x1x4xui8>
// CHECK-DAG: llmc.param @table.scales = dense{{.*}} : tensor<3x1xf32>
// CHECK-DAG: llmc.param @table.zeros = dense{{.*}} : tensor<3x1xui8>
llmc.param @table = dense<[[-8, 7], [0, 1], [-1, 2]]> : tensor<3x2xi4>

// CHECK-LABEL: func.func @read_table
// CHECK: llmc.weight @table : tensor<3x2xi4>
// CHECK: %[[Q:.*]] = llmc.weight @table_[[N]]
// CHECK: %[[W:.*]] = llmc.dequantize %[[Q]], %{{[0-9]+}}, %{{[0-9]+}} {bits = 4 : i64, block = 8 : i64, columns = 2 : i64}
// CHECK-NEXT: llmc.gather %[[W]]
func.func @read_table(%ids: tensor<?xi64>) -> (tensor<?x2xf32>, tensor<3x2xi4>) {
  %q = llmc.weight @table : tensor<3x2xi4>
  %s = llmc.constant dense<2.0> : tensor<f32>
  %z = llmc.constant dense<3> : tensor<i4>
  %w = llmc.dequantize_linear %q, %s, %z {axis = 0 : i64, to = f32}
     : (tensor<3x2xi4>, tensor<f32>, tensor<i4>) -> tensor<3x2xf32>
  %y = llmc.gather %w, %ids {axis = 0 : i64}
     : (tensor<3x2xf32>, tensor<?xi64>) -> tensor<?x2xf32>
  return %y, %q : tensor<?x2xf32>, tensor<3x2xi4>
}

// Blocks along `in` of [in, out]: scales and zero points are transposed, too.
// CHECK-DAG: llmc.param @tall = dense_resource<tall_1> : tensor<2x2x8xui8>
// CHECK-DAG: llmc.param @tall.s = dense{{.*}} : tensor<2x2xf32>
// CHECK-DAG: llmc.param @tall.z = dense{{.*}} : tensor<2x2xui8>
llmc.param @tall = dense_resource<tall> : tensor<16x2xui8>
llmc.param @tall.s = dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
llmc.param @tall.z = dense<[[5, 6], [7, 8]]> : tensor<2x2xui8>

// CHECK-LABEL: func.func @read_tall
// CHECK: %[[W:.*]] = llmc.dequantize %{{[0-9]+}}, %{{[0-9]+}}, %{{[0-9]+}} {bits = 8 : i64, block = 8 : i64, columns = 16 : i64}
// CHECK-NEXT: llmc.linear %{{.*}}, %[[W]] :
func.func @read_tall(%x: tensor<?x16xf32>) -> tensor<?x2xf32> {
  %q = llmc.weight @tall : tensor<16x2xui8>
  %s = llmc.weight @tall.s : tensor<2x2xf32>
  %z = llmc.weight @tall.z : tensor<2x2xui8>
  %w = llmc.dequantize_linear %q, %s, %z {axis = 0 : i64, block_size = 8 : i64, to = f32}
     : (tensor<16x2xui8>, tensor<2x2xf32>, tensor<2x2xui8>) -> tensor<16x2xf32>
  %y = llmc.matmul %x, %w : (tensor<?x16xf32>, tensor<16x2xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// The bytes of another user, in the shape of a matrix: they are there already.
// CHECK-LABEL: func.func @reshaped
// CHECK-COUNT-2: llmc.weight @packed : tensor<2x1x8xui8>
// CHECK: llmc.dequantize %{{[0-9]+}}, %{{[0-9]+}}, %{{[0-9]+}} {bits = 8 : i64, block = 8 : i64, columns = 8 : i64}
llmc.param @packed = dense_resource<packed> : tensor<2x1x8xui8>
llmc.param @packed.s = dense<[[1.0], [3.0]]> : tensor<2x1xf32>
func.func @reshaped(%ids: tensor<?xi64>) -> (tensor<?x8xf32>, tensor<2x1x8xui8>) {
  %p = llmc.weight @packed : tensor<2x1x8xui8>
  %s = llmc.weight @packed.s : tensor<2x1xf32>
  %shape = llmc.constant dense<[2, 8]> : tensor<2xi64>
  %q = llmc.reshape %p, %shape : (tensor<2x1x8xui8>, tensor<2xi64>) -> tensor<2x8xui8>
  %w = llmc.dequantize_linear %q, %s {block_size = 8 : i64, to = f32}
     : (tensor<2x8xui8>, tensor<2x1xf32>) -> tensor<2x8xf32>
  %y = llmc.gather %w, %ids {axis = 0 : i64}
     : (tensor<2x8xf32>, tensor<?xi64>) -> tensor<?x8xf32>
  return %y, %p : tensor<?x8xf32>, tensor<2x1x8xui8>
}

// Activations, and what no product or gather reads.
// CHECK-LABEL: func.func @kept
// CHECK-COUNT-2: llmc.dequantize_linear
llmc.param @other = dense<1> : tensor<2x3xi8>
llmc.param @other.s = dense<1.0> : tensor<3xf32>
func.func @kept(%x: tensor<?x2xui8>) -> (tensor<?x3xf32>, tensor<2x3xf32>) {
  %q = llmc.weight @other : tensor<2x3xi8>
  %s = llmc.weight @other.s : tensor<3xf32>
  %one = llmc.constant dense<1.0> : tensor<f32>
  %z = llmc.constant dense<128> : tensor<ui8>
  %w = llmc.dequantize_linear %q, %s {axis = 1 : i64, to = f32}
     : (tensor<2x3xi8>, tensor<3xf32>) -> tensor<2x3xf32>
  %d = llmc.dequantize_linear %x, %one, %z {axis = 0 : i64, to = f32}
     : (tensor<?x2xui8>, tensor<f32>, tensor<ui8>) -> tensor<?x2xf32>
  %n = llmc.neg %w : (tensor<2x3xf32>) -> tensor<2x3xf32>
  %y = llmc.matmul %d, %w : (tensor<?x2xf32>, tensor<2x3xf32>) -> tensor<?x3xf32>
  return %y, %n : tensor<?x3xf32>, tensor<2x3xf32>
}

// Exporters transpose the integers before: scales of columns are those of rows.
// Bytes stay what they are.
// CHECK: llmc.param @turned = dense<{{.*}}> : tensor<3x1x8xui8>
llmc.param @turned = dense<[[[1, 2, 3, 4, 5, 6, 7, 8]], [[2, 3, 4, 5, 6, 7, 8, 9]], [[3, 4, 5, 6, 7, 8, 9, 10]]]> : tensor<3x1x8xui8>
llmc.param @turned.s = dense<[[1.0], [2.0], [3.0]]> : tensor<3x1xf32>

// CHECK-LABEL: func.func @read_turned
// CHECK-SAME: (%[[X:.*]]: tensor<?x8xf32>)
// CHECK: %[[W:.*]] = llmc.dequantize %{{.*}}, %{{.*}} {bits = 8 : i64, block = 8 : i64, columns = 8 : i64}
// CHECK: llmc.linear %[[X]], %[[W]] :
func.func @read_turned(%x: tensor<?x8xf32>) -> tensor<?x3xf32> {
  %q = llmc.weight @turned : tensor<3x1x8xui8>
  %s = llmc.weight @turned.s : tensor<3x1xf32>
  %rows = llmc.constant dense<[3, 8]> : tensor<2xi64>
  %outputs = llmc.constant dense<3> : tensor<1xi64>
  %middle = llmc.constant dense<128> : tensor<3xui8>
  %r = llmc.reshape %q, %rows : (tensor<3x1x8xui8>, tensor<2xi64>) -> tensor<3x8xui8>
  %t = llmc.transpose %r {perm = array<i64: 1, 0>} : (tensor<3x8xui8>) -> tensor<8x3xui8>
  %v = llmc.reshape %s, %outputs : (tensor<3x1xf32>, tensor<1xi64>) -> tensor<3xf32>
  %w = llmc.dequantize_linear %t, %v, %middle {to = f32}
     : (tensor<8x3xui8>, tensor<3xf32>, tensor<3xui8>) -> tensor<8x3xf32>
  %y = llmc.matmul %x, %w : (tensor<?x8xf32>, tensor<8x3xf32>) -> tensor<?x3xf32>
  return %y : tensor<?x3xf32>
}

// Behind the alignment, 4 bytes.
// CHECK-LABEL: dialect_resources
// CHECK-DAG: blocked: "0x{{........}}000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"
// CHECK-DAG: channels: "0x{{........}}00810000000000007F8200000000000080FF000000000000"
// CHECK-DAG: channels.s: "0x{{........}}0000803F0000004000004040"
// CHECK-DAG: table: "0x{{........}}F000000098000000A7000000"
// CHECK-DAG: table.scales: "0x{{........}}000000400000004000000040"
// CHECK-DAG: table.zeros: "0x{{........}}0B0B0B"
// CHECK-DAG: tall_1: "0x{{........}}00020406080A0C0E10121416181A1C1E01030507090B0D0F11131517191B1D1F"
// CHECK-DAG: tall.s: "0x{{........}}0000803F000040400000004000008040"
// CHECK-DAG: tall.z: "0x{{........}}05070608"
// CHECK-DAG: packed.zeros: "0x{{........}}0000"
{-#
  dialect_resources: {
    builtin: {
      blocked: "0x01000000000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F",
      tall: "0x01000000000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F",
      packed: "0x01000000000102030405060708090A0B0C0D0E0F"
    }
  }
#-}
