// RUN: llmc-opt %s --split-input-file -verify-diagnostics -llmc-cast-attention | FileCheck %s
// RUN: not llmc-opt %s --split-input-file -llmc-cast-attention=strict 2>&1 | FileCheck %s --check-prefix=STRICT

// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[Q:arg[0-9]+]]: tensor<?x4x?x8xf32>, %[[K:arg[0-9]+]]: tensor<?x2x?x8xf32>, %[[V:arg[0-9]+]]: tensor<?x2x?x8xf32>, %[[M:arg[0-9]+]]:
// CHECK-DAG: %[[QB:.*]] = llmc.cast %[[Q]] {to = bf16} : (tensor<?x4x?x8xf32>) -> tensor<?x4x?x8xbf16>
// CHECK-DAG: %[[KB:.*]] = llmc.cast %[[K]] {to = bf16}
// CHECK-DAG: %[[VB:.*]] = llmc.cast %[[V]] {to = bf16}
// CHECK: %[[A:.*]] = llmc.attention %[[QB]], %[[KB]], %[[VB]], %[[M]] {causal, scale = 5.000000e-01 : f32} : ({{.*}}, tensor<?x?xf32>) -> tensor<?x4x?x8xbf16>
// CHECK: %[[Y:.*]] = llmc.cast %[[A]] {to = f32} : (tensor<?x4x?x8xbf16>) -> tensor<?x4x?x8xf32>
// CHECK: return %[[Y]], %[[K]]
func.func @main(%q: tensor<?x4x?x8xf32>, %k: tensor<?x2x?x8xf32>, %v: tensor<?x2x?x8xf32>, %m: tensor<?x?xf32>)
    -> (tensor<?x4x?x8xf32>, tensor<?x2x?x8xf32>) {
  %y = llmc.attention %q, %k, %v, %m {causal, scale = 0.5 : f32}
     : (tensor<?x4x?x8xf32>, tensor<?x2x?x8xf32>, tensor<?x2x?x8xf32>, tensor<?x?xf32>) -> tensor<?x4x?x8xf32>
  return %y, %k : tensor<?x4x?x8xf32>, tensor<?x2x?x8xf32>
}

// -----

// What is of bf16 needs nothing.
// CHECK-LABEL: func.func @already(
// CHECK-NOT: llmc.cast
// CHECK: return
func.func @already(%q: tensor<?x2x?x8xbf16>) -> tensor<?x2x?x8xbf16> {
  %y = llmc.attention %q, %q, %q {scale = 0.5 : f32}
     : (tensor<?x2x?x8xbf16>, tensor<?x2x?x8xbf16>, tensor<?x2x?x8xbf16>) -> tensor<?x2x?x8xbf16>
  return %y : tensor<?x2x?x8xbf16>
}

// -----

// CHECK-LABEL: func.func @other(
// CHECK-NOT: llmc.cast
// CHECK: return
func.func @other(%q: tensor<?x2x?x8xf16>) -> tensor<?x2x?x8xf16> {
  // STRICT: error: 'llmc.attention' op is of 'f16', not of f32, and stays so
  // expected-remark@below {{'llmc.attention' op is of 'f16', not of f32, and stays so}}
  %y = llmc.attention %q, %q, %q {scale = 0.5 : f32}
     : (tensor<?x2x?x8xf16>, tensor<?x2x?x8xf16>, tensor<?x2x?x8xf16>) -> tensor<?x2x?x8xf16>
  return %y : tensor<?x2x?x8xf16>
}

// -----

// STRICT: error: llmc-cast-attention: found no attention; run llmc-lift first
// expected-remark@below {{llmc-cast-attention: found no attention; run llmc-lift first}}
module {
  func.func @none(%x: tensor<?x8xf32>) -> tensor<?x8xf32> {
    return %x : tensor<?x8xf32>
  }
}
