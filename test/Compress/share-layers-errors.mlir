// RUN: %python %S/../Inputs/make_statistics.py %t.safetensors up1,other=8
// RUN: llmc-opt %s -verify-diagnostics -llmc-read-statistics=file=%t.safetensors -llmc-share-layers="rank=1 skip=^head" -o /dev/null
// RUN: not llmc-opt %s -llmc-read-statistics=file=%t.safetensors -llmc-share-layers="rank=1 skip=^head strict" 2>&1 | FileCheck %s --check-prefix=STRICT
// RUN: %python %S/../Inputs/make_statistics.py %t.both up0,up1=8
// RUN: not llmc-opt %s -llmc-read-statistics=file=%t.both -llmc-share-layers="rank=6 skip=^[^u] strict" 2>&1 | FileCheck %s --check-prefix=LARGE
// RUN: not llmc-opt %s -llmc-share-layers 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not llmc-opt %s -llmc-share-layers="rank=4 ratio=0.5" 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not llmc-opt %s -llmc-share-layers="method=mean ratio=0.5" 2>&1 | FileCheck %s --check-prefix=METHOD
// RUN: not llmc-opt %s -llmc-share-layers="rank=-1" 2>&1 | FileCheck %s --check-prefix=RANK
// RUN: not llmc-opt %s -llmc-share-layers="ratio=1" 2>&1 | FileCheck %s --check-prefix=RATIO
// RUN: not llmc-opt %s -llmc-share-layers="rank=1 group=1" 2>&1 | FileCheck %s --check-prefix=GROUP
// RUN: not llmc-opt %s -llmc-share-layers="rank=1 damping=-1" 2>&1 | FileCheck %s --check-prefix=DAMPING
// RUN: not llmc-opt %s -llmc-share-layers="rank=1 skip=(" 2>&1 | FileCheck %s --check-prefix=SKIP
// RUN: %python %S/../Inputs/samples.py %t.samples ids=int64:3,5
// RUN: not llmc-opt %s -pass-pipeline='builtin.module(llmc-calibrate{inputs=%t.samples then={llmc-share-layers{rank=1}}})' 2>&1 | FileCheck %s --check-prefix=THEN

// NONE: error: llmc-share-layers: a basis needs one of rank and ratio
// METHOD: error: llmc-share-layers: rank and ratio go with method=basis
// RANK: error: llmc-share-layers: rank is -1; it must be positive
// RATIO: error: llmc-share-layers: ratio is 1.000000e+00; it must be above 0 and below 1
// GROUP: error: llmc-share-layers: group is 1; it must be at least 2
// DAMPING: error: llmc-share-layers: damping is -1.000000e+00; it must not be negative
// SKIP: error: llmc-share-layers: skip is not a regular expression
// THEN: error: llmc-share-layers: a block alone has no neighbours; run it behind llmc-calibrate, not in `then`

llmc.param @embed = dense<1.0> : tensor<16x8xf32>

// STRICT: error: 'up0' is not shared: no statistics of its input; run llmc-calibrate first
// LARGE: error: 'up0' is not shared: the 2 weights of its group have 128 numbers, and a basis of rank 6 with its factors 144; the largest rank for them is 5
// expected-remark@below {{'up0' is not shared: no statistics of its input; run llmc-calibrate first}}
llmc.param @up0 = dense<1.0> : tensor<8x8xf32>

// STRICT: error: 'up1' is not shared: no other layer of its group of 2 has its like
// LARGE: error: 'up1' is not shared: the 2 weights of its group have 128 numbers
// expected-remark@below {{'up1' is not shared: no other layer of its group of 2 has its like}}
llmc.param @up1 = dense<1.0> : tensor<8x8xf32>

// STRICT: error: 'other' is not shared: several blocks read it
// expected-remark@below {{'other' is not shared: several blocks read it}}
llmc.param @other = dense<1.0> : tensor<8x8xf32>
llmc.param @head = dense<1.0> : tensor<16x8xf32>

func.func @main(%ids: tensor<?x?xi64> {llmc.name = "ids", llmc.dims = ["b", "s"]}) -> tensor<?x?x16xf32> {
  %e = llmc.weight @embed : tensor<16x8xf32>
  %o = llmc.weight @other : tensor<8x8xf32>
  %u0 = llmc.weight @up0 : tensor<8x8xf32>
  %u1 = llmc.weight @up1 : tensor<8x8xf32>
  %h = llmc.weight @head : tensor<16x8xf32>
  %x = llmc.embedding %ids, %e : (tensor<?x?xi64>, tensor<16x8xf32>) -> tensor<?x?x8xf32>
  %a = llmc.linear %x, %o : (tensor<?x?x8xf32>, tensor<8x8xf32>) -> tensor<?x?x8xf32>
  %b = llmc.linear %a, %o : (tensor<?x?x8xf32>, tensor<8x8xf32>) -> tensor<?x?x8xf32>
  %c = llmc.linear %b, %u0 : (tensor<?x?x8xf32>, tensor<8x8xf32>) -> tensor<?x?x8xf32>
  %d = llmc.linear %c, %u1 : (tensor<?x?x8xf32>, tensor<8x8xf32>) -> tensor<?x?x8xf32>
  %y = llmc.linear %d, %h : (tensor<?x?x8xf32>, tensor<16x8xf32>) -> tensor<?x?x16xf32>
  return %y : tensor<?x?x16xf32>
}
