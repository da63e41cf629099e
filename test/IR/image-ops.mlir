// RUN: llmc-opt %s | llmc-opt | FileCheck %s
// RUN: llmc-opt %s --mlir-print-op-generic | llmc-opt | FileCheck %s

// CHECK-LABEL: @resize
func.func @resize(%x: tensor<1x3x4x?xf32>, %s: tensor<2xf32>, %n: tensor<2xi64>, %roi: tensor<4xf32>) {
  // CHECK: llmc.resize %{{.*}} scales %{{.*}} {axes = array<i64: 2, 3>} : {{.*}} -> tensor<1x3x?x?xf32>
  %0 = llmc.resize %x scales %s {axes = array<i64: 2, 3>} : (tensor<1x3x4x?xf32>, tensor<2xf32>) -> tensor<1x3x?x?xf32>
  // CHECK: llmc.resize %{{.*}} roi %{{.*}} sizes %{{.*}} {antialias, axes = array<i64: 2, 3>, coordinate_transformation_mode = "tf_crop_and_resize", cubic_coeff_a = -5.000000e-01 : f32, exclude_outside, extrapolation_value = 7.000000e+00 : f32, keep_aspect_ratio_policy = "not_larger", mode = "cubic"}
  %1 = llmc.resize %x roi %roi sizes %n {axes = array<i64: 2, 3>, mode = "cubic", antialias, exclude_outside,
       coordinate_transformation_mode = "tf_crop_and_resize", cubic_coeff_a = -0.5 : f32, extrapolation_value = 7.0 : f32,
       keep_aspect_ratio_policy = "not_larger"}
     : (tensor<1x3x4x?xf32>, tensor<4xf32>, tensor<2xi64>) -> tensor<1x3x?x?xf32>
  // CHECK: llmc.resize {{.*}} nearest_mode = "ceil"
  %2 = llmc.resize %x scales %s {axes = array<i64: 2, 3>, nearest_mode = "ceil"}
     : (tensor<1x3x4x?xf32>, tensor<2xf32>) -> tensor<1x3x?x?xf32>
  return
}

// Sizes follow from constant scales, which are multiplied in f32, and sizes.
// CHECK-LABEL: @resized_shapes
func.func @resized_shapes(%x: tensor<1x3x4x10xf32>) {
  %scales = llmc.constant dense<[2.5, 0.1]> : tensor<2xf32>
  // CHECK: llmc.resize {{.*}} -> tensor<1x3x10x1xf32>
  %0 = llmc.resize %x scales %scales {axes = array<i64: 2, 3>} : (tensor<1x3x4x10xf32>, tensor<2xf32>) -> tensor<1x3x10x1xf32>
  %sizes = llmc.constant dense<[8, 30]> : tensor<2xi64>
  // CHECK: llmc.resize {{.*}} -> tensor<1x3x8x30xf32>
  %1 = llmc.resize %x sizes %sizes {axes = array<i64: 2, 3>} : (tensor<1x3x4x10xf32>, tensor<2xi64>) -> tensor<1x3x8x30xf32>
  // CHECK: llmc.resize {{.*}} -> tensor<1x3x8x20xf32>
  %2 = llmc.resize %x sizes %sizes {axes = array<i64: 2, 3>, keep_aspect_ratio_policy = "not_larger"}
     : (tensor<1x3x4x10xf32>, tensor<2xi64>) -> tensor<1x3x8x20xf32>
  // CHECK: llmc.resize {{.*}} -> tensor<1x3x12x30xf32>
  %3 = llmc.resize %x sizes %sizes {axes = array<i64: 2, 3>, keep_aspect_ratio_policy = "not_smaller"}
     : (tensor<1x3x4x10xf32>, tensor<2xi64>) -> tensor<1x3x12x30xf32>
  return
}

// CHECK-LABEL: @samples
func.func @samples(%x: tensor<1x2x4x4xf32>, %g: tensor<1x3x5x2xf32>, %rois: tensor<?x4xf32>, %b: tensor<?xi64>) {
  // CHECK: llmc.grid_sample %{{.*}}, %{{.*}} : (tensor<1x2x4x4xf32>, tensor<1x3x5x2xf32>) -> tensor<1x2x3x5xf32>
  %0 = llmc.grid_sample %x, %g : (tensor<1x2x4x4xf32>, tensor<1x3x5x2xf32>) -> tensor<1x2x3x5xf32>
  // CHECK: llmc.grid_sample {{.*}} {align_corners, mode = "cubic", padding_mode = "reflection"}
  %1 = llmc.grid_sample %x, %g {mode = "cubic", padding_mode = "reflection", align_corners}
     : (tensor<1x2x4x4xf32>, tensor<1x3x5x2xf32>) -> tensor<1x2x3x5xf32>
  // CHECK: llmc.roi_align %{{.*}}, %{{.*}}, %{{.*}} : {{.*}} -> tensor<?x2x1x1xf32>
  %2 = llmc.roi_align %x, %rois, %b : (tensor<1x2x4x4xf32>, tensor<?x4xf32>, tensor<?xi64>) -> tensor<?x2x1x1xf32>
  // CHECK: llmc.roi_align {{.*}} {coordinate_transformation_mode = "output_half_pixel", mode = "max", output_height = 2 : i64, output_width = 3 : i64, sampling_ratio = 2 : i64, spatial_scale = 5.000000e-01 : f32} {{.*}} -> tensor<?x2x2x3xf32>
  %3 = llmc.roi_align %x, %rois, %b {coordinate_transformation_mode = "output_half_pixel", mode = "max", output_height = 2,
       output_width = 3, sampling_ratio = 2, spatial_scale = 0.5 : f32}
     : (tensor<1x2x4x4xf32>, tensor<?x4xf32>, tensor<?xi64>) -> tensor<?x2x2x3xf32>
  return
}

// CHECK-LABEL: @selection
func.func @selection(%boxes: tensor<1x6x4xf32>, %scores: tensor<1x2x6xf32>, %most: tensor<i64>, %t: tensor<1xf32>) {
  // CHECK: llmc.non_max_suppression %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} : {{.*}} -> tensor<?x3xi64>
  %0 = llmc.non_max_suppression %boxes, %scores, %most, %t
     : (tensor<1x6x4xf32>, tensor<1x2x6xf32>, tensor<i64>, tensor<1xf32>) -> tensor<?x3xi64>
  // CHECK: llmc.non_max_suppression %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} {center_point_box}
  %1 = llmc.non_max_suppression %boxes, %scores, %most, %t, %t {center_point_box}
     : (tensor<1x6x4xf32>, tensor<1x2x6xf32>, tensor<i64>, tensor<1xf32>, tensor<1xf32>) -> tensor<?x3xi64>
  return
}
