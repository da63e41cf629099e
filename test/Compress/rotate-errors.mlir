// RUN: llmc-opt %s --split-input-file -verify-diagnostics -llmc-rotate="skip=^skipped" -o /dev/null
// RUN: not llmc-opt %s --split-input-file -llmc-rotate=strict 2>&1 | FileCheck %s --check-prefix=STRICT
// RUN: not llmc-opt %s --split-input-file -llmc-rotate="skip=(" 2>&1 | FileCheck %s --check-prefix=SKIP

// SKIP: error: llmc-rotate: skip is not a regular expression

// Something else reads the stream.

// STRICT: error: the residual stream of 'table' is not rotated: 'llmc.relu' op reads it
llmc.param @table = dense<1.0> : tensor<8x4xf32>
llmc.param @norm = dense<1.0> : tensor<4xf32>
llmc.param @up = dense<1.0> : tensor<6x4xf32>
llmc.param @down = dense<1.0> : tensor<4x6xf32>
llmc.param @last = dense<1.0> : tensor<4xf32>
llmc.param @head = dense<1.0> : tensor<8x4xf32>
func.func @main(%ids: tensor<?x?xi64>) -> tensor<?x?x8xf32> {
  %e = llmc.weight @table : tensor<8x4xf32>
  %x = llmc.embedding %ids, %e : (tensor<?x?xi64>, tensor<8x4xf32>) -> tensor<?x?x4xf32>
  %s = llmc.weight @norm : tensor<4xf32>
  %n = llmc.rms_norm %x, %s {epsilon = 1.0e-5 : f32}
     : (tensor<?x?x4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
  %uw = llmc.weight @up : tensor<6x4xf32>
  %u = llmc.linear %n, %uw : (tensor<?x?x4xf32>, tensor<6x4xf32>) -> tensor<?x?x6xf32>
  %dw = llmc.weight @down : tensor<4x6xf32>
  %d = llmc.linear %u, %dw : (tensor<?x?x6xf32>, tensor<4x6xf32>) -> tensor<?x?x4xf32>
  // expected-remark@below {{the residual stream of 'table' is not rotated: 'llmc.relu' op reads it}}
  %z = llmc.relu %x : (tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
  %y = llmc.add %x, %d : (tensor<?x?x4xf32>, tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
  %ls = llmc.weight @last : tensor<4xf32>
  %l = llmc.rms_norm %y, %ls {epsilon = 1.0e-5 : f32}
     : (tensor<?x?x4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
  %hw = llmc.weight @head : tensor<8x4xf32>
  %h = llmc.linear %l, %hw : (tensor<?x?x4xf32>, tensor<8x4xf32>) -> tensor<?x?x8xf32>
  return %h : tensor<?x?x8xf32>
}

// -----

// The stream is returned.

llmc.param @table = dense<1.0> : tensor<8x4xf32>
llmc.param @norm = dense<1.0> : tensor<4xf32>
llmc.param @up = dense<1.0> : tensor<6x4xf32>
llmc.param @down = dense<1.0> : tensor<4x6xf32>
llmc.param @last = dense<1.0> : tensor<4xf32>
llmc.param @head = dense<1.0> : tensor<8x4xf32>
func.func @main(%ids: tensor<?x?xi64>) -> (tensor<?x?x8xf32>, tensor<?x?x4xf32>) {
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
  %ls = llmc.weight @last : tensor<4xf32>
  %l = llmc.rms_norm %y, %ls {epsilon = 1.0e-5 : f32}
     : (tensor<?x?x4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
  %hw = llmc.weight @head : tensor<8x4xf32>
  %h = llmc.linear %l, %hw : (tensor<?x?x4xf32>, tensor<8x4xf32>) -> tensor<?x?x8xf32>
  // expected-remark@below {{the residual stream of 'table' is not rotated: 'func.return' op reads it}}
  return %h, %y : tensor<?x?x8xf32>, tensor<?x?x4xf32>
}

// -----

// No linear makes what is added.

llmc.param @table = dense<1.0> : tensor<8x4xf32>
llmc.param @norm = dense<1.0> : tensor<4xf32>
llmc.param @up = dense<1.0> : tensor<6x4xf32>
llmc.param @down = dense<1.0> : tensor<4x6xf32>
llmc.param @last = dense<1.0> : tensor<4xf32>
llmc.param @head = dense<1.0> : tensor<8x4xf32>
func.func @main(%ids: tensor<?x?xi64>) -> tensor<?x?x8xf32> {
  %e = llmc.weight @table : tensor<8x4xf32>
  %x = llmc.embedding %ids, %e : (tensor<?x?xi64>, tensor<8x4xf32>) -> tensor<?x?x4xf32>
  %s = llmc.weight @norm : tensor<4xf32>
  %n = llmc.rms_norm %x, %s {epsilon = 1.0e-5 : f32}
     : (tensor<?x?x4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
  %uw = llmc.weight @up : tensor<6x4xf32>
  %u = llmc.linear %n, %uw : (tensor<?x?x4xf32>, tensor<6x4xf32>) -> tensor<?x?x6xf32>
  %dw = llmc.weight @down : tensor<4x6xf32>
  %d = llmc.linear %u, %dw : (tensor<?x?x6xf32>, tensor<4x6xf32>) -> tensor<?x?x4xf32>
  %d2 = llmc.relu %d : (tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
  // expected-remark@below {{the residual stream of 'table' is not rotated: 'llmc.add' op adds something to it that no linear makes, but 'llmc.relu'}}
  %y = llmc.add %x, %d2 : (tensor<?x?x4xf32>, tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
  %ls = llmc.weight @last : tensor<4xf32>
  %l = llmc.rms_norm %y, %ls {epsilon = 1.0e-5 : f32}
     : (tensor<?x?x4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
  %hw = llmc.weight @head : tensor<8x4xf32>
  %h = llmc.linear %l, %hw : (tensor<?x?x4xf32>, tensor<8x4xf32>) -> tensor<?x?x8xf32>
  return %h : tensor<?x?x8xf32>
}

// -----

// A linear that adds to the stream has another use.

llmc.param @table = dense<1.0> : tensor<8x4xf32>
llmc.param @norm = dense<1.0> : tensor<4xf32>
llmc.param @up = dense<1.0> : tensor<6x4xf32>
llmc.param @down = dense<1.0> : tensor<4x6xf32>
llmc.param @last = dense<1.0> : tensor<4xf32>
llmc.param @head = dense<1.0> : tensor<8x4xf32>
func.func @main(%ids: tensor<?x?xi64>) -> (tensor<?x?x8xf32>, tensor<?x?x4xf32>) {
  %e = llmc.weight @table : tensor<8x4xf32>
  %x = llmc.embedding %ids, %e : (tensor<?x?xi64>, tensor<8x4xf32>) -> tensor<?x?x4xf32>
  %s = llmc.weight @norm : tensor<4xf32>
  %n = llmc.rms_norm %x, %s {epsilon = 1.0e-5 : f32}
     : (tensor<?x?x4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
  %uw = llmc.weight @up : tensor<6x4xf32>
  %u = llmc.linear %n, %uw : (tensor<?x?x4xf32>, tensor<6x4xf32>) -> tensor<?x?x6xf32>
  %dw = llmc.weight @down : tensor<4x6xf32>
  // expected-remark@below {{the residual stream of 'table' is not rotated: 'llmc.linear' op is added to it and has other uses}}
  %d = llmc.linear %u, %dw : (tensor<?x?x6xf32>, tensor<4x6xf32>) -> tensor<?x?x4xf32>
  %y = llmc.add %x, %d : (tensor<?x?x4xf32>, tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
  %ls = llmc.weight @last : tensor<4xf32>
  %l = llmc.rms_norm %y, %ls {epsilon = 1.0e-5 : f32}
     : (tensor<?x?x4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
  %hw = llmc.weight @head : tensor<8x4xf32>
  %h = llmc.linear %l, %hw : (tensor<?x?x4xf32>, tensor<8x4xf32>) -> tensor<?x?x8xf32>
  return %h, %d : tensor<?x?x8xf32>, tensor<?x?x4xf32>
}

// -----

// A norm that is not the last has other readers.

llmc.param @table = dense<1.0> : tensor<8x4xf32>
llmc.param @norm = dense<1.0> : tensor<4xf32>
llmc.param @up = dense<1.0> : tensor<6x4xf32>
llmc.param @down = dense<1.0> : tensor<4x6xf32>
llmc.param @last = dense<1.0> : tensor<4xf32>
llmc.param @head = dense<1.0> : tensor<8x4xf32>
func.func @main(%ids: tensor<?x?xi64>) -> tensor<?x?x8xf32> {
  %e = llmc.weight @table : tensor<8x4xf32>
  %x = llmc.embedding %ids, %e : (tensor<?x?xi64>, tensor<8x4xf32>) -> tensor<?x?x4xf32>
  %s = llmc.weight @norm : tensor<4xf32>
  // expected-remark@below {{the residual stream of 'table' is not rotated: 'llmc.rms_norm' op reads it: 'llmc.relu' reads the norm}}
  %n = llmc.rms_norm %x, %s {epsilon = 1.0e-5 : f32}
     : (tensor<?x?x4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
  %uw = llmc.weight @up : tensor<6x4xf32>
  %u = llmc.linear %n, %uw : (tensor<?x?x4xf32>, tensor<6x4xf32>) -> tensor<?x?x6xf32>
  %dw = llmc.weight @down : tensor<4x6xf32>
  %d = llmc.linear %u, %dw : (tensor<?x?x6xf32>, tensor<4x6xf32>) -> tensor<?x?x4xf32>
  %y = llmc.add %x, %d : (tensor<?x?x4xf32>, tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
  %z = llmc.relu %n : (tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
  %ls = llmc.weight @last : tensor<4xf32>
  %l = llmc.rms_norm %y, %ls {epsilon = 1.0e-5 : f32}
     : (tensor<?x?x4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
  %hw = llmc.weight @head : tensor<8x4xf32>
  %h = llmc.linear %l, %hw : (tensor<?x?x4xf32>, tensor<8x4xf32>) -> tensor<?x?x8xf32>
  return %h : tensor<?x?x8xf32>
}

// -----

// Norms differ.

llmc.param @table = dense<1.0> : tensor<8x4xf32>
llmc.param @norm = dense<1.0> : tensor<4xf32>
llmc.param @up = dense<1.0> : tensor<6x4xf32>
llmc.param @down = dense<1.0> : tensor<4x6xf32>
llmc.param @last = dense<1.0> : tensor<4xf32>
llmc.param @head = dense<1.0> : tensor<8x4xf32>
func.func @main(%ids: tensor<?x?xi64>) -> tensor<?x?x8xf32> {
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
  %ls = llmc.weight @last : tensor<4xf32>
  // expected-remark@below {{the residual stream of 'table' is not rotated: 'llmc.layer_norm' op reads it, where the norm before it subtracts no mean}}
  %l = llmc.layer_norm %y, %ls {axis = 2 : i64, epsilon = 1.0e-5 : f32}
     : (tensor<?x?x4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
  %hw = llmc.weight @head : tensor<8x4xf32>
  %h = llmc.linear %l, %hw : (tensor<?x?x4xf32>, tensor<8x4xf32>) -> tensor<?x?x8xf32>
  return %h : tensor<?x?x8xf32>
}

// -----

// A norm without a parameter.

llmc.param @table = dense<1.0> : tensor<8x4xf32>
llmc.param @norm = dense<1.0> : tensor<4xf32>
llmc.param @up = dense<1.0> : tensor<6x4xf32>
llmc.param @down = dense<1.0> : tensor<4x6xf32>
llmc.param @last = dense<1.0> : tensor<4xf32>
llmc.param @head = dense<1.0> : tensor<8x4xf32>
func.func @main(%ids: tensor<?x?xi64>) -> tensor<?x?x8xf32> {
  %e = llmc.weight @table : tensor<8x4xf32>
  %x = llmc.embedding %ids, %e : (tensor<?x?xi64>, tensor<8x4xf32>) -> tensor<?x?x4xf32>
  %s = llmc.weight @norm : tensor<4xf32>
  %two = llmc.constant dense<2.0> : tensor<4xf32>
  // expected-remark@below {{the residual stream of 'table' is not rotated: 'llmc.rms_norm' op has a scale that is no parameter of floats}}
  %n = llmc.rms_norm %x, %two {epsilon = 1.0e-5 : f32}
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

// A weight of integers, dequantized.

llmc.param @table = dense<1.0> : tensor<8x4xf32>
llmc.param @norm = dense<1.0> : tensor<4xf32>
llmc.param @up = dense<1.0> : tensor<6x4xf32>
llmc.param @down = dense<1> : tensor<4x6xi8>
llmc.param @last = dense<1.0> : tensor<4xf32>
llmc.param @head = dense<1.0> : tensor<8x4xf32>
func.func @main(%ids: tensor<?x?xi64>) -> tensor<?x?x8xf32> {
  %e = llmc.weight @table : tensor<8x4xf32>
  %x = llmc.embedding %ids, %e : (tensor<?x?xi64>, tensor<8x4xf32>) -> tensor<?x?x4xf32>
  %s = llmc.weight @norm : tensor<4xf32>
  %n = llmc.rms_norm %x, %s {epsilon = 1.0e-5 : f32}
     : (tensor<?x?x4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
  %uw = llmc.weight @up : tensor<6x4xf32>
  %u = llmc.linear %n, %uw : (tensor<?x?x4xf32>, tensor<6x4xf32>) -> tensor<?x?x6xf32>
  %dq = llmc.weight @down : tensor<4x6xi8>
  %dw = llmc.cast %dq {to = f32} : (tensor<4x6xi8>) -> tensor<4x6xf32>
  // expected-remark@below {{the residual stream of 'table' is not rotated: 'llmc.linear' op is added to it: the weight of 'llmc.linear' is computed, or compressed}}
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

// A value that is not finite.

llmc.param @table = dense<1.0> : tensor<8x4xf32>
llmc.param @norm = dense<1.0> : tensor<4xf32>
llmc.param @up = dense<1.0> : tensor<6x4xf32>
llmc.param @down = dense<0x7F800000> : tensor<4x6xf32>
llmc.param @last = dense<1.0> : tensor<4xf32>
llmc.param @head = dense<1.0> : tensor<8x4xf32>
func.func @main(%ids: tensor<?x?xi64>) -> tensor<?x?x8xf32> {
  %e = llmc.weight @table : tensor<8x4xf32>
  %x = llmc.embedding %ids, %e : (tensor<?x?xi64>, tensor<8x4xf32>) -> tensor<?x?x4xf32>
  %s = llmc.weight @norm : tensor<4xf32>
  %n = llmc.rms_norm %x, %s {epsilon = 1.0e-5 : f32}
     : (tensor<?x?x4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
  %uw = llmc.weight @up : tensor<6x4xf32>
  %u = llmc.linear %n, %uw : (tensor<?x?x4xf32>, tensor<6x4xf32>) -> tensor<?x?x6xf32>
  %dw = llmc.weight @down : tensor<4x6xf32>
  // expected-remark@below {{the residual stream of 'table' is not rotated: 'llmc.linear' op is added to it: 'down' holds values that are not finite}}
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

// No Hadamard matrix has 6 rows. This is no error.

llmc.param @table = dense<1.0> : tensor<8x6xf32>
llmc.param @norm = dense<1.0> : tensor<6xf32>
llmc.param @up = dense<1.0> : tensor<6x6xf32>
llmc.param @down = dense<1.0> : tensor<6x6xf32>
llmc.param @last = dense<1.0> : tensor<6xf32>
llmc.param @head = dense<1.0> : tensor<8x6xf32>
func.func @main(%ids: tensor<?x?xi64>) -> tensor<?x?x8xf32> {
  %e = llmc.weight @table : tensor<8x6xf32>
  // expected-remark@below {{residual streams of 6 elements are rotated by random orthogonal matrices: no Hadamard matrix of that size is known}}
  %x = llmc.embedding %ids, %e : (tensor<?x?xi64>, tensor<8x6xf32>) -> tensor<?x?x6xf32>
  %s = llmc.weight @norm : tensor<6xf32>
  %n = llmc.rms_norm %x, %s {epsilon = 1.0e-5 : f32}
     : (tensor<?x?x6xf32>, tensor<6xf32>) -> tensor<?x?x6xf32>
  %uw = llmc.weight @up : tensor<6x6xf32>
  %u = llmc.linear %n, %uw : (tensor<?x?x6xf32>, tensor<6x6xf32>) -> tensor<?x?x6xf32>
  %dw = llmc.weight @down : tensor<6x6xf32>
  %d = llmc.linear %u, %dw : (tensor<?x?x6xf32>, tensor<6x6xf32>) -> tensor<?x?x6xf32>
  %y = llmc.add %x, %d : (tensor<?x?x6xf32>, tensor<?x?x6xf32>) -> tensor<?x?x6xf32>
  %ls = llmc.weight @last : tensor<6xf32>
  %l = llmc.rms_norm %y, %ls {epsilon = 1.0e-5 : f32}
     : (tensor<?x?x6xf32>, tensor<6xf32>) -> tensor<?x?x6xf32>
  %hw = llmc.weight @head : tensor<8x6xf32>
  %h = llmc.linear %l, %hw : (tensor<?x?x6xf32>, tensor<8x6xf32>) -> tensor<?x?x8xf32>
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
  %z = llmc.relu %x : (tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
  %y = llmc.add %x, %d : (tensor<?x?x4xf32>, tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
  %ls = llmc.weight @last : tensor<4xf32>
  %l = llmc.rms_norm %y, %ls {epsilon = 1.0e-5 : f32}
     : (tensor<?x?x4xf32>, tensor<4xf32>) -> tensor<?x?x4xf32>
  %hw = llmc.weight @head : tensor<8x4xf32>
  %h = llmc.linear %l, %hw : (tensor<?x?x4xf32>, tensor<8x4xf32>) -> tensor<?x?x8xf32>
  return %h : tensor<?x?x8xf32>
}

// -----

// There is no stream.

// expected-remark@below {{found no residual stream, to which linears add and which norms read; run llmc-lift first}}
module {
  llmc.param @q = dense<1.0> : tensor<4x4xf32>
  llmc.param @v = dense<1.0> : tensor<4x4xf32>
  func.func @main(%x: tensor<?x2x?x2xf32>) -> tensor<?x2x?x2xf32> {
    // expected-remark@below {{the values of 'llmc.attention' op are not rotated: an argument of the function is between values and the linear that makes them}}
    %a = llmc.attention %x, %x, %x {scale = 1.0 : f32}
       : (tensor<?x2x?x2xf32>, tensor<?x2x?x2xf32>, tensor<?x2x?x2xf32>)
       -> tensor<?x2x?x2xf32>
    return %a : tensor<?x2x?x2xf32>
  }
}
