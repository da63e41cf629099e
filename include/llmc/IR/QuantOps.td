//===- QuantOps.td - quantization of activations --------------------------===//
//
// ONNX's quantization ops on graph values. Weights that are stored quantized
// are llmc.dequantize (WeightOps.td) instead.
//
//===----------------------------------------------------------------------===//

#ifndef LLMC_IR_QUANTOPS
#define LLMC_IR_QUANTOPS

include "llmc/IR/LLMCBase.td"

def LLMC_QuantizeLinearOp : LLMC_GraphOp<"quantize_linear"> {
  let summary = "ONNX QuantizeLinear-25";
  let description = [{
    `saturate(round(operand / scale) + zero_point)` in the type `to`, rounding
    ties to even. `scale` and `zero_point` have rank 0 (per tensor), are
    vectors along `axis`, or, when `block_size` is not 0, have the operand's
    shape with `axis` divided into blocks. The quotient is taken in
    `precision`, which import makes explicit.

    ```mlir
    %q = llmc.quantize_linear %x, %scale, %zero {to = ui8, precision = f32}
       : (tensor<?x8xf32>, tensor<f32>, tensor<ui8>) -> tensor<?x8xui8>
    ```
  }];
  let arguments = (ins LLMC_Tensor:$operand, LLMC_FloatTensor:$scale,
                       Optional<LLMC_Tensor>:$zero_point, TypeAttr:$to,
                       TypeAttr:$precision,
                       DefaultValuedAttr<I64Attr, "1">:$axis,
                       DefaultValuedAttr<I64Attr, "0">:$block_size,
                       DefaultValuedAttr<BoolAttr, "true">:$saturate);
}

def LLMC_DequantizeLinearOp : LLMC_GraphOp<"dequantize_linear"> {
  let summary = "ONNX DequantizeLinear-25";
  let description = [{
    `(operand - zero_point) * scale` in the type `to`; see quantize_linear for
    the shapes of `scale` and `zero_point`.
  }];
  let arguments = (ins LLMC_Tensor:$operand, LLMC_FloatTensor:$scale,
                       Optional<LLMC_Tensor>:$zero_point, TypeAttr:$to,
                       DefaultValuedAttr<I64Attr, "1">:$axis,
                       DefaultValuedAttr<I64Attr, "0">:$block_size);
}

def LLMC_DynamicQuantizeLinearOp : LLMC_GraphOp<"dynamic_quantize_linear"> {
  let summary = "ONNX DynamicQuantizeLinear-11";
  let description = [{
    Quantizes to ui8 with one scale and zero point that make the range of the
    operand, extended to hold 0, the range of ui8. Results are the quantized
    tensor, the scale and the zero point.
  }];
  let arguments = (ins LLMC_FloatTensor:$operand);
  let results = (outs LLMC_Tensor:$result, LLMC_FloatTensor:$scale,
                      LLMC_Tensor:$zero_point);
}

def LLMC_QuantizeDynamicOp : LLMC_GraphOp<"quantize_dynamic"> {
  let summary = "Activations rounded to 8-bit integers, in blocks";
  let description = [{
    Rounds each run of `block` elements of the last dimension, the last one may
    be shorter, to the grid of 255 values that its largest magnitude spans:
    `q * s` with `s = max|x| / 127` and `q = round(x * (127 / max|x|))`, ties to
    even. Where the largest magnitude is below 2^-120 the result is 0; where it
    is not finite, so is the result. All of it is computed in f32.

    The result are the rounded numbers, not integers: a linear over it means the
    same with any kernel, and one that has integer arithmetic takes `q` and `s`
    as they are. ONNX Runtime's MatMulNBits does the same to its operand with
    `accuracy_level` 4, which import and export translate.

    ```mlir
    %a = llmc.quantize_dynamic %x {block = 32 : i64}
       : (tensor<?x?x576xf32>) -> tensor<?x?x576xf32>
    %y = llmc.linear %a, %w
       : (tensor<?x?x576xf32>, tensor<1536x576xf32>) -> tensor<?x?x1536xf32>
    ```
  }];
  let arguments = (ins LLMC_FloatTensor:$operand, I64Attr:$block);
}

def LLMC_MatMulIntegerOp : LLMC_GraphOp<"matmul_integer", [
    AttrSizedOperandSegments]> {
  let summary = "ONNX MatMulInteger-10";
  let description = [{
    `(lhs - lhs_zero_point) (rhs - rhs_zero_point)` of 8-bit integers in i32.
    A zero point is one for all, or one per row of `lhs` (`[rows]`, or
    `[..., rows, 1]`) or column of `rhs` (`[columns]`, or `[..., 1, columns]`).
  }];
  let arguments = (ins LLMC_IntTensor:$lhs, LLMC_IntTensor:$rhs,
                       Optional<LLMC_IntTensor>:$lhs_zero_point,
                       Optional<LLMC_IntTensor>:$rhs_zero_point);
}

def LLMC_UnpackOp : LLMC_GraphOp<"unpack"> {
  let summary = "Elements of 4 or 2 bits out of packed bytes";
  let description = [{
    `operand` holds the elements of the type `to` in row-major order, packed
    little end first as in ONNX's `raw_data`; the result has the given static
    `shape`. Parameters of such types are stored so.

    ```mlir
    %w = llmc.unpack %bytes {to = i4, shape = array<i64: 3, 3>}
       : (tensor<5xui8>) -> tensor<3x3xi4>
    ```
  }];
  let arguments = (ins LLMC_Tensor:$operand, TypeAttr:$to,
                       DenseI64ArrayAttr:$shape);
}

#endif // LLMC_IR_QUANTOPS
