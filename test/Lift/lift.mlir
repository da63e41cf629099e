// The whole pipeline on a layer as an exporter writes it: shape arithmetic
// folds, moves merge, and each block is found behind the ones before it.
// RUN: llmc-opt %s --llmc-lift | FileCheck %s

llmc.param @embed = dense<0.5> : tensor<32x8xf32>
llmc.param @scale = dense<1.0> : tensor<8xf32>
llmc.param @qkv = dense<0.25> : tensor<8x8xf32>
llmc.param @up = dense<0.125> : tensor<8x16xf32>
llmc.param @bias = dense<1.0> : tensor<16xf32>

// CHECK-LABEL: func.func @main
// CHECK-SAME: -> (tensor<?x?x16xf32> {llmc.name = "y"})
func.func @main(%ids: tensor<?x?xi64> {llmc.dims = ["b", "s"], llmc.name = "ids"})
    -> (tensor<?x?x16xf32> {llmc.name = "y"}) {
  %0 = llmc.constant dense<0> : tensor<i64>
  %1 = llmc.constant dense<1> : tensor<i64>
  %two = llmc.constant dense<2.0> : tensor<f32>
  %eps = llmc.constant dense<1.0e-5> : tensor<f32>
  %half = llmc.constant dense<0.5> : tensor<f32>
  %heads = llmc.constant dense<[2, 4]> : tensor<2xi64>
  %whole = llmc.constant dense<-1> : tensor<1xi64>
  // CHECK: %[[E:.*]] = llmc.embedding
  %embed = llmc.weight @embed : tensor<32x8xf32>
  %x = llmc.gather %embed, %ids {axis = 0 : i64} : (tensor<32x8xf32>, tensor<?x?xi64>) -> tensor<?x?x8xf32>
  // CHECK: %[[N:.*]] = llmc.rms_norm %[[E]]
  %sq = llmc.pow %x, %two : (tensor<?x?x8xf32>, tensor<f32>) -> tensor<?x?x8xf32>
  %m = llmc.reduce mean %sq {axes = array<i64: 2>} : (tensor<?x?x8xf32>) -> tensor<?x?x1xf32>
  %e = llmc.add %m, %eps : (tensor<?x?x1xf32>, tensor<f32>) -> tensor<?x?x1xf32>
  %r = llmc.sqrt %e : (tensor<?x?x1xf32>) -> tensor<?x?x1xf32>
  %d = llmc.div %x, %r : (tensor<?x?x8xf32>, tensor<?x?x1xf32>) -> tensor<?x?x8xf32>
  %scale = llmc.weight @scale : tensor<8xf32>
  %n = llmc.mul %d, %scale : (tensor<?x?x8xf32>, tensor<8xf32>) -> tensor<?x?x8xf32>
  // CHECK: %[[L:.*]] = llmc.linear %[[N]]
  %w = llmc.weight @qkv : tensor<8x8xf32>
  %p = llmc.matmul %n, %w : (tensor<?x?x8xf32>, tensor<8x8xf32>) -> tensor<?x?x8xf32>
  // CHECK: llmc.reshape %[[L]], %{{.*}} -> tensor<?x?x2x4xf32>
  %bs = llmc.shape %n {start = 0 : i64, end = 2 : i64} : (tensor<?x?x8xf32>) -> tensor<2xi64>
  %t = llmc.concat %bs, %heads {axis = 0 : i64} : (tensor<2xi64>, tensor<2xi64>) -> tensor<4xi64>
  %h = llmc.reshape %p, %t : (tensor<?x?x8xf32>, tensor<4xi64>) -> tensor<?x?x?x?xf32>
  %q = llmc.transpose %h {perm = array<i64: 0, 2, 1, 3>} : (tensor<?x?x?x?xf32>) -> tensor<?x?x?x?xf32>
  %k = llmc.transpose %q {perm = array<i64: 0, 1, 3, 2>} : (tensor<?x?x?x?xf32>) -> tensor<?x?x?x?xf32>
  // CHECK: %[[A:.*]] = llmc.attention {{.*}} {scale = 5.000000e-01 : f32} {{.*}} -> tensor<?x2x?x4xf32>
  %s = llmc.matmul %q, %k : (tensor<?x?x?x?xf32>, tensor<?x?x?x?xf32>) -> tensor<?x?x?x?xf32>
  %sc = llmc.mul %s, %half : (tensor<?x?x?x?xf32>, tensor<f32>) -> tensor<?x?x?x?xf32>
  %sm = llmc.softmax %sc {axis = -1 : i64} : (tensor<?x?x?x?xf32>) -> tensor<?x?x?x?xf32>
  %a = llmc.matmul %sm, %q : (tensor<?x?x?x?xf32>, tensor<?x?x?x?xf32>) -> tensor<?x?x?x?xf32>
  %at = llmc.transpose %a {perm = array<i64: 0, 2, 1, 3>} : (tensor<?x?x?x?xf32>) -> tensor<?x?x?x?xf32>
  %flat = llmc.concat %bs, %whole {axis = 0 : i64} : (tensor<2xi64>, tensor<1xi64>) -> tensor<3xi64>
  // CHECK: llmc.reshape {{.*}} -> tensor<?x?x8xf32>
  %o = llmc.reshape %at, %flat : (tensor<?x?x?x?xf32>, tensor<3xi64>) -> tensor<?x?x?xf32>
  // CHECK: %[[U:.*]] = llmc.linear %{{.*}}, %{{.*}}, %{{.*}} : {{.*}} -> tensor<?x?x16xf32>
  %up = llmc.weight @up : tensor<8x16xf32>
  %u = llmc.matmul %o, %up : (tensor<?x?x?xf32>, tensor<8x16xf32>) -> tensor<?x?x16xf32>
  %bias = llmc.weight @bias : tensor<16xf32>
  %b = llmc.add %u, %bias : (tensor<?x?x16xf32>, tensor<16xf32>) -> tensor<?x?x16xf32>
  // CHECK: %[[Y:.*]] = llmc.silu %[[U]]
  %g = llmc.sigmoid %b : (tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  %y = llmc.mul %b, %g : (tensor<?x?x16xf32>, tensor<?x?x16xf32>) -> tensor<?x?x16xf32>
  // CHECK: return %[[Y]]
  return %y : tensor<?x?x16xf32>
}
