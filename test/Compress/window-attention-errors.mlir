// RUN: llmc-opt %s --split-input-file -verify-diagnostics -llmc-window-attention="window=8 layers=0" -o /dev/null
// RUN: not llmc-opt %s --split-input-file -llmc-window-attention="window=8 layers=0 strict" 2>&1 | FileCheck %s --check-prefix=STRICT
// RUN: not llmc-opt %s --split-input-file -llmc-window-attention="window=8 layers=1 strict" 2>&1 | FileCheck %s --check-prefix=NUMBER
// RUN: not llmc-opt %s --split-input-file -llmc-window-attention 2>&1 | FileCheck %s --check-prefix=WINDOW
// RUN: not llmc-opt %s --split-input-file -llmc-window-attention="window=8 sinks=-1" 2>&1 | FileCheck %s --check-prefix=SINKS

// WINDOW: error: llmc-window-attention: window is 0; it must be positive
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
