//===- LiftEmbedding.cpp - rows of a weight -------------------------------===//

#include "Lifter.h"
#include "llmc/Lift/Passes.h"

namespace llmc {
#define GEN_PASS_DEF_LIFTEMBEDDING
#include "llmc/Lift/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

static bool isTable(Value value, Lifter &lifter) {
  if (lifter.shapes.rank(value) != 2 ||
      !isa<FloatType>(lifter.shapes.elementType(value)))
    return false;
  while (auto cast = value.getDefiningOp<CastOp>())
    value = cast.getOperand();
  return isa_and_nonnull<WeightOpInterface>(value.getDefiningOp());
}

static bool liftGather(GatherOp root, Lifter &lifter) {
  if (root.getAxis() != 0 || !isTable(root.getOperand(), lifter))
    return false;
  lifter.replace(root, lifter.create<EmbeddingOp>(root, root.getIndices(),
                                                  root.getOperand()));
  return true;
}

namespace {

struct LiftEmbedding : llmc::impl::LiftEmbeddingBase<LiftEmbedding> {
  void runOnOperation() override {
    if (failed(liftEach<GatherOp>(getOperation(), liftGather,
                                  [&] { ++numLifted; })))
      signalPassFailure();
  }
};

} // namespace
