//===- BinaryToLinalg.cpp - elementwise ops of two and three operands -----===//

#include "llmc/Lower/Patterns.h"

using namespace mlir;
using namespace llmc;

namespace {

/// What a scalar body needs of its op: the operands' original element type
/// says whether integers are signed.
struct Scalars {
  OpBuilder &b;
  Location loc;
  Value lhs, rhs;
  bool isSigned;

  bool isFloat() const { return isa<FloatType>(lhs.getType()); }
  Value constant(double value) const {
    return createScalar(b, loc, lhs.getType(), value);
  }
  Value select(Value condition, Value a, Value c) const {
    return arith::SelectOp::create(b, loc, condition, a, c);
  }
  Value equals(Value a, double value) const {
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, a,
                                 createScalar(b, loc, a.getType(), value));
  }
};

template <typename FloatOp, typename IntOp> Value pick(const Scalars &s) {
  if (s.isFloat())
    return FloatOp::create(s.b, s.loc, s.lhs, s.rhs);
  return IntOp::create(s.b, s.loc, s.lhs, s.rhs);
}

template <typename FloatOp, typename SignedOp, typename UnsignedOp>
Value pick(const Scalars &s) {
  if (!s.isFloat() && !s.isSigned)
    return UnsignedOp::create(s.b, s.loc, s.lhs, s.rhs);
  return pick<FloatOp, SignedOp>(s);
}

/// A divisor that cannot trap: x / 0 and MIN / -1 are undefined in ONNX, but
/// must not end the process.
Value safeDivisor(const Scalars &s) {
  Value unsafe = s.equals(s.rhs, 0);
  if (s.isSigned)
    unsafe = arith::OrIOp::create(s.b, s.loc, unsafe, s.equals(s.rhs, -1));
  return s.select(unsafe, s.constant(1), s.rhs);
}

Value emit(AddOp, const Scalars &s) {
  return pick<arith::AddFOp, arith::AddIOp>(s);
}
Value emit(SubOp, const Scalars &s) {
  return pick<arith::SubFOp, arith::SubIOp>(s);
}
Value emit(MulOp, const Scalars &s) {
  return pick<arith::MulFOp, arith::MulIOp>(s);
}

Value emit(DivOp, const Scalars &s) {
  if (s.isFloat())
    return arith::DivFOp::create(s.b, s.loc, s.lhs, s.rhs);
  Value divisor = safeDivisor(s);
  if (!s.isSigned)
    return arith::DivUIOp::create(s.b, s.loc, s.lhs, divisor);
  Value negated = arith::SubIOp::create(s.b, s.loc, s.constant(0), s.lhs);
  return s.select(s.equals(s.rhs, -1), negated,
                  arith::DivSIOp::create(s.b, s.loc, s.lhs, divisor));
}

Value emit(ModOp op, const Scalars &s) {
  if (s.isFloat() && op.getFmod())
    return arith::RemFOp::create(s.b, s.loc, s.lhs, s.rhs);
  if (!s.isFloat() && !s.isSigned)
    return arith::RemUIOp::create(s.b, s.loc, s.lhs, safeDivisor(s));
  Value remainder;
  if (s.isFloat())
    remainder = arith::RemFOp::create(s.b, s.loc, s.lhs, s.rhs);
  else
    remainder = arith::RemSIOp::create(s.b, s.loc, s.lhs, safeDivisor(s));
  if (op.getFmod())
    return remainder;
  // Give the remainder the divisor's sign.
  auto negative = [&](Value value) -> Value {
    if (s.isFloat())
      return arith::CmpFOp::create(s.b, s.loc, arith::CmpFPredicate::OLT, value,
                                   s.constant(0));
    return arith::CmpIOp::create(s.b, s.loc, arith::CmpIPredicate::slt, value,
                                 s.constant(0));
  };
  Value differ =
      arith::XOrIOp::create(s.b, s.loc, negative(remainder), negative(s.rhs));
  Value nonZero;
  if (s.isFloat())
    nonZero = arith::CmpFOp::create(s.b, s.loc, arith::CmpFPredicate::UNE,
                                    remainder, s.constant(0));
  else
    nonZero = arith::CmpIOp::create(s.b, s.loc, arith::CmpIPredicate::ne,
                                    remainder, s.constant(0));
  Value adjust = arith::AndIOp::create(s.b, s.loc, differ, nonZero);
  Scalars sum{s.b, s.loc, remainder, s.rhs, s.isSigned};
  return s.select(adjust, pick<arith::AddFOp, arith::AddIOp>(sum), remainder);
}

Value toFloat(const Scalars &s, Value value, bool isSigned, Type type) {
  if (isa<FloatType>(value.getType())) {
    unsigned from = value.getType().getIntOrFloatBitWidth(),
             to = type.getIntOrFloatBitWidth();
    if (from < to)
      return arith::ExtFOp::create(s.b, s.loc, type, value);
    if (from > to)
      return arith::TruncFOp::create(s.b, s.loc, type, value);
    return value;
  }
  if (isSigned)
    return arith::SIToFPOp::create(s.b, s.loc, type, value);
  return arith::UIToFPOp::create(s.b, s.loc, type, value);
}

Value emit(PowOp op, const Scalars &s) {
  Type base = s.lhs.getType(), exponent = s.rhs.getType();
  bool signedExponent = isSignedElement(elementTypeOf(op.getRhs()));
  if (isa<FloatType>(base)) {
    Value power = toFloat(s, s.rhs, signedExponent, base);
    return math::PowFOp::create(s.b, s.loc, s.lhs, power);
  }
  // Integers go through f64, exact up to 2^53 as in the ONNX reference.
  (void)exponent;
  Type wide = s.b.getF64Type();
  Value power =
      math::PowFOp::create(s.b, s.loc, toFloat(s, s.lhs, s.isSigned, wide),
                           toFloat(s, s.rhs, signedExponent, wide));
  if (s.isSigned)
    return arith::FPToSIOp::create(s.b, s.loc, base, power);
  return arith::FPToUIOp::create(s.b, s.loc, base, power);
}

Value emit(MaxOp, const Scalars &s) {
  return pick<arith::MaximumFOp, arith::MaxSIOp, arith::MaxUIOp>(s);
}
Value emit(MinOp, const Scalars &s) {
  return pick<arith::MinimumFOp, arith::MinSIOp, arith::MinUIOp>(s);
}

template <typename Op> struct BitOp;
template <> struct BitOp<AndOp> {
  using type = arith::AndIOp;
};
template <> struct BitOp<OrOp> {
  using type = arith::OrIOp;
};
template <> struct BitOp<XorOp> {
  using type = arith::XOrIOp;
};
template <> struct BitOp<BitwiseAndOp> {
  using type = arith::AndIOp;
};
template <> struct BitOp<BitwiseOrOp> {
  using type = arith::OrIOp;
};
template <> struct BitOp<BitwiseXorOp> {
  using type = arith::XOrIOp;
};
template <typename Op, typename Scalar = typename BitOp<Op>::type>
Value emit(Op, const Scalars &s) {
  return Scalar::create(s.b, s.loc, s.lhs, s.rhs);
}

/// A shift by the width or more is 0, which LLVM leaves undefined.
Value emit(BitShiftOp op, const Scalars &s) {
  Value width = s.constant(s.lhs.getType().getIntOrFloatBitWidth());
  Value inRange = arith::CmpIOp::create(s.b, s.loc, arith::CmpIPredicate::ult,
                                        s.rhs, width);
  Value amount = s.select(inRange, s.rhs, s.constant(0));
  Value shifted;
  if (op.getRight())
    shifted = arith::ShRUIOp::create(s.b, s.loc, s.lhs, amount);
  else
    shifted = arith::ShLIOp::create(s.b, s.loc, s.lhs, amount);
  return s.select(inRange, shifted, s.constant(0));
}

Value compare(const Scalars &s, arith::CmpFPredicate forFloat,
              arith::CmpIPredicate forSigned,
              arith::CmpIPredicate forUnsigned) {
  if (s.isFloat())
    return arith::CmpFOp::create(s.b, s.loc, forFloat, s.lhs, s.rhs);
  return arith::CmpIOp::create(s.b, s.loc, s.isSigned ? forSigned : forUnsigned,
                               s.lhs, s.rhs);
}
using arith::CmpFPredicate;
using arith::CmpIPredicate;
Value emit(EqualOp, const Scalars &s) {
  return compare(s, CmpFPredicate::OEQ, CmpIPredicate::eq, CmpIPredicate::eq);
}
Value emit(LessOp, const Scalars &s) {
  return compare(s, CmpFPredicate::OLT, CmpIPredicate::slt, CmpIPredicate::ult);
}
Value emit(LessOrEqualOp, const Scalars &s) {
  return compare(s, CmpFPredicate::OLE, CmpIPredicate::sle, CmpIPredicate::ule);
}
Value emit(GreaterOp, const Scalars &s) {
  return compare(s, CmpFPredicate::OGT, CmpIPredicate::sgt, CmpIPredicate::ugt);
}
Value emit(GreaterOrEqualOp, const Scalars &s) {
  return compare(s, CmpFPredicate::OGE, CmpIPredicate::sge, CmpIPredicate::uge);
}

template <typename Op> struct BinaryPattern : OpConversionPattern<Op> {
  using OpConversionPattern<Op>::OpConversionPattern;
  LogicalResult
  matchAndRewrite(Op op, typename Op::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type = cast<RankedTensorType>(
        this->getTypeConverter()->convertType(op.getType()));
    bool isSigned = isSignedElement(elementTypeOf(op.getLhs()));
    rewriter.replaceOp(
        op, createElementwise(
                rewriter, op.getLoc(), type, adaptor.getOperands(),
                [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
                  return emit(op, Scalars{b, loc, args[0], args[1], isSigned});
                }));
    return success();
  }
};

struct WherePattern : OpConversionPattern<WhereOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(WhereOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type =
        cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    rewriter.replaceOp(
        op, createElementwise(
                rewriter, op.getLoc(), type, adaptor.getOperands(),
                [](OpBuilder &b, Location loc, ValueRange args) -> Value {
                  return arith::SelectOp::create(b, loc, args[0], args[1],
                                                 args[2]);
                }));
    return success();
  }
};

} // namespace

void llmc::populateBinaryToLinalg(const LowerTypeConverter &converter,
                                  RewritePatternSet &patterns) {
  patterns.add<BinaryPattern<AddOp>, BinaryPattern<SubOp>, BinaryPattern<MulOp>,
               BinaryPattern<DivOp>, BinaryPattern<ModOp>, BinaryPattern<PowOp>,
               BinaryPattern<MaxOp>, BinaryPattern<MinOp>, BinaryPattern<AndOp>,
               BinaryPattern<OrOp>, BinaryPattern<XorOp>,
               BinaryPattern<BitwiseAndOp>, BinaryPattern<BitwiseOrOp>,
               BinaryPattern<BitwiseXorOp>, BinaryPattern<BitShiftOp>,
               BinaryPattern<EqualOp>, BinaryPattern<LessOp>,
               BinaryPattern<LessOrEqualOp>, BinaryPattern<GreaterOp>,
               BinaryPattern<GreaterOrEqualOp>, WherePattern>(
      converter, patterns.getContext());
}
