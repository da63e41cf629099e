// RUN: llmc-opt %s --llmc-kv-cache-in-place --llmc-infer-shapes --split-input-file | FileCheck %s

// CHECK-LABEL: func.func @main
// CHECK-SAME: (%[[NEW:[^:]*]]: tensor<?x2x?x4xf32> {llmc.dims = ["b", "", "s", ""], llmc.name = "new"}
// CHECK-SAME: %[[KEY:[^:]*]]: tensor<?x2x?x4xf32> {llmc.dims = ["b", "", "capacity", ""], llmc.name = "past.key", llmc.state = "present.key"}
// CHECK-SAME: %[[VALUE:[^:]*]]: tensor<?x2x?x4xf32> {{{.*}}llmc.name = "past.value", llmc.state = "present.value"}
// CHECK-SAME: %[[P:[^:]*]]: tensor<i64> {llmc.dims = [], llmc.name = "past_length", llmc.size})
// CHECK-SAME: -> (tensor<?x2x?x4xf32> {llmc.name = "out"}, tensor<1xi64> {llmc.name = "length"}
// CHECK-SAME: tensor<?x2x?x4xf32> {llmc.name = "present.key", llmc.state = "past.key"}
// CHECK-SAME: tensor<?x2x?x4xf32> {llmc.name = "present.value", llmc.state = "past.value"})
func.func @main(
    %new: tensor<?x2x?x4xf32> {llmc.dims = ["b", "", "s", ""], llmc.name = "new"},
    %key: tensor<?x2x?x4xf32> {llmc.dims = ["b", "", "p", ""], llmc.name = "past.key"},
    %value: tensor<?x2x?x4xf32> {llmc.dims = ["b", "", "p", ""], llmc.name = "past.value"})
    -> (tensor<?x2x?x4xf32> {llmc.name = "present.value"},
        tensor<?x2x?x4xf32> {llmc.name = "out"},
        tensor<?x2x?x4xf32> {llmc.name = "present.key"},
        tensor<1xi64> {llmc.name = "length"}) {
  // CHECK: %[[L:.*]] = llmc.unsqueeze %[[P]]
  %length = llmc.shape %key {start = 2 : i64, end = 3 : i64}
     : (tensor<?x2x?x4xf32>) -> tensor<1xi64>
  // CHECK: %[[K1:.*]] = llmc.tensor_scatter %[[KEY]], %[[NEW]], %[[P]] {axis = 2 : i64}
  // CHECK: %[[T:.*]] = llmc.add %[[P]], %{{.*}}
  // CHECK: %[[K2:.*]] = llmc.prefix %[[K1]], %[[T]] {axis = 2 : i64}
  %k = llmc.concat %key, %new {axis = 2 : i64}
     : (tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>) -> tensor<?x2x?x4xf32>
  // CHECK: %[[V1:.*]] = llmc.tensor_scatter %[[VALUE]], %[[NEW]], %[[P]]
  // CHECK: %[[V2:.*]] = llmc.prefix %[[V1]]
  %v = llmc.concat %value, %new {axis = 2 : i64}
     : (tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>) -> tensor<?x2x?x4xf32>
  // CHECK: %[[Y:.*]] = llmc.attention %[[NEW]], %[[K2]], %[[V2]]
  %y = llmc.attention %new, %k, %v {scale = 1.0 : f32}
     : (tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>)
     -> tensor<?x2x?x4xf32>
  // CHECK: return %[[Y]], %[[L]], %[[K1]], %[[V1]]
  return %v, %y, %k, %length
     : tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>,
       tensor<1xi64>
}

// -----

// A past that is read itself, one in front of which rows go, one that is not
// returned: all stay what they were.
// CHECK-LABEL: func.func @main
// CHECK-NOT: llmc.state
// CHECK-NOT: llmc.tensor_scatter
func.func @main(%new: tensor<?x2x?x4xf32>, %a: tensor<?x2x?x4xf32>,
                %b: tensor<?x2x?x4xf32>, %c: tensor<?x2x?x4xf32>)
    -> (tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>,
        tensor<?x2x?x4xf32>) {
  %read = llmc.neg %a : (tensor<?x2x?x4xf32>) -> tensor<?x2x?x4xf32>
  %x = llmc.concat %a, %new {axis = 2 : i64}
     : (tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>) -> tensor<?x2x?x4xf32>
  %y = llmc.concat %new, %b {axis = 2 : i64}
     : (tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>) -> tensor<?x2x?x4xf32>
  %z = llmc.concat %c, %new {axis = 2 : i64}
     : (tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>) -> tensor<?x2x?x4xf32>
  %zn = llmc.neg %z : (tensor<?x2x?x4xf32>) -> tensor<?x2x?x4xf32>
  return %x, %y, %zn, %read : tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>,
      tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>
}
