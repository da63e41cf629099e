//===- PruneALPS.cpp - pruning by alternating directions ------------------===//

#include "HessianFactor.h"
#include "Pruner.h"
#include "RefitWeights.h"
#include "mlir/IR/Threading.h"
#include "llvm/ADT/MapVector.h"
#include <cmath>

namespace llmc {
#define GEN_PASS_DEF_PRUNEALPS
#include "llmc/Compress/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

namespace {

/// The method's variables for one weight, in units in which the diagonal of the
/// Hessian is 1.
class AlternatingPruner {
public:
  AlternatingPruner(MatrixRef<const float> original,
                    MatrixRef<const float> hessian,
                    const SparsePattern &pattern, PruneScope scope,
                    double sparsity, MLIRContext *context);

  /// At most `rounds`; fewer when the choice no longer changes.
  LogicalResult run(int64_t rounds);

  /// The weights that were chosen, in the original units.
  Matrix<float> getPruned() const;

private:
  void prune(MatrixRef<float> weights) const;
  LogicalResult invert();
  /// How many weights were chosen or dropped since the last call.
  int64_t countChanges();

  std::vector<float> scales;
  Matrix<float> hessian, inverse;
  /// The original weights times the Hessian.
  Matrix<float> target;
  /// The weights, those of them that are chosen, and the multipliers that pull
  /// both together.
  Matrix<float> weights, chosen, multipliers;
  std::vector<uint8_t> lastChoice;
  float penalty = 0.1f;
  SparsePattern pattern;
  PruneScope scope;
  double sparsity;
  MLIRContext *context;
};

AlternatingPruner::AlternatingPruner(MatrixRef<const float> original,
                                     MatrixRef<const float> damped,
                                     const SparsePattern &pattern,
                                     PruneScope scope, double sparsity,
                                     MLIRContext *context)
    : scales(original.columns), hessian(damped.rows, damped.columns),
      inverse(damped.rows, damped.columns),
      target(original.rows, original.columns),
      weights(original.rows, original.columns), chosen(weights),
      multipliers(weights), lastChoice(weights.values.size()), pattern(pattern),
      scope(scope), sparsity(sparsity), context(context) {
  for (int64_t j = 0; j < damped.columns; ++j)
    scales[j] = std::sqrt(damped(j, j));
  for (int64_t i = 0; i < damped.rows; ++i)
    for (int64_t j = 0; j < damped.columns; ++j)
      hessian(i, j) = damped(i, j) / (scales[i] * scales[j]);
  for (int64_t i = 0; i < original.rows; ++i)
    for (int64_t j = 0; j < original.columns; ++j)
      chosen(i, j) = original(i, j) * scales[j];
  multiply(1, chosen.ref(), false, hessian.ref(), false, 0, target.ref());
}

void AlternatingPruner::prune(MatrixRef<float> values) const {
  Matrix<float> scores(values.rows, values.columns);
  parallelFor(context, 0, values.rows, [&](size_t row) {
    for (int64_t j = 0; j < values.columns; ++j)
      scores(row, j) = std::fabs(values(row, j));
  });
  pruneLowest(values, scores, pattern, scope, sparsity, context);
}

LogicalResult AlternatingPruner::invert() {
  Matrix<double> sum(hessian.rows, hessian.columns);
  std::copy(hessian.values.begin(), hessian.values.end(), sum.values.begin());
  for (int64_t i = 0; i < sum.rows; ++i)
    sum(i, i) += penalty;
  if (failed(invertPositive(sum)))
    return failure();
  std::copy(sum.values.begin(), sum.values.end(), inverse.values.begin());
  return success();
}

int64_t AlternatingPruner::countChanges() {
  int64_t changes = 0;
  for (auto [last, value] : llvm::zip(lastChoice, chosen.values)) {
    changes += last != (value != 0);
    last = value != 0;
  }
  return changes;
}

LogicalResult AlternatingPruner::run(int64_t rounds) {
  if (failed(invert()))
    return failure();
  Matrix<float> right(weights.rows, weights.columns);
  int64_t size = weights.values.size();
  for (int64_t round = 1; round <= rounds; ++round) {
    for (int64_t i = 0; i < size; ++i)
      right.values[i] =
          target.values[i] - multipliers.values[i] + penalty * chosen.values[i];
    multiply(1, right.ref(), false, inverse.ref(), false, 0, weights.ref());
    for (int64_t i = 0; i < size; ++i)
      chosen.values[i] = weights.values[i] + multipliers.values[i] / penalty;
    prune(chosen);
    for (int64_t i = 0; i < size; ++i)
      multipliers.values[i] += penalty * (weights.values[i] - chosen.values[i]);
    if (round % 3 != 0)
      continue;
    // The paper's schedule: the more changes, the faster.
    int64_t changes = countChanges();
    double kept = (1 - sparsity) * size;
    if (changes == 0)
      break;
    penalty *= changes >= 0.1 * kept     ? 1.3f
               : changes >= 0.005 * kept ? 1.2f
                                         : 1.1f;
    if (failed(invert()))
      return failure();
  }
  return success();
}

Matrix<float> AlternatingPruner::getPruned() const {
  Matrix<float> result = chosen;
  for (int64_t i = 0; i < result.rows; ++i)
    for (int64_t j = 0; j < result.columns; ++j)
      result(i, j) /= scales[j];
  return result;
}

struct PruneALPS : PrunerPass<llmc::impl::PruneALPSBase<PruneALPS>> {
  using PrunerPass::PrunerPass;

  LogicalResult initialize(MLIRContext *context) override {
    auto fail = [&] {
      return emitError(UnknownLoc::get(context)) << getArgument() << ": ";
    };
    if (failed(getOptions().verify(context)))
      return failure();
    if (scope == PruneScope::Global)
      return fail() << "compares the weights of a row or layer, not all";
    if (rounds < 1 || refit < 0)
      return fail() << "rounds is " << int64_t(rounds) << " and refit "
                    << int64_t(refit) << "; they must be at least 1 and 0";
    if (!(damping >= 0))
      return fail() << "damping is " << double(damping)
                    << "; it must not be negative";
    return success();
  }

  void runOnOperation() override {
    Pruner pruner(getOperation(), getOptions());
    std::vector<PrunedWeight> weights =
        pruner.collect(/*needsStatistics=*/true);
    for (PrunedWeight &weight : weights) {
      Matrix<float> original = pruner.read(weight);
      FailureOr<Matrix<float>> pruned =
          prune(original, *weight.input, pruner.getPattern(),
                pruner.getSparsity(weight));
      if (succeeded(pruned))
        pruner.store(weight, original, *pruned);
      else
        pruner.keep(weight, "the Gram matrix of its input is not positive "
                            "definite with this damping");
    }
    finish(pruner);
  }

private:
  FailureOr<Matrix<float>> prune(MatrixRef<const float> original,
                                 const InputStatistics &input,
                                 const SparsePattern &pattern, double part) {
    FailureOr<DampedHessian> damped = dampHessian(input, damping);
    if (failed(damped))
      return failure();
    AlternatingPruner method(original, damped->hessian, pattern, scope, part,
                             &getContext());
    if (failed(method.run(rounds)))
      return failure();
    Matrix<float> pruned = method.getPruned();
    refitWeights(pruned, original, damped->hessian, refit, &getContext());
    return pruned;
  }
};
} // namespace
