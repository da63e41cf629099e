// RUN: llmc-opt %s --llmc-quantize-kv-cache=format=f16 | FileCheck %s --check-prefix=F16
// RUN: llmc-opt %s --llmc-quantize-kv-cache | FileCheck %s --check-prefix=INT8
// RUN: llmc-opt %s --llmc-quantize-kv-cache --llmc-kv-cache-in-place --llmc-infer-shapes | FileCheck %s --check-prefix=STATES

// F16-LABEL: func.func @main
// F16-SAME: %[[KEY:[^:]*]]: tensor<?x2x?x4xf16> {llmc.dims = ["b", "", "p", ""], llmc.name = "past.key"}
// F16-SAME: %[[VALUE:[^:]*]]: tensor<?x2x?x4xf16>
// F16-SAME: -> (tensor<?x2x?x4xf32> {llmc.name = "out"}, tensor<?x2x?x4xf16> {llmc.name = "present.key"}, tensor<?x2x?x4xf16> {{.*}})
// F16: %[[NEW:.*]] = llmc.cast %{{.*}} {to = f16}
// F16: %[[ALL:.*]] = llmc.concat %[[KEY]], %[[NEW]] {axis = 2 : i64}
// F16: %[[K:.*]] = llmc.cast %[[ALL]] {to = f32}
// F16: %[[VALUES:.*]] = llmc.concat %[[VALUE]]
// F16: %[[V:.*]] = llmc.cast %[[VALUES]] {to = f32}
// F16: %[[Y:.*]] = llmc.attention %{{.*}}, %[[K]], %[[V]]
// F16: return %[[Y]], %[[ALL]], %[[VALUES]]

// INT8-LABEL: func.func @main
// INT8-SAME: %[[NEW:[^:]*]]: tensor<?x2x?x4xf32> {{.*}}"new"
// INT8-SAME: %[[KEY:[^:]*]]: tensor<?x2x?x4xi8> {llmc.dims = ["b", "", "p", ""], llmc.name = "past.key"}
// INT8-SAME: %[[VALUE:[^:]*]]: tensor<?x2x?x4xi8>
// INT8-SAME: %[[SCALES:[^:]*]]: tensor<?x2x?x1xf32> {llmc.dims = ["b", "", "p", ""], llmc.name = "past.key.scale"}
// INT8-SAME: tensor<?x2x?x1xf32> {llmc.dims = ["b", "", "p", ""], llmc.name = "past.value.scale"}
// INT8-SAME: -> (tensor<?x2x?x4xf32> {llmc.name = "out"}, tensor<?x2x?x4xi8> {llmc.name = "present.key"}
// INT8-SAME: tensor<?x2x?x1xf32> {llmc.name = "present.key.scale"}
// INT8-SAME: tensor<?x2x?x1xf32> {llmc.name = "present.value.scale"}
// INT8-DAG: %[[LIMIT:.*]] = llmc.constant dense<1.270000e+02>
// INT8-DAG: %[[TINY:.*]] = llmc.constant dense<7.52316385E-37>
// INT8: %[[ABS:.*]] = llmc.abs %[[NEW]]
// INT8: %[[MAX:.*]] = llmc.reduce max %[[ABS]] {axes = array<i64: 3>}
// INT8: %[[S:.*]] = llmc.div %[[MAX]], %[[LIMIT]]
// INT8: %[[B:.*]] = llmc.max %[[MAX]], %[[TINY]]
// INT8: %[[I:.*]] = llmc.div %[[LIMIT]], %[[B]]
// INT8: %[[X:.*]] = llmc.mul %[[NEW]], %[[I]]
// INT8: %[[R:.*]] = llmc.round %[[X]]
// INT8: %[[SS:.*]] = llmc.concat %[[SCALES]], %[[S]] {axis = 2 : i64}
// INT8: %[[Q:.*]] = llmc.cast %[[R]] {to = i8}
// INT8: %[[QS:.*]] = llmc.concat %[[KEY]], %[[Q]] {axis = 2 : i64}
// INT8: %[[F:.*]] = llmc.cast %[[QS]] {to = f32}
// INT8: %[[K:.*]] = llmc.mul %[[F]], %[[SS]]
// INT8: %[[Y:.*]] = llmc.attention %[[NEW]], %[[K]], %
// INT8: return %[[Y]], %[[QS]], %{{.*}}, %[[SS]], %

// STATES-LABEL: func.func @main
// STATES-SAME: tensor<?x2x?x4xi8> {llmc.dims = ["b", "", "capacity", ""], llmc.name = "past.key", llmc.state = "present.key"}
// STATES-SAME: tensor<?x2x?x1xf32> {llmc.dims = ["b", "", "capacity", ""], llmc.name = "past.key.scale", llmc.state = "present.key.scale"}
// STATES-COUNT-4: llmc.tensor_scatter
func.func @main(
    %new: tensor<?x2x?x4xf32> {llmc.dims = ["b", "", "s", ""], llmc.name = "new"},
    %key: tensor<?x2x?x4xf32> {llmc.dims = ["b", "", "p", ""], llmc.name = "past.key"},
    %value: tensor<?x2x?x4xf32> {llmc.dims = ["b", "", "p", ""], llmc.name = "past.value"})
    -> (tensor<?x2x?x4xf32> {llmc.name = "out"},
        tensor<?x2x?x4xf32> {llmc.name = "present.key"},
        tensor<?x2x?x4xf32> {llmc.name = "present.value"}) {
  %k = llmc.concat %key, %new {axis = 2 : i64}
     : (tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>) -> tensor<?x2x?x4xf32>
  %v = llmc.concat %value, %new {axis = 2 : i64}
     : (tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>) -> tensor<?x2x?x4xf32>
  %y = llmc.attention %new, %k, %v {scale = 1.0 : f32}
     : (tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>)
     -> tensor<?x2x?x4xf32>
  return %y, %k, %v
     : tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>
}
