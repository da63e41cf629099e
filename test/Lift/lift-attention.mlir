// RUN: llmc-opt %s --llmc-lift-attention | FileCheck %s

// torch's SDPA: sqrt(scale) on both sides, a mask, and the guard.
// CHECK-LABEL: func.func @sdpa
// CHECK-SAME: (%[[Q:.*]]: tensor<?x4x?x16xf32> {{.*}}, %[[K:.*]]: tensor<?x4x?x16xf32> {{.*}}, %[[V:.*]]: tensor<?x4x?x16xf32> {{.*}}, %[[M:.*]]: tensor<?x1x?x?xf32>
// CHECK-NEXT: %[[Y:.*]] = llmc.attention %[[Q]], %[[K]], %[[V]], %[[M]] {scale = 2.500000e-01 : f32}
// CHECK-NEXT: return %[[Y]]
func.func @sdpa(%q: tensor<?x4x?x16xf32> {llmc.dims = ["b", "", "s", ""]},
                %k: tensor<?x4x?x16xf32> {llmc.dims = ["b", "", "t", ""]},
                %v: tensor<?x4x?x16xf32> {llmc.dims = ["b", "", "t", ""]},
                %m: tensor<?x1x?x?xf32> {llmc.dims = ["b", "", "s", "t"]})
    -> tensor<?x4x?x16xf32> {
  %half = llmc.constant dense<0.5> : tensor<f32>
  %zero = llmc.constant dense<0.0> : tensor<f32>
  %kt = llmc.transpose %k {perm = array<i64: 0, 1, 3, 2>}
     : (tensor<?x4x?x16xf32>) -> tensor<?x4x16x?xf32>
  %qs = llmc.mul %q, %half
     : (tensor<?x4x?x16xf32>, tensor<f32>) -> tensor<?x4x?x16xf32>
  %ks = llmc.mul %half, %kt
     : (tensor<f32>, tensor<?x4x16x?xf32>) -> tensor<?x4x16x?xf32>
  %s = llmc.matmul %qs, %ks
     : (tensor<?x4x?x16xf32>, tensor<?x4x16x?xf32>) -> tensor<?x4x?x?xf32>
  %a = llmc.add %s, %m
     : (tensor<?x4x?x?xf32>, tensor<?x1x?x?xf32>) -> tensor<?x4x?x?xf32>
  %p = llmc.softmax %a {axis = -1 : i64}
     : (tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xf32>
  %nan = llmc.is_nan %p : (tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xi1>
  %g = llmc.where %nan, %zero, %p
     : (tensor<?x4x?x?xi1>, tensor<f32>, tensor<?x4x?x?xf32>)
     -> tensor<?x4x?x?xf32>
  %y = llmc.matmul %g, %v
     : (tensor<?x4x?x?xf32>, tensor<?x4x?x16xf32>) -> tensor<?x4x?x16xf32>
  return %y : tensor<?x4x?x16xf32>
}

// Gemma 2: a softcap over the scaled scores, keys and values of shared heads.
// CHECK-LABEL: func.func @softcap_gqa
// CHECK-SAME: (%[[Q:.*]]: tensor<?x4x?x16xf32> {{.*}}, %[[K:.*]]: tensor<?x2x?x16xf32> {{.*}}, %[[V:.*]]: tensor<?x2x?x16xf32>
// CHECK-NEXT: llmc.attention %[[Q]], %[[K]], %[[V]] {scale = 6.250000e-02 : f32, softcap = 5.000000e+01 : f32}
// CHECK-NEXT: return
func.func @softcap_gqa(%q: tensor<?x4x?x16xf32> {llmc.dims = ["b", "", "s", ""]},
                       %k: tensor<?x2x?x16xf32> {llmc.dims = ["b", "", "s", ""]},
                       %v: tensor<?x2x?x16xf32> {llmc.dims = ["b", "", "s", ""]})
    -> tensor<?x4x?x16xf32> {
  %scale = llmc.constant dense<0.0625> : tensor<f32>
  %cap = llmc.constant dense<50.0> : tensor<f32>
  %wide = llmc.constant dense<[1, 1, 2, 1, 1]> : tensor<5xi64>
  %heads = llmc.constant dense<[4]> : tensor<1xi64>
  %b = llmc.shape %q {start = 0 : i64, end = 1 : i64}
     : (tensor<?x4x?x16xf32>) -> tensor<1xi64>
  %sd = llmc.shape %q {start = 2 : i64, end = 4 : i64}
     : (tensor<?x4x?x16xf32>) -> tensor<2xi64>
  %shape = llmc.concat %b, %heads, %sd {axis = 0 : i64}
     : (tensor<1xi64>, tensor<1xi64>, tensor<2xi64>) -> tensor<4xi64>
  %ku = llmc.unsqueeze %k {axes = array<i64: 2>}
     : (tensor<?x2x?x16xf32>) -> tensor<?x2x1x?x16xf32>
  %ke = llmc.expand %ku, %wide
     : (tensor<?x2x1x?x16xf32>, tensor<5xi64>) -> tensor<?x2x2x?x16xf32>
  %kr = llmc.reshape %ke, %shape
     : (tensor<?x2x2x?x16xf32>, tensor<4xi64>) -> tensor<?x4x?x16xf32>
  %vu = llmc.unsqueeze %v {axes = array<i64: 2>}
     : (tensor<?x2x?x16xf32>) -> tensor<?x2x1x?x16xf32>
  %ve = llmc.expand %vu, %wide
     : (tensor<?x2x1x?x16xf32>, tensor<5xi64>) -> tensor<?x2x2x?x16xf32>
  %vr = llmc.reshape %ve, %shape
     : (tensor<?x2x2x?x16xf32>, tensor<4xi64>) -> tensor<?x4x?x16xf32>
  %kt = llmc.transpose %kr {perm = array<i64: 0, 1, 3, 2>}
     : (tensor<?x4x?x16xf32>) -> tensor<?x4x16x?xf32>
  %s = llmc.matmul %q, %kt
     : (tensor<?x4x?x16xf32>, tensor<?x4x16x?xf32>) -> tensor<?x4x?x?xf32>
  %ss = llmc.mul %s, %scale
     : (tensor<?x4x?x?xf32>, tensor<f32>) -> tensor<?x4x?x?xf32>
  %d = llmc.div %ss, %cap
     : (tensor<?x4x?x?xf32>, tensor<f32>) -> tensor<?x4x?x?xf32>
  %t = llmc.tanh %d : (tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xf32>
  %c = llmc.mul %t, %cap
     : (tensor<?x4x?x?xf32>, tensor<f32>) -> tensor<?x4x?x?xf32>
  %p = llmc.softmax %c {axis = 3 : i64}
     : (tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xf32>
  %y = llmc.matmul %p, %vr
     : (tensor<?x4x?x?xf32>, tensor<?x4x?x16xf32>) -> tensor<?x4x?x16xf32>
  return %y : tensor<?x4x?x16xf32>
}

// A window of 4 behind the diagonal, with a past: flags instead of a mask.
// CHECK-LABEL: func.func @causal_window
// CHECK: llmc.attention %{{[^,]*}}, %{{[^,]*}}, %{{[^,]*}} {causal, scale = 1.250000e-01 : f32, window = 4 : i64} :
func.func @causal_window(
    %q: tensor<?x4x?x16xf32> {llmc.dims = ["b", "", "s", ""]},
    %k: tensor<?x4x?x16xf32> {llmc.dims = ["b", "", "s", ""]},
    %v: tensor<?x4x?x16xf32> {llmc.dims = ["b", "", "s", ""]},
    %pk: tensor<?x4x?x16xf32> {llmc.dims = ["b", "", "p", ""]},
    %pv: tensor<?x4x?x16xf32> {llmc.dims = ["b", "", "p", ""]})
    -> tensor<?x4x?x16xf32> {
  %keys = llmc.concat %pk, %k {axis = 2 : i64}
     : (tensor<?x4x?x16xf32>, tensor<?x4x?x16xf32>) -> tensor<?x4x?x16xf32>
  %values = llmc.concat %pv, %v {axis = 2 : i64}
     : (tensor<?x4x?x16xf32>, tensor<?x4x?x16xf32>) -> tensor<?x4x?x16xf32>
  %s1 = llmc.shape %q {start = 2 : i64, end = 3 : i64}
     : (tensor<?x4x?x16xf32>) -> tensor<1xi64>
  %s = llmc.squeeze %s1 {axes = array<i64: 0>} : (tensor<1xi64>) -> tensor<i64>
  %p1 = llmc.shape %pk {start = 2 : i64, end = 3 : i64}
     : (tensor<?x4x?x16xf32>) -> tensor<1xi64>
  %p = llmc.squeeze %p1 {axes = array<i64: 0>} : (tensor<1xi64>) -> tensor<i64>
  %total = llmc.add %p, %s : (tensor<i64>, tensor<i64>) -> tensor<i64>
  %zero = llmc.constant dense<0> : tensor<i64>
  %one = llmc.constant dense<1> : tensor<i64>
  %four = llmc.constant dense<4> : tensor<i64>
  %i0 = llmc.range %zero, %s, %one
     : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
  %i1 = llmc.add %i0, %p : (tensor<?xi64>, tensor<i64>) -> tensor<?xi64>
  %i = llmc.unsqueeze %i1 {axes = array<i64: 1>}
     : (tensor<?xi64>) -> tensor<?x1xi64>
  %j = llmc.range %zero, %total, %one
     : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
  %before = llmc.less_or_equal %j, %i
     : (tensor<?xi64>, tensor<?x1xi64>) -> tensor<?x?xi1>
  %edge = llmc.sub %i, %four : (tensor<?x1xi64>, tensor<i64>) -> tensor<?x1xi64>
  %near = llmc.greater %j, %edge
     : (tensor<?xi64>, tensor<?x1xi64>) -> tensor<?x?xi1>
  %both = llmc.and %near, %before
     : (tensor<?x?xi1>, tensor<?x?xi1>) -> tensor<?x?xi1>
  %f0 = llmc.constant dense<0.0> : tensor<f32>
  %min = llmc.constant dense<-3.40282347E+38> : tensor<f32>
  %m = llmc.where %both, %f0, %min
     : (tensor<?x?xi1>, tensor<f32>, tensor<f32>) -> tensor<?x?xf32>
  %kt = llmc.transpose %keys {perm = array<i64: 0, 1, 3, 2>}
     : (tensor<?x4x?x16xf32>) -> tensor<?x4x16x?xf32>
  %scores = llmc.matmul %q, %kt
     : (tensor<?x4x?x16xf32>, tensor<?x4x16x?xf32>) -> tensor<?x4x?x?xf32>
  %eight = llmc.constant dense<8.0> : tensor<f32>
  %scaled = llmc.div %scores, %eight
     : (tensor<?x4x?x?xf32>, tensor<f32>) -> tensor<?x4x?x?xf32>
  %masked = llmc.add %m, %scaled
     : (tensor<?x?xf32>, tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xf32>
  %w = llmc.softmax %masked {axis = 3 : i64}
     : (tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xf32>
  %y = llmc.matmul %w, %values
     : (tensor<?x4x?x?xf32>, tensor<?x4x?x16xf32>) -> tensor<?x4x?x16xf32>
  return %y : tensor<?x4x?x16xf32>
}

// A choice of -inf is a condition; of a finite number it is a float mask.
// CHECK-LABEL: func.func @where_masks
// CHECK-SAME: %[[C:[^ ]*]]: tensor<?x?xi1>
// CHECK: llmc.attention %{{[^,]*}}, %{{[^,]*}}, %{{[^,]*}}, %[[C]] {scale = 1.000000e+00 : f32} : {{.*}}tensor<?x?xi1>)
// CHECK: %[[M:.*]] = llmc.where %[[C]], %{{.*}}, %{{.*}} : (tensor<?x?xi1>, tensor<f32>, tensor<f32>) -> tensor<?x?xf32>
// CHECK: llmc.attention %{{[^,]*}}, %{{[^,]*}}, %{{[^,]*}}, %[[M]] {scale = 1.000000e+00 : f32}
func.func @where_masks(
    %q: tensor<?x4x?x16xf32> {llmc.dims = ["b", "", "s", ""]},
    %k: tensor<?x4x16x?xf32> {llmc.dims = ["b", "", "", "t"]},
    %v: tensor<?x4x?x16xf32> {llmc.dims = ["b", "", "t", ""]},
    %c: tensor<?x?xi1> {llmc.dims = ["s", "t"]})
    -> (tensor<?x4x?x16xf32>, tensor<?x4x?x16xf32>) {
  %inf = llmc.constant dense<0xFF800000> : tensor<f32>
  %min = llmc.constant dense<-3.40282347E+38> : tensor<f32>
  %s = llmc.matmul %q, %k
     : (tensor<?x4x?x16xf32>, tensor<?x4x16x?xf32>) -> tensor<?x4x?x?xf32>
  %a = llmc.where %c, %s, %inf
     : (tensor<?x?xi1>, tensor<?x4x?x?xf32>, tensor<f32>) -> tensor<?x4x?x?xf32>
  %p = llmc.softmax %a {axis = 3 : i64}
     : (tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xf32>
  %y = llmc.matmul %p, %v
     : (tensor<?x4x?x?xf32>, tensor<?x4x?x16xf32>) -> tensor<?x4x?x16xf32>
  %a2 = llmc.where %c, %s, %min
     : (tensor<?x?xi1>, tensor<?x4x?x?xf32>, tensor<f32>) -> tensor<?x4x?x?xf32>
  %p2 = llmc.softmax %a2 {axis = 3 : i64}
     : (tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xf32>
  %y2 = llmc.matmul %p2, %v
     : (tensor<?x4x?x?xf32>, tensor<?x4x?x16xf32>) -> tensor<?x4x?x16xf32>
  return %y, %y2 : tensor<?x4x?x16xf32>, tensor<?x4x?x16xf32>
}

// Softmax over the queries, a choice of -10000 (a row without keys would not
// be uniform), a mask that may enlarge the scores, a batch that may broadcast.
// CHECK-LABEL: func.func @not_attention
// CHECK-NOT: llmc.attention
func.func @not_attention(
    %q: tensor<?x4x?x16xf32> {llmc.dims = ["b", "", "s", ""]},
    %k: tensor<?x4x16x?xf32> {llmc.dims = ["b", "", "", "t"]},
    %v: tensor<?x4x?x16xf32> {llmc.dims = ["b", "", "t", ""]},
    %v2: tensor<?x4x?x16xf32> {llmc.dims = ["b2", "", "t", ""]},
    %c: tensor<?x?xi1> {llmc.dims = ["s", "t"]},
    %m: tensor<?x1x1x1xf32> {llmc.dims = ["b2", "", "", ""]})
    -> (tensor<?x4x?x16xf32>, tensor<?x4x?x16xf32>, tensor<?x4x?x16xf32>,
        tensor<?x4x?x16xf32>) {
  %ten = llmc.constant dense<-10000.0> : tensor<f32>
  %s = llmc.matmul %q, %k
     : (tensor<?x4x?x16xf32>, tensor<?x4x16x?xf32>) -> tensor<?x4x?x?xf32>
  %p0 = llmc.softmax %s {axis = 2 : i64}
     : (tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xf32>
  %y0 = llmc.matmul %p0, %v
     : (tensor<?x4x?x?xf32>, tensor<?x4x?x16xf32>) -> tensor<?x4x?x16xf32>
  %a1 = llmc.where %c, %s, %ten
     : (tensor<?x?xi1>, tensor<?x4x?x?xf32>, tensor<f32>) -> tensor<?x4x?x?xf32>
  %p1 = llmc.softmax %a1 {axis = 3 : i64}
     : (tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xf32>
  %y1 = llmc.matmul %p1, %v
     : (tensor<?x4x?x?xf32>, tensor<?x4x?x16xf32>) -> tensor<?x4x?x16xf32>
  %a2 = llmc.add %s, %m
     : (tensor<?x4x?x?xf32>, tensor<?x1x1x1xf32>) -> tensor<?x4x?x?xf32>
  %p2 = llmc.softmax %a2 {axis = 3 : i64}
     : (tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xf32>
  %y2 = llmc.matmul %p2, %v
     : (tensor<?x4x?x?xf32>, tensor<?x4x?x16xf32>) -> tensor<?x4x?x16xf32>
  %p3 = llmc.softmax %s {axis = 3 : i64}
     : (tensor<?x4x?x?xf32>) -> tensor<?x4x?x?xf32>
  %y3 = llmc.matmul %p3, %v2
     : (tensor<?x4x?x?xf32>, tensor<?x4x?x16xf32>) -> tensor<?x4x?x16xf32>
  return %y0, %y1, %y2, %y3 : tensor<?x4x?x16xf32>, tensor<?x4x?x16xf32>,
      tensor<?x4x?x16xf32>, tensor<?x4x?x16xf32>
}

// Heads are found behind positions that were cut out of a table of 128: the
// prefix is as long as the sequence, or no sum with it would be valid.
// CHECK-LABEL: func.func @positions
// CHECK: llmc.attention %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} {scale = 2.500000e-01 : f32}
func.func @positions(%x: tensor<?x?x64xf32> {llmc.dims = ["b", "s", ""]},
                     %mask: tensor<?x1x?x?xf32> {llmc.dims = ["b", "", "s", "s"]},
                     %table: tensor<1x128x64xf32>)
    -> tensor<?x?x?x16xf32> {
  %0 = llmc.constant dense<0> : tensor<1xi64>
  %1 = llmc.constant dense<1> : tensor<1xi64>
  %m1 = llmc.constant dense<[-1, 16]> : tensor<2xi64>
  %bs = llmc.shape %x {start = 0 : i64, end = 2 : i64} : (tensor<?x?x64xf32>) -> tensor<2xi64>
  %s = llmc.shape %x {start = 1 : i64, end = 2 : i64} : (tensor<?x?x64xf32>) -> tensor<1xi64>
  %p = llmc.slice %table, %0, %s, %1 {axes = array<i64: 1>}
     : (tensor<1x128x64xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1x?x64xf32>
  %e = llmc.add %x, %p : (tensor<?x?x64xf32>, tensor<1x?x64xf32>) -> tensor<?x?x64xf32>
  %t = llmc.concat %bs, %m1 {axis = 0 : i64} : (tensor<2xi64>, tensor<2xi64>) -> tensor<4xi64>
  %r = llmc.reshape %e, %t : (tensor<?x?x64xf32>, tensor<4xi64>) -> tensor<?x?x?x16xf32>
  %q = llmc.transpose %r {perm = array<i64: 0, 2, 1, 3>} : (tensor<?x?x?x16xf32>) -> tensor<?x?x?x16xf32>
  %k = llmc.transpose %r {perm = array<i64: 0, 2, 3, 1>} : (tensor<?x?x?x16xf32>) -> tensor<?x?x16x?xf32>
  %half = llmc.constant dense<0.5> : tensor<f32>
  %qs = llmc.mul %q, %half : (tensor<?x?x?x16xf32>, tensor<f32>) -> tensor<?x?x?x16xf32>
  %ks = llmc.mul %k, %half : (tensor<?x?x16x?xf32>, tensor<f32>) -> tensor<?x?x16x?xf32>
  %a = llmc.matmul %qs, %ks : (tensor<?x?x?x16xf32>, tensor<?x?x16x?xf32>) -> tensor<?x?x?x?xf32>
  %b = llmc.add %a, %mask : (tensor<?x?x?x?xf32>, tensor<?x1x?x?xf32>) -> tensor<?x?x?x?xf32>
  %w = llmc.softmax %b {axis = 3 : i64} : (tensor<?x?x?x?xf32>) -> tensor<?x?x?x?xf32>
  %y = llmc.matmul %w, %q : (tensor<?x?x?x?xf32>, tensor<?x?x?x16xf32>) -> tensor<?x?x?x16xf32>
  return %y : tensor<?x?x?x16xf32>
}
