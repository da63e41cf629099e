// The two columns of each pair are nearly the same, so that one that stays makes
// up for the other; test/python/test_prune.py has the numbers.
// RUN: %python %S/Inputs/pairs.py %t.safetensors fc 8
// RUN: llmc-opt %s -pass-pipeline="builtin.module(llmc-read-statistics{file=%t.safetensors},llmc-prune-sparsegpt{pattern=1:2 damping=0})" -o %t.mlir
// RUN: FileCheck %s < %t.mlir
// RUN: llmc-opt %s -pass-pipeline="builtin.module(llmc-read-statistics{file=%t.safetensors},llmc-prune-sparsegpt{pattern=1:2 damping=0})" --remark-policy=all --remark-format=emitRemark --remarks-filter=llmc-compress -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: llmc-opt %s -llmc-prune-sparsegpt --split-input-file -verify-diagnostics -o /dev/null
// RUN: not llmc-opt %s -llmc-prune-sparsegpt=strict 2>&1 | FileCheck %s --check-prefix=STRICT
// RUN: not llmc-opt %s -llmc-prune-sparsegpt=pattern=block:2x2 2>&1 | FileCheck %s --check-prefix=BLOCKS
// RUN: not llmc-opt %s -llmc-prune-sparsegpt=block=0 2>&1 | FileCheck %s --check-prefix=BLOCK
// RUN: not llmc-opt %s -llmc-prune-sparsegpt=damping=-1 2>&1 | FileCheck %s --check-prefix=DAMPING
// RUN: %python %S/Inputs/columns.py %t.nan fc 1 nan 1 1 1 1 1 1
// RUN: llmc-opt %s -pass-pipeline="builtin.module(llmc-read-statistics{file=%t.nan},llmc-prune-sparsegpt)" -o /dev/null 2>&1 | FileCheck %s --check-prefix=NAN
// RUN: %python %S/../Inputs/make_statistics.py %t.size fc=4
// RUN: llmc-opt %s -pass-pipeline="builtin.module(llmc-read-statistics{file=%t.size},llmc-prune-sparsegpt)" -o /dev/null 2>&1 | FileCheck %s --check-prefix=SIZE

// STRICT: error: 'fc' is not pruned: no statistics of its input; run llmc-calibrate first
// BLOCKS: error: llmc-prune-sparsegpt: has no pattern of blocks; llmc-prune-magnitude and llmc-prune-wanda have
// BLOCK: error: llmc-prune-sparsegpt: block is 0; it must be positive
// DAMPING: error: llmc-prune-sparsegpt: damping is -1.0{{.*}}; it must not be negative
// NAN: remark: 'fc' is not pruned: the Gram matrix of its input is not positive definite with this damping
// SIZE: remark: 'fc' is not pruned: its rows have 8 weights, but the statistics of its input 4 columns

// Half of the weights go, and next to nothing of the output.
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
