// RUN: echo "5 1" > %t.tokens
// RUN: llmc-opt %s --pass-pipeline="builtin.module(llmc-prune-vocabulary{tokens=%t.tokens multiple=1},llmc-keep-last-logits)" | FileCheck %s

// The logits of the last tokens alone are computed, although they are spread
// over the whole vocabulary behind the linear.

// CHECK: llmc.name = "logits_to_keep"
// CHECK: %[[X:.*]] = llmc.embedding
// CHECK: %[[LAST:.*]] = llmc.slice %[[X]], {{.*}} {axes = array<i64: 1>}
// CHECK: llmc.linear %[[LAST]], {{.*}} -> tensor<?x?x2xf32>
llmc.param @embed = dense<1.0> : tensor<6x4xf32>
func.func @main(%ids: tensor<?x?xi64> {llmc.name = "input_ids"})
    -> (tensor<?x?x6xf32> {llmc.name = "logits"}) {
  %w = llmc.weight @embed : tensor<6x4xf32>
  %x = llmc.embedding %ids, %w
     : (tensor<?x?xi64>, tensor<6x4xf32>) -> tensor<?x?x4xf32>
  %l = llmc.linear %x, %w
     : (tensor<?x?x4xf32>, tensor<6x4xf32>) -> tensor<?x?x6xf32>
  return %l : tensor<?x?x6xf32>
}
