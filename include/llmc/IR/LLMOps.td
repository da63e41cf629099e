//===- LLMOps.td - the building blocks of transformers --------------------===//

#ifndef LLMC_IR_LLMOPS
#define LLMC_IR_LLMOPS

include "llmc/IR/LLMCBase.td"

def LLMC_LinearOp : LLMC_GraphOp<"linear"> {
  let summary = "x W^T + b with a weight [out, in]";
  let description = [{
    `operand` is `[..., in]`, `weight` a weight expression of shape
    `[out, in]`, `bias` `[out]`; the result is `[..., out]`.

    ```mlir
    %y = llmc.linear %x, %w, %b
       : (tensor<?x?x576xf32>, tensor<1536x576xf32>, tensor<1536xf32>)
       -> tensor<?x?x1536xf32>
    ```
  }];
  let arguments = (ins LLMC_FloatTensor:$operand, LLMC_FloatTensor:$weight,
                       Optional<LLMC_FloatTensor>:$bias);
}

def LLMC_EmbeddingOp : LLMC_GraphOp<"embedding"> {
  let summary = "Rows of a weight [vocabulary, hidden] at integer ids";
  let description = [{
    The result is `ids.shape + [hidden]`. As in ONNX Gather, a negative id
    counts from the end, and one outside the vocabulary is an error at run
    time.

    ```mlir
    %y = llmc.embedding %ids, %w
       : (tensor<?x?xi64>, tensor<49152x576xf32>) -> tensor<?x?x576xf32>
    ```
  }];
  let arguments = (ins LLMC_IntTensor:$ids, LLMC_FloatTensor:$weight);
}

def LLMC_RMSNormOp : LLMC_GraphOp<"rms_norm"> {
  let summary = "ONNX RMSNormalization-23 over the last dimension";
  let description = [{
    `x / sqrt(mean(x^2) + epsilon) * scale`; `scale` is `[hidden]`. For types
    narrower than f32 everything but the product with the scale is computed in
    f32.

    ```mlir
    %y = llmc.rms_norm %x, %scale {epsilon = 1.0e-5 : f32}
       : (tensor<?x?x576xf32>, tensor<576xf32>) -> tensor<?x?x576xf32>
    ```
  }];
  let arguments = (ins LLMC_FloatTensor:$operand, LLMC_FloatTensor:$scale,
                       F32Attr:$epsilon);
}

def LLMC_LayerNormOp : LLMC_GraphOp<"layer_norm"> {
  let summary = "ONNX LayerNormalization-17 over dimensions [axis, rank)";
  let description = [{
    `(x - mean(x)) / sqrt(variance(x) + epsilon) * scale + bias`, the mean and
    the variance over all of `[axis, rank)`; `axis` is not negative. For types
    narrower than f32 everything but scale and bias is computed in f32.

    ```mlir
    %y = llmc.layer_norm %x, %scale, %bias {axis = 2 : i64, epsilon = 1.0e-5 : f32}
       : (tensor<?x?x64xf32>, tensor<64xf32>, tensor<64xf32>) -> tensor<?x?x64xf32>
    ```
  }];
  let arguments = (ins LLMC_FloatTensor:$operand, LLMC_FloatTensor:$scale,
                       Optional<LLMC_FloatTensor>:$bias, I64Attr:$axis,
                       F32Attr:$epsilon);
}

def LLMC_GeluOp : LLMC_GraphOp<"gelu"> {
  let summary = "ONNX Gelu-20: x * Phi(x), exact or with `tanh` approximated";
  let arguments = (ins LLMC_FloatTensor:$operand, UnitAttr:$tanh);
}

def LLMC_SiluOp : LLMC_GraphOp<"silu"> {
  let summary = "ONNX Swish-24: x * sigmoid(x)";
  let arguments = (ins LLMC_FloatTensor:$operand);
}

def LLMC_RopeOp : LLMC_GraphOp<"rope"> {
  let summary = "ONNX RotaryEmbedding-23 on [batch, heads, sequence, head_size]";
  let description = [{
    Rotates the first `2 * cos.shape[-1]` elements of each head by the angles
    in `cos` and `sin`, `[batch or 1, sequence, rotary / 2]`, and leaves the
    others as they are: pairs are `(i, i + rotary / 2)`, or `(2i, 2i + 1)` when
    `interleaved`. A pair `(a, b)` becomes
    `(a cos - b sin, b cos + a sin)`.

    ```mlir
    %y = llmc.rope %x, %cos, %sin
       : (tensor<?x9x?x64xf32>, tensor<1x?x32xf32>, tensor<1x?x32xf32>)
       -> tensor<?x9x?x64xf32>
    ```
  }];
  let arguments = (ins LLMC_FloatTensor:$operand, LLMC_FloatTensor:$cos,
                       LLMC_FloatTensor:$sin, UnitAttr:$interleaved);
}

def LLMC_AttentionOp : LLMC_GraphOp<"attention"> {
  let summary = "Scaled dot-product attention, ONNX Attention-23";
  let description = [{
    `softmax(softcap(q k^T * scale) + mask) v` on `q [B, Hq, S, D]`,
    `k [B, Hkv, T, D]`, `v [B, Hkv, T, Dv]`; query head h reads key-value head
    `h / (Hq / Hkv)`. `softcap` c is `c * tanh(x / c)`, or nothing when it is 0.
    `mask` broadcasts to `[B, Hq, S, T]`: float is added, i1 false excludes.
    `causal` excludes keys `j > i + (T - S)`, `window` (0: none) keys
    `j <= i + (T - S) - window`. A row whose scores are all -inf, such as one
    with no key left, is 0. Softmax is computed in f32.

    ```mlir
    %y = llmc.attention %q, %k, %v {causal, scale = 0.125 : f32}
       : (tensor<?x9x?x64xf32>, tensor<?x3x?x64xf32>, tensor<?x3x?x64xf32>)
       -> tensor<?x9x?x64xf32>
    ```
  }];
  let arguments = (ins LLMC_FloatTensor:$query, LLMC_FloatTensor:$key,
                       LLMC_FloatTensor:$value, Optional<LLMC_Tensor>:$mask,
                       F32Attr:$scale, UnitAttr:$causal,
                       DefaultValuedAttr<I64Attr, "0">:$window,
                       DefaultValuedAttr<F32Attr, "0.0">:$softcap);
}

def LLMC_TensorScatterOp : LLMC_GraphOp<"tensor_scatter"> {
  let summary = "ONNX TensorScatter-24: rows written into a cache";
  let description = [{
    The cache with `update` written along `axis` from a position on:
    `write_indices` is `[batch]`, or a scalar when all batches agree. Writing
    past the end of the axis is an error at run time. `axis` is not negative
    and not 0, the batch.

    ```mlir
    %present = llmc.tensor_scatter %cache, %rows, %past_length {axis = 2 : i64}
       : (tensor<?x3x?x64xf32>, tensor<?x3x?x64xf32>, tensor<i64>)
       -> tensor<?x3x?x64xf32>
    ```
  }];
  let arguments = (ins LLMC_Tensor:$past_cache, LLMC_Tensor:$update,
                       LLMC_I64Tensor:$write_indices, I64Attr:$axis);
}

def LLMC_PrefixOp : LLMC_GraphOp<"prefix"> {
  let summary = "The first `length` elements along an axis";
  let description = [{
    Unlike a slice it does not clamp: a length beyond the axis is an error at
    run time, so the result is as long as `length` says. It reads the valid
    rows of a cache.

    ```mlir
    %keys = llmc.prefix %cache, %length {axis = 2 : i64}
       : (tensor<?x3x?x64xf32>, tensor<i64>) -> tensor<?x3x?x64xf32>
    ```
  }];
  let arguments = (ins LLMC_Tensor:$operand, LLMC_I64Tensor:$length,
                       I64Attr:$axis);
}

#endif // LLMC_IR_LLMOPS
