// RUN: llmc-opt %s --llmc-lower-to-linalg | FileCheck %s

// Splitting and merging heads is a view, which nothing at run time checks.
// CHECK-LABEL: func.func @main
// CHECK-NOT: llmc_report_error
// CHECK: tensor.expand_shape %{{.*}} {{\[}}[0], [1], [2, 3]] output_shape [%{{.*}}, %{{.*}}, 3, 64] : tensor<?x?x192xf32> into tensor<?x?x3x64xf32>
// CHECK: tensor.collapse_shape %{{.*}} {{\[}}[0], [1], [2, 3]] : tensor<?x?x3x64xf32> into tensor<?x?x192xf32>
// CHECK: tensor.collapse_shape %{{.*}} {{\[}}[0], [1], [2, 3]] : tensor<?x?x2x64xf32> into tensor<?x?x128xf32>
// CHECK: tensor.expand_shape %{{.*}} {{\[}}[0], [1], [2, 3]] output_shape [%{{.*}}, %{{.*}}, 4, 32] : tensor<?x?x128xf32> into tensor<?x?x4x32xf32>
func.func @main(%x: tensor<?x?x192xf32> {llmc.name = "x"}, %z: tensor<?x?x2x64xf32> {llmc.name = "z"})
    -> (tensor<?x?x192xf32> {llmc.name = "y"}, tensor<?x?x4x32xf32> {llmc.name = "w"}) {
  %heads = llmc.constant dense<[0, 0, 3, 64]> : tensor<4xi64>
  %flat = llmc.constant dense<[0, 0, 192]> : tensor<3xi64>
  %other = llmc.constant dense<[0, 0, 4, 32]> : tensor<4xi64>
  %0 = llmc.reshape %x, %heads : (tensor<?x?x192xf32>, tensor<4xi64>) -> tensor<?x?x3x64xf32>
  %1 = llmc.neg %0 : (tensor<?x?x3x64xf32>) -> tensor<?x?x3x64xf32>
  %2 = llmc.reshape %1, %flat : (tensor<?x?x3x64xf32>, tensor<3xi64>) -> tensor<?x?x192xf32>
  %3 = llmc.reshape %z, %other : (tensor<?x?x2x64xf32>, tensor<4xi64>) -> tensor<?x?x4x32xf32>
  return %2, %3 : tensor<?x?x192xf32>, tensor<?x?x4x32xf32>
}
