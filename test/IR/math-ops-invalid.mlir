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

// -----

func.func @types(%x: tensor<2xf32>, %y: tensor<2xi64>) {
  // expected-error @+2 {{lhs has elements of f32, rhs of i64}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.add %x, %y
     : (tensor<2xf32>, tensor<2xi64>) -> tensor<2xf32>
  return
}

// -----

func.func @comparison_types(%x: tensor<2xi32>, %y: tensor<2xi64>) {
  // expected-error @+2 {{lhs has elements of i32, rhs of i64}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.less %x, %y
     : (tensor<2xi32>, tensor<2xi64>) -> tensor<2xi1>
  return
}

// -----

func.func @bit_types(%x: tensor<2xi8>, %y: tensor<2xui8>) {
  // expected-error @+2 {{lhs has elements of i8, rhs of ui8}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.bitwise_and %x, %y
     : (tensor<2xi8>, tensor<2xui8>) -> tensor<2xi8>
  return
}

// -----

func.func @where_types(%c: tensor<2xi1>, %x: tensor<2xf32>, %y: tensor<2xi32>) {
  // expected-error @+2 {{lhs has elements of f32, rhs of i32}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.where %c, %x, %y
     : (tensor<2xi1>, tensor<2xf32>, tensor<2xi32>) -> tensor<2xf32>
  return
}

// -----

func.func @matmul_types(%x: tensor<2x3xf32>, %y: tensor<3x2xf16>) {
  // expected-error @+2 {{lhs has elements of f32, rhs of f16}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.matmul %x, %y
     : (tensor<2x3xf32>, tensor<3x2xf16>) -> tensor<2x2xf32>
  return
}

// -----

func.func @matmul_batch(%x: tensor<2x2x3xf32>, %y: tensor<4x3x2xf32>) {
  // expected-error @+2 {{batch dimensions of lhs and rhs differ: 2 and 4}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.matmul %x, %y
     : (tensor<2x2x3xf32>, tensor<4x3x2xf32>) -> tensor<2x2x2xf32>
  return
}

// -----

func.func @cast_to(%x: tensor<2xf32>) {
  // expected-error @+2 {{casts to integers or floats}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.cast %x {to = index}
     : (tensor<2xf32>) -> tensor<2xindex>
  return
}

// -----

func.func @round_mode(%x: tensor<2xf32>) {
  // expected-error @+1 {{attribute 'round_mode' failed to satisfy constraint}}
  %0 = llmc.cast %x {to = f8E8M0FNU, round_mode = "odd"}
     : (tensor<2xf32>) -> tensor<2xf8E8M0FNU>
  return
}

// -----

func.func @bit_cast_size(%x: tensor<2xf32>) {
  // expected-error @+2 {{the element types differ in size}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.bit_cast %x {to = i16}
     : (tensor<2xf32>) -> tensor<2xi16>
  return
}

// -----

func.func @bit_cast_to(%x: tensor<2xf32>) {
  // expected-error @+2 {{the element types must be integers or floats}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.bit_cast %x {to = index}
     : (tensor<2xf32>) -> tensor<2xindex>
  return
}

// -----

func.func @bit_cast_from(%x: tensor<2xcomplex<f32>>) {
  // expected-error @+2 {{the element types must be integers or floats}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.bit_cast %x {to = i64}
     : (tensor<2xcomplex<f32>>) -> tensor<2xi64>
  return
}

// -----

func.func @det_rank(%x: tensor<3xf32>) {
  // expected-error @+2 {{needs matrices}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.det %x
     : (tensor<3xf32>) -> tensor<f32>
  return
}

// -----

func.func @det_square(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{the matrices are not square}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.det %x
     : (tensor<2x3xf32>) -> tensor<f32>
  return
}

// -----

func.func @negative_axis(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{axis -1 is outside [0, 2)}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.reduce sum %x {axes = array<i64: -1>}
     : (tensor<2x3xf32>) -> tensor<2x1xf32>
  return
}

// -----

func.func @repeated_axis(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{axes must be ascending}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.reduce max %x {axes = array<i64: 1, 1>}
     : (tensor<2x3xf32>) -> tensor<2x1xf32>
  return
}

// -----

func.func @scalar_softmax(%x: tensor<f32>) {
  // expected-error @+2 {{axis -1 is outside a tensor of rank 0}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.softmax %x
     : (tensor<f32>) -> tensor<f32>
  return
}
