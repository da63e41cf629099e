// RUN: %python %S/../Inputs/make_statistics.py %t.safetensors q,k,v=4 qkv=4
// RUN: llmc-opt %s --llmc-group-heads="heads=1 method=mean" | FileCheck %s
// RUN: llmc-opt %s --llmc-read-statistics="file=%t.safetensors" --llmc-group-heads="ratio=0.5" --remarks-filter=llmc-compress --remark-policy=all --remark-format=emitRemark 2>&1 | FileCheck %s --check-prefix=REMARK

// The mean of two heads, in the cache as well. Queries and outputs stay.

// REMARK: heads_after=1, heads_before=2, key_error={{.*}}, key_error_mean={{.*}}, param=k, value_error={{.*}}, value_error_mean={{.*}}, values=v

// CHECK: llmc.param @q = dense<1.000000e+00> : tensor<8x4xf32>
// CHECK: llmc.param @k = dense_resource<[[KR:k[^>]*]]> : tensor<2x4xf32>
// CHECK: llmc.param @v = dense_resource<{{.*}}> : tensor<2x4xf32>
// CHECK: llmc.param @o = dense<1.000000e+00> : tensor<2x8xf32>
// CHECK: func.func @main({{.*}}tensor<?x1x?x2xf32> {llmc.dims = ["b", "", "p", ""], llmc.name = "past.key"}, %{{.*}}: tensor<?x1x?x2xf32>
// CHECK-SAME: -> (tensor<?x?x2xf32>, tensor<?x1x?x2xf32> {llmc.name = "present.key"}, tensor<?x1x?x2xf32> {llmc.name = "present.value"})
// CHECK: llmc.constant dense<[0, 0, 4, 2]>
// CHECK: %[[KS:.*]] = llmc.constant dense<[0, 0, 1, 2]> : tensor<4xi64>
// CHECK: llmc.reshape %{{.*}}, %[[KS]] : {{.*}} -> tensor<?x?x1x2xf32>
// CHECK: llmc.attention {{.*}} : (tensor<?x4x?x2xf32>, tensor<?x1x?x2xf32>, tensor<?x1x?x2xf32>) -> tensor<?x4x?x2xf32>
llmc.param @q = dense<1.0> : tensor<8x4xf32>
llmc.param @k = dense<[[1.0, 2.0, 3.0, 4.0], [0.0, 0.0, 1.0, 1.0],
                       [5.0, 6.0, 7.0, 8.0], [2.0, 2.0, 1.0, 1.0]]> : tensor<4x4xf32>
llmc.param @v = dense<1.0> : tensor<4x4xf32>
llmc.param @o = dense<1.0> : tensor<2x8xf32>
func.func @main(
    %x: tensor<?x?x4xf32>,
    %pk: tensor<?x2x?x2xf32> {llmc.dims = ["b", "", "p", ""], llmc.name = "past.key"},
    %pv: tensor<?x2x?x2xf32>, %cos: tensor<1x?x1xf32>, %sin: tensor<1x?x1xf32>)
    -> (tensor<?x?x2xf32>, tensor<?x2x?x2xf32> {llmc.name = "present.key"},
        tensor<?x2x?x2xf32> {llmc.name = "present.value"}) {
  %qw = llmc.weight @q : tensor<8x4xf32>
  %q0 = llmc.linear %x, %qw
     : (tensor<?x?x4xf32>, tensor<8x4xf32>) -> tensor<?x?x8xf32>
  %qs = llmc.constant dense<[0, 0, 4, 2]> : tensor<4xi64>
  %q1 = llmc.reshape %q0, %qs
     : (tensor<?x?x8xf32>, tensor<4xi64>) -> tensor<?x?x4x2xf32>
  %q2 = llmc.transpose %q1 {perm = array<i64: 0, 2, 1, 3>}
     : (tensor<?x?x4x2xf32>) -> tensor<?x4x?x2xf32>
  %ks = llmc.constant dense<[0, 0, 2, 2]> : tensor<4xi64>
  %kw = llmc.weight @k : tensor<4x4xf32>
  %k0 = llmc.linear %x, %kw
     : (tensor<?x?x4xf32>, tensor<4x4xf32>) -> tensor<?x?x4xf32>
  %k1 = llmc.reshape %k0, %ks
     : (tensor<?x?x4xf32>, tensor<4xi64>) -> tensor<?x?x2x2xf32>
  %k2 = llmc.transpose %k1 {perm = array<i64: 0, 2, 1, 3>}
     : (tensor<?x?x2x2xf32>) -> tensor<?x2x?x2xf32>
  %vw = llmc.weight @v : tensor<4x4xf32>
  %v0 = llmc.linear %x, %vw
     : (tensor<?x?x4xf32>, tensor<4x4xf32>) -> tensor<?x?x4xf32>
  %v1 = llmc.reshape %v0, %ks
     : (tensor<?x?x4xf32>, tensor<4xi64>) -> tensor<?x?x2x2xf32>
  %v2 = llmc.transpose %v1 {perm = array<i64: 0, 2, 1, 3>}
     : (tensor<?x?x2x2xf32>) -> tensor<?x2x?x2xf32>
  %q = llmc.rope %q2, %cos, %sin
     : (tensor<?x4x?x2xf32>, tensor<1x?x1xf32>, tensor<1x?x1xf32>)
     -> tensor<?x4x?x2xf32>
  %k3 = llmc.rope %k2, %cos, %sin
     : (tensor<?x2x?x2xf32>, tensor<1x?x1xf32>, tensor<1x?x1xf32>)
     -> tensor<?x2x?x2xf32>
  %k = llmc.concat %pk, %k3 {axis = 2 : i64}
     : (tensor<?x2x?x2xf32>, tensor<?x2x?x2xf32>) -> tensor<?x2x?x2xf32>
  %v = llmc.concat %pv, %v2 {axis = 2 : i64}
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

// Queries, keys and values are packed into one linear, all in a row.

// REMARK: heads_after=1, heads_before=2, {{.*}}param=qkv,

// CHECK: llmc.param @qkv = dense_resource<{{.*}}> : tensor<8x4xf32>
// CHECK: llmc.linear %{{.*}} -> tensor<?x?x8xf32>
// CHECK: llmc.attention {{.*}} : (tensor<?x2x?x2xf32>, tensor<?x1x?x2xf32>, tensor<?x1x?x2xf32>) -> tensor<?x2x?x2xf32>

// (1 + 5) / 2, (2 + 6) / 2, ...
// CHECK: [[KR]]: "0x{{[0-9A-F]+}}00004040000080400000A0400000C0400000803F

llmc.param @qkv = dense<1.0> : tensor<12x4xf32>
llmc.param @po = dense<1.0> : tensor<4x4xf32>
func.func @packed(%x: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> {
  %w = llmc.weight @qkv : tensor<12x4xf32>
  %p = llmc.linear %x, %w
     : (tensor<?x?x4xf32>, tensor<12x4xf32>) -> tensor<?x?x12xf32>
  %c0 = llmc.constant dense<0> : tensor<1xi64>
  %c1 = llmc.constant dense<1> : tensor<1xi64>
  %c4 = llmc.constant dense<4> : tensor<1xi64>
  %c8 = llmc.constant dense<8> : tensor<1xi64>
  %c12 = llmc.constant dense<12> : tensor<1xi64>
  %q0 = llmc.slice %p, %c0, %c4, %c1 {axes = array<i64: 2>}
     : (tensor<?x?x12xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x4xf32>
  %k0 = llmc.slice %p, %c4, %c8, %c1 {axes = array<i64: 2>}
     : (tensor<?x?x12xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x4xf32>
  %v0 = llmc.slice %p, %c8, %c12, %c1 {axes = array<i64: 2>}
     : (tensor<?x?x12xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x4xf32>
  %s = llmc.constant dense<[0, 0, 2, 2]> : tensor<4xi64>
  %q1 = llmc.reshape %q0, %s : (tensor<?x?x4xf32>, tensor<4xi64>) -> tensor<?x?x2x2xf32>
  %k1 = llmc.reshape %k0, %s : (tensor<?x?x4xf32>, tensor<4xi64>) -> tensor<?x?x2x2xf32>
  %v1 = llmc.reshape %v0, %s : (tensor<?x?x4xf32>, tensor<4xi64>) -> tensor<?x?x2x2xf32>
  %q = llmc.transpose %q1 {perm = array<i64: 0, 2, 1, 3>} : (tensor<?x?x2x2xf32>) -> tensor<?x2x?x2xf32>
  %k = llmc.transpose %k1 {perm = array<i64: 0, 2, 1, 3>} : (tensor<?x?x2x2xf32>) -> tensor<?x2x?x2xf32>
  %v = llmc.transpose %v1 {perm = array<i64: 0, 2, 1, 3>} : (tensor<?x?x2x2xf32>) -> tensor<?x2x?x2xf32>
  %a = llmc.attention %q, %k, %v {scale = 1.0 : f32}
     : (tensor<?x2x?x2xf32>, tensor<?x2x?x2xf32>, tensor<?x2x?x2xf32>)
     -> tensor<?x2x?x2xf32>
  %back = llmc.transpose %a {perm = array<i64: 0, 2, 1, 3>}
     : (tensor<?x2x?x2xf32>) -> tensor<?x?x2x2xf32>
  %os = llmc.constant dense<[0, 0, 4]> : tensor<3xi64>
  %flat = llmc.reshape %back, %os
     : (tensor<?x?x2x2xf32>, tensor<3xi64>) -> tensor<?x?x4xf32>
  %ow = llmc.weight @po : tensor<4x4xf32>
  %y = llmc.linear %flat, %ow
     : (tensor<?x?x4xf32>, tensor<4x4xf32>) -> tensor<?x?x4xf32>
  return %y : tensor<?x?x4xf32>
}
