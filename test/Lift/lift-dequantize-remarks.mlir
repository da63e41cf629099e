// RUN: llmc-opt %s --llmc-lift-dequantize -verify-diagnostics -split-input-file

llmc.param @w = dense<1> : tensor<4x3xi8>
llmc.param @s = dense<1.0> : tensor<4xf32>
func.func @inputs(%x: tensor<?x4xf32>) -> tensor<?x3xf32> {
  %q = llmc.weight @w : tensor<4x3xi8>
  %s = llmc.weight @s : tensor<4xf32>
  // expected-remark @+1 {{weight 'w' stays llmc.dequantize_linear, which no kernel reads: its scales are not those of outputs or of rows that are gathered}}
  %w = llmc.dequantize_linear %q, %s {axis = 0 : i64, to = f32}
     : (tensor<4x3xi8>, tensor<4xf32>) -> tensor<4x3xf32>
  %y = llmc.matmul %x, %w : (tensor<?x4xf32>, tensor<4x3xf32>) -> tensor<?x3xf32>
  return %y : tensor<?x3xf32>
}

// -----

llmc.param @w = dense<1.0> : tensor<4x3xf8E4M3FN>
llmc.param @s = dense<1.0> : tensor<3xf32>
func.func @floats(%x: tensor<?x4xf32>) -> tensor<?x3xf32> {
  %q = llmc.weight @w : tensor<4x3xf8E4M3FN>
  %s = llmc.weight @s : tensor<3xf32>
  // expected-remark @+1 {{its elements are f8E4M3FN}}
  %w = llmc.dequantize_linear %q, %s {axis = 1 : i64, to = f32}
     : (tensor<4x3xf8E4M3FN>, tensor<3xf32>) -> tensor<4x3xf32>
  %y = llmc.matmul %x, %w : (tensor<?x4xf32>, tensor<4x3xf32>) -> tensor<?x3xf32>
  return %y : tensor<?x3xf32>
}

// -----

llmc.param @w = dense<1> : tensor<4x3xui8>
func.func @computed(%x: tensor<?x4xf32>, %s: tensor<3xf32>) -> tensor<?x3xf32> {
  %q = llmc.weight @w : tensor<4x3xui8>
  // expected-remark @+1 {{its scales or zero points are computed}}
  %w = llmc.dequantize_linear %q, %s {axis = 1 : i64, to = f32}
     : (tensor<4x3xui8>, tensor<3xf32>) -> tensor<4x3xf32>
  %y = llmc.matmul %x, %w : (tensor<?x4xf32>, tensor<4x3xf32>) -> tensor<?x3xf32>
  return %y : tensor<?x3xf32>
}

// -----

llmc.param @w = dense<1> : tensor<2x6xui4>
llmc.param @s = dense<1.0> : tensor<2x2xf32>
func.func @bytes(%ids: tensor<?xi64>) -> tensor<?x6xf32> {
  %q = llmc.weight @w : tensor<2x6xui4>
  %s = llmc.weight @s : tensor<2x2xf32>
  // expected-remark @+1 {{block}}
  %w = llmc.dequantize_linear %q, %s {block_size = 3 : i64, to = f32}
     : (tensor<2x6xui4>, tensor<2x2xf32>) -> tensor<2x6xf32>
  %y = llmc.gather %w, %ids {axis = 0 : i64} : (tensor<2x6xf32>, tensor<?xi64>) -> tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}

// -----

llmc.param @w = dense<1> : tensor<2x16xui8>
llmc.param @s = dense<1.0> : tensor<2x2xf32>
func.func @part(%ids: tensor<?xi64>) -> tensor<?x6xf32> {
  %q = llmc.weight @w : tensor<2x16xui8>
  %s = llmc.weight @s : tensor<2x2xf32>
  %first = llmc.constant dense<0> : tensor<1xi64>
  %end = llmc.constant dense<6> : tensor<1xi64>
  %one = llmc.constant dense<1> : tensor<1xi64>
  // expected-remark @+1 {{only a part of it is read}}
  %d = llmc.dequantize_linear %q, %s {block_size = 8 : i64, to = f32}
     : (tensor<2x16xui8>, tensor<2x2xf32>) -> tensor<2x16xf32>
  %w = llmc.slice %d, %first, %end, %one {axes = array<i64: 1>}
     : (tensor<2x16xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<2x6xf32>
  %y = llmc.gather %w, %ids {axis = 0 : i64} : (tensor<2x6xf32>, tensor<?xi64>) -> tensor<?x6xf32>
  return %y : tensor<?x6xf32>
}
