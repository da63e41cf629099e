// RUN: llmc-opt %s --llmc-lower-to-portable 2>%t | FileCheck %s --implicit-check-not='llmc.'
// RUN: FileCheck %s --check-prefix=REMARK < %t
// RUN: llmc-opt %s '--llmc-lower-to-portable=drop-asserts' 2>%t | FileCheck %s --check-prefix=DROPPED --implicit-check-not=cf.assert
// RUN: FileCheck %s --check-prefix=ALL < %t

// Parameters are constants, those of sub-byte types in bytes.
llmc.param @w = dense<[[1.0, 2.0], [3.0, 4.0]]> : tensor<2x2xf32>
llmc.param @q = dense<[1, 2, 3, 4]> : tensor<4xi4>
llmc.param @b = dense<[true, false]> : tensor<2xi1>

// REMARK: remark: run-time checks left out: 1 (indices are clamped, but not reported)
// REMARK-NOT: see current operation
// ALL: remark: run-time checks left out: 3{{$}}

// CHECK-LABEL: func.func @main(
// CHECK-SAME: %[[X:.*]]: tensor<?x2xf32>, %[[I:.*]]: tensor<?xi64>) -> (tensor<?x2xf32>, tensor<?x2xf32>, tensor<4xi8>, tensor<2xi1>, tensor<?xf32>) {
// CHECK-DAG: arith.constant dense<{{\[}}[1.000000e+00, 2.000000e+00], [3.000000e+00, 4.000000e+00]]> : tensor<2x2xf32>
// CHECK-DAG: arith.constant dense_resource<q> : tensor<2xi8>
// CHECK-DAG: arith.constant dense_resource<b> : tensor<2xi8>
// CHECK-DAG: arith.trunci {{.*}} : tensor<2xi8> to tensor<2xi1>
func.func @main(%x: tensor<?x2xf32> {llmc.name = "x", llmc.dims = ["n", ""]},
                %i: tensor<?xi64> {llmc.name = "i"})
    -> (tensor<?x2xf32> {llmc.name = "y"}, tensor<?x2xf32>, tensor<4xi8>,
        tensor<2xi1>, tensor<?xf32>) {
  %w = llmc.weight @w : tensor<2x2xf32>
  // CHECK: linalg.generic
  // CHECK-NOT: scf.if
  // CHECK: tensor.extract
  %g = llmc.gather %w, %i {axis = 0}
     : (tensor<2x2xf32>, tensor<?xi64>) -> tensor<?x2xf32>
  // The sizes of %x and %i must agree, or one be 1.
  // CHECK: cf.assert %{{.*}}, "llmc: sizes do not fit"
  // DROPPED: linalg.generic
  %y = llmc.add %x, %g
     : (tensor<?x2xf32>, tensor<?x2xf32>) -> tensor<?x2xf32>
  %q = llmc.weight @q : tensor<4xi4>
  %v = llmc.cast %q {to = i8} : (tensor<4xi4>) -> tensor<4xi8>
  %b = llmc.weight @b : tensor<2xi1>
  // CHECK-NOT: tensor.reshape
  // CHECK: tensor.collapse_shape {{.*}} {{\[\[}}0, 1]] : tensor<?x2xf32> into tensor<?xf32>
  %flat = llmc.constant dense<-1> : tensor<1xi64>
  %f = llmc.reshape %y, %flat
     : (tensor<?x2xf32>, tensor<1xi64>) -> tensor<?xf32>
  return %y, %g, %v, %b, %f
    : tensor<?x2xf32>, tensor<?x2xf32>, tensor<4xi8>, tensor<2xi1>,
      tensor<?xf32>
}
