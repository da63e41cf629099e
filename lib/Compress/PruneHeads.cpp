//===- PruneHeads.cpp - heads of attentions -------------------------------===//

#include "HeadTrace.h"
#include "UnitPruner.h"

namespace llmc {
#define GEN_PASS_DEF_PRUNEHEADS
#include "llmc/Compress/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

namespace {
struct PruneHeads : UnitPrunerPass<llmc::impl::PruneHeadsBase<PruneHeads>> {
  using UnitPrunerPass::UnitPrunerPass;

  LogicalResult initialize(MLIRContext *context) override {
    pruneOptions = {ratio, method, scope, compensate, damping, 1, skip, strict};
    return pruneOptions.verify(context, getArgument());
  }

  void runOnOperation() override {
    UnitPruner pruner(getOperation(), getArgument(), "heads", pruneOptions);
    getOperation().walk([&](AttentionOp attention) {
      int64_t heads = attention.getType().getDimSize(1),
              groups = attention.getKey().getType().getDimSize(1);
      if (heads == ShapedType::kDynamic || groups == ShapedType::kDynamic)
        return;
      int64_t each = unit == HeadUnit::Group ? heads / groups : 1;
      UnitMap units(heads);
      for (int64_t i = 0; i < heads; ++i)
        units[i] = i / each;
      LinearOp output = findOutputLinear(attention);
      pruner.add(attention, 1, std::move(units),
                 output ? output.getOperation() : attention.getOperation());
    });
    runPruner(pruner);
  }

private:
  UnitPruneOptions pruneOptions;
};
} // namespace
