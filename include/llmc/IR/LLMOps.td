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
    The result is `ids.shape + [hidden]`. An id outside the vocabulary is an
    error at run time.
  }];
  let arguments = (ins LLMC_IntTensor:$ids, LLMC_FloatTensor:$weight);
}

def LLMC_RMSNormOp : LLMC_GraphOp<"rms_norm"> {
  let summary = "ONNX RMSNormalization-23 over the last dimension";
  let description = [{
    `x / sqrt(mean(x^2) + epsilon) * scale`, the mean taken in f32; `scale` is
    `[hidden]`.
  }];
  let arguments = (ins LLMC_FloatTensor:$operand, LLMC_FloatTensor:$scale,
                       F32Attr:$epsilon);
}

def LLMC_LayerNormOp : LLMC_GraphOp<"layer_norm"> {
  let summary = "ONNX LayerNormalization-17 over dimensions [axis, rank)";
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
    in `cos` and `sin`, `[batch or 1, sequence, rotary / 2]`: pairs are
    `(i, i + rotary / 2)`, or `(2i, 2i + 1)` when `interleaved`.
  }];
  let arguments = (ins LLMC_FloatTensor:$operand, LLMC_FloatTensor:$cos,
                       LLMC_FloatTensor:$sin, UnitAttr:$interleaved);
}

def LLMC_AttentionOp : LLMC_GraphOp<"attention"> {
  let summary = "Scaled dot-product attention, ONNX Attention-23";
  let description = [{
    `softmax(softcap(q k^T * scale) + mask) v` on `q [B, Hq, S, D]`,
    `k [B, Hkv, T, D]`, `v [B, Hkv, T, Dv]`; query head h reads key-value head
    `h / (Hq / Hkv)`. `mask` broadcasts to `[B, Hq, S, T]`: float is added,
    i1 false excludes. `causal` excludes keys `j > i + (T - S)`, `window`
    (0: none) keys `j <= i + (T - S) - window`. A row with no key is 0.
    Softmax is computed in f32.
  }];
  let arguments = (ins LLMC_FloatTensor:$query, LLMC_FloatTensor:$key,
                       LLMC_FloatTensor:$value, Optional<LLMC_Tensor>:$mask,
                       F32Attr:$scale, UnitAttr:$causal,
                       DefaultValuedAttr<I64Attr, "0">:$window,
                       DefaultValuedAttr<F32Attr, "0.0">:$softcap);
}

#endif // LLMC_IR_LLMOPS
