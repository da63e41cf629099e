// RUN: llmc-opt %s --llmc-lift-rope | FileCheck %s

// Llama: tables [1, seq, 16] of two equal halves, unsqueezed over the heads.
// CHECK-LABEL: func.func @llama
// CHECK-SAME: (%[[X:.*]]: tensor<?x4x?x16xf32> {{.*}}, %[[F:.*]]: tensor<1x?x8xf32>
// CHECK-NOT: llmc.concat
// CHECK-DAG: %[[COS:.*]] = llmc.cos %[[F]] : (tensor<1x?x8xf32>) -> tensor<1x?x8xf32>
// CHECK-DAG: %[[SIN:.*]] = llmc.sin %[[F]] : (tensor<1x?x8xf32>) -> tensor<1x?x8xf32>
// CHECK: %[[Y:.*]] = llmc.rope %[[X]], %[[COS]], %[[SIN]] :
// CHECK-NEXT: return %[[Y]]
func.func @llama(%x: tensor<?x4x?x16xf32> {llmc.dims = ["b", "", "s", ""]},
                 %f: tensor<1x?x8xf32> {llmc.dims = ["", "s", ""]})
    -> tensor<?x4x?x16xf32> {
  %zero = llmc.constant dense<0> : tensor<1xi64>
  %eight = llmc.constant dense<8> : tensor<1xi64>
  %max = llmc.constant dense<9223372036854775807> : tensor<1xi64>
  %one = llmc.constant dense<1> : tensor<1xi64>
  %ff = llmc.concat %f, %f {axis = 2 : i64}
     : (tensor<1x?x8xf32>, tensor<1x?x8xf32>) -> tensor<1x?x16xf32>
  %c = llmc.cos %ff : (tensor<1x?x16xf32>) -> tensor<1x?x16xf32>
  %s = llmc.sin %ff : (tensor<1x?x16xf32>) -> tensor<1x?x16xf32>
  %cu = llmc.unsqueeze %c {axes = array<i64: 1>}
     : (tensor<1x?x16xf32>) -> tensor<1x1x?x16xf32>
  %su = llmc.unsqueeze %s {axes = array<i64: 1>}
     : (tensor<1x?x16xf32>) -> tensor<1x1x?x16xf32>
  %xc = llmc.mul %x, %cu
     : (tensor<?x4x?x16xf32>, tensor<1x1x?x16xf32>) -> tensor<?x4x?x16xf32>
  %a = llmc.slice %x, %zero, %eight, %one {axes = array<i64: 3>}
     : (tensor<?x4x?x16xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>)
     -> tensor<?x4x?x8xf32>
  %b = llmc.slice %x, %eight, %max, %one {axes = array<i64: 3>}
     : (tensor<?x4x?x16xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>)
     -> tensor<?x4x?x8xf32>
  %n = llmc.neg %b : (tensor<?x4x?x8xf32>) -> tensor<?x4x?x8xf32>
  %r = llmc.concat %n, %a {axis = 3 : i64}
     : (tensor<?x4x?x8xf32>, tensor<?x4x?x8xf32>) -> tensor<?x4x?x16xf32>
  %rs = llmc.mul %su, %r
     : (tensor<1x1x?x16xf32>, tensor<?x4x?x16xf32>) -> tensor<?x4x?x16xf32>
  %y = llmc.add %rs, %xc
     : (tensor<?x4x?x16xf32>, tensor<?x4x?x16xf32>) -> tensor<?x4x?x16xf32>
  return %y : tensor<?x4x?x16xf32>
}

// GPT-NeoX rotates the first quarter of each head; here the heads come after
// the sequence, and the tables are unsqueezed there.
// CHECK-LABEL: func.func @partial_heads_last
// CHECK-SAME: (%[[X:.*]]: tensor<?x?x4x16xf32> {{.*}}, %[[F:.*]]: tensor<?x?x2xf32>
// CHECK-DAG: %[[T:.*]] = llmc.transpose %[[X]] {perm = array<i64: 0, 2, 1, 3>}
// CHECK-DAG: %[[COS:.*]] = llmc.cos %[[F]]
// CHECK-DAG: %[[SIN:.*]] = llmc.sin %[[F]]
// CHECK: %[[R:.*]] = llmc.rope %[[T]], %[[COS]], %[[SIN]] : (tensor<?x4x?x16xf32>, tensor<?x?x2xf32>, tensor<?x?x2xf32>)
// CHECK-NEXT: %[[Y:.*]] = llmc.transpose %[[R]] {perm = array<i64: 0, 2, 1, 3>}
// CHECK-NEXT: return %[[Y]]
func.func @partial_heads_last(
    %x: tensor<?x?x4x16xf32> {llmc.dims = ["b", "s", "", ""]},
    %f: tensor<?x?x2xf32> {llmc.dims = ["b", "s", ""]})
    -> tensor<?x?x4x16xf32> {
  %zero = llmc.constant dense<0> : tensor<1xi64>
  %two = llmc.constant dense<2> : tensor<1xi64>
  %four = llmc.constant dense<4> : tensor<1xi64>
  %max = llmc.constant dense<9223372036854775807> : tensor<1xi64>
  %one = llmc.constant dense<1> : tensor<1xi64>
  %ff = llmc.concat %f, %f {axis = 2 : i64}
     : (tensor<?x?x2xf32>, tensor<?x?x2xf32>) -> tensor<?x?x4xf32>
  %c = llmc.cos %ff : (tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
  %s = llmc.sin %ff : (tensor<?x?x4xf32>) -> tensor<?x?x4xf32>
  %cu = llmc.unsqueeze %c {axes = array<i64: 2>}
     : (tensor<?x?x4xf32>) -> tensor<?x?x1x4xf32>
  %su = llmc.unsqueeze %s {axes = array<i64: 2>}
     : (tensor<?x?x4xf32>) -> tensor<?x?x1x4xf32>
  %front = llmc.slice %x, %zero, %four, %one {axes = array<i64: 3>}
     : (tensor<?x?x4x16xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>)
     -> tensor<?x?x4x4xf32>
  %rest = llmc.slice %x, %four, %max, %one {axes = array<i64: 3>}
     : (tensor<?x?x4x16xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>)
     -> tensor<?x?x4x12xf32>
  %xc = llmc.mul %front, %cu
     : (tensor<?x?x4x4xf32>, tensor<?x?x1x4xf32>) -> tensor<?x?x4x4xf32>
  %a = llmc.slice %front, %zero, %two, %one {axes = array<i64: 3>}
     : (tensor<?x?x4x4xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>)
     -> tensor<?x?x4x2xf32>
  %b = llmc.slice %front, %two, %max, %one {axes = array<i64: 3>}
     : (tensor<?x?x4x4xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>)
     -> tensor<?x?x4x2xf32>
  %n = llmc.neg %b : (tensor<?x?x4x2xf32>) -> tensor<?x?x4x2xf32>
  %r = llmc.concat %n, %a {axis = 3 : i64}
     : (tensor<?x?x4x2xf32>, tensor<?x?x4x2xf32>) -> tensor<?x?x4x4xf32>
  %rs = llmc.mul %r, %su
     : (tensor<?x?x4x4xf32>, tensor<?x?x1x4xf32>) -> tensor<?x?x4x4xf32>
  %rot = llmc.add %xc, %rs
     : (tensor<?x?x4x4xf32>, tensor<?x?x4x4xf32>) -> tensor<?x?x4x4xf32>
  %y = llmc.concat %rot, %rest {axis = 3 : i64}
     : (tensor<?x?x4x4xf32>, tensor<?x?x4x12xf32>) -> tensor<?x?x4x16xf32>
  return %y : tensor<?x?x4x16xf32>
}

// Tables whose halves may differ are not what the op takes.
// CHECK-LABEL: func.func @unequal_halves
// CHECK-NOT: llmc.rope
func.func @unequal_halves(%x: tensor<?x4x?x4xf32>, %c: tensor<1x1x1x4xf32>,
                          %s: tensor<1x1x1x4xf32>) -> tensor<?x4x?x4xf32> {
  %zero = llmc.constant dense<0> : tensor<1xi64>
  %two = llmc.constant dense<2> : tensor<1xi64>
  %max = llmc.constant dense<9223372036854775807> : tensor<1xi64>
  %one = llmc.constant dense<1> : tensor<1xi64>
  %xc = llmc.mul %x, %c
     : (tensor<?x4x?x4xf32>, tensor<1x1x1x4xf32>) -> tensor<?x4x?x4xf32>
  %a = llmc.slice %x, %zero, %two, %one {axes = array<i64: 3>}
     : (tensor<?x4x?x4xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>)
     -> tensor<?x4x?x2xf32>
  %b = llmc.slice %x, %two, %max, %one {axes = array<i64: 3>}
     : (tensor<?x4x?x4xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>)
     -> tensor<?x4x?x2xf32>
  %n = llmc.neg %b : (tensor<?x4x?x2xf32>) -> tensor<?x4x?x2xf32>
  %r = llmc.concat %n, %a {axis = 3 : i64}
     : (tensor<?x4x?x2xf32>, tensor<?x4x?x2xf32>) -> tensor<?x4x?x4xf32>
  %rs = llmc.mul %r, %s
     : (tensor<?x4x?x4xf32>, tensor<1x1x1x4xf32>) -> tensor<?x4x?x4xf32>
  %y = llmc.add %xc, %rs
     : (tensor<?x4x?x4xf32>, tensor<?x4x?x4xf32>) -> tensor<?x4x?x4xf32>
  return %y : tensor<?x4x?x4xf32>
}
