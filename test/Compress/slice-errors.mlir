// RUN: %python %S/../Inputs/make_statistics.py %t.safetensors up=4 head=4
// RUN: llmc-opt %s --split-input-file -verify-diagnostics -llmc-slice="width=2 skip=^skipped" -o /dev/null
// RUN: not llmc-opt %s --split-input-file -llmc-slice="width=2 strict" 2>&1 | FileCheck %s --check-prefix=STRICT
// RUN: not llmc-opt %s --split-input-file -llmc-read-statistics=file=%t.safetensors -llmc-slice="width=4 strict" 2>&1 | FileCheck %s --check-prefix=WIDE
// RUN: not llmc-opt %s --split-input-file -llmc-read-statistics=file=%t.safetensors -llmc-slice="multiple=8 ratio=0.9 strict" 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not llmc-opt %s -split-input-file -llmc-slice="ratio=1" 2>&1 | FileCheck %s --check-prefix=RATIO
// RUN: not llmc-opt %s -split-input-file -llmc-slice="width=-1" 2>&1 | FileCheck %s --check-prefix=WIDTH
// RUN: not llmc-opt %s -split-input-file -llmc-slice="multiple=0" 2>&1 | FileCheck %s --check-prefix=MULTIPLE

// RATIO: error: llmc-slice: ratio is 1.000000e+00; it must be between 0 and 1
// WIDTH: error: llmc-slice: width is -1; it must be positive
// MULTIPLE: error: llmc-slice: multiple is 0; it must be positive

// STRICT: error: the residual stream of 'table' is not sliced: no statistics of what reads the norm of 'norm'; run llmc-calibrate first
// WIDE: error: the residual stream of 'table' is not sliced: it has 4 columns, and 4 are to stay
// NONE: error: the residual stream of 'table' is not sliced: of 4 columns none is to stay
llmc.param @table = dense<1.0> : tensor<8x4xf32>
llmc.param @norm = dense<1.0> : tensor<4xf32>
llmc.param @up = dense<1.0> : tensor<6x4xf32>
llmc.param @down = dense<1.0> : tensor<4x6xf32>
llmc.param @last = dense<1.0> : tensor<4xf32>
llmc.param @head = dense<1.0> : tensor<8x4xf32>
func.func @main(%ids: tensor<?x?xi64>) -> tensor<?x?x8xf32> {
  %e = llmc.weight @table : tensor<8x4xf32>
  // expected-remark@below {{the residual stream of 'table' is not sliced: no statistics of what reads the norm of 'norm'; run llmc-calibrate first}}
  %x = llmc.embedding %ids, %e : (tensor<?x?xi64>, tensor<8x4xf32>) -> tensor<?x?x4xf32>
  %s = llmc.weight @norm : tensor<4xf32>
  %n = llmc.rms_norm %x, %s {epsilon = 1.0e-5 : f32}
     : (tensor<?x?x4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
  %uw = llmc.weight @up : tensor<6x4xf32>
  %u = llmc.linear %n, %uw : (tensor<?x?x4xf32>, tensor<6x4xf32>) -> tensor<?x?x6xf32>
  %dw = llmc.weight @down : tensor<4x6xf32>
  %d = llmc.linear %u, %dw : (tensor<?x?x6xf32>, tensor<4x6xf32>) -> tensor<?x?x4xf32>
  %y = llmc.add %x, %d : (tensor<?x?x4xf32>, tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
  %ls = llmc.weight @last : tensor<4xf32>
  %l = llmc.rms_norm %y, %ls {epsilon = 1.0e-5 : f32}
     : (tensor<?x?x4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
  %hw = llmc.weight @head : tensor<8x4xf32>
  %h = llmc.linear %l, %hw : (tensor<?x?x4xf32>, tensor<8x4xf32>) -> tensor<?x?x8xf32>
  return %h : tensor<?x?x8xf32>
}

// -----

// No remark: it was asked for.

llmc.param @skippedtable = dense<1.0> : tensor<8x4xf32>
llmc.param @norm = dense<1.0> : tensor<4xf32>
llmc.param @up = dense<1.0> : tensor<6x4xf32>
llmc.param @down = dense<1.0> : tensor<4x6xf32>
llmc.param @last = dense<1.0> : tensor<4xf32>
llmc.param @head = dense<1.0> : tensor<8x4xf32>
func.func @main(%ids: tensor<?x?xi64>) -> tensor<?x?x8xf32> {
  %e = llmc.weight @skippedtable : tensor<8x4xf32>
  %x = llmc.embedding %ids, %e : (tensor<?x?xi64>, tensor<8x4xf32>) -> tensor<?x?x4xf32>
  %s = llmc.weight @norm : tensor<4xf32>
  %n = llmc.rms_norm %x, %s {epsilon = 1.0e-5 : f32}
     : (tensor<?x?x4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
  %uw = llmc.weight @up : tensor<6x4xf32>
  %u = llmc.linear %n, %uw : (tensor<?x?x4xf32>, tensor<6x4xf32>) -> tensor<?x?x6xf32>
  %dw = llmc.weight @down : tensor<4x6xf32>
  %d = llmc.linear %u, %dw : (tensor<?x?x6xf32>, tensor<4x6xf32>) -> tensor<?x?x4xf32>
  %y = llmc.add %x, %d : (tensor<?x?x4xf32>, tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
  %ls = llmc.weight @last : tensor<4xf32>
  %l = llmc.rms_norm %y, %ls {epsilon = 1.0e-5 : f32}
     : (tensor<?x?x4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
  %hw = llmc.weight @head : tensor<8x4xf32>
  %h = llmc.linear %l, %hw : (tensor<?x?x4xf32>, tensor<8x4xf32>) -> tensor<?x?x8xf32>
  return %h : tensor<?x?x8xf32>
}

// -----

// A scale of 0.

llmc.param @table = dense<1.0> : tensor<8x4xf32>
llmc.param @norm = dense<[1.0, 0.0, 1.0, 1.0]> : tensor<4xf32>
llmc.param @up = dense<1.0> : tensor<6x4xf32>
llmc.param @down = dense<1.0> : tensor<4x6xf32>
llmc.param @last = dense<1.0> : tensor<4xf32>
llmc.param @head = dense<1.0> : tensor<8x4xf32>
func.func @main(%ids: tensor<?x?xi64>) -> tensor<?x?x8xf32> {
  %e = llmc.weight @table : tensor<8x4xf32>
  // expected-remark@below {{the residual stream of 'table' is not sliced: 'norm' has a scale of 0}}
  %x = llmc.embedding %ids, %e : (tensor<?x?xi64>, tensor<8x4xf32>) -> tensor<?x?x4xf32>
  %s = llmc.weight @norm : tensor<4xf32>
  %n = llmc.rms_norm %x, %s {epsilon = 1.0e-5 : f32}
     : (tensor<?x?x4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
  %uw = llmc.weight @up : tensor<6x4xf32>
  %u = llmc.linear %n, %uw : (tensor<?x?x4xf32>, tensor<6x4xf32>) -> tensor<?x?x6xf32>
  %dw = llmc.weight @down : tensor<4x6xf32>
  %d = llmc.linear %u, %dw : (tensor<?x?x6xf32>, tensor<4x6xf32>) -> tensor<?x?x4xf32>
  %y = llmc.add %x, %d : (tensor<?x?x4xf32>, tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
  %ls = llmc.weight @last : tensor<4xf32>
  %l = llmc.rms_norm %y, %ls {epsilon = 1.0e-5 : f32}
     : (tensor<?x?x4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
  %hw = llmc.weight @head : tensor<8x4xf32>
  %h = llmc.linear %l, %hw : (tensor<?x?x4xf32>, tensor<8x4xf32>) -> tensor<?x?x8xf32>
  return %h : tensor<?x?x8xf32>
}

// -----

// The shape of the stream is read.

llmc.param @table = dense<1.0> : tensor<8x4xf32>
llmc.param @norm = dense<1.0> : tensor<4xf32>
llmc.param @up = dense<1.0> : tensor<6x4xf32>
llmc.param @down = dense<1.0> : tensor<4x6xf32>
llmc.param @last = dense<1.0> : tensor<4xf32>
llmc.param @head = dense<1.0> : tensor<8x4xf32>
func.func @main(%ids: tensor<?x?xi64>) -> (tensor<?x?x8xf32>, tensor<3xi64>) {
  %e = llmc.weight @table : tensor<8x4xf32>
  %x = llmc.embedding %ids, %e : (tensor<?x?xi64>, tensor<8x4xf32>) -> tensor<?x?x4xf32>
  %s = llmc.weight @norm : tensor<4xf32>
  %n = llmc.rms_norm %x, %s {epsilon = 1.0e-5 : f32}
     : (tensor<?x?x4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
  %uw = llmc.weight @up : tensor<6x4xf32>
  %u = llmc.linear %n, %uw : (tensor<?x?x4xf32>, tensor<6x4xf32>) -> tensor<?x?x6xf32>
  %dw = llmc.weight @down : tensor<4x6xf32>
  %d = llmc.linear %u, %dw : (tensor<?x?x6xf32>, tensor<4x6xf32>) -> tensor<?x?x4xf32>
  %y = llmc.add %x, %d : (tensor<?x?x4xf32>, tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
  // expected-remark@below {{the residual stream of 'table' is not sliced: 'llmc.shape' op reads it}}
  %size = llmc.shape %x {start = 0 : i64, end = 3 : i64} : (tensor<?x?x4xf32>) -> tensor<3xi64>
  %ls = llmc.weight @last : tensor<4xf32>
  %l = llmc.rms_norm %y, %ls {epsilon = 1.0e-5 : f32}
     : (tensor<?x?x4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
  %hw = llmc.weight @head : tensor<8x4xf32>
  %h = llmc.linear %l, %hw : (tensor<?x?x4xf32>, tensor<8x4xf32>) -> tensor<?x?x8xf32>
  return %h, %size : tensor<?x?x8xf32>, tensor<3xi64>
}
