//===- Clusterer1D.h - the best values for many numbers ---------*- C++ -*-===//

#ifndef LLMC_LIB_COMPRESS_CLUSTERER1D_H
#define LLMC_LIB_COMPRESS_CLUSTERER1D_H

#include <cstdint>
#include <vector>

namespace llmc {

/// A number, and how much the square of its error counts.
struct Sample {
  float value, weight;
};

/// Finds `size` values, ascending, for a small sum of weight * (sample -
/// nearest value)^2: the least one if `exact`, by dynamic programming in
/// O(size * n log n) and 4 bytes for each of `size` * n; or one near it, by
/// Lloyd's iteration from the least one for bins of samples. All samples count
/// the same if none counts. Sorts them.
std::vector<float> cluster1D(std::vector<Sample> samples, int64_t size,
                             bool exact);

} // namespace llmc

#endif // LLMC_LIB_COMPRESS_CLUSTERER1D_H
