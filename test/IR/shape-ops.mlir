// RUN: llmc-opt %s | llmc-opt | FileCheck %s

// CHECK-LABEL: @move
func.func @move(%x: tensor<2x?x6xf32>, %i: tensor<?x2xi32>) {
  // CHECK: llmc.shape %{{.*}} {end = 3 : i64, start = 1 : i64} {{.*}} -> tensor<2xi64>
  %0 = llmc.shape %x {start = 1, end = 3} : (tensor<2x?x6xf32>) -> tensor<2xi64>
  // CHECK: llmc.transpose {{.*}} -> tensor<6x2x?xf32>
  %1 = llmc.transpose %x {perm = array<i64: 2, 0, 1>}
     : (tensor<2x?x6xf32>) -> tensor<6x2x?xf32>
  // CHECK: llmc.unsqueeze {{.*}} -> tensor<1x2x?x6x1xf32>
  %2 = llmc.unsqueeze %x {axes = array<i64: 0, 4>}
     : (tensor<2x?x6xf32>) -> tensor<1x2x?x6x1xf32>
  // CHECK: llmc.squeeze {{.*}} -> tensor<2x?x6xf32>
  %3 = llmc.squeeze %2 {axes = array<i64: 0, 4>}
     : (tensor<1x2x?x6x1xf32>) -> tensor<2x?x6xf32>
  // CHECK: llmc.concat {{.*}} {axis = 2 : i64} {{.*}} -> tensor<2x?x12xf32>
  %4 = llmc.concat %x, %x {axis = 2}
     : (tensor<2x?x6xf32>, tensor<2x?x6xf32>) -> tensor<2x?x12xf32>
  // CHECK: llmc.gather {{.*}} {axis = 1 : i64} {{.*}} -> tensor<2x?x2x6xf32>
  %5 = llmc.gather %x, %i {axis = 1}
     : (tensor<2x?x6xf32>, tensor<?x2xi32>) -> tensor<2x?x2x6xf32>
  return
}

// The elements of shape vectors are followed.
// CHECK-LABEL: @shape_arithmetic
func.func @shape_arithmetic(%x: tensor<2x?x6xf32>) {
  %from = llmc.constant dense<0> : tensor<1xi64>
  %to = llmc.constant dense<-5> : tensor<1xi64>
  %last = llmc.constant dense<9223372036854775807> : tensor<1xi64>
  %step = llmc.constant dense<1> : tensor<1xi64>
  %two = llmc.constant dense<2> : tensor<1xi64>
  %end = llmc.constant dense<[2, -1]> : tensor<2xi64>
  %s = llmc.shape %x {start = 0, end = 2} : (tensor<2x?x6xf32>) -> tensor<2xi64>
  %t = llmc.concat %s, %end {axis = 0} : (tensor<2xi64>, tensor<2xi64>) -> tensor<4xi64>
  // CHECK: llmc.reshape {{.*}} -> tensor<2x?x2x3xf32>
  %0 = llmc.reshape %x, %t : (tensor<2x?x6xf32>, tensor<4xi64>) -> tensor<2x?x2x3xf32>
  // CHECK: llmc.reshape {{.*}} {allowzero}
  %1 = llmc.reshape %x, %t {allowzero}
     : (tensor<2x?x6xf32>, tensor<4xi64>) -> tensor<2x?x2x3xf32>
  // CHECK: llmc.expand {{.*}} -> tensor<2x?x6xf32>
  %2 = llmc.shape %x {start = 0, end = 3} : (tensor<2x?x6xf32>) -> tensor<3xi64>
  %3 = llmc.slice %x, %from, %to, %step {axes = array<i64: 2>}
     : (tensor<2x?x6xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>)
    -> tensor<2x?x1xf32>
  %4 = llmc.expand %3, %2 : (tensor<2x?x1xf32>, tensor<3xi64>) -> tensor<2x?x6xf32>
  // CHECK: llmc.slice {{.*}} -> tensor<2x?x3xf32>
  %5 = llmc.slice %x, %from, %last, %two {axes = array<i64: 2>}
     : (tensor<2x?x6xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>)
    -> tensor<2x?x3xf32>
  return
}
