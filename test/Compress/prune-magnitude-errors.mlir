// RUN: llmc-opt %s --split-input-file -verify-diagnostics -llmc-prune-magnitude="pattern=2:4 skip=^keep" -o /dev/null
// RUN: not llmc-opt %s --split-input-file -llmc-prune-magnitude="pattern=2:4 skip=^keep strict what=all" 2>&1 | FileCheck %s --check-prefix=STRICT
// RUN: not llmc-opt %s --split-input-file -llmc-prune-magnitude="pattern=4:2" 2>&1 | FileCheck %s --check-prefix=PATTERN
// RUN: not llmc-opt %s --split-input-file -llmc-prune-magnitude="pattern=block:4" 2>&1 | FileCheck %s --check-prefix=TILE
// RUN: not llmc-opt %s --split-input-file -llmc-prune-magnitude="sparsity=1" 2>&1 | FileCheck %s --check-prefix=SPARSITY
// RUN: not llmc-opt %s --split-input-file -llmc-prune-magnitude="skip=(" 2>&1 | FileCheck %s --check-prefix=REGEX
// RUN: not llmc-opt %s --split-input-file -llmc-prune-magnitude="sparsity=0.01 strict" 2>&1 | FileCheck %s --check-prefix=LARGER
// RUN: not llmc-opt %s --split-input-file -llmc-prune-magnitude="sparsity=0.01 store=dense strict" 2>&1 | FileCheck %s --check-prefix=DENSE
// RUN: not llmc-opt %s --split-input-file -llmc-prune-magnitude="pattern=block:3x2 strict" 2>&1 | FileCheck %s --check-prefix=BLOCK

// PATTERN: error: llmc-prune-magnitude: pattern is '4:2'; empty, n:m with 0 < n < m <= 16, and block:RxC with sides up to 4096 are defined
// TILE: error: llmc-prune-magnitude: pattern is 'block:4';
// SPARSITY: error: llmc-prune-magnitude: sparsity is 1.000000e+00; it must be at least 0 and below 1
// REGEX: error: llmc-prune-magnitude: skip is not a regular expression
// LARGER: error: 'keep.this' is not pruned: it has 256 bytes and would have 280; store=dense prunes it nevertheless
// DENSE-NOT: 'keep.this'
// BLOCK: error: 'keep.this' is not pruned: 4 x 16 weights are not whole tiles of 3 x 2

// Named in `skip`: nothing is said about it.
llmc.param @keep.this = dense<1.0> : tensor<4x16xf32>
// STRICT: error: 'odd' is not pruned: rows of 6 weights are not whole groups of 4
// expected-remark@below {{'odd' is not pruned: rows of 6 weights are not whole groups of 4}}
llmc.param @odd = dense<1.0> : tensor<4x6xf32>
func.func @main(%x: tensor<?x16xf32>, %z: tensor<?x6xf32>)
    -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %k = llmc.weight @keep.this : tensor<4x16xf32>
  %w = llmc.weight @odd : tensor<4x6xf32>
  %y = llmc.linear %x, %k
     : (tensor<?x16xf32>, tensor<4x16xf32>) -> tensor<?x4xf32>
  %u = llmc.linear %z, %w
     : (tensor<?x6xf32>, tensor<4x6xf32>) -> tensor<?x4xf32>
  return %y, %u : tensor<?x4xf32>, tensor<?x4xf32>
}

// -----

// Both kinds are wanted in the strict run, so that nothing is wrong there.
// STRICT-NOT: 'tied'
// expected-remark@below {{'tied' is not pruned: it is tied to an embedding; prune both with what=all}}
llmc.param @tied = dense<1.0> : tensor<4x16xf32>
func.func @main(%ids: tensor<?xi64>) -> tensor<?x4xf32> {
  %w = llmc.weight @tied : tensor<4x16xf32>
  %x = llmc.embedding %ids, %w
     : (tensor<?xi64>, tensor<4x16xf32>) -> tensor<?x16xf32>
  %y = llmc.linear %x, %w
     : (tensor<?x16xf32>, tensor<4x16xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

// STRICT: error: 'shared' is not pruned: 'llmc.add' reads it too
// expected-remark@below {{'shared' is not pruned: 'llmc.add' reads it too}}
llmc.param @shared = dense<1.0> : tensor<16x16xf32>
func.func @main(%x: tensor<16x16xf32>) -> tensor<16x16xf32> {
  %w = llmc.weight @shared : tensor<16x16xf32>
  %y = llmc.linear %x, %w
     : (tensor<16x16xf32>, tensor<16x16xf32>) -> tensor<16x16xf32>
  %z = llmc.add %y, %w
     : (tensor<16x16xf32>, tensor<16x16xf32>) -> tensor<16x16xf32>
  return %z : tensor<16x16xf32>
}

// -----

// STRICT: error: 'broken' is not pruned: it holds values that are not finite
// expected-remark@below {{'broken' is not pruned: it holds values that are not finite}}
llmc.param @broken = dense<0x7F800000> : tensor<4x16xf32>
// STRICT: error: 'double' is not pruned: its elements are f64
// expected-remark@below {{'double' is not pruned: its elements are f64}}
llmc.param @double = dense<1.0> : tensor<4x16xf64>
func.func @main(%x: tensor<?x16xf32>, %d: tensor<?x16xf64>)
    -> (tensor<?x4xf32>, tensor<?x4xf64>) {
  %w = llmc.weight @broken : tensor<4x16xf32>
  %y = llmc.linear %x, %w
     : (tensor<?x16xf32>, tensor<4x16xf32>) -> tensor<?x4xf32>
  %v = llmc.weight @double : tensor<4x16xf64>
  %z = llmc.linear %d, %v
     : (tensor<?x16xf64>, tensor<4x16xf64>) -> tensor<?x4xf64>
  return %y, %z : tensor<?x4xf32>, tensor<?x4xf64>
}

// -----

func.func @main(%x: tensor<?x16xf32>, %w: tensor<4x16xf32>)
    -> tensor<?x4xf32> {
  // STRICT: error: 'llmc.linear' op is not pruned: its weight is an argument, not a parameter
  // expected-remark@below {{'llmc.linear' op is not pruned: its weight is an argument, not a parameter}}
  %y = llmc.linear %x, %w
     : (tensor<?x16xf32>, tensor<4x16xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}
