// RUN: llmc-run %s --input 'x=dense<[-1.5, 0.0, 2.75, 300.0]> : tensor<4xf32>' \
// RUN:   --input 'i=dense<[-1, 0, 255, 256]> : tensor<4xi32>' | FileCheck %s

func.func @main(%x: tensor<4xf32> {llmc.name = "x"}, %i: tensor<4xi32> {llmc.name = "i"})
    -> (tensor<4xi64> {llmc.name = "i64"}, tensor<4xi1> {llmc.name = "bool"},
        tensor<4xf16> {llmc.name = "f16"}, tensor<4xbf16> {llmc.name = "bf16"},
        tensor<4xui8> {llmc.name = "u8"}, tensor<4xf64> {llmc.name = "f64"},
        tensor<4xui8> {llmc.name = "wrapped"}, tensor<4xi64> {llmc.name = "wide"}) {
  // CHECK: i64: dense<[-1, 0, 2, 300]>
  %0 = llmc.cast %x {to = i64} : (tensor<4xf32>) -> tensor<4xi64>
  // CHECK: bool: dense<[true, false, true, true]>
  %1 = llmc.cast %x {to = i1} : (tensor<4xf32>) -> tensor<4xi1>
  // CHECK: f16: dense<[-1.500000e+00, 0.000000e+00, 2.750000e+00, 3.000000e+02]>
  %2 = llmc.cast %x {to = f16} : (tensor<4xf32>) -> tensor<4xf16>
  // CHECK: bf16: dense<[-1.500000e+00, 0.000000e+00, 2.750000e+00, 3.000000e+02]>
  %3 = llmc.cast %2 {to = bf16} : (tensor<4xf16>) -> tensor<4xbf16>
  // CHECK: u8: dense<[255, 0, 2, 44]>
  %4 = llmc.cast %x {to = ui8} : (tensor<4xf32>) -> tensor<4xui8>
  // CHECK: f64: dense<[-1.000000e+00, 0.000000e+00, 2.550000e+02, 2.560000e+02]>
  %5 = llmc.cast %i {to = f64} : (tensor<4xi32>) -> tensor<4xf64>
  // CHECK: wrapped: dense<[255, 0, 255, 0]>
  %6 = llmc.cast %i {to = ui8} : (tensor<4xi32>) -> tensor<4xui8>
  // Unsigned values are extended by zeros.
  // CHECK: wide: dense<[255, 0, 255, 0]>
  %7 = llmc.cast %6 {to = i64} : (tensor<4xui8>) -> tensor<4xi64>
  return %0, %1, %2, %3, %4, %5, %6, %7
    : tensor<4xi64>, tensor<4xi1>, tensor<4xf16>, tensor<4xbf16>, tensor<4xui8>,
      tensor<4xf64>, tensor<4xui8>, tensor<4xi64>
}
