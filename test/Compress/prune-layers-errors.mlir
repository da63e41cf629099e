// RUN: llmc-opt %s --split-input-file -verify-diagnostics -llmc-prune-layers="layers=1,9 unit=block" -o /dev/null
// RUN: not llmc-opt %s --split-input-file -llmc-prune-layers="layers=1,9 unit=block strict" 2>&1 | FileCheck %s --check-prefix=STRICT
// RUN: llmc-opt %s --split-input-file -llmc-prune-layers="unit=block keep-first=0 keep-last=0" 2>&1 | FileCheck %s --check-prefix=DATA
// RUN: not llmc-opt %s --split-input-file -llmc-prune-layers="ratio=2" 2>&1 | FileCheck %s --check-prefix=RATIO
// RUN: not llmc-opt %s --split-input-file -llmc-prune-layers="count=-1" 2>&1 | FileCheck %s --check-prefix=COUNT
// RUN: not llmc-opt %s --split-input-file -llmc-prune-layers="step=remove unit=block strict" 2>&1 | FileCheck %s --check-prefix=UNMARKED

// UNMARKED: error: llmc-prune-layers: no layer is marked; run this pass with step=mark first
// RATIO: error: llmc-prune-layers: ratio must be between 0 and 1
// COUNT: error: llmc-prune-layers: numbers of layers cannot be negative
// DATA: remark: llmc-prune-layers: no statistics of the blocks; run llmc-calibrate first, or name the layers

llmc.param @one = dense<1.0> : tensor<8x8xf32>
llmc.param @two = dense<1.0> : tensor<8x8xf32>
llmc.param @three = dense<1.0> : tensor<8x8xf32>
// STRICT: error: llmc-prune-layers: there is no layer 9; there are 2
// expected-remark@below {{llmc-prune-layers: there is no layer 9; there are 2}}
func.func @main(%x: tensor<?x8xf32>) -> (tensor<?x8xf32>, tensor<?x8xf32>) {
  %w1 = llmc.weight @one : tensor<8x8xf32>
  %a = llmc.linear %x, %w1 : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %w2 = llmc.weight @two : tensor<8x8xf32>
  %b = llmc.linear %a, %w2 : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %w3 = llmc.weight @three : tensor<8x8xf32>
  // STRICT: error: the block of 'three' is not removed: the model returns this result of it
  // expected-remark@below {{the block of 'three' is not removed: the model returns this result of it}}
  %c = llmc.linear %b, %w3 : (tensor<?x8xf32>, tensor<8x8xf32>) -> tensor<?x8xf32>
  %d = llmc.relu %c : (tensor<?x8xf32>) -> tensor<?x8xf32>
  return %c, %d : tensor<?x8xf32>, tensor<?x8xf32>
}

// -----

// STRICT: error: llmc-prune-layers: found no layers that hand on what they are given; run llmc-lift first
// expected-remark@below {{llmc-prune-layers: found no layers that hand on what they are given; run llmc-lift first}}
module {
  func.func @main(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
    return %x : tensor<?x8xf32>
  }
}
