// RUN: llmc-opt %s --llmc-prune-layers="layers=1" | FileCheck %s
// RUN: llmc-opt %s --llmc-prune-layers="layers=1 renumber" | FileCheck %s --check-prefix=NEW
// RUN: llmc-opt %s --llmc-prune-layers="layers=2,3 unit=block" | FileCheck %s
// RUN: llmc-opt %s --llmc-prune-layers="layers=3 unit=block" | FileCheck %s --check-prefix=MLP
// RUN: llmc-opt %s --llmc-prune-layers="layers=1" --remarks-filter=llmc-compress --remark-policy=all --remark-format=emitRemark 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: llmc-opt %s --llmc-prune-layers="layers=1 step=mark" | FileCheck %s --check-prefix=MARK
// RUN: llmc-opt %s --llmc-prune-layers="layers=1 step=mark" --llmc-prune-layers="step=remove" | FileCheck %s
// RUN: llmc-opt %s --llmc-prune-layers="layers=3 unit=block step=mark" --llmc-prune-layers="step=remove" -o /dev/null 2>&1 | FileCheck %s --check-prefix=HALF

// Blocks that are marked do not stay in silence.
// HALF: remark: the layer of 'a1' is not removed: only some of its blocks are marked; give unit=block
// HALF-NOT: no layer is marked

// Each layer is an attention with a cache and an MLP. The second one goes with
// its cache; what asked how long that was asks the first one's.

// REMARK: bytes_after=0, bytes_before=512, influence=-1.{{.*}}, layer=1, param=a1, removed=layer

// Marks change nothing but the parameters of the layer's linears.
// MARK: llmc.param @m0 = dense
// MARK-NOT: llmc.removed
// MARK: llmc.param @a1 {{.*}}llmc.removed
// MARK: llmc.param @m1 {{.*}}llmc.removed
// MARK-NOT: llmc.removed
// MARK: past.1

// CHECK-NOT: llmc.param @{{[a-z]*}}1
// CHECK: func.func @main
// CHECK-SAME: llmc.name = "past.0"
// CHECK-NOT: past.1
// CHECK-SAME: %[[P2:[^:]*]]: tensor<?x2x?x4xf32> {llmc.dims = ["b", "", "p", ""], llmc.name = "past.2"}
// CHECK-NOT: past.1
// CHECK-SAME: llmc.name = "present.0"
// CHECK-SAME: llmc.name = "present.2"
// CHECK: llmc.shape %{{.*}} {end = 3 : i64, start = 2 : i64}
// CHECK: %[[M0:.*]] = llmc.add %{{.*}}
// CHECK: llmc.concat %[[P2]]
// CHECK: return %{{.*}}, %{{.*}}, %{{.*}} : tensor<?x?x8xf32>, tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>

// NEW: func.func @main
// NEW-SAME: "past.0"
// NEW-SAME: "past.1"
// NEW-NOT: past.2
// NEW-SAME: "present.0"
// NEW-SAME: "present.1"

// MLP-NOT: llmc.param @m1
// MLP: llmc.param @m2
// MLP: "past.0"{{.*}}"past.1"{{.*}}"past.2"
llmc.param @embed = dense<1.0> : tensor<16x8xf32>
llmc.param @a0 = dense<1.0> : tensor<8x8xf32>
llmc.param @m0 = dense<1.0> : tensor<8x8xf32>
llmc.param @a1 = dense<1.0> : tensor<8x8xf32>
llmc.param @m1 = dense<1.0> : tensor<8x8xf32>
llmc.param @a2 = dense<1.0> : tensor<8x8xf32>
llmc.param @m2 = dense<1.0> : tensor<8x8xf32>
func.func @main(
    %ids: tensor<?x?xi64>,
    %p0: tensor<?x2x?x4xf32> {llmc.dims = ["b", "", "p", ""], llmc.name = "past.0"},
    %p1: tensor<?x2x?x4xf32> {llmc.dims = ["b", "", "p", ""], llmc.name = "past.1"},
    %p2: tensor<?x2x?x4xf32> {llmc.dims = ["b", "", "p", ""], llmc.name = "past.2"})
    -> (tensor<?x?x8xf32> {llmc.name = "out"},
        tensor<?x2x?x4xf32> {llmc.name = "present.0"},
        tensor<?x2x?x4xf32> {llmc.name = "present.1"},
        tensor<?x2x?x4xf32> {llmc.name = "present.2"}) {
  %split = llmc.constant dense<[0, 0, 2, 4]> : tensor<4xi64>
  %join = llmc.constant dense<[0, 0, 8]> : tensor<3xi64>
  %size = llmc.shape %p1 {start = 2 : i64, end = 3 : i64} : (tensor<?x2x?x4xf32>) -> tensor<1xi64>
  %length = llmc.cast %size {to = f32} : (tensor<1xi64>) -> tensor<1xf32>
  %e = llmc.weight @embed : tensor<16x8xf32>
  %x = llmc.embedding %ids, %e : (tensor<?x?xi64>, tensor<16x8xf32>) -> tensor<?x?x8xf32>
  %x0 = llmc.add %x, %length : (tensor<?x?x8xf32>, tensor<1xf32>) -> tensor<?x?x8xf32>
  %aw0 = llmc.weight @a0 : tensor<8x8xf32>
  %l0 = llmc.linear %x0, %aw0 : (tensor<?x?x8xf32>, tensor<8x8xf32>) -> tensor<?x?x8xf32>
  %r0 = llmc.reshape %l0, %split : (tensor<?x?x8xf32>, tensor<4xi64>) -> tensor<?x?x2x4xf32>
  %t0 = llmc.transpose %r0 {perm = array<i64: 0, 2, 1, 3>} : (tensor<?x?x2x4xf32>) -> tensor<?x2x?x4xf32>
  %k0 = llmc.concat %p0, %t0 {axis = 2 : i64} : (tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>) -> tensor<?x2x?x4xf32>
  %s0 = llmc.attention %t0, %k0, %k0 {scale = 1.0 : f32} : (tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>) -> tensor<?x2x?x4xf32>
  %b0 = llmc.transpose %s0 {perm = array<i64: 0, 2, 1, 3>} : (tensor<?x2x?x4xf32>) -> tensor<?x?x2x4xf32>
  %j0 = llmc.reshape %b0, %join : (tensor<?x?x2x4xf32>, tensor<3xi64>) -> tensor<?x?x8xf32>
  %y0 = llmc.add %x0, %j0 : (tensor<?x?x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  %mw0 = llmc.weight @m0 : tensor<8x8xf32>
  %h0 = llmc.linear %y0, %mw0 : (tensor<?x?x8xf32>, tensor<8x8xf32>) -> tensor<?x?x8xf32>
  %x1 = llmc.add %y0, %h0 : (tensor<?x?x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  %aw1 = llmc.weight @a1 : tensor<8x8xf32>
  %l1 = llmc.linear %x1, %aw1 : (tensor<?x?x8xf32>, tensor<8x8xf32>) -> tensor<?x?x8xf32>
  %r1 = llmc.reshape %l1, %split : (tensor<?x?x8xf32>, tensor<4xi64>) -> tensor<?x?x2x4xf32>
  %t1 = llmc.transpose %r1 {perm = array<i64: 0, 2, 1, 3>} : (tensor<?x?x2x4xf32>) -> tensor<?x2x?x4xf32>
  %k1 = llmc.concat %p1, %t1 {axis = 2 : i64} : (tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>) -> tensor<?x2x?x4xf32>
  %s1 = llmc.attention %t1, %k1, %k1 {scale = 1.0 : f32} : (tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>) -> tensor<?x2x?x4xf32>
  %b1 = llmc.transpose %s1 {perm = array<i64: 0, 2, 1, 3>} : (tensor<?x2x?x4xf32>) -> tensor<?x?x2x4xf32>
  %j1 = llmc.reshape %b1, %join : (tensor<?x?x2x4xf32>, tensor<3xi64>) -> tensor<?x?x8xf32>
  %y1 = llmc.add %x1, %j1 : (tensor<?x?x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  %mw1 = llmc.weight @m1 : tensor<8x8xf32>
  %h1 = llmc.linear %y1, %mw1 : (tensor<?x?x8xf32>, tensor<8x8xf32>) -> tensor<?x?x8xf32>
  %x2 = llmc.add %y1, %h1 : (tensor<?x?x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  %aw2 = llmc.weight @a2 : tensor<8x8xf32>
  %l2 = llmc.linear %x2, %aw2 : (tensor<?x?x8xf32>, tensor<8x8xf32>) -> tensor<?x?x8xf32>
  %r2 = llmc.reshape %l2, %split : (tensor<?x?x8xf32>, tensor<4xi64>) -> tensor<?x?x2x4xf32>
  %t2 = llmc.transpose %r2 {perm = array<i64: 0, 2, 1, 3>} : (tensor<?x?x2x4xf32>) -> tensor<?x2x?x4xf32>
  %k2 = llmc.concat %p2, %t2 {axis = 2 : i64} : (tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>) -> tensor<?x2x?x4xf32>
  %s2 = llmc.attention %t2, %k2, %k2 {scale = 1.0 : f32} : (tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>) -> tensor<?x2x?x4xf32>
  %b2 = llmc.transpose %s2 {perm = array<i64: 0, 2, 1, 3>} : (tensor<?x2x?x4xf32>) -> tensor<?x?x2x4xf32>
  %j2 = llmc.reshape %b2, %join : (tensor<?x?x2x4xf32>, tensor<3xi64>) -> tensor<?x?x8xf32>
  %y2 = llmc.add %x2, %j2 : (tensor<?x?x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  %mw2 = llmc.weight @m2 : tensor<8x8xf32>
  %h2 = llmc.linear %y2, %mw2 : (tensor<?x?x8xf32>, tensor<8x8xf32>) -> tensor<?x?x8xf32>
  %x3 = llmc.add %y2, %h2 : (tensor<?x?x8xf32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  %z = llmc.relu %x3 : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return %z, %k0, %k1, %k2
     : tensor<?x?x8xf32>, tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>
}
