//===- PruneWanda.cpp - weights that move outputs least become 0 ----------===//

#include "Pruner.h"
#include <cmath>

namespace llmc {
#define GEN_PASS_DEF_PRUNEWANDA
#include "llmc/Compress/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

/// |w_ij| ||x_j|| in the place of each weight.
static LogicalResult scoreByInputs(const PrunedWeight &weight,
                                   MatrixRef<float> scores) {
  std::vector<float> norms(scores.columns);
  for (int64_t j = 0; j < scores.columns; ++j) {
    norms[j] = std::sqrt(weight.input->getMeanSquare(j));
    if (!std::isfinite(norms[j]))
      return failure();
  }
  for (int64_t i = 0; i < scores.rows; ++i)
    for (int64_t j = 0; j < scores.columns; ++j)
      scores(i, j) = std::fabs(scores(i, j)) * norms[j];
  return success();
}

namespace {
struct PruneWanda : PrunerPass<llmc::impl::PruneWandaBase<PruneWanda>> {
  using PrunerPass::PrunerPass;

  LogicalResult initialize(MLIRContext *context) override {
    return getOptions().verify(context);
  }

  void runOnOperation() override {
    Pruner pruner(getOperation(), getOptions());
    pruner.pruneByScore(scope, /*needsStatistics=*/true, scoreByInputs);
    finish(pruner);
  }
};
} // namespace
