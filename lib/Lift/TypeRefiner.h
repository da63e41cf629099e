//===- TypeRefiner.h - changes types in place as they get known -*- C++ -*-===//

#ifndef LLMC_LIB_LIFT_TYPEREFINER_H
#define LLMC_LIB_LIFT_TYPEREFINER_H

#include "llmc/IR/ShapeAnalysis.h"
#include "mlir/IR/BuiltinOps.h"

namespace llmc {

/// Gives values the types that a ShapeContext knows, and keeps the IR valid:
/// uses by ops that insist on the old type get a tensor.cast.
class TypeRefiner {
public:
  TypeRefiner(mlir::FunctionOpInterface function, ShapeContext &shapes);

  /// Refines the results of `op`; returns how many changed.
  unsigned refineResults(mlir::Operation *op);

  /// Makes the function's type that of its returns, after the walk.
  void refineFunctionType();

private:
  bool acceptsRefinedType(mlir::OpOperand &use) const;

  mlir::FunctionOpInterface function;
  ShapeContext &shapes;
  bool ownsSignature;
};

} // namespace llmc

#endif // LLMC_LIB_LIFT_TYPEREFINER_H
