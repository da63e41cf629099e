// (q - zero) * scale with floats for zero points. Those of f16 are rounded as
// f16 rounds: 1 - 7.8125 is -6.8125, and times 0.1 it is -0.68115234375.
// RUN: llmc-run %s | FileCheck %s

func.func @main() -> (tensor<2x12xf32> {llmc.name = "bytewise"},
                      tensor<1x8xf32> {llmc.name = "fieldwise"},
                      tensor<1x2xf16> {llmc.name = "half"}) {
  // The last block of 12 columns is padded.
  // CHECK: bytewise: dense<{{\[}}[-3.750000e-01, 1.250000e-01, 6.250000e-01, 1.125000e+00, 1.625000e+00, 2.125000e+00, 2.625000e+00, 3.125000e+00, 2.500000e+00, 3.500000e+00, 4.500000e+00, 5.500000e+00], [3.125000e+01, 3.125000e+01, 3.125000e+01, 3.125000e+01, 3.125000e+01, 3.125000e+01, 3.125000e+01, 3.125000e+01, -4.000000e+00, -4.000000e+00, -4.000000e+00, -4.000000e+00]]>
  %q4 = llmc.constant dense<[[[16, 50, 84, 118], [16, 50, 84, 118]], [[255, 255, 255, 255], [0, 0, 0, 0]]]> : tensor<2x2x4xui8>
  %s4 = llmc.constant dense<[[0.5, 1.0], [2.0, 4.0]]> : tensor<2x2xf32>
  %z4 = llmc.constant dense<[[0.75, -2.5], [-0.625, 1.0]]> : tensor<2x2xf32>
  %r4 = llmc.dequantize %q4, %s4, %z4 {bits = 4, block = 8, columns = 12}
     : (tensor<2x2x4xui8>, tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x12xf32>
  // Codes 0 to 7.
  // CHECK: fieldwise: dense<{{\[}}[-7.250000e+00, -5.250000e+00, -3.250000e+00, -1.250000e+00, 7.500000e-01, 2.750000e+00, 4.750000e+00, 6.750000e+00]]>
  %q3 = llmc.constant dense<[[[136, 198, 250]]]> : tensor<1x1x3xui8>
  %s3 = llmc.constant dense<2.0> : tensor<1x1xf32>
  %z3 = llmc.constant dense<3.625> : tensor<1x1xf32>
  %r3 = llmc.dequantize %q3, %s3, %z3 {bits = 3, block = 8, columns = 8}
     : (tensor<1x1x3xui8>, tensor<1x1xf32>, tensor<1x1xf32>) -> tensor<1x8xf32>
  // CHECK: half: dense<{{\[}}[-6.811520e-01, 7.187500e-01]]> : tensor<1x2xf16>
  %q8 = llmc.constant dense<[[[1, 15]]]> : tensor<1x1x2xui8>
  %s8 = llmc.constant dense<0.1> : tensor<1x1xf16>
  %z8 = llmc.constant dense<7.8125> : tensor<1x1xf16>
  %r8 = llmc.dequantize %q8, %s8, %z8 {bits = 8, block = 2, columns = 2}
     : (tensor<1x1x2xui8>, tensor<1x1xf16>, tensor<1x1xf16>) -> tensor<1x2xf16>
  return %r4, %r3, %r8 : tensor<2x12xf32>, tensor<1x8xf32>, tensor<1x2xf16>
}
