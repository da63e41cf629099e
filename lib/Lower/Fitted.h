//===- Fitted.h - operands whose sizes must agree ---------------*- C++ -*-===//

#ifndef LLMC_LIB_LOWER_FITTED_H
#define LLMC_LIB_LOWER_FITTED_H

#include "llmc/Lower/Patterns.h"

namespace llmc {

/// `value` with the sizes `dims`. Sizes that are not statically known to be
/// those are compared at run time; where they differ, a shape mismatch is
/// reported and the result has zeros for what is missing, so that reading it
/// within `dims` stays inside its buffer.
mlir::Value createFitted(mlir::OpBuilder &builder, mlir::Location location,
                         mlir::Value value,
                         llvm::ArrayRef<mlir::OpFoldResult> dims);

/// `value[index]` along dimension 0, which the result lacks.
mlir::Value createRow(mlir::OpBuilder &builder, mlir::Location location,
                      mlir::Value value, mlir::OpFoldResult index);

/// The `size` elements from `start` on along the last dimension.
mlir::Value createColumns(mlir::OpBuilder &builder, mlir::Location location,
                          mlir::Value value, int64_t start, int64_t size);

} // namespace llmc

#endif // LLMC_LIB_LOWER_FITTED_H
