// RUN: llmc-opt %s --llmc-keep-last-logits -split-input-file | FileCheck %s
// RUN: llmc-opt %s --llmc-keep-last-logits -split-input-file | llmc-opt -split-input-file
// RUN: llmc-opt %s --llmc-keep-last-logits=last-only --llmc-infer-shapes -split-input-file | FileCheck %s --check-prefix=ONE

// Rows are left out before the last norm, which serves the head alone.
// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[X:.*]]: tensor<?x?x4xf32>, %[[K:.*]]: tensor<i64> {llmc.dims = [], llmc.name = "logits_to_keep"})
// CHECK-SAME: llmc.dims = ["b", "kept_length", ""], llmc.name = "logits"
// CHECK: %[[N:.*]] = llmc.neg %[[K]]
// CHECK: %[[START:.*]] = llmc.unsqueeze %[[N]]
// CHECK: %[[ROWS:.*]] = llmc.slice %[[X]], %[[START]], %{{.*}}, %{{.*}} {axes = array<i64: 1>}
// CHECK: llmc.rms_norm %[[ROWS]]
// CHECK: llmc.linear

// ONE-LABEL: func.func @main(
// ONE-SAME: %[[X:.*]]: tensor<?x?x4xf32>)
// ONE-SAME: -> (tensor<?x1x8xf32> {llmc.dims = ["b", "", ""], llmc.name = "logits"})
// ONE: %[[LAST:.*]] = llmc.constant dense<-1> : tensor<1xi64>
// ONE: %[[ROWS:.*]] = llmc.gather %[[X]], %[[LAST]] {axis = 1 : i64}
// ONE: llmc.rms_norm %[[ROWS]]
func.func @main(%x: tensor<?x?x4xf32>)
    -> (tensor<?x?x8xf32> {llmc.name = "logits", llmc.dims = ["b", "s", ""]}) {
  %scale = llmc.constant dense<1.0> : tensor<4xf32>
  %w = llmc.constant dense<1.0> : tensor<8x4xf32>
  %n = llmc.rms_norm %x, %scale {epsilon = 1.0e-5 : f32} : (tensor<?x?x4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
  %y = llmc.linear %n, %w : (tensor<?x?x4xf32>, tensor<8x4xf32>) -> tensor<?x?x8xf32>
  return %y : tensor<?x?x8xf32>
}

// -----

// A norm that is returned as well keeps its rows.
// CHECK-LABEL: func.func @main(
// CHECK: %[[N:.*]] = llmc.rms_norm %{{.*}},
// CHECK: llmc.slice %[[N]],
func.func @main(%x: tensor<?x?x4xf32>)
    -> (tensor<?x?x8xf32> {llmc.name = "logits"}, tensor<?x?x4xf32>) {
  %scale = llmc.constant dense<1.0> : tensor<4xf32>
  %w = llmc.constant dense<1.0> : tensor<8x4xf32>
  %n = llmc.rms_norm %x, %scale {epsilon = 1.0e-5 : f32} : (tensor<?x?x4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
  %y = llmc.linear %n, %w : (tensor<?x?x4xf32>, tensor<8x4xf32>) -> tensor<?x?x8xf32>
  return %y, %n : tensor<?x?x8xf32>, tensor<?x?x4xf32>
}

// -----

// Without logits, or with some of one row, there is nothing to leave out.
// CHECK-LABEL: func.func @main(
// CHECK-NOT: llmc.slice
func.func @main(%x: tensor<?x1x4xf32>) -> (tensor<?x1x8xf32> {llmc.name = "logits"}) {
  %w = llmc.constant dense<1.0> : tensor<8x4xf32>
  %y = llmc.linear %x, %w : (tensor<?x1x4xf32>, tensor<8x4xf32>) -> tensor<?x1x8xf32>
  return %y : tensor<?x1x8xf32>
}
