// RUN: llmc-opt %s --llmc-infer-shapes | FileCheck %s

// The exporter's own shape arithmetic gives the reshape its dimensions.
// CHECK-LABEL: func.func @main
// CHECK-SAME: -> (tensor<?x?x4x16xf32> {llmc.name = "y"})
func.func @main(%x: tensor<?x?x64xf32> {llmc.dims = ["batch", "seq", ""]})
    -> (tensor<?x?x?x?xf32> {llmc.name = "y"}) {
  %s = llmc.shape %x {start = 0 : i64, end = 2 : i64}
     : (tensor<?x?x64xf32>) -> tensor<2xi64>
  %t = llmc.constant dense<[-1, 16]> : tensor<2xi64>
  %c = llmc.concat %s, %t {axis = 0 : i64}
     : (tensor<2xi64>, tensor<2xi64>) -> tensor<4xi64>
  // CHECK: llmc.reshape {{.*}} -> tensor<?x?x4x16xf32>
  %y = llmc.reshape %x, %c {allowzero}
     : (tensor<?x?x64xf32>, tensor<4xi64>) -> tensor<?x?x?x?xf32>
  return %y : tensor<?x?x?x?xf32>
}

// Sums of sizes are the same in whatever order they were computed: the
// difference of the two lengths folds to 0, so the slice is empty.
// CHECK-LABEL: func.func @sums
func.func @sums(%past: tensor<?x4xf32> {llmc.dims = ["past", ""]},
                %new: tensor<?x4xf32> {llmc.dims = ["seq", ""]},
                %other: tensor<?x4xf32> {llmc.dims = ["seq", ""]})
    -> tensor<?x4xf32> {
  %a = llmc.concat %past, %new {axis = 0 : i64}
     : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %n = llmc.shape %other {start = 0 : i64, end = 1 : i64}
     : (tensor<?x4xf32>) -> tensor<1xi64>
  %p = llmc.shape %past {start = 0 : i64, end = 1 : i64}
     : (tensor<?x4xf32>) -> tensor<1xi64>
  %l = llmc.add %n, %p : (tensor<1xi64>, tensor<1xi64>) -> tensor<1xi64>
  %la = llmc.shape %a {start = 0 : i64, end = 1 : i64}
     : (tensor<?x4xf32>) -> tensor<1xi64>
  %zero = llmc.sub %la, %l : (tensor<1xi64>, tensor<1xi64>) -> tensor<1xi64>
  %start = llmc.constant dense<0> : tensor<1xi64>
  %step = llmc.constant dense<1> : tensor<1xi64>
  // CHECK: llmc.slice {{.*}} -> tensor<0x4xf32>
  %y = llmc.slice %a, %start, %zero, %step {axes = array<i64: 0>}
     : (tensor<?x4xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>)
     -> tensor<?x4xf32>
  return %y : tensor<?x4xf32>
}

// A declared type may say more than inference knows.
// CHECK-LABEL: func.func @declared
// CHECK: llmc.onnx {{.*}} -> tensor<2x8xf32>
// CHECK: llmc.neg {{.*}} -> tensor<2x8xf32>
func.func @declared(%x: tensor<?xf32>) -> tensor<?x8xf32> {
  %y = llmc.onnx "com.example" : "Magic" version 1 (%x)
    {node_attributes = {}, present = array<i1: true>}
    : (tensor<?xf32>) -> tensor<2x8xf32>
  %z = llmc.neg %y : (tensor<2x8xf32>) -> tensor<?x8xf32>
  return %z : tensor<?x8xf32>
}

// A function that is called keeps its type; so do ops of other dialects.
// CHECK-LABEL: func.func private @callee
// CHECK-SAME: -> tensor<?xf32>
// CHECK: %[[Y:.*]] = llmc.neg {{.*}} -> tensor<4xf32>
// CHECK: %[[C:.*]] = tensor.cast %[[Y]] : tensor<4xf32> to tensor<?xf32>
// CHECK: return %[[C]] : tensor<?xf32>
func.func private @callee(%x: tensor<4xf32>) -> tensor<?xf32> {
  %y = llmc.neg %x : (tensor<4xf32>) -> tensor<?xf32>
  return %y : tensor<?xf32>
}
// CHECK-LABEL: func.func @caller
func.func @caller(%x: tensor<4xf32>) -> tensor<?xf32> {
  %y = func.call @callee(%x) : (tensor<4xf32>) -> tensor<?xf32>
  return %y : tensor<?xf32>
}

// Dimensions in which both branches agree are known after them.
// CHECK-LABEL: func.func @branches
// CHECK-SAME: -> tensor<?x4xf32>
func.func @branches(%c: i1, %x: tensor<?x4xf32>, %z: tensor<2x4xf32>)
    -> tensor<?x?xf32> {
  // CHECK: scf.if %{{.*}} -> (tensor<?x4xf32>)
  %y = scf.if %c -> tensor<?x?xf32> {
    %a = llmc.neg %x : (tensor<?x4xf32>) -> tensor<?x?xf32>
    scf.yield %a : tensor<?x?xf32>
  } else {
    %b = llmc.neg %z : (tensor<2x4xf32>) -> tensor<?x?xf32>
    scf.yield %b : tensor<?x?xf32>
  }
  %w = llmc.abs %y : (tensor<?x?xf32>) -> tensor<?x?xf32>
  return %w : tensor<?x?xf32>
}

// What a loop carries may change its size in every iteration.
// CHECK-LABEL: func.func @loop
// CHECK: scf.while {{.*}} : (tensor<?xf32>) -> tensor<?xf32>
func.func @loop(%x: tensor<4xf32>, %c: i1) -> tensor<?xf32> {
  %x0 = tensor.cast %x : tensor<4xf32> to tensor<?xf32>
  %y = scf.while (%a = %x0) : (tensor<?xf32>) -> tensor<?xf32> {
    scf.condition(%c) %a : tensor<?xf32>
  } do {
  ^bb0(%b: tensor<?xf32>):
    %d = llmc.concat %b, %b {axis = 0 : i64}
       : (tensor<?xf32>, tensor<?xf32>) -> tensor<?xf32>
    scf.yield %d : tensor<?xf32>
  }
  return %y : tensor<?xf32>
}

// A prefix of a table is as long as the sequence it is added to, whichever of
// the two is asked for more. A prefix of one element may broadcast, and one of
// another size says nothing of this one.
// CHECK-LABEL: func.func @prefixes
func.func @prefixes(%x: tensor<?x6xf32> {llmc.dims = ["s", ""]},
                    %table: tensor<128x6xf32>, %one: tensor<1x6xf32>,
                    %other: tensor<?x6xf32> {llmc.dims = ["t", ""]}) {
  %0 = llmc.constant dense<0> : tensor<1xi64>
  %1 = llmc.constant dense<1> : tensor<1xi64>
  %n = llmc.constant dense<8> : tensor<1xi64>
  %m1 = llmc.constant dense<-1> : tensor<1xi64>
  %s = llmc.shape %x {start = 0 : i64, end = 1 : i64} : (tensor<?x6xf32>) -> tensor<1xi64>
  %rest = llmc.concat %s, %m1 {axis = 0 : i64} : (tensor<1xi64>, tensor<1xi64>) -> tensor<2xi64>
  %p = llmc.slice %table, %0, %s, %1 {axes = array<i64: 0>}
     : (tensor<128x6xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x6xf32>
  %a = llmc.add %x, %p : (tensor<?x6xf32>, tensor<?x6xf32>) -> tensor<?x6xf32>
  // CHECK: llmc.reshape {{.*}} -> tensor<?x6xf32>
  %ra = llmc.reshape %a, %rest : (tensor<?x6xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  %b = llmc.add %p, %x : (tensor<?x6xf32>, tensor<?x6xf32>) -> tensor<?x6xf32>
  // CHECK: llmc.reshape {{.*}} -> tensor<?x6xf32>
  %rb = llmc.reshape %b, %rest : (tensor<?x6xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  // The first 8 rows of a sequence.
  %f = llmc.slice %x, %0, %n, %1 {axes = array<i64: 0>}
     : (tensor<?x6xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x6xf32>
  %c = llmc.add %f, %x : (tensor<?x6xf32>, tensor<?x6xf32>) -> tensor<?x6xf32>
  // CHECK: llmc.reshape {{.*}} -> tensor<?x6xf32>
  %rc = llmc.reshape %c, %rest : (tensor<?x6xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  %p1 = llmc.slice %one, %0, %s, %1 {axes = array<i64: 0>}
     : (tensor<1x6xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x6xf32>
  // CHECK: llmc.reshape {{.*}} -> tensor<?x?xf32>
  %r1 = llmc.reshape %p1, %rest : (tensor<?x6xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  %d = llmc.add %p, %other : (tensor<?x6xf32>, tensor<?x6xf32>) -> tensor<?x6xf32>
  // CHECK: llmc.reshape {{.*}} -> tensor<?x?xf32>
  %rd = llmc.reshape %d, %rest : (tensor<?x6xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return
}
