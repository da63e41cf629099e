// RUN: llmc-opt %s --split-input-file --llmc-prune-heads="ratio=0.5 method=magnitude compensate=none" | FileCheck %s
// RUN: llmc-opt %s --split-input-file --llmc-prune-heads="ratio=0.5 method=magnitude compensate=none unit=query" | FileCheck %s --check-prefix=QUERY

// Of the two key-value heads the first one has the smaller columns in `o`; of
// their query heads 0 and 3.

// CHECK: llmc.param @q = dense_resource<q> : tensor<4x8xf32>
// CHECK: llmc.param @k = dense_resource<k> : tensor<2x8xf32>
// CHECK: llmc.param @o = dense_resource<o> : tensor<2x4xf32>
// CHECK: func.func @main(%{{.*}}: tensor<?x?x8xf32>, %[[PK:.*]]: tensor<?x1x?x2xf32> {llmc.dims = ["b", "", "p", ""], llmc.name = "past.key"}, %[[PV:.*]]: tensor<?x1x?x2xf32>
// CHECK-SAME: -> (tensor<?x?x2xf32>, tensor<?x1x?x2xf32> {llmc.name = "present.key"}, tensor<?x1x?x2xf32> {llmc.name = "present.value"})
// CHECK: %[[QS:.*]] = llmc.constant dense<[0, 0, 2, 2]> : tensor<4xi64>
// CHECK: llmc.reshape %{{.*}}, %[[QS]] : {{.*}} -> tensor<?x?x2x2xf32>
// CHECK: %[[KS:.*]] = llmc.constant dense<[0, 0, 1, 2]> : tensor<4xi64>
// CHECK: llmc.reshape %{{.*}}, %[[KS]] : {{.*}} -> tensor<?x?x1x2xf32>
// CHECK: %[[Q:.*]] = llmc.rope %{{.*}} -> tensor<?x2x?x2xf32>
// CHECK: %[[K:.*]] = llmc.concat %[[PK]], %{{.*}} -> tensor<?x1x?x2xf32>
// CHECK: %[[V:.*]] = llmc.concat %[[PV]], %{{.*}} -> tensor<?x1x?x2xf32>
// CHECK: llmc.attention %[[Q]], %[[K]], %[[V]] {{.*}} -> tensor<?x2x?x2xf32>
// CHECK: llmc.linear %{{.*}} : (tensor<?x?x4xf32>, tensor<2x4xf32>) -> tensor<?x?x2xf32>
// CHECK: return %{{.*}}, %[[K]], %[[V]]

// QUERY: llmc.param @q = dense_resource<q> : tensor<4x8xf32>
// QUERY: llmc.param @k = dense<1.000000e+00> : tensor<4x8xf32>
// QUERY: llmc.param @o = dense_resource<o> : tensor<2x4xf32>
// QUERY: func.func @main
// QUERY-SAME: tensor<?x2x?x2xf32> {llmc.dims = ["b", "", "p", ""], llmc.name = "past.key"}
// QUERY: llmc.attention {{.*}} : (tensor<?x2x?x2xf32>, tensor<?x2x?x2xf32>, tensor<?x2x?x2xf32>) -> tensor<?x2x?x2xf32>
llmc.param @q = dense<1.0> : tensor<8x8xf32>
llmc.param @k = dense<1.0> : tensor<4x8xf32>
llmc.param @o = dense<[[1.0, 1.0, 2.0, 2.0, 4.0, 4.0, 3.0, 3.0],
                       [1.0, 1.0, 2.0, 2.0, 4.0, 4.0, 3.0, 3.0]]>
   : tensor<2x8xf32>
func.func @main(
    %x: tensor<?x?x8xf32>,
    %pk: tensor<?x2x?x2xf32> {llmc.dims = ["b", "", "p", ""], llmc.name = "past.key"},
    %pv: tensor<?x2x?x2xf32>, %cos: tensor<1x?x1xf32>, %sin: tensor<1x?x1xf32>)
    -> (tensor<?x?x2xf32>, tensor<?x2x?x2xf32> {llmc.name = "present.key"},
        tensor<?x2x?x2xf32> {llmc.name = "present.value"}) {
  %qw = llmc.weight @q : tensor<8x8xf32>
  %q0 = llmc.linear %x, %qw
     : (tensor<?x?x8xf32>, tensor<8x8xf32>) -> tensor<?x?x8xf32>
  %qs = llmc.constant dense<[0, 0, 4, 2]> : tensor<4xi64>
  %q1 = llmc.reshape %q0, %qs
     : (tensor<?x?x8xf32>, tensor<4xi64>) -> tensor<?x?x4x2xf32>
  %q2 = llmc.transpose %q1 {perm = array<i64: 0, 2, 1, 3>}
     : (tensor<?x?x4x2xf32>) -> tensor<?x4x?x2xf32>
  %kw = llmc.weight @k : tensor<4x8xf32>
  %k0 = llmc.linear %x, %kw
     : (tensor<?x?x8xf32>, tensor<4x8xf32>) -> tensor<?x?x4xf32>
  %ks = llmc.constant dense<[0, 0, 2, 2]> : tensor<4xi64>
  %k1 = llmc.reshape %k0, %ks
     : (tensor<?x?x4xf32>, tensor<4xi64>) -> tensor<?x?x2x2xf32>
  %k2 = llmc.transpose %k1 {perm = array<i64: 0, 2, 1, 3>}
     : (tensor<?x?x2x2xf32>) -> tensor<?x2x?x2xf32>
  %q = llmc.rope %q2, %cos, %sin
     : (tensor<?x4x?x2xf32>, tensor<1x?x1xf32>, tensor<1x?x1xf32>)
     -> tensor<?x4x?x2xf32>
  %k = llmc.concat %pk, %k2 {axis = 2 : i64}
     : (tensor<?x2x?x2xf32>, tensor<?x2x?x2xf32>) -> tensor<?x2x?x2xf32>
  %v = llmc.concat %pv, %k2 {axis = 2 : i64}
     : (tensor<?x2x?x2xf32>, tensor<?x2x?x2xf32>) -> tensor<?x2x?x2xf32>
  %a = llmc.attention %q, %k, %v {scale = 1.0 : f32}
     : (tensor<?x4x?x2xf32>, tensor<?x2x?x2xf32>, tensor<?x2x?x2xf32>)
     -> tensor<?x4x?x2xf32>
  %t = llmc.transpose %a {perm = array<i64: 0, 2, 1, 3>}
     : (tensor<?x4x?x2xf32>) -> tensor<?x?x4x2xf32>
  %os = llmc.constant dense<[0, 0, 8]> : tensor<3xi64>
  %r = llmc.reshape %t, %os
     : (tensor<?x?x4x2xf32>, tensor<3xi64>) -> tensor<?x?x8xf32>
  %ow = llmc.weight @o : tensor<2x8xf32>
  %y = llmc.linear %r, %ow
     : (tensor<?x?x8xf32>, tensor<2x8xf32>) -> tensor<?x?x2xf32>
  return %y, %k, %v
     : tensor<?x?x2xf32>, tensor<?x2x?x2xf32>, tensor<?x2x?x2xf32>
}

// -----

// A bias of each head in the mask, a shape that is computed at run time.

// CHECK: llmc.param @bias = dense_resource<bias> : tensor<1x1x1x1xf32>
// CHECK: llmc.attention {{.*}} tensor<?x1x?x?xf32>) -> tensor<?x1x?x2xf32>
// CHECK: %[[FIRST:.*]] = llmc.slice %[[SHAPE:[^,]*]], {{.*}} -> tensor<2xi64>
// CHECK: %[[TWO:.*]] = llmc.constant dense<2> : tensor<1xi64>
// CHECK: %[[NEW:.*]] = llmc.concat %[[FIRST]], %[[TWO]] {axis = 0 : i64}
// CHECK: llmc.reshape %{{.*}}, %[[NEW]] {{.*}} -> tensor<?x?x2xf32>
llmc.param @bias = dense<1.0> : tensor<1x2x1x1xf32>
llmc.param @qkv = dense<1.0> : tensor<12x4xf32>
llmc.param @o = dense<1.0> : tensor<4x4xf32>
func.func @main(%x: tensor<?x?x4xf32>, %m: tensor<?x1x?x?xf32>) -> tensor<?x?x4xf32> {
  %w = llmc.weight @qkv : tensor<12x4xf32>
  %p = llmc.linear %x, %w
     : (tensor<?x?x4xf32>, tensor<12x4xf32>) -> tensor<?x?x12xf32>
  %s = llmc.constant dense<[0, 0, 3, 2, 2]> : tensor<5xi64>
  %r = llmc.reshape %p, %s
     : (tensor<?x?x12xf32>, tensor<5xi64>) -> tensor<?x?x3x2x2xf32>
  %t = llmc.transpose %r {perm = array<i64: 0, 3, 2, 1, 4>}
     : (tensor<?x?x3x2x2xf32>) -> tensor<?x2x3x?x2xf32>
  %i0 = llmc.constant dense<0> : tensor<i64>
  %i1 = llmc.constant dense<1> : tensor<i64>
  %i2 = llmc.constant dense<2> : tensor<i64>
  %q = llmc.gather %t, %i0 {axis = 2 : i64}
     : (tensor<?x2x3x?x2xf32>, tensor<i64>) -> tensor<?x2x?x2xf32>
  %k = llmc.gather %t, %i1 {axis = 2 : i64}
     : (tensor<?x2x3x?x2xf32>, tensor<i64>) -> tensor<?x2x?x2xf32>
  %v = llmc.gather %t, %i2 {axis = 2 : i64}
     : (tensor<?x2x3x?x2xf32>, tensor<i64>) -> tensor<?x2x?x2xf32>
  %b = llmc.weight @bias : tensor<1x2x1x1xf32>
  %mask = llmc.add %m, %b
     : (tensor<?x1x?x?xf32>, tensor<1x2x1x1xf32>) -> tensor<?x2x?x?xf32>
  %a = llmc.attention %q, %k, %v, %mask {scale = 1.0 : f32}
     : (tensor<?x2x?x2xf32>, tensor<?x2x?x2xf32>, tensor<?x2x?x2xf32>,
        tensor<?x2x?x?xf32>) -> tensor<?x2x?x2xf32>
  %back = llmc.transpose %a {perm = array<i64: 0, 2, 1, 3>}
     : (tensor<?x2x?x2xf32>) -> tensor<?x?x2x2xf32>
  %sizes = llmc.shape %x {start = 0 : i64, end = 2 : i64}
     : (tensor<?x?x4xf32>) -> tensor<2xi64>
  %four = llmc.constant dense<4> : tensor<1xi64>
  %os = llmc.concat %sizes, %four {axis = 0 : i64}
     : (tensor<2xi64>, tensor<1xi64>) -> tensor<3xi64>
  %flat = llmc.reshape %back, %os
     : (tensor<?x?x2x2xf32>, tensor<3xi64>) -> tensor<?x?x4xf32>
  %ow = llmc.weight @o : tensor<4x4xf32>
  %y = llmc.linear %flat, %ow
     : (tensor<?x?x4xf32>, tensor<4x4xf32>) -> tensor<?x?x4xf32>
  return %y : tensor<?x?x4xf32>
}
