//===- AllocateSparsity.cpp - how much of each weight is pruned -----------===//

#include "FloatWeights.h"
#include "Knapsack.h"
#include "llmc/Compress/Passes.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Remarks.h"
#include <cmath>

namespace llmc {
#define GEN_PASS_DEF_ALLOCATESPARSITY
#include "llmc/Compress/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

namespace {

/// Between the parts that a weight can have.
constexpr double step = 0.05;

/// How many of a row's `columns` weights are a part of it.
int64_t countOf(double part, int64_t columns) {
  return std::llround(part * columns);
}

/// For each number of weights of a row, the sum over rows of the smallest
/// w_ij^2 E[x_j^2].
std::vector<double> findLosses(const FloatWeight &weight) {
  Matrix<float> values = readFloats(weight);
  std::vector<double> losses(weight.columns + 1);
  std::vector<float> scores(weight.columns);
  for (int64_t row = 0; row < weight.rows; ++row) {
    for (int64_t j = 0; j < weight.columns; ++j)
      scores[j] =
          values(row, j) * values(row, j) * weight.input->getMeanSquare(j);
    llvm::sort(scores);
    double sum = 0;
    for (int64_t j = 0; j < weight.columns; ++j)
      losses[j + 1] += sum += scores[j];
  }
  return losses;
}

struct AllocateSparsity : llmc::impl::AllocateSparsityBase<AllocateSparsity> {
  using AllocateSparsityBase::AllocateSparsityBase;

  LogicalResult initialize(MLIRContext *context) override;
  void runOnOperation() override;

private:
  std::vector<double> parts;
};

LogicalResult AllocateSparsity::initialize(MLIRContext *context) {
  auto fail = [&] {
    return emitError(UnknownLoc::get(context)) << getArgument() << ": ";
  };
  for (auto [name, value] :
       {std::pair<StringRef, double>("sparsity", sparsity), {"probed", probed}})
    if (!(value > 0 && value < 1))
      return fail() << name << " is " << value
                    << "; it must be between 0 and 1";
  if (!(spread >= 0 && spread <= sparsity && spread < 1 - sparsity))
    return fail() << "spread is " << double(spread)
                  << "; parts must be at least 0 and below 1";
  int64_t steps = std::floor(spread / step + 1e-6);
  parts.clear();
  for (int64_t i = steps; i >= -steps; --i)
    parts.push_back(sparsity + i * step);
  return verifySkip(context, getArgument(), skip);
}

void AllocateSparsity::runOnOperation() {
  ModuleOp module = getOperation();
  for (ParamOp param : module.getOps<ParamOp>())
    param->removeAttr(sparsityAttrName);
  llvm::StringMap<double> divergences;
  for (const WeightProbe &probe : Statistics::of(&getContext()).probes)
    if (!probe.inEmbedding)
      divergences[probe.param] = std::max(probe.divergence, 0.0);
  FloatWeights all(module,
                   {"judge", "judged", WeightKinds::Linear, skip, strict});
  std::vector<FloatWeight> weights = all.collect(
      /*needsStatistics=*/true, [&](const FloatWeight &weight) -> std::string {
        ParamOp param = weight.param;
        if (!divergences.contains(param.getSymName()))
          return "it was not probed; run llmc-calibrate with a probe that "
                 "prunes first";
        return {};
      });
  std::vector<SmallVector<KnapsackChoice>> items;
  // What is spent are the weights that stay.
  int64_t budget = 0;
  for (FloatWeight &weight : weights) {
    std::vector<double> losses = findLosses(weight);
    double probe = losses[countOf(probed, weight.columns)],
           cost = divergences.lookup(weight.param.getSymName());
    auto getKept = [&](double part) {
      return weight.rows * (weight.columns - countOf(part, weight.columns));
    };
    SmallVector<KnapsackChoice> &choices = items.emplace_back();
    for (double part : parts) {
      double loss = losses[countOf(part, weight.columns)];
      choices.push_back({getKept(part), probe > 0 ? cost * loss / probe : 0});
    }
    budget += getKept(sparsity);
  }
  numSkipped += all.getNumSkipped();
  if (all.hasFailed())
    return signalPassFailure();
  // All at `sparsity` is within it.
  std::vector<size_t> chosen = *chooseWithin({budget, std::nullopt}, items);
  Builder builder(&getContext());
  for (auto [weight, choices, index] : llvm::zip(weights, items, chosen)) {
    weight.param->setAttr(sparsityAttrName,
                          builder.getF64FloatAttr(parts[index]));
    ++numWeights;
    using mlir::remark::metric;
    mlir::remark::passed(
        weight.param.getLoc(),
        mlir::remark::RemarkOpts::name(getArgument()).category(compressRemarks))
        << metric("param", weight.param.getSymName())
        << metric("sparsity", parts[index])
        << metric("cost", choices[index].cost);
  }
}

} // namespace
