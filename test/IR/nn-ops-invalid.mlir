// RUN: llmc-opt %s --split-input-file --verify-diagnostics

func.func @rank(%x: tensor<4x5xf32>, %w: tensor<6x4xf32>) {
  // expected-error @+2 {{the operand must be [batch, channels, spatial...]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1}
     : (tensor<4x5xf32>, tensor<6x4xf32>) -> tensor<4x5xf32>
  return
}

// -----

func.func @strides(%x: tensor<1x4x5x5xf32>, %w: tensor<6x4x2x2xf32>) {
  // expected-error @+2 {{strides has 1 elements; the operand's 2 spatial dimensions need 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1}
     : (tensor<1x4x5x5xf32>, tensor<6x4x2x2xf32>) -> tensor<1x6x4x4xf32>
  return
}

// -----

func.func @stride(%x: tensor<1x4x5x5xf32>, %w: tensor<6x4x2x2xf32>) {
  // expected-error @+2 {{strides holds 0; it is at least 1 and at most 2147483647}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.conv %x, %w {strides = array<i64: 1, 0>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1}
     : (tensor<1x4x5x5xf32>, tensor<6x4x2x2xf32>) -> tensor<1x6x4x4xf32>
  return
}

// -----

func.func @dilations(%x: tensor<1x4x5x5xf32>, %w: tensor<6x4x2x2xf32>) {
  // expected-error @+2 {{dilations has 3 elements; the operand's 2 spatial dimensions need 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1, 1>, group = 1}
     : (tensor<1x4x5x5xf32>, tensor<6x4x2x2xf32>) -> tensor<1x6x4x4xf32>
  return
}

// -----

func.func @dilation(%x: tensor<1x4x5x5xf32>, %w: tensor<6x4x2x2xf32>) {
  // expected-error @+2 {{dilations holds -1; it is at least 1 and at most 2147483647}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, -1>, group = 1}
     : (tensor<1x4x5x5xf32>, tensor<6x4x2x2xf32>) -> tensor<1x6x4x4xf32>
  return
}

// -----

func.func @pads(%x: tensor<1x4x5x5xf32>, %w: tensor<6x4x2x2xf32>) {
  // expected-error @+2 {{pads has 2 elements; the operand's 2 spatial dimensions need 4}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0>, dilations = array<i64: 1, 1>, group = 1}
     : (tensor<1x4x5x5xf32>, tensor<6x4x2x2xf32>) -> tensor<1x6x4x4xf32>
  return
}

// -----

func.func @pad(%x: tensor<1x4x5x5xf32>, %w: tensor<6x4x2x2xf32>) {
  // expected-error @+2 {{pads holds -1; it is at least 0 and at most 2147483647}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, -1>, dilations = array<i64: 1, 1>, group = 1}
     : (tensor<1x4x5x5xf32>, tensor<6x4x2x2xf32>) -> tensor<1x6x4x4xf32>
  return
}

// -----

func.func @weight_rank(%x: tensor<1x4x5x5xf32>, %w: tensor<6x4x2xf32>) {
  // expected-error @+2 {{the weight has rank 3, the operand 4}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1}
     : (tensor<1x4x5x5xf32>, tensor<6x4x2xf32>) -> tensor<1x6x4x4xf32>
  return
}

// -----

func.func @weight_type(%x: tensor<1x4x5x5xf32>, %w: tensor<6x4x2x2xf16>) {
  // expected-error @+2 {{operand has elements of f32, weight of f16}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1}
     : (tensor<1x4x5x5xf32>, tensor<6x4x2x2xf16>) -> tensor<1x6x4x4xf32>
  return
}

// -----

func.func @bias_type(%x: tensor<1x4x5x5xf32>, %w: tensor<6x4x2x2xf32>, %b: tensor<6xi32>) {
  // expected-error @+2 {{operand has elements of f32, bias of i32}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.conv %x, %w, %b {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1}
     : (tensor<1x4x5x5xf32>, tensor<6x4x2x2xf32>, tensor<6xi32>) -> tensor<1x6x4x4xf32>
  return
}

// -----

func.func @group(%x: tensor<1x4x5x5xf32>, %w: tensor<6x4x2x2xf32>) {
  // expected-error @+2 {{group is 0}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 0}
     : (tensor<1x4x5x5xf32>, tensor<6x4x2x2xf32>) -> tensor<1x6x4x4xf32>
  return
}

// -----

func.func @dynamic_weight(%x: tensor<1x4x5x5xf32>, %w: tensor<?x4x2x2xf32>) {
  // expected-error @+2 {{the weight's channels must be static}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1}
     : (tensor<1x4x5x5xf32>, tensor<?x4x2x2xf32>) -> tensor<1x?x4x4xf32>
  return
}

// -----

func.func @group_divides(%x: tensor<1x4x5x5xf32>, %w: tensor<6x1x2x2xf32>) {
  // expected-error @+2 {{group 4 does not divide 6 channels of the weight}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 4}
     : (tensor<1x4x5x5xf32>, tensor<6x1x2x2xf32>) -> tensor<1x6x4x4xf32>
  return
}

// -----

func.func @channels(%x: tensor<1x4x5x5xf32>, %w: tensor<6x3x2x2xf32>) {
  // expected-error @+2 {{the operand has 4 channels, the weight takes 3}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1}
     : (tensor<1x4x5x5xf32>, tensor<6x3x2x2xf32>) -> tensor<1x6x4x4xf32>
  return
}

// -----

func.func @grouped_channels(%x: tensor<1x4x5x5xf32>, %w: tensor<6x4x2x2xf32>) {
  // expected-error @+2 {{the operand has 4 channels, the weight takes 8}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.conv %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 2}
     : (tensor<1x4x5x5xf32>, tensor<6x4x2x2xf32>) -> tensor<1x6x4x4xf32>
  return
}

// -----

func.func @bias_rank(%x: tensor<1x4x5x5xf32>, %w: tensor<6x4x2x2xf32>, %b: tensor<1x6xf32>) {
  // expected-error @+2 {{the bias must be a vector}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.conv %x, %w, %b {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1}
     : (tensor<1x4x5x5xf32>, tensor<6x4x2x2xf32>, tensor<1x6xf32>) -> tensor<1x6x4x4xf32>
  return
}

// -----

func.func @bias(%x: tensor<1x4x5x5xf32>, %w: tensor<6x4x2x2xf32>, %b: tensor<4xf32>) {
  // expected-error @+2 {{the bias has 4 elements for 6 channels}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.conv %x, %w, %b {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1}
     : (tensor<1x4x5x5xf32>, tensor<6x4x2x2xf32>, tensor<4xf32>) -> tensor<1x6x4x4xf32>
  return
}

// -----

func.func @transpose_channels(%x: tensor<1x4x5x5xf32>, %w: tensor<6x4x2x2xf32>) {
  // expected-error @+2 {{the operand has 4 channels, the weight takes 6}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.conv_transpose %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, output_padding = array<i64: 0, 0>, group = 1}
     : (tensor<1x4x5x5xf32>, tensor<6x4x2x2xf32>) -> tensor<1x4x6x6xf32>
  return
}

// -----

func.func @transpose_bias(%x: tensor<1x4x5x5xf32>, %w: tensor<4x6x2x2xf32>, %b: tensor<4xf32>) {
  // expected-error @+2 {{the bias has 4 elements for 6 channels}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.conv_transpose %x, %w, %b {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, output_padding = array<i64: 0, 0>, group = 1}
     : (tensor<1x4x5x5xf32>, tensor<4x6x2x2xf32>, tensor<4xf32>) -> tensor<1x6x6x6xf32>
  return
}

// -----

func.func @transpose_pads(%x: tensor<1x4x5x5xf32>, %w: tensor<4x6x2x2xf32>) {
  // expected-error @+2 {{pads has 3 elements; the operand's 2 spatial dimensions need 4}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.conv_transpose %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0>, dilations = array<i64: 1, 1>, output_padding = array<i64: 0, 0>, group = 1}
     : (tensor<1x4x5x5xf32>, tensor<4x6x2x2xf32>) -> tensor<1x6x6x6xf32>
  return
}

// -----

func.func @output_padding(%x: tensor<1x4x5x5xf32>, %w: tensor<4x6x2x2xf32>) {
  // expected-error @+2 {{output_padding needs 2 elements}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.conv_transpose %x, %w {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, output_padding = array<i64: 0>, group = 1}
     : (tensor<1x4x5x5xf32>, tensor<4x6x2x2xf32>) -> tensor<1x6x6x6xf32>
  return
}

// -----

func.func @deform_rank(%x: tensor<1x2x4xf32>, %w: tensor<3x2x2x2xf32>, %o: tensor<1x8x3x3xf32>) {
  // expected-error @+2 {{deformable convolution is defined on images, [batch, channels, height, width]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.deform_conv %x, %w, %o {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1, offset_group = 1}
     : (tensor<1x2x4xf32>, tensor<3x2x2x2xf32>, tensor<1x8x3x3xf32>) -> tensor<1x3x3x3xf32>
  return
}

// -----

func.func @deform_offset_rank(%x: tensor<1x2x4x4xf32>, %w: tensor<3x2x2x2xf32>, %o: tensor<1x8x9xf32>) {
  // expected-error @+2 {{deformable convolution is defined on images, [batch, channels, height, width]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.deform_conv %x, %w, %o {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1, offset_group = 1}
     : (tensor<1x2x4x4xf32>, tensor<3x2x2x2xf32>, tensor<1x8x9xf32>) -> tensor<1x3x3x3xf32>
  return
}

// -----

func.func @deform_mask_rank(%x: tensor<1x2x4x4xf32>, %w: tensor<3x2x2x2xf32>, %o: tensor<1x8x3x3xf32>, %m: tensor<1x4x9xf32>) {
  // expected-error @+2 {{deformable convolution is defined on images, [batch, channels, height, width]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.deform_conv %x, %w, %o, %m {operandSegmentSizes = array<i32: 1, 1, 1, 0, 1>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1, offset_group = 1}
     : (tensor<1x2x4x4xf32>, tensor<3x2x2x2xf32>, tensor<1x8x3x3xf32>, tensor<1x4x9xf32>) -> tensor<1x3x3x3xf32>
  return
}

// -----

func.func @deform_kernel(%x: tensor<1x2x4x4xf32>, %w: tensor<3x2x?x2xf32>, %o: tensor<1x8x3x3xf32>) {
  // expected-error @+2 {{the weight's shape must be static}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.deform_conv %x, %w, %o {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1, offset_group = 1}
     : (tensor<1x2x4x4xf32>, tensor<3x2x?x2xf32>, tensor<1x8x3x3xf32>) -> tensor<1x3x3x3xf32>
  return
}

// -----

func.func @offset_group(%x: tensor<1x2x4x4xf32>, %w: tensor<3x2x2x2xf32>, %o: tensor<1x8x3x3xf32>) {
  // expected-error @+2 {{offset_group 0 does not divide the channels}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.deform_conv %x, %w, %o {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1, offset_group = 0}
     : (tensor<1x2x4x4xf32>, tensor<3x2x2x2xf32>, tensor<1x8x3x3xf32>) -> tensor<1x3x3x3xf32>
  return
}

// -----

func.func @offset_group_divides(%x: tensor<1x2x4x4xf32>, %w: tensor<3x2x2x2xf32>, %o: tensor<1x8x3x3xf32>) {
  // expected-error @+2 {{offset_group 3 does not divide the channels}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.deform_conv %x, %w, %o {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1, offset_group = 3}
     : (tensor<1x2x4x4xf32>, tensor<3x2x2x2xf32>, tensor<1x8x3x3xf32>) -> tensor<1x3x3x3xf32>
  return
}

// -----

func.func @offset(%x: tensor<1x2x4x4xf32>, %w: tensor<3x2x2x2xf32>, %o: tensor<1x4x3x3xf32>) {
  // expected-error @+2 {{offset has 4 channels, not 8}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.deform_conv %x, %w, %o {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1, offset_group = 1}
     : (tensor<1x2x4x4xf32>, tensor<3x2x2x2xf32>, tensor<1x4x3x3xf32>) -> tensor<1x3x3x3xf32>
  return
}

// -----

func.func @mask(%x: tensor<1x2x4x4xf32>, %w: tensor<3x2x2x2xf32>, %o: tensor<1x8x3x3xf32>, %m: tensor<1x8x3x3xf32>) {
  // expected-error @+2 {{mask has 8 channels, not 4}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.deform_conv %x, %w, %o, %m {operandSegmentSizes = array<i32: 1, 1, 1, 0, 1>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1, offset_group = 1}
     : (tensor<1x2x4x4xf32>, tensor<3x2x2x2xf32>, tensor<1x8x3x3xf32>, tensor<1x8x3x3xf32>) -> tensor<1x3x3x3xf32>
  return
}

// -----

func.func @segments(%x: tensor<1x2x4x4xf32>, %w: tensor<3x2x2x2xf32>, %o: tensor<1x8x3x3xf32>) {
  // expected-error @+1 {{'llmc.deform_conv' op operand count (3) does not match with the total size (4) specified in attribute 'operandSegmentSizes'}}
  %0 = llmc.deform_conv %x, %w, %o {operandSegmentSizes = array<i32: 1, 1, 1, 1, 0>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1, offset_group = 1}
     : (tensor<1x2x4x4xf32>, tensor<3x2x2x2xf32>, tensor<1x8x3x3xf32>) -> tensor<1x3x3x3xf32>
  return
}

// -----

func.func @kernel_shape(%x: tensor<1x4x5x5xf32>) {
  // expected-error @+2 {{kernel_shape has 1 elements; the operand's 2 spatial dimensions need 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:2 = llmc.max_pool %x {kernel_shape = array<i64: 2>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
     : (tensor<1x4x5x5xf32>) -> (tensor<1x4x4x4xf32>, tensor<1x4x4x4xi64>)
  return
}

// -----

func.func @kernel(%x: tensor<1x4x5x5xf32>) {
  // expected-error @+2 {{kernel_shape holds 0; it is at least 1 and at most 2147483647}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.average_pool %x {kernel_shape = array<i64: 2, 0>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
     : (tensor<1x4x5x5xf32>) -> tensor<1x4x4x4xf32>
  return
}

// -----

func.func @pool_rank(%x: tensor<4x5xf32>) {
  // expected-error @+2 {{the operand must be [batch, channels, spatial...]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.average_pool %x {kernel_shape = array<i64: 2, 2>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
     : (tensor<4x5xf32>) -> tensor<4x5xf32>
  return
}

// -----

func.func @pool_type(%x: tensor<1x4x5x5xi32>) {
  // expected-error @+1 {{'llmc.average_pool' op operand #0 must be ranked tensor of floats}}
  %0 = llmc.average_pool %x {kernel_shape = array<i64: 2, 2>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
     : (tensor<1x4x5x5xi32>) -> tensor<1x4x4x4xi32>
  return
}

// -----

func.func @p(%x: tensor<1x4x5x5xf32>) {
  // expected-error @+2 {{p must be positive}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.lp_pool %x {kernel_shape = array<i64: 2, 2>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, p = 0}
     : (tensor<1x4x5x5xf32>) -> tensor<1x4x4x4xf32>
  return
}

// -----

func.func @negative_p(%x: tensor<1x4x5x5xf32>) {
  // expected-error @+2 {{p must be positive}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.lp_pool %x {kernel_shape = array<i64: 2, 2>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, p = -1}
     : (tensor<1x4x5x5xf32>) -> tensor<1x4x4x4xf32>
  return
}

// -----

func.func @indices(%x: tensor<1x4x5x5xf32>) {
  // expected-error @+1 {{'llmc.max_pool' op result #1 must be ranked tensor of i64}}
  %0:2 = llmc.max_pool %x {kernel_shape = array<i64: 2, 2>, strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>}
     : (tensor<1x4x5x5xf32>) -> (tensor<1x4x4x4xf32>, tensor<1x4x4x4xi32>)
  return
}
