// Expected values by numpy: the range, extended to hold 0, is that of ui8.
// RUN: llmc-run %s --input 'x=dense<[[-51.0, 0.0], [204.0, 1.5]]> : tensor<2x2xf32>' | FileCheck %s

func.func @main(%x: tensor<?x2xf32> {llmc.name = "x"})
    -> (tensor<?x2xui8> {llmc.name = "x"}, tensor<f32> {llmc.name = "x_scale"}, tensor<ui8> {llmc.name = "x_zero"},
        tensor<2xui8> {llmc.name = "positive"}, tensor<f32> {llmc.name = "positive_scale"}, tensor<ui8> {llmc.name = "positive_zero"},
        tensor<2xui8> {llmc.name = "zeros"}, tensor<f32> {llmc.name = "zeros_scale"}, tensor<ui8> {llmc.name = "zeros_zero"}) {
  // CHECK: x: dense<{{\[}}[0, 51], [255, 53]]>
  // CHECK: x_scale: dense<1.000000e+00>
  // CHECK: x_zero: dense<51>
  %0:3 = llmc.dynamic_quantize_linear %x : (tensor<?x2xf32>) -> (tensor<?x2xui8>, tensor<f32>, tensor<ui8>)
  %positive = llmc.constant dense<[51.0, 255.0]> : tensor<2xf32>
  // CHECK: positive: dense<[51, 255]>
  // CHECK: positive_scale: dense<1.000000e+00>
  // CHECK: positive_zero: dense<0>
  %1:3 = llmc.dynamic_quantize_linear %positive : (tensor<2xf32>) -> (tensor<2xui8>, tensor<f32>, tensor<ui8>)
  %zeros = llmc.constant dense<[0.0, 0.0]> : tensor<2xf32>
  // CHECK: zeros: dense<0>
  // CHECK: zeros_scale: dense<1.000000e+00>
  // CHECK: zeros_zero: dense<0>
  %2:3 = llmc.dynamic_quantize_linear %zeros : (tensor<2xf32>) -> (tensor<2xui8>, tensor<f32>, tensor<ui8>)
  return %0#0, %0#1, %0#2, %1#0, %1#1, %1#2, %2#0, %2#1, %2#2
    : tensor<?x2xui8>, tensor<f32>, tensor<ui8>, tensor<2xui8>, tensor<f32>, tensor<ui8>, tensor<2xui8>, tensor<f32>, tensor<ui8>
}
