// RUN: llmc-opt %s | llmc-opt | FileCheck %s
// RUN: llmc-opt %s --mlir-print-op-generic | llmc-opt | FileCheck %s

// CHECK-LABEL: @linear
func.func @linear(%x: tensor<2x?x6xf32>, %v: tensor<6xf32>, %w: tensor<4x6xf32>, %b: tensor<4xf32>,
                  %i: tensor<2x?xi64>) {
  // CHECK: llmc.linear %{{.*}}, %{{.*}} : (tensor<2x?x6xf32>, tensor<4x6xf32>) -> tensor<2x?x4xf32>
  %0 = llmc.linear %x, %w : (tensor<2x?x6xf32>, tensor<4x6xf32>) -> tensor<2x?x4xf32>
  // CHECK: llmc.linear %{{.*}}, %{{.*}}, %{{.*}} : {{.*}} -> tensor<4xf32>
  %1 = llmc.linear %v, %w, %b : (tensor<6xf32>, tensor<4x6xf32>, tensor<4xf32>) -> tensor<4xf32>
  // CHECK: llmc.embedding %{{.*}}, %{{.*}} : (tensor<2x?xi64>, tensor<4x6xf32>) -> tensor<2x?x6xf32>
  %2 = llmc.embedding %i, %w : (tensor<2x?xi64>, tensor<4x6xf32>) -> tensor<2x?x6xf32>
  return
}

// CHECK-LABEL: @norms
func.func @norms(%x: tensor<2x?x6xf32>, %s: tensor<6xf32>, %m: tensor<?x1xf32>) {
  // CHECK: llmc.rms_norm {{.*}} {epsilon = 9.99999974E-6 : f32} {{.*}} -> tensor<2x?x6xf32>
  %0 = llmc.rms_norm %x, %s {epsilon = 1.0e-5 : f32} : (tensor<2x?x6xf32>, tensor<6xf32>) -> tensor<2x?x6xf32>
  // CHECK: llmc.layer_norm %{{.*}}, %{{.*}} {axis = 2 : i64, epsilon = 0.000000e+00 : f32} : {{.*}} -> tensor<2x?x6xf32>
  %1 = llmc.layer_norm %x, %s {axis = 2, epsilon = 0.0 : f32} : (tensor<2x?x6xf32>, tensor<6xf32>) -> tensor<2x?x6xf32>
  // CHECK: llmc.layer_norm %{{.*}}, %{{.*}}, %{{.*}} {axis = 1 : i64, epsilon = 5.000000e-01 : f32}
  %2 = llmc.layer_norm %x, %s, %m {axis = 1, epsilon = 0.5 : f32}
     : (tensor<2x?x6xf32>, tensor<6xf32>, tensor<?x1xf32>) -> tensor<2x?x6xf32>
  return
}

// CHECK-LABEL: @activations
func.func @activations(%x: tensor<2x?xbf16>) {
  // CHECK: llmc.gelu %{{.*}} : (tensor<2x?xbf16>) -> tensor<2x?xbf16>
  %0 = llmc.gelu %x : (tensor<2x?xbf16>) -> tensor<2x?xbf16>
  // CHECK: llmc.gelu %{{.*}} {tanh} : (tensor<2x?xbf16>) -> tensor<2x?xbf16>
  %1 = llmc.gelu %x {tanh} : (tensor<2x?xbf16>) -> tensor<2x?xbf16>
  // CHECK: llmc.silu %{{.*}} : (tensor<2x?xbf16>) -> tensor<2x?xbf16>
  %2 = llmc.silu %x : (tensor<2x?xbf16>) -> tensor<2x?xbf16>
  return
}

// CHECK-LABEL: @rope
func.func @rope(%x: tensor<?x4x?x16xf32>, %one: tensor<1x?x8xf32>, %part: tensor<?x?x2xf32>) {
  // CHECK: llmc.rope %{{.*}}, %{{.*}}, %{{.*}} : (tensor<?x4x?x16xf32>, tensor<1x?x8xf32>, tensor<1x?x8xf32>) -> tensor<?x4x?x16xf32>
  %0 = llmc.rope %x, %one, %one
     : (tensor<?x4x?x16xf32>, tensor<1x?x8xf32>, tensor<1x?x8xf32>) -> tensor<?x4x?x16xf32>
  // CHECK: llmc.rope {{.*}} {interleaved} : {{.*}} -> tensor<?x4x?x16xf32>
  %1 = llmc.rope %x, %part, %part {interleaved}
     : (tensor<?x4x?x16xf32>, tensor<?x?x2xf32>, tensor<?x?x2xf32>) -> tensor<?x4x?x16xf32>
  return
}

// CHECK-LABEL: @attention
func.func @attention(%q: tensor<?x4x?x16xf32>, %k: tensor<?x2x?x16xf32>, %v: tensor<?x2x?x8xf32>,
                     %keep: tensor<?x?xi1>, %add: tensor<?x1x?x?xf32>) {
  // CHECK: llmc.attention %{{.*}}, %{{.*}}, %{{.*}} {scale = 2.500000e-01 : f32} : {{.*}} -> tensor<?x4x?x8xf32>
  %0 = llmc.attention %q, %k, %v {scale = 0.25 : f32}
     : (tensor<?x4x?x16xf32>, tensor<?x2x?x16xf32>, tensor<?x2x?x8xf32>) -> tensor<?x4x?x8xf32>
  // CHECK: llmc.attention {{.*}} {causal, scale = 2.500000e-01 : f32, softcap = 5.000000e+01 : f32, window = 4 : i64}
  %1 = llmc.attention %q, %k, %v {causal, window = 4, softcap = 50.0 : f32, scale = 0.25 : f32}
     : (tensor<?x4x?x16xf32>, tensor<?x2x?x16xf32>, tensor<?x2x?x8xf32>) -> tensor<?x4x?x8xf32>
  // CHECK: llmc.attention %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} {scale = 2.500000e-01 : f32} : {{.*}}, tensor<?x?xi1>) -> tensor<?x4x?x8xf32>
  %2 = llmc.attention %q, %k, %v, %keep {scale = 0.25 : f32}
     : (tensor<?x4x?x16xf32>, tensor<?x2x?x16xf32>, tensor<?x2x?x8xf32>, tensor<?x?xi1>) -> tensor<?x4x?x8xf32>
  // CHECK: llmc.attention {{.*}}, tensor<?x1x?x?xf32>) -> tensor<?x4x?x8xf32>
  %3 = llmc.attention %q, %k, %v, %add {scale = 0.25 : f32}
     : (tensor<?x4x?x16xf32>, tensor<?x2x?x16xf32>, tensor<?x2x?x8xf32>, tensor<?x1x?x?xf32>) -> tensor<?x4x?x8xf32>
  return
}

// CHECK-LABEL: @cache
func.func @cache(%cache: tensor<?x2x8x16xf32>, %rows: tensor<?x2x?x16xf32>, %at: tensor<i64>, %each: tensor<?xi64>) {
  // CHECK: llmc.tensor_scatter {{.*}} {axis = 2 : i64} {{.*}}, tensor<i64>) -> tensor<?x2x8x16xf32>
  %0 = llmc.tensor_scatter %cache, %rows, %at {axis = 2}
     : (tensor<?x2x8x16xf32>, tensor<?x2x?x16xf32>, tensor<i64>) -> tensor<?x2x8x16xf32>
  // CHECK: llmc.tensor_scatter {{.*}} {axis = 2 : i64} {{.*}}, tensor<?xi64>) -> tensor<?x2x8x16xf32>
  %1 = llmc.tensor_scatter %cache, %rows, %each {axis = 2}
     : (tensor<?x2x8x16xf32>, tensor<?x2x?x16xf32>, tensor<?xi64>) -> tensor<?x2x8x16xf32>
  // CHECK: llmc.prefix {{.*}} {axis = 2 : i64} {{.*}} -> tensor<?x2x?x16xf32>
  %2 = llmc.prefix %0, %at {axis = 2} : (tensor<?x2x8x16xf32>, tensor<i64>) -> tensor<?x2x?x16xf32>
  %three = llmc.constant dense<3> : tensor<i64>
  // CHECK: llmc.prefix {{.*}} -> tensor<?x2x3x16xf32>
  %3 = llmc.prefix %0, %three {axis = 2} : (tensor<?x2x8x16xf32>, tensor<i64>) -> tensor<?x2x3x16xf32>
  return
}
