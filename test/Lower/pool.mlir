// RUN: llmc-run %s --input 'x=dense<[[[[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0], [9.0, 10.0, 11.0, 12.0], [13.0, 14.0, 15.0, 16.0]]]]> : tensor<1x1x4x4xf32>' | FileCheck %s

func.func @main(%x: tensor<?x1x?x?xf32> {llmc.name = "x"})
    -> (tensor<?x1x?x?xf32> {llmc.name = "max"}, tensor<?x1x?x?xi64> {llmc.name = "where"},
        tensor<?x1x?x?xi64> {llmc.name = "columns"}, tensor<?x1x?x?xf32> {llmc.name = "average"},
        tensor<?x1x?x?xf32> {llmc.name = "padded"}, tensor<?x1x?x?xf32> {llmc.name = "norm"},
        tensor<1x1x2xui8> {llmc.name = "bytes"}, tensor<1x1x2xf32> {llmc.name = "nan"}) {
  // The last windows stick out and are cut.
  // CHECK: max: dense<{{\[}}[{{\[}}[6.000000e+00, 8.000000e+00], [1.400000e+01, 1.600000e+01]]]]>
  // CHECK: where: dense<{{\[}}[{{\[}}[5, 7], [13, 15]]]]>
  %0:2 = llmc.max_pool %x {kernel_shape = array<i64: 2, 2>, strides = array<i64: 3, 3>,
      pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, ceil_mode}
     : (tensor<?x1x?x?xf32>) -> (tensor<?x1x?x?xf32>, tensor<?x1x?x?xi64>)
  // CHECK: columns: dense<15> : tensor<1x1x1x1xi64>
  %1:2 = llmc.max_pool %x {kernel_shape = array<i64: 2, 2>, strides = array<i64: 1, 1>,
      pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 3, 3>, column_major}
     : (tensor<?x1x?x?xf32>) -> (tensor<?x1x?x?xf32>, tensor<?x1x?x?xi64>)
  // CHECK: average: dense<{{\[}}[{{\[}}[3.500000e+00, 5.000000e+00], [9.500000e+00, 1.100000e+01]]]]>
  %2 = llmc.average_pool %x {kernel_shape = array<i64: 3, 3>, strides = array<i64: 2, 2>,
      pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>}
     : (tensor<?x1x?x?xf32>) -> tensor<?x1x?x?xf32>
  // Padding counts, what lies behind it does not: 14 / 9, 22 / 9, 46 / 9, 54 / 9.
  // CHECK: padded: dense<{{\[}}[{{\[}}[1.55555558, 2.44444442], [5.11111116, 6.000000e+00]]]]>
  %3 = llmc.average_pool %x {kernel_shape = array<i64: 3, 3>, strides = array<i64: 3, 3>,
      pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>, ceil_mode, count_include_pad}
     : (tensor<?x1x?x?xf32>) -> tensor<?x1x?x?xf32>
  // CHECK: norm: dense<{{\[}}[{{\[}}[1.400000e+01, 2.200000e+01], [4.600000e+01, 5.400000e+01]]]]>
  %4 = llmc.lp_pool %x {kernel_shape = array<i64: 2, 2>, strides = array<i64: 2, 2>,
      pads = array<i64: 0, 0, 0, 0>, dilations = array<i64: 1, 1>, p = 1}
     : (tensor<?x1x?x?xf32>) -> tensor<?x1x?x?xf32>
  // CHECK: bytes: dense<200> : tensor<1x1x2xui8>
  %b = llmc.constant dense<[[[100, 200, 3]]]> : tensor<1x1x3xui8>
  %5:2 = llmc.max_pool %b {kernel_shape = array<i64: 2>, strides = array<i64: 1>,
      pads = array<i64: 0, 0>, dilations = array<i64: 1>}
     : (tensor<1x1x3xui8>) -> (tensor<1x1x2xui8>, tensor<1x1x2xi64>)
  // CHECK: nan: dense<{{\[}}[{{\[}}0x7FC00000, 2.000000e+00]]]>
  %n = llmc.constant dense<[[[0x7FC00000, 1.0, 2.0]]]> : tensor<1x1x3xf32>
  %6:2 = llmc.max_pool %n {kernel_shape = array<i64: 2>, strides = array<i64: 1>,
      pads = array<i64: 0, 0>, dilations = array<i64: 1>}
     : (tensor<1x1x3xf32>) -> (tensor<1x1x2xf32>, tensor<1x1x2xi64>)
  return %0#0, %0#1, %1#1, %2, %3, %4, %5#0, %6#0
    : tensor<?x1x?x?xf32>, tensor<?x1x?x?xi64>, tensor<?x1x?x?xi64>, tensor<?x1x?x?xf32>,
      tensor<?x1x?x?xf32>, tensor<?x1x?x?xf32>, tensor<1x1x2xui8>, tensor<1x1x2xf32>
}
