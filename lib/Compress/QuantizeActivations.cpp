//===- QuantizeActivations.cpp - integers on both sides of a linear -------===//

#include "llmc/Calibrate/Statistics.h"
#include "llmc/Compress/Passes.h"
#include "llmc/IR/StaticRounding.h"
#include "llmc/Weights/RowScales.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Remarks.h"
#include "llvm/Support/Regex.h"
#include <cmath>

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
    auto fail = [&] {
      return emitError(UnknownLoc::get(context)) << getArgument() << ": ";
    };
    if (!(clip > 0 && clip <= 1))
      return fail() << "clip is " << double(clip)
                    << "; it must be above 0 and at most 1";
    if (clip != 1 && mode == ActivationScales::Dynamic)
      return fail() << "clip goes with mode=static";
    if (block < 0)
      return fail() << "block is " << int64_t(block)
                    << "; it must not be negative";
    if (block != 0 && mode == ActivationScales::Static)
      return fail() << "block goes with mode=dynamic";
    return verifySkip(context, getArgument(), skip);
  }

  void runOnOperation() override {
    llvm::Regex skipped(skip);
    failed = false;
    rounded.clear();
    getOperation().walk([&](LinearOp linear) {
      auto weight = linear.getWeight().getDefiningOp<DequantizeOp>();
      Value operand = linear.getOperand();
      if (!weight || operand.getDefiningOp<QuantizeDynamicOp>() ||
          matchStaticRounding(operand) ||
          (!skip.empty() && skipped.match(getName(weight))))
        return;
      Value replacement = mode == ActivationScales::Dynamic
                              ? roundDynamic(linear, weight)
                              : roundStatic(linear, weight);
      if (!replacement)
        return;
      linear.getOperandMutable().assign(replacement);
      ++numLinears;
    });
    if (failed)
      signalPassFailure();
  }

private:
  /// Of the parameter with the integers; empty where they are computed.
  static StringRef getName(DequantizeOp op) {
    ParamOp param = findParam(op.getData());
    return param ? param.getSymName() : StringRef();
  }

  InFlightDiagnostic complain(LinearOp linear, DequantizeOp weight) {
    failed |= strict;
    ParamOp param = findParam(weight.getData());
    Operation *place = param ? param.getOperation() : linear.getOperation();
    InFlightDiagnostic diagnostic =
        strict ? place->emitError() : place->emitRemark();
    diagnostic << "what the linear of ";
    if (param)
      diagnostic << "'" << param.getSymName() << "'";
    else
      diagnostic << "a computed weight";
    diagnostic << " reads is ";
    return diagnostic;
  }

  /// Columns that share a step; says why they are not as many as asked for.
  int64_t findBlock(LinearOp linear, DequantizeOp weight) {
    int64_t own = weight.getBlock(), columns = weight.getColumns();
    if (block <= own || own >= columns)
      return own;
    bool isPruned = bool(weight.getData().getDefiningOp<DensifyOp>());
    if (!isPruned && matchRowScales(weight))
      return block < columns ? block / own * own : llvm::alignTo(columns, own);
    complain(linear, weight)
        << "rounded in blocks of " << own << ", not of " << int64_t(block)
        << ": "
        << (isPruned ? "it is pruned in groups"
                     : "its scales are not integers times a number of their "
                       "row, as progressive of llmc-quantize-rtn makes them");
    return own;
  }

  Value roundDynamic(LinearOp linear, DequantizeOp weight) {
    int64_t shared = findBlock(linear, weight);
    Value &result = rounded[{linear.getOperand(), shared}];
    if (!result) {
      OpBuilder builder(linear);
      builder.setInsertionPointAfterValue(linear.getOperand());
      result = QuantizeDynamicOp::create(builder, linear.getLoc(),
                                         linear.getOperand(), shared);
    }
    return result;
  }

  /// The constant scale of what the linear reads; says why there is none.
  std::optional<float> findScale(LinearOp linear, DequantizeOp weight) {
    ParamOp param = findParam(weight.getData());
    auto keep = [&](const Twine &reason) {
      ++numSkipped;
      complain(linear, weight) << "not rounded: " << reason;
      return std::nullopt;
    };
    if (Type type = getElementTypeOrSelf(linear.getOperand()); !type.isF32()) {
      std::string text;
      llvm::raw_string_ostream(text) << type;
      return keep("its elements are " + text);
    }
    Statistics &statistics = Statistics::of(&getContext());
    StringRef name = param ? param.getSymName() : StringRef();
    Statistics::Input input = statistics.lookup(name);
    // Those of before it was quantized have the name that it had then.
    if (!input && (name.consume_back(".q") || name.consume_back(".values")))
      input = statistics.lookup(name);
    if (!input)
      return keep("no statistics of it; run llmc-calibrate first");
    int64_t columns = weight.getType().getDimSize(1);
    if (input->columns != columns)
      return keep("the weight has rows of " + Twine(columns) +
                  " and the statistics " + Twine(input->columns) +
                  " columns; run llmc-calibrate again");
    float largest = 0;
    for (float magnitude : input->absMax)
      largest = std::max(largest, magnitude);
    float scale = clip * largest / 127;
    if (!(std::isnormal(scale)))
      return keep(largest == 0 ? "it was always 0" : "it was not finite");
    using mlir::remark::metric;
    mlir::remark::passed(
        param.getLoc(),
        mlir::remark::RemarkOpts::name(getArgument()).category(compressRemarks))
        << metric("param", param.getSymName()) << metric("scale", scale);
    return scale;
  }

  Value roundStatic(LinearOp linear, DequantizeOp weight) {
    std::optional<float> scale = findScale(linear, weight);
    if (!scale)
      return {};
    Value x = linear.getOperand();
    Value &result = rounded[{x, llvm::bit_cast<uint32_t>(*scale)}];
    if (result)
      return result;
    OpBuilder builder(linear);
    builder.setInsertionPointAfterValue(x);
    Location location = linear.getLoc();
    auto addNumber = [&](Type type, Attribute value) -> Value {
      return ConstantOp::create(
          builder, location,
          DenseElementsAttr::get(RankedTensorType::get({}, type), value));
    };
    Type f32 = builder.getF32Type(),
         byte = builder.getIntegerType(8, /*isSigned=*/false);
    Value step = addNumber(f32, builder.getFloatAttr(f32, *scale)),
          zero = addNumber(byte, builder.getIntegerAttr(byte, 128));
    Value integers = QuantizeLinearOp::create(builder, location, x, step, zero,
                                              /*to=*/byte, /*precision=*/f32);
    return result = DequantizeLinearOp::create(builder, location, integers,
                                               step, zero, /*to=*/f32);
  }

  /// By what they round and its block, or the bits of its scale.
  llvm::DenseMap<std::pair<Value, int64_t>, Value> rounded;
  bool failed = false;
};
} // namespace
