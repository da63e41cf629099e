// Negative ids count from the end.
// RUN: not llmc-run %s --input 'i=dense<[[0, 3]]> : tensor<1x2xi64>' 2>&1 | FileCheck %s --check-prefix=OUTSIDE
// RUN: not llmc-run %s --input 'i=dense<[[0, -4]]> : tensor<1x2xi64>' 2>&1 | FileCheck %s --check-prefix=OUTSIDE
// OUTSIDE: llmc-run:
// RUN: llmc-run %s --input 'i=dense<[[0, 2], [-1, -3]]> : tensor<2x2xi64>' | FileCheck %s

func.func @main(%i: tensor<?x2xi64> {llmc.name = "i"})
    -> (tensor<?x2x2xf32> {llmc.name = "rows"}) {
  %w = llmc.constant dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32>
  // CHECK: rows: dense<{{\[\[}}[1.000000e+00, 2.000000e+00], [5.000000e+00, 6.000000e+00]], {{\[}}[5.000000e+00, 6.000000e+00], [1.000000e+00, 2.000000e+00]]]>
  %r0 = llmc.embedding %i, %w
     : (tensor<?x2xi64>, tensor<3x2xf32>) -> tensor<?x2x2xf32>
  return %r0
    : tensor<?x2x2xf32>
}
