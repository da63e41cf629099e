// Rows are written behind a position, for all batches or for each its own;
// what does not fit is an error.
// RUN: not llmc-run %s --input 'at=dense<3> : tensor<i64>' --input 'each=dense<[0, 0]> : tensor<2xi64>' \
// RUN:   --input 'length=dense<1> : tensor<i64>' 2>&1 | FileCheck %s --check-prefix=OUTSIDE
// RUN: not llmc-run %s --input 'at=dense<-1> : tensor<i64>' --input 'each=dense<[0, 0]> : tensor<2xi64>' \
// RUN:   --input 'length=dense<1> : tensor<i64>' 2>&1 | FileCheck %s --check-prefix=OUTSIDE
// RUN: not llmc-run %s --input 'at=dense<0> : tensor<i64>' --input 'each=dense<[3, 0]> : tensor<2xi64>' \
// RUN:   --input 'length=dense<1> : tensor<i64>' 2>&1 | FileCheck %s --check-prefix=OUTSIDE
// RUN: not llmc-run %s --input 'at=dense<0> : tensor<i64>' --input 'each=dense<[0, 0]> : tensor<2xi64>' \
// RUN:   --input 'length=dense<5> : tensor<i64>' 2>&1 | FileCheck %s --check-prefix=OUTSIDE
// RUN: not llmc-run %s --input 'at=dense<0> : tensor<i64>' --input 'each=dense<[0, 0]> : tensor<2xi64>' \
// RUN:   --input 'length=dense<-1> : tensor<i64>' 2>&1 | FileCheck %s --check-prefix=OUTSIDE
// OUTSIDE: llmc-run:
// RUN: llmc-run %s --input 'at=dense<1> : tensor<i64>' \
// RUN:   --input 'each=dense<[2, 0]> : tensor<2xi64>' \
// RUN:   --input 'length=dense<3> : tensor<i64>' | FileCheck %s

func.func @main(%at: tensor<i64> {llmc.name = "at"},
                %each: tensor<2xi64> {llmc.name = "each"},
                %length: tensor<i64> {llmc.name = "length"})
    -> (tensor<2x4x1xf32> {llmc.name = "all"},
        tensor<2x4x1xf32> {llmc.name = "own"},
        tensor<2x?x1xf32> {llmc.name = "prefix"}) {
  %cache = llmc.constant dense<[[[1.0], [2.0], [3.0], [4.0]], [[5.0], [6.0], [7.0], [8.0]]]> : tensor<2x4x1xf32>
  %rows = llmc.constant dense<[[[-1.0], [-2.0]], [[-3.0], [-4.0]]]> : tensor<2x2x1xf32>
  // CHECK: all: dense<{{\[\[}}[1.000000e+00], [-1.000000e+00], [-2.000000e+00], [4.000000e+00]], {{\[}}[5.000000e+00], [-3.000000e+00], [-4.000000e+00], [8.000000e+00]]]>
  %r0 = llmc.tensor_scatter %cache, %rows, %at {axis = 1}
     : (tensor<2x4x1xf32>, tensor<2x2x1xf32>, tensor<i64>) -> tensor<2x4x1xf32>
  // CHECK: own: dense<{{\[\[}}[1.000000e+00], [2.000000e+00], [-1.000000e+00], [-2.000000e+00]], {{\[}}[-3.000000e+00], [-4.000000e+00], [7.000000e+00], [8.000000e+00]]]>
  %r1 = llmc.tensor_scatter %cache, %rows, %each {axis = 1}
     : (tensor<2x4x1xf32>, tensor<2x2x1xf32>, tensor<2xi64>) -> tensor<2x4x1xf32>
  // CHECK: prefix: dense<{{\[\[}}[1.000000e+00], [2.000000e+00], [3.000000e+00]], {{\[}}[5.000000e+00], [6.000000e+00], [7.000000e+00]]]>
  %r2 = llmc.prefix %cache, %length {axis = 1}
     : (tensor<2x4x1xf32>, tensor<i64>) -> tensor<2x?x1xf32>
  return %r0, %r1, %r2
    : tensor<2x4x1xf32>,
      tensor<2x4x1xf32>,
      tensor<2x?x1xf32>
}
