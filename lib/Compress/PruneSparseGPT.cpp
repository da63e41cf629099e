//===- PruneSparseGPT.cpp - pruning with an update of what stays ----------===//

#include "HessianFactor.h"
#include "Pruner.h"
#include "RefitWeights.h"
#include "mlir/IR/Threading.h"
#include "llvm/ADT/MapVector.h"

namespace llmc {
#define GEN_PASS_DEF_PRUNESPARSEGPT
#include "llmc/Compress/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

namespace {

/// Goes through the columns of one weight.
class ColumnPruner {
public:
  ColumnPruner(MatrixRef<float> weights, const HessianFactor &factor,
               const SparsePattern &pattern, double sparsity,
               MLIRContext *context)
      : weights(weights), upper(factor.upper.ref()), pattern(pattern),
        sparsity(sparsity), context(context) {
    for (int64_t column = 0; column < weights.columns; ++column)
      if (factor.dead[column])
        for (int64_t row = 0; row < weights.rows; ++row)
          weights(row, column) = 0;
  }

  void run(int64_t block) {
    // Groups do not cross blocks.
    if (pattern.isNM())
      block = llvm::alignTo(block, pattern.m);
    for (int64_t begin = 0; begin < weights.columns; begin += block)
      pruneBlock(begin, std::min(block, weights.columns - begin));
  }

private:
  void pruneBlock(int64_t begin, int64_t count);
  std::vector<uint8_t> chooseAny(int64_t begin, int64_t count) const;
  void chooseGroup(ArrayRef<float> row, int64_t column,
                   uint8_t *isPruned) const;

  float getScore(float weight, int64_t column) const {
    float scaled = weight / upper(column, column);
    return scaled * scaled;
  }

  MatrixRef<float> weights;
  MatrixRef<const float> upper;
  SparsePattern pattern;
  double sparsity;
  MLIRContext *context;
};

/// Of the weights of a block, which have the lowest scores.
std::vector<uint8_t> ColumnPruner::chooseAny(int64_t begin,
                                             int64_t count) const {
  std::vector<float> scores;
  scores.reserve(weights.rows * count);
  for (int64_t row = 0; row < weights.rows; ++row)
    for (int64_t i = 0; i < count; ++i)
      scores.push_back(getScore(weights(row, begin + i), begin + i));
  std::vector<uint8_t> isPruned(scores.size());
  selectLowest(scores, int64_t(sparsity * scores.size()),
               [&](int64_t place) { isPruned[place] = true; });
  return isPruned;
}

/// The same of the group of a row that begins at `column`.
void ColumnPruner::chooseGroup(ArrayRef<float> row, int64_t column,
                               uint8_t *isPruned) const {
  float scores[16];
  for (int64_t i = 0; i < pattern.m; ++i)
    scores[i] = getScore(row[column + i], column + i);
  selectLowest(ArrayRef(scores, pattern.m), pattern.m - pattern.n,
               [&](int64_t i) { isPruned[i] = true; });
}

void ColumnPruner::pruneBlock(int64_t begin, int64_t count) {
  std::vector<uint8_t> isPruned(weights.rows * count);
  if (!pattern.isNM())
    isPruned = chooseAny(begin, count);
  int64_t end = begin + count;
  Matrix<float> errors(weights.rows, count);
  parallelFor(context, 0, weights.rows, [&](size_t row) {
    float *values = &weights(row, 0);
    uint8_t *choice = &isPruned[row * count];
    for (int64_t column = begin; column < end; ++column) {
      int64_t i = column - begin;
      if (pattern.isNM() && i % pattern.m == 0)
        chooseGroup(ArrayRef(values, end), column, choice + i);
      if (!choice[i])
        continue;
      const float *factors = &upper(column, 0);
      float error = values[column] / factors[column];
      errors(row, i) = error;
      for (int64_t j = column; j < end; ++j)
        values[j] -= error * factors[j];
      values[column] = 0;
    }
  });
  int64_t behind = weights.columns - end;
  if (behind > 0)
    multiply(-1, errors.ref(), false, upper.block(begin, end, count, behind),
             false, 1, weights.block(0, end, weights.rows, behind));
}

struct PruneSparseGPT
    : PrunerPass<llmc::impl::PruneSparseGPTBase<PruneSparseGPT>> {
  using PrunerPass::PrunerPass;

  LogicalResult initialize(MLIRContext *context) override {
    auto fail = [&] {
      return emitError(UnknownLoc::get(context)) << getArgument() << ": ";
    };
    if (failed(getOptions().verify(context)))
      return failure();
    if (llvm::cantFail(SparsePattern::parse(pattern)).isBlock())
      return fail() << "has no pattern of blocks; llmc-prune-magnitude and "
                       "llmc-prune-wanda have";
    if (block < 1)
      return fail() << "block is " << int64_t(block) << "; it must be positive";
    if (refit < 0)
      return fail() << "refit is " << int64_t(refit)
                    << "; it must not be negative";
    if (!(damping >= 0))
      return fail() << "damping is " << double(damping)
                    << "; it must not be negative";
    return success();
  }

  void runOnOperation() override {
    Pruner pruner(getOperation(), getOptions());
    std::vector<PrunedWeight> weights =
        pruner.collect(/*needsStatistics=*/true);
    // Those of one input share the factor.
    llvm::MapVector<const InputStatistics *, SmallVector<PrunedWeight *>>
        byInput;
    for (PrunedWeight &weight : weights)
      byInput[weight.input.get()].push_back(&weight);
    for (auto &[input, sharers] : byInput) {
      FailureOr<HessianFactor> factor =
          factorHessian(*input, damping, /*descending=*/false);
      for (PrunedWeight *weight : sharers) {
        if (failed(factor)) {
          pruner.keep(*weight, "the Gram matrix of its input is not positive "
                               "definite with this damping");
          continue;
        }
        Matrix<float> original = pruner.read(*weight), pruned = original;
        ColumnPruner(pruned, *factor, pruner.getPattern(),
                     pruner.getSparsity(*weight), &getContext())
            .run(block);
        if (refit > 0)
          refitWeights(pruned, original, factor->hessian, refit, &getContext());
        pruner.store(*weight, original, pruned);
      }
    }
    finish(pruner);
  }
};
} // namespace
