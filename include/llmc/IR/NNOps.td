//===- NNOps.td - convolution, pooling, recurrence ------------------------===//

#ifndef LLMC_IR_NNOPS
#define LLMC_IR_NNOPS

include "llmc/IR/LLMCBase.td"

def LLMC_ConvOp : LLMC_GraphOp<"conv"> {
  let summary = "ONNX Conv-22 on [batch, channels, spatial...]";
  let description = [{
    `pads` are the begins of each spatial dimension followed by the ends;
    `auto_pad` is resolved at import.
  }];
  let arguments = (ins LLMC_Tensor:$operand, LLMC_Tensor:$weight,
                       Optional<LLMC_Tensor>:$bias, DenseI64ArrayAttr:$strides,
                       DenseI64ArrayAttr:$pads, DenseI64ArrayAttr:$dilations,
                       I64Attr:$group);
}

#endif // LLMC_IR_NNOPS
