// RUN: llmc-run %s --input 'x=dense<[[[[1, 2, 3, 4], [5, 6, 7, 8], [9, 10, 11, 12], [13, 14, 15, 16]]]]> : tensor<1x1x4x4xi32>' | FileCheck %s

// Integers exercise the same loops as floats do.
func.func @main(%x: tensor<?x1x?x4xi32> {llmc.name = "x"})
    -> (tensor<?x2x?x2xi32> {llmc.name = "strided"}, tensor<?x2x?x3xi32> {llmc.name = "dilated"},
        tensor<?x4x3xi32> {llmc.name = "depthwise"}, tensor<?x2x3xi32> {llmc.name = "grouped"},
        tensor<1x1x1x1x1xf16> {llmc.name = "half"}) {
  %b = llmc.constant dense<[10, 20]> : tensor<2xi32>
  // CHECK: strided: dense<{{\[}}[{{\[}}[0, 4], [-30, 2]], {{\[}}[23, 21], [12, 20]]]]>
  %w0 = llmc.constant dense<[[[[1, 0, -1], [2, 0, -2], [1, 0, -1]]],
                             [[[0, 1, 0], [1, -4, 1], [0, 1, 0]]]]> : tensor<2x1x3x3xi32>
  %0 = llmc.conv %x, %w0, %b {strides = array<i64: 2, 2>, pads = array<i64: 1, 1, 1, 1>,
      dilations = array<i64: 1, 1>, group = 1}
     : (tensor<?x1x?x4xi32>, tensor<2x1x3x3xi32>, tensor<2xi32>) -> tensor<?x2x?x2xi32>
  // CHECK: dilated: dense<{{\[}}[{{\[}}[10, 29, 32], [10, 41, 44]], {{\[}}[-21, -15, 30], [-33, -23, 34]]]]>
  %w1 = llmc.constant dense<[[[[1, 0], [2, 0]]], [[[0, 1], [1, -4]]]]> : tensor<2x1x2x2xi32>
  %1 = llmc.conv %x, %w1, %b {strides = array<i64: 1, 1>, pads = array<i64: 0, 1, 0, 1>,
      dilations = array<i64: 2, 3>, group = 1}
     : (tensor<?x1x?x4xi32>, tensor<2x1x2x2xi32>, tensor<2xi32>) -> tensor<?x2x?x3xi32>
  %y = llmc.squeeze %x {axes = array<i64: 1>} : (tensor<?x1x?x4xi32>) -> tensor<?x?x4xi32>
  // CHECK: depthwise: dense<{{\[}}[{{\[}}3, 5, 7], [-1, -1, -1], [18, 20, 22], [42, 45, 48]]]>
  %w2 = llmc.constant dense<[[[1, 1]], [[1, -1]], [[2, 0]], [[0, 3]]]> : tensor<4x1x2xi32>
  %2 = llmc.conv %y, %w2 {strides = array<i64: 1>, pads = array<i64: 0, 0>,
      dilations = array<i64: 1>, group = 4}
     : (tensor<?x?x4xi32>, tensor<4x1x2xi32>) -> tensor<?x4x3xi32>
  // CHECK: grouped: dense<{{\[}}[{{\[}}7, 9, 11], [-8, -8, -8]]]>
  %w3 = llmc.constant dense<[[[1, 0], [0, 1]], [[1, 1], [-1, -1]]]> : tensor<2x2x2xi32>
  %3 = llmc.conv %y, %w3 {strides = array<i64: 1>, pads = array<i64: 0, 0>,
      dilations = array<i64: 1>, group = 2}
     : (tensor<?x?x4xi32>, tensor<2x2x2xi32>) -> tensor<?x2x3xi32>
  // Products of f16 are summed in f32: 2048 + 1 + 1 - 2048.
  // CHECK: half: dense<2.000000e+00>
  %v = llmc.constant dense<[[[[[2048.0, 1.0]], [[1.0, -2048.0]]]]]> : tensor<1x1x2x1x2xf16>
  %w4 = llmc.constant dense<1.0> : tensor<1x1x2x1x2xf16>
  %4 = llmc.conv %v, %w4 {strides = array<i64: 1, 1, 1>, pads = array<i64: 0, 0, 0, 0, 0, 0>,
      dilations = array<i64: 1, 1, 1>, group = 1}
     : (tensor<1x1x2x1x2xf16>, tensor<1x1x2x1x2xf16>) -> tensor<1x1x1x1x1xf16>
  return %0, %1, %2, %3, %4 : tensor<?x2x?x2xi32>, tensor<?x2x?x3xi32>, tensor<?x4x3xi32>,
      tensor<?x2x3xi32>, tensor<1x1x1x1x1xf16>
}
