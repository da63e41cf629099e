//===- NNOps.td - convolution and pooling ---------------------------------===//
//
// Operands are [batch, channels, spatial...]. `pads` are the begins of each
// spatial dimension followed by the ends; `auto_pad` is resolved at import.
//
//===----------------------------------------------------------------------===//

#ifndef LLMC_IR_NNOPS
#define LLMC_IR_NNOPS

include "llmc/IR/LLMCBase.td"

def LLMC_ConvOp : LLMC_GraphOp<"conv"> {
  let summary = "ONNX Conv-22";
  let description = [{
    The weight is `[out, in / group, kernel...]`. Integers are allowed, with
    results of the operands' width.

    ```mlir
    %y = llmc.conv %x, %w, %b {strides = array<i64: 2, 2>, group = 1,
        pads = array<i64: 1, 1, 1, 1>, dilations = array<i64: 1, 1>}
       : (tensor<?x3x224x224xf32>, tensor<64x3x3x3xf32>, tensor<64xf32>)
       -> tensor<?x64x112x112xf32>
    ```
  }];
  let arguments = (ins LLMC_Tensor:$operand, LLMC_Tensor:$weight,
                       Optional<LLMC_Tensor>:$bias, DenseI64ArrayAttr:$strides,
                       DenseI64ArrayAttr:$pads, DenseI64ArrayAttr:$dilations,
                       I64Attr:$group);
}

def LLMC_ConvTransposeOp : LLMC_GraphOp<"conv_transpose"> {
  let summary = "ONNX ConvTranspose-22";
  let description = [{
    The weight is `[in, out / group, kernel...]`. A spatial dimension of the
    result is `(size - 1) * stride + (kernel - 1) * dilation + 1 +
    output_padding` less the pads; `output_shape` is resolved at import.
  }];
  let arguments = (ins LLMC_FloatTensor:$operand, LLMC_FloatTensor:$weight,
                       Optional<LLMC_FloatTensor>:$bias,
                       DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$pads,
                       DenseI64ArrayAttr:$dilations,
                       DenseI64ArrayAttr:$output_padding, I64Attr:$group);
}

def LLMC_DeformConvOp : LLMC_GraphOp<"deform_conv", [
    AttrSizedOperandSegments]> {
  let summary = "ONNX DeformConv-22 on images";
  let description = [{
    A convolution that samples the image, bilinearly and with zeros outside, at
    positions displaced by `offset`, `[batch, 2 * offset_group * kernel, out
    height, out width]`, and scaled by `mask`, `[batch, offset_group * kernel,
    out height, out width]`.
  }];
  let arguments = (ins LLMC_FloatTensor:$operand, LLMC_FloatTensor:$weight,
                       LLMC_FloatTensor:$offset,
                       Optional<LLMC_FloatTensor>:$bias,
                       Optional<LLMC_FloatTensor>:$mask,
                       DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$pads,
                       DenseI64ArrayAttr:$dilations, I64Attr:$group,
                       I64Attr:$offset_group);
}

//===----------------------------------------------------------------------===//
// Pooling
//===----------------------------------------------------------------------===//

def LLMC_MaxPoolOp : LLMC_GraphOp<"max_pool"> {
  let summary = "ONNX MaxPool-22";
  let description = [{
    `indices` are the positions of the largest elements in the flattened
    operand, whose last two dimensions count as exchanged when
    `column_major`. NaN propagates; padding is never the largest.
  }];
  let arguments = (ins LLMC_Tensor:$operand, DenseI64ArrayAttr:$kernel_shape,
                       DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$pads,
                       DenseI64ArrayAttr:$dilations, UnitAttr:$ceil_mode,
                       UnitAttr:$column_major);
  let results = (outs LLMC_Tensor:$result, LLMC_I64Tensor:$indices);
}

def LLMC_AveragePoolOp : LLMC_GraphOp<"average_pool"> {
  let summary = "ONNX AveragePool-22";
  let description = [{
    Padding counts towards the number of elements only with
    `count_include_pad`.
  }];
  let arguments = (ins LLMC_FloatTensor:$operand,
                       DenseI64ArrayAttr:$kernel_shape,
                       DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$pads,
                       DenseI64ArrayAttr:$dilations, UnitAttr:$ceil_mode,
                       UnitAttr:$count_include_pad);
}

def LLMC_LpPoolOp : LLMC_GraphOp<"lp_pool"> {
  let summary = "ONNX LpPool-22: (sum |x|^p)^(1/p) of each window";
  let arguments = (ins LLMC_FloatTensor:$operand,
                       DenseI64ArrayAttr:$kernel_shape,
                       DenseI64ArrayAttr:$strides, DenseI64ArrayAttr:$pads,
                       DenseI64ArrayAttr:$dilations, UnitAttr:$ceil_mode,
                       I64Attr:$p);
}

#endif // LLMC_IR_NNOPS
