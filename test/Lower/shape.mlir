// RUN: llmc-run %s --input 'x=dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi32>' \
// RUN:   --input 'from=dense<-1> : tensor<1xi64>' --input 'to=dense<-100> : tensor<1xi64>' \
// RUN:   --input 'step=dense<-2> : tensor<1xi64>' --input 'shape=dense<[3, -1]> : tensor<2xi64>' \
// RUN:   | FileCheck %s

func.func @main(%x: tensor<?x3xi32> {llmc.name = "x"}, %from: tensor<1xi64> {llmc.name = "from"},
                %to: tensor<1xi64> {llmc.name = "to"}, %step: tensor<1xi64> {llmc.name = "step"},
                %shape: tensor<2xi64> {llmc.name = "shape"})
    -> (tensor<2xi64> {llmc.name = "sizes"}, tensor<?x?xi32> {llmc.name = "reshape"},
        tensor<3x?xi32> {llmc.name = "transpose"}, tensor<?x1x3xi32> {llmc.name = "unsqueeze"},
        tensor<2x?x3xi32> {llmc.name = "expand"}, tensor<?x3xi32> {llmc.name = "concat"},
        tensor<?x?xi32> {llmc.name = "slice"}, tensor<?x2xi32> {llmc.name = "columns"},
        tensor<i32> {llmc.name = "scalar"}) {
  // CHECK: sizes: dense<[2, 3]>
  %0 = llmc.shape %x {start = 0, end = 2} : (tensor<?x3xi32>) -> tensor<2xi64>
  // CHECK: reshape: dense<{{\[}}[1, 2], [3, 4], [5, 6]]>
  %1 = llmc.reshape %x, %shape : (tensor<?x3xi32>, tensor<2xi64>) -> tensor<?x?xi32>
  // CHECK: transpose: dense<{{\[}}[1, 4], [2, 5], [3, 6]]>
  %2 = llmc.transpose %x {perm = array<i64: 1, 0>} : (tensor<?x3xi32>) -> tensor<3x?xi32>
  // CHECK: unsqueeze: dense<{{\[\[}}[1, 2, 3]], {{\[}}[4, 5, 6]]]>
  %3 = llmc.unsqueeze %x {axes = array<i64: 1>} : (tensor<?x3xi32>) -> tensor<?x1x3xi32>
  // CHECK: expand: dense<{{\[\[}}[1, 2, 3], [4, 5, 6]], {{\[}}[1, 2, 3], [4, 5, 6]]]>
  %s = llmc.constant dense<[2, 1, 1]> : tensor<3xi64>
  %4 = llmc.expand %x, %s : (tensor<?x3xi32>, tensor<3xi64>) -> tensor<2x?x3xi32>
  // CHECK: concat: dense<{{\[}}[1, 2, 3], [4, 5, 6], [1, 2, 3], [4, 5, 6]]>
  %5 = llmc.concat %x, %x {axis = 0} : (tensor<?x3xi32>, tensor<?x3xi32>) -> tensor<?x3xi32>
  // CHECK: slice: dense<{{\[}}[3, 1], [6, 4]]>
  %6 = llmc.slice %x, %from, %to, %step {axes = array<i64: 1>}
     : (tensor<?x3xi32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x?xi32>
  // CHECK: columns: dense<{{\[}}[1, 3], [4, 6]]>
  %c0 = llmc.constant dense<0> : tensor<1xi64>
  %c9 = llmc.constant dense<9> : tensor<1xi64>
  %c2 = llmc.constant dense<2> : tensor<1xi64>
  %7 = llmc.slice %x, %c0, %c9, %c2 {axes = array<i64: 1>}
     : (tensor<?x3xi32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?x2xi32>
  // CHECK: scalar: dense<21>
  %8 = llmc.reduce sum %x {axes = array<i64: 0, 1>} : (tensor<?x3xi32>) -> tensor<1x1xi32>
  %9 = llmc.squeeze %8 {axes = array<i64: 0, 1>} : (tensor<1x1xi32>) -> tensor<i32>
  return %0, %1, %2, %3, %4, %5, %6, %7, %9
    : tensor<2xi64>, tensor<?x?xi32>, tensor<3x?xi32>, tensor<?x1x3xi32>, tensor<2x?x3xi32>,
      tensor<?x3xi32>, tensor<?x?xi32>, tensor<?x2xi32>, tensor<i32>
}
