//===- LiftSilu.cpp - x * sigmoid(x) --------------------------------------===//

#include "Lifter.h"
#include "llmc/Lift/Passes.h"

namespace llmc {
#define GEN_PASS_DEF_LIFTSILU
#include "llmc/Lift/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

static bool liftSilu(MulOp root, Lifter &lifter) {
  for (auto [x, gate] : {std::pair(root.getLhs(), root.getRhs()),
                         std::pair(root.getRhs(), root.getLhs())}) {
    auto sigmoid = gate.getDefiningOp<SigmoidOp>();
    if (!sigmoid || sigmoid.getOperand() != x)
      continue;
    lifter.replace(root, lifter.create<SiluOp>(root, x));
    return true;
  }
  return false;
}

namespace {

struct LiftSilu : llmc::impl::LiftSiluBase<LiftSilu> {
  void runOnOperation() override {
    if (failed(liftEach<MulOp>(getOperation(), liftSilu, [&] { ++numLifted; })))
      signalPassFailure();
  }
};

} // namespace
