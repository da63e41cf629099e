//===- SplitLowRank.cpp - products of weights, one after the other --------===//

#include "llmc/Lift/LowRank.h"
#include "llmc/Lower/Passes.h"

namespace llmc {
#define GEN_PASS_DEF_SPLITLOWRANK
#include "llmc/Lower/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

namespace {
struct SplitLowRank : llmc::impl::SplitLowRankBase<SplitLowRank> {
  void runOnOperation() override {
    SmallVector<Operation *> ops;
    getOperation().walk([&](Operation *op) {
      if (isa<LinearOp, EmbeddingOp>(op))
        ops.push_back(op);
    });
    for (Operation *op : ops)
      if (succeeded(splitLowRank(op)))
        ++numSplit;
  }
};
} // namespace
