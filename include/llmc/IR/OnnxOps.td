//===- OnnxOps.td - nodes that llmc carries without knowing them ----------===//

#ifndef LLMC_IR_ONNXOPS
#define LLMC_IR_ONNXOPS

include "llmc/IR/LLMCBase.td"

def LLMC_OnnxOp : LLMC_Op<"onnx"> {
  let summary = "An ONNX node that llmc has no op for";
  let description = [{
    Survives import and export; lowering it is an error that names it. Absent
    optional inputs are given by `present`, one flag per ONNX input.

    ```mlir
    %y = llmc.onnx "ai.onnx.ml" : "Scaler" version 1 (%x) {node_attributes = {...}, present = ...}
       : (tensor<4xf32>) -> tensor<4xf32>
    ```
  }];
  let arguments = (ins Variadic<AnyType>:$inputs, StrAttr:$domain,
                       StrAttr:$op_type, I64Attr:$version,
                       DenseBoolArrayAttr:$present,
                       DictionaryAttr:$node_attributes);
  let results = (outs Variadic<AnyType>:$outputs);
  let assemblyFormat = [{
    $domain `:` $op_type `version` $version `(` $inputs `)` attr-dict `:`
    functional-type($inputs, results)
  }];
  let hasVerifier = 1;
}

#endif // LLMC_IR_ONNXOPS
