// RUN: llmc-run %s --input 'x=dense<[[[[1.0, 2.0], [3.0, 4.0]]]]> : tensor<1x1x2x2xf32>' | FileCheck %s

func.func @main(%x: tensor<?x1x?x2xf32> {llmc.name = "x"})
    -> (tensor<?x1x?x5xf32> {llmc.name = "strided"}, tensor<?x2x4xf32> {llmc.name = "grouped"},
        tensor<1x1x2xf32> {llmc.name = "cut"}) {
  // CHECK: strided: dense<{{\[}}[{{\[}}[1.000000e+02, 1.000000e+03, 2.000000e+02, 2.000000e+03, 0.000000e+00],
  // CHECK-SAME: [3.000000e+00, 3.000000e+01, 4.000000e+00, 4.000000e+01, 0.000000e+00],
  // CHECK-SAME: [3.000000e+02, 3.000000e+03, 4.000000e+02, 4.000000e+03, 0.000000e+00]]]]>
  %w0 = llmc.constant dense<[[[[1.0, 10.0], [100.0, 1000.0]]]]> : tensor<1x1x2x2xf32>
  %0 = llmc.conv_transpose %x, %w0 {strides = array<i64: 2, 2>, pads = array<i64: 1, 0, 0, 0>,
      dilations = array<i64: 1, 1>, output_padding = array<i64: 0, 1>, group = 1}
     : (tensor<?x1x?x2xf32>, tensor<1x1x2x2xf32>) -> tensor<?x1x?x5xf32>
  // CHECK: grouped: dense<{{\[}}[{{\[}}1.000000e+00, 2.000000e+00, 2.000000e+00, 4.000000e+00],
  // CHECK-SAME: [9.000000e+00, 1.200000e+01, 1.200000e+01, 1.600000e+01]]]>
  %y = llmc.squeeze %x {axes = array<i64: 1>} : (tensor<?x1x?x2xf32>) -> tensor<?x?x2xf32>
  %w1 = llmc.constant dense<[[[1.0, 2.0]], [[3.0, 4.0]]]> : tensor<2x1x2xf32>
  %1 = llmc.conv_transpose %y, %w1 {strides = array<i64: 1>, pads = array<i64: 0, 0>,
      dilations = array<i64: 2>, output_padding = array<i64: 0>, group = 2}
     : (tensor<?x?x2xf32>, tensor<2x1x2xf32>) -> tensor<?x2x4xf32>
  // Pads larger than the kernel drop operand elements: the whole result is
  // [1, 1, 2, 2, 3, 3, 4, 4].
  // CHECK: cut: dense<{{\[}}[{{\[}}2.000000e+00, 3.000000e+00]]]>
  %z = llmc.constant dense<[[[1.0, 2.0, 3.0, 4.0]]]> : tensor<1x1x4xf32>
  %w2 = llmc.constant dense<1.0> : tensor<1x1x2xf32>
  %2 = llmc.conv_transpose %z, %w2 {strides = array<i64: 2>, pads = array<i64: 3, 3>,
      dilations = array<i64: 1>, output_padding = array<i64: 0>, group = 1}
     : (tensor<1x1x4xf32>, tensor<1x1x2xf32>) -> tensor<1x1x2xf32>
  return %0, %1, %2 : tensor<?x1x?x5xf32>, tensor<?x2x4xf32>, tensor<1x1x2xf32>
}
