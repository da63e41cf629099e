//===- QuantizeActivations.cpp - integers on both sides of a linear -------===//

#include "llmc/Compress/Passes.h"
#include "mlir/IR/Builders.h"
#include "llvm/Support/Regex.h"

namespace llmc {
#define GEN_PASS_DEF_QUANTIZEACTIVATIONS
#include "llmc/Compress/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

namespace {
struct QuantizeActivations
    : llmc::impl::QuantizeActivationsBase<QuantizeActivations> {
  using QuantizeActivationsBase::QuantizeActivationsBase;

  LogicalResult initialize(MLIRContext *context) override {
    return verifySkip(context, getArgument(), skip);
  }

  void runOnOperation() override {
    llvm::Regex skipped(skip);
    llvm::DenseMap<std::pair<Value, int64_t>, Value> rounded;
    getOperation().walk([&](LinearOp linear) {
      auto weight = linear.getWeight().getDefiningOp<DequantizeOp>();
      if (!weight || linear.getOperand().getDefiningOp<QuantizeDynamicOp>() ||
          (!skip.empty() && skipped.match(getName(weight))))
        return;
      int64_t block = weight.getBlock();
      Value &operand = rounded[{linear.getOperand(), block}];
      if (!operand) {
        OpBuilder builder(linear);
        builder.setInsertionPointAfterValue(linear.getOperand());
        operand = QuantizeDynamicOp::create(builder, linear.getLoc(),
                                            linear.getOperand(), block);
      }
      linear.getOperandMutable().assign(operand);
      ++numLinears;
    });
  }

private:
  /// Of the parameter with the integers; empty where they are computed.
  static StringRef getName(DequantizeOp op) {
    auto data = op.getData().getDefiningOp<WeightOp>();
    return data ? data.getParam() : StringRef();
  }
};
} // namespace
