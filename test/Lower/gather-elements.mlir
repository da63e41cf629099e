// RUN: llmc-run %s --input 'x=dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi32>' \
// RUN:   --input 'i=dense<[[0, -1, 1]]> : tensor<1x3xi64>' \
// RUN:   --input 'p=dense<[[1, 0], [0, -1]]> : tensor<2x2xi32>' | FileCheck %s
// RUN: not llmc-run %s --input 'x=dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi32>' \
// RUN:   --input 'i=dense<[[0, -3, 1]]> : tensor<1x3xi64>' \
// RUN:   --input 'p=dense<[[1, 0], [0, -1]]> : tensor<2x2xi32>' 2>&1 \
// RUN:   | FileCheck %s --check-prefix=RANGE
// More rows of indices than the operand has.
// RUN: not llmc-run %s --input 'x=dense<[[1, 2, 3], [4, 5, 6]]> : tensor<2x3xi32>' \
// RUN:   --input 'i=dense<[[0, -1, 1]]> : tensor<1x3xi64>' \
// RUN:   --input 'p=dense<[[1, 0], [0, -4]]> : tensor<2x2xi32>' 2>&1 \
// RUN:   | FileCheck %s --check-prefix=RANGE
// An empty axis has no element at 0 either.
// RUN: not llmc-run %s --input 'x=dense<1> : tensor<0x3xi32>' \
// RUN:   --input 'i=dense<0> : tensor<1x3xi64>' \
// RUN:   --input 'p=dense<0> : tensor<2x2xi32>' 2>&1 \
// RUN:   | FileCheck %s --check-prefix=RANGE

func.func @main(%x: tensor<?x3xi32> {llmc.name = "x"}, %i: tensor<?x3xi64> {llmc.name = "i"},
                %p: tensor<2x2xi32> {llmc.name = "p"})
    -> (tensor<?x3xi32> {llmc.name = "rows"}, tensor<2xi32> {llmc.name = "points"},
        tensor<2x2x3xi32> {llmc.name = "slices"}) {
  // RANGE: llmc-run: an index is outside the tensor it reads
  // CHECK: rows: dense<{{\[}}[1, 5, 6]]>
  %0 = llmc.gather_elements %x, %i {axis = 0 : i64}
     : (tensor<?x3xi32>, tensor<?x3xi64>) -> tensor<?x3xi32>
  // CHECK: points: dense<[4, 3]>
  %1 = llmc.gather_nd %x, %p : (tensor<?x3xi32>, tensor<2x2xi32>) -> tensor<2xi32>
  // CHECK: slices: dense<{{\[\[}}[4, 5, 6], [1, 2, 3]], {{\[}}[1, 2, 3], [4, 5, 6]]]>
  %c = llmc.constant dense<[[[1], [0]], [[0], [-1]]]> : tensor<2x2x1xi64>
  %2 = llmc.gather_nd %x, %c : (tensor<?x3xi32>, tensor<2x2x1xi64>) -> tensor<2x2x3xi32>
  return %0, %1, %2 : tensor<?x3xi32>, tensor<2xi32>, tensor<2x2x3xi32>
}
