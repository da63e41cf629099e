// Expected values by numpy: q = round(x * (127 / max|x|)), ties to even, times
// max|x| / 127, for each block of 4, of which the last one has 2 elements.
// RUN: llmc-run %s --input 'x=dense<[[127.0, -0.5, 1.5, 2.6, 0.0, 0.0], [-254.0, 3.0, 1.0, 0.9, 1.0e-40, -1.0e-40]]> : tensor<2x6xf32>' | FileCheck %s

func.func @main(%x: tensor<?x6xf32> {llmc.name = "x"})
    -> (tensor<?x6xf32> {llmc.name = "y"}, tensor<3xf16> {llmc.name = "h"}, tensor<2xi1> {llmc.name = "finite"}) {
  // CHECK: y: dense<{{\[}}[1.270000e+02, -0.000000e+00, 2.000000e+00, 3.000000e+00, 0.000000e+00, 0.000000e+00],
  // CHECK-SAME: [-2.540000e+02, 4.000000e+00, 0.000000e+00, 0.000000e+00, 0.000000e+00, -0.000000e+00]]>
  %y = llmc.quantize_dynamic %x {block = 4 : i64} : (tensor<?x6xf32>) -> tensor<?x6xf32>
  // The product of f16 would not be the integer.
  // CHECK: h: dense<[6.350000e+01, 5.000000e-01, -1.000000e+00]>
  %a = llmc.constant dense<[63.5, 0.6, -0.8]> : tensor<3xf16>
  %h = llmc.quantize_dynamic %a {block = 4 : i64} : (tensor<3xf16>) -> tensor<3xf16>
  // What is not finite does not become finite.
  // CHECK: finite: dense<false>
  %b = llmc.constant dense<[0x7F800000, 0x7FC00000]> : tensor<2xf32>
  %q = llmc.quantize_dynamic %b {block = 1 : i64} : (tensor<2xf32>) -> tensor<2xf32>
  %d = llmc.sub %q, %q : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  %finite = llmc.equal %d, %d : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xi1>
  return %y, %h, %finite : tensor<?x6xf32>, tensor<3xf16>, tensor<2xi1>
}
