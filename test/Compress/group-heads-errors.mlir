// RUN: llmc-opt %s --split-input-file -verify-diagnostics -llmc-group-heads="heads=1 skip=skipped" -o /dev/null
// RUN: not llmc-opt %s --split-input-file -llmc-group-heads="heads=1 strict" 2>&1 | FileCheck %s --check-prefix=STRICT
// RUN: not llmc-opt %s --split-input-file -llmc-group-heads="heads=3 method=mean strict" 2>&1 | FileCheck %s --check-prefix=THREE
// RUN: not llmc-opt %s --split-input-file -llmc-group-heads="heads=2 method=mean strict" 2>&1 | FileCheck %s --check-prefix=TWO
// RUN: not llmc-opt %s --split-input-file -llmc-group-heads="ratio=0.7 method=mean strict" 2>&1 | FileCheck %s --check-prefix=LARGE
// RUN: not llmc-opt %s --split-input-file -llmc-group-heads 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not llmc-opt %s --split-input-file -llmc-group-heads="ratio=1" 2>&1 | FileCheck %s --check-prefix=RATIO
// RUN: not llmc-opt %s --split-input-file -llmc-group-heads="heads=-1" 2>&1 | FileCheck %s --check-prefix=HEADS

// NONE: error: llmc-group-heads: one of heads and ratio is needed
// RATIO: error: llmc-group-heads: ratio is 1.000000e+00; it must be between 0 and 1
// HEADS: error: llmc-group-heads: heads is -1; it must be positive

// THREE: error: the attention in front of 'o' keeps its key-value heads: their number, 2, is not a multiple of heads=3
// TWO: error: the attention in front of 'o' keeps its key-value heads: there are 2 already
// LARGE: error: the attention in front of 'o' keeps its key-value heads: no number of groups of 2 heads is as small as the ratio asks
// STRICT: error: the attention in front of 'o' keeps its key-value heads: no statistics of the input of 'qkv'; run llmc-calibrate first
llmc.param @qkv = dense<1.0> : tensor<12x4xf32>
// expected-remark@below {{the attention in front of 'o' keeps its key-value heads: no statistics of the input of 'qkv'; run llmc-calibrate first}}
llmc.param @o = dense<1.0> : tensor<4x4xf32>
func.func @main(%x: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> {
  %w = llmc.weight @qkv : tensor<12x4xf32>
  %p = llmc.linear %x, %w
     : (tensor<?x?x4xf32>, tensor<12x4xf32>) -> tensor<?x?x12xf32>
  %c0 = llmc.constant dense<0> : tensor<1xi64>
  %c1 = llmc.constant dense<1> : tensor<1xi64>
  %c4 = llmc.constant dense<4> : tensor<1xi64>
  %c8 = llmc.constant dense<8> : tensor<1xi64>
  %c12 = llmc.constant dense<12> : tensor<1xi64>
  %q0 = llmc.slice %p, %c0, %c4, %c1 {axes = array<i64: 2>}
     : (tensor<?x?x12xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x4xf32>
  %k0 = llmc.slice %p, %c4, %c8, %c1 {axes = array<i64: 2>}
     : (tensor<?x?x12xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x4xf32>
  %v0 = llmc.slice %p, %c8, %c12, %c1 {axes = array<i64: 2>}
     : (tensor<?x?x12xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x4xf32>
  %s = llmc.constant dense<[0, 0, 2, 2]> : tensor<4xi64>
  %q1 = llmc.reshape %q0, %s : (tensor<?x?x4xf32>, tensor<4xi64>) -> tensor<?x?x2x2xf32>
  %k1 = llmc.reshape %k0, %s : (tensor<?x?x4xf32>, tensor<4xi64>) -> tensor<?x?x2x2xf32>
  %v1 = llmc.reshape %v0, %s : (tensor<?x?x4xf32>, tensor<4xi64>) -> tensor<?x?x2x2xf32>
  %q = llmc.transpose %q1 {perm = array<i64: 0, 2, 1, 3>} : (tensor<?x?x2x2xf32>) -> tensor<?x2x?x2xf32>
  %k = llmc.transpose %k1 {perm = array<i64: 0, 2, 1, 3>} : (tensor<?x?x2x2xf32>) -> tensor<?x2x?x2xf32>
  %v = llmc.transpose %v1 {perm = array<i64: 0, 2, 1, 3>} : (tensor<?x?x2x2xf32>) -> tensor<?x2x?x2xf32>
  %a = llmc.attention %q, %k, %v {scale = 1.0 : f32}
     : (tensor<?x2x?x2xf32>, tensor<?x2x?x2xf32>, tensor<?x2x?x2xf32>)
     -> tensor<?x2x?x2xf32>
  %back = llmc.transpose %a {perm = array<i64: 0, 2, 1, 3>}
     : (tensor<?x2x?x2xf32>) -> tensor<?x?x2x2xf32>
  %os = llmc.constant dense<[0, 0, 4]> : tensor<3xi64>
  %flat = llmc.reshape %back, %os
     : (tensor<?x?x2x2xf32>, tensor<3xi64>) -> tensor<?x?x4xf32>
  %ow = llmc.weight @o : tensor<4x4xf32>
  %y = llmc.linear %flat, %ow
     : (tensor<?x?x4xf32>, tensor<4x4xf32>) -> tensor<?x?x4xf32>
  return %y : tensor<?x?x4xf32>
}

// -----

// No remark: it was asked for.

llmc.param @qkv = dense<1.0> : tensor<12x4xf32>
llmc.param @skipped = dense<1.0> : tensor<4x4xf32>
func.func @main(%x: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> {
  %w = llmc.weight @qkv : tensor<12x4xf32>
  %p = llmc.linear %x, %w
     : (tensor<?x?x4xf32>, tensor<12x4xf32>) -> tensor<?x?x12xf32>
  %c0 = llmc.constant dense<0> : tensor<1xi64>
  %c1 = llmc.constant dense<1> : tensor<1xi64>
  %c4 = llmc.constant dense<4> : tensor<1xi64>
  %c8 = llmc.constant dense<8> : tensor<1xi64>
  %c12 = llmc.constant dense<12> : tensor<1xi64>
  %q0 = llmc.slice %p, %c0, %c4, %c1 {axes = array<i64: 2>}
     : (tensor<?x?x12xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x4xf32>
  %k0 = llmc.slice %p, %c4, %c8, %c1 {axes = array<i64: 2>}
     : (tensor<?x?x12xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x4xf32>
  %v0 = llmc.slice %p, %c8, %c12, %c1 {axes = array<i64: 2>}
     : (tensor<?x?x12xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?x4xf32>
  %s = llmc.constant dense<[0, 0, 2, 2]> : tensor<4xi64>
  %q1 = llmc.reshape %q0, %s : (tensor<?x?x4xf32>, tensor<4xi64>) -> tensor<?x?x2x2xf32>
  %k1 = llmc.reshape %k0, %s : (tensor<?x?x4xf32>, tensor<4xi64>) -> tensor<?x?x2x2xf32>
  %v1 = llmc.reshape %v0, %s : (tensor<?x?x4xf32>, tensor<4xi64>) -> tensor<?x?x2x2xf32>
  %q = llmc.transpose %q1 {perm = array<i64: 0, 2, 1, 3>} : (tensor<?x?x2x2xf32>) -> tensor<?x2x?x2xf32>
  %k = llmc.transpose %k1 {perm = array<i64: 0, 2, 1, 3>} : (tensor<?x?x2x2xf32>) -> tensor<?x2x?x2xf32>
  %v = llmc.transpose %v1 {perm = array<i64: 0, 2, 1, 3>} : (tensor<?x?x2x2xf32>) -> tensor<?x2x?x2xf32>
  %a = llmc.attention %q, %k, %v {scale = 1.0 : f32}
     : (tensor<?x2x?x2xf32>, tensor<?x2x?x2xf32>, tensor<?x2x?x2xf32>)
     -> tensor<?x2x?x2xf32>
  %back = llmc.transpose %a {perm = array<i64: 0, 2, 1, 3>}
     : (tensor<?x2x?x2xf32>) -> tensor<?x?x2x2xf32>
  %os = llmc.constant dense<[0, 0, 4]> : tensor<3xi64>
  %flat = llmc.reshape %back, %os
     : (tensor<?x?x2x2xf32>, tensor<3xi64>) -> tensor<?x?x4xf32>
  %ow = llmc.weight @skipped : tensor<4x4xf32>
  %y = llmc.linear %flat, %ow
     : (tensor<?x?x4xf32>, tensor<4x4xf32>) -> tensor<?x?x4xf32>
  return %y : tensor<?x?x4xf32>
}

// -----

// Keys are queries too.

// expected-remark@below {{the attention in front of 'o' keeps its key-value heads: 'llmc.attention' op has query heads that are not apart}}
llmc.param @o = dense<1.0> : tensor<4x4xf32>
llmc.param @p = dense<1.0> : tensor<4x4xf32>
func.func @main(%x: tensor<?x?x4xf32>) -> tensor<?x?x4xf32> {
  %w = llmc.weight @p : tensor<4x4xf32>
  %ow = llmc.weight @o : tensor<4x4xf32>
  %l = llmc.linear %x, %w
     : (tensor<?x?x4xf32>, tensor<4x4xf32>) -> tensor<?x?x4xf32>
  %split = llmc.constant dense<[0, 0, 2, 2]> : tensor<4xi64>
  %b = llmc.reshape %l, %split
     : (tensor<?x?x4xf32>, tensor<4xi64>) -> tensor<?x?x2x2xf32>
  %h = llmc.transpose %b {perm = array<i64: 0, 2, 1, 3>}
     : (tensor<?x?x2x2xf32>) -> tensor<?x2x?x2xf32>
  %a = llmc.attention %h, %h, %h {scale = 1.0 : f32}
     : (tensor<?x2x?x2xf32>, tensor<?x2x?x2xf32>, tensor<?x2x?x2xf32>)
     -> tensor<?x2x?x2xf32>
  %t = llmc.transpose %a {perm = array<i64: 0, 2, 1, 3>}
     : (tensor<?x2x?x2xf32>) -> tensor<?x?x2x2xf32>
  %s = llmc.constant dense<[0, 0, 4]> : tensor<3xi64>
  %r = llmc.reshape %t, %s
     : (tensor<?x?x2x2xf32>, tensor<3xi64>) -> tensor<?x?x4xf32>
  %y = llmc.linear %r, %ow
     : (tensor<?x?x4xf32>, tensor<4x4xf32>) -> tensor<?x?x4xf32>
  return %y : tensor<?x?x4xf32>
}

// -----

func.func @main(%q: tensor<?x2x?x2xf32>, %k: tensor<?x2x?x2xf32>) -> tensor<?x2x?x2xf32> {
  // expected-remark@below {{'llmc.attention' op keeps its key-value heads: 'func.func' op has an argument whose size would change}}
  %a = llmc.attention %q, %k, %k {scale = 1.0 : f32}
     : (tensor<?x2x?x2xf32>, tensor<?x2x?x2xf32>, tensor<?x2x?x2xf32>)
     -> tensor<?x2x?x2xf32>
  return %a : tensor<?x2x?x2xf32>
}

// -----

// STRICT: error: llmc-group-heads: found no attention; run llmc-lift first
// expected-remark@below {{llmc-group-heads: found no attention; run llmc-lift first}}
module {
  func.func @main(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
    return %x : tensor<?x8xf32>
  }
}
