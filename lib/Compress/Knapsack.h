//===- Knapsack.h - one choice for each item, within a budget ---*- C++ -*-===//

#ifndef LLMC_LIB_COMPRESS_KNAPSACK_H
#define LLMC_LIB_COMPRESS_KNAPSACK_H

#include "mlir/Support/LLVM.h"
#include "llvm/ADT/ArrayRef.h"
#include <optional>
#include <vector>

namespace llmc {

/// One way to store an item.
struct KnapsackChoice {
  int64_t bytes;
  double cost;
};

/// The choice of each item, as an index, for which all bytes are within
/// `budget` and the sum of costs is small: the multiple-choice knapsack
/// problem, solved on the lower convex hull of each item's choices, steeper
/// steps first (Sinha and Zoltners, Operations Research 27, 1979), and then by
/// whatever choices still fit. The sum is off the least by no more than one
/// step's cost. Each item has a choice. Nothing if the smallest choices exceed
/// the budget.
std::optional<std::vector<size_t>>
chooseWithin(int64_t budget,
             llvm::ArrayRef<llvm::SmallVector<KnapsackChoice>> items);

} // namespace llmc

#endif // LLMC_LIB_COMPRESS_KNAPSACK_H
