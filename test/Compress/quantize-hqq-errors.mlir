// RUN: llmc-opt %s --split-input-file -verify-diagnostics -llmc-quantize-hqq="bits=4 block=16 what=linear skip=^keep" -o /dev/null
// RUN: not llmc-opt %s --split-input-file -llmc-quantize-hqq="bits=4 block=16 skip=^keep strict" 2>&1 | FileCheck %s --check-prefix=STRICT
// RUN: not llmc-opt %s --split-input-file -llmc-quantize-hqq="bits=9" 2>&1 | FileCheck %s --check-prefix=BITS
// RUN: not llmc-opt %s --split-input-file -llmc-quantize-hqq="bits=3 block=4" 2>&1 | FileCheck %s --check-prefix=BLOCK
// RUN: not llmc-opt %s --split-input-file -llmc-quantize-hqq="skip=(" 2>&1 | FileCheck %s --check-prefix=REGEX
// RUN: not llmc-opt %s --split-input-file -llmc-quantize-hqq="p=0" 2>&1 | FileCheck %s --check-prefix=P
// RUN: not llmc-opt %s --split-input-file -llmc-quantize-hqq="p=1.5" 2>&1 | FileCheck %s --check-prefix=P
// RUN: not llmc-opt %s --split-input-file -llmc-quantize-hqq="beta=0" 2>&1 | FileCheck %s --check-prefix=BETA
// RUN: not llmc-opt %s --split-input-file -llmc-quantize-hqq="kappa=0.5" 2>&1 | FileCheck %s --check-prefix=KAPPA
// RUN: not llmc-opt %s --split-input-file -llmc-quantize-hqq="rounds=-1" 2>&1 | FileCheck %s --check-prefix=ROUNDS

// BITS: error: llmc-quantize-hqq: bits is 9; 2 to 8 are defined
// BLOCK: error: llmc-quantize-hqq: a block of 4 times 3 bits is not whole bytes
// REGEX: error: llmc-quantize-hqq: skip is not a regular expression
// P: error: llmc-quantize-hqq: p is {{.*}}; it must be above 0 and at most 1
// BETA: error: llmc-quantize-hqq: beta is 0.000000e+00; it must be positive
// KAPPA: error: llmc-quantize-hqq: kappa is 5.000000e-01; it must be at least 1
// ROUNDS: error: llmc-quantize-hqq: rounds is -1; it must be 0 or more

// Named in `skip`: nothing is said about it. Scales and zero points take as much
// as the others' weights.
llmc.param @keep.this = dense<0.0> : tensor<2x2xf32>
// STRICT: error: 'small' is not quantized: it has 32 bytes and would have 32
// expected-remark@below {{'small' is not quantized: it has 32 bytes and would have 32}}
llmc.param @small = dense<0.0> : tensor<2x4xf32>
func.func @main(%x: tensor<?x2xf32>, %y: tensor<?x4xf32>)
    -> (tensor<?x2xf32>, tensor<?x2xf32>) {
  %k = llmc.weight @keep.this : tensor<2x2xf32>
  %w = llmc.weight @small : tensor<2x4xf32>
  %0 = llmc.linear %x, %k
     : (tensor<?x2xf32>, tensor<2x2xf32>) -> tensor<?x2xf32>
  %1 = llmc.linear %y, %w
     : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x2xf32>
  return %0, %1 : tensor<?x2xf32>, tensor<?x2xf32>
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

// STRICT: error: 'broken' is not quantized: it holds values that are not finite
// expected-remark@below {{'broken' is not quantized: it holds values that are not finite}}
llmc.param @broken = dense<0x7F800000> : tensor<4x16xf32>
func.func @main(%x: tensor<?x16xf32>) -> tensor<?x4xf32> {
  %w = llmc.weight @broken : tensor<4x16xf32>
  %y = llmc.linear %x, %w
     : (tensor<?x16xf32>, tensor<4x16xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// -----

// STRICT: error: 'v' is not quantized: it is pruned in groups, whose integers have no zero points; llmc-quantize-rtn quantizes what is stored of it
// expected-remark@below {{'v' is not quantized: it is pruned in groups, whose integers have no zero points; llmc-quantize-rtn quantizes what is stored of it}}
llmc.param @v = dense<1.0> : tensor<2x32xf32>
llmc.param @m = dense<0x9C> : tensor<2x8xui8>
func.func @main(%x: tensor<?x64xf32>) -> tensor<?x2xf32> {
  %v = llmc.weight @v : tensor<2x32xf32>
  %m = llmc.weight @m : tensor<2x8xui8>
  %w = llmc.densify %v, %m {pattern = "2:4"}
     : (tensor<2x32xf32>, tensor<2x8xui8>) -> tensor<2x64xf32>
  %y = llmc.linear %x, %w
     : (tensor<?x64xf32>, tensor<2x64xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}
