// RUN: llmc-run %s --input 'x=dense<[-2.5, -0.5, 0.0, 0.5, 1.5, 2.5]> : tensor<6xf32>' \
// RUN:   --input 'i=dense<[-7, 0, 9]> : tensor<3xi32>' \
// RUN:   --input 'u=dense<[0, 200]> : tensor<2xui8>' \
// RUN:   --input 's=dense<[0x7FC00000, 0x7F800000, 0xFF800000, 1.0]> : tensor<4xf32>' \
// RUN:   | FileCheck %s

func.func @main(%x: tensor<?xf32> {llmc.name = "x"},
                %i: tensor<3xi32> {llmc.name = "i"},
                %u: tensor<2xui8> {llmc.name = "u"},
                %s: tensor<4xf32> {llmc.name = "s"})
    -> (tensor<?xf32> {llmc.name = "round"}, tensor<?xf32> {llmc.name = "floor"},
        tensor<?xf32> {llmc.name = "sign"}, tensor<?xf32> {llmc.name = "relu"},
        tensor<?xf32> {llmc.name = "sigmoid"}, tensor<?xf32> {llmc.name = "erf"},
        tensor<3xi32> {llmc.name = "iabs"}, tensor<3xi32> {llmc.name = "inot"},
        tensor<3xi32> {llmc.name = "isign"}, tensor<2xui8> {llmc.name = "uneg"},
        tensor<2xui8> {llmc.name = "usign"},
        tensor<4xi1> {llmc.name = "nan"}, tensor<4xi1> {llmc.name = "inf"},
        tensor<4xi1> {llmc.name = "ninf"}) {
  // CHECK: round: dense<[-2.000000e+00, -0.000000e+00, 0.000000e+00, 0.000000e+00, 2.000000e+00, 2.000000e+00]>
  %0 = llmc.round %x : (tensor<?xf32>) -> tensor<?xf32>
  // CHECK: floor: dense<[-3.000000e+00, -1.000000e+00, 0.000000e+00, 0.000000e+00, 1.000000e+00, 2.000000e+00]>
  %1 = llmc.floor %x : (tensor<?xf32>) -> tensor<?xf32>
  // CHECK: sign: dense<[-1.000000e+00, -1.000000e+00, 0.000000e+00, 1.000000e+00, 1.000000e+00, 1.000000e+00]>
  %2 = llmc.sign %x : (tensor<?xf32>) -> tensor<?xf32>
  // CHECK: relu: dense<[0.000000e+00, 0.000000e+00, 0.000000e+00, 5.000000e-01, 1.500000e+00, 2.500000e+00]>
  %3 = llmc.relu %x : (tensor<?xf32>) -> tensor<?xf32>
  // CHECK: sigmoid: dense<[0.0758581{{[0-9]*}}, 0.377540{{[0-9]*}}, 5.000000e-01, 0.622459{{[0-9]*}}, 0.817574{{[0-9]*}}, 0.924141{{[0-9]*}}]>
  %4 = llmc.sigmoid %x : (tensor<?xf32>) -> tensor<?xf32>
  // CHECK: erf: dense<[{{-0.99959[0-9]*|-9.99593[0-9]e-01}}, -0.52049{{[0-9]*}}, 0.000000e+00, 0.52049{{[0-9]*}}, 0.96610{{[0-9]*}}, {{0.99959[0-9]*|9.99593[0-9]e-01}}]>
  %5 = llmc.erf %x : (tensor<?xf32>) -> tensor<?xf32>
  // CHECK: iabs: dense<[7, 0, 9]>
  %6 = llmc.abs %i : (tensor<3xi32>) -> tensor<3xi32>
  // CHECK: inot: dense<[6, -1, -10]>
  %7 = llmc.bitwise_not %i : (tensor<3xi32>) -> tensor<3xi32>
  // CHECK: isign: dense<[-1, 0, 1]>
  %8 = llmc.sign %i : (tensor<3xi32>) -> tensor<3xi32>
  // CHECK: uneg: dense<[0, 56]>
  %9 = llmc.neg %u : (tensor<2xui8>) -> tensor<2xui8>
  // CHECK: usign: dense<[0, 1]>
  %10 = llmc.sign %u : (tensor<2xui8>) -> tensor<2xui8>
  // CHECK: nan: dense<[true, false, false, false]>
  %11 = llmc.is_nan %s : (tensor<4xf32>) -> tensor<4xi1>
  // CHECK: inf: dense<[false, true, true, false]>
  %12 = llmc.is_inf %s : (tensor<4xf32>) -> tensor<4xi1>
  // CHECK: ninf: dense<[false, false, true, false]>
  %13 = llmc.is_inf %s {detect_positive = false} : (tensor<4xf32>) -> tensor<4xi1>
  return %0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13
    : tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>, tensor<?xf32>,
      tensor<?xf32>, tensor<3xi32>, tensor<3xi32>, tensor<3xi32>, tensor<2xui8>,
      tensor<2xui8>, tensor<4xi1>, tensor<4xi1>, tensor<4xi1>
}
