// Pairs of columns are nearly the same: one of each stays, and makes up for the
// other; test/python/test_prune.py has the numbers.
// RUN: %python %S/Inputs/pairs.py %t.safetensors fc 8
// RUN: llmc-opt %s -pass-pipeline="builtin.module(llmc-read-statistics{file=%t.safetensors},llmc-prune-alps{pattern=1:2 damping=0})" | FileCheck %s
// RUN: llmc-opt %s -pass-pipeline="builtin.module(llmc-read-statistics{file=%t.safetensors},llmc-prune-alps{pattern=1:2 damping=0})" --remark-policy=all --remark-format=emitRemark --remarks-filter=llmc-compress -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: llmc-opt %s -llmc-prune-alps --split-input-file -verify-diagnostics -o /dev/null
// RUN: not llmc-opt %s -llmc-prune-alps=strict 2>&1 | FileCheck %s --check-prefix=STRICT
// RUN: not llmc-opt %s -llmc-prune-alps=scope=global 2>&1 | FileCheck %s --check-prefix=SCOPE
// RUN: not llmc-opt %s -llmc-prune-alps=rounds=0 2>&1 | FileCheck %s --check-prefix=ROUNDS
// RUN: not llmc-opt %s -llmc-prune-alps=damping=-1 2>&1 | FileCheck %s --check-prefix=DAMPING
// RUN: %python %S/Inputs/columns.py %t.nan fc 1 nan 1 1 1 1 1 1
// RUN: llmc-opt %s -pass-pipeline="builtin.module(llmc-read-statistics{file=%t.nan},llmc-prune-alps)" -o /dev/null 2>&1 | FileCheck %s --check-prefix=NAN

// STRICT: error: 'fc' is not pruned: no statistics of its input; run llmc-calibrate first
// SCOPE: error: llmc-prune-alps: compares the weights of a row or layer, not all
// ROUNDS: error: llmc-prune-alps: rounds is 0 and refit 10; they must be at least 1 and 0
// DAMPING: error: llmc-prune-alps: damping is -1.0{{.*}}; it must not be negative
// NAN: remark: 'fc' is not pruned: the Gram matrix of its input is not positive definite with this damping

// REMARK: output_error={{[0-9.]+}}e-0{{[3-9]}}, param=fc, pattern=1:2, relative_error={{.*}}, sparsity=5.000000e-01

// CHECK: llmc.densify %{{.*}}, %{{.*}} {pattern = "1:2"} : (tensor<4x4xf32>, tensor<4x1xui8>) -> tensor<4x8xf32>
// expected-remark@below {{'fc' is not pruned: no statistics of its input; run llmc-calibrate first}}
llmc.param @fc = dense<1.0> : tensor<4x8xf32>
func.func @main(%x: tensor<?x8xf32>) -> tensor<?x4xf32> {
  %w = llmc.weight @fc : tensor<4x8xf32>
  %y = llmc.linear %x, %w
     : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}
