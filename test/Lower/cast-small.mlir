// RUN: llmc-run %s --input 'x=dense<[0.0, -0.0, 1.0, 464.0, 465.0, 1.0e9, -1.0e9, 0x7F800000, 0x7FC00000, 0.0009765625, 0.0029, 1.1]> : tensor<12xf32>' | FileCheck %s

// Codes of 8-bit floats as ONNX's rules make them, saturating and not.
func.func @main(%x: tensor<?xf32> {llmc.name = "x"})
    -> (tensor<?xui8> {llmc.name = "e4m3fn"}, tensor<?xui8> {llmc.name = "e4m3fn_inf"},
        tensor<?xui8> {llmc.name = "e4m3fnuz"}, tensor<?xui8> {llmc.name = "e5m2"},
        tensor<?xui8> {llmc.name = "e5m2_inf"}, tensor<?xui8> {llmc.name = "e5m2fnuz"},
        tensor<?xui8> {llmc.name = "e8m0_up"}, tensor<?xui8> {llmc.name = "e8m0_nearest"},
        tensor<8xf4E2M1FN> {llmc.name = "f4"}, tensor<5xf32> {llmc.name = "back"},
        tensor<5xf64> {llmc.name = "back5"}, tensor<4xi4> {llmc.name = "i4"},
        tensor<4xui2> {llmc.name = "ui2"}, tensor<4xi32> {llmc.name = "extended"}) {
  // CHECK: e4m3fn: dense<[0, 128, 56, 126, 126, 126, 254, 126, 127, 0, 1, 57]>
  %0 = llmc.cast %x {to = f8E4M3FN} : (tensor<?xf32>) -> tensor<?xf8E4M3FN>
  %b0 = llmc.bit_cast %0 {to = ui8} : (tensor<?xf8E4M3FN>) -> tensor<?xui8>
  // CHECK: e4m3fn_inf: dense<[0, 128, 56, 126, 127, 127, 255, 127, 127, 0, 1, 57]>
  %1 = llmc.cast %x {to = f8E4M3FN, saturate = false} : (tensor<?xf32>) -> tensor<?xf8E4M3FN>
  %b1 = llmc.bit_cast %1 {to = ui8} : (tensor<?xf8E4M3FN>) -> tensor<?xui8>
  // CHECK: e4m3fnuz: dense<[0, 0, 64, 127, 127, 127, 255, 127, 128, 1, 3, 65]>
  %2 = llmc.cast %x {to = f8E4M3FNUZ} : (tensor<?xf32>) -> tensor<?xf8E4M3FNUZ>
  %b2 = llmc.bit_cast %2 {to = ui8} : (tensor<?xf8E4M3FNUZ>) -> tensor<?xui8>
  // CHECK: e5m2: dense<[0, 128, 60, 95, 95, 123, 251, 123, 126, 20, 26, 60]>
  %3 = llmc.cast %x {to = f8E5M2} : (tensor<?xf32>) -> tensor<?xf8E5M2>
  %b3 = llmc.bit_cast %3 {to = ui8} : (tensor<?xf8E5M2>) -> tensor<?xui8>
  // CHECK: e5m2_inf: dense<[0, 128, 60, 95, 95, 124, 252, 124, 126, 20, 26, 60]>
  %4 = llmc.cast %x {to = f8E5M2, saturate = false} : (tensor<?xf32>) -> tensor<?xf8E5M2>
  %b4 = llmc.bit_cast %4 {to = ui8} : (tensor<?xf8E5M2>) -> tensor<?xui8>
  // CHECK: e5m2fnuz: dense<[0, 0, 64, 99, 99, 127, 255, 127, 128, 24, 30, 64]>
  %5 = llmc.cast %x {to = f8E5M2FNUZ} : (tensor<?xf32>) -> tensor<?xf8E5M2FNUZ>
  %b5 = llmc.bit_cast %5 {to = ui8} : (tensor<?xf8E5M2FNUZ>) -> tensor<?xui8>
  // CHECK: e8m0_up: dense<[0, 0, 127, 136, 136, 157, 157, 255, 255, 117, 119, 128]>
  %6 = llmc.cast %x {to = f8E8M0FNU} : (tensor<?xf32>) -> tensor<?xf8E8M0FNU>
  %b6 = llmc.bit_cast %6 {to = ui8} : (tensor<?xf8E8M0FNU>) -> tensor<?xui8>
  // CHECK: e8m0_nearest: dense<[0, 0, 127, 136, 136, 157, 157, 255, 255, 117, 118, 127]>
  %7 = llmc.cast %x {to = f8E8M0FNU, round_mode = "nearest"} : (tensor<?xf32>) -> tensor<?xf8E8M0FNU>
  %b7 = llmc.bit_cast %7 {to = ui8} : (tensor<?xf8E8M0FNU>) -> tensor<?xui8>
  // CHECK: f4: dense<[0.000000e+00, 5.000000e-01, 1.000000e+00, -1.500000e+00, 2.000000e+00, 4.000000e+00, 6.000000e+00, -6.000000e+00]>
  %h = llmc.constant dense<[0.25, 0.26, 1.2, -1.5, 2.5, 5.0, 5.5, -100.0]> : tensor<8xf16>
  %8 = llmc.cast %h {to = f4E2M1FN} : (tensor<8xf16>) -> tensor<8xf4E2M1FN>
  // CHECK: back: dense<[0.000000e+00, 0.001953125, -4.480000e+02, 0x7FC00000, 1.500000e+00]>
  %c9 = llmc.constant dense<[0.0, 0.001953125, -448.0, 0x7F, 1.5]> : tensor<5xf8E4M3FN>
  %9 = llmc.cast %c9 {to = f32} : (tensor<5xf8E4M3FN>) -> tensor<5xf32>
  // CHECK: back5: dense<[0x7FF0000000000000, 1.52587890625E-5, -5.734400e+04, 0x7FF8000000000000, 1.500000e+00]>
  %c10 = llmc.constant dense<[0x7C, 1.52587890625E-5, -57344.0, 0x7E, 1.5]> : tensor<5xf8E5M2>
  %10 = llmc.cast %c10 {to = f64} : (tensor<5xf8E5M2>) -> tensor<5xf64>
  // Integers that do not fit lose their upper bits.
  // CHECK: i4: dense<[-1, 7, -8, 4]>
  %i = llmc.constant dense<[-1, 7, 8, 20]> : tensor<4xi32>
  %11 = llmc.cast %i {to = i4} : (tensor<4xi32>) -> tensor<4xi4>
  // CHECK: ui2: dense<[3, 3, 0, 0]>
  %12 = llmc.cast %11 {to = ui2} : (tensor<4xi4>) -> tensor<4xui2>
  // CHECK: extended: dense<[-1, 7, -8, 4]>
  %13 = llmc.cast %11 {to = i32} : (tensor<4xi4>) -> tensor<4xi32>
  return %b0, %b1, %b2, %b3, %b4, %b5, %b6, %b7, %8, %9, %10, %11, %12, %13
    : tensor<?xui8>, tensor<?xui8>, tensor<?xui8>, tensor<?xui8>, tensor<?xui8>, tensor<?xui8>,
      tensor<?xui8>, tensor<?xui8>, tensor<8xf4E2M1FN>, tensor<5xf32>, tensor<5xf64>,
      tensor<4xi4>, tensor<4xui2>, tensor<4xi32>
}
