// RUN: llmc-run %s --input 'x=dense<[[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0], [7.0, 8.0, 9.0]]]]> : tensor<1x1x3x3xf32>' \
// RUN:   --input 'i=dense<0> : tensor<2xi64>' | FileCheck %s
// RUN: not llmc-run %s --input 'x=dense<1.0> : tensor<1x1x3x3xf32>' \
// RUN:   --input 'i=dense<[0, 1]> : tensor<2xi64>' 2>&1 | FileCheck %s --check-prefix=RANGE

func.func @main(%x: tensor<?x1x?x3xf32> {llmc.name = "x"}, %i: tensor<?xi64> {llmc.name = "i"})
    -> (tensor<2x1x1x2xf32> {llmc.name = "avg"}, tensor<2x1x1x2xf32> {llmc.name = "max"}) {
  // RANGE: llmc-run: an index is outside the tensor it reads
  %rois = llmc.constant dense<[[0.0, 0.0, 2.0, 2.0], [1.0, 1.0, 3.0, 3.0]]> : tensor<2x4xf32>
  // CHECK: avg: dense<{{\[}}[{{\[}}[2.500000e+00, 3.500000e+00]]], {{\[}}{{\[}}[6.500000e+00, 7.500000e+00]]]]>
  %0 = llmc.roi_align %x, %rois, %i {output_height = 1, output_width = 2, sampling_ratio = 1}
     : (tensor<?x1x?x3xf32>, tensor<2x4xf32>, tensor<?xi64>) -> tensor<2x1x1x2xf32>
  // CHECK: max: dense<{{\[}}[{{\[}}[3.000000e+00, 3.375000e+00]]], {{\[}}{{\[}}[6.750000e+00, 9.000000e+00]]]]>
  %1 = llmc.roi_align %x, %rois, %i {output_height = 1, output_width = 2, sampling_ratio = 2,
      mode = "max", coordinate_transformation_mode = "output_half_pixel"}
     : (tensor<?x1x?x3xf32>, tensor<2x4xf32>, tensor<?xi64>) -> tensor<2x1x1x2xf32>
  return %0, %1 : tensor<2x1x1x2xf32>, tensor<2x1x1x2xf32>
}
