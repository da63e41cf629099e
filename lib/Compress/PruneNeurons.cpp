//===- PruneNeurons.cpp - hidden neurons of MLPs --------------------------===//

#include "UnitPruner.h"
#include <numeric>

namespace llmc {
#define GEN_PASS_DEF_PRUNENEURONS
#include "llmc/Compress/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

namespace {

/// Looks behind a value for the linears of whose results it is made.
class HiddenValue {
public:
  /// Whether elementwise ops alone make the value of results of linears and of
  /// parameters.
  bool isHidden(Value value) {
    if (!seen.insert(value).second)
      return true;
    Operation *op = value.getDefiningOp();
    if (!op)
      return false;
    if (isa<LinearOp>(op))
      return hasLinear = true;
    if (isa<WeightOp, ConstantOp>(op))
      return true;
    if (isa<ReshapeOp, SliceOp, UnsqueezeOp, SqueezeOp, CastOp>(op))
      return isHidden(op->getOperand(0));
    if (!isElementwise(op))
      return false;
    hasActivation = true;
    return llvm::all_of(op->getOperands(),
                        [&](Value operand) { return isHidden(operand); });
  }

  bool hasLinear = false;
  /// Without it two linears are the factors of one.
  bool hasActivation = false;

private:
  llvm::DenseSet<Value> seen;
};

struct PruneNeurons
    : UnitPrunerPass<llmc::impl::PruneNeuronsBase<PruneNeurons>> {
  using UnitPrunerPass::UnitPrunerPass;

  LogicalResult initialize(MLIRContext *context) override {
    pruneOptions = {ratio,   method,   scope, compensate,
                    damping, multiple, skip,  strict};
    return pruneOptions.verify(context, getArgument());
  }

  void runOnOperation() override {
    UnitPruner pruner(getOperation(), getArgument(), "neurons", pruneOptions);
    getOperation().walk([&](LinearOp linear) {
      Value value = linear.getOperand();
      HiddenValue hidden;
      if (!hidden.isHidden(value) || !hidden.hasLinear || !hidden.hasActivation)
        return;
      auto type = cast<RankedTensorType>(value.getType());
      int64_t last = type.getRank() - 1;
      UnitMap units(linear.getWeight().getType().getDimSize(1));
      std::iota(units.begin(), units.end(), 0);
      pruner.add(value, last, std::move(units), linear);
    });
    runPruner(pruner);
  }

private:
  UnitPruneOptions pruneOptions;
};

} // namespace
