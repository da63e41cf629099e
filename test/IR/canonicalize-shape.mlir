// What moves elements of small constants.
// RUN: llmc-opt %s --canonicalize | FileCheck %s

// CHECK-LABEL: @shape
func.func @shape(%x: tensor<2x?x6xf32>) -> (tensor<1xi64>, tensor<2xi64>, tensor<0xi64>) {
  // CHECK-DAG: %[[SIX:.*]] = llmc.constant dense<6> : tensor<1xi64>
  %0 = llmc.shape %x {start = 2, end = 3} : (tensor<2x?x6xf32>) -> tensor<1xi64>
  // CHECK-DAG: %[[DYNAMIC:.*]] = llmc.shape %{{.*}} {end = 3 : i64, start = 1 : i64}
  %1 = llmc.shape %x {start = 1, end = 3} : (tensor<2x?x6xf32>) -> tensor<2xi64>
  // CHECK-DAG: %[[NONE:.*]] = llmc.constant dense<> : tensor<0xi64>
  %2 = llmc.shape %x {start = 1, end = 1} : (tensor<2x?x6xf32>) -> tensor<0xi64>
  // CHECK: return %[[SIX]], %[[DYNAMIC]], %[[NONE]]
  return %0, %1, %2 : tensor<1xi64>, tensor<2xi64>, tensor<0xi64>
}

// CHECK-LABEL: @moves
func.func @moves(%s: tensor<2xi64>) -> (tensor<3x2xi8>, tensor<2x3xi8>, tensor<1x2x3xi8>, tensor<6xi8>, tensor<2x2x3xi8>,
                                        tensor<2x5xi8>, tensor<f16>) {
  %x = llmc.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi8>
  // The declared shape says what the operand holds.
  // CHECK-DAG: %[[RESHAPE:.*]] = llmc.constant dense<{{\[}}[1, 2], [3, 4], [5, 6]]> : tensor<3x2xi8>
  %0 = llmc.reshape %x, %s : (tensor<2x3xi8>, tensor<2xi64>) -> tensor<3x2xi8>
  // CHECK-DAG: %[[TRANSPOSE:.*]] = llmc.constant dense<{{\[}}[1, 3, 5], [2, 4, 6]]> : tensor<2x3xi8>
  %1 = llmc.transpose %0 {perm = array<i64: 1, 0>} : (tensor<3x2xi8>) -> tensor<2x3xi8>
  // CHECK-DAG: %[[UNSQUEEZE:.*]] = llmc.constant dense<{{\[\[}}[1, 2, 3], [4, 5, 6]]]> : tensor<1x2x3xi8>
  %2 = llmc.unsqueeze %x {axes = array<i64: 0>} : (tensor<2x3xi8>) -> tensor<1x2x3xi8>
  // CHECK-DAG: %[[FLAT:.*]] = llmc.constant dense<[1, 2, 3, 4, 5, 6]> : tensor<6xi8>
  %flat = llmc.constant dense<[[1, 2, 3, 4, 5, 6]]> : tensor<1x6xi8>
  %3 = llmc.squeeze %flat {axes = array<i64: 0>} : (tensor<1x6xi8>) -> tensor<6xi8>
  // CHECK-DAG: %[[EXPAND:.*]] = llmc.constant dense<{{\[\[}}[1, 2, 3], [4, 5, 6]], {{\[}}[1, 2, 3], [4, 5, 6]]]> : tensor<2x2x3xi8>
  %t = llmc.constant dense<[2, 1, 1]> : tensor<3xi64>
  %4 = llmc.expand %x, %t : (tensor<2x3xi8>, tensor<3xi64>) -> tensor<2x2x3xi8>
  // CHECK-DAG: %[[CONCAT:.*]] = llmc.constant dense<{{\[}}[1, 2, 3, 7, 8], [4, 5, 6, 9, 10]]> : tensor<2x5xi8>
  %y = llmc.constant dense<[[7, 8], [9, 10]]> : tensor<2x2xi8>
  %5 = llmc.concat %x, %y {axis = 1} : (tensor<2x3xi8>, tensor<2x2xi8>) -> tensor<2x5xi8>
  // CHECK-DAG: %[[SCALAR:.*]] = llmc.constant dense<1.500000e+00> : tensor<f16>
  %h = llmc.constant dense<1.5> : tensor<1xf16>
  %6 = llmc.squeeze %h {axes = array<i64: 0>} : (tensor<1xf16>) -> tensor<f16>
  // CHECK: return %[[RESHAPE]], %[[TRANSPOSE]], %[[UNSQUEEZE]], %[[FLAT]], %[[EXPAND]], %[[CONCAT]], %[[SCALAR]]
  return %0, %1, %2, %3, %4, %5, %6 : tensor<3x2xi8>, tensor<2x3xi8>, tensor<1x2x3xi8>, tensor<6xi8>, tensor<2x2x3xi8>,
    tensor<2x5xi8>, tensor<f16>
}

// Python's [1:9], [::-1], [-2:], [4:1:-2] and [::2**63 - 1] of [0, 1, 2, 3, 4].
// CHECK-LABEL: @slices
func.func @slices() -> (tensor<4xi32>, tensor<5xi32>, tensor<2xi32>, tensor<2xi32>, tensor<1xi32>, tensor<1x2xi8>, tensor<0xi32>) {
  %x = llmc.constant dense<[0, 1, 2, 3, 4]> : tensor<5xi32>
  %m9 = llmc.constant dense<-9223372036854775808> : tensor<1xi64>
  %9 = llmc.constant dense<9223372036854775807> : tensor<1xi64>
  %m1 = llmc.constant dense<-1> : tensor<1xi64>
  %m2 = llmc.constant dense<-2> : tensor<1xi64>
  %0 = llmc.constant dense<0> : tensor<1xi64>
  %1 = llmc.constant dense<1> : tensor<1xi64>
  %4 = llmc.constant dense<4> : tensor<1xi64>
  // CHECK-DAG: %[[A:.*]] = llmc.constant dense<[1, 2, 3, 4]> : tensor<4xi32>
  %a = llmc.slice %x, %1, %9, %1 {axes = array<i64: 0>}
     : (tensor<5xi32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<4xi32>
  // CHECK-DAG: %[[B:.*]] = llmc.constant dense<[4, 3, 2, 1, 0]> : tensor<5xi32>
  %b = llmc.slice %x, %m1, %m9, %m1 {axes = array<i64: 0>}
     : (tensor<5xi32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<5xi32>
  // CHECK-DAG: %[[C:.*]] = llmc.constant dense<[3, 4]> : tensor<2xi32>
  %c = llmc.slice %x, %m2, %9, %1 {axes = array<i64: 0>}
     : (tensor<5xi32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<2xi32>
  // CHECK-DAG: %[[D:.*]] = llmc.constant dense<[4, 2]> : tensor<2xi32>
  %d = llmc.slice %x, %4, %1, %m2 {axes = array<i64: 0>}
     : (tensor<5xi32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<2xi32>
  // CHECK-DAG: %[[E:.*]] = llmc.constant dense<0> : tensor<1xi32>
  %e = llmc.slice %x, %0, %9, %9 {axes = array<i64: 0>}
     : (tensor<5xi32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<1xi32>
  %y = llmc.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi8>
  %starts = llmc.constant dense<[2, 1]> : tensor<2xi64>
  %ends = llmc.constant dense<[0, 2]> : tensor<2xi64>
  %steps = llmc.constant dense<[-1, 1]> : tensor<2xi64>
  // Axis 1 is reversed from 2 to behind 0, axis 0 is its last row.
  // CHECK-DAG: %[[F:.*]] = llmc.constant dense<{{\[}}[6, 5]]> : tensor<1x2xi8>
  %f = llmc.slice %y, %starts, %ends, %steps {axes = array<i64: 1, 0>}
     : (tensor<2x3xi8>, tensor<2xi64>, tensor<2xi64>, tensor<2xi64>) -> tensor<1x2xi8>
  // CHECK-DAG: %[[G:.*]] = llmc.constant dense<> : tensor<0xi32>
  %none = llmc.constant dense<> : tensor<0xi32>
  %g = llmc.slice %none, %m1, %m9, %m1 {axes = array<i64: 0>}
     : (tensor<0xi32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<0xi32>
  // CHECK: return %[[A]], %[[B]], %[[C]], %[[D]], %[[E]], %[[F]], %[[G]]
  return %a, %b, %c, %d, %e, %f, %g : tensor<4xi32>, tensor<5xi32>, tensor<2xi32>, tensor<2xi32>, tensor<1xi32>, tensor<1x2xi8>,
    tensor<0xi32>
}

// CHECK-LABEL: @gathers
func.func @gathers() -> (tensor<2x2xf32>, tensor<3xi64>) {
  %x = llmc.constant dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>
  %i = llmc.constant dense<[2, -3]> : tensor<2xi32>
  // CHECK-DAG: %[[COLUMNS:.*]] = llmc.constant dense<{{\[}}[3.000000e+00, 1.000000e+00], [6.000000e+00, 4.000000e+00]]>
  %0 = llmc.gather %x, %i {axis = 1} : (tensor<2x3xf32>, tensor<2xi32>) -> tensor<2x2xf32>
  %y = llmc.constant dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi64>
  %row = llmc.constant dense<1> : tensor<i64>
  // CHECK-DAG: %[[ROW:.*]] = llmc.constant dense<[4, 5, 6]> : tensor<3xi64>
  %1 = llmc.gather %y, %row {axis = 0} : (tensor<2x3xi64>, tensor<i64>) -> tensor<3xi64>
  // CHECK: return %[[COLUMNS]], %[[ROW]]
  return %0, %1 : tensor<2x2xf32>, tensor<3xi64>
}

// An index outside its axis is an error at run time; more than 1024 elements
// are data; what has no constant operands stays.
// CHECK-LABEL: @kept
func.func @kept(%v: tensor<2xi64>) -> (tensor<1x2xf32>, tensor<2048xi64>, tensor<2xi64>, tensor<?xi64>) {
  %x = llmc.constant dense<[[1.0, 2.0]]> : tensor<1x2xf32>
  %i = llmc.constant dense<1> : tensor<1xi64>
  // CHECK: %[[GATHER:.*]] = llmc.gather
  %0 = llmc.gather %x, %i {axis = 0} : (tensor<1x2xf32>, tensor<1xi64>) -> tensor<1x2xf32>
  %one = llmc.constant dense<1> : tensor<i64>
  %size = llmc.constant dense<2048> : tensor<1xi64>
  // CHECK: %[[EXPAND:.*]] = llmc.expand
  %1 = llmc.expand %one, %size : (tensor<i64>, tensor<1xi64>) -> tensor<2048xi64>
  // CHECK: %[[ADD:.*]] = llmc.add
  %2 = llmc.add %v, %one : (tensor<2xi64>, tensor<i64>) -> tensor<2xi64>
  // A fold does not change types.
  // CHECK: %[[DYNAMIC:.*]] = llmc.concat
  %3 = llmc.concat %i, %i {axis = 0} : (tensor<1xi64>, tensor<1xi64>) -> tensor<?xi64>
  // CHECK: return %[[GATHER]], %[[EXPAND]], %[[ADD]], %[[DYNAMIC]]
  return %0, %1, %2, %3 : tensor<1x2xf32>, tensor<2048xi64>, tensor<2xi64>, tensor<?xi64>
}
