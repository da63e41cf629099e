//===- LowRank.h - products of weights, one after the other -----*- C++ -*-===//

#ifndef LLMC_LIFT_LOWRANK_H
#define LLMC_LIFT_LOWRANK_H

#include "mlir/IR/Operation.h"

namespace llmc {

/// Replaces a linear or embedding whose weight is a product, or a sum with one,
/// by those of the factors, and erases it: x (u v)^T is (x v^T) u^T. Fails, and
/// changes nothing, where there is no product.
llvm::LogicalResult splitLowRank(mlir::Operation *op);

} // namespace llmc

#endif // LLMC_LIFT_LOWRANK_H
