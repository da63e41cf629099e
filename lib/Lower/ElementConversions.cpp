//===- ElementConversions.cpp - scalars from one type to another ----------===//

#include "ElementConversions.h"
#include "FloatMath.h"

using namespace mlir;
using namespace llmc;

bool llmc::isHeldInByte(Type type) {
  if (auto integer = dyn_cast<IntegerType>(type))
    return integer.getWidth() > 1 && integer.getWidth() < 8;
  return isa<FloatType>(type) && type.getIntOrFloatBitWidth() <= 8;
}

namespace {

/// Arithmetic on i64 scalars.
struct BitMath {
  OpBuilder &b;
  Location loc;

  Value constant(int64_t value) const {
    return arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(value));
  }
  Value add(Value x, Value y) const {
    return b.createOrFold<arith::AddIOp>(loc, x, y);
  }
  Value bitAnd(Value x, int64_t mask) const {
    return b.createOrFold<arith::AndIOp>(loc, x, constant(mask));
  }
  Value bitOr(Value x, Value y) const {
    return b.createOrFold<arith::OrIOp>(loc, x, y);
  }
  Value left(Value x, int64_t bits) const {
    return b.createOrFold<arith::ShLIOp>(loc, x, constant(bits));
  }
  Value right(Value x, int64_t bits) const {
    return b.createOrFold<arith::ShRUIOp>(loc, x, constant(bits));
  }
  Value compare(arith::CmpIPredicate predicate, Value x, int64_t y) const {
    return arith::CmpIOp::create(b, loc, predicate, x, constant(y));
  }
  Value select(Value condition, Value x, Value y) const {
    return b.createOrFold<arith::SelectOp>(loc, condition, x, y);
  }
  Value toFloat(Value bits) const {
    return arith::BitcastOp::create(b, loc, b.getF64Type(), bits);
  }
  Value fromFloat(Value value) const {
    return arith::BitcastOp::create(b, loc, b.getI64Type(), value);
  }
};

/// The layout of a float of 8 bits or fewer: sign, exponent, `mantissa` bits.
struct SmallFloat {
  int64_t width, mantissa, bias;
  int64_t largest;       ///< Code of the largest finite magnitude.
  int64_t infinity, nan; ///< Codes of the magnitudes, -1 for none.
  bool negativeZeroIsNaN = false;
};

SmallFloat getLayout(Type type) {
  if (isa<Float8E4M3FNType>(type))
    return {8, 3, 7, 0x7e, -1, 0x7f};
  if (isa<Float8E4M3FNUZType>(type))
    return {8, 3, 8, 0x7f, -1, 0x80, true};
  if (isa<Float8E5M2Type>(type))
    return {8, 2, 15, 0x7b, 0x7c, 0x7e};
  if (isa<Float8E5M2FNUZType>(type))
    return {8, 2, 16, 0x7f, -1, 0x80, true};
  assert(isa<Float4E2M1FNType>(type) && "not a float of ONNX");
  return {4, 1, 1, 0x7, -1, -1};
}

constexpr int64_t f64Bias = 1023, f64Mantissa = 52;

/// The f64 of an f8E8M0FNU code, 2^(code - 127).
Value decodeExponent(const BitMath &m, Value code) {
  Value bits = m.left(m.add(code, m.constant(f64Bias - 127)), f64Mantissa);
  Value nan = m.constant(0x7ff8000000000000);
  return m.toFloat(
      m.select(m.compare(arith::CmpIPredicate::eq, code, 0xff), nan, bits));
}

/// The f64 that a code stands for.
Value decode(OpBuilder &b, Location loc, Value byte, Type type) {
  BitMath m{b, loc};
  using Predicate = arith::CmpIPredicate;
  Value code = arith::ExtUIOp::create(b, loc, b.getI64Type(), byte);
  if (isa<Float8E8M0FNUType>(type))
    return decodeExponent(m, code);
  SmallFloat layout = getLayout(type);
  int64_t signBit = int64_t(1) << (layout.width - 1);
  Value magnitude = m.bitAnd(code, signBit - 1);
  Value exponent = m.right(magnitude, layout.mantissa);
  Value mantissa = m.bitAnd(magnitude, (int64_t(1) << layout.mantissa) - 1);
  Value normal = m.toFloat(m.bitOr(
      m.left(m.add(exponent, m.constant(f64Bias - layout.bias)), f64Mantissa),
      m.left(mantissa, f64Mantissa - layout.mantissa)));
  FloatMath f{b, loc, b.getF64Type()};
  Value subnormal = f.mul(
      arith::SIToFPOp::create(b, loc, b.getF64Type(), mantissa),
      f.constant(std::ldexp(1.0, int(1 - layout.bias - layout.mantissa))));
  Value value =
      m.select(m.compare(Predicate::eq, exponent, 0), subnormal, normal);
  if (layout.infinity >= 0)
    value =
        m.select(m.compare(Predicate::eq, magnitude, layout.infinity),
                 f.constant(std::numeric_limits<double>::infinity()), value);
  Value negative = m.compare(Predicate::ne, m.bitAnd(code, signBit), 0);
  value = m.select(negative, arith::NegFOp::create(b, loc, value), value);
  Value nan = f.constant(std::numeric_limits<double>::quiet_NaN());
  if (layout.negativeZeroIsNaN)
    return m.select(m.compare(Predicate::eq, code, layout.nan), nan, value);
  if (layout.infinity >= 0)
    return m.select(m.compare(Predicate::ugt, magnitude, layout.infinity), nan,
                    value);
  if (layout.nan >= 0)
    return m.select(m.compare(Predicate::eq, magnitude, layout.nan), nan,
                    value);
  return value;
}

/// The exponent of |value| as an f8E8M0FNU code; infinity and NaN are 255.
Value encodeExponent(OpBuilder &b, Location loc, Value value,
                     ConversionOptions options) {
  using Predicate = arith::CmpIPredicate;
  BitMath m{b, loc};
  FloatMath f32{b, loc, b.getF32Type()};
  Value bits = arith::ExtUIOp::create(
      b, loc, b.getI64Type(),
      arith::BitcastOp::create(b, loc, b.getI32Type(), f32.fromFloat(value)));
  Value exponent = m.bitAnd(m.right(bits, 23), 0xff);
  Value fraction = m.bitAnd(bits, 0x7fffff);
  if (options.roundMode == "down")
    return exponent;
  // Half is the tie, which goes up except for subnormal numbers.
  Value up = m.compare(Predicate::ugt, fraction, 0);
  if (options.roundMode == "nearest") {
    Value above = m.compare(Predicate::ugt, fraction, 0x400000);
    Value tie = m.compare(Predicate::eq, fraction, 0x400000);
    Value normal = m.compare(Predicate::ne, exponent, 0);
    up = arith::OrIOp::create(b, loc, above,
                              arith::AndIOp::create(b, loc, tie, normal));
  }
  Value limit =
      m.compare(Predicate::ult, exponent, options.saturate ? 0xfe : 0xff);
  up = arith::AndIOp::create(b, loc, up, limit);
  return m.select(up, m.add(exponent, m.constant(1)), exponent);
}

/// The code of an f64, rounded to nearest, ties to even.
Value encode(OpBuilder &b, Location loc, Value value, Type type,
             ConversionOptions options) {
  if (isa<Float8E8M0FNUType>(type))
    return encodeExponent(b, loc, value, options);
  using Predicate = arith::CmpIPredicate;
  BitMath m{b, loc};
  FloatMath f{b, loc, b.getF64Type()};
  SmallFloat layout = getLayout(type);
  constexpr int64_t infinityBits = 0x7ff0000000000000;
  Value bits = m.fromFloat(value);
  Value magnitude = m.bitAnd(bits, 0x7fffffffffffffff);
  // The exponent that the code will have, at least that of subnormals.
  Value least = m.constant(f64Bias + 1 - layout.bias);
  Value exponent = b.createOrFold<arith::MaxSIOp>(
      loc, m.right(magnitude, f64Mantissa), least);
  // In units of the last place it is an integer, which rounding may carry into
  // the exponent: the sum of both is the code all the same. The unit's inverse
  // is a power of two, made from its exponent.
  Value inverse = m.toFloat(
      m.left(b.createOrFold<arith::SubIOp>(
                 loc, m.constant(2 * f64Bias + layout.mantissa), exponent),
             f64Mantissa));
  // Infinity and NaN have exponents out of the range of this: they are
  // replaced below, but must not make the conversion undefined.
  Value special = m.compare(Predicate::uge, magnitude, infinityBits);
  Value safe = m.select(special, f.constant(0), m.toFloat(magnitude));
  Value rounded = math::RoundEvenOp::create(b, loc, f.mul(safe, inverse));
  Value units = arith::FPToSIOp::create(b, loc, b.getI64Type(), rounded);
  Value above = b.createOrFold<arith::SubIOp>(loc, exponent, least);
  Value code = m.add(units, m.left(above, layout.mantissa));

  int64_t overflow = layout.infinity >= 0 ? layout.infinity : layout.nan;
  if (options.saturate || overflow < 0)
    overflow = layout.largest;
  Value tooLarge = arith::OrIOp::create(
      b, loc, special, m.compare(Predicate::ugt, code, layout.largest));
  code = m.select(tooLarge, m.constant(overflow), code);
  Value isNaN = m.compare(Predicate::ugt, magnitude, infinityBits);
  int64_t signBit = int64_t(1) << (layout.width - 1);
  // Without a NaN it is a zero of the other sign.
  code =
      m.select(isNaN, m.constant(layout.nan < 0 ? signBit : layout.nan), code);
  Value sign = m.left(m.right(bits, 63), layout.width - 1);
  Value hasSign = m.compare(Predicate::ne, code, -1);
  if (layout.negativeZeroIsNaN) {
    hasSign = arith::AndIOp::create(b, loc, m.compare(Predicate::ne, code, 0),
                                    m.compare(Predicate::ne, code, layout.nan));
  }
  sign = m.select(hasSign, sign, m.constant(0));
  return b.createOrFold<arith::XOrIOp>(loc, code, sign);
}

/// A sub-byte integer out of its byte.
Value extendByte(OpBuilder &b, Location loc, Value byte, IntegerType type) {
  Type i8 = b.getI8Type();
  int64_t unused = 8 - type.getWidth();
  Value shift = createScalar(b, loc, i8, double(unused));
  Value high = arith::ShLIOp::create(b, loc, byte, shift);
  if (isSignedElement(type))
    return arith::ShRSIOp::create(b, loc, high, shift);
  return arith::ShRUIOp::create(b, loc, high, shift);
}

Value toInteger(OpBuilder &b, Location loc, Value value, IntegerType to) {
  if (to.getWidth() == 1)
    return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNE, value,
                                 createScalar(b, loc, value.getType(), 0));
  auto signless = IntegerType::get(to.getContext(), to.getWidth());
  // Narrow and unsigned results wrap as in numpy: through i64.
  if (to.getWidth() < 64) {
    Value wide = arith::FPToSIOp::create(b, loc, b.getI64Type(), value);
    return arith::TruncIOp::create(b, loc, signless, wide);
  }
  if (to.isUnsigned())
    return arith::FPToUIOp::create(b, loc, signless, value);
  return arith::FPToSIOp::create(b, loc, signless, value);
}

Value resizeInteger(OpBuilder &b, Location loc, Value value, bool isSigned,
                    IntegerType to) {
  unsigned from = value.getType().getIntOrFloatBitWidth();
  if (to.getWidth() == 1)
    return from == 1
               ? value
               : arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, value,
                                       createScalar(b, loc, value.getType(), 0))
                     .getResult();
  auto signless = IntegerType::get(to.getContext(), to.getWidth());
  if (from == to.getWidth())
    return value;
  if (from > to.getWidth())
    return arith::TruncIOp::create(b, loc, signless, value);
  if (isSigned)
    return arith::ExtSIOp::create(b, loc, signless, value);
  return arith::ExtUIOp::create(b, loc, signless, value);
}

} // namespace

Value llmc::createConversion(OpBuilder &b, Location loc, Value value, Type from,
                             Type to, ConversionOptions options) {
  if (from == to)
    return value;
  bool fromSigned = isSignedElement(from);
  // Out of the byte ...
  if (isHeldInByte(from)) {
    if (auto integer = dyn_cast<IntegerType>(from))
      value = extendByte(b, loc, value, integer);
    else
      value = decode(b, loc, value, from);
  }
  // ... to a type that holds what `to` does ...
  bool inByte = isHeldInByte(to);
  Type wide = to;
  if (inByte)
    wide = isa<FloatType>(to) ? Type(b.getF64Type()) : Type(b.getI8Type());
  if (auto floatType = dyn_cast<FloatType>(wide)) {
    if (isa<FloatType>(value.getType()))
      value = FloatMath{b, loc, floatType}.fromFloat(value);
    else if (fromSigned)
      value = arith::SIToFPOp::create(b, loc, wide, value);
    else
      value = arith::UIToFPOp::create(b, loc, wide, value);
  } else if (isa<FloatType>(value.getType())) {
    value = toInteger(b, loc, value, cast<IntegerType>(wide));
  } else {
    value = resizeInteger(b, loc, value, fromSigned, cast<IntegerType>(wide));
  }
  if (!inByte)
    return value;
  // ... and into the byte.
  if (isa<FloatType>(to)) {
    Value code = encode(b, loc, value, to, options);
    return arith::TruncIOp::create(b, loc, b.getI8Type(), code);
  }
  int64_t mask = (1 << to.getIntOrFloatBitWidth()) - 1;
  return arith::AndIOp::create(
      b, loc, value, createScalar(b, loc, b.getI8Type(), double(mask)));
}

Value llmc::createSaturatingRound(OpBuilder &b, Location loc, Value value,
                                  IntegerType to) {
  // f32 holds the limits of 16 bits, f64 those of 32.
  unsigned width = to.getWidth();
  FloatType type = width > 16 || value.getType().isF64()
                       ? FloatType(b.getF64Type())
                       : FloatType(b.getF32Type());
  FloatMath m{b, loc, type};
  bool isSigned = isSignedElement(to);
  double low = isSigned ? -std::ldexp(1.0, int(width) - 1) : 0;
  double high = std::ldexp(1.0, int(isSigned ? width - 1 : width));
  // The largest 64-bit integers lie between two f64: the one below.
  high = width < 64 ? high - 1 : std::nextafter(high, 0);
  Value rounded = math::RoundEvenOp::create(b, loc, m.fromFloat(value));
  Value inRange = m.min(m.max(rounded, m.constant(low)), m.constant(high));
  if (width == 64 && !isSigned)
    return arith::FPToUIOp::create(b, loc, b.getI64Type(), inRange);
  Value wide = arith::FPToSIOp::create(b, loc, b.getI64Type(), inRange);
  if (width == 64)
    return wide;
  unsigned stored = isHeldInByte(to) ? 8 : width;
  Value result =
      arith::TruncIOp::create(b, loc, b.getIntegerType(stored), wide);
  if (stored == width)
    return result;
  int64_t mask = (int64_t(1) << width) - 1;
  return arith::AndIOp::create(
      b, loc, result, createScalar(b, loc, b.getI8Type(), double(mask)));
}
