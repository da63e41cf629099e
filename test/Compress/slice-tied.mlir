// RUN: %python %S/../Inputs/make_statistics.py %t.safetensors up=4 table=4
// RUN: llmc-opt %s --llmc-read-statistics=file=%t.safetensors --llmc-slice="width=2 basis=own strict" | FileCheck %s
// RUN: llmc-opt %s --llmc-read-statistics=file=%t.safetensors --llmc-slice="width=2 basis=own strict tied" | FileCheck %s --check-prefix=TIED

// A tied table stays whole, or has fewer columns: those of the stream of the
// first norm.

// CHECK-DAG: llmc.param @table.into = dense_resource<{{.*}}> : tensor<2x4xf32>
// CHECK-DAG: llmc.param @table = dense<1.000000e+00> : tensor<8x4xf32>
// CHECK-DAG: llmc.param @last.back = dense_resource<{{.*}}> : tensor<4x2xf32>
// CHECK: %[[E:.*]] = llmc.embedding {{.*}} -> tensor<?x?x4xf32>
// CHECK: llmc.linear %[[E]], %{{.*}} -> tensor<?x?x2xf32>
// CHECK: %[[B:.*]] = llmc.linear {{.*}} -> tensor<?x?x4xf32>
// CHECK: llmc.linear %[[B]], %{{.*}} -> tensor<?x?x8xf32>

// TIED-NOT: table.into
// TIED: llmc.embedding {{.*}} -> tensor<?x?x2xf32>
// TIED: llmc.weight @last.back : tensor<2x2xf32>
llmc.param @norm = dense<1.0> : tensor<4xf32>
llmc.param @up = dense<1.0> : tensor<6x4xf32>
llmc.param @down = dense<1.0> : tensor<4x6xf32>
llmc.param @last = dense<1.0> : tensor<4xf32>
llmc.param @table = dense<1.0> : tensor<8x4xf32>
func.func @main(%ids: tensor<?x?xi64>) -> tensor<?x?x8xf32> {
  %e = llmc.weight @table : tensor<8x4xf32>
  %x = llmc.embedding %ids, %e : (tensor<?x?xi64>, tensor<8x4xf32>) -> tensor<?x?x4xf32>
  %s = llmc.weight @norm : tensor<4xf32>
  %n = llmc.rms_norm %x, %s {epsilon = 1.0e-5 : f32}
     : (tensor<?x?x4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
  %uw = llmc.weight @up : tensor<6x4xf32>
  %u = llmc.linear %n, %uw : (tensor<?x?x4xf32>, tensor<6x4xf32>) -> tensor<?x?x6xf32>
  %dw = llmc.weight @down : tensor<4x6xf32>
  %d = llmc.linear %u, %dw : (tensor<?x?x6xf32>, tensor<4x6xf32>) -> tensor<?x?x4xf32>
  %y = llmc.add %x, %d : (tensor<?x?x4xf32>, tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
  %ls = llmc.weight @last : tensor<4xf32>
  %l = llmc.rms_norm %y, %ls {epsilon = 1.0e-5 : f32}
     : (tensor<?x?x4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
  %hw = llmc.weight @table : tensor<8x4xf32>
  %h = llmc.linear %l, %hw : (tensor<?x?x4xf32>, tensor<8x4xf32>) -> tensor<?x?x8xf32>
  return %h : tensor<?x?x8xf32>
}
