// RUN: llmc-run %s --input 'x=dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi32>' \
// RUN:   --input 'i=dense<[0, -1]> : tensor<2xi64>' | FileCheck %s
// RUN: not llmc-run %s --input 'x=dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi32>' \
// RUN:   --input 'i=dense<[0, 2]> : tensor<2xi64>' 2>&1 | FileCheck %s --check-prefix=RANGE

func.func @main(%x: tensor<?x3xi32> {llmc.name = "x"}, %i: tensor<?xi64> {llmc.name = "i"})
    -> (tensor<?x3xi32> {llmc.name = "rows"}, tensor<?x?xi32> {llmc.name = "columns"},
        tensor<3xi32> {llmc.name = "one"}) {
  // RANGE: llmc-run: an index is outside the tensor it reads
  // CHECK: rows: dense<{{\[}}[1, 2, 3], [4, 5, 6]]>
  %0 = llmc.gather %x, %i {axis = 0} : (tensor<?x3xi32>, tensor<?xi64>) -> tensor<?x3xi32>
  // CHECK: columns: dense<{{\[}}[1, 3], [4, 6]]>
  %1 = llmc.gather %x, %i {axis = 1} : (tensor<?x3xi32>, tensor<?xi64>) -> tensor<?x?xi32>
  // CHECK: one: dense<[4, 5, 6]>
  %c = llmc.constant dense<-1> : tensor<i32>
  %2 = llmc.gather %x, %c {axis = 0} : (tensor<?x3xi32>, tensor<i32>) -> tensor<3xi32>
  return %0, %1, %2 : tensor<?x3xi32>, tensor<?x?xi32>, tensor<3xi32>
}
