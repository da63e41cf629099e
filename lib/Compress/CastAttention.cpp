//===- CastAttention.cpp - attention in bf16 ------------------------------===//

#include "llmc/Compress/Passes.h"
#include "llmc/IR/Dialect.h"

namespace llmc {
#define GEN_PASS_DEF_CASTATTENTION
#include "llmc/Compress/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

namespace {
struct CastAttention : llmc::impl::CastAttentionBase<CastAttention> {
  using CastAttentionBase::CastAttentionBase;

  void runOnOperation() override {
    SmallVector<AttentionOp> attentions;
    getOperation().walk([&](AttentionOp op) { attentions.push_back(op); });
    bool complained = false;
    auto complain = [&](Operation *op) {
      complained = true;
      return strict ? op->emitError() : op->emitRemark();
    };
    if (attentions.empty())
      complain(getOperation())
          << getArgument() << ": found no attention; run llmc-lift first";
    for (AttentionOp op : attentions) {
      Type element = getElementTypeOrSelf(op.getQuery());
      if (element.isBF16())
        continue;
      if (!element.isF32()) {
        ++numSkipped;
        complain(op) << "'llmc.attention' op is of " << element
                     << ", not of f32, and stays so";
        continue;
      }
      castOperands(op);
      ++numPlaces;
    }
    if (strict && complained)
      signalPassFailure();
  }

private:
  static void castOperands(AttentionOp op) {
    OpBuilder b(op);
    Type bf16 = b.getBF16Type(), f32 = b.getF32Type();
    for (OpOperand *operand :
         {&op.getQueryMutable(), &op.getKeyMutable(), &op.getValueMutable()})
      operand->set(CastOp::create(b, op.getLoc(), operand->get(), bf16));
    Value result = op.getResult();
    result.setType(cast<RankedTensorType>(result.getType()).clone(bf16));
    b.setInsertionPointAfter(op);
    auto wide = CastOp::create(b, op.getLoc(), result, f32);
    result.replaceAllUsesExcept(wide, wide);
  }
};
} // namespace
