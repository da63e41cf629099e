//===- Knapsack.h - one choice for each item, within budgets ----*- C++ -*-===//

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
  /// In whole units of some time, so that sums are exact.
  int64_t time = 0;
};

/// What all choices together may take; what is not given is not bounded.
struct KnapsackBudget {
  std::optional<int64_t> bytes, time;
};

/// The choice of each item, as an index, for which all choices are within
/// `budget` and the sum of costs is small: the multiple-choice knapsack
/// problem, solved on the lower convex hull of each item's choices, steeper
/// steps first (Sinha and Zoltners, Operations Research 27, 1979), and then by
/// whatever choices still fit. The sum is off the least by no more than one
/// step's cost. Each item has a choice. Nothing if the smallest choices exceed
/// the budget.
///
/// With two bounds, that is done for weighted sums of what they bound
/// (surrogate relaxation), of many weights, and the best result is taken. It is
/// within both bounds; where they leave next to nothing to choose, it may be
/// nothing although some choice is.
std::optional<std::vector<size_t>>
chooseWithin(const KnapsackBudget &budget,
             llvm::ArrayRef<llvm::SmallVector<KnapsackChoice>> items);

} // namespace llmc

#endif // LLMC_LIB_COMPRESS_KNAPSACK_H
