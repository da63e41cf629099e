// RUN: llmc-opt %s --llmc-quantize-kv-cache=format=int4 | FileCheck %s
// RUN: llmc-opt %s --llmc-quantize-kv-cache="format=int4 group=16 rotate=false" | FileCheck %s --check-prefix=PLAIN
// RUN: llmc-opt %s --llmc-quantize-kv-cache=format=int4 --llmc-kv-cache-in-place --llmc-infer-shapes | FileCheck %s --check-prefix=STATES

// CHECK: llmc.param @kv_rotation.64 = {{.*}} : tensor<64x64xf32>
// CHECK-LABEL: func.func @main
// CHECK-SAME: %[[NEW:[^:]*]]: tensor<?x2x?x64xf32> {{.*}}"new"
// CHECK-SAME: %[[KEY:[^:]*]]: tensor<?x2x?x32xui8> {llmc.dims = ["b", "", "p", ""], llmc.name = "past.key"}
// CHECK-SAME: %[[VALUE:[^:]*]]: tensor<?x2x?x32xui8>
// CHECK-SAME: %[[STEPS:[^:]*]]: tensor<?x2x?x2xf16> {llmc.dims = ["b", "", "p", ""], llmc.name = "past.key.scale"}
// CHECK-SAME: %[[LOWS:[^:]*]]: tensor<?x2x?x2xf16> {llmc.dims = ["b", "", "p", ""], llmc.name = "past.key.min"}
// CHECK-SAME: tensor<?x2x?x2xf16> {llmc.dims = ["b", "", "p", ""], llmc.name = "past.value.scale"}
// CHECK-SAME: tensor<?x2x?x2xf16> {llmc.dims = ["b", "", "p", ""], llmc.name = "past.value.min"}
// CHECK-SAME: -> (tensor<?x2x?x64xf32> {llmc.name = "out"}, tensor<4xi64> {llmc.name = "shape"}, tensor<?x2x?x32xui8> {llmc.name = "present.key"}
// CHECK-SAME: tensor<?x2x?x2xf16> {llmc.name = "present.key.scale"}
// CHECK-SAME: tensor<?x2x?x2xf16> {llmc.name = "present.key.min"}

// The model sees rows of 64 numbers still.
// CHECK: %[[BPR:.*]] = llmc.shape %[[KEY]] {end = 3 : i64, start = 0 : i64}
// CHECK: %[[SHAPE:.*]] = llmc.concat %[[BPR]], %{{.*}} {axis = 0 : i64}

// CHECK: %[[H:.*]] = llmc.weight @kv_rotation.64
// CHECK: %[[R:.*]] = llmc.linear %[[NEW]], %[[H]]
// CHECK: %[[G:.*]] = llmc.reshape %[[R]], %{{.*}} -> tensor<?x2x?x2x32xf32>
// CHECK: %[[MAX:.*]] = llmc.reduce max %[[G]] {axes = array<i64: 4>, keepdims = false}
// CHECK: %[[MIN:.*]] = llmc.reduce min %[[G]] {axes = array<i64: 4>, keepdims = false}
// CHECK: %[[LOW:.*]] = llmc.cast %[[MIN]] {to = f16}
// CHECK: %[[LOWF:.*]] = llmc.cast %[[LOW]] {to = f32}
// CHECK: %[[SPAN:.*]] = llmc.sub %[[MAX]], %[[LOWF]]
// CHECK: %[[RANGE:.*]] = llmc.max %[[SPAN]],
// CHECK: %[[STEPF:.*]] = llmc.div %[[RANGE]],
// CHECK: %[[STEP:.*]] = llmc.cast %[[STEPF]] {to = f16}
// CHECK: llmc.round
// CHECK: %[[Q:.*]] = llmc.cast %{{.*}} {to = ui8}
// CHECK: %[[SS:.*]] = llmc.concat %[[STEPS]], %[[STEP]] {axis = 2 : i64}
// CHECK: %[[LS:.*]] = llmc.concat %[[LOWS]], %[[LOW]] {axis = 2 : i64}
// CHECK: %[[QS:.*]] = llmc.concat %[[KEY]], %[[Q]] {axis = 2 : i64}
// CHECK: %[[BYTES:.*]] = llmc.cast %[[QS]] {to = f32}
// CHECK: %[[HIGH:.*]] = llmc.floor
// CHECK: %[[CODES:.*]] = llmc.concat %{{.*}}, %[[HIGH]] {axis = 3 : i64}
// CHECK: %[[K:.*]] = llmc.reshape %{{.*}} -> tensor<?x2x?x64xf32>
// Values are not rotated.
// CHECK: llmc.reshape %[[NEW]], %{{.*}} -> tensor<?x2x?x2x32xf32>
// The queries are, and as 64 is 8 squared their scale stays.
// CHECK: %[[RQ:.*]] = llmc.linear %[[NEW]], %
// CHECK: %[[Y:.*]] = llmc.attention %[[RQ]], %[[K]], %{{.*}} {scale = 1.000000e+00 : f32}
// CHECK: return %[[Y]], %[[SHAPE]], %[[QS]], %{{.*}}, %[[SS]], %[[LS]], %

// PLAIN-NOT: llmc.linear
// PLAIN: tensor<?x2x?x4xf16> {{.*}}"past.key.min"
// PLAIN-NOT: llmc.linear

// STATES-LABEL: func.func @main
// STATES-SAME: tensor<?x2x?x32xui8> {llmc.dims = ["b", "", "capacity", ""], llmc.name = "past.key", llmc.state = "present.key"}
// STATES-SAME: tensor<?x2x?x2xf16> {llmc.dims = ["b", "", "capacity", ""], llmc.name = "past.key.min", llmc.state = "present.key.min"}
// STATES-COUNT-6: llmc.tensor_scatter
func.func @main(
    %new: tensor<?x2x?x64xf32> {llmc.dims = ["b", "", "s", ""], llmc.name = "new"},
    %key: tensor<?x2x?x64xf32> {llmc.dims = ["b", "", "p", ""], llmc.name = "past.key"},
    %value: tensor<?x2x?x64xf32> {llmc.dims = ["b", "", "p", ""], llmc.name = "past.value"})
    -> (tensor<?x2x?x64xf32> {llmc.name = "out"},
        tensor<4xi64> {llmc.name = "shape"},
        tensor<?x2x?x64xf32> {llmc.name = "present.key"},
        tensor<?x2x?x64xf32> {llmc.name = "present.value"}) {
  %shape = llmc.shape %key {start = 0 : i64, end = 4 : i64}
     : (tensor<?x2x?x64xf32>) -> tensor<4xi64>
  %k = llmc.concat %key, %new {axis = 2 : i64}
     : (tensor<?x2x?x64xf32>, tensor<?x2x?x64xf32>) -> tensor<?x2x?x64xf32>
  %v = llmc.concat %value, %new {axis = 2 : i64}
     : (tensor<?x2x?x64xf32>, tensor<?x2x?x64xf32>) -> tensor<?x2x?x64xf32>
  %y = llmc.attention %new, %k, %v {scale = 1.0 : f32}
     : (tensor<?x2x?x64xf32>, tensor<?x2x?x64xf32>, tensor<?x2x?x64xf32>)
     -> tensor<?x2x?x64xf32>
  return %y, %shape, %k, %v
     : tensor<?x2x?x64xf32>, tensor<4xi64>, tensor<?x2x?x64xf32>,
       tensor<?x2x?x64xf32>
}
