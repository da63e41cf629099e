//===- ScoreOBS.cpp - what removing a unit costs at best ------------------===//

#include "UnitPruner.h"

using namespace mlir;
using namespace llmc;

/// Units that are single columns go in at most so many rounds.
static constexpr int64_t maxRounds = 64;

/// The columns of `matrix` at `places`.
static Matrix<double> takeColumns(MatrixRef<const double> matrix,
                                  ArrayRef<int64_t> places) {
  Matrix<double> result(matrix.rows, places.size());
  for (int64_t i = 0; i < matrix.rows; ++i)
    for (auto [j, place] : llvm::enumerate(places))
      result(i, j) = matrix(i, place);
  return result;
}

/// The rows and columns of a symmetric matrix at `places`.
static Matrix<double> takeBlock(MatrixRef<const double> matrix,
                                ArrayRef<int64_t> places) {
  Matrix<double> result(places.size(), places.size());
  for (auto [i, row] : llvm::enumerate(places))
    for (auto [j, column] : llvm::enumerate(places))
      result(i, j) = matrix(row, column);
  return result;
}

namespace {
struct Scorer {
  /// As it is when the columns that stay make up for those that went.
  Matrix<double> weight;
  /// Of the statistics of the columns that stay.
  Matrix<double> inverse;
  std::vector<SmallVector<int64_t>> columns;

  /// tr(W_C [(G^-1)_CC]^-1 W_C^T) of the columns C of each unit of `units`;
  /// infinite where the statistics are singular.
  std::vector<double> getCosts(ArrayRef<int32_t> units);
  /// Removes columns and lets the others make up for them.
  LogicalResult remove(ArrayRef<int64_t> gone);
};
} // namespace

std::vector<double> Scorer::getCosts(ArrayRef<int32_t> units) {
  std::vector<double> squares(weight.columns), costs;
  for (int64_t i = 0; i < weight.rows; ++i)
    for (int64_t j = 0; j < weight.columns; ++j)
      squares[j] += weight(i, j) * weight(i, j);
  for (int32_t unit : units) {
    ArrayRef<int64_t> places = columns[unit];
    double cost = 0;
    if (places.size() == 1) {
      cost = squares[places[0]] / inverse(places[0], places[0]);
    } else {
      Matrix<double> own = takeBlock(inverse, places);
      if (failed(factorCholesky(own))) {
        costs.push_back(std::numeric_limits<double>::infinity());
        continue;
      }
      Matrix<double> part = takeColumns(weight, places);
      solveUpper(own, /*transpose=*/false, part);
      for (double value : part.values)
        cost += value * value;
    }
    costs.push_back(cost);
  }
  return costs;
}

LogicalResult Scorer::remove(ArrayRef<int64_t> gone) {
  Matrix<double> own = takeBlock(inverse, gone);
  if (failed(invertPositive(own)))
    return failure();
  Matrix<double> cross = takeColumns(inverse, gone),
                 lost = takeColumns(weight, gone),
                 change(gone.size(), inverse.columns);
  multiply(1, own, false, cross, true, 0, change);
  multiply(-1, lost, false, change, false, 1, weight);
  multiply(-1, cross, false, change, false, 1, inverse);
  return success();
}

FailureOr<std::vector<double>>
llmc::scoreOBS(const Matrix<float> &weight, const InputStatistics &input,
               const UnitMap &units, int32_t numUnits, int64_t numRemoved,
               bool centered, double damping) {
  Scorer scorer;
  scorer.weight = Matrix<double>(weight.rows, weight.columns);
  llvm::copy(weight.values, scorer.weight.values.begin());
  int64_t size = weight.columns;
  scorer.inverse = Matrix<double>(size, size);
  double trace = 0;
  for (int64_t i = 0; i < size; ++i) {
    for (int64_t j = 0; j < size; ++j)
      scorer.inverse(i, j) =
          double(input.gram[i * size + j]) -
          (centered ? double(input.mean[i]) * input.mean[j] : 0);
    trace += scorer.inverse(i, i);
  }
  for (int64_t i = 0; i < size; ++i)
    scorer.inverse(i, i) += damping * trace / size;
  if (failed(invertPositive(scorer.inverse)))
    return failure();
  scorer.columns.resize(numUnits);
  bool single = true;
  for (auto [column, unit] : llvm::enumerate(units))
    if (unit != keptPosition) {
      scorer.columns[unit].push_back(column);
      single &= scorer.columns[unit].size() == 1;
    }

  std::vector<int32_t> alive;
  for (int32_t unit = 0; unit < numUnits; ++unit)
    alive.push_back(unit);
  std::vector<double> scores(numUnits);
  int64_t each = single ? llvm::divideCeil(numRemoved, maxRounds) : 1;
  // Those that went before have lower scores than all others.
  double lowest = 0;
  while (true) {
    std::vector<double> costs = scorer.getCosts(alive);
    std::vector<std::pair<double, int32_t>> order;
    for (auto [unit, cost] : llvm::zip(alive, costs)) {
      scores[unit] = std::max(lowest, cost);
      order.push_back({cost, unit});
    }
    if (numRemoved <= 0)
      return scores;
    llvm::sort(order);
    order.resize(std::min<int64_t>(std::min(each, numRemoved), order.size()));
    numRemoved -= order.size();
    SmallVector<int64_t> gone;
    for (auto &[cost, unit] : order) {
      llvm::append_range(gone, scorer.columns[unit]);
      llvm::erase(alive, unit);
    }
    lowest = std::max(lowest, order.back().first);
    if (failed(scorer.remove(gone)))
      return failure();
  }
}
