// RUN: llmc-opt %s --llmc-decompose-scans | FileCheck %s
// RUN: llmc-opt %s --llmc-decompose-scans | llmc-run - --input 'x=dense<[[1.0, 4.0, 4.0], [2.0, 0.5, -1.0]]> : tensor<2x3xf32>' --input 'h=dense<[1.0, 2048.0, 1.0, 1.0]> : tensor<4xf16>' | FileCheck %s --check-prefix=VALUES

// CHECK-LABEL: func.func @main
// CHECK-NOT: llmc.{{cumsum|cumprod|top_k}}
func.func @main(%x: tensor<?x3xf32> {llmc.name = "x"},
                %h: tensor<?xf16> {llmc.name = "h"})
    -> (tensor<?x3xf32> {llmc.name = "sum"},
        tensor<?x3xf32> {llmc.name = "reverse"},
        tensor<?x3xf32> {llmc.name = "exclusive"},
        tensor<?x3xf32> {llmc.name = "product"},
        tensor<?xf16> {llmc.name = "half"},
        tensor<?x2xf32> {llmc.name = "largest"},
        tensor<?x2xi64> {llmc.name = "places"},
        tensor<1x3xf32> {llmc.name = "smallest"},
        tensor<1x3xi64> {llmc.name = "rows"}) {
  // VALUES: sum: dense<{{\[}}[1.000000e+00, 5.000000e+00, 9.000000e+00], [2.000000e+00, 2.500000e+00, 1.500000e+00]]>
  %0 = llmc.cumsum %x {axis = 1 : i64} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  // VALUES: reverse: dense<{{\[}}[3.000000e+00, 4.500000e+00, 3.000000e+00], [2.000000e+00, 5.000000e-01, -1.000000e+00]]>
  %1 = llmc.cumsum %x {axis = 0 : i64, reverse}
     : (tensor<?x3xf32>) -> tensor<?x3xf32>
  // VALUES: exclusive: dense<{{\[}}[8.000000e+00, 4.000000e+00, 0.000000e+00], [-5.000000e-01, -1.000000e+00, 0.000000e+00]]>
  %2 = llmc.cumsum %x {axis = 1 : i64, exclusive, reverse}
     : (tensor<?x3xf32>) -> tensor<?x3xf32>
  // VALUES: product: dense<{{\[}}[1.000000e+00, 4.000000e+00, 1.600000e+01], [2.000000e+00, 1.000000e+00, -1.000000e+00]]>
  %3 = llmc.cumprod %x {axis = 1 : i64} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  // Totals are of 32 bits: in 16, 2049 is 2048, and so are 2050 and 2051.
  // VALUES: half: dense<[1.000000e+00, 2.048000e+03, 2.050000e+03, 2.052000e+03]>
  %4 = llmc.cumsum %h {axis = 0 : i64} : (tensor<?xf16>) -> tensor<?xf16>
  // Of equal elements the first one comes first.
  // VALUES: largest: dense<{{\[}}[4.000000e+00, 4.000000e+00], [2.000000e+00, 5.000000e-01]]>
  // VALUES: places: dense<{{\[}}[1, 2], [0, 1]]>
  %two = llmc.constant dense<2> : tensor<1xi64>
  %5:2 = llmc.top_k %x, %two {axis = 1 : i64}
     : (tensor<?x3xf32>, tensor<1xi64>) -> (tensor<?x2xf32>, tensor<?x2xi64>)
  // VALUES: smallest: dense<{{\[}}[1.000000e+00, 5.000000e-01, -1.000000e+00]]>
  // VALUES: rows: dense<{{\[}}[0, 1, 1]]>
  %one = llmc.constant dense<1> : tensor<1xi64>
  %6:2 = llmc.top_k %x, %one {axis = 0 : i64, smallest}
     : (tensor<?x3xf32>, tensor<1xi64>) -> (tensor<1x3xf32>, tensor<1x3xi64>)
  return %0, %1, %2, %3, %4, %5#0, %5#1, %6#0, %6#1
    : tensor<?x3xf32>, tensor<?x3xf32>, tensor<?x3xf32>, tensor<?x3xf32>,
      tensor<?xf16>, tensor<?x2xf32>, tensor<?x2xi64>, tensor<1x3xf32>,
      tensor<1x3xi64>
}
