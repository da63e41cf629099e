// RUN: llmc-opt %s --llmc-fold-shapes | FileCheck %s

// All shape arithmetic of a reshape dies when 0 says which sizes are copied.
// CHECK-LABEL: func.func @main
// CHECK-NEXT: %[[T:.*]] = llmc.constant dense<[0, 0, 4, 16]> : tensor<4xi64>
// CHECK-NEXT: llmc.reshape %{{.*}}, %[[T]] : (tensor<?x?x64xf32>, tensor<4xi64>) -> tensor<?x?x4x16xf32>
// CHECK-NEXT: return
func.func @main(%x: tensor<?x?x64xf32> {llmc.dims = ["batch", "seq", ""]},
                %ids: tensor<?x?xi64> {llmc.dims = ["batch", "seq"]})
    -> tensor<?x?x?x?xf32> {
  %s = llmc.shape %ids {start = 0 : i64, end = 2 : i64}
     : (tensor<?x?xi64>) -> tensor<2xi64>
  %t = llmc.constant dense<[-1, 16]> : tensor<2xi64>
  %c = llmc.concat %s, %t {axis = 0 : i64}
     : (tensor<2xi64>, tensor<2xi64>) -> tensor<4xi64>
  %y = llmc.reshape %x, %c {allowzero}
     : (tensor<?x?x64xf32>, tensor<4xi64>) -> tensor<?x?x?x?xf32>
  return %y : tensor<?x?x?x?xf32>
}

// TorchScript's expand: Where(Equal(shape, -1), 1, shape). A size is never -1.
// CHECK-LABEL: func.func @torchscript_expand
// CHECK-NOT: llmc.where
// CHECK: %[[T:.*]] = llmc.constant dense<[1, 5]> : tensor<2xi64>
// CHECK: llmc.expand %{{.*}}, %[[T]]
func.func @torchscript_expand(%x: tensor<?x1xf32>) -> tensor<?x?xf32> {
  %s = llmc.shape %x {start = 0 : i64, end = 1 : i64}
     : (tensor<?x1xf32>) -> tensor<1xi64>
  %five = llmc.constant dense<5> : tensor<1xi64>
  %c = llmc.concat %s, %five {axis = 0 : i64}
     : (tensor<1xi64>, tensor<1xi64>) -> tensor<2xi64>
  %ones = llmc.constant dense<1> : tensor<2xi64>
  %minus = llmc.constant dense<-1> : tensor<i64>
  %m = llmc.mul %ones, %minus : (tensor<2xi64>, tensor<i64>) -> tensor<2xi64>
  %e = llmc.equal %c, %m : (tensor<2xi64>, tensor<2xi64>) -> tensor<2xi1>
  %w = llmc.where %e, %ones, %c
     : (tensor<2xi1>, tensor<2xi64>, tensor<2xi64>) -> tensor<2xi64>
  %y = llmc.expand %x, %w : (tensor<?x1xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

// Two inferred sizes cannot be written; the target stays computed.
// CHECK-LABEL: func.func @split_batch
// CHECK: llmc.shape
// CHECK: llmc.reshape
func.func @split_batch(%x: tensor<?x64xf32> {llmc.dims = ["rows", ""]},
                       %ids: tensor<?x?xi64> {llmc.dims = ["batch", "seq"]})
    -> tensor<?x?x64xf32> {
  %s = llmc.shape %ids {start = 0 : i64, end = 2 : i64}
     : (tensor<?x?xi64>) -> tensor<2xi64>
  %t = llmc.constant dense<64> : tensor<1xi64>
  %c = llmc.concat %s, %t {axis = 0 : i64}
     : (tensor<2xi64>, tensor<1xi64>) -> tensor<3xi64>
  %y = llmc.reshape %x, %c
     : (tensor<?x64xf32>, tensor<3xi64>) -> tensor<?x?x64xf32>
  return %y : tensor<?x?x64xf32>
}

// Copying one size and inferring another would divide by the copied one.
// CHECK-LABEL: func.func @no_inference_beside_copy
// CHECK: llmc.concat
// CHECK: llmc.reshape
func.func @no_inference_beside_copy(%x: tensor<?x?x4x16xf32>)
    -> tensor<?x?xf32> {
  %s = llmc.shape %x {start = 0 : i64, end = 1 : i64}
     : (tensor<?x?x4x16xf32>) -> tensor<1xi64>
  %l = llmc.shape %x {start = 1 : i64, end = 2 : i64}
     : (tensor<?x?x4x16xf32>) -> tensor<1xi64>
  %h = llmc.constant dense<64> : tensor<1xi64>
  %m = llmc.mul %l, %h : (tensor<1xi64>, tensor<1xi64>) -> tensor<1xi64>
  %c = llmc.concat %s, %m {axis = 0 : i64}
     : (tensor<1xi64>, tensor<1xi64>) -> tensor<2xi64>
  %y = llmc.reshape %x, %c
     : (tensor<?x?x4x16xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return %y : tensor<?x?xf32>
}

// CHECK-LABEL: func.func @elementwise
// CHECK-DAG: llmc.constant dense<[1.250000e+00, 2.500000e+00]> : tensor<2xf32>
// CHECK-DAG: llmc.constant dense<{{\[}}[false, true, true], [false, false, true]]> : tensor<2x3xi1>
// CHECK-DAG: llmc.constant dense<-2> : tensor<i8>
// CHECK-NEXT: return
func.func @elementwise()
    -> (tensor<2xf32>, tensor<2x3xi1>, tensor<i8>) {
  %a = llmc.constant dense<[5.0, 10.0]> : tensor<2xf32>
  %b = llmc.constant dense<4.0> : tensor<f32>
  %q = llmc.div %a, %b : (tensor<2xf32>, tensor<f32>) -> tensor<2xf32>
  %i = llmc.constant dense<[[0], [1]]> : tensor<2x1xi32>
  %j = llmc.constant dense<[[0, 1, 2]]> : tensor<1x3xi32>
  %l = llmc.less %i, %j
     : (tensor<2x1xi32>, tensor<1x3xi32>) -> tensor<2x3xi1>
  %n = llmc.constant dense<127> : tensor<i8>
  %s = llmc.add %n, %n : (tensor<i8>, tensor<i8>) -> tensor<i8>
  return %q, %l, %s : tensor<2xf32>, tensor<2x3xi1>, tensor<i8>
}

// CHECK-LABEL: func.func @movement
// CHECK-DAG: llmc.constant dense<{{\[}}[1, 3], [2, 4]]> : tensor<2x2xi32>
// CHECK-DAG: llmc.constant dense<{{\[}}[4, 3], [2, 1]]> : tensor<2x2xi32>
// CHECK-DAG: llmc.constant dense<{{\[}}[1, 2], [3, 4], [3, 4]]> : tensor<3x2xi32>
// CHECK-DAG: llmc.constant dense<{{\[}}[4, 6]]> : tensor<1x2xi32>
// CHECK-NEXT: return
func.func @movement() -> (tensor<2x2xi32>, tensor<2x2xi32>, tensor<3x2xi32>,
                          tensor<1x2xi32>) {
  %a = llmc.constant dense<[[1, 2], [3, 4]]> : tensor<2x2xi32>
  %t = llmc.transpose %a {perm = array<i64: 1, 0>}
     : (tensor<2x2xi32>) -> tensor<2x2xi32>
  %end = llmc.constant dense<-3> : tensor<2xi64>
  %start = llmc.constant dense<-1> : tensor<2xi64>
  %step = llmc.constant dense<-1> : tensor<2xi64>
  %r = llmc.slice %a, %start, %end, %step {axes = array<i64: 0, 1>}
     : (tensor<2x2xi32>, tensor<2xi64>, tensor<2xi64>, tensor<2xi64>)
     -> tensor<2x2xi32>
  %last = llmc.constant dense<-1> : tensor<1xi64>
  %g = llmc.gather %a, %last {axis = 0 : i64}
     : (tensor<2x2xi32>, tensor<1xi64>) -> tensor<1x2xi32>
  %c = llmc.concat %a, %g {axis = 0 : i64}
     : (tensor<2x2xi32>, tensor<1x2xi32>) -> tensor<3x2xi32>
  %s = llmc.reduce sum %a {axes = array<i64: 0>}
     : (tensor<2x2xi32>) -> tensor<1x2xi32>
  return %t, %r, %c, %s : tensor<2x2xi32>, tensor<2x2xi32>, tensor<3x2xi32>,
                          tensor<1x2xi32>
}

// What is not defined at compile time is left for run time.
// CHECK-LABEL: func.func @undefined
// CHECK: llmc.div
// CHECK: llmc.cast
// CHECK: llmc.gather
func.func @undefined() -> (tensor<2xi32>, tensor<i8>, tensor<1xf32>) {
  %a = llmc.constant dense<[1, 2]> : tensor<2xi32>
  %z = llmc.constant dense<[1, 0]> : tensor<2xi32>
  %q = llmc.div %a, %z : (tensor<2xi32>, tensor<2xi32>) -> tensor<2xi32>
  %f = llmc.constant dense<1.0e10> : tensor<f32>
  %i = llmc.cast %f {to = i8} : (tensor<f32>) -> tensor<i8>
  %x = llmc.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %at = llmc.constant dense<7> : tensor<1xi64>
  %g = llmc.gather %x, %at {axis = 0 : i64}
     : (tensor<2xf32>, tensor<1xi64>) -> tensor<1xf32>
  return %q, %i, %g : tensor<2xi32>, tensor<i8>, tensor<1xf32>
}

// CHECK-LABEL: func.func @taken_branch
// CHECK-NOT: scf.if
// CHECK: llmc.neg
// CHECK-NOT: llmc.abs
func.func @taken_branch(%x: tensor<4xf32>) -> tensor<?xf32> {
  %flag = llmc.constant dense<true> : tensor<1xi1>
  %zero = arith.constant 0 : index
  %c = tensor.extract %flag[%zero] : tensor<1xi1>
  %y = scf.if %c -> tensor<?xf32> {
    %a = llmc.neg %x : (tensor<4xf32>) -> tensor<?xf32>
    scf.yield %a : tensor<?xf32>
  } else {
    %b = llmc.abs %x : (tensor<4xf32>) -> tensor<?xf32>
    scf.yield %b : tensor<?xf32>
  }
  return %y : tensor<?xf32>
}

// Parameters are not constants, however small.
llmc.param @p = dense<1.0> : tensor<2xf32>
// CHECK-LABEL: func.func @params
// CHECK: llmc.weight
// CHECK: llmc.neg
func.func @params() -> tensor<2xf32> {
  %w = llmc.weight @p : tensor<2xf32>
  %n = llmc.neg %w : (tensor<2xf32>) -> tensor<2xf32>
  return %n : tensor<2xf32>
}
