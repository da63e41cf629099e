//===- CastToLinalg.cpp - conversion of element types ---------------------===//

#include "llmc/Lower/Patterns.h"

using namespace mlir;
using namespace llmc;

namespace {

Value castFloat(OpBuilder &b, Location loc, Value value, FloatType to) {
  auto from = cast<FloatType>(value.getType());
  if (from == to)
    return value;
  if (from.getWidth() < to.getWidth())
    return arith::ExtFOp::create(b, loc, to, value);
  if (from.getWidth() > to.getWidth())
    return arith::TruncFOp::create(b, loc, to, value);
  // f16 and bf16: neither holds the other.
  Value wide = arith::ExtFOp::create(b, loc, b.getF32Type(), value);
  return arith::TruncFOp::create(b, loc, to, wide);
}

Value castToInteger(OpBuilder &b, Location loc, Value value, IntegerType to,
                    bool isSigned) {
  if (to.getWidth() == 1)
    return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNE, value,
                                 createScalar(b, loc, value.getType(), 0));
  // Narrow and unsigned results wrap as in numpy: through i64.
  if (to.getWidth() < 64) {
    Value wide = arith::FPToSIOp::create(b, loc, b.getI64Type(), value);
    return arith::TruncIOp::create(b, loc, to, wide);
  }
  if (isSigned)
    return arith::FPToSIOp::create(b, loc, to, value);
  return arith::FPToUIOp::create(b, loc, to, value);
}

Value castInteger(OpBuilder &b, Location loc, Value value, IntegerType to,
                  bool isSigned) {
  unsigned from = value.getType().getIntOrFloatBitWidth();
  if (from == to.getWidth())
    return value;
  if (to.getWidth() == 1)
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, value,
                                 createScalar(b, loc, value.getType(), 0));
  if (from > to.getWidth())
    return arith::TruncIOp::create(b, loc, to, value);
  if (isSigned)
    return arith::ExtSIOp::create(b, loc, to, value);
  return arith::ExtUIOp::create(b, loc, to, value);
}

struct CastPattern : OpConversionPattern<CastOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(CastOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type =
        cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    bool fromSigned = isSignedElement(elementTypeOf(op.getOperand()));
    bool toSigned = isSignedElement(op.getType().getElementType());
    Type to = type.getElementType();
    auto body = [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
      Value value = args[0];
      if (isa<FloatType>(value.getType())) {
        if (auto floatType = dyn_cast<FloatType>(to))
          return castFloat(b, loc, value, floatType);
        return castToInteger(b, loc, value, cast<IntegerType>(to), toSigned);
      }
      if (isa<FloatType>(to)) {
        if (fromSigned)
          return arith::SIToFPOp::create(b, loc, to, value);
        return arith::UIToFPOp::create(b, loc, to, value);
      }
      return castInteger(b, loc, value, cast<IntegerType>(to), fromSigned);
    };
    rewriter.replaceOp(op, createElementwise(rewriter, op.getLoc(), type,
                                             adaptor.getOperand(), body));
    return success();
  }
};

} // namespace

void llmc::populateCastToLinalg(const LowerTypeConverter &converter,
                                RewritePatternSet &patterns) {
  patterns.add<CastPattern>(converter, patterns.getContext());
}
