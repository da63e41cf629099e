// RUN: %python %S/../Inputs/make_statistics.py %t.safetensors after=4 other=4
// RUN: llmc-opt %s -verify-diagnostics -llmc-read-statistics=file=%t.safetensors -llmc-scale-awq="block=4 skip=^keep" -o /dev/null
// RUN: llmc-opt %s -verify-diagnostics -llmc-read-statistics=file=%t.safetensors -llmc-smooth="skip=^keep" -o /dev/null
// RUN: not llmc-opt %s -llmc-read-statistics=file=%t.safetensors -llmc-scale-awq="block=4 strict" 2>&1 | FileCheck %s --check-prefix=STRICT
// RUN: not llmc-opt %s -llmc-read-statistics=file=%t.safetensors -llmc-smooth=strict 2>&1 | FileCheck %s --check-prefix=STRICT
// RUN: not llmc-opt %s -llmc-scale-awq=bits=1 2>&1 | FileCheck %s --check-prefix=BITS
// RUN: not llmc-opt %s -llmc-scale-awq="skip=(" 2>&1 | FileCheck %s --check-prefix=REGEX
// RUN: not llmc-opt %s -llmc-smooth=alpha=1.5 2>&1 | FileCheck %s --check-prefix=ALPHA

// BITS: error: llmc-scale-awq: bits is 1; 2 to 8 are defined
// REGEX: error: llmc-scale-awq: skip is not a regular expression
// ALPHA: error: llmc-smooth: alpha is 1.500000e+00; it must be from 0 to 1

llmc.param @scale = dense<1.0> : tensor<4xf32>

// STRICT: error: 'keep' is not scaled: no statistics of its input; run llmc-calibrate first
llmc.param @keep = dense<1.0> : tensor<4x4xf32>

// STRICT: error: 'after' is not scaled: nothing before it can be scaled: its input is 'llmc.gelu'
// expected-remark@below {{'after' is not scaled: nothing before it can be scaled: its input is 'llmc.gelu'}}
llmc.param @after = dense<1.0> : tensor<4x4xf32>

// STRICT: error: 'other' is not scaled: its input is read by 'llmc.add' too
// expected-remark@below {{'other' is not scaled: its input is read by 'llmc.add' too}}
llmc.param @other = dense<1.0> : tensor<4x4xf32>

// STRICT: error: 'twice' is not scaled: a linear with another input has the same weight
// expected-remark@below {{'twice' is not scaled: a linear with another input has the same weight}}
llmc.param @twice = dense<1.0> : tensor<4x4xf32>

// STRICT: error: 'tied' is not scaled: it is tied to an embedding
// expected-remark@below {{'tied' is not scaled: it is tied to an embedding}}
llmc.param @tied = dense<1.0> : tensor<4x4xf32>

func.func @main(%x: tensor<?x4xf32>, %ids: tensor<?xi64>)
    -> (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>) {
  %s = llmc.weight @scale : tensor<4xf32>
  %n = llmc.rms_norm %x, %s {epsilon = 1.0e-5 : f32}
     : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  %k = llmc.weight @keep : tensor<4x4xf32>
  %0 = llmc.linear %n, %k
     : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %g = llmc.gelu %0 : (tensor<?x4xf32>) -> tensor<?x4xf32>
  %a = llmc.weight @after : tensor<4x4xf32>
  %1 = llmc.linear %g, %a
     : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %o = llmc.weight @other : tensor<4x4xf32>
  %2 = llmc.linear %1, %o
     : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %3 = llmc.add %1, %2
     : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %t = llmc.weight @twice : tensor<4x4xf32>
  %4 = llmc.linear %2, %t
     : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %5 = llmc.linear %4, %t
     : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %w = llmc.weight @tied : tensor<4x4xf32>
  %e = llmc.embedding %ids, %w
     : (tensor<?xi64>, tensor<4x4xf32>) -> tensor<?x4xf32>
  %6 = llmc.linear %5, %w
     : (tensor<?x4xf32>, tensor<4x4xf32>) -> tensor<?x4xf32>
  return %3, %e, %6, %2 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>,
      tensor<?x4xf32>
}
