// RUN: llmc-opt %s --llmc-append-top-k=k=5 -split-input-file | FileCheck %s
// RUN: llmc-opt %s --llmc-append-top-k=k=5 -split-input-file | llmc-opt --llmc-infer-shapes -split-input-file

// The best tokens come right behind the logits, before what else there is.
// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[X:.*]]: tensor<?x?x8xf32>, %[[Y:.*]]: tensor<2xf32>)
// CHECK-SAME: -> (tensor<?x?x8xf32> {llmc.dims = ["b", "s", ""], llmc.name = "logits"},
// CHECK-SAME: tensor<?x?x5xf32> {llmc.dims = ["b", "s", ""], llmc.name = "top_logits"},
// CHECK-SAME: tensor<?x?x5xi64> {llmc.dims = ["b", "s", ""], llmc.name = "top_ids"},
// CHECK-SAME: tensor<2xf32> {llmc.name = "other"})
// CHECK: %[[K:.*]] = llmc.constant dense<5> : tensor<1xi64>
// CHECK: %[[V:.*]], %[[I:.*]] = llmc.top_k %[[X]], %[[K]] {axis = 2 : i64}
// CHECK: return %[[X]], %[[V]], %[[I]], %[[Y]]
func.func @main(%x: tensor<?x?x8xf32>, %y: tensor<2xf32>)
    -> (tensor<?x?x8xf32> {llmc.name = "logits", llmc.dims = ["b", "s", ""]},
        tensor<2xf32> {llmc.name = "other"}) {
  return %x, %y : tensor<?x?x8xf32>, tensor<2xf32>
}

// -----

// One row for each of a batch, in another format.
// CHECK-LABEL: func.func @main(
// CHECK-SAME: tensor<?x5xf16> {llmc.name = "top_logits"}, tensor<?x5xi64> {llmc.name = "top_ids"})
// CHECK: llmc.top_k %{{.*}}, %{{.*}} {axis = 1 : i64}
func.func @main(%x: tensor<?x5xf16>) -> (tensor<?x5xf16> {llmc.name = "logits"}) {
  return %x : tensor<?x5xf16>
}
