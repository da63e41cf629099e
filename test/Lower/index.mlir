// RUN: llmc-run %s --input 'x=dense<[[1.0, 0.0, 3.0], [4.0, 5.0, 0.0]]> : tensor<2x3xf32>' \
// RUN:   --input 'n=dense<7> : tensor<i64>' --input 'h=dense<[2048.0, 1.0, 1.0]> : tensor<3xf16>' | FileCheck %s
// RUN: llmc-run %s --input 'x=dense<0.0> : tensor<0x3xf32>' \
// RUN:   --input 'n=dense<-7> : tensor<i64>' --input 'h=dense<1.0> : tensor<3xf16>' | FileCheck %s --check-prefix=EMPTY

func.func @main(%x: tensor<?x3xf32> {llmc.name = "x"}, %n: tensor<i64> {llmc.name = "n"},
                %h: tensor<3xf16> {llmc.name = "h"})
    -> (tensor<?x3xf32> {llmc.name = "sum"}, tensor<?x3xf32> {llmc.name = "back"},
        tensor<?x3xf32> {llmc.name = "prod"}, tensor<3xf16> {llmc.name = "half"},
        tensor<2x?xi64> {llmc.name = "nonzero"}, tensor<?xi64> {llmc.name = "range"},
        tensor<4xf32> {llmc.name = "floats"}, tensor<3xi32> {llmc.name = "down"}) {
  // CHECK: sum: dense<{{\[}}[1.000000e+00, 1.000000e+00, 4.000000e+00], [4.000000e+00, 9.000000e+00, 9.000000e+00]]>
  %0 = llmc.cumsum %x {axis = 1 : i64} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  // CHECK: back: dense<{{\[}}[4.000000e+00, 5.000000e+00, 0.000000e+00], [0.000000e+00, 0.000000e+00, 0.000000e+00]]>
  %1 = llmc.cumsum %x {axis = 0 : i64, exclusive, reverse} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  // CHECK: prod: dense<{{\[}}[1.000000e+00, 1.000000e+00, 0.000000e+00], [1.000000e+00, 4.000000e+00, 2.000000e+01]]>
  %2 = llmc.cumprod %x {axis = 1 : i64, exclusive} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  // Totals are kept in f32: 2049 is not an f16, 2050 is.
  // CHECK: half: dense<[2.048000e+03, 2.048000e+03, 2.050000e+03]>
  %3 = llmc.cumsum %h {axis = 0 : i64} : (tensor<3xf16>) -> tensor<3xf16>
  // CHECK: nonzero: dense<{{\[}}[0, 0, 1, 1], [0, 2, 0, 1]]>
  // EMPTY: nonzero: dense<> : tensor<2x0xi64>
  %4 = llmc.non_zero %x : (tensor<?x3xf32>) -> tensor<2x?xi64>
  // CHECK: range: dense<[1, 4]>
  // EMPTY: range: dense<> : tensor<0xi64>
  %one = llmc.constant dense<1> : tensor<i64>
  %three = llmc.constant dense<3> : tensor<i64>
  %5 = llmc.range %one, %n, %three : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
  // CHECK: floats: dense<[1.000000e+00, 1.500000e+00, 2.000000e+00, 2.500000e+00]>
  %a = llmc.constant dense<1.0> : tensor<f32>
  %b = llmc.constant dense<2.75> : tensor<f32>
  %c = llmc.constant dense<0.5> : tensor<f32>
  %6 = llmc.range %a, %b, %c : (tensor<f32>, tensor<f32>, tensor<f32>) -> tensor<4xf32>
  // CHECK: down: dense<[5, 3, 1]>
  %from = llmc.constant dense<5> : tensor<i32>
  %to = llmc.constant dense<0> : tensor<i32>
  %by = llmc.constant dense<-2> : tensor<i32>
  %7 = llmc.range %from, %to, %by : (tensor<i32>, tensor<i32>, tensor<i32>) -> tensor<3xi32>
  return %0, %1, %2, %3, %4, %5, %6, %7
    : tensor<?x3xf32>, tensor<?x3xf32>, tensor<?x3xf32>, tensor<3xf16>, tensor<2x?xi64>,
      tensor<?xi64>, tensor<4xf32>, tensor<3xi32>
}
