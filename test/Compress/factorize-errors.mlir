// RUN: %python %S/../Inputs/make_statistics.py %t.safetensors large,whole,broken,tied=8
// RUN: llmc-opt %s -verify-diagnostics -llmc-read-statistics=file=%t.safetensors -llmc-factorize="rank=3 skip=^keep" -o /dev/null
// RUN: not llmc-opt %s -llmc-read-statistics=file=%t.safetensors -llmc-factorize="rank=3 skip=^keep strict" 2>&1 | FileCheck %s --check-prefix=STRICT
// RUN: not llmc-opt %s -llmc-factorize="method=svd energy=1 skip=^[^w] strict" 2>&1 | FileCheck %s --check-prefix=ENERGY
// RUN: not llmc-opt %s -llmc-read-statistics=file=%t.safetensors -llmc-factorize="rank=1 what=all skip=^[^l] strict" 2>&1 | FileCheck %s --check-prefix=LOOKUP
// RUN: not llmc-opt %s -llmc-factorize 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not llmc-opt %s -llmc-factorize="rank=4 ratio=0.5" 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not llmc-opt %s -llmc-factorize="rank=-1" 2>&1 | FileCheck %s --check-prefix=RANK
// RUN: not llmc-opt %s -llmc-factorize="ratio=1" 2>&1 | FileCheck %s --check-prefix=RATIO
// RUN: not llmc-opt %s -llmc-factorize="energy=1.5" 2>&1 | FileCheck %s --check-prefix=PART
// RUN: not llmc-opt %s -llmc-factorize="rank=1 scope=global" 2>&1 | FileCheck %s --check-prefix=SCOPE
// RUN: not llmc-opt %s -llmc-factorize="rank=1 alpha=-1" 2>&1 | FileCheck %s --check-prefix=ALPHA
// RUN: not llmc-opt %s -llmc-factorize="rank=1 damping=-1" 2>&1 | FileCheck %s --check-prefix=DAMPING
// RUN: not llmc-opt %s -llmc-factorize="rank=1 skip=(" 2>&1 | FileCheck %s --check-prefix=SKIP

// NONE: error: llmc-factorize: one of rank, ratio and energy is needed
// RANK: error: llmc-factorize: rank is -1; it must be positive
// RATIO: error: llmc-factorize: ratio is 1.000000e+00; it must be above 0 and below 1
// PART: error: llmc-factorize: energy is 1.500000e+00; it must be above 0 and at most 1
// SCOPE: error: llmc-factorize: scope=global goes with ratio
// ALPHA: error: llmc-factorize: alpha is -1.000000e+00; it must not be negative
// DAMPING: error: llmc-factorize: damping is -1.000000e+00; it must not be negative
// SKIP: error: llmc-factorize: skip is not a regular expression

// Named in `skip`: nothing is said about it.
llmc.param @keep.this = dense<0.0> : tensor<4x8xf32>

// STRICT: error: 'llmc.linear' op is not factored: its weight is an argument, not a parameter
// STRICT: error: 'large' is not factored: it has 32 numbers, and factors of rank=3 have 36; the largest rank for it is 2
// expected-remark@below {{'large' is not factored: it has 32 numbers, and factors of rank=3 have 36; the largest rank for it is 2}}
llmc.param @large = dense<1.0> : tensor<4x8xf32>

// ENERGY: error: 'whole' is not factored: energy=1 takes rank 8, and the largest rank at which factors are smaller is 3
llmc.param @whole = dense<[
  [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
  [0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0],
  [0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0],
  [0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0],
  [0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0],
  [0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0],
  [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0],
  [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]]> : tensor<8x8xf32>

// STRICT: error: 'unknown' is not factored: no statistics of its input; run llmc-calibrate first
// expected-remark@below {{'unknown' is not factored: no statistics of its input; run llmc-calibrate first}}
llmc.param @unknown = dense<1.0> : tensor<8x16xf32>

// LOOKUP: error: 'lookup' is not factored: only an embedding reads it; method=svd is for those
llmc.param @lookup = dense<1.0> : tensor<8x8xf32>

// STRICT: error: 'tied' is not factored: it is tied to an embedding; factor both with what=all
// expected-remark@below {{'tied' is not factored: it is tied to an embedding; factor both with what=all}}
llmc.param @tied = dense<1.0> : tensor<8x8xf32>

// STRICT: error: 'broken' is not factored: it holds values that are not finite
// expected-remark@below {{'broken' is not factored: it holds values that are not finite}}
llmc.param @broken = dense<0x7F800000> : tensor<8x8xf32>

func.func @main(%x: tensor<?x8xf32>, %v: tensor<?x16xf32>, %ids: tensor<?xi64>,
                %a: tensor<4x8xf32>)
    -> (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x8xf32>, tensor<?x8xf32>,
        tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x4xf32>) {
  %k = llmc.weight @keep.this : tensor<4x8xf32>
  %0 = llmc.linear %x, %k
     : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
  %l = llmc.weight @large : tensor<4x8xf32>
  %1 = llmc.linear %x, %l
     : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
  %w = llmc.weight @whole : tensor<8x8xf32>
  %2 = llmc.linear %x, %w
     : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %u = llmc.weight @unknown : tensor<8x16xf32>
  %3 = llmc.linear %v, %u
     : (tensor<?x16xf32>, tensor<8x16xf32>) -> tensor<?x8xf32>
  %e = llmc.weight @lookup : tensor<8x8xf32>
  %4 = llmc.embedding %ids, %e
     : (tensor<?xi64>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %t = llmc.weight @tied : tensor<8x8xf32>
  %5 = llmc.embedding %ids, %t
     : (tensor<?xi64>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %6 = llmc.linear %x, %t
     : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %b = llmc.weight @broken : tensor<8x8xf32>
  %7 = llmc.linear %x, %b
     : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  // expected-remark@below {{'llmc.linear' op is not factored: its weight is an argument, not a parameter}}
  %8 = llmc.linear %x, %a
     : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
  return %0, %1, %2, %3, %4, %6, %7, %8 : tensor<?x4xf32>, tensor<?x4xf32>,
      tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>, tensor<?x8xf32>,
      tensor<?x8xf32>, tensor<?x4xf32>
}
