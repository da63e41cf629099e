// Two layers behind an embedding share the basis of each of their weights, or
// one weight; a third is alone, and the output layer too.

// RUN: %python %S/../Inputs/make_statistics.py %t.safetensors up0=4 down0=8 up1=4 down1=8 up2=4 down2=8 head=4
// RUN: llmc-opt %s --llmc-read-statistics=file=%t.safetensors --llmc-share-layers="rank=2" 2>%t.remarks | FileCheck %s
// RUN: FileCheck %s --check-prefix=ALONE <%t.remarks
// RUN: llmc-opt %s --llmc-share-layers="method=mean skip=down" 2>/dev/null | FileCheck %s --check-prefix=MEAN
// RUN: llmc-opt %s --llmc-read-statistics=file=%t.safetensors --llmc-share-layers="method=fit group=3 skip=head" --remarks-filter=llmc-compress --remark-policy=all --remark-format=emitRemark -o /dev/null 2>&1 | FileCheck %s --check-prefix=FIT

// CHECK: llmc.param @up0.basis = {{.*}} : tensor<2x4xf32>
// CHECK: llmc.param @up0.u = {{.*}} : tensor<8x2xf32>
// CHECK: llmc.param @down0.basis = {{.*}} : tensor<2x8xf32>
// CHECK: llmc.param @down0.u = {{.*}} : tensor<4x2xf32>
// CHECK: llmc.param @up1.u = {{.*}} : tensor<8x2xf32>
// CHECK: llmc.param @down1.u = {{.*}} : tensor<4x2xf32>
// CHECK-DAG: %[[V0:.*]] = llmc.weight @up0.basis
// CHECK-DAG: %[[U0:.*]] = llmc.weight @up0.u
// CHECK: %[[R0:.*]] = llmc.linear %{{.*}}, %[[V0]] : {{.*}} -> tensor<?x2xf32>
// CHECK: llmc.linear %[[R0]], %[[U0]] : {{.*}} -> tensor<?x8xf32>
// CHECK: llmc.linear %{{.*}} -> tensor<?x2xf32>
// CHECK-DAG: %[[V1:.*]] = llmc.weight @up0.basis
// CHECK-DAG: %[[U1:.*]] = llmc.weight @up1.u
// CHECK: %[[R1:.*]] = llmc.linear %{{.*}}, %[[V1]] : {{.*}} -> tensor<?x2xf32>
// CHECK: llmc.linear %[[R1]], %[[U1]] : {{.*}} -> tensor<?x8xf32>
// CHECK: llmc.weight @up2

// ALONE-DAG: remark: 'up2' is not shared: no other layer of its group of 2 has its like
// ALONE-DAG: remark: 'down2' is not shared: no other layer of its group of 2 has its like
// ALONE-DAG: remark: 'head' is not shared: no other layer of its group of 2 has its like

// MEAN-NOT: @up1
// MEAN: llmc.param @down1
// MEAN: llmc.weight @up0
// MEAN: llmc.weight @down0
// MEAN: llmc.weight @up0
// MEAN: llmc.weight @down1
// MEAN: llmc.weight @up2
// Their mean.
// MEAN: up0: "0x40000000{{(0000C03F)+}}"

// FIT-DAG: bytes_after=128, bytes_before=128, {{.*}}param=up0, {{.*}}shared_with=up0
// FIT-DAG: bytes_after=0, bytes_before=128, {{.*}}param=up1, {{.*}}shared_with=up0
// FIT-DAG: bytes_after=0, bytes_before=128, {{.*}}param=down2, {{.*}}shared_with=down0

llmc.param @embed = dense<1.0> : tensor<16x4xf32>
llmc.param @up0 = dense<1.0> : tensor<8x4xf32>
llmc.param @down0 = dense<1.0> : tensor<4x8xf32>
llmc.param @up1 = dense<2.0> : tensor<8x4xf32>
llmc.param @down1 = dense<2.0> : tensor<4x8xf32>
llmc.param @up2 = dense<3.0> : tensor<8x4xf32>
llmc.param @down2 = dense<3.0> : tensor<4x8xf32>
llmc.param @head = dense<3.0> : tensor<16x4xf32>
func.func @main(%ids: tensor<?xi64>) -> tensor<?x16xf32> {
  %e = llmc.weight @embed : tensor<16x4xf32>
  %x0 = llmc.embedding %ids, %e : (tensor<?xi64>, tensor<16x4xf32>) -> tensor<?x4xf32>
  %u0 = llmc.weight @up0 : tensor<8x4xf32>
  %a0 = llmc.linear %x0, %u0 : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
  %d0 = llmc.weight @down0 : tensor<4x8xf32>
  %b0 = llmc.linear %a0, %d0 : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
  %x1 = llmc.add %x0, %b0 : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %u1 = llmc.weight @up1 : tensor<8x4xf32>
  %a1 = llmc.linear %x1, %u1 : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
  %d1 = llmc.weight @down1 : tensor<4x8xf32>
  %b1 = llmc.linear %a1, %d1 : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
  %x2 = llmc.add %x1, %b1 : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %u2 = llmc.weight @up2 : tensor<8x4xf32>
  %a2 = llmc.linear %x2, %u2 : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
  %d2 = llmc.weight @down2 : tensor<4x8xf32>
  %b2 = llmc.linear %a2, %d2 : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
  %x3 = llmc.add %x2, %b2 : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %h = llmc.weight @head : tensor<16x4xf32>
  %y = llmc.linear %x3, %h : (tensor<?x4xf32>, tensor<16x4xf32>) -> tensor<?x16xf32>
  return %y : tensor<?x16xf32>
}
