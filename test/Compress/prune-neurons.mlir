// RUN: llmc-opt %s --split-input-file --llmc-prune-neurons="ratio=0.5 method=magnitude compensate=none multiple=1" | FileCheck %s
// RUN: llmc-opt %s --split-input-file --llmc-prune-neurons="ratio=0.5 method=magnitude compensate=none multiple=1" --remarks-filter=llmc-compress --remark-policy=all --remark-format=emitRemark 2>&1 | FileCheck %s --check-prefix=REMARK

// A gated MLP. Of 4 neurons columns 1 and 2 of `down` are the smallest.

// REMARK: bytes_after=24, bytes_before=48, group=down.weight, param=gate, removed=rows, units_after=2, units_before=4
// REMARK: param=up,
// REMARK: param=up.bias
// REMARK: bytes_after=16, bytes_before=32, group=down.weight, param=down.weight, removed=columns, units_after=2, units_before=4

// CHECK: llmc.param @gate = dense_resource<gate> : tensor<2x3xf32>
// CHECK: llmc.param @up = dense_resource<up> : tensor<3x2xf32>
// CHECK: llmc.param @up.bias = dense_resource<up.bias> : tensor<2xf32>
// CHECK: llmc.param @down.weight = dense_resource<down.weight> : tensor<2x2xf32>
// CHECK: llmc.linear %{{.*}} -> tensor<?x?x2xf32>
// CHECK: llmc.silu %{{.*}} -> tensor<?x?x2xf32>
// CHECK: llmc.transpose %{{.*}} {perm = array<i64: 1, 0>} : (tensor<3x2xf32>) -> tensor<2x3xf32>
// CHECK: llmc.linear %{{.*}} -> tensor<?x?x2xf32>
// CHECK: %[[C:.*]] = llmc.constant dense<[1.000000e+00, 4.000000e+00]>
// CHECK: llmc.mul %{{.*}}, %[[C]] : (tensor<?x?x2xf32>, tensor<2xf32>) -> tensor<?x?x2xf32>
// CHECK: llmc.linear %{{.*}} : (tensor<?x?x2xf32>, tensor<2x2xf32>) -> tensor<?x?x2xf32>
llmc.param @gate = dense<1.0> : tensor<4x3xf32>
llmc.param @up = dense<2.0> : tensor<3x4xf32>
llmc.param @up.bias = dense<3.0> : tensor<4xf32>
llmc.param @down.weight = dense<[[5.0, 1.0, 0.0, 3.0],
                                 [5.0, 0.0, 2.0, 3.0]]> : tensor<2x4xf32>
func.func @main(%x: tensor<?x?x3xf32>) -> tensor<?x?x2xf32> {
  %gw = llmc.weight @gate : tensor<4x3xf32>
  %g = llmc.linear %x, %gw
     : (tensor<?x?x3xf32>, tensor<4x3xf32>) -> tensor<?x?x4xf32>
  %s = llmc.silu %g : (tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
  %us = llmc.weight @up : tensor<3x4xf32>
  %uw = llmc.transpose %us {perm = array<i64: 1, 0>}
     : (tensor<3x4xf32>) -> tensor<4x3xf32>
  %ub = llmc.weight @up.bias : tensor<4xf32>
  %u = llmc.linear %x, %uw, %ub
     : (tensor<?x?x3xf32>, tensor<4x3xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
  %scale = llmc.constant dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
  %m = llmc.mul %s, %u
     : (tensor<?x?x4xf32>, tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
  %h = llmc.mul %m, %scale
     : (tensor<?x?x4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
  %dw = llmc.weight @down.weight : tensor<2x4xf32>
  %y = llmc.linear %h, %dw
     : (tensor<?x?x4xf32>, tensor<2x4xf32>) -> tensor<?x?x2xf32>
  return %y : tensor<?x?x2xf32>
}

// -----

// Gate and up packed into one linear, and a flattened batch.

// CHECK: llmc.param @packed = dense_resource<packed{{.*}}> : tensor<4x3xf32>
// CHECK: %[[P:.*]] = llmc.linear {{.*}} -> tensor<?x?x4xf32>
// CHECK: %[[START:.*]] = llmc.constant dense<0> : tensor<1xi64>
// CHECK: %[[END:.*]] = llmc.constant dense<2> : tensor<1xi64>
// CHECK: llmc.slice %[[P]], %[[START]], %[[END]], %{{.*}} {axes = array<i64: 2>} : {{.*}} -> tensor<?x?x2xf32>
// CHECK: %[[START:.*]] = llmc.constant dense<2> : tensor<1xi64>
// CHECK: %[[END:.*]] = llmc.constant dense<4> : tensor<1xi64>
// CHECK: llmc.slice %[[P]], %[[START]], %[[END]], %{{.*}} {axes = array<i64: 2>} : {{.*}} -> tensor<?x?x2xf32>
// CHECK: %[[SHAPE:.*]] = llmc.constant dense<[-1, 2]> : tensor<2xi64>
// CHECK: llmc.reshape %{{.*}}, %[[SHAPE]] {{.*}} -> tensor<?x2xf32>
llmc.param @packed = dense<1.0> : tensor<8x3xf32>
llmc.param @down = dense<[[5.0, 1.0, 0.0, 3.0],
                          [5.0, 0.0, 2.0, 3.0]]> : tensor<2x4xf32>
func.func @main(%x: tensor<?x?x3xf32>) -> tensor<?x2xf32> {
  %w = llmc.weight @packed : tensor<8x3xf32>
  %p = llmc.linear %x, %w
     : (tensor<?x?x3xf32>, tensor<8x3xf32>) -> tensor<?x?x8xf32>
  %c0 = llmc.constant dense<0> : tensor<1xi64>
  %c1 = llmc.constant dense<1> : tensor<1xi64>
  %c4 = llmc.constant dense<4> : tensor<1xi64>
  %end = llmc.constant dense<9223372036854775807> : tensor<1xi64>
  %g = llmc.slice %p, %c0, %c4, %c1 {axes = array<i64: 2>}
     : (tensor<?x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>)
     -> tensor<?x?x4xf32>
  %u = llmc.slice %p, %c4, %end, %c1 {axes = array<i64: 2>}
     : (tensor<?x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>)
     -> tensor<?x?x4xf32>
  %s = llmc.gelu %g : (tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
  %m = llmc.mul %s, %u
     : (tensor<?x?x4xf32>, tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
  %flat = llmc.constant dense<[-1, 4]> : tensor<2xi64>
  %h = llmc.reshape %m, %flat
     : (tensor<?x?x4xf32>, tensor<2xi64>) -> tensor<?x4xf32>
  %d = llmc.weight @down : tensor<2x4xf32>
  %y = llmc.linear %h, %d
     : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// Two hidden layers: the weight between them loses rows and columns. Factors of
// a weight are no neurons.

// CHECK: llmc.param @one = dense_resource<one{{.*}}> : tensor<2x3xf32>
// CHECK: llmc.param @two = dense_resource<two{{.*}}> : tensor<3x2xf32>
// CHECK: llmc.param @three = dense_resource<three{{.*}}> : tensor<4x3xf32>
// CHECK: llmc.param @four = dense<4.000000e+00> : tensor<2x4xf32>
llmc.param @one = dense<1.0> : tensor<4x3xf32>
llmc.param @two = dense<2.0> : tensor<6x4xf32>
llmc.param @three = dense<3.0> : tensor<4x6xf32>
llmc.param @four = dense<4.0> : tensor<2x4xf32>
func.func @main(%x: tensor<?x3xf32>) -> tensor<?x2xf32> {
  %1 = llmc.weight @one : tensor<4x3xf32>
  %a = llmc.linear %x, %1 : (tensor<?x3xf32>, tensor<4x3xf32>) -> tensor<?x4xf32>
  %ra = llmc.relu %a : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %2 = llmc.weight @two : tensor<6x4xf32>
  %b = llmc.linear %ra, %2 : (tensor<?x4xf32>, tensor<6x4xf32>) -> tensor<?x6xf32>
  %rb = llmc.relu %b : (tensor<?x6xf32>) -> tensor<?x6xf32>
  %3 = llmc.weight @three : tensor<4x6xf32>
  %c = llmc.linear %rb, %3 : (tensor<?x6xf32>, tensor<4x6xf32>) -> tensor<?x4xf32>
  %4 = llmc.weight @four : tensor<2x4xf32>
  %d = llmc.linear %c, %4 : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x2xf32>
  return %d : tensor<?x2xf32>
}
