// RUN: llmc-opt %s --load-backend=cpu --llmc-claim-kernels=strict -verify-diagnostics
// RUN: not llmc-opt %s --llmc-claim-kernels=backends=cpu 2>&1 | FileCheck %s
// CHECK: llmc-claim-kernels: there is no backend 'cpu': load it with --load-backend=FILE

func.func @main(%x: tensor<2x8xf32>, %w: tensor<4x8xf32>) -> (tensor<2x4xf32>, tensor<2x8xf32>) {
  // expected-error @+1 {{no backend claims this op: it runs through the reference lowering}}
  %y = llmc.linear %x, %w : (tensor<2x8xf32>, tensor<4x8xf32>) -> tensor<2x4xf32>
  %scale = llmc.constant dense<0.5> : tensor<f32>
  %q = llmc.quantize_linear %x, %scale {precision = f32, to = i8} : (tensor<2x8xf32>, tensor<f32>) -> tensor<2x8xi8>
  // expected-error @+1 {{no backend claims this op: it runs through the reference lowering}}
  %r = llmc.dequantize_linear %q, %scale {to = f32} : (tensor<2x8xi8>, tensor<f32>) -> tensor<2x8xf32>
  return %y, %r : tensor<2x4xf32>, tensor<2x8xf32>
}
