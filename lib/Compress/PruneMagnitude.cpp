//===- PruneMagnitude.cpp - the smallest weights become 0 -----------------===//

#include "Pruner.h"
#include <cmath>

namespace llmc {
#define GEN_PASS_DEF_PRUNEMAGNITUDE
#include "llmc/Compress/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

namespace {
struct PruneMagnitude
    : PrunerPass<llmc::impl::PruneMagnitudeBase<PruneMagnitude>> {
  using PrunerPass::PrunerPass;

  LogicalResult initialize(MLIRContext *context) override {
    return getOptions().verify(context);
  }

  void runOnOperation() override {
    Pruner pruner(getOperation(), getOptions());
    pruner.pruneByScore(scope, /*needsStatistics=*/false,
                        [](const PrunedWeight &, MatrixRef<float> scores) {
                          for (int64_t i = 0; i < scores.rows; ++i)
                            for (int64_t j = 0; j < scores.columns; ++j)
                              scores(i, j) = std::fabs(scores(i, j));
                          return success();
                        });
    finish(pruner);
  }
};
} // namespace
