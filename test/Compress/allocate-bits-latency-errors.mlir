// The backend of this test has kernels for floats of parameters whose names begin
// with "hooks", each of which takes a millisecond for a row.

// DEFINE: %{hooks} = --load-backend=%backends/llmc-backend-hooks.so
// DEFINE: %{bits} = block=16 weighting=none

// RUN: llmc-opt %s %{hooks} -verify-diagnostics -llmc-allocate-bits="latency=7 rows=2 skip=kept %{bits}" -o /dev/null
// RUN: not llmc-opt %s %{hooks} -llmc-allocate-bits="latency=7 skip=kept strict %{bits}" -o /dev/null 2>&1 | FileCheck %s --check-prefix=STRICT
// STRICT: error: no backend has a kernel for this op with a quantized weight: what it takes is not known and does not count
// STRICT: error: no backend has a kernel for this op: what it takes is not known and does not count

// What is left alone takes its time.
// RUN: not llmc-opt %s %{hooks} -llmc-allocate-bits="latency=1.5 rows=2 skip=kept %{bits}" -o /dev/null 2>&1 | FileCheck %s --check-prefix=SLOW
// SLOW: error: llmc-allocate-bits: latency is 1.5 ms; the fastest choice takes 2 ms
// RUN: not llmc-opt %s -llmc-allocate-bits="latency=1" 2>&1 | FileCheck %s --check-prefix=NONE
// NONE: error: llmc-allocate-bits: a latency is that of a backend's kernels: load one with --load-backend=FILE
// RUN: not llmc-opt %s -llmc-allocate-bits="latency=-1" 2>&1 | FileCheck %s --check-prefix=NEGATIVE
// NEGATIVE: error: llmc-allocate-bits: latency is -1.000000e+00; it must be milliseconds, at most 1e8
// RUN: not llmc-opt %s -llmc-allocate-bits="latency=1 rows=0" 2>&1 | FileCheck %s --check-prefix=ROWS
// ROWS: error: llmc-allocate-bits: rows is 0; it must be at least 1
// RUN: not llmc-opt %s -llmc-allocate-bits="budget=-1" 2>&1 | FileCheck %s --check-prefix=BUDGET
// BUDGET: error: llmc-allocate-bits: budget is -1; it must be a number of bytes

llmc.param @hooks.kept = dense<1.0> : tensor<16x16xf32>
llmc.param @hooks.w = dense<1.0> : tensor<16x16xf32>
llmc.param @kept = dense<1.0> : tensor<16x16xf32>

func.func @main(%x: tensor<?x16xf32>) -> tensor<?x16xf32> {
  %0 = llmc.weight @hooks.kept : tensor<16x16xf32>
  %a = llmc.linear %x, %0
     : (tensor<?x16xf32>, tensor<16x16xf32>) -> tensor<?x16xf32>
  // Nothing is said of other ops that have no kernels.
  %e = llmc.exp %a : (tensor<?x16xf32>) -> tensor<?x16xf32>
  %1 = llmc.weight @hooks.w : tensor<16x16xf32>
  // expected-remark@below {{no backend has a kernel for this op with a quantized weight: what it takes is not known and does not count}}
  %b = llmc.linear %e, %1
     : (tensor<?x16xf32>, tensor<16x16xf32>) -> tensor<?x16xf32>
  %2 = llmc.weight @kept : tensor<16x16xf32>
  // expected-remark@below {{no backend has a kernel for this op: what it takes is not known and does not count}}
  %c = llmc.linear %b, %2
     : (tensor<?x16xf32>, tensor<16x16xf32>) -> tensor<?x16xf32>
  return %c : tensor<?x16xf32>
}
