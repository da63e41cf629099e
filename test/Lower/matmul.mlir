// RUN: llmc-run %s --input 'x=dense<[[[1.0, 2.0]], [[3.0, 4.0]]]> : tensor<2x1x2xf32>' \
// RUN:   --input 'w=dense<[[1.0, 0.0, 2.0], [-1.0, 3.0, 0.5]]> : tensor<2x3xf32>' \
// RUN:   --input 'v=dense<[10.0, 1.0]> : tensor<2xf32>' \
// RUN:   --input 'h=dense<[[2048.0, 1.0, -2048.0]]> : tensor<1x3xf16>' | FileCheck %s

func.func @main(%x: tensor<?x1x2xf32> {llmc.name = "x"}, %w: tensor<2x3xf32> {llmc.name = "w"},
                %v: tensor<2xf32> {llmc.name = "v"}, %h: tensor<1x3xf16> {llmc.name = "h"})
    -> (tensor<?x1x3xf32> {llmc.name = "batch"}, tensor<?x1xf32> {llmc.name = "vector"},
        tensor<3xf32> {llmc.name = "row"}, tensor<f32> {llmc.name = "dot"},
        tensor<1x1xf16> {llmc.name = "half"}, tensor<?x1x2xf32> {llmc.name = "linear"}) {
  // CHECK: batch: dense<{{\[\[}}[-1.000000e+00, 6.000000e+00, 3.000000e+00]], {{\[}}[-1.000000e+00, 1.200000e+01, 8.000000e+00]]]>
  %0 = llmc.matmul %x, %w : (tensor<?x1x2xf32>, tensor<2x3xf32>) -> tensor<?x1x3xf32>
  // CHECK: vector: dense<{{\[}}[1.200000e+01], [3.400000e+01]]>
  %1 = llmc.matmul %x, %v : (tensor<?x1x2xf32>, tensor<2xf32>) -> tensor<?x1xf32>
  // CHECK: row: dense<[9.000000e+00, 3.000000e+00, 2.050000e+01]>
  %2 = llmc.matmul %v, %w : (tensor<2xf32>, tensor<2x3xf32>) -> tensor<3xf32>
  // CHECK: dot: dense<1.010000e+02>
  %3 = llmc.matmul %v, %v : (tensor<2xf32>, tensor<2xf32>) -> tensor<f32>
  // Summed in f32: 2048 + 1 is not an f16.
  // CHECK: half: dense<1.000000e+00>
  %m = llmc.constant dense<1.0> : tensor<3x1xf16>
  %4 = llmc.matmul %h, %m : (tensor<1x3xf16>, tensor<3x1xf16>) -> tensor<1x1xf16>
  // CHECK: linear: dense<{{\[\[}}[1.500000e+00, 3.000000e+00]], {{\[}}[3.500000e+00, 7.000000e+00]]]>
  %n = llmc.constant dense<[[1.0, 0.0], [-1.0, 3.0]]> : tensor<2x2xf32>
  %b = llmc.constant dense<[0.5, -2.0]> : tensor<2xf32>
  %5 = llmc.linear %x, %n, %b : (tensor<?x1x2xf32>, tensor<2x2xf32>, tensor<2xf32>) -> tensor<?x1x2xf32>
  return %0, %1, %2, %3, %4, %5
    : tensor<?x1x3xf32>, tensor<?x1xf32>, tensor<3xf32>, tensor<f32>, tensor<1x1xf16>,
      tensor<?x1x2xf32>
}
