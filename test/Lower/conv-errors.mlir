// Channels that the weight does not take are an error at run time, not reads
// past the end; a window larger than its operand leaves nothing.
// RUN: not llmc-run %s --input 'x=dense<1.0> : tensor<1x2x5xf32>' 2>&1 | FileCheck %s
// RUN: llmc-run %s --input 'x=dense<1.0> : tensor<1x3x5xf32>' | FileCheck %s --check-prefix=FITS
// RUN: llmc-run %s --input 'x=dense<1.0> : tensor<1x3x2xf32>' | FileCheck %s --check-prefix=EMPTY

func.func @main(%x: tensor<?x?x?xf32> {llmc.name = "x"}) -> (tensor<?x1x?xf32> {llmc.name = "y"}) {
  // CHECK: llmc-run: the sizes of the inputs do not fit the model's operations
  // FITS: y: dense<9.000000e+00> : tensor<1x1x3xf32>
  // EMPTY: y: dense<> : tensor<1x1x0xf32>
  %w = llmc.constant dense<1.0> : tensor<1x3x3xf32>
  %0 = llmc.conv %x, %w {strides = array<i64: 1>, pads = array<i64: 0, 0>,
      dilations = array<i64: 1>, group = 1}
     : (tensor<?x?x?xf32>, tensor<1x3x3xf32>) -> tensor<?x1x?xf32>
  return %0 : tensor<?x1x?xf32>
}
