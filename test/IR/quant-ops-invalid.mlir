// RUN: llmc-opt %s --split-input-file --verify-diagnostics

func.func @axis(%x: tensor<4x8xf32>, %s: tensor<8xf32>) {
  // expected-error @+2 {{axis 2 is outside [0, 2)}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.quantize_linear %x, %s {to = ui8, precision = f32, axis = 2}
     : (tensor<4x8xf32>, tensor<8xf32>) -> tensor<4x8xui8>
  return
}

// -----

func.func @negative_axis(%x: tensor<4x8xf32>, %s: tensor<8xf32>) {
  // expected-error @+2 {{axis -1 is outside [0, 2)}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.quantize_linear %x, %s {to = ui8, precision = f32, axis = -1}
     : (tensor<4x8xf32>, tensor<8xf32>) -> tensor<4x8xui8>
  return
}

// -----

func.func @scale_rank(%x: tensor<4x8xf32>, %s: tensor<1x8xf32>) {
  // expected-error @+2 {{scale has rank 2; without blocks it is 0 or 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.quantize_linear %x, %s {to = ui8, precision = f32}
     : (tensor<4x8xf32>, tensor<1x8xf32>) -> tensor<4x8xui8>
  return
}

// -----

func.func @scale(%x: tensor<4x8xf32>, %s: tensor<4xf32>) {
  // expected-error @+2 {{dimension 0 of scale is 4, not 8}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.quantize_linear %x, %s {to = ui8, precision = f32}
     : (tensor<4x8xf32>, tensor<4xf32>) -> tensor<4x8xui8>
  return
}

// -----

func.func @block_rank(%x: tensor<4x8xf32>, %s: tensor<2xf32>) {
  // expected-error @+2 {{scale has rank 1; with blocks it has the operand's}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.quantize_linear %x, %s {to = ui8, precision = f32, block_size = 4}
     : (tensor<4x8xf32>, tensor<2xf32>) -> tensor<4x8xui8>
  return
}

// -----

func.func @scalar_block(%x: tensor<4x8xf32>, %s: tensor<f32>) {
  // expected-error @+2 {{scale has rank 0; with blocks it has the operand's}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.quantize_linear %x, %s {to = ui8, precision = f32, block_size = 4}
     : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x8xui8>
  return
}

// -----

func.func @blocks(%x: tensor<4x8xf32>, %s: tensor<4x2xf32>) {
  // expected-error @+2 {{dimension 1 of scale is 2, not 3}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.quantize_linear %x, %s {to = ui8, precision = f32, block_size = 3}
     : (tensor<4x8xf32>, tensor<4x2xf32>) -> tensor<4x8xui8>
  return
}

// -----

func.func @block_rows(%x: tensor<4x8xf32>, %s: tensor<1x2xf32>) {
  // expected-error @+2 {{dimension 0 of scale is 1, not 4}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.quantize_linear %x, %s {to = ui8, precision = f32, block_size = 4}
     : (tensor<4x8xf32>, tensor<1x2xf32>) -> tensor<4x8xui8>
  return
}

// -----

func.func @block_size(%x: tensor<4x8xf32>, %s: tensor<f32>) {
  // expected-error @+2 {{block_size is negative}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.quantize_linear %x, %s {to = ui8, precision = f32, block_size = -1}
     : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x8xui8>
  return
}

// -----

func.func @zero_point(%x: tensor<4x8xf32>, %s: tensor<f32>, %z: tensor<i8>) {
  // expected-error @+2 {{zero_point does not have the type of the result}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.quantize_linear %x, %s, %z {to = ui8, precision = f32}
     : (tensor<4x8xf32>, tensor<f32>, tensor<i8>) -> tensor<4x8xui8>
  return
}

// -----

func.func @zero_shape(%x: tensor<4x8xf32>, %s: tensor<8xf32>, %z: tensor<4xui8>) {
  // expected-error @+2 {{dimension 0 of zero_point is 4, not 8}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.quantize_linear %x, %s, %z {to = ui8, precision = f32}
     : (tensor<4x8xf32>, tensor<8xf32>, tensor<4xui8>) -> tensor<4x8xui8>
  return
}

// -----

func.func @to(%x: tensor<4x8xf32>, %s: tensor<f32>) {
  // expected-error @+2 {{the result must be of integers or floats}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.quantize_linear %x, %s {to = index, precision = f32}
     : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x8xindex>
  return
}

// -----

func.func @precision(%x: tensor<4x8xf32>, %s: tensor<f32>) {
  // expected-error @+2 {{precision must be a float type}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.quantize_linear %x, %s {to = ui8, precision = i32}
     : (tensor<4x8xf32>, tensor<f32>) -> tensor<4x8xui8>
  return
}

// -----

func.func @scale_type(%x: tensor<4x8xf32>, %s: tensor<i32>) {
  // expected-error @+1 {{'llmc.quantize_linear' op operand #1 must be ranked tensor of floats}}
  %0 = llmc.quantize_linear %x, %s {to = ui8, precision = f32}
     : (tensor<4x8xf32>, tensor<i32>) -> tensor<4x8xui8>
  return
}

// -----

func.func @dequantize_axis(%x: tensor<4x8xui8>, %s: tensor<8xf32>) {
  // expected-error @+2 {{axis 2 is outside [0, 2)}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.dequantize_linear %x, %s {to = f32, axis = 2}
     : (tensor<4x8xui8>, tensor<8xf32>) -> tensor<4x8xf32>
  return
}

// -----

func.func @dequantize_block_size(%x: tensor<4x8xui8>, %s: tensor<f32>) {
  // expected-error @+2 {{block_size is negative}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.dequantize_linear %x, %s {to = f32, block_size = -4}
     : (tensor<4x8xui8>, tensor<f32>) -> tensor<4x8xf32>
  return
}

// -----

func.func @dequantize_scale(%x: tensor<4x8xui8>, %s: tensor<8xf32>) {
  // expected-error @+2 {{dimension 0 of scale is 8, not 4}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.dequantize_linear %x, %s {to = f32, axis = 0}
     : (tensor<4x8xui8>, tensor<8xf32>) -> tensor<4x8xf32>
  return
}

// -----

func.func @dequantize_zero_shape(%x: tensor<4x8xui8>, %s: tensor<8xf32>, %z: tensor<4x8xui8>) {
  // expected-error @+2 {{zero_point has rank 2; without blocks it is 0 or 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.dequantize_linear %x, %s, %z {to = f32}
     : (tensor<4x8xui8>, tensor<8xf32>, tensor<4x8xui8>) -> tensor<4x8xf32>
  return
}

// -----

func.func @dequantize_zero_type(%x: tensor<4x8xui8>, %s: tensor<f32>, %z: tensor<i8>) {
  // expected-error @+2 {{zero_point does not have the operand's type}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.dequantize_linear %x, %s, %z {to = f32}
     : (tensor<4x8xui8>, tensor<f32>, tensor<i8>) -> tensor<4x8xf32>
  return
}

// -----

func.func @dequantize_to(%x: tensor<4x8xui8>, %s: tensor<f32>) {
  // expected-error @+2 {{the result must be of floats}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.dequantize_linear %x, %s {to = i32}
     : (tensor<4x8xui8>, tensor<f32>) -> tensor<4x8xi32>
  return
}

// -----

func.func @dynamic(%x: tensor<4xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{inferred type(s) 'tensor<4xui8>', 'tensor<f32>', 'tensor<ui8>' are incompatible with return type(s) of operation 'tensor<4xi8>', 'tensor<f32>', 'tensor<i8>'}}
  %0:3 = llmc.dynamic_quantize_linear %x
     : (tensor<4xf32>) -> (tensor<4xi8>, tensor<f32>, tensor<i8>)
  return
}

// -----

func.func @inner(%a: tensor<3x8xui8>, %w: tensor<7x5xi8>) {
  // expected-error @+2 {{inner dimensions differ: 8 and 7}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.matmul_integer %a, %w {operandSegmentSizes = array<i32: 1, 1, 0, 0>}
     : (tensor<3x8xui8>, tensor<7x5xi8>) -> tensor<3x5xi32>
  return
}

// -----

func.func @scalar(%a: tensor<ui8>, %w: tensor<8x5xi8>) {
  // expected-error @+2 {{operands must have at least one dimension}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.matmul_integer %a, %w {operandSegmentSizes = array<i32: 1, 1, 0, 0>}
     : (tensor<ui8>, tensor<8x5xi8>) -> tensor<3x5xi32>
  return
}

// -----

func.func @result(%a: tensor<3x8xui8>, %w: tensor<8x5xi8>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{inferred type(s) 'tensor<3x5xi32>' are incompatible with return type(s) of operation 'tensor<3x5xi8>'}}
  %0 = llmc.matmul_integer %a, %w {operandSegmentSizes = array<i32: 1, 1, 0, 0>}
     : (tensor<3x8xui8>, tensor<8x5xi8>) -> tensor<3x5xi8>
  return
}

// -----

func.func @zero_type(%a: tensor<3x8xui8>, %w: tensor<8x5xi8>, %za: tensor<1xi8>) {
  // expected-error @+2 {{lhs_zero_point has elements of i8, its factor of ui8}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.matmul_integer %a, %w, %za {operandSegmentSizes = array<i32: 1, 1, 1, 0>}
     : (tensor<3x8xui8>, tensor<8x5xi8>, tensor<1xi8>) -> tensor<3x5xi32>
  return
}

// -----

func.func @zero_rows(%a: tensor<3x8xui8>, %w: tensor<8x5xi8>, %za: tensor<5xui8>) {
  // expected-error @+2 {{sizes of the factor and lhs_zero_point differ: 3 and 5}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.matmul_integer %a, %w, %za {operandSegmentSizes = array<i32: 1, 1, 1, 0>}
     : (tensor<3x8xui8>, tensor<8x5xi8>, tensor<5xui8>) -> tensor<3x5xi32>
  return
}

// -----

func.func @zero_columns(%a: tensor<3x8xui8>, %w: tensor<8x5xi8>, %zw: tensor<3xi8>) {
  // expected-error @+2 {{sizes of the factor and rhs_zero_point differ: 5 and 3}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.matmul_integer %a, %w, %zw {operandSegmentSizes = array<i32: 1, 1, 0, 1>}
     : (tensor<3x8xui8>, tensor<8x5xi8>, tensor<3xi8>) -> tensor<3x5xi32>
  return
}

// -----

func.func @zero_rank(%a: tensor<3x8xui8>, %w: tensor<8x5xi8>, %zw: tensor<1x1x5xi8>) {
  // expected-error @+2 {{rhs_zero_point must have rank 0, 1 or its factor's}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.matmul_integer %a, %w, %zw {operandSegmentSizes = array<i32: 1, 1, 0, 1>}
     : (tensor<3x8xui8>, tensor<8x5xi8>, tensor<1x1x5xi8>) -> tensor<3x5xi32>
  return
}

// -----

func.func @zero_inner(%a: tensor<3x8xui8>, %w: tensor<8x5xi8>, %zw: tensor<8x1xi8>) {
  // expected-error @+2 {{rhs_zero_point differs along the dimension that is summed}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.matmul_integer %a, %w, %zw {operandSegmentSizes = array<i32: 1, 1, 0, 1>}
     : (tensor<3x8xui8>, tensor<8x5xi8>, tensor<8x1xi8>) -> tensor<3x5xi32>
  return
}

// -----

func.func @lhs_zero_inner(%a: tensor<3x8xui8>, %w: tensor<8x5xi8>, %za: tensor<3x8xui8>) {
  // expected-error @+2 {{lhs_zero_point differs along the dimension that is summed}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.matmul_integer %a, %w, %za {operandSegmentSizes = array<i32: 1, 1, 1, 0>}
     : (tensor<3x8xui8>, tensor<8x5xi8>, tensor<3x8xui8>) -> tensor<3x5xi32>
  return
}

// -----

func.func @zero_batch(%a: tensor<2x3x8xui8>, %w: tensor<8x5xi8>, %za: tensor<4x3x1xui8>) {
  // expected-error @+2 {{sizes of the factor and lhs_zero_point differ: 2 and 4}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.matmul_integer %a, %w, %za {operandSegmentSizes = array<i32: 1, 1, 1, 0>}
     : (tensor<2x3x8xui8>, tensor<8x5xi8>, tensor<4x3x1xui8>) -> tensor<2x3x5xi32>
  return
}

// -----

func.func @width(%x: tensor<5xui8>) {
  // expected-error @+2 {{unpacks elements of 1, 2, 4 or 8 bits}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.unpack %x {to = i3, shape = array<i64: 5>}
     : (tensor<5xui8>) -> tensor<5xi3>
  return
}

// -----

func.func @wide(%x: tensor<5xui8>) {
  // expected-error @+2 {{unpacks elements of 1, 2, 4 or 8 bits}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.unpack %x {to = i16, shape = array<i64: 5>}
     : (tensor<5xui8>) -> tensor<5xi16>
  return
}

// -----

func.func @unpack_type(%x: tensor<5xui8>) {
  // expected-error @+2 {{unpacks elements of 1, 2, 4 or 8 bits}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.unpack %x {to = index, shape = array<i64: 5>}
     : (tensor<5xui8>) -> tensor<5xindex>
  return
}

// -----

func.func @empty(%x: tensor<5xui8>) {
  // expected-error @+2 {{unpacks elements of 1, 2, 4 or 8 bits}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.unpack %x {to = i0, shape = array<i64: 5>}
     : (tensor<5xui8>) -> tensor<5xi0>
  return
}

// -----

func.func @unpack_shape(%x: tensor<5xui8>) {
  // expected-error @+2 {{shape must be static}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.unpack %x {to = i4, shape = array<i64: -1>}
     : (tensor<5xui8>) -> tensor<?xi4>
  return
}

// -----

func.func @overflow(%x: tensor<5xui8>) {
  // expected-error @+2 {{the number of elements overflows}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.unpack %x {to = i4, shape = array<i64: 4611686018427387904, 4>}
     : (tensor<5xui8>) -> tensor<?x?xi4>
  return
}

// -----

func.func @bytes(%x: tensor<4xui8>) {
  // expected-error @+2 {{the operand must be 5 packed bytes}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.unpack %x {to = i4, shape = array<i64: 3, 3>}
     : (tensor<4xui8>) -> tensor<3x3xi4>
  return
}

// -----

func.func @byte_type(%x: tensor<5xi8>) {
  // expected-error @+2 {{the operand must be 5 packed bytes}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.unpack %x {to = i4, shape = array<i64: 3, 3>}
     : (tensor<5xi8>) -> tensor<3x3xi4>
  return
}

// -----

func.func @byte_rank(%x: tensor<5x1xui8>) {
  // expected-error @+2 {{the operand must be 5 packed bytes}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.unpack %x {to = i4, shape = array<i64: 3, 3>}
     : (tensor<5x1xui8>) -> tensor<3x3xi4>
  return
}

// -----

func.func @no_block(%x: tensor<5xf32>) {
  // expected-error @+2 {{block is 0, not positive}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.quantize_dynamic %x {block = 0 : i64} : (tensor<5xf32>) -> tensor<5xf32>
  return
}

// -----

func.func @no_dimension(%x: tensor<f32>) {
  // expected-error @+2 {{the operand has no dimension to divide into blocks}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.quantize_dynamic %x {block = 4 : i64} : (tensor<f32>) -> tensor<f32>
  return
}
