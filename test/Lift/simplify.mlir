// RUN: llmc-opt %s --llmc-simplify | FileCheck %s

// CHECK-LABEL: func.func @no_ops
// CHECK-SAME: (%[[X:[^:]*]]: tensor<?x?x8xf32> {llmc.dims = ["b", "s", ""]}
// CHECK-NEXT: %[[N:.*]] = llmc.neg %[[X]]
// CHECK-NEXT: return %[[N]]
func.func @no_ops(%x: tensor<?x?x8xf32> {llmc.dims = ["b", "s", ""]},
                  %z: tensor<?x?xi64> {llmc.dims = ["b", "s"]})
    -> tensor<?x?x8xf32> {
  %shape = llmc.shape %z {start = 0 : i64, end = 2 : i64}
     : (tensor<?x?xi64>) -> tensor<2xi64>
  %eight = llmc.constant dense<8> : tensor<1xi64>
  %full = llmc.concat %shape, %eight {axis = 0 : i64}
     : (tensor<2xi64>, tensor<1xi64>) -> tensor<3xi64>
  %e = llmc.expand %x, %full
     : (tensor<?x?x8xf32>, tensor<3xi64>) -> tensor<?x?x8xf32>
  %r = llmc.reshape %e, %full
     : (tensor<?x?x8xf32>, tensor<3xi64>) -> tensor<?x?x8xf32>
  %c = llmc.cast %r {to = f32} : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  %wide = llmc.cast %c {to = f64} : (tensor<?x?x8xf32>) -> tensor<?x?x8xf64>
  %back = llmc.cast %wide {to = f32} : (tensor<?x?x8xf64>) -> tensor<?x?x8xf32>
  %zero = llmc.constant dense<0> : tensor<1xi64>
  %max = llmc.constant dense<9223372036854775807> : tensor<1xi64>
  %one = llmc.constant dense<1> : tensor<1xi64>
  %s = llmc.slice %back, %zero, %max, %one {axes = array<i64: 1>}
     : (tensor<?x?x8xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>)
     -> tensor<?x?x8xf32>
  %f1 = llmc.constant dense<1.0> : tensor<f32>
  %m = llmc.mul %f1, %s : (tensor<f32>, tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  %d = llmc.div %m, %f1 : (tensor<?x?x8xf32>, tensor<f32>) -> tensor<?x?x8xf32>
  %t = llmc.transpose %d {perm = array<i64: 1, 0, 2>}
     : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  %t2 = llmc.transpose %t {perm = array<i64: 1, 0, 2>}
     : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  %u = llmc.unsqueeze %t2 {axes = array<i64: 1>}
     : (tensor<?x?x8xf32>) -> tensor<?x1x?x8xf32>
  %q = llmc.squeeze %u {axes = array<i64: 1>}
     : (tensor<?x1x?x8xf32>) -> tensor<?x?x8xf32>
  %cc = llmc.concat %q {axis = 0 : i64}
     : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  %n = llmc.neg %cc : (tensor<?x?x8xf32>) -> tensor<?x?x8xf32>
  return %n : tensor<?x?x8xf32>
}

// torch transposes keys by way of a batch of matrices.
// CHECK-LABEL: func.func @merged_transpose
// CHECK-SAME: (%[[X:[^:]*]]:
// CHECK-NEXT: %[[Y:.*]] = llmc.transpose %[[X]] {perm = array<i64: 0, 1, 3, 2>}
// CHECK-NEXT: return %[[Y]]
func.func @merged_transpose(%x: tensor<?x4x?x16xf32>) -> tensor<?x4x16x?xf32> {
  %minus = llmc.constant dense<-1> : tensor<1xi64>
  %head = llmc.shape %x {start = 0 : i64, end = 2 : i64}
     : (tensor<?x4x?x16xf32>) -> tensor<2xi64>
  %t = llmc.shape %x {start = 2 : i64, end = 3 : i64}
     : (tensor<?x4x?x16xf32>) -> tensor<1xi64>
  %d = llmc.shape %x {start = 3 : i64, end = 4 : i64}
     : (tensor<?x4x?x16xf32>) -> tensor<1xi64>
  %s1 = llmc.concat %minus, %t, %d {axis = 0 : i64}
     : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<3xi64>
  %r = llmc.reshape %x, %s1
     : (tensor<?x4x?x16xf32>, tensor<3xi64>) -> tensor<?x?x16xf32>
  %p = llmc.transpose %r {perm = array<i64: 0, 2, 1>}
     : (tensor<?x?x16xf32>) -> tensor<?x16x?xf32>
  %s2 = llmc.concat %head, %d, %t {axis = 0 : i64}
     : (tensor<2xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<4xi64>
  %y = llmc.reshape %p, %s2
     : (tensor<?x16x?xf32>, tensor<4xi64>) -> tensor<?x4x16x?xf32>
  return %y : tensor<?x4x16x?xf32>
}

// CHECK-LABEL: func.func @merged_reshapes
// CHECK: llmc.reshape %arg0
// CHECK-NOT: llmc.reshape
func.func @merged_reshapes(%x: tensor<?x16xf32>) -> tensor<?x2x8xf32> {
  %a = llmc.constant dense<[-1, 4, 4]> : tensor<3xi64>
  %b = llmc.constant dense<[-1, 2, 8]> : tensor<3xi64>
  %r = llmc.reshape %x, %a
     : (tensor<?x16xf32>, tensor<3xi64>) -> tensor<?x4x4xf32>
  %y = llmc.reshape %r, %b
     : (tensor<?x4x4xf32>, tensor<3xi64>) -> tensor<?x2x8xf32>
  return %y : tensor<?x2x8xf32>
}

// What may change a value or a shape stays: narrowing casts, a neutral element
// that broadcasts, x + 0.0 (which is not -0.0), a target that copies.
// CHECK-LABEL: func.func @kept
// CHECK: llmc.cast
// CHECK: llmc.cast
// CHECK: llmc.mul
// CHECK: llmc.add
// CHECK: llmc.reshape
// CHECK: llmc.reshape
func.func @kept(%x: tensor<8xf32>, %z: tensor<?x16xf32>)
    -> (tensor<8xf32>, tensor<1x8xf32>, tensor<8xf32>, tensor<?x4x4xf32>) {
  %h = llmc.cast %x {to = f16} : (tensor<8xf32>) -> tensor<8xf16>
  %f = llmc.cast %h {to = f32} : (tensor<8xf16>) -> tensor<8xf32>
  %ones = llmc.constant dense<1.0> : tensor<1x1xf32>
  %m = llmc.mul %x, %ones : (tensor<8xf32>, tensor<1x1xf32>) -> tensor<1x8xf32>
  %zero = llmc.constant dense<0.0> : tensor<f32>
  %a = llmc.add %x, %zero : (tensor<8xf32>, tensor<f32>) -> tensor<8xf32>
  %s1 = llmc.constant dense<[2, -1, 4]> : tensor<3xi64>
  %s2 = llmc.constant dense<[-1, 4, 0]> : tensor<3xi64>
  %r1 = llmc.reshape %z, %s1
     : (tensor<?x16xf32>, tensor<3xi64>) -> tensor<2x?x4xf32>
  %r2 = llmc.reshape %r1, %s2
     : (tensor<2x?x4xf32>, tensor<3xi64>) -> tensor<?x4x4xf32>
  return %f, %m, %a, %r2 : tensor<8xf32>, tensor<1x8xf32>, tensor<8xf32>,
      tensor<?x4x4xf32>
}
