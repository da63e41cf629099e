// RUN: echo "1 3" > %t.tokens
// RUN: echo "1 x3" > %t.bad
// RUN: echo "0 1 2 3" > %t.all
// RUN: llmc-opt %s --split-input-file -verify-diagnostics -llmc-prune-vocabulary="tokens=%t.tokens multiple=1" -o /dev/null
// RUN: not llmc-opt %s --split-input-file -llmc-prune-vocabulary="tokens=%t.tokens multiple=1 strict" 2>&1 | FileCheck %s --check-prefix=STRICT
// RUN: llmc-opt %s --split-input-file -llmc-prune-vocabulary="tokens=%t.all" 2>&1 | FileCheck %s --check-prefix=ALL
// RUN: llmc-opt %s --split-input-file -llmc-prune-vocabulary 2>&1 | FileCheck %s --check-prefix=DATA
// RUN: not llmc-opt %s --split-input-file -llmc-prune-vocabulary="tokens=%t.bad" 2>&1 | FileCheck %s --check-prefix=BAD
// RUN: not llmc-opt %s --split-input-file -llmc-prune-vocabulary="tokens=%t.absent" 2>&1 | FileCheck %s --check-prefix=ABSENT
// RUN: not llmc-opt %s --split-input-file -llmc-prune-vocabulary="tokens=%t.tokens also=4" 2>&1 | FileCheck %s --check-prefix=ALSO
// RUN: not llmc-opt %s --split-input-file -llmc-prune-vocabulary="multiple=0" 2>&1 | FileCheck %s --check-prefix=MULTIPLE

// ALL: remark: llmc-prune-vocabulary: the vocabulary stays as it is: all of its 4 tokens are to stay
// DATA: remark: llmc-prune-vocabulary: the vocabulary stays as it is: nothing says which tokens stay; run llmc-calibrate first, or give a file of tokens
// BAD: error: llmc-prune-vocabulary: '{{.*}}.bad': 'x3' is no id below 4
// ABSENT: error: llmc-prune-vocabulary: '{{.*}}.absent': No such file
// ALSO: error: llmc-prune-vocabulary: also: there is no token 4; there are 4
// MULTIPLE: error: llmc-prune-vocabulary: keep and unknown cannot be negative, multiple is positive

llmc.param @fine = dense<1.0> : tensor<4x4xf32>
func.func @main(%ids: tensor<?xi64> {llmc.name = "input_ids"}) -> tensor<?x4xf32> {
  %w = llmc.weight @fine : tensor<4x4xf32>
  %x = llmc.embedding %ids, %w
     : (tensor<?xi64>, tensor<4x4xf32>) -> tensor<?x4xf32>
  return %x : tensor<?x4xf32>
}

// -----

// STRICT: error: llmc-prune-vocabulary: the vocabulary stays as it is: 'llmc.softmax' op computes with the logits
// expected-remark@below {{the vocabulary stays as it is: 'llmc.softmax' op computes with the logits}}
llmc.param @tied = dense<1.0> : tensor<4x8xf32>
func.func @main(%ids: tensor<?xi64> {llmc.name = "input_ids"}) -> tensor<?x4xf32> {
  %w = llmc.weight @tied : tensor<4x8xf32>
  %x = llmc.embedding %ids, %w
     : (tensor<?xi64>, tensor<4x8xf32>) -> tensor<?x8xf32>
  %l = llmc.linear %x, %w : (tensor<?x8xf32>, tensor<4x8xf32>) -> tensor<?x4xf32>
  %s = llmc.softmax %l {axis = 1 : i64} : (tensor<?x4xf32>) -> tensor<?x4xf32>
  return %s : tensor<?x4xf32>
}

// -----

// STRICT: error: llmc-prune-vocabulary: the vocabulary stays as it is: 'llmc.abs' reads its weight too
// expected-remark@below {{the vocabulary stays as it is: 'llmc.abs' reads its weight too}}
llmc.param @read = dense<1.0> : tensor<4x8xf32>
func.func @main(%ids: tensor<?xi64> {llmc.name = "input_ids"})
    -> (tensor<?x8xf32>, tensor<4x8xf32>) {
  %w = llmc.weight @read : tensor<4x8xf32>
  %x = llmc.embedding %ids, %w
     : (tensor<?xi64>, tensor<4x8xf32>) -> tensor<?x8xf32>
  %a = llmc.abs %w : (tensor<4x8xf32>) -> tensor<4x8xf32>
  return %x, %a : tensor<?x8xf32>, tensor<4x8xf32>
}

// -----

// STRICT: error: llmc-prune-vocabulary: the vocabulary stays as it is: no embedding reads an input 'input_ids'; run llmc-lift first
// expected-remark@below {{no embedding reads an input 'input_ids'; run llmc-lift first}}
module {
  func.func @main(%ids: tensor<?xi64> {llmc.name = "tokens"}) -> tensor<?xi64> {
    return %ids : tensor<?xi64>
  }
}
