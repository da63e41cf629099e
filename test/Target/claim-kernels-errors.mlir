// RUN: llmc-opt %s --load-backend=cpu --llmc-claim-kernels=strict -verify-diagnostics
// RUN: not llmc-opt %s --llmc-claim-kernels=backends=cpu 2>&1 | FileCheck %s
// CHECK: llmc-claim-kernels: there is no backend 'cpu': load it with --load-backend=FILE

func.func @main(%x: tensor<2x8xf32>, %w: tensor<4x8xf32>) -> tensor<2x4xf32> {
  // expected-error @+1 {{no backend claims this op: it runs through the reference lowering}}
  %y = llmc.linear %x, %w : (tensor<2x8xf32>, tensor<4x8xf32>) -> tensor<2x4xf32>
  return %y : tensor<2x4xf32>
}
