// Windows that hold a part of the probability, as a calibration found it: that
// of @near is all at distances below 48, that of @far evenly at all of 128.

// RUN: %python %S/../Inputs/attention_statistics.py %t.safetensors near=2,128,48 far=2,128,128 heads=1,128,48
// RUN: llmc-opt %s -verify-diagnostics --pass-pipeline='builtin.module(llmc-read-statistics{file=%t.safetensors},llmc-window-attention{mass=0.9})' -o /dev/null
// RUN: llmc-opt %s --pass-pipeline='builtin.module(llmc-read-statistics{file=%t.safetensors},llmc-window-attention{mass=0.9 sinks=0})' --remarks-filter=llmc-compress --remark-policy=all --remark-format=emitRemark 2>&1 | FileCheck %s
// RUN: llmc-opt %s --pass-pipeline='builtin.module(llmc-read-statistics{file=%t.safetensors},llmc-quantize-rtn{bits=8 block=2},llmc-window-attention{mass=0.6 sinks=0 round=16 layers=0})' 2>/dev/null | FileCheck %s --check-prefix=QUANTIZED
// RUN: not llmc-opt %s --pass-pipeline='builtin.module(llmc-read-statistics{file=%t.safetensors},llmc-window-attention{mass=0.9 strict})' 2>&1 | FileCheck %s --check-prefix=STRICT

// CHECK: attention=0, mass=1.000000e+00, sinks=0, window=64
// CHECK-NOT: attention=1
// CHECK: llmc.attention {{.*}} {causal, scale = 1.000000e+00 : f32, window = 64 : i64}
// CHECK: llmc.attention {{.*}} {causal, scale = 2.000000e+00 : f32}
// A third of it is beyond 32, and what passes made of a weight has its name.
// QUANTIZED: llmc.weight @near.q
// QUANTIZED: llmc.attention {{.*}} window = 32

llmc.param @near = dense<1.0> : tensor<4x4xf32>
llmc.param @far = dense<1.0> : tensor<4x4xf32>
llmc.param @heads = dense<1.0> : tensor<4x4xf32>
llmc.param @unknown = dense<1.0> : tensor<4x4xf32>
func.func @main(%x: tensor<1x?x4xf32>) -> (tensor<1x2x?x2xf32>, tensor<1x2x?x2xf32>, tensor<1x2x?x2xf32>, tensor<1x2x?x2xf32>) {
  %s = llmc.constant dense<[0, 0, 2, 2]> : tensor<4xi64>
  %wa = llmc.weight @near : tensor<4x4xf32>
  %la = llmc.linear %x, %wa : (tensor<1x?x4xf32>, tensor<4x4xf32>) -> tensor<1x?x4xf32>
  %ra = llmc.reshape %la, %s : (tensor<1x?x4xf32>, tensor<4xi64>) -> tensor<1x?x2x2xf32>
  %a = llmc.transpose %ra {perm = array<i64: 0, 2, 1, 3>} : (tensor<1x?x2x2xf32>) -> tensor<1x2x?x2xf32>
  %wb = llmc.weight @far : tensor<4x4xf32>
  %lb = llmc.linear %x, %wb : (tensor<1x?x4xf32>, tensor<4x4xf32>) -> tensor<1x?x4xf32>
  %rb = llmc.reshape %lb, %s : (tensor<1x?x4xf32>, tensor<4xi64>) -> tensor<1x?x2x2xf32>
  %b = llmc.transpose %rb {perm = array<i64: 0, 2, 1, 3>} : (tensor<1x?x2x2xf32>) -> tensor<1x2x?x2xf32>
  %wc = llmc.weight @heads : tensor<4x4xf32>
  %lc = llmc.linear %x, %wc : (tensor<1x?x4xf32>, tensor<4x4xf32>) -> tensor<1x?x4xf32>
  %rc = llmc.reshape %lc, %s : (tensor<1x?x4xf32>, tensor<4xi64>) -> tensor<1x?x2x2xf32>
  %c = llmc.transpose %rc {perm = array<i64: 0, 2, 1, 3>} : (tensor<1x?x2x2xf32>) -> tensor<1x2x?x2xf32>
  %wd = llmc.weight @unknown : tensor<4x4xf32>
  %ld = llmc.linear %x, %wd : (tensor<1x?x4xf32>, tensor<4x4xf32>) -> tensor<1x?x4xf32>
  %rd = llmc.reshape %ld, %s : (tensor<1x?x4xf32>, tensor<4xi64>) -> tensor<1x?x2x2xf32>
  %d = llmc.transpose %rd {perm = array<i64: 0, 2, 1, 3>} : (tensor<1x?x2x2xf32>) -> tensor<1x2x?x2xf32>
  %0 = llmc.attention %a, %b, %b {causal, scale = 1.0 : f32}
     : (tensor<1x2x?x2xf32>, tensor<1x2x?x2xf32>, tensor<1x2x?x2xf32>) -> tensor<1x2x?x2xf32>
  // STRICT: remark: 'llmc.attention' op stays without a window: none of less than the 128 positions of a sample has mass=
  // expected-remark@below {{'llmc.attention' op stays without a window: none of less than the 128 positions of a sample has mass=}}
  %1 = llmc.attention %b, %b, %b {causal, scale = 2.0 : f32}
     : (tensor<1x2x?x2xf32>, tensor<1x2x?x2xf32>, tensor<1x2x?x2xf32>) -> tensor<1x2x?x2xf32>
  // STRICT: error: 'llmc.attention' op has no window: it has 2 heads, and statistics are of 1; calibrate again
  // expected-remark@below {{'llmc.attention' op has no window: it has 2 heads, and statistics are of 1; calibrate again}}
  %2 = llmc.attention %c, %b, %b {causal, scale = 3.0 : f32}
     : (tensor<1x2x?x2xf32>, tensor<1x2x?x2xf32>, tensor<1x2x?x2xf32>) -> tensor<1x2x?x2xf32>
  // STRICT: error: 'llmc.attention' op has no window: nothing is known of its probabilities; run llmc-calibrate first, with attention-samples
  // expected-remark@below {{'llmc.attention' op has no window: nothing is known of its probabilities; run llmc-calibrate first, with attention-samples}}
  %3 = llmc.attention %d, %b, %b {causal, scale = 4.0 : f32}
     : (tensor<1x2x?x2xf32>, tensor<1x2x?x2xf32>, tensor<1x2x?x2xf32>) -> tensor<1x2x?x2xf32>
  return %0, %1, %2, %3 : tensor<1x2x?x2xf32>, tensor<1x2x?x2xf32>, tensor<1x2x?x2xf32>, tensor<1x2x?x2xf32>
}
