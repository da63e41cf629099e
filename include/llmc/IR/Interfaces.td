//===- Interfaces.td - op interfaces of the llmc dialect ------------------===//

#ifndef LLMC_IR_INTERFACES
#define LLMC_IR_INTERFACES

include "mlir/IR/OpBase.td"

def LLMC_ShapeInferenceOpInterface : OpInterface<"ShapeInferenceOpInterface"> {
  let cppNamespace = "::llmc";
  let description = [{
    An op that can say its results' shapes, and for small integer tensors their
    values, as symbolic expressions of its operands' shapes and values.
  }];
  let methods = [
    InterfaceMethod<"Appends the shape of each result.",
      "::llvm::LogicalResult", "inferResultShapes",
      (ins "::llmc::ShapeContext &":$shapes,
           "::llvm::SmallVectorImpl<::llmc::ShapeInfo> &":$results)>
  ];
}

def LLMC_WeightOpInterface : OpInterface<"WeightOpInterface"> {
  let cppNamespace = "::llmc";
  let description = [{
    An op of a weight expression: it computes (a part of) a weight from
    parameters alone. Size is a property of the expression; reports, budgets
    and searches read it here and nowhere else.
  }];
  let methods = [
    InterfaceMethod<[{
        Bytes that this op itself stores for the parameters it names, 0 for an
        op that only combines its operands. See storageBytes(Value) for a whole
        expression.
      }], "int64_t", "getStorageBytes", (ins), "", "return 0;">,
  ];
}

#endif // LLMC_IR_INTERFACES
