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
struct PruneMagnitude : llmc::impl::PruneMagnitudeBase<PruneMagnitude> {
  using PruneMagnitudeBase::PruneMagnitudeBase;

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
    numWeights += pruner.getTotals().weights;
    numSkipped += pruner.getTotals().skipped;
    bytesBefore += pruner.getTotals().bytesBefore;
    bytesAfter += pruner.getTotals().bytesAfter;
    if (pruner.hasFailed())
      signalPassFailure();
  }

private:
  PruneOptions getOptions() const {
    return {getArgument(), sparsity, pattern, store, what, skip, strict};
  }
};
} // namespace
