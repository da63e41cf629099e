// RUN: llmc-run %s --input 'x=dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>' \
// RUN:   --input 'i=dense<[[1, 0, -1], [1, 1, 0]]> : tensor<2x3xi64>' \
// RUN:   --input 'u=dense<[[10.0, 20.0, 30.0], [0.5, -20.0, 60.0]]> : tensor<2x3xf32>' | FileCheck %s
// RUN: not llmc-run %s --input 'x=dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>' \
// RUN:   --input 'i=dense<[[1, 0, -1], [1, 1, 2]]> : tensor<2x3xi64>' \
// RUN:   --input 'u=dense<1.0> : tensor<2x3xf32>' 2>&1 | FileCheck %s --check-prefix=RANGE
// RUN: not llmc-run %s --input 'x=dense<[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]> : tensor<2x3xf32>' \
// RUN:   --input 'i=dense<0> : tensor<2x3xi64>' \
// RUN:   --input 'u=dense<1.0> : tensor<3x3xf32>' 2>&1 | FileCheck %s --check-prefix=SIZES
// RUN: not llmc-run %s --input 'x=dense<0.0> : tensor<0x3xf32>' \
// RUN:   --input 'i=dense<0> : tensor<2x3xi64>' \
// RUN:   --input 'u=dense<1.0> : tensor<2x3xf32>' 2>&1 | FileCheck %s --check-prefix=SIZES

func.func @main(%x: tensor<?x3xf32> {llmc.name = "x"}, %i: tensor<?x3xi64> {llmc.name = "i"},
                %u: tensor<?x3xf32> {llmc.name = "u"})
    -> (tensor<?x3xf32> {llmc.name = "none"}, tensor<?x3xf32> {llmc.name = "add"},
        tensor<?x3xf32> {llmc.name = "mul"}, tensor<?x3xf32> {llmc.name = "max"},
        tensor<?x3xf32> {llmc.name = "min"}, tensor<?x3xf32> {llmc.name = "nd"},
        tensor<?x3xf32> {llmc.name = "same"}) {
  // RANGE: llmc-run: an index is outside the tensor it reads
  // SIZES: llmc-run: the sizes of the inputs do not fit the model's operations
  // CHECK: none: dense<{{\[}}[1.000000e+00, 2.000000e+01, 6.000000e+01], [5.000000e-01, -2.000000e+01, 3.000000e+01]]>
  %0 = llmc.scatter_elements none %x, %i, %u {axis = 0 : i64}
     : (tensor<?x3xf32>, tensor<?x3xi64>, tensor<?x3xf32>) -> tensor<?x3xf32>
  // CHECK: add: dense<{{\[}}[1.000000e+00, 2.200000e+01, 6.300000e+01], [1.450000e+01, -1.500000e+01, 3.600000e+01]]>
  %1 = llmc.scatter_elements add %x, %i, %u {axis = 0 : i64}
     : (tensor<?x3xf32>, tensor<?x3xi64>, tensor<?x3xf32>) -> tensor<?x3xf32>
  // CHECK: mul: dense<{{\[}}[1.000000e+00, 4.000000e+01, 1.800000e+02], [2.000000e+01, -1.000000e+02, 1.800000e+02]]>
  %2 = llmc.scatter_elements mul %x, %i, %u {axis = 0 : i64}
     : (tensor<?x3xf32>, tensor<?x3xi64>, tensor<?x3xf32>) -> tensor<?x3xf32>
  // CHECK: max: dense<{{\[}}[1.000000e+00, 2.000000e+01, 6.000000e+01], [1.000000e+01, 5.000000e+00, 3.000000e+01]]>
  %3 = llmc.scatter_elements max %x, %i, %u {axis = 0 : i64}
     : (tensor<?x3xf32>, tensor<?x3xi64>, tensor<?x3xf32>) -> tensor<?x3xf32>
  // CHECK: min: dense<{{\[}}[1.000000e+00, 2.000000e+00, 3.000000e+00], [5.000000e-01, -2.000000e+01, 6.000000e+00]]>
  %4 = llmc.scatter_elements min %x, %i, %u {axis = 0 : i64}
     : (tensor<?x3xf32>, tensor<?x3xi64>, tensor<?x3xf32>) -> tensor<?x3xf32>
  // CHECK: nd: dense<{{\[}}[1.000000e+00, 2.000000e+00, 3.000000e+00], [4.000000e+00, 1.200000e+01, 6.000000e+00]]>
  %at = llmc.constant dense<[[1, 1], [-1, -2]]> : tensor<2x2xi64>
  %by = llmc.constant dense<[3.0, 4.0]> : tensor<2xf32>
  %5 = llmc.scatter_nd add %x, %at, %by
     : (tensor<?x3xf32>, tensor<2x2xi64>, tensor<2xf32>) -> tensor<?x3xf32>
  // The operand is not written.
  // CHECK: same: dense<{{\[}}[1.000000e+00, 2.000000e+00, 3.000000e+00], [4.000000e+00, 5.000000e+00, 6.000000e+00]]>
  return %0, %1, %2, %3, %4, %5, %x
    : tensor<?x3xf32>, tensor<?x3xf32>, tensor<?x3xf32>, tensor<?x3xf32>,
      tensor<?x3xf32>, tensor<?x3xf32>, tensor<?x3xf32>
}
