//===- FloatMath.h - arithmetic on float scalars --------------*- C++ -*-===//

#ifndef LLMC_LIB_LOWER_FLOATMATH_H
#define LLMC_LIB_LOWER_FLOATMATH_H

#include "llmc/Lower/Patterns.h"

namespace llmc {

/// Arithmetic on scalars of one float type.
struct FloatMath {
  mlir::OpBuilder &b;
  mlir::Location loc;
  mlir::FloatType type;

  using Value = mlir::Value;
  using Compare = mlir::arith::CmpFPredicate;

  Value constant(double value) const {
    return createScalar(b, loc, type, value);
  }
  Value add(Value x, Value y) const { return make<mlir::arith::AddFOp>(x, y); }
  Value sub(Value x, Value y) const { return make<mlir::arith::SubFOp>(x, y); }
  Value mul(Value x, Value y) const { return make<mlir::arith::MulFOp>(x, y); }
  Value div(Value x, Value y) const { return make<mlir::arith::DivFOp>(x, y); }
  /// The other operand where one is NaN.
  Value max(Value x, Value y) const {
    return make<mlir::arith::MaxNumFOp>(x, y);
  }
  Value min(Value x, Value y) const {
    return make<mlir::arith::MinNumFOp>(x, y);
  }
  Value abs(Value x) const {
    return b.createOrFold<mlir::math::AbsFOp>(loc, x);
  }
  Value floor(Value x) const {
    return b.createOrFold<mlir::math::FloorOp>(loc, x);
  }
  Value ceil(Value x) const {
    return b.createOrFold<mlir::math::CeilOp>(loc, x);
  }
  Value compare(Compare predicate, Value x, Value y) const {
    return mlir::arith::CmpFOp::create(b, loc, predicate, x, y);
  }
  Value less(Value x, Value y) const { return compare(Compare::OLT, x, y); }
  Value select(Value condition, Value x, Value y) const {
    return b.createOrFold<mlir::arith::SelectOp>(loc, condition, x, y);
  }

  /// From an index.
  Value fromIndex(Value index) const {
    Value integer =
        mlir::arith::IndexCastOp::create(b, loc, b.getI64Type(), index);
    return mlir::arith::SIToFPOp::create(b, loc, type, integer);
  }
  /// From another float type, rounding.
  Value fromFloat(Value value) const {
    unsigned from = value.getType().getIntOrFloatBitWidth(),
             to = type.getIntOrFloatBitWidth();
    if (value.getType() == type)
      return value;
    if (from < to)
      return mlir::arith::ExtFOp::create(b, loc, type, value);
    // Targets call a library that artifacts do without.
    if (from == 64 && to == 16)
      value = narrowToOdd(value);
    if (from > to)
      return mlir::arith::TruncFOp::create(b, loc, type, value);
    // f16 and bf16: neither holds the other.
    Value wide = mlir::arith::ExtFOp::create(b, loc, b.getF32Type(), value);
    return mlir::arith::TruncFOp::create(b, loc, type, wide);
  }
  /// The integer below or at `x`, which is first brought into [low, high], NaN
  /// to `low`: a conversion out of range is undefined.
  Value toIndex(Value x, Value low, Value high) const {
    Value inRange = min(max(floor(x), low), high);
    Value integer =
        mlir::arith::FPToSIOp::create(b, loc, b.getI64Type(), inRange);
    return mlir::arith::IndexCastOp::create(b, loc, b.getIndexType(), integer);
  }

private:
  /// An f64 as f32, with an odd last bit where it is inexact: so that rounding
  /// this to fewer bits is rounding the f64, not rounding twice.
  Value narrowToOdd(Value value) const {
    using namespace mlir::arith;
    mlir::Type i32 = b.getI32Type(), f32 = b.getF32Type();
    Value narrow = TruncFOp::create(b, loc, f32, value);
    Value back = ExtFOp::create(b, loc, value.getType(), narrow);
    Value bits = BitcastOp::create(b, loc, i32, narrow);
    auto wide = [&](Value x) {
      return mlir::math::AbsFOp::create(b, loc, x).getResult();
    };
    // Down in magnitude, which for these bits is down as an integer.
    Value isAbove = compare(Compare::OGT, wide(back), wide(value));
    bits = SubIOp::create(b, loc, bits, ExtUIOp::create(b, loc, i32, isAbove));
    // False for NaN.
    Value isInexact = compare(Compare::ONE, back, value);
    bits = OrIOp::create(b, loc, bits, ExtUIOp::create(b, loc, i32, isInexact));
    return BitcastOp::create(b, loc, f32, bits);
  }

  template <typename Op> Value make(Value x, Value y) const {
    return b.createOrFold<Op>(loc, x, y);
  }
};

} // namespace llmc

#endif // LLMC_LIB_LOWER_FLOATMATH_H
