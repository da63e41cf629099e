//===- ShapeOps.td - ops that move elements without computing on them ----===//

#ifndef LLMC_IR_SHAPEOPS
#define LLMC_IR_SHAPEOPS

include "llmc/IR/LLMCBase.td"

def LLMC_ShapeOp : LLMC_GraphOp<"shape"> {
  let summary = "ONNX Shape: dimensions [start, end) as an i64 vector";
  let description = [{
    `start` and `end` are normalised: 0 <= start <= end <= rank.
  }];
  let arguments = (ins LLMC_Tensor:$operand, I64Attr:$start, I64Attr:$end);
  let results = (outs LLMC_I64Tensor:$result);
}

def LLMC_ReshapeOp : LLMC_GraphOp<"reshape"> {
  let summary = "ONNX Reshape";
  let description = [{
    `shape` may hold one -1, the dimension that is inferred, and 0, a dimension
    copied from the operand unless `allowzero`.
  }];
  let arguments = (ins LLMC_Tensor:$operand, LLMC_I64Tensor:$shape,
                       UnitAttr:$allowzero);
}

def LLMC_TransposeOp : LLMC_GraphOp<"transpose"> {
  let summary = "ONNX Transpose: result dimension i is operand's perm[i]";
  let arguments = (ins LLMC_Tensor:$operand, DenseI64ArrayAttr:$perm);
}

def LLMC_UnsqueezeOp : LLMC_GraphOp<"unsqueeze"> {
  let summary = "ONNX Unsqueeze: unit dimensions at `axes` of the result";
  let description = [{ `axes` are non-negative and ascending. }];
  let arguments = (ins LLMC_Tensor:$operand, DenseI64ArrayAttr:$axes);
}

def LLMC_SqueezeOp : LLMC_GraphOp<"squeeze"> {
  let summary = "ONNX Squeeze: drops the unit dimensions at `axes`";
  let description = [{ `axes` are non-negative and ascending. }];
  let arguments = (ins LLMC_Tensor:$operand, DenseI64ArrayAttr:$axes);
}

def LLMC_ExpandOp : LLMC_GraphOp<"expand"> {
  let summary = "ONNX Expand: broadcast to `shape` (which may broadcast too)";
  let arguments = (ins LLMC_Tensor:$operand, LLMC_I64Tensor:$shape);
}

def LLMC_BroadcastShapeOp : LLMC_GraphOp<"broadcast_shape"> {
  let summary = "The shape that tensors of the given shapes broadcast to";
  let description = [{
    Sizes that do not fit are not noticed here but where a tensor is expanded
    to the result.

    ```mlir
    %s = llmc.broadcast_shape %sa, %sb
       : (tensor<2xi64>, tensor<3xi64>) -> tensor<3xi64>
    ```
  }];
  let arguments = (ins Variadic<LLMC_I64Tensor>:$shapes);
  let results = (outs LLMC_I64Tensor:$result);
}

def LLMC_ConcatOp : LLMC_GraphOp<"concat"> {
  let summary = "ONNX Concat along `axis` (non-negative)";
  let arguments = (ins Variadic<LLMC_Tensor>:$inputs, I64Attr:$axis);
}

def LLMC_SliceOp : LLMC_GraphOp<"slice"> {
  let summary = "ONNX Slice";
  let description = [{
    For each of `axes` (non-negative) the elements from `starts` to `ends` in
    `steps`, each an i64 vector as long as `axes`, with ONNX's clamping and
    negative indices. Axes that are not named are whole.
  }];
  let arguments = (ins LLMC_Tensor:$operand, LLMC_I64Tensor:$starts,
                       LLMC_I64Tensor:$ends, LLMC_I64Tensor:$steps,
                       DenseI64ArrayAttr:$axes);
}

def LLMC_GatherOp : LLMC_GraphOp<"gather"> {
  let summary = "ONNX Gather: slices of `operand` at `indices` along `axis`";
  let description = [{
    Negative indices count from the end; an index outside the axis is an error
    at run time.
  }];
  let arguments = (ins LLMC_Tensor:$operand, LLMC_IntTensor:$indices,
                       I64Attr:$axis);
}

#endif // LLMC_IR_SHAPEOPS
