// RUN: llmc-run %s --input 'x=dense<[1.0, 2.0]> : tensor<2xf32>' \
// RUN:   --input 'y=dense<[[10.0], [20.0]]> : tensor<2x1xf32>' \
// RUN:   --input 'z=dense<3.0> : tensor<1xf32>' | FileCheck %s --check-prefix=OUTER
// RUN: llmc-run %s --input 'x=dense<[1.0, 2.0]> : tensor<2xf32>' \
// RUN:   --input 'y=dense<[[10.0, 20.0]]> : tensor<1x2xf32>' \
// RUN:   --input 'z=dense<[3.0, 4.0]> : tensor<2xf32>' | FileCheck %s --check-prefix=INNER
// RUN: llmc-run %s --input 'x=dense<1.0> : tensor<1xf32>' \
// RUN:   --input 'y=dense<1.0> : tensor<1x0xf32>' \
// RUN:   --input 'z=dense<3.0> : tensor<1xf32>' | FileCheck %s --check-prefix=EMPTY
// RUN: not llmc-run %s --input 'x=dense<[1.0, 2.0]> : tensor<2xf32>' \
// RUN:   --input 'y=dense<1.0> : tensor<1x3xf32>' \
// RUN:   --input 'z=dense<3.0> : tensor<1xf32>' 2>&1 | FileCheck %s --check-prefix=ERROR
// RUN: not llmc-run %s --input 'x=dense<[1.0, 2.0]> : tensor<2xf32>' \
// RUN:   --input 'y=dense<1.0> : tensor<1x2xf32>' \
// RUN:   --input 'z=dense<3.0> : tensor<3xf32>' 2>&1 | FileCheck %s --check-prefix=ERROR

func.func @main(%x: tensor<?xf32> {llmc.name = "x"}, %y: tensor<?x?xf32> {llmc.name = "y"},
                %z: tensor<?xf32> {llmc.name = "z"})
    -> (tensor<?x?xf32> {llmc.name = "sum"}, tensor<2xf32> {llmc.name = "two"}) {
  // OUTER: sum: dense<{{\[}}[1.100000e+01, 1.200000e+01], [2.100000e+01, 2.200000e+01]]>
  // INNER: sum: dense<{{\[}}[1.100000e+01, 2.200000e+01]]>
  // EMPTY: sum: dense<> : tensor<1x0xf32>
  // ERROR: llmc-run: the sizes of the inputs do not fit the model's operations
  %0 = llmc.add %x, %y : (tensor<?xf32>, tensor<?x?xf32>) -> tensor<?x?xf32>
  // OUTER: two: dense<[3.000000e+00, 6.000000e+00]>
  // INNER: two: dense<[3.000000e+00, 8.000000e+00]>
  // EMPTY: two: dense<[3.000000e+00, 6.000000e+00]>
  %c = llmc.constant dense<[1.0, 2.0]> : tensor<2xf32>
  %1 = llmc.mul %z, %c : (tensor<?xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %0, %1 : tensor<?x?xf32>, tensor<2xf32>
}
