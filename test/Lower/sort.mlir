// RUN: llmc-run %s --input 'x=dense<[[3.0, 1.0, 3.0, 2.0], [-1.0, -1.0, -5.0, -1.0]]> : tensor<2x4xf32>' \
// RUN:   --input 'k=dense<3> : tensor<1xi64>' \
// RUN:   --input 'u=dense<[200, 3, 200, 7]> : tensor<4xui8>' | FileCheck %s
// RUN: not llmc-run %s --input 'x=dense<[[3.0, 1.0, 3.0, 2.0], [-1.0, -1.0, -5.0, -1.0]]> : tensor<2x4xf32>' \
// RUN:   --input 'k=dense<5> : tensor<1xi64>' \
// RUN:   --input 'u=dense<[200, 3, 200, 7]> : tensor<4xui8>' 2>&1 | FileCheck %s --check-prefix=K

func.func @main(%x: tensor<?x4xf32> {llmc.name = "x"}, %k: tensor<1xi64> {llmc.name = "k"},
                %u: tensor<4xui8> {llmc.name = "u"})
    -> (tensor<?x1xi64> {llmc.name = "max"}, tensor<?x1xi64> {llmc.name = "last"},
        tensor<1x4xi64> {llmc.name = "min"}, tensor<1xi64> {llmc.name = "umax"},
        tensor<?x?xf32> {llmc.name = "largest"}, tensor<?x?xi64> {llmc.name = "places"},
        tensor<2x4xf32> {llmc.name = "smallest"}, tensor<2x4xi64> {llmc.name = "at"},
        tensor<1xui8> {llmc.name = "utop"}) {
  // K: llmc-run: the sizes of the inputs do not fit the model's operations
  // CHECK: max: dense<0> : tensor<2x1xi64>
  %0 = llmc.arg_max %x {axis = 1 : i64} : (tensor<?x4xf32>) -> tensor<?x1xi64>
  // CHECK: last: dense<{{\[}}[2], [3]]>
  %1 = llmc.arg_max %x {axis = 1 : i64, select_last_index} : (tensor<?x4xf32>) -> tensor<?x1xi64>
  // CHECK: min: dense<1> : tensor<1x4xi64>
  %2 = llmc.arg_min %x {axis = 0 : i64} : (tensor<?x4xf32>) -> tensor<1x4xi64>
  // CHECK: umax: dense<0>
  %3 = llmc.arg_max %u {axis = 0 : i64} : (tensor<4xui8>) -> tensor<1xi64>
  // CHECK: largest: dense<{{\[}}[3.000000e+00, 3.000000e+00, 2.000000e+00], [-1.000000e+00, -1.000000e+00, -1.000000e+00]]>
  // CHECK: places: dense<{{\[}}[0, 2, 3], [0, 1, 3]]>
  %4:2 = llmc.top_k %x, %k {axis = 1 : i64}
     : (tensor<?x4xf32>, tensor<1xi64>) -> (tensor<?x?xf32>, tensor<?x?xi64>)
  // CHECK: smallest: dense<{{\[}}[-1.000000e+00, -1.000000e+00, -5.000000e+00, -1.000000e+00], [3.000000e+00, 1.000000e+00, 3.000000e+00, 2.000000e+00]]>
  // CHECK: at: dense<{{\[}}[1, 1, 1, 1], [0, 0, 0, 0]]>
  %two = llmc.constant dense<2> : tensor<1xi64>
  %5:2 = llmc.top_k %x, %two {axis = 0 : i64, smallest}
     : (tensor<?x4xf32>, tensor<1xi64>) -> (tensor<2x4xf32>, tensor<2x4xi64>)
  // CHECK: utop: dense<200>
  %one = llmc.constant dense<1> : tensor<1xi64>
  %6:2 = llmc.top_k %u, %one {axis = 0 : i64}
     : (tensor<4xui8>, tensor<1xi64>) -> (tensor<1xui8>, tensor<1xi64>)
  return %0, %1, %2, %3, %4#0, %4#1, %5#0, %5#1, %6#0
    : tensor<?x1xi64>, tensor<?x1xi64>, tensor<1x4xi64>, tensor<1xi64>, tensor<?x?xf32>,
      tensor<?x?xi64>, tensor<2x4xf32>, tensor<2x4xi64>, tensor<1xui8>
}
