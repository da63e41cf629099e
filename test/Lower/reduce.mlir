// RUN: llmc-run %s --input 'x=dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 9.0]]> : tensor<2x3xf32>' \
// RUN:   --input 'i=dense<[[200, 100], [3, 4]]> : tensor<2x2xui8>' | FileCheck %s

func.func @main(%x: tensor<?x3xf32> {llmc.name = "x"}, %i: tensor<2x2xui8> {llmc.name = "i"})
    -> (tensor<?x1xf32> {llmc.name = "sum"}, tensor<3xf32> {llmc.name = "mean"},
        tensor<f32> {llmc.name = "max"}, tensor<?x3xf32> {llmc.name = "none"},
        tensor<2xui8> {llmc.name = "umax"}, tensor<2xui8> {llmc.name = "uprod"},
        tensor<?x3xf32> {llmc.name = "softmax"}, tensor<?x3xf32> {llmc.name = "log"}) {
  // CHECK: sum: dense<{{\[}}[6.000000e+00], [1.800000e+01]]>
  %0 = llmc.reduce sum %x {axes = array<i64: 1>} : (tensor<?x3xf32>) -> tensor<?x1xf32>
  // CHECK: mean: dense<[2.500000e+00, 3.500000e+00, 6.000000e+00]>
  %1 = llmc.reduce mean %x {axes = array<i64: 0>, keepdims = false} : (tensor<?x3xf32>) -> tensor<3xf32>
  // CHECK: max: dense<9.000000e+00>
  %2 = llmc.reduce max %x {axes = array<i64: 0, 1>, keepdims = false} : (tensor<?x3xf32>) -> tensor<f32>
  // CHECK: none: dense<{{\[}}[1.000000e+00, 2.000000e+00, 3.000000e+00], [4.000000e+00, 5.000000e+00, 9.000000e+00]]>
  %3 = llmc.reduce sum %x {axes = array<i64>} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  // CHECK: umax: dense<[200, 100]>
  %4 = llmc.reduce max %i {axes = array<i64: 0>, keepdims = false} : (tensor<2x2xui8>) -> tensor<2xui8>
  // CHECK: uprod: dense<[32, 12]>
  %5 = llmc.reduce prod %i {axes = array<i64: 1>, keepdims = false} : (tensor<2x2xui8>) -> tensor<2xui8>
  // CHECK: softmax: dense<{{\[}}[0.09003{{[0-9]*}}, 0.24472{{[0-9]*}}, 0.66524{{[0-9]*}}], [0.00657{{[0-9]*}}, 0.01786{{[0-9]*}}, 0.97555{{[0-9]*}}]]>
  %6 = llmc.softmax %x {axis = -1 : i64} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  // CHECK: log: dense<{{\[}}[-3.048587{{[0-9e+]*}}, -3.048587{{[0-9e+]*}}, -6.002475{{[0-9e+]*}}], [-0.048587{{[0-9e+]*}}, -0.048587{{[0-9e+]*}}, -0.002475{{[0-9]*}}]]>
  %7 = llmc.softmax %x {axis = 0 : i64, log} : (tensor<?x3xf32>) -> tensor<?x3xf32>
  return %0, %1, %2, %3, %4, %5, %6, %7
    : tensor<?x1xf32>, tensor<3xf32>, tensor<f32>, tensor<?x3xf32>, tensor<2xui8>,
      tensor<2xui8>, tensor<?x3xf32>, tensor<?x3xf32>
}
