// RUN: llmc-opt %s --split-input-file --llmc-window-attention="window=8" | FileCheck %s
// RUN: llmc-opt %s --split-input-file --llmc-window-attention="window=8 sinks=0" | FileCheck %s --check-prefix=NONE
// RUN: llmc-opt %s --split-input-file --llmc-window-attention="window=8 layers=0" --remarks-filter=llmc-compress --remark-policy=all --remark-format=emitRemark 2>&1 | FileCheck %s --check-prefix=ONE

// Two attentions of one length share a mask; a window of its own stays.

// CHECK-LABEL: func.func @main
// CHECK: %[[LAST:.*]] = llmc.unsqueeze %{{.*}} {axes = array<i64: 1>} : (tensor<?xi64>) -> tensor<?x1xi64>
// CHECK: %[[KEYS:.*]] = llmc.unsqueeze %{{.*}} {axes = array<i64: 0>} : (tensor<?xi64>) -> tensor<1x?xi64>
// CHECK: %[[W:.*]] = llmc.constant dense<8>
// CHECK: %[[FIRST:.*]] = llmc.sub %[[LAST]], %[[W]]
// CHECK: %[[NEAR:.*]] = llmc.greater %[[KEYS]], %[[FIRST]]
// CHECK: %[[FOUR:.*]] = llmc.constant dense<4>
// CHECK: %[[SINK:.*]] = llmc.less %[[KEYS]], %[[FOUR]]
// CHECK: %[[MASK:.*]] = llmc.or %[[NEAR]], %[[SINK]] {{.*}} -> tensor<?x?xi1>
// CHECK: llmc.attention %{{.*}}, %[[MASK]] {causal, scale = 1.000000e+00 : f32} :
// CHECK-NOT: llmc.or
// CHECK: llmc.attention %{{.*}}, %[[MASK]] {causal, scale = 2.000000e+00 : f32} :
// CHECK: llmc.attention %{{[^,]*}}, %{{[^,]*}}, %{{[^,]*}} {causal, scale = 1.000000e+00 : f32, window = 4 : i64}
// CHECK: llmc.attention %{{.*}}, %[[MASK]] {causal, scale = 1.000000e+00 : f32, window = 32 : i64}

// NONE-LABEL: func.func @main
// NONE-NOT: llmc.or
// NONE: llmc.attention {{.*}} {causal, scale = 1.000000e+00 : f32, window = 8 : i64}
// NONE: llmc.attention {{.*}} {causal, scale = 2.000000e+00 : f32, window = 8 : i64}
// NONE: window = 4
// NONE: window = 8

// ONE: attention=0, sinks=4, window=8
// ONE-NOT: attention=1
// ONE-LABEL: func.func @main
// ONE: llmc.attention %{{[^,]*}}, %{{[^,]*}}, %{{[^,]*}}, %{{[^,]*}} {causal
// ONE: llmc.attention %{{[^,]*}}, %{{[^,]*}}, %{{[^,]*}} {causal
func.func @main(
    %q: tensor<?x2x?x2xf32> {llmc.dims = ["b", "", "s", ""]},
    %k: tensor<?x2x?x2xf32> {llmc.dims = ["b", "", "t", ""]}) -> tensor<?x2x?x2xf32> {
  %a = llmc.attention %q, %k, %k {causal, scale = 1.0 : f32}
     : (tensor<?x2x?x2xf32>, tensor<?x2x?x2xf32>, tensor<?x2x?x2xf32>) -> tensor<?x2x?x2xf32>
  %b = llmc.attention %a, %k, %k {causal, scale = 2.0 : f32}
     : (tensor<?x2x?x2xf32>, tensor<?x2x?x2xf32>, tensor<?x2x?x2xf32>) -> tensor<?x2x?x2xf32>
  %c = llmc.attention %b, %k, %k {causal, scale = 1.0 : f32, window = 4 : i64}
     : (tensor<?x2x?x2xf32>, tensor<?x2x?x2xf32>, tensor<?x2x?x2xf32>) -> tensor<?x2x?x2xf32>
  %d = llmc.attention %c, %k, %k {causal, scale = 1.0 : f32, window = 32 : i64}
     : (tensor<?x2x?x2xf32>, tensor<?x2x?x2xf32>, tensor<?x2x?x2xf32>) -> tensor<?x2x?x2xf32>
  return %d : tensor<?x2x?x2xf32>
}

// -----

// Masks of choices and of what is added.

// CHECK-LABEL: func.func @main
// CHECK: %[[ALLOWED:.*]] = llmc.or
// CHECK: %[[M:.*]] = llmc.and %{{.*}}, %[[ALLOWED]] : (tensor<?x1x1x?xi1>, tensor<?x?xi1>) -> tensor<?x1x?x?xi1>
// CHECK: llmc.attention %{{.*}}, %[[M]] {causal
// CHECK: %[[ALLOWED:.*]] = llmc.or
// CHECK: %[[NO:.*]] = llmc.constant dense<0xFF800000> : tensor<f32>
// CHECK: %[[M:.*]] = llmc.where %[[ALLOWED]], %{{.*}}, %[[NO]]
// CHECK: llmc.attention %{{.*}}, %[[M]] {causal

// NONE-LABEL: func.func @main
// ONE-LABEL: func.func @main
func.func @main(%q: tensor<?x2x?x2xf32>, %k: tensor<?x2x?x2xf32>, %m: tensor<?x1x1x?xi1>, %f: tensor<?x1x?x?xf32>) -> tensor<?x2x?x2xf32> {
  %a = llmc.attention %q, %k, %k, %m {causal, scale = 1.0 : f32}
     : (tensor<?x2x?x2xf32>, tensor<?x2x?x2xf32>, tensor<?x2x?x2xf32>, tensor<?x1x1x?xi1>) -> tensor<?x2x?x2xf32>
  %b = llmc.attention %a, %k, %k, %f {causal, scale = 1.0 : f32}
     : (tensor<?x2x?x2xf32>, tensor<?x2x?x2xf32>, tensor<?x2x?x2xf32>, tensor<?x1x?x?xf32>) -> tensor<?x2x?x2xf32>
  return %b : tensor<?x2x?x2xf32>
}
