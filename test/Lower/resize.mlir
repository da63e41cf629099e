// Expected values by onnx.reference.ReferenceEvaluator.
// RUN: llmc-run %s --input 'x=dense<[[[[0.0, 8.0, 16.0, 24.0], [32.0, 40.0, 64.0, 56.0], [8.0, 0.0, 24.0, 96.0], [16.0, 72.0, 48.0, 4.0]]]]> : tensor<1x1x4x4xf32>' | FileCheck %s

func.func @main(%x: tensor<1x1x?x?xf32> {llmc.name = "x"})
    -> (tensor<1x1x?x?xf32> {llmc.name = "round_prefer_floor"},
        tensor<1x1x?x?xf32> {llmc.name = "round_prefer_ceil"},
        tensor<1x1x?x?xf32> {llmc.name = "floor"},
        tensor<1x1x?x?xf32> {llmc.name = "ceil"},
        tensor<1x1x5x6xf32> {llmc.name = "up"},
        tensor<1x1x?x?xf32> {llmc.name = "half_pixel"},
        tensor<1x1x?x?xf32> {llmc.name = "half_pixel_symmetric"},
        tensor<1x1x1x3xf32> {llmc.name = "pytorch_half_pixel"},
        tensor<1x1x3x7xf32> {llmc.name = "align_corners"},
        tensor<1x1x2x8xf32> {llmc.name = "asymmetric"},
        tensor<1x1x2x2xf32> {llmc.name = "crop"},
        tensor<1x1x2x8xf32> {llmc.name = "cubic"},
        tensor<1x1x2x2xf32> {llmc.name = "cubic_a"},
        tensor<1x1x2x8xf32> {llmc.name = "exclude_outside"},
        tensor<1x1x2x3xf32> {llmc.name = "antialias"},
        tensor<1x1x2x2xf32> {llmc.name = "antialias_cubic"},
        tensor<1x1x?x?xf32> {llmc.name = "not_larger"},
        tensor<1x1x?x?xf32> {llmc.name = "not_smaller"}) {
  %s0 = llmc.constant dense<[0.625, 0.625]> : tensor<2xf32>
  // CHECK: round_prefer_floor: dense<{{\[\[\[}}[{{-?}}0.000000e+00, 1.600000e+01], [8.000000e+00, 2.400000e+01]]]]>
  %r0 = llmc.resize %x scales %s0 {axes = array<i64: 2, 3>, nearest_mode = "round_prefer_floor", coordinate_transformation_mode = "asymmetric"}
     : (tensor<1x1x?x?xf32>, tensor<2xf32>) -> tensor<1x1x?x?xf32>
  %s1 = llmc.constant dense<[0.625, 0.625]> : tensor<2xf32>
  // CHECK: round_prefer_ceil: dense<{{\[\[\[}}[{{-?}}0.000000e+00, 1.600000e+01], [8.000000e+00, 2.400000e+01]]]]>
  %r1 = llmc.resize %x scales %s1 {axes = array<i64: 2, 3>, nearest_mode = "round_prefer_ceil", coordinate_transformation_mode = "asymmetric"}
     : (tensor<1x1x?x?xf32>, tensor<2xf32>) -> tensor<1x1x?x?xf32>
  %s2 = llmc.constant dense<[0.625, 0.625]> : tensor<2xf32>
  // CHECK: floor: dense<{{\[\[\[}}[{{-?}}0.000000e+00, 8.000000e+00], [3.200000e+01, 4.000000e+01]]]]>
  %r2 = llmc.resize %x scales %s2 {axes = array<i64: 2, 3>, nearest_mode = "floor", coordinate_transformation_mode = "asymmetric"}
     : (tensor<1x1x?x?xf32>, tensor<2xf32>) -> tensor<1x1x?x?xf32>
  %s3 = llmc.constant dense<[0.625, 0.625]> : tensor<2xf32>
  // CHECK: ceil: dense<{{\[\[\[}}[{{-?}}0.000000e+00, 1.600000e+01], [8.000000e+00, 2.400000e+01]]]]>
  %r3 = llmc.resize %x scales %s3 {axes = array<i64: 2, 3>, nearest_mode = "ceil", coordinate_transformation_mode = "asymmetric"}
     : (tensor<1x1x?x?xf32>, tensor<2xf32>) -> tensor<1x1x?x?xf32>
  %n4 = llmc.constant dense<[5, 6]> : tensor<2xi64>
  // CHECK: up: dense<{{\[\[\[}}[{{-?}}0.000000e+00, {{-?}}0.000000e+00, 8.000000e+00, 1.600000e+01, 1.600000e+01, 2.400000e+01], [3.200000e+01, 3.200000e+01, 4.000000e+01, 6.400000e+01, 6.400000e+01, 5.600000e+01], [3.200000e+01, 3.200000e+01, 4.000000e+01, 6.400000e+01, 6.400000e+01, 5.600000e+01], [8.000000e+00, 8.000000e+00, {{-?}}0.000000e+00, 2.400000e+01, 2.400000e+01, 9.600000e+01], [1.600000e+01, 1.600000e+01, 7.200000e+01, 4.800000e+01, 4.800000e+01, 4.000000e+00]]]]>
  %r4 = llmc.resize %x sizes %n4 {axes = array<i64: 2, 3>}
     : (tensor<1x1x?x?xf32>, tensor<2xi64>) -> tensor<1x1x5x6xf32>
  %s5 = llmc.constant dense<[0.5, 1.5]> : tensor<2xf32>
  // CHECK: half_pixel: dense<{{\[\[\[}}[1.600000e+01, 2.000000e+01, {{(2\.6666[0-9]*e\+01|26\.666[0-9]*)}}, {{(3\.7333[0-9]*e\+01|37\.333[0-9]*)}}, 4.000000e+01, 4.000000e+01], [1.200000e+01, 2.400000e+01, 3.600000e+01, 3.600000e+01, 4.300000e+01, 5.000000e+01]]]]>
  %r5 = llmc.resize %x scales %s5 {axes = array<i64: 2, 3>, mode = "linear"}
     : (tensor<1x1x?x?xf32>, tensor<2xf32>) -> tensor<1x1x?x?xf32>
  %s6 = llmc.constant dense<[0.625, 0.625]> : tensor<2xf32>
  // CHECK: half_pixel_symmetric: dense<{{\[\[\[}}[2.800000e+01, {{(4\.86[0-9]*e\+01|48\.6[0-9]*)}}], [{{(1\.82[0-9]*e\+01|18\.2[0-9]*)}}, {{(4\.23[0-9]*e\+01|42\.3[0-9]*)}}]]]]>
  %r6 = llmc.resize %x scales %s6 {axes = array<i64: 2, 3>, mode = "linear", coordinate_transformation_mode = "half_pixel_symmetric"}
     : (tensor<1x1x?x?xf32>, tensor<2xf32>) -> tensor<1x1x?x?xf32>
  %n7 = llmc.constant dense<[1, 3]> : tensor<2xi64>
  // CHECK: pytorch_half_pixel: dense<{{\[\[\[}}[{{(1\.3333[0-9]*e\+00|1\.3333[0-9]*)}}, 1.200000e+01, {{(2\.2666[0-9]*e\+01|22\.666[0-9]*)}}]]]]>
  %r7 = llmc.resize %x sizes %n7 {axes = array<i64: 2, 3>, mode = "linear", coordinate_transformation_mode = "pytorch_half_pixel"}
     : (tensor<1x1x?x?xf32>, tensor<2xi64>) -> tensor<1x1x1x3xf32>
  %n8 = llmc.constant dense<[3, 7]> : tensor<2xi64>
  // CHECK: align_corners: dense<{{\[\[\[}}[{{-?}}0.000000e+00, 4.000000e+00, 8.000000e+00, 1.200000e+01, 1.600000e+01, 2.000000e+01, 2.400000e+01], [2.000000e+01, 2.000000e+01, 2.000000e+01, 3.200000e+01, 4.400000e+01, 6.000000e+01, 7.600000e+01], [1.600000e+01, 4.400000e+01, 7.200000e+01, 6.000000e+01, 4.800000e+01, 2.600000e+01, 4.000000e+00]]]]>
  %r8 = llmc.resize %x sizes %n8 {axes = array<i64: 2, 3>, mode = "linear", coordinate_transformation_mode = "align_corners"}
     : (tensor<1x1x?x?xf32>, tensor<2xi64>) -> tensor<1x1x3x7xf32>
  %n9 = llmc.constant dense<[2, 8]> : tensor<2xi64>
  // CHECK: asymmetric: dense<{{\[\[\[}}[{{-?}}0.000000e+00, 4.000000e+00, 8.000000e+00, 1.200000e+01, 1.600000e+01, 2.000000e+01, 2.400000e+01, 2.400000e+01], [8.000000e+00, 4.000000e+00, {{-?}}0.000000e+00, 1.200000e+01, 2.400000e+01, 6.000000e+01, 9.600000e+01, 9.600000e+01]]]]>
  %r9 = llmc.resize %x sizes %n9 {axes = array<i64: 2, 3>, mode = "linear", coordinate_transformation_mode = "asymmetric"}
     : (tensor<1x1x?x?xf32>, tensor<2xi64>) -> tensor<1x1x2x8xf32>
  %roi10 = llmc.constant dense<[0.25, 0.0, 1.5, 0.5]> : tensor<4xf32>
  %n10 = llmc.constant dense<[2, 2]> : tensor<2xi64>
  // CHECK: crop: dense<{{\[\[\[}}[2.400000e+01, 4.200000e+01], [-1.000000e+00, -1.000000e+00]]]]>
  %r10 = llmc.resize %x roi %roi10 sizes %n10 {axes = array<i64: 2, 3>, mode = "linear", coordinate_transformation_mode = "tf_crop_and_resize", extrapolation_value = -1.0 : f32}
     : (tensor<1x1x?x?xf32>, tensor<4xf32>, tensor<2xi64>) -> tensor<1x1x2x2xf32>
  %n11 = llmc.constant dense<[2, 8]> : tensor<2xi64>
  // CHECK: cubic: dense<{{\[\[\[}}[{{(1\.7248[0-9]*e\+01|17\.248[0-9]*)}}, {{(1\.9839[0-9]*e\+01|19\.839[0-9]*)}}, {{(2\.3910[0-9]*e\+01|23\.910[0-9]*)}}, {{(3\.2640[0-9]*e\+01|32\.640[0-9]*)}}, 4.125000e+01, {{(4\.3738[0-9]*e\+01|43\.738[0-9]*)}}, {{(3\.8511[0-9]*e\+01|38\.511[0-9]*)}}, {{(3\.545[0-9]*e\+01|35\.45[0-9]*)}}], [{{(7\.3769[0-9]*e\+00|7\.3769[0-9]*)}}, {{(1\.4847[0-9]*e\+01|14\.847[0-9]*)}}, {{(2\.7152[0-9]*e\+01|27\.152[0-9]*)}}, {{(3\.3867[0-9]*e\+01|33\.867[0-9]*)}}, {{(3\.0773[0-9]*e\+01|30\.773[0-9]*)}}, {{(3\.7121[0-9]*e\+01|37\.121[0-9]*)}}, {{(4\.8878[0-9]*e\+01|48\.878[0-9]*)}}, {{(5\.6017[0-9]*e\+01|56\.017[0-9]*)}}]]]]>
  %r11 = llmc.resize %x sizes %n11 {axes = array<i64: 2, 3>, mode = "cubic"}
     : (tensor<1x1x?x?xf32>, tensor<2xi64>) -> tensor<1x1x2x8xf32>
  %n12 = llmc.constant dense<[2, 2]> : tensor<2xi64>
  // CHECK: cubic_a: dense<{{\[\[\[}}[2.100000e+01, 4.100000e+01], [2.200000e+01, 4.300000e+01]]]]>
  %r12 = llmc.resize %x sizes %n12 {axes = array<i64: 2, 3>, mode = "cubic", cubic_coeff_a = -0.5 : f32}
     : (tensor<1x1x?x?xf32>, tensor<2xi64>) -> tensor<1x1x2x2xf32>
  %n13 = llmc.constant dense<[2, 8]> : tensor<2xi64>
  // CHECK: exclude_outside: dense<{{\[\[\[}}[{{(1\.5407[0-9]*e\+01|15\.407[0-9]*)}}, {{(1\.8119[0-9]*e\+01|18\.119[0-9]*)}}, {{(2\.2127[0-9]*e\+01|22\.127[0-9]*)}}, {{(3\.0732[0-9]*e\+01|30\.732[0-9]*)}}, {{(3\.8882[0-9]*e\+01|38\.882[0-9]*)}}, {{(4\.1371[0-9]*e\+01|41\.371[0-9]*)}}, {{(3\.6951[0-9]*e\+01|36\.951[0-9]*)}}, {{(3\.4358[0-9]*e\+01|34\.358[0-9]*)}}], [{{(6\.8259[0-9]*e\+00|6\.8259[0-9]*)}}, {{(1\.5550[0-9]*e\+01|15\.550[0-9]*)}}, {{(2\.9452[0-9]*e\+01|29\.452[0-9]*)}}, {{(3\.7308[0-9]*e\+01|37\.308[0-9]*)}}, {{(3\.3282[0-9]*e\+01|33\.282[0-9]*)}}, {{(3\.7406[0-9]*e\+01|37\.406[0-9]*)}}, {{(4\.6164[0-9]*e\+01|46\.164[0-9]*)}}, {{(5\.1651[0-9]*e\+01|51\.651[0-9]*)}}]]]]>
  %r13 = llmc.resize %x sizes %n13 {axes = array<i64: 2, 3>, mode = "cubic", exclude_outside}
     : (tensor<1x1x?x?xf32>, tensor<2xi64>) -> tensor<1x1x2x8xf32>
  %n14 = llmc.constant dense<[2, 3]> : tensor<2xi64>
  // CHECK: antialias: dense<{{\[\[\[}}[{{(1\.4636[0-9]*e\+01|14\.636[0-9]*)}}, 2.700000e+01, {{(4\.2272[0-9]*e\+01|42\.272[0-9]*)}}], [{{(2\.2090[0-9]*e\+01|22\.090[0-9]*)}}, 4.100000e+01, {{(4\.3909[0-9]*e\+01|43\.909[0-9]*)}}]]]]>
  %r14 = llmc.resize %x sizes %n14 {axes = array<i64: 2, 3>, mode = "linear", antialias}
     : (tensor<1x1x?x?xf32>, tensor<2xi64>) -> tensor<1x1x2x3xf32>
  %n15 = llmc.constant dense<[2, 2]> : tensor<2xi64>
  // CHECK: antialias_cubic: dense<{{\[\[\[}}[{{(1\.5509[0-9]*e\+01|15\.509[0-9]*)}}, {{(4\.1395[0-9]*e\+01|41\.395[0-9]*)}}], [{{(2\.7690[0-9]*e\+01|27\.690[0-9]*)}}, 4.750000e+01]]]]>
  %r15 = llmc.resize %x sizes %n15 {axes = array<i64: 2, 3>, mode = "cubic", antialias}
     : (tensor<1x1x?x?xf32>, tensor<2xi64>) -> tensor<1x1x2x2xf32>
  %n16 = llmc.constant dense<[2, 3]> : tensor<2xi64>
  // CHECK: not_larger: dense<{{\[\[\[}}[2.000000e+01, 4.000000e+01], [2.400000e+01, 4.300000e+01]]]]>
  %r16 = llmc.resize %x sizes %n16 {axes = array<i64: 2, 3>, mode = "linear", keep_aspect_ratio_policy = "not_larger"}
     : (tensor<1x1x?x?xf32>, tensor<2xi64>) -> tensor<1x1x?x?xf32>
  %n17 = llmc.constant dense<[2, 3]> : tensor<2xi64>
  // CHECK: not_smaller: dense<{{\[\[\[}}[{{(6\.6666[0-9]*e\+00|6\.6666[0-9]*)}}, {{(1\.8666[0-9]*e\+01|18\.666[0-9]*)}}, {{(2\.8444[0-9]*e\+01|28\.444[0-9]*)}}], [2.000000e+01, 3.200000e+01, {{(7\.0666[0-9]*e\+01|70\.666[0-9]*)}}], [{{(2\.2222[0-9]*e\+01|22\.222[0-9]*)}}, 5.200000e+01, {{(2\.3444[0-9]*e\+01|23\.444[0-9]*)}}]]]]>
  %r17 = llmc.resize %x sizes %n17 {axes = array<i64: 2, 3>, mode = "linear", keep_aspect_ratio_policy = "not_smaller"}
     : (tensor<1x1x?x?xf32>, tensor<2xi64>) -> tensor<1x1x?x?xf32>
  return %r0, %r1, %r2, %r3, %r4, %r5, %r6, %r7, %r8, %r9, %r10, %r11, %r12, %r13, %r14, %r15, %r16, %r17
    : tensor<1x1x?x?xf32>,
      tensor<1x1x?x?xf32>,
      tensor<1x1x?x?xf32>,
      tensor<1x1x?x?xf32>,
      tensor<1x1x5x6xf32>,
      tensor<1x1x?x?xf32>,
      tensor<1x1x?x?xf32>,
      tensor<1x1x1x3xf32>,
      tensor<1x1x3x7xf32>,
      tensor<1x1x2x8xf32>,
      tensor<1x1x2x2xf32>,
      tensor<1x1x2x8xf32>,
      tensor<1x1x2x2xf32>,
      tensor<1x1x2x8xf32>,
      tensor<1x1x2x3xf32>,
      tensor<1x1x2x2xf32>,
      tensor<1x1x?x?xf32>,
      tensor<1x1x?x?xf32>
}
