// Sizes that must agree do, or there is an error.
// RUN: llmc-run %s --input 'x=dense<1.0> : tensor<2x4xf32>' --input 'y=dense<2.0> : tensor<4x3xf32>' \
// RUN:   --input 'z=dense<3.0> : tensor<1x3xf32>' | FileCheck %s
// RUN: not llmc-run %s --input 'x=dense<1.0> : tensor<2x500xf32>' --input 'y=dense<2.0> : tensor<4x3xf32>' \
// RUN:   --input 'z=dense<3.0> : tensor<1x3xf32>' 2>&1 | FileCheck %s --check-prefix=ERROR
// RUN: not llmc-run %s --input 'x=dense<1.0> : tensor<2x4xf32>' --input 'y=dense<2.0> : tensor<4x3xf32>' \
// RUN:   --input 'z=dense<3.0> : tensor<1x500xf32>' 2>&1 | FileCheck %s --check-prefix=ERROR

func.func @main(%x: tensor<2x?xf32> {llmc.name = "x"}, %y: tensor<?x3xf32> {llmc.name = "y"},
                %z: tensor<?x?xf32> {llmc.name = "z"}) -> (tensor<?x3xf32> {llmc.name = "r"}) {
  // ERROR: llmc-run: the sizes of the inputs do not fit the model's operations
  // CHECK: r: dense<{{\[}}[8.000000e+00, 8.000000e+00, 8.000000e+00], [8.000000e+00, 8.000000e+00, 8.000000e+00], [3.000000e+00, 3.000000e+00, 3.000000e+00]]>
  %0 = llmc.matmul %x, %y : (tensor<2x?xf32>, tensor<?x3xf32>) -> tensor<2x3xf32>
  %1 = llmc.concat %0, %z {axis = 0 : i64} : (tensor<2x3xf32>, tensor<?x?xf32>) -> tensor<?x3xf32>
  return %1 : tensor<?x3xf32>
}
