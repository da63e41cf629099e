//===- WeightSource.h - where the numbers of a weight are -------*- C++ -*-===//

#ifndef LLMC_LIB_COMPRESS_WEIGHTSOURCE_H
#define LLMC_LIB_COMPRESS_WEIGHTSOURCE_H

#include "llmc/Calibrate/Matrix.h"
#include "llmc/Compress/WeightUses.h"
#include "llmc/Weights/BlockFormat.h"

namespace llmc {

/// The bytes of a weight [rows, columns], as they lie or transposed.
struct WeightSource {
  const char *data = nullptr;
  FloatFormat format = FloatFormat::F32;
  int64_t rows = 0, columns = 0;
  /// Whether the bytes are those of [columns, rows].
  bool transposed = false;
};

/// Those of a matrix that is a parameter or its transpose, in `copy` where no
/// blob has them; nothing if it has no floats.
std::optional<WeightSource> getWeightSource(ParamOp param, bool transposed,
                                            llvm::SmallVectorImpl<char> &copy);
/// Those of a weight.
std::optional<WeightSource> getWeightSource(const UsedWeight &weight,
                                            llvm::SmallVectorImpl<char> &copy);

/// Reads the columns [firstColumn, firstColumn + values.columns) of the rows
/// from `firstRow` on into `values`.
void readWeight(const WeightSource &source, int64_t firstRow,
                int64_t firstColumn, MatrixRef<float> values);

} // namespace llmc

#endif // LLMC_LIB_COMPRESS_WEIGHTSOURCE_H
