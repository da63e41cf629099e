//===- DecodeWeight.h - the numbers of a weight expression ------*- C++ -*-===//

#ifndef LLMC_WEIGHTS_DECODEWEIGHT_H
#define LLMC_WEIGHTS_DECODEWEIGHT_H

#include "llmc/IR/Dialect.h"
#include <vector>

namespace llmc {

/// The values of a weight expression in row-major order, computed on the host
/// from the bytes of its parameters. Reports an error at the op that it cannot
/// compute, or whose parameters have other bytes than it needs.
mlir::FailureOr<std::vector<float>> decodeWeight(mlir::Value weight);

/// Whether the zero points are floats, one for each scale.
inline bool hasFloatZeros(DequantizeOp op) {
  return op.getZeros() &&
         llvm::isa<mlir::FloatType>(op.getZeros().getType().getElementType());
}

/// The packed integers that `user` reads, a parameter or the llmc.densify of
/// parameters; `copy` holds them unless they are mapped.
mlir::FailureOr<llvm::ArrayRef<char>>
decodeBytes(mlir::Operation *user, mlir::Value value,
            llvm::SmallVectorImpl<char> &copy);

} // namespace llmc

#endif // LLMC_WEIGHTS_DECODEWEIGHT_H
