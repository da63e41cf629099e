//===- Factorize.cpp - weights that become products -----------------------===//

#include "FloatWeights.h"
#include "LowRank.h"
#include "llmc/Weights/Blobs.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Remarks.h"
#include "llvm/Support/Format.h"
#include <cmath>
#include <limits>

namespace llmc {
#define GEN_PASS_DEF_FACTORIZE
#include "llmc/Compress/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

namespace {

/// What ranks a weight may have, and what they cost.
struct RankCurve {
  int64_t rows, columns;
  /// The part of the loss of W = 0 that is left at ranks 0, 1, ...
  std::vector<double> loss;

  RankCurve(const FloatWeight &weight, ArrayRef<double> values)
      : rows(weight.rows), columns(weight.columns), loss(values.size() + 1) {
    for (int64_t i = values.size(); i-- > 0;)
      loss[i] = loss[i + 1] + values[i] * values[i];
    if (double all = loss[0]; all > 0)
      for (double &left : loss)
        left /= all;
  }

  int64_t getSize() const { return rows * columns; }
  int64_t getSize(int64_t rank) const { return rank * (rows + columns); }
  /// The last rank at which factors are smaller than the weight.
  int64_t getLargest() const { return (getSize() - 1) / (rows + columns); }
};

/// The ranks with the least sum of losses for a number of numbers; 0 for a
/// weight that stays whole.
class RankSearch {
public:
  RankSearch(std::vector<RankCurve> all, double ratio)
      : curves(std::move(all)), ranks(curves.size(), 1) {
    double total = 0;
    for (const RankCurve &curve : curves)
      total += curve.getSize();
    budget = ratio * total;
    chooseAll();
    for (auto [curve, rank] : llvm::zip(curves, ranks))
      budget -= rank ? curve.getSize(rank) : curve.getSize();
    spendRest();
  }

  ArrayRef<int64_t> getRanks() const { return ranks; }

private:
  struct Choice {
    int64_t rank, cost;
    double loss;
  };

  /// Solves the knapsack of which each weight has one of its ranks, sizes in
  /// units of a small part of the budget and rounded up. Going from weight to
  /// weight, the least loss for each number of units is known. Steps along
  /// hulls, as Knapsack.h takes them, would not do: from factors to a whole
  /// weight is one step that may be half of the budget.
  void chooseAll() {
    constexpr int64_t maxUnits = 1 << 14;
    double unit = std::max(budget / maxUnits, 1.0);
    int64_t units = budget / unit;
    constexpr double none = std::numeric_limits<double>::infinity();
    std::vector<double> least(units + 1, 0.0);
    std::vector<std::vector<int64_t>> chosen;
    auto getCost = [&](double size) { return int64_t(std::ceil(size / unit)); };
    for (const RankCurve &curve : curves) {
      SmallVector<Choice> choices;
      for (int64_t rank = 1; rank <= curve.getLargest(); ++rank) {
        int64_t cost = getCost(curve.getSize(rank));
        // The last rank of those that cost the same is the best.
        if (!choices.empty() && choices.back().cost == cost)
          choices.pop_back();
        choices.push_back({rank, cost, curve.loss[rank]});
      }
      choices.push_back({0, getCost(curve.getSize()), 0});
      std::vector<double> next(units + 1, none);
      std::vector<int64_t> &best = chosen.emplace_back(units + 1, -1);
      for (const Choice &choice : choices)
        for (int64_t u = choice.cost; u <= units; ++u)
          if (double loss = least[u - choice.cost] + choice.loss;
              loss < next[u]) {
            next[u] = loss;
            best[u] = choice.rank;
          }
      least = std::move(next);
    }
    // Not even rank 1 of each fits.
    if (least[units] == none)
      return;
    for (size_t i = curves.size(); i-- > 0;) {
      ranks[i] = chosen[i][units];
      units -=
          getCost(ranks[i] ? curves[i].getSize(ranks[i]) : curves[i].getSize());
    }
  }

  /// What rounding left buys ranks one by one.
  void spendRest() {
    while (true) {
      double best = 0;
      size_t chosen = 0;
      for (auto [weight, curve] : llvm::enumerate(curves)) {
        int64_t rank = ranks[weight];
        if (rank == 0 || rank == curve.getLargest() ||
            curve.getSize(1) > budget)
          continue;
        double slope =
            (curve.loss[rank] - curve.loss[rank + 1]) / curve.getSize(1);
        if (slope > best) {
          best = slope;
          chosen = weight;
        }
      }
      if (best == 0)
        return;
      ++ranks[chosen];
      budget -= curves[chosen].getSize(1);
    }
  }

  std::vector<RankCurve> curves;
  std::vector<int64_t> ranks;
  double budget = 0;
};

struct Factorize : llmc::impl::FactorizeBase<Factorize> {
  using FactorizeBase::FactorizeBase;

  LogicalResult initialize(MLIRContext *context) override;
  void runOnOperation() override;

private:
  std::string getObstacle(const FloatWeight &weight) const;
  int64_t chooseRank(const RankCurve &curve) const;
  void replace(FloatWeight &weight, MatrixRef<const float> original,
               const Factors &factors, SymbolTable &symbols);
};

LogicalResult Factorize::initialize(MLIRContext *context) {
  auto fail = [&] {
    return emitError(UnknownLoc::get(context)) << getArgument() << ": ";
  };
  if ((rank != 0) + (ratio != 0) + (energy != 0) != 1)
    return fail() << "one of rank, ratio and energy is needed";
  if (rank < 0)
    return fail() << "rank is " << int64_t(rank) << "; it must be positive";
  if (ratio != 0 && !(ratio > 0 && ratio < 1))
    return fail() << "ratio is " << double(ratio)
                  << "; it must be above 0 and below 1";
  if (energy != 0 && !(energy > 0 && energy <= 1))
    return fail() << "energy is " << double(energy)
                  << "; it must be above 0 and at most 1";
  if (scope == UnitScope::Global && ratio == 0)
    return fail() << "scope=global goes with ratio";
  if (failed(Decomposer(method, alpha, damping).verify(context, getArgument())))
    return failure();
  return verifySkip(context, getArgument(), skip);
}

/// What can be said before a weight is decomposed.
std::string Factorize::getObstacle(const FloatWeight &weight) const {
  if (method != FactorMethod::Plain && !weight.inLinear)
    return "only an embedding reads it; method=svd is for those";
  int64_t size = weight.rows * weight.columns,
          least = weight.rows + weight.columns;
  if (size <= least)
    return "it has " + std::to_string(size) +
           " numbers, and factors of rank 1 have " + std::to_string(least);
  if (rank && rank * least >= size)
    return "it has " + std::to_string(size) +
           " numbers, and factors of rank=" + std::to_string(rank) + " have " +
           std::to_string(rank * least) + "; the largest rank for it is " +
           std::to_string((size - 1) / least);
  return {};
}

int64_t Factorize::chooseRank(const RankCurve &curve) const {
  if (rank)
    return rank;
  if (ratio != 0)
    return std::max<int64_t>(1, ratio * curve.getSize() /
                                    (curve.rows + curve.columns));
  int64_t least = 1;
  while (curve.loss[least] > 1 - energy)
    ++least;
  return least;
}

void Factorize::runOnOperation() {
  ModuleOp module = getOperation();
  FloatWeights all(module, {"factor", "factored", what, skip, strict});
  std::vector<FloatWeight> weights =
      all.collect(method != FactorMethod::Plain,
                  [&](const FloatWeight &w) { return getObstacle(w); });
  Decomposer decomposer(method, alpha, damping);
  // Vectors of all weights are larger than the weights: they are computed again
  // once ranks are known.
  std::vector<int64_t> ranks(weights.size());
  if (scope == UnitScope::Global) {
    std::vector<RankCurve> curves;
    std::vector<size_t> places;
    for (auto [i, weight] : llvm::enumerate(weights)) {
      auto parts = decomposer.decompose(readFloats(weight), weight.input);
      if (!parts) {
        all.keep(weight, llvm::toString(parts.takeError()));
        continue;
      }
      curves.emplace_back(weight, parts->getValues());
      places.push_back(i);
    }
    RankSearch search(std::move(curves), ratio);
    for (auto [place, chosen] : llvm::zip(places, search.getRanks()))
      ranks[place] = chosen;
  }
  SymbolTable symbols(module);
  for (auto [weight, chosen] : llvm::zip(weights, ranks)) {
    if (scope == UnitScope::Global && chosen == 0)
      continue;
    Matrix<float> original = readFloats(weight);
    auto parts = decomposer.decompose(original, weight.input);
    if (!parts) {
      all.keep(weight, llvm::toString(parts.takeError()));
      continue;
    }
    RankCurve curve(weight, parts->getValues());
    if (scope == UnitScope::Layer)
      chosen = chooseRank(curve);
    if (chosen > curve.getLargest()) {
      std::string reason;
      llvm::raw_string_ostream(reason)
          << llvm::format("energy=%g takes rank ", double(energy)) << chosen
          << ", and the largest rank at which factors are smaller is "
          << curve.getLargest();
      all.keep(weight, reason);
      continue;
    }
    Factors factors = parts->truncate(chosen);
    if (!factors.round(weight.format)) {
      all.keep(weight, "a number of its factors is infinite as " +
                           toString(weight.format));
      continue;
    }
    replace(weight, original, factors, symbols);
  }
  numSkipped += all.getNumSkipped();
  if (all.hasFailed())
    signalPassFailure();
}

void Factorize::replace(FloatWeight &weight, MatrixRef<const float> original,
                        const Factors &factors, SymbolTable &symbols) {
  ParamOp param = weight.param;
  Statistics &statistics = Statistics::of(&getContext());
  auto params = FactorParams::create(param, param.getSymName(), factors,
                                     param.getType().getElementType(), symbols);
  params.setStatistics(factors, weight.input,
                       statistics.lookupCounts(param.getSymName()),
                       weight.inEmbedding);
  int64_t before = storageBytes(weight.values.front()),
          after = params.getBytes();
  params.replace(weight);

  ++numWeights;
  bytesBefore += before;
  bytesAfter += after;
  reportWeight(getArgument(), weight, original, factors.multiply(), before,
               after)
      << mlir::remark::metric("rank", factors.getRank());
  statistics.erase(param.getSymName());
  symbols.remove(param);
  eraseParam(param);
}
} // namespace
