// RUN: llmc-opt %s --split-input-file -verify-diagnostics -llmc-quantize-rtn="bits=4 block=16 what=linear skip=^keep" -o /dev/null
// RUN: not llmc-opt %s --split-input-file -llmc-quantize-rtn="bits=4 block=16 skip=^keep strict" 2>&1 | FileCheck %s --check-prefix=STRICT
// RUN: not llmc-opt %s --split-input-file -llmc-quantize-rtn="bits=9" 2>&1 | FileCheck %s --check-prefix=BITS
// RUN: not llmc-opt %s --split-input-file -llmc-quantize-rtn="bits=3 block=4" 2>&1 | FileCheck %s --check-prefix=BLOCK
// RUN: not llmc-opt %s --split-input-file -llmc-quantize-rtn="block=-1" 2>&1 | FileCheck %s --check-prefix=NOBLOCK
// RUN: not llmc-opt %s --split-input-file -llmc-quantize-rtn="skip=(" 2>&1 | FileCheck %s --check-prefix=REGEX
// RUN: not llmc-opt %s --split-input-file -llmc-quantize-rtn="weighting=activations" 2>&1 | FileCheck %s --check-prefix=WEIGHTING
// RUN: not llmc-opt %s --split-input-file -llmc-quantize-rtn="clip=mse weighting=activations strict block=4 skip=^[^p]" 2>&1 | FileCheck %s --check-prefix=STATISTICS

// WEIGHTING: error: llmc-quantize-rtn: weighting=activations goes with clip=mse
// STATISTICS: error: 'pad' is not quantized: no statistics of its input; run llmc-calibrate first
// BITS: error: llmc-quantize-rtn: bits is 9; 2 to 8 are defined
// BLOCK: error: llmc-quantize-rtn: a block of 4 times 3 bits is not whole bytes
// NOBLOCK: error: llmc-quantize-rtn: block is -1; it must be positive
// REGEX: error: llmc-quantize-rtn: skip is not a regular expression

// Named in `skip`: nothing is said about it.
llmc.param @keep.this = dense<0.0> : tensor<2x2xf32>
// STRICT: error: 'small' is not quantized: it has 16 bytes and would have 26
// expected-remark@below {{'small' is not quantized: it has 16 bytes and would have 26}}
llmc.param @small = dense<0.0> : tensor<2x2xf32>
func.func @main(%x: tensor<?x2xf32>) -> (tensor<?x2xf32>, tensor<?x2xf32>) {
  %k = llmc.weight @keep.this : tensor<2x2xf32>
  %w = llmc.weight @small : tensor<2x2xf32>
  %y = llmc.linear %x, %w
     : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  %z = llmc.linear %x, %k
     : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  return %y, %z : tensor<?x2xf32>, tensor<?x2xf32>
}

// -----

// STRICT: error: 'pad': rows of 20 weights are padded to 32, whole blocks of 16
// expected-remark@below {{'pad': rows of 20 weights are padded to 32, whole blocks of 16}}
llmc.param @pad = dense<1.0> : tensor<2x20xf32>
func.func @main(%x: tensor<?x20xf32>) -> tensor<?x2xf32> {
  %w = llmc.weight @pad : tensor<2x20xf32>
  %y = llmc.linear %x, %w
     : (tensor<?x20xf32>, tensor<2x20xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}

// -----

// Both kinds are wanted in the strict run, so that nothing is wrong there.
// STRICT-NOT: 'tied'
// expected-remark@below {{'tied' is not quantized: it is tied to an embedding; quantize both with what=all}}
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

// STRICT: error: 'shared' is not quantized: 'llmc.add' reads it too
// expected-remark@below {{'shared' is not quantized: 'llmc.add' reads it too}}
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

// STRICT: error: 'double' is not quantized: its elements are f64
// expected-remark@below {{'double' is not quantized: its elements are f64}}
llmc.param @double = dense<1.0> : tensor<4x16xf64>
// STRICT: error: 'broken' is not quantized: it holds values that are not finite
// expected-remark@below {{'broken' is not quantized: it holds values that are not finite}}
llmc.param @broken = dense<0x7F800000> : tensor<4x16xf32>
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
    -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  // STRICT: error: 'llmc.linear' op is not quantized: its weight is an argument, not a parameter
  // expected-remark@below {{is not quantized: its weight is an argument, not a parameter}}
  %y = llmc.linear %x, %w
     : (tensor<?x16xf32>, tensor<4x16xf32>) -> tensor<?x4xf32>
  %n = llmc.neg %w : (tensor<4x16xf32>) -> tensor<4x16xf32>
  // STRICT: error: 'llmc.linear' op is not quantized: its weight is computed by 'llmc.neg', not a parameter
  // expected-remark@below {{is not quantized: its weight is computed by 'llmc.neg', not a parameter}}
  %z = llmc.linear %x, %n
     : (tensor<?x16xf32>, tensor<4x16xf32>) -> tensor<?x4xf32>
  return %y, %z : tensor<?x4xf32>, tensor<?x4xf32>
}
