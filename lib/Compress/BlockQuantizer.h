//===- BlockQuantizer.h - round to nearest in blocks ------------*- C++ -*-===//

#ifndef LLMC_LIB_COMPRESS_BLOCKQUANTIZER_H
#define LLMC_LIB_COMPRESS_BLOCKQUANTIZER_H

#include "llmc/Weights/BlockFormat.h"
#include "mlir/IR/AsmState.h"

namespace llmc {

/// The bytes of a weight [rows, columns], as they lie or transposed.
struct WeightSource {
  const char *data = nullptr;
  FloatFormat format = FloatFormat::F32;
  int64_t rows = 0, columns = 0;
  /// Whether the bytes are those of [columns, rows].
  bool transposed = false;
};

struct QuantizedWeight {
  BlockFormat format;
  mlir::AsmResourceBlob data, scales;
  /// Absent when symmetric: every zero point is the format's default.
  std::optional<mlir::AsmResourceBlob> zeros;
  /// The largest |w - dequantized(w)| and the largest |w|, and the sums of the
  /// squares of both.
  double largestError = 0, largestMagnitude = 0;
  double squaredError = 0, squaredNorm = 0;
  /// Whether every weight was a finite number; if not, the rest is worthless.
  bool finite = true;
};

/// Rounds each weight to the nearest of the 2^bits values of its block: from
/// the block's smallest to its largest value, 0 included, or, when
/// `symmetric`, around 0. The scales are stored in the weight's own format;
/// with `halfScales` they are numbers that f16 holds, where it can.
/// Works on several rows at once in the context's threads.
QuantizedWeight quantizeToNearest(const WeightSource &source, int64_t bits,
                                  int64_t block, bool symmetric,
                                  bool halfScales, mlir::MLIRContext *context);

} // namespace llmc

#endif // LLMC_LIB_COMPRESS_BLOCKQUANTIZER_H
