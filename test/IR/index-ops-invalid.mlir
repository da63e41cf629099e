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

// -----

func.func @elements_rank(%x: tensor<2x3xf32>, %i: tensor<3xi64>) {
  // expected-error @+2 {{indices must have the operand's rank}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.gather_elements %x, %i {axis = 0}
     : (tensor<2x3xf32>, tensor<3xi64>) -> tensor<3xf32>
  return
}

// -----

func.func @elements_scalar(%x: tensor<f32>, %i: tensor<i64>) {
  // expected-error @+2 {{axis 0 is outside [0, 0)}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.gather_elements %x, %i {axis = 0}
     : (tensor<f32>, tensor<i64>) -> tensor<f32>
  return
}

// -----

func.func @update_type(%x: tensor<2x3xf32>, %i: tensor<2x3xi64>, %u: tensor<2x3xf16>) {
  // expected-error @+2 {{updates must have the operand's element type}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.scatter_elements none %x, %i, %u {axis = 0}
     : (tensor<2x3xf32>, tensor<2x3xi64>, tensor<2x3xf16>) -> tensor<2x3xf32>
  return
}

// -----

func.func @update_rank(%x: tensor<2x3xf32>, %i: tensor<2x3xi64>, %u: tensor<3xf32>) {
  // expected-error @+2 {{updates must have the shape of the indices}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.scatter_elements none %x, %i, %u {axis = 0}
     : (tensor<2x3xf32>, tensor<2x3xi64>, tensor<3xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @nd_scalar(%x: tensor<2x3xf32>, %i: tensor<i64>) {
  // expected-error @+2 {{indices must have at least one dimension}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.gather_nd %x, %i
     : (tensor<2x3xf32>, tensor<i64>) -> tensor<f32>
  return
}

// -----

func.func @nd_batch(%x: tensor<2x3xf32>, %i: tensor<4x1xi64>) {
  // expected-error @+2 {{the operands differ in batch dimension 0}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.gather_nd %x, %i {batch_dims = 1}
     : (tensor<2x3xf32>, tensor<4x1xi64>) -> tensor<4xf32>
  return
}

// -----

func.func @nd_negative_batch(%x: tensor<2x3xf32>, %i: tensor<4x1xi64>) {
  // expected-error @+2 {{index vectors of 1 after -1 batch dimensions address more than the operand's 2 dimensions}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.gather_nd %x, %i {batch_dims = -1}
     : (tensor<2x3xf32>, tensor<4x1xi64>) -> tensor<4xf32>
  return
}

// -----

func.func @nd_length(%x: tensor<2x3xf32>, %i: tensor<4x3xi64>, %u: tensor<4xf32>) {
  // expected-error @+2 {{index vectors of 3 address more than the operand's 2 dimensions}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.scatter_nd add %x, %i, %u
     : (tensor<2x3xf32>, tensor<4x3xi64>, tensor<4xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @nd_update_type(%x: tensor<2x3xf32>, %i: tensor<4x2xi64>, %u: tensor<4xi32>) {
  // expected-error @+2 {{updates must have the operand's element type}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.scatter_nd add %x, %i, %u
     : (tensor<2x3xf32>, tensor<4x2xi64>, tensor<4xi32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @arg_axis(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{axis -1 is outside [0, 2)}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.arg_max %x {axis = -1}
     : (tensor<2x3xf32>) -> tensor<2x1xi64>
  return
}

// -----

func.func @arg_type(%x: tensor<2x3xf32>) {
  // expected-error @+1 {{'llmc.arg_min' op result #0 must be ranked tensor of i64}}
  %0 = llmc.arg_min %x {axis = 1}
     : (tensor<2x3xf32>) -> tensor<2x1xi32>
  return
}

// -----

func.func @k_scalar(%x: tensor<3xf32>, %k: tensor<i64>) {
  // expected-error @+2 {{k must be a vector of one element}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:2 = llmc.top_k %x, %k {axis = 0}
     : (tensor<3xf32>, tensor<i64>) -> (tensor<?xf32>, tensor<?xi64>)
  return
}

// -----

func.func @k_vector(%x: tensor<3xf32>, %k: tensor<2xi64>) {
  // expected-error @+2 {{k must be a vector of one element}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:2 = llmc.top_k %x, %k {axis = 0}
     : (tensor<3xf32>, tensor<2xi64>) -> (tensor<?xf32>, tensor<?xi64>)
  return
}

// -----

func.func @k_negative(%x: tensor<?xf32>) {
  %k = llmc.constant dense<-1> : tensor<1xi64>
  // expected-error @+2 {{k is -1, which is negative}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:2 = llmc.top_k %x, %k {axis = 0}
     : (tensor<?xf32>, tensor<1xi64>) -> (tensor<?xf32>, tensor<?xi64>)
  return
}

// -----

func.func @k_axis(%x: tensor<3xf32>, %k: tensor<1xi64>) {
  // expected-error @+2 {{axis 1 is outside [0, 1)}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:2 = llmc.top_k %x, %k {axis = 1}
     : (tensor<3xf32>, tensor<1xi64>) -> (tensor<?xf32>, tensor<?xi64>)
  return
}

// -----

func.func @cumulative(%x: tensor<3xf32>) {
  // expected-error @+2 {{axis 3 is outside [0, 1)}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.cumsum %x {axis = 3}
     : (tensor<3xf32>) -> tensor<3xf32>
  return
}

// -----

func.func @product(%x: tensor<f32>) {
  // expected-error @+2 {{axis 0 is outside [0, 0)}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.cumprod %x {axis = 0}
     : (tensor<f32>) -> tensor<f32>
  return
}

// -----

func.func @matrix(%x: tensor<3xf32>) {
  // expected-error @+2 {{needs a matrix}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:3 = llmc.unique %x
     : (tensor<3xf32>) -> (tensor<?xi64>, tensor<3xi64>, tensor<?xi64>)
  return
}

// -----

func.func @range_type(%a: tensor<i64>, %b: tensor<i32>, %c: tensor<i64>) {
  // expected-error @+2 {{start, limit and delta must be scalars of one type}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.range %a, %b, %c
     : (tensor<i64>, tensor<i32>, tensor<i64>) -> tensor<?xi64>
  return
}

// -----

func.func @range_rank(%a: tensor<1xi64>, %b: tensor<1xi64>, %c: tensor<1xi64>) {
  // expected-error @+2 {{start, limit and delta must be scalars of one type}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.range %a, %b, %c
     : (tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> tensor<?xi64>
  return
}

// -----

func.func @pads_length(%x: tensor<2x3xf32>, %p: tensor<2xi64>) {
  // expected-error @+2 {{pads must be a vector of 4 elements}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.pad edge %x, %p
     : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return
}

// -----

func.func @pads_dynamic(%x: tensor<2x3xf32>, %p: tensor<?xi64>) {
  // expected-error @+2 {{pads must be a vector of 4 elements}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.pad edge %x, %p
     : (tensor<2x3xf32>, tensor<?xi64>) -> tensor<?x?xf32>
  return
}

// -----

func.func @pads_rank(%x: tensor<2x3xf32>, %p: tensor<4x1xi64>) {
  // expected-error @+2 {{pads must be a vector of 4 elements}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.pad edge %x, %p
     : (tensor<2x3xf32>, tensor<4x1xi64>) -> tensor<?x?xf32>
  return
}

// -----

func.func @pad_value_type(%x: tensor<2x3xf32>, %p: tensor<4xi64>, %v: tensor<i32>) {
  // expected-error @+2 {{value must be a scalar of the operand's element type}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.pad constant %x, %p, %v
     : (tensor<2x3xf32>, tensor<4xi64>, tensor<i32>) -> tensor<?x?xf32>
  return
}

// -----

func.func @pad_value_rank(%x: tensor<2x3xf32>, %p: tensor<4xi64>, %v: tensor<1xf32>) {
  // expected-error @+2 {{value must be a scalar of the operand's element type}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.pad constant %x, %p, %v
     : (tensor<2x3xf32>, tensor<4xi64>, tensor<1xf32>) -> tensor<?x?xf32>
  return
}

// -----

func.func @pad_edge_value(%x: tensor<2x3xf32>, %p: tensor<4xi64>, %v: tensor<f32>) {
  // expected-error @+2 {{mode constant needs a value, the others take none}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.pad edge %x, %p, %v
     : (tensor<2x3xf32>, tensor<4xi64>, tensor<f32>) -> tensor<?x?xf32>
  return
}
