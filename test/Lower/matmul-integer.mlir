// Expected values by numpy, in int32.
// RUN: llmc-run %s --input 'a=dense<[[[1, 255, 0], [7, 8, 9]]]> : tensor<1x2x3xui8>' \
// RUN:   --input 'w=dense<[[-128, 1], [127, 2], [3, -4]]> : tensor<3x2xi8>' | FileCheck %s

func.func @main(%a: tensor<1x?x3xui8> {llmc.name = "a"},
                %w: tensor<3x2xi8> {llmc.name = "w"})
    -> (tensor<1x?x2xi32> {llmc.name = "plain"},
        tensor<1x?x2xi32> {llmc.name = "zeros"},
        tensor<1x?x2xi32> {llmc.name = "rows"}) {
  // CHECK: plain: dense<{{\[\[}}[32257, 511], [147, -13]]]>
  %r0 = llmc.matmul_integer %a, %w {operandSegmentSizes = array<i32: 1, 1, 0, 0>}
     : (tensor<1x?x3xui8>, tensor<3x2xi8>) -> tensor<1x?x2xi32>
  %za = llmc.constant dense<128> : tensor<ui8>
  %zw = llmc.constant dense<[5, -6]> : tensor<2xi8>
  // One zero point per column of the right side.
  // CHECK: zeros: dense<{{\[\[}}[32641, -129], [1691, -2045]]]>
  %r1 = llmc.matmul_integer %a, %w, %za, %zw {operandSegmentSizes = array<i32: 1, 1, 1, 1>}
     : (tensor<1x?x3xui8>, tensor<3x2xi8>, tensor<ui8>, tensor<2xi8>) -> tensor<1x?x2xi32>
  %zr = llmc.constant dense<[1, 7]> : tensor<2xui8>
  // And per row of the left.
  // CHECK: rows: dense<{{\[\[}}[32255, 512], [133, -6]]]>
  %r2 = llmc.matmul_integer %a, %w, %zr {operandSegmentSizes = array<i32: 1, 1, 1, 0>}
     : (tensor<1x?x3xui8>, tensor<3x2xi8>, tensor<2xui8>) -> tensor<1x?x2xi32>
  return %r0, %r1, %r2
    : tensor<1x?x2xi32>,
      tensor<1x?x2xi32>,
      tensor<1x?x2xi32>
}
