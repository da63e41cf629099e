// RUN: %python %S/../Inputs/make_statistics.py %t.safetensors all=2 tied,large,read=8
// RUN: llmc-opt %s -verify-diagnostics -llmc-read-statistics=file=%t.safetensors -llmc-split-outliers="threshold=1e-3 columns=3 skip=^keep" -o /dev/null
// RUN: not llmc-opt %s -llmc-read-statistics=file=%t.safetensors -llmc-split-outliers="threshold=1e-3 columns=3 skip=^keep strict" -o /dev/null 2>&1 | FileCheck %s --check-prefix=STRICT
// RUN: not llmc-opt %s -llmc-split-outliers=threshold=-1 2>&1 | FileCheck %s --check-prefix=THRESHOLD
// RUN: not llmc-opt %s -llmc-split-outliers=columns=-1 2>&1 | FileCheck %s --check-prefix=COLUMNS
// RUN: not llmc-opt %s -llmc-split-outliers=threshold=0 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not llmc-opt %s -llmc-split-outliers="skip=(" 2>&1 | FileCheck %s --check-prefix=REGEX

// THRESHOLD: error: llmc-split-outliers: threshold is -1.000000e+00; it must not be negative
// COLUMNS: error: llmc-split-outliers: columns is -1; it must not be negative
// NONE: error: llmc-split-outliers: without a threshold, columns is needed
// REGEX: error: llmc-split-outliers: skip is not a regular expression

llmc.param @keep = dense<1.0> : tensor<4x8xf32>

// STRICT: error: 'unknown' is not split: no statistics of its input; run llmc-calibrate first
// expected-remark@below {{'unknown' is not split: no statistics of its input; run llmc-calibrate first}}
llmc.param @unknown = dense<1.0> : tensor<4x8xf32>

// STRICT: error: 'tied' is not split: it is tied to an embedding
// expected-remark@below {{'tied' is not split: it is tied to an embedding}}
llmc.param @tied = dense<1.0> : tensor<4x8xf32>

// STRICT: error: 'read' is not split: 'llmc.exp' reads it too
// expected-remark@below {{'read' is not split: 'llmc.exp' reads it too}}
llmc.param @read = dense<1.0> : tensor<4x8xf32>

// STRICT: error: 'all' is not split: all its 2 columns are outliers
// expected-remark@below {{'all' is not split: all its 2 columns are outliers}}
llmc.param @all = dense<1.0> : tensor<4x2xf32>

// STRICT: error: 'large' is not split: a number of its outliers is infinite as f16
// expected-remark@below {{'large' is not split: a number of its outliers is infinite as f16}}
llmc.param @large = dense<7.0e+04> : tensor<4x8xf32>

func.func @main(%x: tensor<?x8xf32>, %y: tensor<?x2xf32>, %ids: tensor<?xi64>) -> (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x8xf32>, tensor<4x8xf32>) {
  %k = llmc.weight @keep : tensor<4x8xf32>
  %u = llmc.weight @unknown : tensor<4x8xf32>
  %t = llmc.weight @tied : tensor<4x8xf32>
  %r = llmc.weight @read : tensor<4x8xf32>
  %a = llmc.weight @all : tensor<4x2xf32>
  %l = llmc.weight @large : tensor<4x8xf32>
  %0 = llmc.linear %x, %k : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
  %1 = llmc.linear %x, %u : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
  %2 = llmc.linear %x, %t : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
  %3 = llmc.linear %x, %r : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
  %4 = llmc.linear %y, %a : (tensor<?x2xf32>, tensor<4x2xf32>) -> tensor<?x4xf32>
  %5 = llmc.linear %x, %l : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
  %6 = llmc.embedding %ids, %t : (tensor<?xi64>, tensor<4x8xf32>) -> tensor<?x8xf32>
  %7 = llmc.exp %r : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return %0, %1, %2, %3, %4, %5, %6, %7 : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x8xf32>, tensor<4x8xf32>
}
