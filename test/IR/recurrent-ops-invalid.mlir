// RUN: llmc-opt %s --split-input-file --verify-diagnostics

func.func @operand_rank(%x: tensor<5x3xf32>, %w: tensor<1x4x3xf32>, %r: tensor<1x4x4xf32>) {
  // expected-error @+2 {{operand, weight and recurrence must have rank 3}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:2 = llmc.rnn %x, %w, %r {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>, direction = "forward",
     activations = ["Tanh"], activation_alpha = array<f32: 0.0>, activation_beta = array<f32: 0.0>}
     : (tensor<5x3xf32>, tensor<1x4x3xf32>, tensor<1x4x4xf32>) -> (tensor<5x1x2x4xf32>, tensor<1x2x4xf32>)
  return
}

// -----

func.func @weight_rank(%x: tensor<5x2x3xf32>, %w: tensor<4x3xf32>, %r: tensor<1x4x4xf32>) {
  // expected-error @+2 {{operand, weight and recurrence must have rank 3}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:2 = llmc.rnn %x, %w, %r {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>, direction = "forward",
     activations = ["Tanh"], activation_alpha = array<f32: 0.0>, activation_beta = array<f32: 0.0>}
     : (tensor<5x2x3xf32>, tensor<4x3xf32>, tensor<1x4x4xf32>) -> (tensor<5x1x2x4xf32>, tensor<1x2x4xf32>)
  return
}

// -----

func.func @hidden(%x: tensor<5x2x3xf32>, %w: tensor<1x4x3xf32>, %r: tensor<1x4x?xf32>) {
  // expected-error @+2 {{the recurrence's last dimension, the hidden size, must be static}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:2 = llmc.rnn %x, %w, %r {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>, direction = "forward",
     activations = ["Tanh"], activation_alpha = array<f32: 0.0>, activation_beta = array<f32: 0.0>}
     : (tensor<5x2x3xf32>, tensor<1x4x3xf32>, tensor<1x4x?xf32>) -> (tensor<5x1x2x4xf32>, tensor<1x2x4xf32>)
  return
}

// -----

func.func @weight(%x: tensor<5x2x3xf32>, %w: tensor<1x5x3xf32>, %r: tensor<1x4x4xf32>) {
  // expected-error @+2 {{dimension 1 of weight is 5, not 4}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:2 = llmc.rnn %x, %w, %r {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>, direction = "forward",
     activations = ["Tanh"], activation_alpha = array<f32: 0.0>, activation_beta = array<f32: 0.0>}
     : (tensor<5x2x3xf32>, tensor<1x5x3xf32>, tensor<1x4x4xf32>) -> (tensor<5x1x2x4xf32>, tensor<1x2x4xf32>)
  return
}

// -----

func.func @input(%x: tensor<5x2x3xf32>, %w: tensor<1x4x2xf32>, %r: tensor<1x4x4xf32>) {
  // expected-error @+2 {{dimension 2 of weight is 2, not 3}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:2 = llmc.rnn %x, %w, %r {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>, direction = "forward",
     activations = ["Tanh"], activation_alpha = array<f32: 0.0>, activation_beta = array<f32: 0.0>}
     : (tensor<5x2x3xf32>, tensor<1x4x2xf32>, tensor<1x4x4xf32>) -> (tensor<5x1x2x4xf32>, tensor<1x2x4xf32>)
  return
}

// -----

func.func @directions(%x: tensor<5x2x3xf32>, %w: tensor<1x4x3xf32>, %r: tensor<2x4x4xf32>) {
  // expected-error @+2 {{dimension 0 of weight is 1, not 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:2 = llmc.rnn %x, %w, %r {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>, direction = "bidirectional",
     activations = ["Tanh", "Tanh"], activation_alpha = array<f32: 0.0, 0.0>, activation_beta = array<f32: 0.0, 0.0>}
     : (tensor<5x2x3xf32>, tensor<1x4x3xf32>, tensor<2x4x4xf32>) -> (tensor<5x2x2x4xf32>, tensor<2x2x4xf32>)
  return
}

// -----

func.func @recurrence(%x: tensor<5x2x3xf32>, %w: tensor<1x4x3xf32>, %r: tensor<1x8x4xf32>) {
  // expected-error @+2 {{dimension 1 of recurrence is 8, not 4}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:2 = llmc.rnn %x, %w, %r {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>, direction = "forward",
     activations = ["Tanh"], activation_alpha = array<f32: 0.0>, activation_beta = array<f32: 0.0>}
     : (tensor<5x2x3xf32>, tensor<1x4x3xf32>, tensor<1x8x4xf32>) -> (tensor<5x1x2x4xf32>, tensor<1x2x4xf32>)
  return
}

// -----

func.func @bias(%x: tensor<5x2x3xf32>, %w: tensor<1x4x3xf32>, %r: tensor<1x4x4xf32>, %b: tensor<1x4xf32>) {
  // expected-error @+2 {{dimension 1 of bias is 4, not 8}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:2 = llmc.rnn %x, %w, %r, %b {operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>, direction = "forward",
     activations = ["Tanh"], activation_alpha = array<f32: 0.0>, activation_beta = array<f32: 0.0>}
     : (tensor<5x2x3xf32>, tensor<1x4x3xf32>, tensor<1x4x4xf32>, tensor<1x4xf32>) -> (tensor<5x1x2x4xf32>, tensor<1x2x4xf32>)
  return
}

// -----

func.func @bias_rank(%x: tensor<5x2x3xf32>, %w: tensor<1x4x3xf32>, %r: tensor<1x4x4xf32>, %b: tensor<8xf32>) {
  // expected-error @+2 {{bias must have rank 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:2 = llmc.rnn %x, %w, %r, %b {operandSegmentSizes = array<i32: 1, 1, 1, 1, 0, 0>, direction = "forward",
     activations = ["Tanh"], activation_alpha = array<f32: 0.0>, activation_beta = array<f32: 0.0>}
     : (tensor<5x2x3xf32>, tensor<1x4x3xf32>, tensor<1x4x4xf32>, tensor<8xf32>) -> (tensor<5x1x2x4xf32>, tensor<1x2x4xf32>)
  return
}

// -----

func.func @sequence_lens(%x: tensor<5x2x3xf32>, %w: tensor<1x4x3xf32>, %r: tensor<1x4x4xf32>, %l: tensor<5xi32>) {
  // expected-error @+2 {{dimension 0 of sequence_lens is 5, not 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:2 = llmc.rnn %x, %w, %r, %l {operandSegmentSizes = array<i32: 1, 1, 1, 0, 1, 0>, direction = "forward",
     activations = ["Tanh"], activation_alpha = array<f32: 0.0>, activation_beta = array<f32: 0.0>}
     : (tensor<5x2x3xf32>, tensor<1x4x3xf32>, tensor<1x4x4xf32>, tensor<5xi32>) -> (tensor<5x1x2x4xf32>, tensor<1x2x4xf32>)
  return
}

// -----

func.func @initial_h(%x: tensor<5x2x3xf32>, %w: tensor<1x4x3xf32>, %r: tensor<1x4x4xf32>, %h: tensor<1x2x3xf32>) {
  // expected-error @+2 {{dimension 2 of initial_h is 3, not 4}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:2 = llmc.rnn %x, %w, %r, %h {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 1>, direction = "forward",
     activations = ["Tanh"], activation_alpha = array<f32: 0.0>, activation_beta = array<f32: 0.0>}
     : (tensor<5x2x3xf32>, tensor<1x4x3xf32>, tensor<1x4x4xf32>, tensor<1x2x3xf32>) -> (tensor<5x1x2x4xf32>, tensor<1x2x4xf32>)
  return
}

// -----

func.func @activations(%x: tensor<5x2x3xf32>, %w: tensor<1x4x3xf32>, %r: tensor<1x4x4xf32>) {
  // expected-error @+2 {{needs 1 activations, each with an alpha and a beta}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:2 = llmc.rnn %x, %w, %r {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>, direction = "forward",
     activations = ["Tanh", "Tanh"], activation_alpha = array<f32: 0.0, 0.0>, activation_beta = array<f32: 0.0, 0.0>}
     : (tensor<5x2x3xf32>, tensor<1x4x3xf32>, tensor<1x4x4xf32>) -> (tensor<5x1x2x4xf32>, tensor<1x2x4xf32>)
  return
}

// -----

func.func @alpha(%x: tensor<5x2x3xf32>, %w: tensor<1x4x3xf32>, %r: tensor<1x4x4xf32>) {
  // expected-error @+2 {{needs 1 activations, each with an alpha and a beta}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:2 = llmc.rnn %x, %w, %r {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>, direction = "forward",
     activations = ["Tanh"], activation_alpha = array<f32>, activation_beta = array<f32: 0.0>}
     : (tensor<5x2x3xf32>, tensor<1x4x3xf32>, tensor<1x4x4xf32>) -> (tensor<5x1x2x4xf32>, tensor<1x2x4xf32>)
  return
}

// -----

func.func @activation(%x: tensor<5x2x3xf32>, %w: tensor<1x4x3xf32>, %r: tensor<1x4x4xf32>) {
  // expected-error @+2 {{unknown activation 'Gelu'}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:2 = llmc.rnn %x, %w, %r {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>, direction = "forward",
     activations = ["Gelu"], activation_alpha = array<f32: 0.0>, activation_beta = array<f32: 0.0>}
     : (tensor<5x2x3xf32>, tensor<1x4x3xf32>, tensor<1x4x4xf32>) -> (tensor<5x1x2x4xf32>, tensor<1x2x4xf32>)
  return
}

// -----

func.func @direction(%x: tensor<5x2x3xf32>, %w: tensor<1x4x3xf32>, %r: tensor<1x4x4xf32>) {
  // expected-error @+1 {{attribute 'direction' failed to satisfy constraint}}
  %0:2 = llmc.rnn %x, %w, %r {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>, direction = "both",
     activations = ["Tanh"], activation_alpha = array<f32: 0.0>, activation_beta = array<f32: 0.0>}
     : (tensor<5x2x3xf32>, tensor<1x4x3xf32>, tensor<1x4x4xf32>) -> (tensor<5x1x2x4xf32>, tensor<1x2x4xf32>)
  return
}

// -----

func.func @gru_gates(%x: tensor<5x2x3xf32>, %w: tensor<1x4x3xf32>, %r: tensor<1x12x4xf32>) {
  // expected-error @+2 {{dimension 1 of weight is 4, not 12}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:2 = llmc.gru %x, %w, %r {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>, direction = "forward",
     activations = ["Tanh", "Tanh"], activation_alpha = array<f32: 0.0, 0.0>, activation_beta = array<f32: 0.0, 0.0>}
     : (tensor<5x2x3xf32>, tensor<1x4x3xf32>, tensor<1x12x4xf32>) -> (tensor<5x1x2x4xf32>, tensor<1x2x4xf32>)
  return
}

// -----

func.func @gru_activations(%x: tensor<5x2x3xf32>, %w: tensor<2x12x3xf32>, %r: tensor<2x12x4xf32>) {
  // expected-error @+2 {{needs 4 activations, each with an alpha and a beta}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:2 = llmc.gru %x, %w, %r {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0>, direction = "bidirectional",
     activations = ["Sigmoid", "Tanh"], activation_alpha = array<f32: 0.0, 0.0>, activation_beta = array<f32: 0.0, 0.0>}
     : (tensor<5x2x3xf32>, tensor<2x12x3xf32>, tensor<2x12x4xf32>) -> (tensor<5x2x2x4xf32>, tensor<2x2x4xf32>)
  return
}

// -----

func.func @lstm_gates(%x: tensor<5x2x3xf32>, %w: tensor<1x16x3xf32>, %r: tensor<1x12x4xf32>) {
  // expected-error @+2 {{dimension 1 of recurrence is 12, not 16}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:3 = llmc.lstm %x, %w, %r {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0, 0>, direction = "forward",
     activations = ["Tanh", "Tanh", "Tanh"], activation_alpha = array<f32: 0.0, 0.0, 0.0>, activation_beta = array<f32: 0.0, 0.0, 0.0>}
     : (tensor<5x2x3xf32>, tensor<1x16x3xf32>, tensor<1x12x4xf32>) -> (tensor<5x1x2x4xf32>, tensor<1x2x4xf32>, tensor<1x2x4xf32>)
  return
}

// -----

func.func @peephole(%x: tensor<5x2x3xf32>, %w: tensor<1x16x3xf32>, %r: tensor<1x16x4xf32>, %p: tensor<1x4xf32>) {
  // expected-error @+2 {{dimension 1 of peephole is 4, not 12}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:3 = llmc.lstm %x, %w, %r, %p {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0, 1>, direction = "forward",
     activations = ["Tanh", "Tanh", "Tanh"], activation_alpha = array<f32: 0.0, 0.0, 0.0>, activation_beta = array<f32: 0.0, 0.0, 0.0>}
     : (tensor<5x2x3xf32>, tensor<1x16x3xf32>, tensor<1x16x4xf32>, tensor<1x4xf32>) -> (tensor<5x1x2x4xf32>, tensor<1x2x4xf32>, tensor<1x2x4xf32>)
  return
}

// -----

func.func @peephole_rank(%x: tensor<5x2x3xf32>, %w: tensor<1x16x3xf32>, %r: tensor<1x16x4xf32>, %p: tensor<12xf32>) {
  // expected-error @+2 {{peephole must have rank 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:3 = llmc.lstm %x, %w, %r, %p {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0, 1>, direction = "forward",
     activations = ["Tanh", "Tanh", "Tanh"], activation_alpha = array<f32: 0.0, 0.0, 0.0>, activation_beta = array<f32: 0.0, 0.0, 0.0>}
     : (tensor<5x2x3xf32>, tensor<1x16x3xf32>, tensor<1x16x4xf32>, tensor<12xf32>) -> (tensor<5x1x2x4xf32>, tensor<1x2x4xf32>, tensor<1x2x4xf32>)
  return
}

// -----

func.func @initial_c(%x: tensor<5x2x3xf32>, %w: tensor<1x16x3xf32>, %r: tensor<1x16x4xf32>, %c: tensor<1x3x4xf32>) {
  // expected-error @+2 {{dimension 1 of initial_c is 3, not 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:3 = llmc.lstm %x, %w, %r, %c {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 1, 0>, direction = "forward",
     activations = ["Tanh", "Tanh", "Tanh"], activation_alpha = array<f32: 0.0, 0.0, 0.0>, activation_beta = array<f32: 0.0, 0.0, 0.0>}
     : (tensor<5x2x3xf32>, tensor<1x16x3xf32>, tensor<1x16x4xf32>, tensor<1x3x4xf32>) -> (tensor<5x1x2x4xf32>, tensor<1x2x4xf32>, tensor<1x2x4xf32>)
  return
}

// -----

func.func @initial_c_rank(%x: tensor<5x2x3xf32>, %w: tensor<1x16x3xf32>, %r: tensor<1x16x4xf32>, %c: tensor<2x4xf32>) {
  // expected-error @+2 {{initial_c must have rank 3}}
  // expected-error @+1 {{failed to infer returned types}}
  %0:3 = llmc.lstm %x, %w, %r, %c {operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 1, 0>, direction = "forward",
     activations = ["Tanh", "Tanh", "Tanh"], activation_alpha = array<f32: 0.0, 0.0, 0.0>, activation_beta = array<f32: 0.0, 0.0, 0.0>}
     : (tensor<5x2x3xf32>, tensor<1x16x3xf32>, tensor<1x16x4xf32>, tensor<2x4xf32>) -> (tensor<5x1x2x4xf32>, tensor<1x2x4xf32>, tensor<1x2x4xf32>)
  return
}
