// Expected values by numpy: rint(x / scale) + zero, clipped; (q - zero) * scale.
// Ties go to even: 0.25 / 0.5 is 0, 0.75 / 0.5 is 2.
// RUN: llmc-run %s --input 'x=dense<[[-3.0, -1.25, -0.75, 0.25, 0.75, 1.25, 100.0, -100.0], [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5]]> : tensor<2x8xf32>' | FileCheck %s

func.func @main(%x: tensor<?x8xf32> {llmc.name = "x"})
    -> (tensor<?x8xui8> {llmc.name = "tensor"},
        tensor<?x8xi8> {llmc.name = "signed"},
        tensor<?x8xi8> {llmc.name = "axis"},
        tensor<?x8xi8> {llmc.name = "blocks"},
        tensor<2x4xf32> {llmc.name = "dequantize"},
        tensor<2x4xf32> {llmc.name = "rows"},
        tensor<2x4xf32> {llmc.name = "dequantize_blocks"}) {
  %s = llmc.constant dense<0.5> : tensor<f32>
  %z = llmc.constant dense<3> : tensor<ui8>
  // CHECK: tensor: dense<{{\[}}[0, 1, 1, 3, 5, 5, 203, 0], [3, 4, 5, 6, 7, 8, 9, 10]]>
  %r0 = llmc.quantize_linear %x, %s, %z {to = ui8, precision = f32}
     : (tensor<?x8xf32>, tensor<f32>, tensor<ui8>) -> tensor<?x8xui8>
  // CHECK: signed: dense<{{\[}}[-6, -2, -2, 0, 2, 2, 127, -128], [0, 1, 2, 3, 4, 5, 6, 7]]>
  %r1 = llmc.quantize_linear %x, %s {to = i8, precision = f32}
     : (tensor<?x8xf32>, tensor<f32>) -> tensor<?x8xi8>
  %v = llmc.constant dense<[0.5, 0.25, 1.0, 2.0, 0.5, 0.25, 1.0, 2.0]> : tensor<8xf32>
  %zv = llmc.constant dense<[0, 1, -1, 2, 0, 1, -1, 2]> : tensor<8xi8>
  // CHECK: axis: dense<{{\[}}[-6, -4, -2, 2, 2, 6, 99, -48], [0, 3, 0, 3, 4, 11, 2, 4]]>
  %r2 = llmc.quantize_linear %x, %v, %zv {to = i8, precision = f32, axis = 1}
     : (tensor<?x8xf32>, tensor<8xf32>, tensor<8xi8>) -> tensor<?x8xi8>
  %bs = llmc.constant dense<[[0.5, 0.25, 1.0], [2.0, 0.5, 0.25]]> : tensor<2x3xf32>
  // The last block of a row has two elements.
  // CHECK: blocks: dense<{{\[}}[-6, -2, -2, 1, 3, 5, 100, -100], [0, 0, 0, 3, 4, 5, 12, 14]]>
  %r3 = llmc.quantize_linear %x, %bs {to = i8, precision = f32, axis = 1, block_size = 3}
     : (tensor<?x8xf32>, tensor<2x3xf32>) -> tensor<?x8xi8>
  %a = llmc.constant dense<[[0, 3, 255, 7], [1, 2, 4, 8]]> : tensor<2x4xui8>
  // CHECK: dequantize: dense<{{\[}}[-1.500000e+00, {{-?}}0.000000e+00, 1.260000e+02, 2.000000e+00], [-1.000000e+00, -5.000000e-01, 5.000000e-01, 2.500000e+00]]>
  %r4 = llmc.dequantize_linear %a, %s, %z {to = f32}
     : (tensor<2x4xui8>, tensor<f32>, tensor<ui8>) -> tensor<2x4xf32>
  %r = llmc.constant dense<[0.5, 2.0]> : tensor<2xf32>
  // CHECK: rows: dense<{{\[}}[{{-?}}0.000000e+00, 1.500000e+00, 1.275000e+02, 3.500000e+00], [2.000000e+00, 4.000000e+00, 8.000000e+00, 1.600000e+01]]>
  %r5 = llmc.dequantize_linear %a, %r {to = f32, axis = 0}
     : (tensor<2x4xui8>, tensor<2xf32>) -> tensor<2x4xf32>
  %b2 = llmc.constant dense<[[0.5, 2.0], [1.0, 4.0]]> : tensor<2x2xf32>
  // CHECK: dequantize_blocks: dense<{{\[}}[{{-?}}0.000000e+00, 1.500000e+00, 5.100000e+02, 1.400000e+01], [1.000000e+00, 2.000000e+00, 1.600000e+01, 3.200000e+01]]>
  %r6 = llmc.dequantize_linear %a, %b2 {to = f32, axis = 1, block_size = 2}
     : (tensor<2x4xui8>, tensor<2x2xf32>) -> tensor<2x4xf32>
  return %r0, %r1, %r2, %r3, %r4, %r5, %r6
    : tensor<?x8xui8>,
      tensor<?x8xi8>,
      tensor<?x8xi8>,
      tensor<?x8xi8>,
      tensor<2x4xf32>,
      tensor<2x4xf32>,
      tensor<2x4xf32>
}
