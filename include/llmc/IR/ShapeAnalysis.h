//===- ShapeAnalysis.h - symbolic shapes of a whole function ---*- C++ -*-===//

#ifndef LLMC_IR_SHAPEANALYSIS_H
#define LLMC_IR_SHAPEANALYSIS_H

#include "llmc/IR/ShapeInference.h"
#include "mlir/Interfaces/FunctionInterfaces.h"

namespace llmc {

/// Fills `shapes` with what is known of every tensor in `function`, in one
/// forward walk. Arguments take their symbols from `llmc.dims`: one per name,
/// and one each for dimensions without a name.
///
/// `visit` is called on each op after its results were analysed; it may change
/// their types, or replace and erase the op. Regions are visited before the op
/// that holds them. Without it nothing is changed.
///
/// Fails with an error on the op when an inferred type contradicts a declared
/// one.
llvm::LogicalResult analyzeShapes(
    mlir::FunctionOpInterface function, ShapeContext &shapes,
    llvm::function_ref<llvm::LogicalResult(mlir::Operation *)> visit = {});

/// Analyses the results of one op whose operands were analysed. To be called
/// for every op that a rewrite creates while it uses `shapes`.
llvm::LogicalResult analyzeShapes(mlir::Operation *op, ShapeContext &shapes);

/// The type of `value` with every dimension static that `shapes` knows.
mlir::RankedTensorType getRefinedType(mlir::Value value, ShapeContext &shapes);

} // namespace llmc

#endif // LLMC_IR_SHAPEANALYSIS_H
