// RUN: llmc-opt %s --split-input-file --verify-diagnostics

func.func @perm(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{perm is not a permutation of the dimensions}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.transpose %x {perm = array<i64: 0, 0>} : (tensor<2x3xf32>) -> tensor<2x2xf32>
  return
}

// -----

func.func @reshape(%x: tensor<2x3xf32>) {
  %s = llmc.constant dense<[-1, -1]> : tensor<2xi64>
  // expected-error @+2 {{shape has more than one -1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.reshape %x, %s : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return
}

// -----

func.func @copied(%x: tensor<2xf32>) {
  %s = llmc.constant dense<[1, 0]> : tensor<2xi64>
  // expected-error @+2 {{shape[1] is 0, but the operand has no such dimension}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.reshape %x, %s : (tensor<2xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return
}

// -----

func.func @rank(%x: tensor<2xf32>, %s: tensor<?xi64>) {
  // expected-error @+2 {{the number of result dimensions is not known}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.expand %x, %s : (tensor<2xf32>, tensor<?xi64>) -> tensor<?xf32>
  return
}

// -----

func.func @squeeze(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{dimension 1 is 3, not 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.squeeze %x {axes = array<i64: 1>} : (tensor<2x3xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @concat(%x: tensor<2x3xf32>, %y: tensor<2xf32>) {
  // expected-error @+2 {{inputs differ in rank}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.concat %x, %y {axis = 0} : (tensor<2x3xf32>, tensor<2xf32>) -> tensor<4x3xf32>
  return
}

// -----

func.func @step(%x: tensor<4xf32>) {
  %0 = llmc.constant dense<0> : tensor<1xi64>
  %4 = llmc.constant dense<4> : tensor<1xi64>
  // expected-error @+2 {{steps must not be 0}}
  // expected-error @+1 {{failed to infer returned types}}
  %y = llmc.slice %x, %0, %4, %0 {axes = array<i64: 0>}
     : (tensor<4xf32>, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?xf32>
  return
}

// -----

func.func @gather(%x: tensor<4xi64>) {
  %i = llmc.constant dense<4> : tensor<i64>
  // expected-error @+2 {{index 4 is outside the axis of 4}}
  // expected-error @+1 {{failed to infer returned types}}
  %y = llmc.gather %x, %i {axis = 0} : (tensor<4xi64>, tensor<i64>) -> tensor<i64>
  return
}
