// RUN: llmc-opt %s --llmc-quantize-scales=strict=true -verify-diagnostics \
// RUN:   -split-input-file

// expected-error @+1 {{'s' is not quantized: it holds scales that are not finite or outside of f16's range}}
llmc.param @s = dense<[[1.0, -2.0, 70000.0]]> : tensor<1x3xf32>
llmc.param @q = dense<0> : tensor<1x3x8xui8>
func.func @main() -> tensor<1x48xf32> {
  %q = llmc.weight @q : tensor<1x3x8xui8>
  %s = llmc.weight @s : tensor<1x3xf32>
  %w = llmc.dequantize %q, %s {bits = 4 : i64, block = 16 : i64, columns = 48 : i64}
     : (tensor<1x3x8xui8>, tensor<1x3xf32>) -> tensor<1x48xf32>
  return %w : tensor<1x48xf32>
}

// -----

// expected-error @+1 {{'s' is not quantized: 'llmc.abs' reads it too}}
llmc.param @s = dense<1.0> : tensor<1x3xf32>
llmc.param @q = dense<0> : tensor<1x3x8xui8>
func.func @main() -> (tensor<1x48xf32>, tensor<1x3xf32>) {
  %q = llmc.weight @q : tensor<1x3x8xui8>
  %s = llmc.weight @s : tensor<1x3xf32>
  %w = llmc.dequantize %q, %s {bits = 4 : i64, block = 16 : i64, columns = 48 : i64}
     : (tensor<1x3x8xui8>, tensor<1x3xf32>) -> tensor<1x48xf32>
  %a = llmc.abs %s : (tensor<1x3xf32>) -> tensor<1x3xf32>
  return %w, %a : tensor<1x48xf32>, tensor<1x3xf32>
}

// -----

// expected-error @+1 {{'z' is not quantized: it holds zero points that are not finite or outside of f16's range}}
llmc.param @z = dense<[[1.0, 2.0, 70000.0]]> : tensor<1x3xf32>
llmc.param @s = dense<1.0> : tensor<1x3xf32>
llmc.param @q = dense<0> : tensor<1x3x8xui8>
func.func @main() -> tensor<1x48xf32> {
  %q = llmc.weight @q : tensor<1x3x8xui8>
  %s = llmc.weight @s : tensor<1x3xf32>
  %z = llmc.weight @z : tensor<1x3xf32>
  %w = llmc.dequantize %q, %s, %z {bits = 4 : i64, block = 16 : i64, columns = 48 : i64}
     : (tensor<1x3x8xui8>, tensor<1x3xf32>, tensor<1x3xf32>) -> tensor<1x48xf32>
  return %w : tensor<1x48xf32>
}
