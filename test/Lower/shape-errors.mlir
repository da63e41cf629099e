// Sizes that do not fit are errors at run time, not reads past the end.
// RUN: not llmc-run %s --input 'x=dense<1> : tensor<6xi32>' \
// RUN:   --input 'shape=dense<[4, 2]> : tensor<2xi64>' 2>&1 | FileCheck %s
// RUN: llmc-run %s --input 'x=dense<1> : tensor<6xi32>' \
// RUN:   --input 'shape=dense<[3, 2]> : tensor<2xi64>' 2>&1 | FileCheck %s --check-prefix=FITS

func.func @main(%x: tensor<?xi32> {llmc.name = "x"}, %shape: tensor<2xi64> {llmc.name = "shape"})
    -> (tensor<?x?xi32> {llmc.name = "y"}) {
  // CHECK: llmc-run: the sizes of the inputs do not fit the model's operations
  // FITS: y: dense<1> : tensor<3x2xi32>
  %0 = llmc.reshape %x, %shape : (tensor<?xi32>, tensor<2xi64>) -> tensor<?x?xi32>
  return %0 : tensor<?x?xi32>
}
