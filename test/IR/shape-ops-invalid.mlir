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

// -----

func.func @shape_end(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{start and end must satisfy 0 <= start <= end <= rank}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.shape %x {start = 0, end = 3}
     : (tensor<2x3xf32>) -> tensor<3xi64>
  return
}

// -----

func.func @shape_start(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{start and end must satisfy 0 <= start <= end <= rank}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.shape %x {start = -1, end = 0}
     : (tensor<2x3xf32>) -> tensor<1xi64>
  return
}

// -----

func.func @shape_order(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{start and end must satisfy 0 <= start <= end <= rank}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.shape %x {start = 2, end = 1}
     : (tensor<2x3xf32>) -> tensor<1xi64>
  return
}

// -----

func.func @reshape_length(%x: tensor<2x3xf32>, %s: tensor<?xi64>) {
  // expected-error @+2 {{the number of result dimensions is not known: the shape operand has a dynamic length}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.reshape %x, %s
     : (tensor<2x3xf32>, tensor<?xi64>) -> tensor<?xf32>
  return
}

// -----

func.func @reshape_scalar(%x: tensor<2x3xf32>, %s: tensor<i64>) {
  // expected-error @+2 {{shape must be a vector}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.reshape %x, %s
     : (tensor<2x3xf32>, tensor<i64>) -> tensor<?xf32>
  return
}

// -----

func.func @reshape_negative(%x: tensor<2x3xf32>) {
  %s = llmc.constant dense<[3, -2]> : tensor<2xi64>
  // expected-error @+2 {{shape[1] is -2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.reshape %x, %s
     : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return
}

// -----

func.func @reshape_elements(%x: tensor<2x3xf32>) {
  %s = llmc.constant dense<[4, 2]> : tensor<2xi64>
  // expected-error @+2 {{cannot shape 6 elements as 8}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.reshape %x, %s
     : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return
}

// -----

func.func @reshape_multiple(%x: tensor<2x3xf32>) {
  %s = llmc.constant dense<[4, -1]> : tensor<2xi64>
  // expected-error @+2 {{cannot shape 6 elements as a multiple of 4}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.reshape %x, %s
     : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return
}

// -----

func.func @reshape_nothing(%x: tensor<0x3xf32>) {
  %s = llmc.constant dense<[0, -1]> : tensor<2xi64>
  // expected-error @+2 {{cannot shape 0 elements as a multiple of 0}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.reshape %x, %s
     : (tensor<0x3xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return
}

// -----

func.func @perm_length(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{perm is not a permutation of the dimensions}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.transpose %x {perm = array<i64: 0>}
     : (tensor<2x3xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @perm_range(%x: tensor<2x3xf32>) {
  // expected-error @+2 {{perm is not a permutation of the dimensions}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.transpose %x {perm = array<i64: 0, 2>}
     : (tensor<2x3xf32>) -> tensor<2x3xf32>
  return
}

// -----

func.func @unsqueeze_axis(%x: tensor<2xf32>) {
  // expected-error @+2 {{axis 2 is outside the result}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.unsqueeze %x {axes = array<i64: 2>}
     : (tensor<2xf32>) -> tensor<2x1xf32>
  return
}

// -----

func.func @unsqueeze_order(%x: tensor<2xf32>) {
  // expected-error @+2 {{axes must be ascending}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.unsqueeze %x {axes = array<i64: 1, 0>}
     : (tensor<2xf32>) -> tensor<1x2x1xf32>
  return
}

// -----

func.func @squeeze_order(%x: tensor<1x1xf32>) {
  // expected-error @+2 {{axes must be ascending}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.squeeze %x {axes = array<i64: 1, 0>}
     : (tensor<1x1xf32>) -> tensor<f32>
  return
}

// -----

func.func @squeeze_axis(%x: tensor<1x2xf32>) {
  // expected-error @+2 {{axis 2 is outside the operand}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.squeeze %x {axes = array<i64: 0, 2>}
     : (tensor<1x2xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @squeeze_negative(%x: tensor<1x2xf32>) {
  // expected-error @+2 {{axis -2 is outside the operand}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.squeeze %x {axes = array<i64: -2>}
     : (tensor<1x2xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @expand_scalar(%x: tensor<2xf32>, %s: tensor<i64>) {
  // expected-error @+2 {{shape must be a vector}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.expand %x, %s
     : (tensor<2xf32>, tensor<i64>) -> tensor<?xf32>
  return
}

// -----

func.func @expand_negative(%x: tensor<1xi64>) {
  %s = llmc.constant dense<-3> : tensor<1xi64>
  // expected-error @+2 {{shape[0] is -3}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.expand %x, %s
     : (tensor<1xi64>, tensor<1xi64>) -> tensor<?xi64>
  return
}

// -----

func.func @expand_shape(%x: tensor<2x3xf32>) {
  %s = llmc.constant dense<[2, 4]> : tensor<2xi64>
  // expected-error @+2 {{dimensions of operand and shape differ: 3 and 4}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.expand %x, %s
     : (tensor<2x3xf32>, tensor<2xi64>) -> tensor<?x?xf32>
  return
}

// -----

func.func @broadcast_rank(%a: tensor<2xi64>, %b: tensor<i64>) {
  // expected-error @+2 {{every operand must be a vector of known length}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.broadcast_shape %a, %b
     : (tensor<2xi64>, tensor<i64>) -> tensor<2xi64>
  return
}

// -----

func.func @broadcast_length(%a: tensor<2xi64>, %b: tensor<?xi64>) {
  // expected-error @+2 {{every operand must be a vector of known length}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.broadcast_shape %a, %b
     : (tensor<2xi64>, tensor<?xi64>) -> tensor<?xi64>
  return
}

// -----

func.func @concat_nothing() {
  // expected-error @+2 {{needs at least one input}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.concat {axis = 0} : () -> tensor<0xf32>
  return
}

// -----

func.func @concat_axis(%x: tensor<2xf32>) {
  // expected-error @+2 {{axis 1 is outside [0, 1)}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.concat %x {axis = 1}
     : (tensor<2xf32>) -> tensor<2xf32>
  return
}

// -----

func.func @concat_scalars(%x: tensor<f32>, %y: tensor<f32>) {
  // expected-error @+2 {{axis 0 is outside [0, 0)}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.concat %x, %y {axis = 0}
     : (tensor<f32>, tensor<f32>) -> tensor<2xf32>
  return
}

// -----

func.func @concat_types(%x: tensor<2xf32>, %y: tensor<2xi32>) {
  // expected-error @+2 {{one input has elements of f32, another of i32}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.concat %x, %y {axis = 0}
     : (tensor<2xf32>, tensor<2xi32>) -> tensor<4xf32>
  return
}

// -----

func.func @concat_sizes(%x: tensor<2x2xf32>, %y: tensor<3x2xf32>) {
  // expected-error @+2 {{dimensions 0 of the inputs differ: 2 and 3}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.concat %x, %y {axis = 1}
     : (tensor<2x2xf32>, tensor<3x2xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @slice_axis(%x: tensor<4x5xf32>, %s: tensor<2xi64>, %e: tensor<2xi64>, %t: tensor<2xi64>) {
  // expected-error @+2 {{axes are not distinct dimensions of the operand}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.slice %x, %s, %e, %t {axes = array<i64: 0, 2>}
     : (tensor<4x5xf32>, tensor<2xi64>, tensor<2xi64>, tensor<2xi64>) -> tensor<?x?xf32>
  return
}

// -----

func.func @slice_same_axis(%x: tensor<4x5xf32>, %s: tensor<2xi64>, %e: tensor<2xi64>, %t: tensor<2xi64>) {
  // expected-error @+2 {{axes are not distinct dimensions of the operand}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.slice %x, %s, %e, %t {axes = array<i64: 1, 1>}
     : (tensor<4x5xf32>, tensor<2xi64>, tensor<2xi64>, tensor<2xi64>) -> tensor<?x?xf32>
  return
}

// -----

func.func @slice_starts(%x: tensor<4x5xf32>, %s: tensor<1xi64>, %e: tensor<2xi64>, %t: tensor<2xi64>) {
  // expected-error @+2 {{starts, ends and steps must be vectors as long as axes}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.slice %x, %s, %e, %t {axes = array<i64: 0, 1>}
     : (tensor<4x5xf32>, tensor<1xi64>, tensor<2xi64>, tensor<2xi64>) -> tensor<?x?xf32>
  return
}

// -----

func.func @slice_ends(%x: tensor<4x5xf32>, %s: tensor<2xi64>, %e: tensor<3xi64>, %t: tensor<2xi64>) {
  // expected-error @+2 {{starts, ends and steps must be vectors as long as axes}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.slice %x, %s, %e, %t {axes = array<i64: 0, 1>}
     : (tensor<4x5xf32>, tensor<2xi64>, tensor<3xi64>, tensor<2xi64>) -> tensor<?x?xf32>
  return
}

// -----

func.func @slice_steps(%x: tensor<4x5xf32>, %s: tensor<2xi64>, %e: tensor<2xi64>, %t: tensor<i64>) {
  // expected-error @+2 {{starts, ends and steps must be vectors as long as axes}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.slice %x, %s, %e, %t {axes = array<i64: 0, 1>}
     : (tensor<4x5xf32>, tensor<2xi64>, tensor<2xi64>, tensor<i64>) -> tensor<?x?xf32>
  return
}

// -----

func.func @gather_axis(%x: tensor<4xf32>, %i: tensor<2xi64>) {
  // expected-error @+2 {{axis -1 is outside [0, 1)}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.gather %x, %i {axis = -1}
     : (tensor<4xf32>, tensor<2xi64>) -> tensor<2xf32>
  return
}

// -----

func.func @gather_indices(%x: tensor<4xf32>, %i: tensor<2xf32>) {
  // expected-error @+1 {{'llmc.gather' op operand #1 must be ranked tensor of integers}}
  %0 = llmc.gather %x, %i {axis = 0}
     : (tensor<4xf32>, tensor<2xf32>) -> tensor<2xf32>
  return
}
