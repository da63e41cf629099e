// RUN: llmc-opt %s --split-input-file --verify-diagnostics

func.func @axis(%x: tensor<2x3xf32>, %i: tensor<2x3xi64>) {
  // expected-error @+2 {{axis 2 is outside [0, 2)}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.gather_elements %x, %i {axis = 2 : i64} : (tensor<2x3xf32>, tensor<2x3xi64>) -> tensor<2x3xf32>
  return
}

// -----

func.func @indices(%x: tensor<2x3xf32>, %i: tensor<2x4xi64>) {
  // expected-error @+2 {{dimension 1 of the indices is 4, the operand's only 3}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.gather_elements %x, %i {axis = 0 : i64} : (tensor<2x3xf32>, tensor<2x4xi64>) -> tensor<2x4xf32>
  return
}

// -----

func.func @updates(%x: tensor<2x3xf32>, %i: tensor<2x3xi64>, %u: tensor<2x2xf32>) {
  // expected-error @+2 {{updates must have the shape of the indices}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.scatter_elements none %x, %i, %u {axis = 0 : i64}
     : (tensor<2x3xf32>, tensor<2x3xi64>, tensor<2x2xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @kind(%x: tensor<2x3xf32>, %i: tensor<2x3xi64>) {
  // expected-error @+2 {{expected ::llmc::ScatterKind to be one of: none, add, mul, max, min}}
  // expected-error @+1 {{failed to parse LLMC_ScatterKindAttr parameter}}
  %0 = llmc.scatter_elements mean %x, %i, %x {axis = 0 : i64}
     : (tensor<2x3xf32>, tensor<2x3xi64>, tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @length(%x: tensor<2x3xf32>, %i: tensor<2x?xi64>) {
  // expected-error @+2 {{the last dimension of the indices must be static}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.gather_nd %x, %i : (tensor<2x3xf32>, tensor<2x?xi64>) -> tensor<2xf32>
  return
}

// -----

func.func @depth(%x: tensor<2x3xf32>, %i: tensor<2x3xi64>) {
  // expected-error @+2 {{index vectors of 3 after 0 batch dimensions address more than the operand's 2 dimensions}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.gather_nd %x, %i : (tensor<2x3xf32>, tensor<2x3xi64>) -> tensor<2xf32>
  return
}

// -----

func.func @slices(%x: tensor<2x3xf32>, %i: tensor<4x1xi64>, %u: tensor<4x2xf32>) {
  // expected-error @+2 {{updates must have the shape indices.shape[:-1] + operand.shape[indices.shape[-1]:]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.scatter_nd add %x, %i, %u : (tensor<2x3xf32>, tensor<4x1xi64>, tensor<4x2xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @top_k(%x: tensor<3xf32>) {
  %k = llmc.constant dense<4> : tensor<1xi64>
  // expected-error @+2 {{k is 4, the axis has 3 elements}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:2 = llmc.top_k %x, %k {axis = 0 : i64} : (tensor<3xf32>, tensor<1xi64>) -> (tensor<4xf32>, tensor<4xi64>)
  return
}

// -----

func.func @range(%x: tensor<i64>) {
  %zero = llmc.constant dense<0> : tensor<i64>
  // expected-error @+2 {{delta must not be 0}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.range %x, %x, %zero : (tensor<i64>, tensor<i64>, tensor<i64>) -> tensor<?xi64>
  return
}

// -----

func.func @pads(%x: tensor<2x3xf32>) {
  %p = llmc.constant dense<[0, 0, -3, 0]> : tensor<4xi64>
  // expected-error @+2 {{pads leave dimension 0 with -1 elements}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.pad edge %x, %p : (tensor<2x3xf32>, tensor<4xi64>) -> tensor<?x3xf32>
  return
}

// -----

func.func @value(%x: tensor<2x3xf32>, %p: tensor<4xi64>) {
  // expected-error @+2 {{mode constant needs a value, the others take none}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.pad constant %x, %p : (tensor<2x3xf32>, tensor<4xi64>) -> tensor<?x?xf32>
  return
}
