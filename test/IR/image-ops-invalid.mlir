// RUN: llmc-opt %s --split-input-file --verify-diagnostics

func.func @axis(%x: tensor<1x3x4x4xf32>, %s: tensor<2xf32>) {
  // expected-error @+2 {{axes are not distinct dimensions of the operand}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.resize %x scales %s {axes = array<i64: 2, 4>}
     : (tensor<1x3x4x4xf32>, tensor<2xf32>) -> tensor<1x3x?x?xf32>
  return
}

// -----

func.func @negative_axis(%x: tensor<1x3x4x4xf32>, %s: tensor<2xf32>) {
  // expected-error @+2 {{axes are not distinct dimensions of the operand}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.resize %x scales %s {axes = array<i64: -1, 3>}
     : (tensor<1x3x4x4xf32>, tensor<2xf32>) -> tensor<1x3x?x?xf32>
  return
}

// -----

func.func @same_axis(%x: tensor<1x3x4x4xf32>, %s: tensor<2xf32>) {
  // expected-error @+2 {{axes are not distinct dimensions of the operand}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.resize %x scales %s {axes = array<i64: 2, 2>}
     : (tensor<1x3x4x4xf32>, tensor<2xf32>) -> tensor<1x3x?x?xf32>
  return
}

// -----

func.func @both(%x: tensor<1x3x4x4xf32>, %s: tensor<2xf32>, %n: tensor<2xi64>) {
  // expected-error @+2 {{needs either scales or sizes}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.resize %x scales %s sizes %n {axes = array<i64: 2, 3>}
     : (tensor<1x3x4x4xf32>, tensor<2xf32>, tensor<2xi64>) -> tensor<1x3x?x?xf32>
  return
}

// -----

func.func @neither(%x: tensor<1x3x4x4xf32>) {
  // expected-error @+2 {{needs either scales or sizes}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.resize %x {axes = array<i64: 2, 3>}
     : (tensor<1x3x4x4xf32>) -> tensor<1x3x?x?xf32>
  return
}

// -----

func.func @scales(%x: tensor<1x3x4x4xf32>, %s: tensor<3xf32>) {
  // expected-error @+2 {{scales must have 2 elements}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.resize %x scales %s {axes = array<i64: 2, 3>}
     : (tensor<1x3x4x4xf32>, tensor<3xf32>) -> tensor<1x3x?x?xf32>
  return
}

// -----

func.func @scales_rank(%x: tensor<1x3x4x4xf32>, %s: tensor<f32>) {
  // expected-error @+2 {{scales must be a vector}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.resize %x scales %s {axes = array<i64: 2, 3>}
     : (tensor<1x3x4x4xf32>, tensor<f32>) -> tensor<1x3x?x?xf32>
  return
}

// -----

func.func @dynamic_scales(%x: tensor<1x3x4x4xf32>, %s: tensor<?xf32>) {
  // expected-error @+2 {{scales must have 2 elements}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.resize %x scales %s {axes = array<i64: 2, 3>}
     : (tensor<1x3x4x4xf32>, tensor<?xf32>) -> tensor<1x3x?x?xf32>
  return
}

// -----

func.func @sizes(%x: tensor<1x3x4x4xf32>, %n: tensor<4xi64>) {
  // expected-error @+2 {{sizes must have 2 elements}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.resize %x sizes %n {axes = array<i64: 2, 3>}
     : (tensor<1x3x4x4xf32>, tensor<4xi64>) -> tensor<1x3x?x?xf32>
  return
}

// -----

func.func @roi(%x: tensor<1x3x4x4xf32>, %roi: tensor<8xf32>, %s: tensor<2xf32>) {
  // expected-error @+2 {{roi must have 4 elements}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.resize %x roi %roi scales %s {axes = array<i64: 2, 3>}
     : (tensor<1x3x4x4xf32>, tensor<8xf32>, tensor<2xf32>) -> tensor<1x3x?x?xf32>
  return
}

// -----

func.func @crop(%x: tensor<1x3x4x4xf32>, %s: tensor<2xf32>) {
  // expected-error @+2 {{tf_crop_and_resize needs roi}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.resize %x scales %s {axes = array<i64: 2, 3>, coordinate_transformation_mode = "tf_crop_and_resize"}
     : (tensor<1x3x4x4xf32>, tensor<2xf32>) -> tensor<1x3x?x?xf32>
  return
}

// -----

func.func @antialias(%x: tensor<1x3x4x4xf32>, %s: tensor<2xf32>) {
  // expected-error @+2 {{antialias is for the modes linear and cubic}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.resize %x scales %s {axes = array<i64: 2, 3>, antialias}
     : (tensor<1x3x4x4xf32>, tensor<2xf32>) -> tensor<1x3x?x?xf32>
  return
}

// -----

func.func @zero_scale(%x: tensor<1x3x4x4xf32>) {
  %s = llmc.constant dense<[1.0, 0.0]> : tensor<2xf32>
  // expected-error @+2 {{scales must be positive, and at most 1073741824}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.resize %x scales %s {axes = array<i64: 2, 3>}
     : (tensor<1x3x4x4xf32>, tensor<2xf32>) -> tensor<1x3x?x?xf32>
  return
}

// -----

func.func @infinite_scale(%x: tensor<1x3x4x4xf32>) {
  %s = llmc.constant dense<[1.0, 0x7F800000]> : tensor<2xf32>
  // expected-error @+2 {{scales must be positive, and at most 1073741824}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.resize %x scales %s {axes = array<i64: 2, 3>}
     : (tensor<1x3x4x4xf32>, tensor<2xf32>) -> tensor<1x3x?x?xf32>
  return
}

// -----

func.func @nan_scale(%x: tensor<1x3x4x4xf32>) {
  %s = llmc.constant dense<[1.0, 0x7FC00000]> : tensor<2xf32>
  // expected-error @+2 {{scales must be positive, and at most 1073741824}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.resize %x scales %s {axes = array<i64: 2, 3>}
     : (tensor<1x3x4x4xf32>, tensor<2xf32>) -> tensor<1x3x?x?xf32>
  return
}

// -----

func.func @negative_size(%x: tensor<1x3x4x4xf32>) {
  %n = llmc.constant dense<[4, -4]> : tensor<2xi64>
  // expected-error @+2 {{sizes must not be negative}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.resize %x sizes %n {axes = array<i64: 2, 3>}
     : (tensor<1x3x4x4xf32>, tensor<2xi64>) -> tensor<1x3x?x?xf32>
  return
}

// -----

func.func @mode(%x: tensor<1x3x4x4xf32>, %s: tensor<2xf32>) {
  // expected-error @+1 {{attribute 'mode' failed to satisfy constraint}}
  %0 = llmc.resize %x scales %s {axes = array<i64: 2, 3>, mode = "area"}
     : (tensor<1x3x4x4xf32>, tensor<2xf32>) -> tensor<1x3x?x?xf32>
  return
}

// -----

func.func @mode_kind(%x: tensor<1x3x4x4xf32>, %s: tensor<2xf32>) {
  // expected-error @+1 {{attribute 'mode' failed to satisfy constraint}}
  %0 = llmc.resize %x scales %s {axes = array<i64: 2, 3>, mode = 1}
     : (tensor<1x3x4x4xf32>, tensor<2xf32>) -> tensor<1x3x?x?xf32>
  return
}

// -----

func.func @grid(%x: tensor<1x3x4x4xf32>, %g: tensor<1x5x5x3xf32>) {
  // expected-error @+2 {{needs an operand [batch, channels, spatial...] and a grid [batch, out..., number of spatial dimensions]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.grid_sample %x, %g
     : (tensor<1x3x4x4xf32>, tensor<1x5x5x3xf32>) -> tensor<1x3x5x5xf32>
  return
}

// -----

func.func @grid_rank(%x: tensor<1x3x4xf32>, %g: tensor<1x5x5x2xf32>) {
  // expected-error @+2 {{needs an operand [batch, channels, spatial...] and a grid [batch, out..., number of spatial dimensions]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.grid_sample %x, %g
     : (tensor<1x3x4xf32>, tensor<1x5x5x2xf32>) -> tensor<1x3x5x5xf32>
  return
}

// -----

func.func @no_space(%x: tensor<1x3xf32>, %g: tensor<1x0xf32>) {
  // expected-error @+2 {{needs an operand [batch, channels, spatial...] and a grid [batch, out..., number of spatial dimensions]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.grid_sample %x, %g
     : (tensor<1x3xf32>, tensor<1x0xf32>) -> tensor<1x3xf32>
  return
}

// -----

func.func @grid_batch(%x: tensor<1x3x4x4xf32>, %g: tensor<2x5x5x2xf32>) {
  // expected-error @+2 {{batches of operand and grid differ: 1 and 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.grid_sample %x, %g
     : (tensor<1x3x4x4xf32>, tensor<2x5x5x2xf32>) -> tensor<1x3x5x5xf32>
  return
}

// -----

func.func @padding_mode(%x: tensor<1x3x4x4xf32>, %g: tensor<1x5x5x2xf32>) {
  // expected-error @+1 {{attribute 'padding_mode' failed to satisfy constraint}}
  %0 = llmc.grid_sample %x, %g {padding_mode = "wrap"}
     : (tensor<1x3x4x4xf32>, tensor<1x5x5x2xf32>) -> tensor<1x3x5x5xf32>
  return
}

// -----

func.func @roi_rank(%x: tensor<3x4x4xf32>, %r: tensor<2x4xf32>, %b: tensor<2xi64>) {
  // expected-error @+2 {{needs an operand [batch, channels, height, width], rois [count, 4] and batch_indices [count]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.roi_align %x, %r, %b
     : (tensor<3x4x4xf32>, tensor<2x4xf32>, tensor<2xi64>) -> tensor<2x3x1x1xf32>
  return
}

// -----

func.func @rois(%x: tensor<1x3x4x4xf32>, %r: tensor<2x5xf32>, %b: tensor<2xi64>) {
  // expected-error @+2 {{needs an operand [batch, channels, height, width], rois [count, 4] and batch_indices [count]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.roi_align %x, %r, %b
     : (tensor<1x3x4x4xf32>, tensor<2x5xf32>, tensor<2xi64>) -> tensor<2x3x1x1xf32>
  return
}

// -----

func.func @batch_indices(%x: tensor<1x3x4x4xf32>, %r: tensor<2x4xf32>, %b: tensor<2x1xi64>) {
  // expected-error @+2 {{needs an operand [batch, channels, height, width], rois [count, 4] and batch_indices [count]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.roi_align %x, %r, %b
     : (tensor<1x3x4x4xf32>, tensor<2x4xf32>, tensor<2x1xi64>) -> tensor<2x3x1x1xf32>
  return
}

// -----

func.func @roi_counts(%x: tensor<1x3x4x4xf32>, %r: tensor<2x4xf32>, %b: tensor<3xi64>) {
  // expected-error @+2 {{counts of rois and batch_indices differ: 2 and 3}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.roi_align %x, %r, %b
     : (tensor<1x3x4x4xf32>, tensor<2x4xf32>, tensor<3xi64>) -> tensor<2x3x1x1xf32>
  return
}

// -----

func.func @roi_types(%x: tensor<1x3x4x4xf32>, %r: tensor<2x4xf16>, %b: tensor<2xi64>) {
  // expected-error @+2 {{operand has elements of f32, rois of f16}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.roi_align %x, %r, %b
     : (tensor<1x3x4x4xf32>, tensor<2x4xf16>, tensor<2xi64>) -> tensor<2x3x1x1xf32>
  return
}

// -----

func.func @output_height(%x: tensor<1x3x4x4xf32>, %r: tensor<2x4xf32>, %b: tensor<2xi64>) {
  // expected-error @+2 {{output_height and output_width must be positive, sampling_ratio not negative}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.roi_align %x, %r, %b {output_height = 0}
     : (tensor<1x3x4x4xf32>, tensor<2x4xf32>, tensor<2xi64>) -> tensor<2x3x1x1xf32>
  return
}

// -----

func.func @output_width(%x: tensor<1x3x4x4xf32>, %r: tensor<2x4xf32>, %b: tensor<2xi64>) {
  // expected-error @+2 {{output_height and output_width must be positive, sampling_ratio not negative}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.roi_align %x, %r, %b {output_width = -1}
     : (tensor<1x3x4x4xf32>, tensor<2x4xf32>, tensor<2xi64>) -> tensor<2x3x1x1xf32>
  return
}

// -----

func.func @sampling_ratio(%x: tensor<1x3x4x4xf32>, %r: tensor<2x4xf32>, %b: tensor<2xi64>) {
  // expected-error @+2 {{output_height and output_width must be positive, sampling_ratio not negative}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.roi_align %x, %r, %b {sampling_ratio = -1}
     : (tensor<1x3x4x4xf32>, tensor<2x4xf32>, tensor<2xi64>) -> tensor<2x3x1x1xf32>
  return
}

// -----

func.func @boxes(%b: tensor<1x6x5xf32>, %s: tensor<1x2x6xf32>, %m: tensor<i64>, %i: tensor<f32>) {
  // expected-error @+2 {{needs boxes [batch, boxes, 4] and scores [batch, classes, boxes]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.non_max_suppression %b, %s, %m, %i
     : (tensor<1x6x5xf32>, tensor<1x2x6xf32>, tensor<i64>, tensor<f32>) -> tensor<?x3xi64>
  return
}

// -----

func.func @scores(%b: tensor<1x6x4xf32>, %s: tensor<2x6xf32>, %m: tensor<i64>, %i: tensor<f32>) {
  // expected-error @+2 {{needs boxes [batch, boxes, 4] and scores [batch, classes, boxes]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.non_max_suppression %b, %s, %m, %i
     : (tensor<1x6x4xf32>, tensor<2x6xf32>, tensor<i64>, tensor<f32>) -> tensor<?x3xi64>
  return
}

// -----

func.func @batches(%b: tensor<1x6x4xf32>, %s: tensor<2x2x6xf32>, %m: tensor<i64>, %i: tensor<f32>) {
  // expected-error @+2 {{batches of boxes and scores differ: 1 and 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.non_max_suppression %b, %s, %m, %i
     : (tensor<1x6x4xf32>, tensor<2x2x6xf32>, tensor<i64>, tensor<f32>) -> tensor<?x3xi64>
  return
}

// -----

func.func @numbers(%b: tensor<1x6x4xf32>, %s: tensor<1x2x5xf32>, %m: tensor<i64>, %i: tensor<f32>) {
  // expected-error @+2 {{numbers of boxes in boxes and scores differ: 6 and 5}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.non_max_suppression %b, %s, %m, %i
     : (tensor<1x6x4xf32>, tensor<1x2x5xf32>, tensor<i64>, tensor<f32>) -> tensor<?x3xi64>
  return
}

// -----

func.func @most(%b: tensor<1x6x4xf32>, %s: tensor<1x2x6xf32>, %m: tensor<2xi64>, %i: tensor<f32>) {
  // expected-error @+2 {{limits and thresholds must be one number each}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.non_max_suppression %b, %s, %m, %i
     : (tensor<1x6x4xf32>, tensor<1x2x6xf32>, tensor<2xi64>, tensor<f32>) -> tensor<?x3xi64>
  return
}

// -----

func.func @iou(%b: tensor<1x6x4xf32>, %s: tensor<1x2x6xf32>, %m: tensor<i64>, %i: tensor<1x1xf32>) {
  // expected-error @+2 {{limits and thresholds must be one number each}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.non_max_suppression %b, %s, %m, %i
     : (tensor<1x6x4xf32>, tensor<1x2x6xf32>, tensor<i64>, tensor<1x1xf32>) -> tensor<?x3xi64>
  return
}

// -----

func.func @score(%b: tensor<1x6x4xf32>, %s: tensor<1x2x6xf32>, %m: tensor<i64>, %i: tensor<f32>, %t: tensor<0xf32>) {
  // expected-error @+2 {{limits and thresholds must be one number each}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.non_max_suppression %b, %s, %m, %i, %t
     : (tensor<1x6x4xf32>, tensor<1x2x6xf32>, tensor<i64>, tensor<f32>, tensor<0xf32>) -> tensor<?x3xi64>
  return
}
