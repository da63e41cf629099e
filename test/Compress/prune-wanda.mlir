// The norms of the columns are 1, 10, 1 and 10 in a file of statistics made for
// this test.
// RUN: %python %S/Inputs/columns.py %t.safetensors fc 1 10 1 10
// RUN: llmc-opt %s -pass-pipeline="builtin.module(llmc-read-statistics{file=%t.safetensors},llmc-prune-wanda{store=dense})" | FileCheck %s
// RUN: llmc-opt %s -pass-pipeline="builtin.module(llmc-read-statistics{file=%t.safetensors},llmc-prune-wanda{store=dense scope=layer})" | FileCheck %s --check-prefix=LAYER
// RUN: llmc-opt %s -pass-pipeline="builtin.module(llmc-read-statistics{file=%t.safetensors},llmc-prune-wanda{store=dense pattern=1:2})" | FileCheck %s --check-prefix=NM
// RUN: llmc-opt %s -llmc-prune-wanda --split-input-file -verify-diagnostics -o /dev/null
// RUN: not llmc-opt %s -llmc-prune-wanda=strict 2>&1 | FileCheck %s --check-prefix=STRICT
// RUN: %python %S/Inputs/columns.py %t.nan fc 1 nan 1 10
// RUN: llmc-opt %s -pass-pipeline="builtin.module(llmc-read-statistics{file=%t.nan},llmc-prune-wanda)" -o /dev/null 2>&1 | FileCheck %s --check-prefix=NAN

// STRICT: error: 'fc' is not pruned: no statistics of its input; run llmc-calibrate first
// NAN: remark: 'fc' is not pruned: the statistics of its input are not finite
// expected-remark@below {{'fc' is not pruned: no statistics of its input; run llmc-calibrate first}}
llmc.param @fc = dense<[[8.0, 1.0, 4.0, 0.5], [1.0, 0.125, 2.0, 0.0625]]>
  : tensor<2x4xf32>

// Scores are 8 10 4 5 and 1 1.25 2 0.625.
// CHECK: fc: "0x40000000000000410000803F0000000000000000000000000000003E0000004000000000"
// LAYER: fc: "0x40000000000000410000803F000080400000003F00000000000000000000000000000000"
// NM: fc: "0x40000000000000000000803F000000000000003F000000000000003E0000004000000000"
func.func @main(%x: tensor<?x4xf32>) -> tensor<?x2xf32> {
  %w = llmc.weight @fc : tensor<2x4xf32>
  %y = llmc.linear %x, %w
     : (tensor<?x4xf32>, tensor<2x4xf32>) -> tensor<?x2xf32>
  return %y : tensor<?x2xf32>
}
