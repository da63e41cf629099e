// RUN: llmc-opt %s --load-backend=cpu --llmc-claim-kernels=strict -verify-diagnostics
// RUN: not llmc-opt %s --llmc-claim-kernels=backends=cpu 2>&1 | FileCheck %s
// CHECK: llmc-claim-kernels: there is no backend 'cpu': load it with --load-backend=FILE

// Without backends there is none that claims anything.
// RUN: not llmc-opt %s --llmc-claim-kernels=strict 2>&1 | FileCheck %s --check-prefix=NONE
// NONE-COUNT-6: error: no backend claims this op

llmc.param @v = dense<1.0> : tensor<4x4xf32>
llmc.param @p = dense<68> : tensor<4x1xui8>
func.func @main(%x: tensor<2x8xf32>, %w: tensor<4x8xf32>, %h: tensor<2x8xf16>, %s: tensor<8xf16>, %i: tensor<1x1x4x4xf32>, %k: tensor<1x1x3x3xf32>)
    -> (tensor<2x4xf32>, tensor<2x8xf32>, tensor<2x8xf16>, tensor<2x2xf16>, tensor<1x1x2x2xf32>, tensor<2x4xf32>) {
  // expected-error @+1 {{no backend claims this op: it runs through the reference lowering}}
  %y = llmc.linear %x, %w : (tensor<2x8xf32>, tensor<4x8xf32>) -> tensor<2x4xf32>
  %scale = llmc.constant dense<0.5> : tensor<f32>
  %q = llmc.quantize_linear %x, %scale {precision = f32, to = i8} : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xi8>
  // expected-error @+1 {{no backend claims this op: it runs through the reference lowering}}
  %r = llmc.dequantize_linear %q, %scale {to = f32} : (tensor<2x8xi8>, tensor<f32>) -> tensor<2x8xf32>
  // expected-error @+1 {{no backend claims this op: it runs through the reference lowering}}
  %n = llmc.rms_norm %h, %s {epsilon = 1.0e-5 : f32} : (tensor<2x8xf16>, tensor<8xf16>) -> tensor<2x8xf16>
  %t = llmc.transpose %h {perm = array<i64: 1, 0>} : (tensor<2x8xf16>) -> tensor<8x2xf16>
  // expected-error @+1 {{no backend claims this op: it runs through the reference lowering}}
  %m = llmc.matmul %n, %t : (tensor<2x8xf16>, tensor<8x2xf16>) -> tensor<2x2xf16>
  // expected-error @+1 {{no backend claims this op: it runs through the reference lowering}}
  %c = llmc.conv %i, %k {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1 : i64} : (tensor<1x1x4x4xf32>, tensor<1x1x3x3xf32>) -> tensor<1x1x2x2xf32>
  // A kernel that falls short of what is stored.
  %v = llmc.weight @v : tensor<4x4xf32>
  %p = llmc.weight @p : tensor<4x1xui8>
  %d = llmc.densify %v, %p {pattern = "2:4"} : (tensor<4x4xf32>, tensor<4x1xui8>) -> tensor<4x8xf32>
  // expected-error @+1 {{the weight 'v' is 2:4, for which CPUs have no instructions: its kernel reads it unpacked, as a dense one}}
  %z = llmc.linear %x, %d : (tensor<2x8xf32>, tensor<4x8xf32>) -> tensor<2x4xf32>
  return %y, %r, %n, %m, %c, %z : tensor<2x4xf32>, tensor<2x8xf32>, tensor<2x8xf16>, tensor<2x2xf16>, tensor<1x1x2x2xf32>, tensor<2x4xf32>
}
