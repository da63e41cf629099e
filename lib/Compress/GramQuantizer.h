//===- GramQuantizer.h - rounding that corrects itself ----------*- C++ -*-===//
//
// GPTQ (Frantar et al., arXiv 2210.17323) on the Gram matrix of what a linear
// reads, and a descent on the error of its output that goes on from there.
//
//===----------------------------------------------------------------------===//

#ifndef LLMC_LIB_COMPRESS_GRAMQUANTIZER_H
#define LLMC_LIB_COMPRESS_GRAMQUANTIZER_H

#include "BlockQuantizer.h"
#include "llmc/Calibrate/Statistics.h"

namespace llmc {

/// H = G + damping * mean(diag G) * I of the Gram matrix G of an input, and the
/// upper Cholesky factor U of its inverse, H^-1 = U^T U, with the columns of
/// the input in the order in which they are quantized.
struct GramFactor {
  /// In the order of the input.
  Matrix<float> gram;
  std::vector<int64_t> order;
  Matrix<float> factor;
  /// What was added to the diagonal.
  float damping = 0;
  /// Columns that were always 0: their weights do not matter.
  std::vector<bool> dead;

  /// Quantizes the columns of the largest mean square first if `actOrder`.
  /// Fails when H is not positive definite.
  static llvm::FailureOr<GramFactor> create(const InputStatistics &input,
                                            double damping, bool actOrder);
};

struct GramOptions {
  /// Sweeps of the descent over all scales, zero points and codes.
  int64_t sweeps = 0;
};

/// Quantizes column by column, and adds what the error of one does to the
/// output to the weights of the columns behind it. Grids are found first, for
/// the columns of a block of a row as they are. Then each sweep of the descent
/// solves for the scale and zero point of each block, and moves each code to
/// where the error of the output is least, the rest being as it is.
QuantizedWeight quantizeWithGram(const WeightSource &source, int64_t block,
                                 const GridOptions &grid,
                                 const GramFactor &factor,
                                 const GramOptions &options,
                                 mlir::MLIRContext *context);

} // namespace llmc

#endif // LLMC_LIB_COMPRESS_GRAMQUANTIZER_H
