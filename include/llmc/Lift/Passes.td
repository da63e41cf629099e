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

#endif // LLMC_LIFT_PASSES
