// Expected values by numpy: element i of `width` bits is (byte[i * width // 8] >>
// (i * width % 8)) & mask.
// RUN: llmc-run %s --input 'b=dense<[33, 135, 240]> : tensor<3xui8>' | FileCheck %s

func.func @main(%b: tensor<3xui8> {llmc.name = "b"})
    -> (tensor<5xi32> {llmc.name = "i4"},
        tensor<2x3xi32> {llmc.name = "ui4"},
        tensor<7xi32> {llmc.name = "i2"},
        tensor<4xi32> {llmc.name = "ui2"},
        tensor<8xi32> {llmc.name = "i1"},
        tensor<4xf32> {llmc.name = "f4"},
        tensor<3xi32> {llmc.name = "i8"}) {
  %two = llmc.constant dense<[33, 135]> : tensor<2xui8>
  %one = llmc.constant dense<[33]> : tensor<1xui8>
  // CHECK: i4: dense<[1, 2, 7, -8, 0]>
  %u0 = llmc.unpack %b {to = i4, shape = array<i64: 5>} : (tensor<3xui8>) -> tensor<5xi4>
  %r0 = llmc.cast %u0 {to = i32} : (tensor<5xi4>) -> tensor<5xi32>
  // CHECK: ui4: dense<{{\[}}[1, 2, 7], [8, 0, 15]]>
  %u1 = llmc.unpack %b {to = ui4, shape = array<i64: 2, 3>} : (tensor<3xui8>) -> tensor<2x3xui4>
  %r1 = llmc.cast %u1 {to = i32} : (tensor<2x3xui4>) -> tensor<2x3xi32>
  // CHECK: i2: dense<[1, 0, -2, 0, -1, 1, 0]>
  %u2 = llmc.unpack %two {to = i2, shape = array<i64: 7>} : (tensor<2xui8>) -> tensor<7xi2>
  %r2 = llmc.cast %u2 {to = i32} : (tensor<7xi2>) -> tensor<7xi32>
  // CHECK: ui2: dense<[1, 0, 2, 0]>
  %u3 = llmc.unpack %one {to = ui2, shape = array<i64: 4>} : (tensor<1xui8>) -> tensor<4xui2>
  %r3 = llmc.cast %u3 {to = i32} : (tensor<4xui2>) -> tensor<4xi32>
  // CHECK: i1: dense<[1, 0, 0, 0, 0, 1, 0, 0]>
  %u4 = llmc.unpack %one {to = i1, shape = array<i64: 8>} : (tensor<1xui8>) -> tensor<8xi1>
  %r4 = llmc.cast %u4 {to = i32} : (tensor<8xi1>) -> tensor<8xi32>
  // CHECK: f4: dense<[5.000000e-01, 1.000000e+00, 6.000000e+00, {{-?}}0.000000e+00]>
  %u5 = llmc.unpack %two {to = f4E2M1FN, shape = array<i64: 4>} : (tensor<2xui8>) -> tensor<4xf4E2M1FN>
  %r5 = llmc.cast %u5 {to = f32} : (tensor<4xf4E2M1FN>) -> tensor<4xf32>
  // CHECK: i8: dense<[33, -121, -16]>
  %u6 = llmc.unpack %b {to = i8, shape = array<i64: 3>} : (tensor<3xui8>) -> tensor<3xi8>
  %r6 = llmc.cast %u6 {to = i32} : (tensor<3xi8>) -> tensor<3xi32>
  return %r0, %r1, %r2, %r3, %r4, %r5, %r6
    : tensor<5xi32>,
      tensor<2x3xi32>,
      tensor<7xi32>,
      tensor<4xi32>,
      tensor<8xi32>,
      tensor<4xf32>,
      tensor<3xi32>
}
