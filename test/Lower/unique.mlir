// RUN: llmc-run %s --input 'x=dense<[[2, 1], [0, 5], [2, 1], [0, 4]]> : tensor<4x2xi32>' | FileCheck %s

func.func @main(%x: tensor<?x2xi32> {llmc.name = "x"})
    -> (tensor<?xi64> {llmc.name = "firsts"}, tensor<?xi64> {llmc.name = "inverse"},
        tensor<?xi64> {llmc.name = "counts"}, tensor<?xi64> {llmc.name = "sorted"},
        tensor<?xi64> {llmc.name = "places"}, tensor<?xi64> {llmc.name = "numbers"}) {
  // CHECK: firsts: dense<[0, 1, 3]>
  // CHECK: inverse: dense<[0, 1, 0, 2]>
  // CHECK: counts: dense<[2, 1, 1]>
  %0:3 = llmc.unique %x : (tensor<?x2xi32>) -> (tensor<?xi64>, tensor<?xi64>, tensor<?xi64>)
  // CHECK: sorted: dense<[3, 1, 0]>
  // CHECK: places: dense<[2, 1, 2, 0]>
  // CHECK: numbers: dense<[1, 1, 2]>
  %1:3 = llmc.unique %x {sorted} : (tensor<?x2xi32>) -> (tensor<?xi64>, tensor<?xi64>, tensor<?xi64>)
  return %0#0, %0#1, %0#2, %1#0, %1#1, %1#2
    : tensor<?xi64>, tensor<?xi64>, tensor<?xi64>, tensor<?xi64>, tensor<?xi64>, tensor<?xi64>
}
