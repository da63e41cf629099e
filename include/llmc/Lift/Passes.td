//===- Passes.td - from a graph of ONNX ops to the ops of LLMs ------------===//

#ifndef LLMC_LIFT_PASSES
#define LLMC_LIFT_PASSES

include "mlir/Pass/PassBase.td"

def InferShapes : Pass<"llmc-infer-shapes", "::mlir::ModuleOp"> {
  let summary = "Refine tensor types by symbolic shape inference";
  let description = [{
    Walks each function forward once and gives every result the static
    dimensions that follow from its operands. Dimensions stay symbolic inside
    the analysis: arguments whose `llmc.dims` carry the same name have the same
    size, and small integer tensors are tracked as expressions of sizes, so the
    shape arithmetic of an exporter is seen through. A function's own type
    follows. Where an op of another dialect relies on the old type, a
    `tensor.cast` keeps it.

    A declared type that contradicts what the operands make is an error.

    ```mlir
    func.func @main(%x: tensor<?x?x64xf32> {llmc.dims = ["batch", "seq", ""]})
        -> tensor<?x?x?x?xf32> {
      %shape = llmc.constant dense<[0, 0, 4, 16]> : tensor<4xi64>
      %y = llmc.reshape %x, %shape
         : (tensor<?x?x64xf32>, tensor<4xi64>) -> tensor<?x?x?x?xf32>
      return %y : tensor<?x?x?x?xf32>
    }
    // becomes
      %y = llmc.reshape %x, %shape
         : (tensor<?x?x64xf32>, tensor<4xi64>) -> tensor<?x?x4x16xf32>
      return %y : tensor<?x?x4x16xf32>
    ```
  }];
  let dependentDialects = ["::mlir::tensor::TensorDialect"];
  let statistics = [
    Statistic<"numRefined", "types-refined", "Results with a more exact type">
  ];
}

def FoldShapes : Pass<"llmc-fold-shapes", "::mlir::ModuleOp"> {
  let summary = "Fold shape arithmetic and other small constants";
  let description = [{
    Refines types as llmc-infer-shapes does, and on the way

    * replaces integer tensors whose elements are known for all sizes by
      constants,
    * computes ops whose operands are constants of at most 1024 elements
      (parameters are never folded),
    * writes the target of a reshape or expand as a constant where 0 (copied)
      and one -1 (inferred) can say what was computed, so that the shape
      arithmetic behind it dies,
    * replaces an `scf.if` with a constant condition by the branch taken,
    * erases what is no longer used.

    ```mlir
    %s = llmc.shape %x {start = 0, end = 2} : (tensor<?x?x64xf32>) -> tensor<2xi64>
    %t = llmc.constant dense<[-1, 16]> : tensor<2xi64>
    %c = llmc.concat %s, %t {axis = 0} : (tensor<2xi64>, tensor<2xi64>) -> tensor<4xi64>
    %y = llmc.reshape %x, %c {allowzero}
       : (tensor<?x?x64xf32>, tensor<4xi64>) -> tensor<?x?x?x?xf32>
    // becomes
    %c = llmc.constant dense<[0, 0, 4, 16]> : tensor<4xi64>
    %y = llmc.reshape %x, %c
       : (tensor<?x?x64xf32>, tensor<4xi64>) -> tensor<?x?x4x16xf32>
    ```
  }];
  let dependentDialects = ["::mlir::tensor::TensorDialect",
                           "::mlir::arith::ArithDialect"];
  let statistics = [
    Statistic<"numFolded", "ops-folded", "Ops replaced by constants">,
    Statistic<"numShapes", "targets-folded",
              "Targets of reshape and expand made constant">,
    Statistic<"numBranches", "branches-resolved",
              "scf.if replaced by the branch taken">
  ];
}

def Simplify : Pass<"llmc-simplify", "::mlir::ModuleOp"> {
  let summary = "Drop ops that do nothing and merge chains of moves";
  let description = [{
    Removes what symbolic shapes prove to change nothing: reshapes back to an
    earlier shape, expands, slices and casts to what is there already,
    transposes that undo each other, multiplication by 1 and its like; merges
    transposes of transposes and reshapes of reshapes; and writes a transpose
    of the last two dimensions between two reshapes as one transpose. A
    dequantization after a quantization is never dropped.

    ```mlir
    %r = llmc.reshape %k, %a : (tensor<?x2x?x16xf32>, ...) -> tensor<?x?x16xf32>
    %t = llmc.transpose %r {perm = array<i64: 0, 2, 1>} : ...
    %y = llmc.reshape %t, %b : ... -> tensor<?x2x16x?xf32>
    // becomes
    %y = llmc.transpose %k {perm = array<i64: 0, 1, 3, 2>}
       : (tensor<?x2x?x16xf32>) -> tensor<?x2x16x?xf32>
    ```
  }];
  let dependentDialects = ["::mlir::tensor::TensorDialect"];
  let statistics = [
    Statistic<"numSimplified", "ops-simplified", "Ops replaced or dropped">
  ];
}

class LiftPass<string name> : Pass<"llmc-lift-" # name, "::mlir::ModuleOp"> {
  let dependentDialects = ["::mlir::tensor::TensorDialect"];
}

def LiftQuantizeDynamic : LiftPass<"quantize-dynamic"> {
  let summary = "Activations rounded in blocks, written out, to one op";
  let description = [{
    Matches what export makes of `llmc.quantize_dynamic`, node by node and with
    its very numbers, in f32: other roundings of activations are other numbers.
    Zeros that fill the last block are dropped together with the slice behind.

    ```mlir
    %b = llmc.reshape %x, %split : (tensor<?x64xf32>, tensor<3xi64>) -> tensor<?x2x32xf32>
    %a = llmc.abs %b : (tensor<?x2x32xf32>) -> tensor<?x2x32xf32>
    %m = llmc.reduce max %a {axes = array<i64: 2>} : (tensor<?x2x32xf32>) -> tensor<?x2x1xf32>
    %t = llmc.less %m, %tiny : (tensor<?x2x1xf32>, tensor<f32>) -> tensor<?x2x1xi1>
    %d = llmc.div %127, %m : (tensor<f32>, tensor<?x2x1xf32>) -> tensor<?x2x1xf32>
    %i = llmc.where %t, %0, %d : (tensor<?x2x1xi1>, tensor<f32>, tensor<?x2x1xf32>) -> tensor<?x2x1xf32>
    %p = llmc.mul %b, %i : (tensor<?x2x32xf32>, tensor<?x2x1xf32>) -> tensor<?x2x32xf32>
    %q = llmc.round %p : (tensor<?x2x32xf32>) -> tensor<?x2x32xf32>
    %s = llmc.div %m, %127 : (tensor<?x2x1xf32>, tensor<f32>) -> tensor<?x2x1xf32>
    %v = llmc.mul %q, %s : (tensor<?x2x32xf32>, tensor<?x2x1xf32>) -> tensor<?x2x32xf32>
    %y = llmc.reshape %v, %merge : (tensor<?x2x32xf32>, tensor<2xi64>) -> tensor<?x64xf32>
    // becomes
    %y = llmc.quantize_dynamic %x {block = 32 : i64} : (tensor<?x64xf32>) -> tensor<?x64xf32>
    ```
  }];
  let statistics = [Statistic<"numLifted", "quantize-dynamic", "Roundings lifted">];
}

def LiftDequantize : LiftPass<"dequantize"> {
  let summary = "dequantize_linear of a weight to dequantize";
  let description = [{
    A parameter of 8, 4 or 2 bits that products and gathers read through
    `llmc.dequantize_linear` becomes the packed weight `[out, in]` of
    `llmc.dequantize`, for which backends have kernels. Blocks run along `in`;
    one scale for each output, or for all of them, makes a block of each row. A
    slice that leaves the end of the last block out is taken in.

    Unsigned integers `[out, in]` keep their bytes. Signed ones move up by half
    of their range, and so do their zero points, and those stored `[in, out]`
    are transposed. A parameter that something else reads keeps its own.

    A weight that does not fit stays, and a remark says why: its elements have
    other types, or its scales divide `out`.

    ```mlir
    llmc.param @fc = dense_resource<fc> : tensor<64x128xi8>
    llmc.param @fc.s = dense_resource<fc.s> : tensor<128xf32>
    %q = llmc.weight @fc : tensor<64x128xi8>
    %s = llmc.weight @fc.s : tensor<128xf32>
    %w = llmc.dequantize_linear %q, %s {axis = 1 : i64, to = f32}
       : (tensor<64x128xi8>, tensor<128xf32>) -> tensor<64x128xf32>
    %y = llmc.matmul %x, %w : (tensor<?x64xf32>, tensor<64x128xf32>) -> tensor<?x128xf32>
    // becomes
    llmc.param @fc = dense_resource<fc_1> : tensor<128x1x64xui8>
    llmc.param @fc.s = dense_resource<fc.s> : tensor<128x1xf32>
    %q = llmc.weight @fc : tensor<128x1x64xui8>
    %s = llmc.weight @fc.s : tensor<128x1xf32>
    %w = llmc.dequantize %q, %s {bits = 8 : i64, block = 64 : i64, columns = 64 : i64}
       : (tensor<128x1x64xui8>, tensor<128x1xf32>) -> tensor<128x64xf32>
    %t = llmc.transpose %w {perm = array<i64: 1, 0>} : (tensor<128x64xf32>) -> tensor<64x128xf32>
    %y = llmc.matmul %x, %t : (tensor<?x64xf32>, tensor<64x128xf32>) -> tensor<?x128xf32>
    ```
  }];
  let statistics = [
    Statistic<"numLifted", "dequantize", "Weights lifted">,
    Statistic<"numKept", "kept", "Weights that do not fit">
  ];
}

def LiftLinear : LiftPass<"linear"> {
  let summary = "matmul with a weight, and the bias added to it, to linear";
  let description = [{
    A product `x w` whose right side is a weight expression of rank 2 becomes
    `linear(x, transpose(w))`; a transpose that the model has around the weight
    goes. A bias `[out]` added to a product that nothing else uses is taken in.
    Reshapes around a linear that only merge and split its leading dimensions
    are dropped.

    ```mlir
    %p = llmc.matmul %x, %w : (tensor<?x?x64xf32>, tensor<64x128xf32>) -> tensor<?x?x128xf32>
    %y = llmc.add %p, %b : (tensor<?x?x128xf32>, tensor<128xf32>) -> tensor<?x?x128xf32>
    // becomes
    %t = llmc.transpose %w {perm = array<i64: 1, 0>} : (tensor<64x128xf32>) -> tensor<128x64xf32>
    %y = llmc.linear %x, %t, %b
       : (tensor<?x?x64xf32>, tensor<128x64xf32>, tensor<128xf32>) -> tensor<?x?x128xf32>
    ```
  }];
  let statistics = [
    Statistic<"numLifted", "linear", "Products lifted">,
    Statistic<"numBiases", "bias", "Biases taken in">,
    Statistic<"numReshapes", "reshapes-dropped", "Pairs of reshapes dropped">
  ];
}

def LiftEmbedding : LiftPass<"embedding"> {
  let summary = "gather of rows of a weight to embedding";
  let description = [{
    ```mlir
    %y = llmc.gather %w, %ids {axis = 0 : i64} : (tensor<256x64xf32>, tensor<?x?xi64>) -> tensor<?x?x64xf32>
    // becomes
    %y = llmc.embedding %ids, %w : (tensor<?x?xi64>, tensor<256x64xf32>) -> tensor<?x?x64xf32>
    ```
  }];
  let statistics = [Statistic<"numLifted", "embedding", "Gathers lifted">];
}

def LiftNorm : LiftPass<"norm"> {
  let summary = "Decomposed RMS and layer normalization to one op";
  let description = [{
    Matches `x / sqrt(mean(x^2) + epsilon) * scale` over the last dimension
    with any spelling of the square and of the reciprocal root, factors in any
    order, computed in f32, and the conversions around it when x is f16 or
    bf16. With the mean subtracted first and a bias added last it is a layer
    normalization.

    ```mlir
    %two = llmc.constant dense<2.0> : tensor<f32>
    %sq = llmc.pow %x, %two : (tensor<?x64xf32>, tensor<f32>) -> tensor<?x64xf32>
    %m = llmc.reduce mean %sq {axes = array<i64: 1>} : (tensor<?x64xf32>) -> tensor<?x1xf32>
    %e = llmc.add %m, %eps : (tensor<?x1xf32>, tensor<f32>) -> tensor<?x1xf32>
    %s = llmc.sqrt %e : (tensor<?x1xf32>) -> tensor<?x1xf32>
    %n = llmc.div %x, %s : (tensor<?x64xf32>, tensor<?x1xf32>) -> tensor<?x64xf32>
    %y = llmc.mul %n, %w : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
    // becomes
    %y = llmc.rms_norm %x, %w {epsilon = 1.0e-5 : f32}
       : (tensor<?x64xf32>, tensor<64xf32>) -> tensor<?x64xf32>
    ```
  }];
  let statistics = [
    Statistic<"numRMSNorm", "rms-norm", "RMS normalizations lifted">,
    Statistic<"numLayerNorm", "layer-norm", "Layer normalizations lifted">
  ];
}

def LiftGelu : LiftPass<"gelu"> {
  let summary = "Decomposed GELU, exact or by tanh, to one op";
  let description = [{
    Matches `0.5 x (1 + erf(x / sqrt(2)))` and
    `0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3)))`, the factors grouped in
    any way, with constants equal up to rounding.

    ```mlir
    %y = llmc.gelu %x {tanh} : (tensor<?x64xf32>) -> tensor<?x64xf32>
    ```
  }];
  let statistics = [Statistic<"numLifted", "gelu", "GELUs lifted">];
}

def LiftDensify : LiftPass<"densify"> {
  let summary = "Pruned weights, as ONNX has them, to densify and densify_bitmap";
  let description = [{
    Takes the standard ops by which export writes pruned weights for what they
    are: values that are scattered to n of each m columns, and values that are
    gathered where a bit is set, whole tiles too. Without it they would be
    computed each time the model runs.

    ```mlir
    %places = ... fields of 2 bits of %meta, and 0 0 4 4 8 8 ...
    %w = llmc.scatter_elements none %zeros, %places, %values {axis = 1 : i64}
       : (tensor<8x16xf32>, tensor<8x8xi32>, tensor<8x8xf32>) -> tensor<8x16xf32>
    // becomes
    %w = llmc.densify %values, %meta {pattern = "2:4"}
       : (tensor<8x8xf32>, tensor<8x2xui8>) -> tensor<8x16xf32>
    ```
  }];
  let statistics = [Statistic<"numLifted", "densify", "Weights lifted">];
}

def LiftPacked : LiftPass<"packed"> {
  let summary = "Packed integers, as ONNX has them, to dequantize and lookup";
  let description = [{
    Takes the ops by which export writes weights whose bits or blocks no op of
    ONNX has, bytes from which integers are unpacked, for what they are. Without
    it they would be computed each time the model runs.

    ```mlir
    %codes = ... fields of 3 bits of %q, a tensor<8x2x9xui8>, as f32
    %values = llmc.mul (%codes - 4.0), %s : (tensor<8x2x24xf32>, tensor<8x2x1xf32>) -> tensor<8x2x24xf32>
    %rows = llmc.reshape %values, %shape : (tensor<8x2x24xf32>, tensor<2xi64>) -> tensor<8x48xf32>
    %w = llmc.slice %rows, %0, %40, %1 ... -> tensor<8x40xf32>
    // becomes
    %w = llmc.dequantize %q, %s {bits = 3, block = 24, columns = 40}
       : (tensor<8x2x9xui8>, tensor<8x2xf32>) -> tensor<8x40xf32>
    ```

    Integers that were made wider for a kernel of ONNX Runtime, 4 bits of 3 and
    8 of 5 to 7, become as narrow as they are stored.
  }];
  let statistics = [Statistic<"numLifted", "packed", "Weights lifted">];
}

def LiftSilu : LiftPass<"silu"> {
  let summary = "x * sigmoid(x) to silu";
  let description = [{
    ```mlir
    %s = llmc.sigmoid %x : (tensor<?x64xf32>) -> tensor<?x64xf32>
    %y = llmc.mul %x, %s : (tensor<?x64xf32>, tensor<?x64xf32>) -> tensor<?x64xf32>
    // becomes
    %y = llmc.silu %x : (tensor<?x64xf32>) -> tensor<?x64xf32>
    ```
  }];
  let statistics = [Statistic<"numLifted", "silu", "SiLUs lifted">];
}

def LiftRope : LiftPass<"rope"> {
  let summary = "Decomposed rotary position embedding to rope";
  let description = [{
    Matches `x * cos + concat(-x[r/2:], x[:r/2]) * sin` on
    `[batch, heads, sequence, head_size]`, or with heads and sequence swapped,
    when both halves of the tables are the same expression. The tables are
    rebuilt from one half. A rotation of the first part of each head with the
    rest concatenated behind it becomes one op.

    ```mlir
    %y = llmc.rope %x, %cos, %sin
       : (tensor<?x4x?x16xf32>, tensor<1x?x8xf32>, tensor<1x?x8xf32>) -> tensor<?x4x?x16xf32>
    ```
  }];
  let statistics = [
    Statistic<"numLifted", "rope", "Rotations lifted">,
    Statistic<"numPartial", "partial", "Rotations of a part of each head">
  ];
}

def LiftIndexGrid : LiftPass<"index-grid"> {
  let summary = "gather_nd at every position of its operand to the operand";
  let description = [{
    Exporters write a padding mask that is broadcast over heads and queries as
    one indexed with a grid of positions. Where each component of the indices
    counts, from 0 in steps of 1, as far as the operand's dimension goes, along
    an axis of its own and in the order of the dimensions, the result is the
    operand with dimensions of 1 inserted. Sizes must be provably the same.

    ```mlir
    %b = ... positions 0, 1, ... of %x's rows along axis 0
    %s = ... positions 0, 1, ... of %x's columns along axis 3
    %i = llmc.concat %b, %s {axis = 4 : i64}
       : (tensor<?x1x1x?x1xi64>, tensor<?x1x1x?x1xi64>) -> tensor<?x1x1x?x2xi64>
    %y = llmc.gather_nd %x, %i : (tensor<?x?xi1>, tensor<?x1x1x?x2xi64>) -> tensor<?x1x1x?xi1>
    // becomes
    %y = llmc.unsqueeze %x {axes = array<i64: 1, 2>} : (tensor<?x?xi1>) -> tensor<?x1x1x?xi1>
    ```
  }];
  let statistics = [Statistic<"numLifted", "index-grid", "Gathers lifted">];
}

def LiftAttention : LiftPass<"attention"> {
  let summary = "Decomposed scaled dot-product attention to attention";
  let description = [{
    Matches `matmul(softmax(softcap(q k^T * scale) + mask), v)` on
    `[B, H, S, D]` with the scale anywhere around the product, masks added or
    chosen by where, and the guard that turns rows of NaN into zeros. Batch and
    heads must be provably the same everywhere, and the mask must not enlarge
    the scores. Heads of keys and values that were repeated for grouped-query
    attention are read before the repetition.

    A row in which every key has a weight of exp(-inf) gives zeros, also where
    the model would have computed NaN.

    ```mlir
    %y = llmc.attention %q, %k, %v, %mask {scale = 0.25 : f32}
       : (tensor<?x4x?x16xf32>, tensor<?x2x?x16xf32>, tensor<?x2x?x16xf32>, tensor<?x1x?x?xf32>)
       -> tensor<?x4x?x16xf32>
    ```
  }];
  let statistics = [
    Statistic<"numLifted", "attention", "Attentions lifted">,
    Statistic<"numShared", "heads-shared",
              "Attentions of the model's own whose repeated heads were dropped">
  ];
}

def KeepLastLogits : Pass<"llmc-keep-last-logits", "::mlir::ModuleOp"> {
  let summary = "Let the caller say how many tokens it wants logits of";
  let description = [{
    A prompt needs the logits of its last token only, and those of all tokens
    are a good part of a small model's work. Gives @main the input
    `logits_to_keep`, a scalar, as transformers calls it: the result `logits` has
    that many rows, the last ones, or all for 0. The runtime passes 0 where the
    caller passes nothing. Rows are left out before the last ops that work on
    each row by itself. A model without a result of that name, [batch, sequence,
    vocabulary], stays as it is. With `last-only` there is no such input, and
    one row; `llmc-infer-shapes` then makes that a static size.

    ```mlir
    %n = llmc.rms_norm %x, %scale ...
    %logits = llmc.linear %n, %head ...
    // becomes
    %start = llmc.neg %logits_to_keep ...
    %last = llmc.slice %x, %start, %max, %one {axes = array<i64: 1>} ...
    %n = llmc.rms_norm %last, %scale ...
    %logits = llmc.linear %n, %head ...
    ```
  }];
  let options = [
    Option<"lastOnly", "last-only", "bool", /*default=*/"false",
           "The logits of the last token, and no input that says so">];
}

def AppendTopK : Pass<"llmc-append-top-k", "::mlir::ModuleOp"> {
  let summary = "Return the best tokens beside the logits";
  let description = [{
    Whoever generates text needs the best few logits and their tokens. Behind
    its result `logits`, [..., vocabulary], @main gets the results `top_logits`
    and `top_ids`, [..., k]: the k largest of each row, in the order of
    `llmc.top_k`, so that the first of them is the greedy choice. The logits
    stay. The runtime then samples from these wherever they are enough.

    Belongs behind `llmc-keep-last-logits`, which looks for logits that nothing
    else reads, and before `llmc-kv-cache-in-place`. A model without logits, or
    with fewer than k, is an error.

    ```mlir
    return %logits : tensor<?x?x49152xf32>
    // becomes
    %k = llmc.constant dense<5> : tensor<1xi64>
    %values, %ids = llmc.top_k %logits, %k {axis = 2 : i64}
       : (tensor<?x?x49152xf32>, tensor<1xi64>) -> (tensor<?x?x5xf32>, tensor<?x?x5xi64>)
    return %logits, %values, %ids
    ```
  }];
  let options = [
    Option<"count", "k", "int64_t", /*default=*/"1",
           "How many tokens, 1 for the greedy choice alone">];
}

def KVCacheInPlace : Pass<"llmc-kv-cache-in-place", "::mlir::ModuleOp"> {
  let summary = "Make a key-value cache a state that is updated in place";
  let description = [{
    An ONNX decoder takes the keys and values of the past as inputs and returns
    them with the new rows appended, so that each token copies the whole cache.
    This pass finds arguments of @main that are concatenated with new rows and
    returned, and makes each a *state*: a buffer `[B, H, C, D]` with room for C
    rows that the caller owns. The new rows are written behind the valid ones,
    and the model reads the valid rows.

    @main's arguments are then the inputs, the states and, last, `past_length`,
    the number of valid rows. Its results are the outputs and then the updated
    states in the order of the arguments; after bufferization these are the
    arguments' own buffers. Everything that asked for the length of the past
    reads `past_length`. An argument whose past is used in any other way stays
    as it is.

    ```mlir
    func.func @main(%past: tensor<?x2x?x16xf32> {llmc.name = "past.0"}, ...)
        -> (..., tensor<?x2x?x16xf32> {llmc.name = "present.0"}) {
      %present = llmc.concat %past, %new {axis = 2 : i64} : ...
      ... attention over %present
      return ..., %present
    // becomes
    func.func @main(..., %cache: tensor<?x2x?x16xf32>
                      {llmc.name = "past.0", llmc.state = "present.0"},
                    %past_length: tensor<i64> {llmc.name = "past_length", llmc.size})
        -> (..., tensor<?x2x?x16xf32> {llmc.name = "present.0", llmc.state = "past.0"}) {
      %updated = llmc.tensor_scatter %cache, %new, %past_length {axis = 2 : i64} : ...
      %present = llmc.prefix %updated, %length {axis = 2 : i64} : ...
      ... attention over %present
      return ..., %updated
    ```
  }];
  let statistics = [Statistic<"numStates", "states", "Arguments made states">];
}

#endif // LLMC_LIFT_PASSES
