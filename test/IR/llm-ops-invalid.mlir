// RUN: llmc-opt %s --split-input-file --verify-diagnostics

func.func @linear_rank(%x: tensor<2x6xf32>, %w: tensor<6xf32>) {
  // expected-error @+2 {{needs an operand [..., in] and a weight [out, in]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.linear %x, %w
     : (tensor<2x6xf32>, tensor<6xf32>) -> tensor<2x?xf32>
  return
}

// -----

func.func @linear_scalar(%x: tensor<f32>, %w: tensor<4x6xf32>) {
  // expected-error @+2 {{needs an operand [..., in] and a weight [out, in]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.linear %x, %w
     : (tensor<f32>, tensor<4x6xf32>) -> tensor<4xf32>
  return
}

// -----

func.func @linear_columns(%x: tensor<2x5xf32>, %w: tensor<4x6xf32>) {
  // expected-error @+2 {{operand has 5 columns, the weight takes 6}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.linear %x, %w
     : (tensor<2x5xf32>, tensor<4x6xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @linear_types(%x: tensor<2x6xf16>, %w: tensor<4x6xf32>) {
  // expected-error @+2 {{operand has elements of f16, weight of f32}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.linear %x, %w
     : (tensor<2x6xf16>, tensor<4x6xf32>) -> tensor<2x4xf16>
  return
}

// -----

func.func @linear_bias_type(%x: tensor<2x6xf32>, %w: tensor<4x6xf32>, %b: tensor<4xf16>) {
  // expected-error @+2 {{operand has elements of f32, bias of f16}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.linear %x, %w, %b
     : (tensor<2x6xf32>, tensor<4x6xf32>, tensor<4xf16>) -> tensor<2x4xf32>
  return
}

// -----

func.func @linear_bias_rank(%x: tensor<2x6xf32>, %w: tensor<4x6xf32>, %b: tensor<1x4xf32>) {
  // expected-error @+2 {{the bias must be [out]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.linear %x, %w, %b
     : (tensor<2x6xf32>, tensor<4x6xf32>, tensor<1x4xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @linear_bias(%x: tensor<2x6xf32>, %w: tensor<4x6xf32>, %b: tensor<6xf32>) {
  // expected-error @+2 {{rows of weight and bias differ: 4 and 6}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.linear %x, %w, %b
     : (tensor<2x6xf32>, tensor<4x6xf32>, tensor<6xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @linear_integers(%x: tensor<2x6xi32>, %w: tensor<4x6xf32>) {
  // expected-error @+1 {{'llmc.linear' op operand #0 must be ranked tensor of floats, but got 'tensor<2x6xi32>'}}
  %0 = llmc.linear %x, %w
     : (tensor<2x6xi32>, tensor<4x6xf32>) -> tensor<2x4xf32>
  return
}

// -----

func.func @embedding_rank(%i: tensor<2xi64>, %w: tensor<6xf32>) {
  // expected-error @+2 {{needs a weight [vocabulary, hidden]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.embedding %i, %w
     : (tensor<2xi64>, tensor<6xf32>) -> tensor<2x6xf32>
  return
}

// -----

func.func @embedding_ids(%i: tensor<2xf32>, %w: tensor<4x6xf32>) {
  // expected-error @+1 {{'llmc.embedding' op operand #0 must be ranked tensor of integers, but got 'tensor<2xf32>'}}
  %0 = llmc.embedding %i, %w
     : (tensor<2xf32>, tensor<4x6xf32>) -> tensor<2x6xf32>
  return
}

// -----

func.func @rms_norm_rank(%x: tensor<f32>, %s: tensor<6xf32>) {
  // expected-error @+2 {{needs an operand [..., hidden] and a scale [hidden]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.rms_norm %x, %s {epsilon = 0.0 : f32}
     : (tensor<f32>, tensor<6xf32>) -> tensor<f32>
  return
}

// -----

func.func @rms_norm_scale(%x: tensor<2x6xf32>, %s: tensor<1x6xf32>) {
  // expected-error @+2 {{needs an operand [..., hidden] and a scale [hidden]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.rms_norm %x, %s {epsilon = 0.0 : f32}
     : (tensor<2x6xf32>, tensor<1x6xf32>) -> tensor<2x6xf32>
  return
}

// -----

func.func @rms_norm_hidden(%x: tensor<2x6xf32>, %s: tensor<5xf32>) {
  // expected-error @+2 {{last dimensions of operand and scale differ: 6 and 5}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.rms_norm %x, %s {epsilon = 0.0 : f32}
     : (tensor<2x6xf32>, tensor<5xf32>) -> tensor<2x6xf32>
  return
}

// -----

func.func @rms_norm_epsilon(%x: tensor<2x6xf32>, %s: tensor<6xf32>) {
  // expected-error @+1 {{'llmc.rms_norm' op requires attribute 'epsilon'}}
  %0 = llmc.rms_norm %x, %s
     : (tensor<2x6xf32>, tensor<6xf32>) -> tensor<2x6xf32>
  return
}

// -----

func.func @layer_norm_axis(%x: tensor<2x6xf32>, %s: tensor<6xf32>) {
  // expected-error @+2 {{axis 2 is outside [0, 2)}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.layer_norm %x, %s {axis = 2, epsilon = 0.0 : f32}
     : (tensor<2x6xf32>, tensor<6xf32>) -> tensor<2x6xf32>
  return
}

// -----

func.func @layer_norm_negative_axis(%x: tensor<2x6xf32>, %s: tensor<6xf32>) {
  // expected-error @+2 {{axis -1 is outside [0, 2)}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.layer_norm %x, %s {axis = -1, epsilon = 0.0 : f32}
     : (tensor<2x6xf32>, tensor<6xf32>) -> tensor<2x6xf32>
  return
}

// -----

func.func @layer_norm_rank(%x: tensor<2x6xf32>, %s: tensor<1x2x6xf32>) {
  // expected-error @+2 {{scale and bias must broadcast to the operand}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.layer_norm %x, %s {axis = 1, epsilon = 0.0 : f32}
     : (tensor<2x6xf32>, tensor<1x2x6xf32>) -> tensor<2x6xf32>
  return
}

// -----

func.func @layer_norm_scale(%x: tensor<2x6xf32>, %s: tensor<5xf32>) {
  // expected-error @+2 {{dimensions of operand and scale or bias differ: 6 and 5}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.layer_norm %x, %s {axis = 1, epsilon = 0.0 : f32}
     : (tensor<2x6xf32>, tensor<5xf32>) -> tensor<2x6xf32>
  return
}

// -----

func.func @layer_norm_bias(%x: tensor<2x6xf32>, %s: tensor<6xf32>, %b: tensor<3x1xf32>) {
  // expected-error @+2 {{dimensions of operand and scale or bias differ: 2 and 3}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.layer_norm %x, %s, %b {axis = 1, epsilon = 0.0 : f32}
     : (tensor<2x6xf32>, tensor<6xf32>, tensor<3x1xf32>) -> tensor<2x6xf32>
  return
}

// -----

func.func @gelu(%x: tensor<2xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{inferred type(s) 'tensor<2xf32>' are incompatible with return type(s) of operation 'tensor<3xf32>'}}
  %0 = llmc.gelu %x
     : (tensor<2xf32>) -> tensor<3xf32>
  return
}

// -----

func.func @silu(%x: tensor<2xi32>) {
  // expected-error @+1 {{'llmc.silu' op operand #0 must be ranked tensor of floats}}
  %0 = llmc.silu %x
     : (tensor<2xi32>) -> tensor<2xi32>
  return
}

// -----

func.func @rope_rank(%x: tensor<2x5x16xf32>, %c: tensor<1x5x8xf32>, %s: tensor<1x5x8xf32>) {
  // expected-error @+2 {{needs an operand [batch, heads, sequence, head_size] and tables [batch or 1, sequence, rotary / 2]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.rope %x, %c, %s
     : (tensor<2x5x16xf32>, tensor<1x5x8xf32>, tensor<1x5x8xf32>) -> tensor<2x5x16xf32>
  return
}

// -----

func.func @rope_tables(%x: tensor<2x4x5x16xf32>, %c: tensor<5x8xf32>, %s: tensor<5x8xf32>) {
  // expected-error @+2 {{needs an operand [batch, heads, sequence, head_size] and tables [batch or 1, sequence, rotary / 2]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.rope %x, %c, %s
     : (tensor<2x4x5x16xf32>, tensor<5x8xf32>, tensor<5x8xf32>) -> tensor<2x4x5x16xf32>
  return
}

// -----

func.func @rope_dynamic(%x: tensor<2x4x5x16xf32>, %c: tensor<1x5x?xf32>, %s: tensor<1x5x?xf32>) {
  // expected-error @+2 {{the last dimension of the tables must be static}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.rope %x, %c, %s
     : (tensor<2x4x5x16xf32>, tensor<1x5x?xf32>, tensor<1x5x?xf32>) -> tensor<2x4x5x16xf32>
  return
}

// -----

func.func @rope_size(%x: tensor<2x4x5x16xf32>, %c: tensor<1x5x16xf32>, %s: tensor<1x5x16xf32>) {
  // expected-error @+2 {{rotates 32 elements of heads of 16}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.rope %x, %c, %s
     : (tensor<2x4x5x16xf32>, tensor<1x5x16xf32>, tensor<1x5x16xf32>) -> tensor<2x4x5x16xf32>
  return
}

// -----

func.func @rope_cos_sin(%x: tensor<2x4x5x16xf32>, %c: tensor<1x5x8xf32>, %s: tensor<1x5x4xf32>) {
  // expected-error @+2 {{dimensions of cos and sin differ: 8 and 4}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.rope %x, %c, %s
     : (tensor<2x4x5x16xf32>, tensor<1x5x8xf32>, tensor<1x5x4xf32>) -> tensor<2x4x5x16xf32>
  return
}

// -----

func.func @rope_sequence(%x: tensor<2x4x5x16xf32>, %c: tensor<1x6x8xf32>, %s: tensor<1x6x8xf32>) {
  // expected-error @+2 {{sequences of operand and tables differ: 5 and 6}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.rope %x, %c, %s
     : (tensor<2x4x5x16xf32>, tensor<1x6x8xf32>, tensor<1x6x8xf32>) -> tensor<2x4x5x16xf32>
  return
}

// -----

func.func @rope_batch(%x: tensor<2x4x5x16xf32>, %c: tensor<3x5x8xf32>, %s: tensor<3x5x8xf32>) {
  // expected-error @+2 {{batches of operand and tables differ: 2 and 3}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.rope %x, %c, %s
     : (tensor<2x4x5x16xf32>, tensor<3x5x8xf32>, tensor<3x5x8xf32>) -> tensor<2x4x5x16xf32>
  return
}

// -----

func.func @attention_rank(%q: tensor<2x5x16xf32>, %k: tensor<2x2x7x16xf32>, %v: tensor<2x2x7x16xf32>) {
  // expected-error @+2 {{query, key and value must be [batch, heads, sequence, head_size]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.attention %q, %k, %v {scale = 0.25 : f32}
     : (tensor<2x5x16xf32>, tensor<2x2x7x16xf32>, tensor<2x2x7x16xf32>) -> tensor<2x4x5x16xf32>
  return
}

// -----

func.func @attention_batch(%q: tensor<2x4x5x16xf32>, %k: tensor<3x2x7x16xf32>, %v: tensor<2x2x7x16xf32>) {
  // expected-error @+2 {{batches of query and key differ: 2 and 3}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.attention %q, %k, %v {scale = 0.25 : f32}
     : (tensor<2x4x5x16xf32>, tensor<3x2x7x16xf32>, tensor<2x2x7x16xf32>) -> tensor<2x4x5x16xf32>
  return
}

// -----

func.func @attention_value_batch(%q: tensor<2x4x5x16xf32>, %k: tensor<2x2x7x16xf32>, %v: tensor<1x2x7x16xf32>) {
  // expected-error @+2 {{batches of query and value differ: 2 and 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.attention %q, %k, %v {scale = 0.25 : f32}
     : (tensor<2x4x5x16xf32>, tensor<2x2x7x16xf32>, tensor<1x2x7x16xf32>) -> tensor<2x4x5x16xf32>
  return
}

// -----

func.func @attention_head_size(%q: tensor<2x4x5x16xf32>, %k: tensor<2x2x7x8xf32>, %v: tensor<2x2x7x16xf32>) {
  // expected-error @+2 {{head sizes of query and key differ: 16 and 8}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.attention %q, %k, %v {scale = 0.25 : f32}
     : (tensor<2x4x5x16xf32>, tensor<2x2x7x8xf32>, tensor<2x2x7x16xf32>) -> tensor<2x4x5x16xf32>
  return
}

// -----

func.func @attention_heads(%q: tensor<2x4x5x16xf32>, %k: tensor<2x2x7x16xf32>, %v: tensor<2x1x7x16xf32>) {
  // expected-error @+2 {{heads of key and value differ: 2 and 1}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.attention %q, %k, %v {scale = 0.25 : f32}
     : (tensor<2x4x5x16xf32>, tensor<2x2x7x16xf32>, tensor<2x1x7x16xf32>) -> tensor<2x4x5x16xf32>
  return
}

// -----

func.func @attention_length(%q: tensor<2x4x5x16xf32>, %k: tensor<2x2x7x16xf32>, %v: tensor<2x2x6x16xf32>) {
  // expected-error @+2 {{lengths of key and value differ: 7 and 6}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.attention %q, %k, %v {scale = 0.25 : f32}
     : (tensor<2x4x5x16xf32>, tensor<2x2x7x16xf32>, tensor<2x2x6x16xf32>) -> tensor<2x4x5x16xf32>
  return
}

// -----

func.func @attention_groups(%q: tensor<2x4x5x16xf32>, %k: tensor<2x3x7x16xf32>, %v: tensor<2x3x7x16xf32>) {
  // expected-error @+2 {{the 4 heads of query are not a multiple of the 3 of key and value}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.attention %q, %k, %v {scale = 0.25 : f32}
     : (tensor<2x4x5x16xf32>, tensor<2x3x7x16xf32>, tensor<2x3x7x16xf32>) -> tensor<2x4x5x16xf32>
  return
}

// -----

func.func @attention_no_heads(%q: tensor<2x4x5x16xf32>, %k: tensor<2x0x7x16xf32>, %v: tensor<2x0x7x16xf32>) {
  // expected-error @+2 {{the 4 heads of query are not a multiple of the 0 of key and value}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.attention %q, %k, %v {scale = 0.25 : f32}
     : (tensor<2x4x5x16xf32>, tensor<2x0x7x16xf32>, tensor<2x0x7x16xf32>) -> tensor<2x4x5x16xf32>
  return
}

// -----

func.func @attention_mask_type(%q: tensor<2x4x5x16xf32>, %k: tensor<2x2x7x16xf32>, %v: tensor<2x2x7x16xf32>, %m: tensor<5x7xi64>) {
  // expected-error @+2 {{mask must be i1 or float and broadcast to [batch, heads, query length, key length]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.attention %q, %k, %v, %m {scale = 0.25 : f32}
     : (tensor<2x4x5x16xf32>, tensor<2x2x7x16xf32>, tensor<2x2x7x16xf32>, tensor<5x7xi64>) -> tensor<2x4x5x16xf32>
  return
}

// -----

func.func @attention_mask_rank(%q: tensor<2x4x5x16xf32>, %k: tensor<2x2x7x16xf32>, %v: tensor<2x2x7x16xf32>, %m: tensor<1x1x1x5x7xf32>) {
  // expected-error @+2 {{mask must be i1 or float and broadcast to [batch, heads, query length, key length]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.attention %q, %k, %v, %m {scale = 0.25 : f32}
     : (tensor<2x4x5x16xf32>, tensor<2x2x7x16xf32>, tensor<2x2x7x16xf32>, tensor<1x1x1x5x7xf32>) -> tensor<2x4x5x16xf32>
  return
}

// -----

func.func @attention_mask(%q: tensor<2x4x5x16xf32>, %k: tensor<2x2x7x16xf32>, %v: tensor<2x2x7x16xf32>, %m: tensor<5x6xi1>) {
  // expected-error @+2 {{dimensions of scores and mask differ: 7 and 6}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.attention %q, %k, %v, %m {scale = 0.25 : f32}
     : (tensor<2x4x5x16xf32>, tensor<2x2x7x16xf32>, tensor<2x2x7x16xf32>, tensor<5x6xi1>) -> tensor<2x4x5x16xf32>
  return
}

// -----

func.func @attention_window(%q: tensor<2x4x5x16xf32>, %k: tensor<2x2x7x16xf32>, %v: tensor<2x2x7x16xf32>) {
  // expected-error @+2 {{window must not be negative}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.attention %q, %k, %v {scale = 0.25 : f32, window = -1}
     : (tensor<2x4x5x16xf32>, tensor<2x2x7x16xf32>, tensor<2x2x7x16xf32>) -> tensor<2x4x5x16xf32>
  return
}

// -----

func.func @scatter_batch_axis(%c: tensor<2x3x4xf32>, %u: tensor<2x1x4xf32>, %i: tensor<i64>) {
  // expected-error @+2 {{axis 0 is outside [1, 3)}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.tensor_scatter %c, %u, %i {axis = 0}
     : (tensor<2x3x4xf32>, tensor<2x1x4xf32>, tensor<i64>) -> tensor<2x3x4xf32>
  return
}

// -----

func.func @scatter_axis(%c: tensor<2x3x4xf32>, %u: tensor<2x1x4xf32>, %i: tensor<i64>) {
  // expected-error @+2 {{axis 3 is outside [1, 3)}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.tensor_scatter %c, %u, %i {axis = 3}
     : (tensor<2x3x4xf32>, tensor<2x1x4xf32>, tensor<i64>) -> tensor<2x3x4xf32>
  return
}

// -----

func.func @scatter_rank(%c: tensor<2x3x4xf32>, %u: tensor<1x4xf32>, %i: tensor<i64>) {
  // expected-error @+2 {{update and past_cache differ in rank or element type}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.tensor_scatter %c, %u, %i {axis = 1}
     : (tensor<2x3x4xf32>, tensor<1x4xf32>, tensor<i64>) -> tensor<2x3x4xf32>
  return
}

// -----

func.func @scatter_type(%c: tensor<2x3x4xf32>, %u: tensor<2x1x4xf16>, %i: tensor<i64>) {
  // expected-error @+2 {{update and past_cache differ in rank or element type}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.tensor_scatter %c, %u, %i {axis = 1}
     : (tensor<2x3x4xf32>, tensor<2x1x4xf16>, tensor<i64>) -> tensor<2x3x4xf32>
  return
}

// -----

func.func @scatter_indices(%c: tensor<2x3x4xf32>, %u: tensor<2x1x4xf32>, %i: tensor<2x1xi64>) {
  // expected-error @+2 {{write_indices must be a scalar or [batch]}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.tensor_scatter %c, %u, %i {axis = 1}
     : (tensor<2x3x4xf32>, tensor<2x1x4xf32>, tensor<2x1xi64>) -> tensor<2x3x4xf32>
  return
}

// -----

func.func @scatter_batch(%c: tensor<2x3x4xf32>, %u: tensor<2x1x4xf32>, %i: tensor<3xi64>) {
  // expected-error @+2 {{lengths of write_indices and the batch differ: 3 and 2}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.tensor_scatter %c, %u, %i {axis = 1}
     : (tensor<2x3x4xf32>, tensor<2x1x4xf32>, tensor<3xi64>) -> tensor<2x3x4xf32>
  return
}

// -----

func.func @scatter_shape(%c: tensor<2x3x4xf32>, %u: tensor<2x1x5xf32>, %i: tensor<i64>) {
  // expected-error @+2 {{dimensions of past_cache and update differ: 4 and 5}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.tensor_scatter %c, %u, %i {axis = 1}
     : (tensor<2x3x4xf32>, tensor<2x1x5xf32>, tensor<i64>) -> tensor<2x3x4xf32>
  return
}

// -----

func.func @prefix_axis(%x: tensor<2x3xf32>, %n: tensor<i64>) {
  // expected-error @+2 {{axis 2 is outside [0, 2)}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.prefix %x, %n {axis = 2}
     : (tensor<2x3xf32>, tensor<i64>) -> tensor<2x?xf32>
  return
}

// -----

func.func @prefix_length(%x: tensor<2x3xf32>, %n: tensor<1xi64>) {
  // expected-error @+2 {{length must be a scalar}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.prefix %x, %n {axis = 1}
     : (tensor<2x3xf32>, tensor<1xi64>) -> tensor<2x?xf32>
  return
}

// -----

func.func @prefix_long(%x: tensor<2x3xf32>) {
  %n = llmc.constant dense<4> : tensor<i64>
  // expected-error @+2 {{length 4 is outside the axis}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.prefix %x, %n {axis = 1}
     : (tensor<2x3xf32>, tensor<i64>) -> tensor<2x?xf32>
  return
}

// -----

func.func @prefix_negative(%x: tensor<2x?xf32>) {
  %n = llmc.constant dense<-1> : tensor<i64>
  // expected-error @+2 {{length -1 is outside the axis}}
  // expected-error @+1 {{failed to infer returned types}}
  %0 = llmc.prefix %x, %n {axis = 1}
     : (tensor<2x?xf32>, tensor<i64>) -> tensor<2x?xf32>
  return
}
