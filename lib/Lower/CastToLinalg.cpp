//===- CastToLinalg.cpp - conversion of element types ---------------------===//

#include "ElementConversions.h"

using namespace mlir;
using namespace llmc;

namespace {

struct CastPattern : OpConversionPattern<CastOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(CastOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type =
        cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    Type from = elementTypeOf(op.getOperand()), to = elementTypeOf(op);
    ConversionOptions options{op.getSaturate(), op.getRoundMode()};
    rewriter.replaceOp(
        op, createElementwise(
                rewriter, op.getLoc(), type, adaptor.getOperand(),
                [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
                  return createConversion(b, loc, args[0], from, to, options);
                }));
    return success();
  }
};

/// A bool is a byte in memory, so its bits are 0 and 1 as an integer.
struct BitCastPattern : OpConversionPattern<BitCastOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(BitCastOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type =
        cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    Type to = type.getElementType();
    rewriter.replaceOp(
        op, createElementwise(
                rewriter, op.getLoc(), type, adaptor.getOperand(),
                [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
                  Value value = args[0];
                  if (value.getType() == to)
                    return value;
                  if (value.getType().isInteger(1))
                    value =
                        arith::ExtUIOp::create(b, loc, b.getI8Type(), value);
                  if (to.isInteger(1))
                    return arith::CmpIOp::create(
                        b, loc, arith::CmpIPredicate::ne, value,
                        createScalar(b, loc, b.getI8Type(), 0));
                  return b.createOrFold<arith::BitcastOp>(loc, to, value);
                }));
    return success();
  }
};

} // namespace

void llmc::populateCastToLinalg(const LowerTypeConverter &converter,
                                RewritePatternSet &patterns) {
  patterns.add<CastPattern, BitCastPattern>(converter, patterns.getContext());
}
