// RUN: llmc-opt %s --split-input-file -verify-diagnostics -llmc-prune-heads="method=magnitude compensate=none ratio=0.5" -o /dev/null
// RUN: not llmc-opt %s --split-input-file -llmc-prune-heads="method=magnitude compensate=none ratio=0.5 strict" 2>&1 | FileCheck %s --check-prefix=STRICT
// RUN: not llmc-opt %s --split-input-file -llmc-prune-heads="ratio=0" 2>&1 | FileCheck %s --check-prefix=RATIO

// RATIO: error: llmc-prune-heads: ratio is 0; it must be between 0 and 1

// STRICT: error: 'o' keeps all its heads: 'func.return' op hands them to the caller
// expected-remark@below {{'o' keeps all its heads: 'func.return' op hands them to the caller}}
llmc.param @o = dense<1.0> : tensor<4x4xf32>
func.func @main(%x: tensor<?x?x4xf32>) -> (tensor<?x?x4xf32>, tensor<?x2x?x2xf32>) {
  %w = llmc.weight @o : tensor<4x4xf32>
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
  %y = llmc.linear %r, %w
     : (tensor<?x?x4xf32>, tensor<4x4xf32>) -> tensor<?x?x4xf32>
  return %y, %h : tensor<?x?x4xf32>, tensor<?x2x?x2xf32>
}

// -----

llmc.param @o = dense<1.0> : tensor<4x4xf32>
func.func @main(%x: tensor<?x2x?x2xf32>) -> tensor<?x?x4xf32> {
  // The argument is no cache: nothing is appended to it.
  // STRICT: error: {{.*}}keeps all its heads: 'func.func' op has an argument whose size would change
  // expected-remark@below {{'llmc.attention' op keeps all its heads: 'func.func' op has an argument whose size would change}}
  %a = llmc.attention %x, %x, %x {scale = 1.0 : f32}
     : (tensor<?x2x?x2xf32>, tensor<?x2x?x2xf32>, tensor<?x2x?x2xf32>)
     -> tensor<?x2x?x2xf32>
  %t = llmc.transpose %a {perm = array<i64: 0, 2, 1, 3>}
     : (tensor<?x2x?x2xf32>) -> tensor<?x?x2x2xf32>
  %s = llmc.constant dense<[0, 0, 4]> : tensor<3xi64>
  %r = llmc.reshape %t, %s
     : (tensor<?x?x2x2xf32>, tensor<3xi64>) -> tensor<?x?x4xf32>
  %u = llmc.abs %r : (tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
  %w = llmc.weight @o : tensor<4x4xf32>
  %y = llmc.linear %u, %w
     : (tensor<?x?x4xf32>, tensor<4x4xf32>) -> tensor<?x?x4xf32>
  return %y : tensor<?x?x4xf32>
}

// -----

// STRICT: error: llmc-prune-heads: found no heads to remove; run llmc-lift first
// expected-remark@below {{llmc-prune-heads: found no heads to remove; run llmc-lift first}}
module {
  func.func @main(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
    return %x : tensor<?x8xf32>
  }
}
