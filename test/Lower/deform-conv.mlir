// Expected values by onnx.reference.ReferenceEvaluator.
// RUN: llmc-run %s --input 'x=dense<[[[[0.0, 1.0, 2.0, 3.0], [4.0, 5.0, 6.0, 7.0], [8.0, 9.0, 10.0, 11.0], [12.0, 13.0, 14.0, 15.0]]]]> : tensor<1x1x4x4xf32>' \
// RUN:   --input 'offset=dense<[[[[0.5, 1.0, -1.0], [1.0, 0.0, 0.0], [0.5, -0.5, 1.0]], [[-1.0, -0.5, -0.5], [0.0, 0.0, -1.0], [-1.0, -1.0, -1.0]], [[-1.0, 1.0, -1.0], [0.5, 0.5, -0.5], [-0.5, 0.0, -0.5]], [[1.0, -1.0, 1.0], [0.5, 1.0, -1.0], [-0.5, 0.5, 0.0]], [[0.5, 0.5, 0.5], [-1.0, 1.0, 0.0], [1.0, -0.5, -0.5]], [[1.0, -1.0, -1.0], [-0.5, 0.5, -1.0], [1.0, -0.5, -0.5]], [[0.0, 1.0, 1.0], [1.0, -0.5, -1.0], [0.5, 0.5, 0.5]], [[-1.0, -1.0, 0.0], [-0.5, 0.0, 1.0], [-0.5, 0.0, -0.5]]]]> : tensor<1x8x3x3xf32>' | FileCheck %s

func.func @main(%x: tensor<1x1x4x4xf32> {llmc.name = "x"},
                %offset: tensor<1x8x3x3xf32> {llmc.name = "offset"})
    -> (tensor<1x2x3x3xf32> {llmc.name = "plain"},
        tensor<1x2x3x3xf32> {llmc.name = "masked"}) {
  %w = llmc.constant dense<[[[[1.0, 2.0], [3.0, 4.0]]], [[[0.0, -1.0], [1.0, 0.0]]]]> : tensor<2x1x2x2xf32>
  %b = llmc.constant dense<[1.0, -1.0]> : tensor<2xf32>
  %m = llmc.constant dense<[[[[0.25, 1.0, 0.0], [0.25, 0.0, 0.0], [0.25, 0.75, 0.5]], [[0.5, 0.0, 0.75], [0.75, 0.25, 0.0], [0.25, 0.0, 0.75]], [[0.5, 0.5, 0.25], [0.5, 1.0, 0.25], [0.75, 0.0, 0.25]], [[1.0, 1.0, 0.0], [1.0, 1.0, 0.5], [0.25, 1.0, 1.0]]]]> : tensor<1x4x3x3xf32>
  // CHECK: plain: dense<{{\[\[\[}}[3.700000e+01, 6.850000e+01, 6.500000e+01], [7.900000e+01, 9.550000e+01, 4.000000e+01], [3.800000e+01, 8.650000e+01, 9.450000e+01]], {{\[}}[7.000000e+00, 1.000000e+00, 7.000000e+00], [-5.500000e+00, 4.500000e+00, 5.000000e+00], [-6.500000e+00, {{-?}}0.000000e+00, 2.500000e+00]]]]>
  %r0 = llmc.deform_conv %x, %w, %offset {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0>, strides = array<i64: 1, 1>,
      pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1, offset_group = 1}
     : (tensor<1x1x4x4xf32>, tensor<2x1x2x2xf32>, tensor<1x8x3x3xf32>) -> tensor<1x2x3x3xf32>
  // CHECK: masked: dense<{{\[\[\[}}[2.750000e+01, 5.050000e+01, 6.250000e+00], [6.725000e+01, 7.800000e+01, 7.750000e+00], [1.050000e+01, 3.350000e+01, 5.862500e+01]], {{\[}}[2.500000e+00, 2.000000e+00, 7.500000e-01], [-5.625000e+00, 1.025000e+01, 1.250000e+00], [-2.625000e+00, -1.000000e+00, -4.875000e+00]]]]>
  %r1 = llmc.deform_conv %x, %w, %offset, %b, %m {operandSegmentSizes = array<i32: 1, 1, 1, 1, 1>, strides = array<i64: 1, 1>,
      pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1, offset_group = 1}
     : (tensor<1x1x4x4xf32>, tensor<2x1x2x2xf32>, tensor<1x8x3x3xf32>, tensor<2xf32>, tensor<1x4x3x3xf32>) -> tensor<1x2x3x3xf32>
  return %r0, %r1
    : tensor<1x2x3x3xf32>,
      tensor<1x2x3x3xf32>
}
