//===- GramQuantizer.h - rounding that corrects itself ----------*- C++ -*-===//
//
// GPTQ (Frantar et al., arXiv 2210.17323) on the Gram matrix of what a linear
// reads, and a descent on the error of its output that goes on from there.
//
//===----------------------------------------------------------------------===//

#ifndef LLMC_LIB_COMPRESS_GRAMQUANTIZER_H
#define LLMC_LIB_COMPRESS_GRAMQUANTIZER_H

#include "BlockQuantizer.h"
#include "HessianFactor.h"
#include "KeptPlaces.h"

namespace llmc {

struct GramOptions {
  /// Sweeps of the descent over all scales, zero points and codes.
  int64_t sweeps = 0;
};

/// Quantizes column by column, and adds what the error of one does to the
/// output to the weights of the columns behind it. Grids are found first, for
/// the columns of a block of a row as they are. Then each sweep of the descent
/// solves for the scale and zero point of each block, and moves each code to
/// where the error of the output is least, the rest being as it is.
///
/// With `kept`, `source` has the values that are stored of a pruned weight, and
/// blocks are of these. What is not stored stays 0, and the columns behind it
/// make good what error feedback added to it, as in section 3.5 of SparseGPT
/// (arXiv 2301.00774). Sweeps need blocks that lie in one row each.
QuantizedWeight quantizeWithGram(const WeightSource &source, int64_t block,
                                 const GridOptions &grid,
                                 const HessianFactor &factor,
                                 const GramOptions &options,
                                 mlir::MLIRContext *context,
                                 const KeptPlaces *kept = nullptr);

} // namespace llmc

#endif // LLMC_LIB_COMPRESS_GRAMQUANTIZER_H
