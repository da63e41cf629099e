// RUN: echo "5 1" > %t.tokens
// RUN: llmc-opt %s --llmc-prune-vocabulary="tokens=%t.tokens multiple=1 map=%t.map strict" | FileCheck %s
// RUN: FileCheck %s --check-prefix=MAP < %t.map
// RUN: llmc-opt %s --llmc-prune-vocabulary="tokens=%t.tokens multiple=1 unknown=0" | FileCheck %s --check-prefix=UNKNOWN
// RUN: llmc-opt %s --llmc-prune-vocabulary="tokens=%t.tokens multiple=4" | FileCheck %s --check-prefix=MULTIPLE

// MAP: {{^}}1{{$}}
// MAP-NEXT: {{^}}5{{$}}

// An embedding that makes logits too, with a bias and a soft cap.

// CHECK: llmc.param @embed = dense_resource<embed> : tensor<2x4xf32>
// CHECK: llmc.param @embed.rows = dense_resource<embed.rows> : tensor<6xi64>
// CHECK: llmc.param @bias = dense_resource<bias> : tensor<2xf32>
// CHECK: func.func @main(%[[IDS:[^:]*]]: {{.*}}) -> (tensor<?x?x6xf32>
// CHECK: %[[TABLE:.*]] = llmc.weight @embed.rows
// CHECK: %[[ROWS:.*]] = llmc.gather %[[TABLE]], %[[IDS]] {axis = 0 : i64}
// CHECK: llmc.embedding %[[ROWS]], %{{.*}} : (tensor<?x?xi64>, tensor<2x4xf32>)
// CHECK: llmc.linear {{.*}} -> tensor<?x?x2xf32>
// CHECK: %[[T:.*]] = llmc.tanh {{.*}} -> tensor<?x?x2xf32>
// CHECK: %[[INF:.*]] = llmc.constant dense<0xFF800000> : tensor<f32>
// CHECK: %[[P:.*]] = llmc.pad constant %[[T]], %{{.*}}, %[[INF]] {{.*}} -> tensor<?x?x3xf32>
// CHECK: %[[L:.*]] = llmc.gather %[[P]], %{{.*}} {axis = 2 : i64} {{.*}} -> tensor<?x?x6xf32>
// CHECK: return %[[L]]
// CHECK: embed.rows: "0x{{........}}020000000000000000000000000000000200000000000000020000000000000002000000000000000100000000000000"

// UNKNOWN: llmc.param @embed = dense_resource<embed> : tensor<3x4xf32>
// UNKNOWN-DAG: embed.rows: "0x{{........}}000000000000000001000000000000000000000000000000000000000000000000000000000000000200000000000000"
// UNKNOWN-DAG: embed.logits: "0x{{........}}000000000000000001000000000000000300000000000000030000000000000003000000000000000200000000000000"

// MULTIPLE: llmc.param @embed = dense_resource<embed> : tensor<4x4xf32>

llmc.param @embed = dense<1.0> : tensor<6x4xf32>
llmc.param @bias = dense<1.0> : tensor<6xf32>
func.func @main(%ids: tensor<?x?xi64> {llmc.name = "input_ids"})
    -> (tensor<?x?x6xf32> {llmc.name = "logits"}) {
  %w = llmc.weight @embed : tensor<6x4xf32>
  %x = llmc.embedding %ids, %w
     : (tensor<?x?xi64>, tensor<6x4xf32>) -> tensor<?x?x4xf32>
  %n = llmc.relu %x : (tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
  %b = llmc.weight @bias : tensor<6xf32>
  %l = llmc.linear %n, %w, %b
     : (tensor<?x?x4xf32>, tensor<6x4xf32>, tensor<6xf32>) -> tensor<?x?x6xf32>
  %t = llmc.tanh %l : (tensor<?x?x6xf32>) -> tensor<?x?x6xf32>
  return %t : tensor<?x?x6xf32>
}
