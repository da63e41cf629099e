//===- SparseWeight.h - weights without their zeros -------------*- C++ -*-===//

#ifndef LLMC_LIB_COMPRESS_SPARSEWEIGHT_H
#define LLMC_LIB_COMPRESS_SPARSEWEIGHT_H

#include "SparsePattern.h"
#include "llmc/Weights/FloatFormat.h"
#include "mlir/IR/AsmState.h"

namespace llmc {

/// The bytes of llmc.densify, or of llmc.densify_bitmap, for a weight.
struct SparseWeight {
  SparsePattern pattern;
  FloatFormat format = FloatFormat::F32;
  int64_t rows = 0, columns = 0;
  /// Values that are stored.
  int64_t count = 0;
  mlir::AsmResourceBlob values;
  /// The meta of llmc.densify, or the mask of llmc.densify_bitmap.
  mlir::AsmResourceBlob places;
  /// Of llmc.densify_bitmap only.
  std::optional<mlir::AsmResourceBlob> starts;
};

/// How many bytes `encodeSparse` makes of these weights.
int64_t getSparseBytes(MatrixRef<const float> weights,
                       const SparsePattern &pattern, FloatFormat format);

/// Leaves out the zeros of weights that are pruned to `pattern`. Without n:m,
/// or tiles that are not 0, that is every zero.
SparseWeight encodeSparse(MatrixRef<const float> weights,
                          const SparsePattern &pattern, FloatFormat format);

} // namespace llmc

#endif // LLMC_LIB_COMPRESS_SPARSEWEIGHT_H
