// RUN: llmc-opt %s | llmc-opt | FileCheck %s
// RUN: llmc-opt %s --mlir-print-op-generic | llmc-opt | FileCheck %s

// CHECK-LABEL: @convolution
func.func @convolution(%x: tensor<?x6x9x?xf32>, %w: tensor<4x3x3x3xf32>, %b: tensor<4xf32>, %i: tensor<1x2x5xi32>,
                       %k: tensor<1x2x3xi32>) {
  // CHECK: llmc.conv %{{.*}}, %{{.*}} {dilations = array<i64: 1, 1>, group = 2 : i64, pads = array<i64: 1, 0, 1, 0>, strides = array<i64: 2, 1>} : {{.*}} -> tensor<?x4x5x?xf32>
  %0 = llmc.conv %x, %w {strides = array<i64: 2, 1>, pads = array<i64: 1, 0, 1, 0>, dilations = array<i64: 1, 1>, group = 2}
     : (tensor<?x6x9x?xf32>, tensor<4x3x3x3xf32>) -> tensor<?x4x5x?xf32>
  // CHECK: llmc.conv %{{.*}}, %{{.*}}, %{{.*}} {{.*}}, tensor<4xf32>) -> tensor<?x4x5x?xf32>
  %1 = llmc.conv %x, %w, %b {strides = array<i64: 2, 1>, pads = array<i64: 1, 0, 1, 0>, dilations = array<i64: 1, 1>, group = 2}
     : (tensor<?x6x9x?xf32>, tensor<4x3x3x3xf32>, tensor<4xf32>) -> tensor<?x4x5x?xf32>
  // CHECK: llmc.conv {{.*}} : (tensor<1x2x5xi32>, tensor<1x2x3xi32>) -> tensor<1x1x1xi32>
  %2 = llmc.conv %i, %k {strides = array<i64: 1>, pads = array<i64: 0, 0>, dilations = array<i64: 2>, group = 1}
     : (tensor<1x2x5xi32>, tensor<1x2x3xi32>) -> tensor<1x1x1xi32>
  return
}

// The window of the last one is larger than its operand.
// CHECK-LABEL: @transposed
func.func @transposed(%x: tensor<2x4x3x?xf32>, %w: tensor<4x5x3x3xf32>, %b: tensor<10xf32>, %s: tensor<1x4x1x1xf32>,
                      %c: tensor<1x4x3x3xf32>) {
  // CHECK: llmc.conv_transpose %{{.*}}, %{{.*}} {dilations = array<i64: 1, 1>, group = 2 : i64, output_padding = array<i64: 1, 0>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 2, 2>} : {{.*}} -> tensor<2x10x8x?xf32>
  %0 = llmc.conv_transpose %x, %w {strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>,
       output_padding = array<i64: 1, 0>, group = 2}
     : (tensor<2x4x3x?xf32>, tensor<4x5x3x3xf32>) -> tensor<2x10x8x?xf32>
  // A negative pad makes the result larger.
  // CHECK: llmc.conv_transpose %{{.*}}, %{{.*}}, %{{.*}} {{.*}} pads = array<i64: -1, 0, 0, 0>{{.*}} -> tensor<2x10x8x?xf32>
  %1 = llmc.conv_transpose %x, %w, %b {strides = array<i64: 2, 2>, pads = array<i64: -1, 0, 0, 0>, dilations = array<i64: 1, 1>,
       output_padding = array<i64: 0, 0>, group = 2}
     : (tensor<2x4x3x?xf32>, tensor<4x5x3x3xf32>, tensor<10xf32>) -> tensor<2x10x8x?xf32>
  // CHECK: llmc.conv {{.*}} -> tensor<1x1x0x0xf32>
  %2 = llmc.conv %s, %c {strides = array<i64: 1, 1>, pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1}
     : (tensor<1x4x1x1xf32>, tensor<1x4x3x3xf32>) -> tensor<1x1x0x0xf32>
  return
}

// CHECK-LABEL: @deformed
func.func @deformed(%x: tensor<1x2x4x4xf32>, %w: tensor<3x2x2x2xf32>, %o: tensor<1x8x3x3xf32>, %b: tensor<3xf32>,
                    %m: tensor<1x4x3x3xf32>) {
  // CHECK: llmc.deform_conv %{{.*}}, %{{.*}}, %{{.*}} {dilations = array<i64: 1, 1>, group = 1 : i64, offset_group = 1 : i64, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 1, 1>} : {{.*}} -> tensor<1x3x3x3xf32>
  %0 = llmc.deform_conv %x, %w, %o {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0>, strides = array<i64: 1, 1>,
       pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1, offset_group = 1}
     : (tensor<1x2x4x4xf32>, tensor<3x2x2x2xf32>, tensor<1x8x3x3xf32>) -> tensor<1x3x3x3xf32>
  // CHECK: llmc.deform_conv %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}, %{{.*}} {{.*}} operandSegmentSizes = array<i32: 1, 1, 1, 1, 1>
  %1 = llmc.deform_conv %x, %w, %o, %b, %m {operandSegmentSizes = array<i32: 1, 1, 1, 1, 1>, strides = array<i64: 1, 1>,
       pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, group = 1, offset_group = 1}
     : (tensor<1x2x4x4xf32>, tensor<3x2x2x2xf32>, tensor<1x8x3x3xf32>, tensor<3xf32>, tensor<1x4x3x3xf32>) -> tensor<1x3x3x3xf32>
  return
}

// CHECK-LABEL: @pools
func.func @pools(%x: tensor<1x2x6x?xf32>, %i: tensor<1x1x7xi8>) {
  // CHECK: llmc.max_pool {{.*}} {ceil_mode, column_major, dilations = array<i64: 1, 1>, kernel_shape = array<i64: 3, 3>, pads = array<i64: 0, 0, 0, 0>, strides = array<i64: 2, 2>} : {{.*}} -> (tensor<1x2x3x?xf32>, tensor<1x2x3x?xi64>)
  %0:2 = llmc.max_pool %x {kernel_shape = array<i64: 3, 3>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>,
         dilations = array<i64: 1, 1>, ceil_mode, column_major}
       : (tensor<1x2x6x?xf32>) -> (tensor<1x2x3x?xf32>, tensor<1x2x3x?xi64>)
  // CHECK: llmc.max_pool {{.*}} -> (tensor<1x1x3xi8>, tensor<1x1x3xi64>)
  %1:2 = llmc.max_pool %i {kernel_shape = array<i64: 2>, strides = array<i64: 2>, pads = array<i64: 0, 0>, dilations = array<i64: 1>}
       : (tensor<1x1x7xi8>) -> (tensor<1x1x3xi8>, tensor<1x1x3xi64>)
  // CHECK: llmc.average_pool {{.*}} {ceil_mode, count_include_pad, {{.*}} -> tensor<1x2x3x?xf32>
  %2 = llmc.average_pool %x {kernel_shape = array<i64: 3, 3>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>,
       dilations = array<i64: 1, 1>, ceil_mode, count_include_pad} : (tensor<1x2x6x?xf32>) -> tensor<1x2x3x?xf32>
  // CHECK: llmc.average_pool {{.*}} {dilations = {{.*}} -> tensor<1x2x2x?xf32>
  %3 = llmc.average_pool %x {kernel_shape = array<i64: 3, 3>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>,
       dilations = array<i64: 1, 1>} : (tensor<1x2x6x?xf32>) -> tensor<1x2x2x?xf32>
  // CHECK: llmc.lp_pool {{.*}} {ceil_mode, {{.*}} p = 2 : i64, {{.*}} -> tensor<1x2x3x?xf32>
  %4 = llmc.lp_pool %x {kernel_shape = array<i64: 3, 3>, strides = array<i64: 2, 2>, pads = array<i64: 0, 0, 0, 0>,
       dilations = array<i64: 1, 1>, p = 2, ceil_mode} : (tensor<1x2x6x?xf32>) -> tensor<1x2x3x?xf32>
  return
}
