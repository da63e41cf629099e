//===- UnaryToLinalg.cpp - elementwise ops of one operand -----------------===//

#include "llmc/Lower/Patterns.h"

using namespace mlir;
using namespace llmc;

namespace {

/// Ops with one counterpart on float scalars.
template <typename Op, typename Scalar>
struct FloatOpPattern : OpConversionPattern<Op> {
  using OpConversionPattern<Op>::OpConversionPattern;
  LogicalResult
  matchAndRewrite(Op op, typename Op::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(
        this->getTypeConverter()->convertType(op.getType()));
    rewriter.replaceOp(
        op, createElementwise(
                rewriter, op.getLoc(), type, adaptor.getOperands(),
                [](OpBuilder &b, Location loc, ValueRange args) -> Value {
                  return Scalar::create(b, loc, args[0]);
                }));
    return success();
  }
};

Value emit(AbsOp op, OpBuilder &b, Location loc, Value x) {
  if (isa<FloatType>(x.getType()))
    return math::AbsFOp::create(b, loc, x);
  if (!isSignedElement(elementTypeOf(op.getOperand())))
    return x;
  return math::AbsIOp::create(b, loc, x);
}

Value emit(NegOp, OpBuilder &b, Location loc, Value x) {
  if (isa<FloatType>(x.getType()))
    return arith::NegFOp::create(b, loc, x);
  return arith::SubIOp::create(b, loc, createScalar(b, loc, x.getType(), 0), x);
}

Value emit(SignOp op, OpBuilder &b, Location loc, Value x) {
  Type type = x.getType();
  Value zero = createScalar(b, loc, type, 0),
        one = createScalar(b, loc, type, 1);
  if (isa<FloatType>(type)) {
    // Zero and NaN are their own sign.
    Value minus = createScalar(b, loc, type, -1);
    Value positive =
        arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, x, zero);
    Value negative =
        arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, x, zero);
    Value rest = arith::SelectOp::create(b, loc, negative, minus, x);
    return arith::SelectOp::create(b, loc, positive, one, rest);
  }
  if (!isSignedElement(elementTypeOf(op.getOperand())))
    return arith::MinUIOp::create(b, loc, x, one);
  Value minus = createScalar(b, loc, type, -1);
  return arith::MaxSIOp::create(b, loc, arith::MinSIOp::create(b, loc, x, one),
                                minus);
}

Value emit(ReciprocalOp, OpBuilder &b, Location loc, Value x) {
  return arith::DivFOp::create(b, loc, createScalar(b, loc, x.getType(), 1), x);
}

Value emit(SigmoidOp, OpBuilder &b, Location loc, Value x) {
  Value one = createScalar(b, loc, x.getType(), 1);
  Value exp = math::ExpOp::create(b, loc, arith::NegFOp::create(b, loc, x));
  return arith::DivFOp::create(b, loc, one,
                               arith::AddFOp::create(b, loc, one, exp));
}

Value emit(ReluOp op, OpBuilder &b, Location loc, Value x) {
  Value zero = createScalar(b, loc, x.getType(), 0);
  if (isa<FloatType>(x.getType()))
    return arith::MaximumFOp::create(b, loc, x, zero);
  if (!isSignedElement(elementTypeOf(op.getOperand())))
    return x;
  return arith::MaxSIOp::create(b, loc, x, zero);
}

Value emit(NotOp, OpBuilder &b, Location loc, Value x) {
  return arith::XOrIOp::create(b, loc, x, createScalar(b, loc, x.getType(), 1));
}

Value emit(BitwiseNotOp, OpBuilder &b, Location loc, Value x) {
  return arith::XOrIOp::create(b, loc, x,
                               createScalar(b, loc, x.getType(), -1));
}

Value emit(IsNaNOp, OpBuilder &b, Location loc, Value x) {
  return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNO, x, x);
}

Value emit(IsInfOp op, OpBuilder &b, Location loc, Value x) {
  Value result = createScalar(b, loc, b.getI1Type(), 0);
  auto equals = [&](bool negative) {
    Value limit = createLimit(b, loc, x.getType(), true, negative);
    Value equal =
        arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OEQ, x, limit);
    result = arith::OrIOp::create(b, loc, result, equal);
  };
  if (op.getDetectNegative())
    equals(true);
  if (op.getDetectPositive())
    equals(false);
  return result;
}

/// Ops whose scalar form is one of the `emit` functions above.
template <typename Op> struct EmitPattern : OpConversionPattern<Op> {
  using OpConversionPattern<Op>::OpConversionPattern;
  LogicalResult
  matchAndRewrite(Op op, typename Op::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(
        this->getTypeConverter()->convertType(op.getType()));
    rewriter.replaceOp(op, createElementwise(rewriter, op.getLoc(), type,
                                             adaptor.getOperands(),
                                             [&](OpBuilder &b, Location loc,
                                                 ValueRange args) -> Value {
                                               return emit(op, b, loc, args[0]);
                                             }));
    return success();
  }
};

} // namespace

void llmc::populateUnaryToLinalg(const LowerTypeConverter &converter,
                                 RewritePatternSet &patterns) {
  patterns.add<
      FloatOpPattern<FloorOp, math::FloorOp>,
      FloatOpPattern<CeilOp, math::CeilOp>,
      FloatOpPattern<RoundOp, math::RoundEvenOp>,
      FloatOpPattern<SqrtOp, math::SqrtOp>, FloatOpPattern<ExpOp, math::ExpOp>,
      FloatOpPattern<LogOp, math::LogOp>, FloatOpPattern<SinOp, math::SinOp>,
      FloatOpPattern<CosOp, math::CosOp>, FloatOpPattern<TanOp, math::TanOp>,
      FloatOpPattern<AsinOp, math::AsinOp>,
      FloatOpPattern<AcosOp, math::AcosOp>,
      FloatOpPattern<AtanOp, math::AtanOp>,
      FloatOpPattern<SinhOp, math::SinhOp>,
      FloatOpPattern<CoshOp, math::CoshOp>,
      FloatOpPattern<TanhOp, math::TanhOp>,
      FloatOpPattern<AsinhOp, math::AsinhOp>,
      FloatOpPattern<AcoshOp, math::AcoshOp>,
      FloatOpPattern<AtanhOp, math::AtanhOp>,
      FloatOpPattern<ErfOp, math::ErfOp>>(converter, patterns.getContext());
  patterns
      .add<EmitPattern<AbsOp>, EmitPattern<NegOp>, EmitPattern<SignOp>,
           EmitPattern<ReciprocalOp>, EmitPattern<SigmoidOp>,
           EmitPattern<ReluOp>, EmitPattern<NotOp>, EmitPattern<BitwiseNotOp>,
           EmitPattern<IsNaNOp>, EmitPattern<IsInfOp>>(converter,
                                                       patterns.getContext());
}
