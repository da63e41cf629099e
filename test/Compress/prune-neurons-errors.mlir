// RUN: llmc-opt %s --split-input-file -verify-diagnostics -llmc-prune-neurons="method=magnitude compensate=none multiple=4 ratio=0.5 skip=^keep" | FileCheck %s
// RUN: not llmc-opt %s --split-input-file -llmc-prune-neurons="method=magnitude compensate=none multiple=4 ratio=0.5 strict" 2>&1 | FileCheck %s --check-prefix=STRICT
// RUN: llmc-opt %s --split-input-file -llmc-prune-neurons="method=magnitude" 2>&1 | FileCheck %s --check-prefix=DATA
// RUN: llmc-opt %s --split-input-file -llmc-prune-neurons="compensate=none" 2>&1 | FileCheck %s --check-prefix=DATA
// RUN: not llmc-opt %s --split-input-file -llmc-prune-neurons="ratio=1" 2>&1 | FileCheck %s --check-prefix=RATIO
// RUN: not llmc-opt %s --split-input-file -llmc-prune-neurons="multiple=0" 2>&1 | FileCheck %s --check-prefix=MULTIPLE
// RUN: not llmc-opt %s --split-input-file -llmc-prune-neurons="damping=-1" 2>&1 | FileCheck %s --check-prefix=DAMPING
// RUN: not llmc-opt %s --split-input-file -llmc-prune-neurons="skip=(" 2>&1 | FileCheck %s --check-prefix=REGEX

// RATIO: error: llmc-prune-neurons: ratio is 1; it must be between 0 and 1
// MULTIPLE: error: llmc-prune-neurons: multiple is 0; it must be positive
// DAMPING: error: llmc-prune-neurons: damping must not be negative
// REGEX: error: llmc-prune-neurons: skip is not a regular expression

// Named in `skip`: nothing is said about it.
// CHECK: llmc.param @keep.up = dense<1.000000e+00> : tensor<8x8xf32>
// DATA: remark: 'keep.down' keeps all its neurons: no statistics of its input; run llmc-calibrate first
// STRICT-NOT: keep.down
llmc.param @keep.up = dense<1.0> : tensor<8x8xf32>
llmc.param @keep.down = dense<1.0> : tensor<8x8xf32>
func.func @main(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %u = llmc.weight @keep.up : tensor<8x8xf32>
  %a = llmc.linear %x, %u : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %r = llmc.relu %a : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %d = llmc.weight @keep.down : tensor<8x8xf32>
  %y = llmc.linear %r, %d : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// STRICT: error: 'few' keeps all its neurons: a ratio of 0.5 of 4 in multiples of 4 is none
// expected-remark@below {{'few' keeps all its neurons: a ratio of 0.5 of 4 in multiples of 4 is none}}
llmc.param @few = dense<1.0> : tensor<8x4xf32>
llmc.param @up = dense<1.0> : tensor<4x8xf32>
func.func @main(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %u = llmc.weight @up : tensor<4x8xf32>
  %a = llmc.linear %x, %u : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
  %r = llmc.relu %a : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %d = llmc.weight @few : tensor<8x4xf32>
  %y = llmc.linear %r, %d : (tensor<?x4xf32>, tensor<8x4xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// STRICT: error: 'returned' keeps all its neurons: 'func.return' op hands them to the caller
// expected-remark@below {{'returned' keeps all its neurons: 'func.return' op hands them to the caller}}
llmc.param @returned = dense<1.0> : tensor<8x8xf32>
llmc.param @up = dense<1.0> : tensor<8x8xf32>
func.func @main(%x: tensor<?x8xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %u = llmc.weight @up : tensor<8x8xf32>
  %a = llmc.linear %x, %u : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %r = llmc.relu %a : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %d = llmc.weight @returned : tensor<8x8xf32>
  %y = llmc.linear %r, %d : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  return %y, %r : tensor<?x8xf32>, tensor<?x8xf32>
}

// -----

// STRICT: error: 'softmax' keeps all its neurons: 'llmc.softmax' op sums over them
// expected-remark@below {{'softmax' keeps all its neurons: 'llmc.softmax' op sums over them}}
llmc.param @softmax = dense<1.0> : tensor<8x8xf32>
llmc.param @up = dense<1.0> : tensor<8x8xf32>
func.func @main(%x: tensor<?x8xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %u = llmc.weight @up : tensor<8x8xf32>
  %a = llmc.linear %x, %u : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %r = llmc.relu %a : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %d = llmc.weight @softmax : tensor<8x8xf32>
  %y = llmc.linear %r, %d : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %s = llmc.softmax %a {axis = 1 : i64} : (tensor<?x8xf32>) -> tensor<?x8xf32>
  return %y, %s : tensor<?x8xf32>, tensor<?x8xf32>
}

// -----

// STRICT: error: 'quantized.q' keeps all its neurons: 'llmc.dequantize' op makes the weight; remove parts of a model before its weights are quantized or pruned
// expected-remark@below {{'quantized.q' keeps all its neurons: 'llmc.dequantize' op makes the weight}}
llmc.param @quantized.q = dense<1> : tensor<8x1x8xui8>
llmc.param @quantized.scales = dense<1.0> : tensor<8x1xf32>
llmc.param @up = dense<1.0> : tensor<8x8xf32>
func.func @main(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %u = llmc.weight @up : tensor<8x8xf32>
  %a = llmc.linear %x, %u : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %r = llmc.relu %a : (tensor<?x8xf32>) -> tensor<?x8xf32>
  %q = llmc.weight @quantized.q : tensor<8x1x8xui8>
  %s = llmc.weight @quantized.scales : tensor<8x1xf32>
  %d = llmc.dequantize %q, %s {bits = 8, block = 8, columns = 8}
     : (tensor<8x1x8xui8>, tensor<8x1xf32>) -> tensor<8x8xf32>
  %y = llmc.linear %r, %d : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  return %y : tensor<?x8xf32>
}

// -----

// STRICT: error: llmc-prune-neurons: found no neurons to remove; run llmc-lift first
// expected-remark@below {{llmc-prune-neurons: found no neurons to remove; run llmc-lift first}}
module {
  func.func @main(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
    return %x : tensor<?x8xf32>
  }
}
