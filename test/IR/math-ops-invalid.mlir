// RUN: llmc-opt %s --split-input-file --verify-diagnostics

func.func @shapes(%x: tensor<2xf32>, %y: tensor<3xf32>) {
  // expected-error @+2 {{operand shapes do not broadcast: dimension 1 from the end is 2 and 3}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.add %x, %y : (tensor<2xf32>, tensor<3xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @declared(%x: tensor<2xf32>, %y: tensor<2x1xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{inferred type(s) 'tensor<2x2xf32>' are incompatible with return type(s) of operation 'tensor<2xf32>'}}
  %0 = llmc.mul %x, %y : (tensor<2xf32>, tensor<2x1xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @element_type(%x: tensor<2xi32>) {
  // expected-error @+1 {{'llmc.exp' op operand #0 must be ranked tensor of floats}}
  %0 = llmc.exp %x : (tensor<2xi32>) -> tensor<2xi32>
  return
}

// -----

func.func @unranked(%x: tensor<*xf32>) {
  // expected-error @+1 {{'llmc.neg' op operand #0 must be ranked tensor}}
  %0 = llmc.neg %x : (tensor<*xf32>) -> tensor<*xf32>
  return
}

// -----

func.func @comparison(%x: tensor<2xf32>) {
  // expected-error @+1 {{'llmc.equal' op result #0 must be ranked tensor of i1}}
  %0 = llmc.equal %x, %x : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @axis(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{axis 2 is outside [0, 2)}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.reduce sum %x {axes = array<i64: 2>} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @softmax_axis(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{axis -3 is outside a tensor of rank 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.softmax %x {axis = -3 : i64} : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @inner(%x: tensor<2x3xf32>, %y: tensor<4x5xf32>) {
  // expected-error @+2 {{inner dimensions differ: 3 and 4}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.matmul %x, %y : (tensor<2x3xf32>, tensor<4x5xf32>) -> tensor<2x5xf32>
  return
}

// -----

func.func @scalar(%x: tensor<f32>) {
  // expected-error @+2 {{operands must have at least one dimension}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.matmul %x, %x : (tensor<f32>, tensor<f32>) -> tensor<f32>
  return
}
