// RUN: llmc-run %s --input 'x=dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi32>' \
// RUN:   --input 'p=dense<[1, -1, 0, 2]> : tensor<4xi64>' | FileCheck %s
// RUN: not llmc-run %s --input 'x=dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi32>' \
// RUN:   --input 'p=dense<[1, -4, 0, 0]> : tensor<4xi64>' 2>&1 | FileCheck %s --check-prefix=ERROR

func.func @main(%x: tensor<?x3xi32> {llmc.name = "x"}, %p: tensor<4xi64> {llmc.name = "p"})
    -> (tensor<?x?xi32> {llmc.name = "constant"}, tensor<?x8xi32> {llmc.name = "reflect"},
        tensor<?x6xi32> {llmc.name = "edge"}, tensor<?x8xi32> {llmc.name = "wrap"}) {
  // ERROR: llmc-run: the sizes of the inputs do not fit the model's operations
  // CHECK: constant: dense<{{\[}}[9, 9, 9, 9], [2, 3, 9, 9], [5, 6, 9, 9]]>
  %v = llmc.constant dense<9> : tensor<i32>
  %0 = llmc.pad constant %x, %p, %v : (tensor<?x3xi32>, tensor<4xi64>, tensor<i32>) -> tensor<?x?xi32>
  // CHECK: reflect: dense<{{\[}}[2, 3, 2, 1, 2, 3, 2, 1], [5, 6, 5, 4, 5, 6, 5, 4]]>
  %a = llmc.constant dense<[0, 3, 0, 2]> : tensor<4xi64>
  %1 = llmc.pad reflect %x, %a : (tensor<?x3xi32>, tensor<4xi64>) -> tensor<?x8xi32>
  // CHECK: edge: dense<{{\[}}[1, 1, 2, 3, 3, 3], [1, 1, 2, 3, 3, 3], [4, 4, 5, 6, 6, 6]]>
  %b = llmc.constant dense<[1, 1, 0, 2]> : tensor<4xi64>
  %2 = llmc.pad edge %x, %b : (tensor<?x3xi32>, tensor<4xi64>) -> tensor<?x6xi32>
  // CHECK: wrap: dense<{{\[}}[3, 1, 2, 3, 1, 2, 3, 1], [6, 4, 5, 6, 4, 5, 6, 4]]>
  %c = llmc.constant dense<[0, 1, 0, 4]> : tensor<4xi64>
  %3 = llmc.pad wrap %x, %c : (tensor<?x3xi32>, tensor<4xi64>) -> tensor<?x8xi32>
  return %0, %1, %2, %3 : tensor<?x?xi32>, tensor<?x8xi32>, tensor<?x6xi32>, tensor<?x8xi32>
}
