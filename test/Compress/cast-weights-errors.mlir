// RUN: llmc-opt %s --split-input-file -verify-diagnostics -llmc-cast-weights="type=f16 what=linear" -o /dev/null
// RUN: not llmc-opt %s --split-input-file -llmc-cast-weights="type=f16 strict" 2>&1 | FileCheck %s --check-prefix=STRICT
// RUN: not llmc-opt %s --split-input-file -llmc-cast-weights="type=f16 activations=bf16" 2>&1 | FileCheck %s --check-prefix=MIXED
// RUN: not llmc-opt %s --split-input-file -llmc-cast-weights="type=f8" 2>&1 | FileCheck %s --check-prefix=TYPE
// RUN: not llmc-opt %s --split-input-file -llmc-cast-weights="skip=(" 2>&1 | FileCheck %s --check-prefix=REGEX

// MIXED: error: llmc-cast-weights: activations=bf16 goes with type=bf16 only
// TYPE: Cannot find option named 'f8'
// REGEX: error: llmc-cast-weights: skip is not a regular expression

// Infinities that were there stay.
// STRICT: error: 'large' is not stored as f16: it holds 70000, which is infinite as f16
// expected-remark@below {{'large' is not stored as f16: it holds 70000, which is infinite as f16}}
llmc.param @large = dense<[[1.0, -7.0e4], [0x7F800000, 6.55e4]]> : tensor<2x2xf32>
// STRICT: error: 'double' is not stored as f16: its elements are f64
// expected-remark@below {{'double' is not stored as f16: its elements are f64}}
llmc.param @double = dense<1.0> : tensor<2x2xf64>
func.func @main(%x: tensor<?x2xf32>, %d: tensor<?x2xf64>) -> (tensor<?x2xf32>, tensor<?x2xf64>) {
  %w = llmc.weight @large : tensor<2x2xf32>
  %y = llmc.linear %x, %w
     : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  %v = llmc.weight @double : tensor<2x2xf64>
  %z = llmc.linear %d, %v
     : (tensor<?x2xf64>, tensor<2x2xf64>) -> tensor<?x2xf64>
  return %y, %z : tensor<?x2xf32>, tensor<?x2xf64>
}

// -----

// Both kinds are wanted in the strict run, so that nothing is wrong there.
// STRICT-NOT: 'tied'
// expected-remark@below {{'tied' is not stored as f16: it is tied to an embedding; cast both with what=all}}
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

// STRICT: error: 'shared' is not stored as f16: 'llmc.add' reads it too
// expected-remark@below {{'shared' is not stored as f16: 'llmc.add' reads it too}}
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

// No layer is left out in silence.
// STRICT: error: 'llmc.linear' op has no weight that can be stored as f16: it is computed by 'llmc.add', not a parameter
// STRICT: error: 'llmc.linear' op has no weight that can be stored as f16: it is an argument, not a parameter
llmc.param @part = dense<1.0> : tensor<2x2xf32>
func.func @main(%x: tensor<?x2xf32>, %a: tensor<2x2xf32>) -> tensor<?x2xf32> {
  %w = llmc.weight @part : tensor<2x2xf32>
  %s = llmc.add %w, %a : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>
  // expected-remark@below {{'llmc.linear' op has no weight that can be stored as f16: it is computed by 'llmc.add', not a parameter}}
  %y = llmc.linear %x, %s
     : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  // expected-remark@below {{'llmc.linear' op has no weight that can be stored as f16: it is an argument, not a parameter}}
  %z = llmc.linear %y, %a
     : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  return %z : tensor<?x2xf32>
}
