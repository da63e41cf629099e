// RUN: %python %S/../Inputs/make_statistics.py %t.safetensors up=4 head=4
// RUN: llmc-opt %s --llmc-read-statistics=file=%t.safetensors --llmc-slice="width=2 basis=own strict" | FileCheck %s
// RUN: llmc-opt %s --llmc-read-statistics=file=%t.safetensors --llmc-slice="multiple=1 ratio=0.4 strict" | FileCheck %s --check-prefix=SHARED
// RUN: llmc-opt %s --llmc-read-statistics=file=%t.safetensors --llmc-slice="width=2 basis=own" --remarks-filter=llmc-compress --remark-policy=all --remark-format=emitRemark -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK

// REMARK: bytes_after=256, bytes_before=480, energy_removed={{.*}}, linears=1, param=table, width_after=2, width_before=4
// CHECK: llmc.param @table = dense_resource<{{.*}}> : tensor<8x2xf32>
// CHECK: llmc.param @norm = dense_resource<{{.*}}> : tensor<2xf32>
// CHECK: llmc.param @up = dense_resource<{{.*}}> : tensor<6x2xf32>
// CHECK: llmc.param @down = dense_resource<{{.*}}> : tensor<2x6xf32>
// CHECK: llmc.param @last.skip = dense_resource<{{.*}}> : tensor<2x2xf32>
// CHECK: llmc.param @last = dense_resource<{{.*}}> : tensor<2xf32>
// CHECK: llmc.param @head = dense_resource<{{.*}}> : tensor<8x2xf32>
// CHECK: %[[X:.*]] = llmc.embedding {{.*}} -> tensor<?x?x2xf32>
// CHECK: %[[S:.*]] = llmc.weight @last.skip
// CHECK: %[[K:.*]] = llmc.linear %[[X]], %[[S]]
// CHECK: llmc.rms_norm %[[X]], %{{.*}} {epsilon = 2.000000e-05 : f32}
// CHECK: %[[D:.*]] = llmc.linear {{.*}} -> tensor<?x?x2xf32>
// CHECK: llmc.add %[[K]], %[[D]]

// SHARED-NOT: skip
// SHARED: llmc.add {{.*}} -> tensor<?x?x2xf32>
llmc.param @table = dense<1.0> : tensor<8x4xf32>
llmc.param @norm = dense<1.0> : tensor<4xf32>
llmc.param @up = dense<1.0> : tensor<6x4xf32>
llmc.param @down = dense<1.0> : tensor<4x6xf32>
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
  %dw = llmc.weight @down : tensor<4x6xf32>
  %d = llmc.linear %u, %dw : (tensor<?x?x6xf32>, tensor<4x6xf32>) -> tensor<?x?x4xf32>
  %y = llmc.add %x, %d : (tensor<?x?x4xf32>, tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
  %ls = llmc.weight @last : tensor<4xf32>
  %l = llmc.rms_norm %y, %ls {epsilon = 1.0e-5 : f32}
     : (tensor<?x?x4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
  %hw = llmc.weight @head : tensor<8x4xf32>
  %h = llmc.linear %l, %hw : (tensor<?x?x4xf32>, tensor<8x4xf32>) -> tensor<?x?x8xf32>
  return %h : tensor<?x?x8xf32>
}
