// RUN: llmc-opt %s -verify-diagnostics -llmc-allocate-bits="budget=2000 block=16 skip=^keep" -o /dev/null
// RUN: not llmc-opt %s -llmc-allocate-bits="budget=2000 block=16 skip=^keep strict" -o /dev/null 2>&1 | FileCheck %s --check-prefix=STRICT
// RUN: not llmc-opt %s -llmc-allocate-bits 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not llmc-opt %s -llmc-allocate-bits="budget=9 bits=1,4" 2>&1 | FileCheck %s --check-prefix=BITS
// RUN: not llmc-opt %s -llmc-allocate-bits="budget=200 block=16 weighting=none bits=3,4 skip=^keep" 2>%t
// RUN: FileCheck %s --check-prefix=SMALL <%t

// NONE: error: llmc-allocate-bits: give it a budget of bytes, a latency, or both
// BITS: error: llmc-allocate-bits: bits is 1; 2 to 8 are defined

// 4 rows of 6 bytes of integers, a scale and a zero point; and what stays.
// SMALL: error: llmc-allocate-bits: budget is 200 bytes; with 3 bits parameters take 556

// Named in `skip`: nothing is said about it.
llmc.param @keep.this = dense<0.0> : tensor<4x16xf32>

// STRICT: error: 'unknown' is not quantized: no statistics of its input; run llmc-calibrate first
// expected-remark@below {{'unknown' is not quantized: no statistics of its input; run llmc-calibrate first}}
llmc.param @unknown = dense<1.0> : tensor<4x16xf32>

// STRICT: error: 'broken' is not quantized: no statistics
// expected-remark@below {{'broken' is not quantized: no statistics}}
llmc.param @broken = dense<0x7F800000> : tensor<4x16xf32>

func.func @main(%x: tensor<?x16xf32>) -> tensor<?x4xf32> {
  %k = llmc.weight @keep.this : tensor<4x16xf32>
  %a = llmc.linear %x, %k : (tensor<?x16xf32>, tensor<4x16xf32>) -> tensor<?x4xf32>
  %u = llmc.weight @unknown : tensor<4x16xf32>
  %b = llmc.linear %x, %u : (tensor<?x16xf32>, tensor<4x16xf32>) -> tensor<?x4xf32>
  %w = llmc.weight @broken : tensor<4x16xf32>
  %c = llmc.linear %x, %w : (tensor<?x16xf32>, tensor<4x16xf32>) -> tensor<?x4xf32>
  %s = llmc.add %a, %b : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %y = llmc.add %s, %c : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}
