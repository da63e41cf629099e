// RUN: llmc-opt %s --split-input-file -verify-diagnostics -llmc-window-attention="window=8 layers=0" -o /dev/null
// RUN: not llmc-opt %s --split-input-file -llmc-window-attention="window=8 layers=0 strict" 2>&1 | FileCheck %s --check-prefix=STRICT
// RUN: not llmc-opt %s --split-input-file -llmc-window-attention="window=8 layers=1 strict" 2>&1 | FileCheck %s --check-prefix=NUMBER
// RUN: not llmc-opt %s --split-input-file -llmc-window-attention 2>&1 | FileCheck %s --check-prefix=WINDOW
// RUN: not llmc-opt %s --split-input-file -llmc-window-attention="window=8 sinks=-1" 2>&1 | FileCheck %s --check-prefix=SINKS

// RUN: not llmc-opt %s --split-input-file -llmc-window-attention="window=8 mass=0.9" 2>&1 | FileCheck %s --check-prefix=WINDOW
// RUN: not llmc-opt %s --split-input-file -llmc-window-attention="window=-8" 2>&1 | FileCheck %s --check-prefix=NEGATIVE
// RUN: not llmc-opt %s --split-input-file -llmc-window-attention="mass=1" 2>&1 | FileCheck %s --check-prefix=MASS
// RUN: not llmc-opt %s --split-input-file -llmc-window-attention="mass=0.9 round=24" 2>&1 | FileCheck %s --check-prefix=ROUND
// RUN: not llmc-opt %s --split-input-file -llmc-window-attention="mass=0.9 sinks=17" 2>&1 | FileCheck %s --check-prefix=MANY

// WINDOW: error: llmc-window-attention: one of window and mass is needed
// NEGATIVE: error: llmc-window-attention: window is -8; it must be positive
// MASS: error: llmc-window-attention: mass is 1.000000e+00; it must be above 0 and below 1
// ROUND: error: llmc-window-attention: round is 24; it must be a multiple of 16, as distances are counted
// MANY: error: llmc-window-attention: sinks is 17; statistics tell the first 16 keys apart
// SINKS: error: llmc-window-attention: sinks is -1; it must not be negative
// NUMBER: error: llmc-window-attention: there is no attention 1; the last one is 0

func.func @main(%q: tensor<?x2x?x2xf32>, %k: tensor<?x2x?x2xf32>) -> tensor<?x2x?x2xf32> {
  // STRICT: error: 'llmc.attention' op has no window: it is not causal and reads no KV cache, so that keys behind a query may count as well
  // expected-remark@below {{'llmc.attention' op has no window: it is not causal and reads no KV cache, so that keys behind a query may count as well}}
  %a = llmc.attention %q, %k, %k {scale = 1.0 : f32}
     : (tensor<?x2x?x2xf32>, tensor<?x2x?x2xf32>, tensor<?x2x?x2xf32>) -> tensor<?x2x?x2xf32>
  return %a : tensor<?x2x?x2xf32>
}

// -----

// STRICT: error: llmc-window-attention: found no attention; run llmc-lift first
// expected-remark@below {{llmc-window-attention: found no attention; run llmc-lift first}}
module {
  func.func @main(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
    return %x : tensor<?x8xf32>
  }
}
