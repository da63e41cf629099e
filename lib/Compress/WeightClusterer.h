//===- WeightClusterer.h - weights that share their values ------*- C++ -*-===//

#ifndef LLMC_LIB_COMPRESS_WEIGHTCLUSTERER_H
#define LLMC_LIB_COMPRESS_WEIGHTCLUSTERER_H

#include "BlockQuantizer.h"
#include "HessianFactor.h"

namespace llmc {

struct CodebookOptions {
  /// Whether values are those of the least squared error, which takes longer.
  bool exact = false;
  /// The rows of a codebook, its sizes, and how it is stored; the values are
  /// found, or the published ones.
  Codebooks codebooks;
  /// The bits of an index, and how scales are rounded.
  GridOptions grid;
  /// Whether scales are searched for that lower the error, rather than those
  /// that make the largest magnitude 1; not for vectors.
  bool searchScales = false;
  /// Rounds of Lloyd's iteration for vectors.
  int64_t rounds = 25;
  /// Rounds of conjugate gradients that fit values to outputs.
  int64_t refit = 0;
};

/// What is known of the input of a weight's linears.
struct ClusterInput {
  /// What squares of errors in each column count; empty: all the same.
  std::vector<float> columnWeights;
  /// With a factor the columns behind one make good for its error.
  const HessianFactor *factor = nullptr;
  /// For the error of outputs; null if nothing is known.
  const InputStatistics *statistics = nullptr;
};

/// Finds codebooks and indices for a weight whose indices lie in blocks of
/// `block` columns, each of which has a scale if codebooks are scaled.
QuantizedWeight clusterWeight(const WeightSource &source, int64_t block,
                              const CodebookOptions &options,
                              const ClusterInput &input,
                              mlir::MLIRContext *context);

} // namespace llmc

#endif // LLMC_LIB_COMPRESS_WEIGHTCLUSTERER_H
