// RUN: llmc-opt %s --split-input-file --verify-diagnostics

// expected-error @+1 {{'llmc.param' op needs a ranked type with static dimensions}}
llmc.param @vector = dense<1.0> : vector<2xf32>

// -----

// expected-error @+1 {{'llmc.param' op needs elements that are integers or floats, not 'index'}}
llmc.param @index = dense<1> : tensor<2xindex>

// -----

// expected-error @+1 {{'llmc.param' op needs elements that are integers or floats, not 'complex<f32>'}}
llmc.param @complex = dense<(1.0, 2.0)> : tensor<2xcomplex<f32>>

// -----

// expected-error @+1 {{'llmc.param' op needs elements of 1, 2, 4, 8, 16, 32 or 64 bits, not 'i3'}}
llmc.param @i3 = dense<1> : tensor<4xi3>

// -----

// expected-error @+1 {{'llmc.param' op needs elements of 1, 2, 4, 8, 16, 32 or 64 bits, not 'f6E2M3FN'}}
llmc.param @f6 = dense<1.0> : tensor<4xf6E2M3FN>

// -----

// expected-error @+1 {{'llmc.param' op needs elements of 1, 2, 4, 8, 16, 32 or 64 bits, not 'i128'}}
llmc.param @i128 = dense<1> : tensor<4xi128>

// -----

// expected-error @+1 {{'llmc.param' op needs a value that is dense or dense_resource}}
llmc.param @sparse = sparse<0, 1.0> : tensor<4xf32>

// -----

// expected-error @+1 {{'llmc.param' op has a type whose size overflows}}
llmc.param @huge = dense<1.0> : tensor<4611686018427387904x4xf32>

// -----

// expected-error @+1 {{'llmc.param' op has no data: the resource 'missing' is not defined}}
llmc.param @missing = dense_resource<missing> : tensor<2xf32>

// -----

// expected-error @+1 {{'llmc.param' op holds 4 bytes, but 'tensor<2xf32>' needs 8}}
llmc.param @short = dense_resource<short> : tensor<2xf32>

{-#
  dialect_resources: { builtin: { short: "0x10000000AABBCCDD" } }
#-}

// -----

// Three i4 take two bytes.
// expected-error @+1 {{'llmc.param' op holds 3 bytes, but 'tensor<3xi4>' needs 2}}
llmc.param @packed = dense_resource<packed> : tensor<3xi4>

{-#
  dialect_resources: { builtin: { packed: "0x10000000AABBCC" } }
#-}

// -----

// expected-error @+1 {{'llmc.param' op holds 1 bytes, but 'tensor<3xi1>' needs 3}}
llmc.param @bools = dense_resource<bools> : tensor<3xi1>

{-#
  dialect_resources: { builtin: { bools: "0x1000000007" } }
#-}

// -----

func.func @unknown() {
  // expected-error @+1 {{'llmc.weight' op names 'none', which is not a param}}
  %0 = llmc.weight @none : tensor<2xf32>
  return
}

// -----

func.func @function() {
  // expected-error @+1 {{'llmc.weight' op names 'function', which is not a param}}
  %0 = llmc.weight @function : tensor<2xf32>
  return
}

// -----

llmc.param @w = dense<1.0> : tensor<2xf32>
func.func @type() {
  // expected-error @+1 {{'llmc.weight' op has type 'tensor<3xf32>', but the param has 'tensor<2xf32>'}}
  %0 = llmc.weight @w : tensor<3xf32>
  return
}

// -----

func.func @constant() {
  // expected-error @+1 {{'llmc.constant' op result #0 must be ranked tensor, but got 'vector<2xf32>'}}
  %0 = llmc.constant dense<1.0> : vector<2xf32>
  return
}

// -----

func.func @rank(%q: tensor<2x8xui8>, %s: tensor<2x1xf32>) {
  // expected-error @+1 {{'llmc.dequantize' op data has type 'tensor<2x8xui8>', but bits, block and columns need 'tensor<2x1x8xui8>'}}
  %0 = llmc.dequantize %q, %s {bits = 4, block = 16, columns = 16}
     : (tensor<2x8xui8>, tensor<2x1xf32>) -> tensor<2x16xf32>
  return
}

// -----

func.func @columns(%q: tensor<2x1x8xui8>, %s: tensor<2x1xf32>) {
  // expected-error @+1 {{'llmc.dequantize' op columns is -16}}
  %0 = llmc.dequantize %q, %s {bits = 4, block = 16, columns = -16}
     : (tensor<2x1x8xui8>, tensor<2x1xf32>) -> tensor<2x?xf32>
  return
}

// -----

func.func @result(%q: tensor<2x1x8xui8>, %s: tensor<2x1xf32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{inferred type(s) 'tensor<2x16xf32>' are incompatible with return type(s) of operation 'tensor<2x8xf32>'}}
  %0 = llmc.dequantize %q, %s {bits = 4, block = 16, columns = 16}
     : (tensor<2x1x8xui8>, tensor<2x1xf32>) -> tensor<2x8xf32>
  return
}

// -----

func.func @result_rank(%q: tensor<2x1x8xui8>, %s: tensor<2x1xf32>) {
  // expected-error @+1 {{'llmc.dequantize' op makes a weight [out, columns]}}
  %0 = llmc.dequantize %q, %s {bits = 4, block = 16, columns = 16}
     : (tensor<2x1x8xui8>, tensor<2x1xf32>) -> tensor<f32>
  return
}

// -----

func.func @few_bits(%q: tensor<2x1x2xui8>, %s: tensor<2x1xf32>) {
  // expected-error @+1 {{'llmc.dequantize' op bits is 1; 2 to 8 are defined}}
  %0 = llmc.dequantize %q, %s {bits = 1, block = 16, columns = 16}
     : (tensor<2x1x2xui8>, tensor<2x1xf32>) -> tensor<2x16xf32>
  return
}

// -----

func.func @many_bits(%q: tensor<2x1x18xui8>, %s: tensor<2x1xf32>) {
  // expected-error @+1 {{'llmc.dequantize' op bits is 9; 2 to 8 are defined}}
  %0 = llmc.dequantize %q, %s {bits = 9, block = 16, columns = 16}
     : (tensor<2x1x18xui8>, tensor<2x1xf32>) -> tensor<2x16xf32>
  return
}

// -----

func.func @zero_block(%q: tensor<2x1x8xui8>, %s: tensor<2x1xf32>) {
  // expected-error @+1 {{'llmc.dequantize' op block is 0; a block must be a whole number of bytes}}
  %0 = llmc.dequantize %q, %s {bits = 4, block = 0, columns = 16}
     : (tensor<2x1x8xui8>, tensor<2x1xf32>) -> tensor<2x16xf32>
  return
}

// -----

func.func @odd_block(%q: tensor<2x1x8xui8>, %s: tensor<2x1xf32>) {
  // expected-error @+1 {{'llmc.dequantize' op block is 12; a block must be a whole number of bytes}}
  %0 = llmc.dequantize %q, %s {bits = 3, block = 12, columns = 12}
     : (tensor<2x1x8xui8>, tensor<2x1xf32>) -> tensor<2x12xf32>
  return
}

// -----

func.func @huge_block(%q: tensor<2x1x8xui8>, %s: tensor<2x1xf32>) {
  // expected-error @+1 {{'llmc.dequantize' op block is 4611686018427387904; a block must be a whole number of bytes, and at most 4294967296 weights}}
  %0 = llmc.dequantize %q, %s {bits = 4, block = 4611686018427387904, columns = 12}
     : (tensor<2x1x8xui8>, tensor<2x1xf32>) -> tensor<2x12xf32>
  return
}

// -----

func.func @data(%q: tensor<2x1x4xui8>, %s: tensor<2x1xf32>) {
  // expected-error @+1 {{'llmc.dequantize' op data has type 'tensor<2x1x4xui8>', but bits, block and columns need 'tensor<2x1x8xui8>'}}
  %0 = llmc.dequantize %q, %s {bits = 4, block = 16, columns = 16}
     : (tensor<2x1x4xui8>, tensor<2x1xf32>) -> tensor<2x16xf32>
  return
}

// -----

func.func @scales(%q: tensor<2x1x8xui8>, %s: tensor<2x2xf32>) {
  // expected-error @+1 {{'llmc.dequantize' op scales has type 'tensor<2x2xf32>', but bits, block and columns need 'tensor<2x1xf32>'}}
  %0 = llmc.dequantize %q, %s {bits = 4, block = 16, columns = 16}
     : (tensor<2x1x8xui8>, tensor<2x2xf32>) -> tensor<2x16xf32>
  return
}

// -----

func.func @scalar_scale(%q: tensor<2x1x8xui8>, %s: tensor<f32>) {
  // expected-error @+1 {{'llmc.dequantize' op scales has type 'tensor<f32>', but bits, block and columns need 'tensor<2x1xf32>'}}
  %0 = llmc.dequantize %q, %s {bits = 4, block = 16, columns = 16}
     : (tensor<2x1x8xui8>, tensor<f32>) -> tensor<2x16xf32>
  return
}

// -----

func.func @signed(%q: tensor<2x1x8xi8>, %s: tensor<2x1xf32>) {
  // expected-error @+1 {{'llmc.dequantize' op data must be packed in ui8}}
  %0 = llmc.dequantize %q, %s {bits = 4, block = 16, columns = 16}
     : (tensor<2x1x8xi8>, tensor<2x1xf32>) -> tensor<2x16xf32>
  return
}

// -----

func.func @zeros(%q: tensor<2x1x8xui8>, %s: tensor<2x1xf32>, %z: tensor<2x2xui8>) {
  // expected-error @+1 {{'llmc.dequantize' op zeros has type 'tensor<2x2xui8>', but bits, block and columns need 'tensor<2x1xui8>'}}
  %0 = llmc.dequantize %q, %s, %z {bits = 4, block = 16, columns = 16}
     : (tensor<2x1x8xui8>, tensor<2x1xf32>, tensor<2x2xui8>) -> tensor<2x16xf32>
  return
}

// -----

func.func @signed_zeros(%q: tensor<2x1x8xui8>, %s: tensor<2x1xf32>, %z: tensor<2x1xi8>) {
  // expected-error @+1 {{'llmc.dequantize' op zeros must be packed in ui8, or floats of the type of scales}}
  %0 = llmc.dequantize %q, %s, %z {bits = 4, block = 16, columns = 16}
     : (tensor<2x1x8xui8>, tensor<2x1xf32>, tensor<2x1xi8>) -> tensor<2x16xf32>
  return
}

// -----

func.func @float_zeros_format(%q: tensor<2x1x8xui8>, %s: tensor<2x1xf32>, %z: tensor<2x1xf16>) {
  // expected-error @+1 {{'llmc.dequantize' op zeros has type 'tensor<2x1xf16>', but floats must have that of scales, 'tensor<2x1xf32>'}}
  %0 = llmc.dequantize %q, %s, %z {bits = 4, block = 16, columns = 16}
     : (tensor<2x1x8xui8>, tensor<2x1xf32>, tensor<2x1xf16>) -> tensor<2x16xf32>
  return
}

// -----

func.func @float_zeros_shape(%q: tensor<2x2x8xui8>, %s: tensor<2x2xf32>, %z: tensor<2x1xf32>) {
  // expected-error @+1 {{'llmc.dequantize' op zeros has type 'tensor<2x1xf32>', but floats must have that of scales, 'tensor<2x2xf32>'}}
  %0 = llmc.dequantize %q, %s, %z {bits = 4, block = 16, columns = 32}
     : (tensor<2x2x8xui8>, tensor<2x2xf32>, tensor<2x1xf32>) -> tensor<2x32xf32>
  return
}

// -----

func.func @lookup_bits(%q: tensor<4x1x8xui8>, %c: tensor<512xf32>) {
  // expected-error @+1 {{'llmc.lookup' op bits is 9; 2 to 8 are defined}}
  %0 = llmc.lookup %q, %c {bits = 9, block = 16, columns = 16}
     : (tensor<4x1x8xui8>, tensor<512xf32>) -> tensor<4x16xf32>
  return
}

// -----

func.func @lookup_indices(%q: tensor<4x1x4xui8>, %c: tensor<16xf32>) {
  // expected-error @+1 {{'llmc.lookup' op indices has type 'tensor<4x1x4xui8>', but bits, block and columns need 'tensor<4x1x8xui8>'}}
  %0 = llmc.lookup %q, %c {bits = 4, block = 16, columns = 16}
     : (tensor<4x1x4xui8>, tensor<16xf32>) -> tensor<4x16xf32>
  return
}

// -----

func.func @lookup_signed(%q: tensor<4x1x8xi8>, %c: tensor<16xf32>) {
  // expected-error @+1 {{'llmc.lookup' op indices must be packed in ui8}}
  %0 = llmc.lookup %q, %c {bits = 4, block = 16, columns = 16}
     : (tensor<4x1x8xi8>, tensor<16xf32>) -> tensor<4x16xf32>
  return
}

// -----

func.func @lookup_codebook(%q: tensor<4x1x8xui8>, %c: tensor<8xf32>) {
  // expected-error @+1 {{'llmc.lookup' op codebook has type 'tensor<8xf32>', but with 4 bits it is [16], [groups, 16] or [groups, 16, dims]}}
  %0 = llmc.lookup %q, %c {bits = 4, block = 16, columns = 16}
     : (tensor<4x1x8xui8>, tensor<8xf32>) -> tensor<4x16xf32>
  return
}

// -----

func.func @lookup_codebook_rank(%q: tensor<4x1x8xui8>, %c: tensor<1x1x1x16xf32>) {
  // expected-error @+1 {{'llmc.lookup' op codebook has type 'tensor<1x1x1x16xf32>', but with 4 bits it is [16], [groups, 16] or [groups, 16, dims]}}
  %0 = llmc.lookup %q, %c {bits = 4, block = 16, columns = 16}
     : (tensor<4x1x8xui8>, tensor<1x1x1x16xf32>) -> tensor<4x16xf32>
  return
}

// -----

func.func @lookup_vectors(%q: tensor<4x1x4xui8>, %c: tensor<1x16x3xf32>) {
  // expected-error @+1 {{'llmc.lookup' op has vectors of 3, of which rows of 16 columns are not made}}
  %0 = llmc.lookup %q, %c {bits = 4, block = 16, columns = 16}
     : (tensor<4x1x4xui8>, tensor<1x16x3xf32>) -> tensor<4x16xf32>
  return
}

// -----

func.func @lookup_vector_block(%q: tensor<4x1x4xui8>, %c: tensor<1x16x2xf32>) {
  // expected-error @+1 {{'llmc.lookup' op block is 15; a block must be a whole number of bytes, and at most 4294967296 weights}}
  %0 = llmc.lookup %q, %c {bits = 4, block = 15, columns = 16}
     : (tensor<4x1x4xui8>, tensor<1x16x2xf32>) -> tensor<4x16xf32>
  return
}

// -----

func.func @lookup_vector_indices(%q: tensor<4x1x8xui8>, %c: tensor<1x16x2xf32>) {
  // expected-error @+1 {{'llmc.lookup' op indices has type 'tensor<4x1x8xui8>', but bits, block and columns need 'tensor<4x1x4xui8>'}}
  %0 = llmc.lookup %q, %c {bits = 4, block = 16, columns = 16}
     : (tensor<4x1x8xui8>, tensor<1x16x2xf32>) -> tensor<4x16xf32>
  return
}

// -----

func.func @lookup_vector_entries(%q: tensor<4x1x4xui8>, %c: tensor<1x8x2xf32>) {
  // expected-error @+1 {{'llmc.lookup' op codebook has type 'tensor<1x8x2xf32>', but with 4 bits it is [16], [groups, 16] or [groups, 16, dims]}}
  %0 = llmc.lookup %q, %c {bits = 4, block = 16, columns = 16}
     : (tensor<4x1x4xui8>, tensor<1x8x2xf32>) -> tensor<4x16xf32>
  return
}

// -----

func.func @lookup_scalar(%q: tensor<4x1x8xui8>, %c: tensor<f32>) {
  // expected-error @+1 {{'llmc.lookup' op codebook has type 'tensor<f32>', but with 4 bits it is [16], [groups, 16] or [groups, 16, dims]}}
  %0 = llmc.lookup %q, %c {bits = 4, block = 16, columns = 16}
     : (tensor<4x1x8xui8>, tensor<f32>) -> tensor<4x16xf32>
  return
}

// -----

func.func @lookup_groups(%q: tensor<4x1x8xui8>, %c: tensor<3x16xf32>) {
  // expected-error @+1 {{'llmc.lookup' op has codebooks for 3 groups of rows, into which the rows of 'tensor<4x16xf32>' cannot be divided}}
  %0 = llmc.lookup %q, %c {bits = 4, block = 16, columns = 16}
     : (tensor<4x1x8xui8>, tensor<3x16xf32>) -> tensor<4x16xf32>
  return
}

// -----

func.func @lookup_no_groups(%q: tensor<4x1x8xui8>, %c: tensor<0x16xf32>) {
  // expected-error @+1 {{'llmc.lookup' op has codebooks for 0 groups of rows}}
  %0 = llmc.lookup %q, %c {bits = 4, block = 16, columns = 16}
     : (tensor<4x1x8xui8>, tensor<0x16xf32>) -> tensor<4x16xf32>
  return
}

// -----

func.func @lookup_any_groups(%q: tensor<4x1x8xui8>, %c: tensor<?x16xf32>) {
  // expected-error @+1 {{'llmc.lookup' op has codebooks for an unknown number of groups of rows}}
  %0 = llmc.lookup %q, %c {bits = 4, block = 16, columns = 16}
     : (tensor<4x1x8xui8>, tensor<?x16xf32>) -> tensor<4x16xf32>
  return
}

// -----

func.func @lookup_scales(%q: tensor<4x1x8xui8>, %c: tensor<16xf32>, %s: tensor<4x2xf32>) {
  // expected-error @+1 {{'llmc.lookup' op scales has type 'tensor<4x2xf32>', but bits, block and columns need 'tensor<4x1xf32>'}}
  %0 = llmc.lookup %q, %c, %s {bits = 4, block = 16, columns = 16}
     : (tensor<4x1x8xui8>, tensor<16xf32>, tensor<4x2xf32>) -> tensor<4x16xf32>
  return
}

// -----

func.func @lookup_scales_type(%q: tensor<4x1x8xui8>, %c: tensor<16xf32>, %s: tensor<4x1xf16>) {
  // expected-error @+1 {{'llmc.lookup' op scales are 'f16', the codebook is 'f32'}}
  %0 = llmc.lookup %q, %c, %s {bits = 4, block = 16, columns = 16}
     : (tensor<4x1x8xui8>, tensor<16xf32>, tensor<4x1xf16>) -> tensor<4x16xf32>
  return
}

// -----

func.func @densify_pattern0(%v: tensor<2x8xf32>, %m: tensor<2x2xui8>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{the pattern is '2'; n:m with 0 < n < m <= 16 is defined}}
  %0 = llmc.densify %v, %m {pattern = "2"}
     : (tensor<2x8xf32>, tensor<2x2xui8>) -> tensor<2x16xf32>
  return
}

// -----

func.func @densify_pattern1(%v: tensor<2x8xf32>, %m: tensor<2x2xui8>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{the pattern is '4:4'; n:m with 0 < n < m <= 16 is defined}}
  %0 = llmc.densify %v, %m {pattern = "4:4"}
     : (tensor<2x8xf32>, tensor<2x2xui8>) -> tensor<2x16xf32>
  return
}

// -----

func.func @densify_pattern2(%v: tensor<2x8xf32>, %m: tensor<2x2xui8>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{the pattern is '0:4'; n:m with 0 < n < m <= 16 is defined}}
  %0 = llmc.densify %v, %m {pattern = "0:4"}
     : (tensor<2x8xf32>, tensor<2x2xui8>) -> tensor<2x16xf32>
  return
}

// -----

func.func @densify_pattern3(%v: tensor<2x8xf32>, %m: tensor<2x2xui8>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{the pattern is '1:17'; n:m with 0 < n < m <= 16 is defined}}
  %0 = llmc.densify %v, %m {pattern = "1:17"}
     : (tensor<2x8xf32>, tensor<2x2xui8>) -> tensor<2x16xf32>
  return
}

// -----

func.func @densify_pattern4(%v: tensor<2x8xf32>, %m: tensor<2x2xui8>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{the pattern is 'a:b'; n:m with 0 < n < m <= 16 is defined}}
  %0 = llmc.densify %v, %m {pattern = "a:b"}
     : (tensor<2x8xf32>, tensor<2x2xui8>) -> tensor<2x16xf32>
  return
}

// -----

func.func @densify_pattern5(%v: tensor<2x8xf32>, %m: tensor<2x2xui8>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{the pattern is '2:4:8'; n:m with 0 < n < m <= 16 is defined}}
  %0 = llmc.densify %v, %m {pattern = "2:4:8"}
     : (tensor<2x8xf32>, tensor<2x2xui8>) -> tensor<2x16xf32>
  return
}

// -----

func.func @densify_bits(%v: tensor<2x1x8xui8>, %m: tensor<2x2xui8>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{bits is 9; 2 to 8 are defined}}
  %0 = llmc.densify %v, %m {pattern = "2:4", bits = 9}
     : (tensor<2x1x8xui8>, tensor<2x2xui8>) -> tensor<2x1x16xui8>
  return
}

// -----

func.func @densify_rank(%v: tensor<8xf32>, %m: tensor<2x2xui8>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{values must be [out, in * n / m]}}
  %0 = llmc.densify %v, %m {pattern = "2:4"}
     : (tensor<8xf32>, tensor<2x2xui8>) -> tensor<16xf32>
  return
}

// -----

func.func @densify_packed_rank(%v: tensor<2x8xui8>, %m: tensor<2x2xui8>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{values must be [out, blocks, bytes of a block]}}
  %0 = llmc.densify %v, %m {pattern = "2:4", bits = 4}
     : (tensor<2x8xui8>, tensor<2x2xui8>) -> tensor<2x16xui8>
  return
}

// -----

func.func @densify_dynamic(%v: tensor<2x?xf32>, %m: tensor<2x2xui8>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{the last dimension of values must be static}}
  %0 = llmc.densify %v, %m {pattern = "2:4"}
     : (tensor<2x?xf32>, tensor<2x2xui8>) -> tensor<2x?xf32>
  return
}

// -----

func.func @densify_groups(%v: tensor<2x7xf32>, %m: tensor<2x2xui8>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{values of size 7 are not whole groups of 2}}
  %0 = llmc.densify %v, %m {pattern = "2:4"}
     : (tensor<2x7xf32>, tensor<2x2xui8>) -> tensor<2x14xf32>
  return
}

// -----

func.func @densify_block_bytes(%v: tensor<2x1x3xui8>, %m: tensor<2x2xui8>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{a block of 9 columns is not whole bytes}}
  %0 = llmc.densify %v, %m {pattern = "2:3", bits = 4}
     : (tensor<2x1x3xui8>, tensor<2x2xui8>) -> tensor<2x1x4xui8>
  return
}

// -----

func.func @densify_large(%v: tensor<1x4611686018427387904xf32>, %m: tensor<1x1xui8>) {
  // expected-error @+1 {{'llmc.densify' op values are too large}}
  %0 = llmc.densify %v, %m {pattern = "1:4"}
     : (tensor<1x4611686018427387904xf32>, tensor<1x1xui8>) -> tensor<1x1xf32>
  return
}

// -----

func.func @densify_signed(%v: tensor<2x1x8xi8>, %m: tensor<2x4xui8>) {
  // expected-error @+1 {{'llmc.densify' op values must be packed in ui8}}
  %0 = llmc.densify %v, %m {pattern = "2:4", bits = 4}
     : (tensor<2x1x8xi8>, tensor<2x4xui8>) -> tensor<2x1x16xi8>
  return
}

// -----

func.func @densify_integers(%v: tensor<2x8xui8>, %m: tensor<2x2xui8>) {
  // expected-error @+1 {{'llmc.densify' op values must be floats when there are no bits}}
  %0 = llmc.densify %v, %m {pattern = "2:4"}
     : (tensor<2x8xui8>, tensor<2x2xui8>) -> tensor<2x16xui8>
  return
}

// -----

func.func @densify_fill(%v: tensor<2x1x8xui8>, %m: tensor<2x4xui8>) {
  // expected-error @+1 {{'llmc.densify' op fill is 16, which is no integer of 4 bits}}
  %0 = llmc.densify %v, %m {pattern = "2:4", bits = 4, fill = 16}
     : (tensor<2x1x8xui8>, tensor<2x4xui8>) -> tensor<2x1x16xui8>
  return
}

// -----

func.func @densify_float_fill(%v: tensor<2x8xf32>, %m: tensor<2x2xui8>) {
  // expected-error @+1 {{'llmc.densify' op fill is 0, which is no integer of 0 bits}}
  %0 = llmc.densify %v, %m {pattern = "2:4", fill = 0}
     : (tensor<2x8xf32>, tensor<2x2xui8>) -> tensor<2x16xf32>
  return
}

// -----

func.func @densify_blocks(%v: tensor<2x?x8xui8>, %m: tensor<2x4xui8>) {
  // expected-error @+1 {{'llmc.densify' op needs a static number of blocks}}
  %0 = llmc.densify %v, %m {pattern = "2:4", bits = 4}
     : (tensor<2x?x8xui8>, tensor<2x4xui8>) -> tensor<2x?x16xui8>
  return
}

// -----

func.func @densify_meta(%v: tensor<2x8xf32>, %m: tensor<2x3xui8>) {
  // expected-error @+1 {{'llmc.densify' op meta has type 'tensor<2x3xui8>', but values and pattern need 'tensor<2x2xui8>'}}
  %0 = llmc.densify %v, %m {pattern = "2:4"}
     : (tensor<2x8xf32>, tensor<2x3xui8>) -> tensor<2x16xf32>
  return
}

// -----

func.func @densify_signed_meta(%v: tensor<2x8xf32>, %m: tensor<2x2xi8>) {
  // expected-error @+1 {{'llmc.densify' op meta has type 'tensor<2x2xi8>', but values and pattern need 'tensor<2x2xui8>'}}
  %0 = llmc.densify %v, %m {pattern = "2:4"}
     : (tensor<2x8xf32>, tensor<2x2xi8>) -> tensor<2x16xf32>
  return
}

// -----

func.func @densify_bitmap_tile0(%v: tensor<7xf32>, %m: tensor<2x2xui8>, %s: tensor<2xi32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{tile must be two numbers from 1 to 4294967296}}
  %0 = llmc.densify_bitmap %v, %m, %s {columns = 12, tile = array<i64: 2>}
     : (tensor<7xf32>, tensor<2x2xui8>, tensor<2xi32>) -> tensor<2x12xf32>
  return
}

// -----

func.func @densify_bitmap_tile1(%v: tensor<7xf32>, %m: tensor<2x2xui8>, %s: tensor<2xi32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{tile must be two numbers from 1 to 4294967296}}
  %0 = llmc.densify_bitmap %v, %m, %s {columns = 12, tile = array<i64: 1, 0>}
     : (tensor<7xf32>, tensor<2x2xui8>, tensor<2xi32>) -> tensor<2x12xf32>
  return
}

// -----

func.func @densify_bitmap_columns(%v: tensor<7xf32>, %m: tensor<2x1xui8>, %s: tensor<2xi32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{columns is 12; whole tiles of 5, at most 4294967296 columns, are defined}}
  %0 = llmc.densify_bitmap %v, %m, %s {columns = 12, tile = array<i64: 1, 5>}
     : (tensor<7xf32>, tensor<2x1xui8>, tensor<2xi32>) -> tensor<2x12xf32>
  return
}

// -----

func.func @densify_bitmap_negative(%v: tensor<7xf32>, %m: tensor<2x2xui8>, %s: tensor<2xi32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{columns is -8; whole tiles of 1, at most 4294967296 columns, are defined}}
  %0 = llmc.densify_bitmap %v, %m, %s {columns = -8}
     : (tensor<7xf32>, tensor<2x2xui8>, tensor<2xi32>) -> tensor<2x12xf32>
  return
}

// -----

func.func @densify_bitmap_values(%v: tensor<1x1x7xf32>, %m: tensor<2x2xui8>, %s: tensor<2xi32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{values must have one or two dimensions}}
  %0 = llmc.densify_bitmap %v, %m, %s {columns = 12}
     : (tensor<1x1x7xf32>, tensor<2x2xui8>, tensor<2xi32>) -> tensor<2x12xf32>
  return
}

// -----

func.func @densify_bitmap_mask_rank(%v: tensor<7xf32>, %m: tensor<4xui8>, %s: tensor<2xi32>) {
  // expected-error @+2 {{failed to infer returned types}}
  // expected-error @+1 {{mask must be [out, bytes of a row]}}
  %0 = llmc.densify_bitmap %v, %m, %s {columns = 12}
     : (tensor<7xf32>, tensor<4xui8>, tensor<2xi32>) -> tensor<2x12xf32>
  return
}

// -----

func.func @densify_bitmap_dynamic(%v: tensor<?xf32>, %m: tensor<2x2xui8>, %s: tensor<2xi32>) {
  // expected-error @+1 {{needs a static number of values}}
  %0 = llmc.densify_bitmap %v, %m, %s {columns = 12}
     : (tensor<?xf32>, tensor<2x2xui8>, tensor<2xi32>) -> tensor<2x12xf32>
  return
}

// -----

func.func @densify_bitmap_mask(%v: tensor<7xf32>, %m: tensor<2x1xui8>, %s: tensor<2xi32>) {
  // expected-error @+1 {{mask has type 'tensor<2x1xui8>', but mask, columns and tile need 'tensor<2x2xui8>'}}
  %0 = llmc.densify_bitmap %v, %m, %s {columns = 12}
     : (tensor<7xf32>, tensor<2x1xui8>, tensor<2xi32>) -> tensor<2x12xf32>
  return
}

// -----

func.func @densify_bitmap_mask_type(%v: tensor<7xf32>, %m: tensor<2x2xi8>, %s: tensor<2xi32>) {
  // expected-error @+1 {{mask has type 'tensor<2x2xi8>', but mask, columns and tile need 'tensor<2x2xui8>'}}
  %0 = llmc.densify_bitmap %v, %m, %s {columns = 12}
     : (tensor<7xf32>, tensor<2x2xi8>, tensor<2xi32>) -> tensor<2x12xf32>
  return
}

// -----

func.func @densify_bitmap_starts(%v: tensor<7xf32>, %m: tensor<2x2xui8>, %s: tensor<3xi32>) {
  // expected-error @+1 {{starts has type 'tensor<3xi32>', but mask, columns and tile need 'tensor<2xi32>'}}
  %0 = llmc.densify_bitmap %v, %m, %s {columns = 12}
     : (tensor<7xf32>, tensor<2x2xui8>, tensor<3xi32>) -> tensor<2x12xf32>
  return
}
