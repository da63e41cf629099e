// RUN: llmc-opt %s --llmc-make-portable -verify-diagnostics -split-input-file

// expected-error@+1 {{the module has no function @main}}
module {}

// -----

func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
  // expected-error@+1 {{is not portable: lower the module with llmc-lower-to-linalg first, without backends}}
  %y = llmc.exp %x : (tensor<2xf32>) -> tensor<2xf32>
  return %y : tensor<2xf32>
}
