// RUN: llmc-opt %s --split-input-file --llmc-rotate=strict | FileCheck %s
// RUN: llmc-opt %s --split-input-file --llmc-rotate="strict skip=^(table|shared)$" | FileCheck %s --check-prefix=SKIP
// RUN: llmc-opt %s --split-input-file --llmc-rotate="strict stream=false" | FileCheck %s --check-prefix=SKIP
// RUN: llmc-opt %s --split-input-file --llmc-rotate --remarks-filter=llmc-compress --remark-policy=all --remark-format=emitRemark -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// All of it is folded: the ops stay, norms have scales of 1.

// REMARK: linears=0, param=table, rotation=hadamard, width=4
// CHECK-DAG: llmc.param @table = dense_resource<
// CHECK-DAG: llmc.param @norm = dense_resource<
// CHECK-DAG: llmc.param @up = dense_resource<
// CHECK-DAG: llmc.param @down = dense_resource<
// CHECK-DAG: llmc.param @bias = dense_resource<
// CHECK-DAG: llmc.param @head = dense_resource<
// CHECK-LABEL: func.func @main
// CHECK-COUNT-1: llmc.embedding
// CHECK-COUNT-3: llmc.linear
// CHECK-NOT: llmc.linear
// SKIP: llmc.param @table = dense<1.000000e+00>
llmc.param @table = dense<1.0> : tensor<8x4xf32>
llmc.param @norm = dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
llmc.param @up = dense<1.0> : tensor<6x4xf32>
llmc.param @down = dense<1.0> : tensor<4x6xf32>
llmc.param @bias = dense<1.0> : tensor<4xf32>
llmc.param @last = dense<1.0> : tensor<4xf32>
llmc.param @head = dense<1.0> : tensor<8x4xf32>
func.func @main(%ids: tensor<?x?xi64>) -> tensor<?x?x8xf32> {
  %e = llmc.weight @table : tensor<8x4xf32>
  %x = llmc.embedding %ids, %e : (tensor<?x?xi64>, tensor<8x4xf32>) -> tensor<?x?x4xf32>
  %s = llmc.weight @norm : tensor<4xf32>
  %n = llmc.rms_norm %x, %s {epsilon = 1.0e-5 : f32}
     : (tensor<?x?x4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
  %uw = llmc.weight @up : tensor<6x4xf32>
  %u = llmc.linear %n, %uw : (tensor<?x?x4xf32>, tensor<6x4xf32>) -> tensor<?x?x6xf32>
  %r = llmc.relu %u : (tensor<?x?x6xf32>) -> tensor<?x?x6xf32>
  %dw = llmc.weight @down : tensor<4x6xf32>
  %db = llmc.weight @bias : tensor<4xf32>
  %d = llmc.linear %r, %dw, %db
     : (tensor<?x?x6xf32>, tensor<4x6xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
  %y = llmc.add %x, %d : (tensor<?x?x4xf32>, tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
  %ls = llmc.weight @last : tensor<4xf32>
  %l = llmc.rms_norm %y, %ls {epsilon = 1.0e-5 : f32}
     : (tensor<?x?x4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
  %hw = llmc.weight @head : tensor<8x4xf32>
  %h = llmc.linear %l, %hw : (tensor<?x?x4xf32>, tensor<8x4xf32>) -> tensor<?x?x8xf32>
  return %h : tensor<?x?x8xf32>
}

// -----

// A tied embedding stays. Layer norms become rms_norm, their biases those of
// linears.

// REMARK: linears=2, param=shared, rotation=hadamard, width=4
// CHECK: llmc.param @shared.into = dense_resource<{{.*}}> : tensor<4x4xf32> {llmc.bits = 8 : i64}
// CHECK: llmc.param @shared = dense<1.000000e+00>
// CHECK-NOT: llmc.param @offset
// CHECK: llmc.param @last.back = dense_resource<{{.*}}> : tensor<4x4xf32> {llmc.bits = 8 : i64}
// CHECK: llmc.param @last.back.bias = dense_resource<{{.*}}> : tensor<4xf32>
// CHECK-LABEL: func.func @main
// CHECK-NOT: llmc.layer_norm
// CHECK: %[[E:.*]] = llmc.embedding
// CHECK: %[[I:.*]] = llmc.weight @shared.into
// CHECK: %[[X:.*]] = llmc.linear %[[E]], %[[I]]
// CHECK: %[[N:.*]] = llmc.rms_norm %[[X]], %{{.*}} {epsilon = 9.99999974E-6 : f32}
// CHECK: %[[B:.*]] = llmc.weight @up.bias
// CHECK: llmc.linear %[[N]], %{{.*}}, %[[B]]
// CHECK: %[[Y:.*]] = llmc.add %[[X]],
// CHECK: %[[L:.*]] = llmc.rms_norm %[[Y]],
// CHECK: %[[R:.*]] = llmc.linear %[[L]],
// CHECK: llmc.linear %[[R]],
// SKIP: llmc.param @shared = dense<1.000000e+00>
// SKIP-NOT: llmc.param @shared.into
llmc.param @shared = dense<1.0> : tensor<8x4xf32>
llmc.param @norm = dense<1.0> : tensor<4xf32>
llmc.param @offset = dense<2.0> : tensor<4xf32>
llmc.param @up = dense<1.0> : tensor<6x4xf32>
llmc.param @down = dense<1.0> : tensor<4x6xf32>
llmc.param @last = dense<1.0> : tensor<4xf32>
llmc.param @lastoffset = dense<2.0> : tensor<4xf32>
func.func @main(%ids: tensor<?x?xi64>) -> tensor<?x?x8xf32> {
  %e = llmc.weight @shared : tensor<8x4xf32>
  %x = llmc.embedding %ids, %e : (tensor<?x?xi64>, tensor<8x4xf32>) -> tensor<?x?x4xf32>
  %s = llmc.weight @norm : tensor<4xf32>
  %o = llmc.weight @offset : tensor<4xf32>
  %n = llmc.layer_norm %x, %s, %o {axis = 2 : i64, epsilon = 1.0e-5 : f32}
     : (tensor<?x?x4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
  %uw = llmc.weight @up : tensor<6x4xf32>
  %u = llmc.linear %n, %uw : (tensor<?x?x4xf32>, tensor<6x4xf32>) -> tensor<?x?x6xf32>
  %dw = llmc.weight @down : tensor<4x6xf32>
  %d = llmc.linear %u, %dw : (tensor<?x?x6xf32>, tensor<4x6xf32>) -> tensor<?x?x4xf32>
  %y = llmc.add %x, %d : (tensor<?x?x4xf32>, tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
  %ls = llmc.weight @last : tensor<4xf32>
  %lo = llmc.weight @lastoffset : tensor<4xf32>
  %l = llmc.layer_norm %y, %ls, %lo {axis = 2 : i64, epsilon = 1.0e-5 : f32}
     : (tensor<?x?x4xf32>, tensor<4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
  %h = llmc.linear %l, %e : (tensor<?x?x4xf32>, tensor<8x4xf32>) -> tensor<?x?x8xf32>
  return %h : tensor<?x?x8xf32>
}
