//===- SpecialFunctions.cpp - exp and erf of vectors ----------------------===//

#include "SpecialFunctions.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::cpu;

/// `lowest` or `highest` beyond them; what is not a number stays so.
static Value clamp(KernelBuilder &k, Value x, double lowest, double highest) {
  Value low = k.constant(x.getType(), lowest),
        high = k.constant(x.getType(), highest);
  x = k.maximum(low, x);
  Value isAbove =
      arith::CmpFOp::create(k.b, k.loc, arith::CmpFPredicate::OLT, high, x);
  return k.select(isAbove, high, x);
}

/// The polynomial of x whose coefficients begin with that of the highest power.
static Value emitPolynomial(KernelBuilder &k, Value x,
                            ArrayRef<double> coefficients) {
  Value sum = k.constant(x.getType(), coefficients.front());
  for (double coefficient : coefficients.drop_front())
    sum = k.fma(sum, x, k.constant(x.getType(), coefficient));
  return sum;
}

/// 2^n 2^f, where n + f is x log2(e), whose second part keeps f exact to 2^-24:
/// n, from -1/2 to 1/2 away, is what is left in a number whose last bit counts
/// 1, and n plus the exponent's bias is the exponent of 2^n.
Value llmc::cpu::emitExp(KernelBuilder &k, Value x, bool becomesBF16) {
  constexpr double shifter = 3 << 22, log2e = 0x1.715476p0,
                   log2eRest = 0x1.4ae0cp-26;
  Type type = x.getType();
  auto integers = cast<VectorType>(type).clone(k.i32());
  // Where n is -127 or 128, 2^n is 0 or inf.
  x = clamp(k, x, -88.1, 88.8);
  Value scale = k.constant(type, log2e);
  Value shifted = k.fma(x, scale, k.constant(type, shifter));
  Value n = k.subF(shifted, k.constant(type, shifter));
  Value f = k.fma(x, scale, arith::NegFOp::create(k.b, k.loc, n));
  Value power;
  if (becomesBF16) {
    power = emitPolynomial(
        k, f, {0.00957010221, 0.0559178591, 0.240247443, 0.693121791, 1});
  } else {
    f = k.fma(x, k.constant(type, log2eRest), f);
    power = emitPolynomial(k, f,
                           {0.000153458124, 0.00133999309, 0.00961848907,
                            0.0555032864, 0.240226462, 0.693147182, 1});
  }
  Value exponent =
      k.add(k.bitcast(shifted, integers), k.constant(integers, 127));
  exponent =
      arith::ShLIOp::create(k.b, k.loc, exponent, k.constant(integers, 23));
  return k.mulF(power, k.bitcast(exponent, cast<VectorType>(type)));
}

/// x times a polynomial of its square, brought to -1 to 1, up to 3.92, where
/// erf is 1 in f32.
Value llmc::cpu::emitErf(KernelBuilder &k, Value x) {
  constexpr double limit = 3.92;
  Type type = x.getType();
  x = clamp(k, x, -limit, limit);
  Value place = k.fma(k.mulF(x, x), k.constant(type, 2 / (limit * limit)),
                      k.constant(type, -1));
  Value quotient = emitPolynomial(
      k, place,
      {-0.000843933958, 0.00209875777, -0.00139451423, 0.00191997364,
       -0.00766056683, 0.0142099485, -0.0199949984, 0.0296975691, -0.0434368737,
       0.0583959967, -0.074019812, 0.0905969739, -0.109179229, 0.134084553,
       -0.180108622, 0.360736817});
  return k.mulF(quotient, x);
}
