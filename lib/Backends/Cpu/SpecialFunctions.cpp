//===- SpecialFunctions.cpp - exp and erf of vectors ----------------------===//

#include "SpecialFunctions.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::cpu;

/// `highest` above it; what is not a number stays so.
static Value limit(KernelBuilder &k, Value x, double highest) {
  Value high = k.constant(x.getType(), highest);
  Value isAbove =
      arith::CmpFOp::create(k.b, k.loc, arith::CmpFPredicate::OLT, high, x);
  return k.select(isAbove, high, x);
}

/// `lowest` below and `highest` above them; what is not a number stays so.
static Value clamp(KernelBuilder &k, Value x, double lowest, double highest) {
  return limit(k, k.maximum(k.constant(x.getType(), lowest), x), highest);
}

/// The polynomial of x whose coefficients begin with that of the highest power.
static Value emitPolynomial(KernelBuilder &k, Value x,
                            ArrayRef<double> coefficients) {
  Value sum = k.constant(x.getType(), coefficients.front());
  for (double coefficient : coefficients.drop_front())
    sum = k.fma(sum, x, k.constant(x.getType(), coefficient));
  return sum;
}

namespace {
/// An integer in the low bits of words, and what a number is above it.
struct Nearest {
  Value bits, rest;
};
} // namespace

/// The n next to x times `scale`, and what is left, from -1/2 to 1/2: a number
/// whose last bit counts 1 has n in its low bits.
static Nearest findNearest(KernelBuilder &k, Value x, double scale) {
  auto type = cast<VectorType>(x.getType());
  Value by = k.constant(type, scale), shifter = k.constant(type, 3 << 22);
  Value shifted = k.fma(x, by, shifter);
  Value n = k.subF(shifted, shifter);
  return {k.bitcast(shifted, type.clone(k.i32())),
          k.fma(x, by, arith::NegFOp::create(k.b, k.loc, n))};
}

/// 2^n 2^f, where n + f is x log2(e), whose second part keeps f exact to 2^-24;
/// n plus the exponent's bias is the exponent of 2^n.
Value llmc::cpu::emitExp(KernelBuilder &k, Value x, bool becomesBF16) {
  constexpr double log2e = 0x1.715476p0, log2eRest = 0x1.4ae0cp-26;
  auto type = cast<VectorType>(x.getType());
  auto integers = type.clone(k.i32());
  // Where n is -127 or 128, 2^n is 0 or inf.
  x = clamp(k, x, -88.1, 88.8);
  auto [n, f] = findNearest(k, x, log2e);
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
      arith::ShLIOp::create(k.b, k.loc, k.add(n, k.constant(integers, 127)),
                            k.constant(integers, 23));
  return k.mulF(power, k.bitcast(exponent, type));
}

/// A polynomial for each of the 16 numbers n that 3.9 |x| is next to, of how
/// far it is from n: the coefficients come from registers by their lanes.
/// From 3.97 on erf is 1 in f32.
static Value emitErfByParts(KernelBuilder &k, Value x) {
  constexpr double scale = 3.9, last = 15.49 / scale;
  constexpr float coefficients[][16] = {
      {0.000123025413, 8.78947612e-05, 4.85028249e-06, -6.14147211e-05,
       -7.51848493e-05, -4.76436289e-05, -1.1917783e-05, 9.52589562e-06,
       1.43718235e-05, 1.06481757e-05, 5.66601602e-06, 2.37115614e-06,
       8.10573795e-07, 2.30930738e-07, 5.55004007e-08, 1.13427321e-08},
      {1.20089851e-06, 0.000555522915, 0.000787621189, 0.00062600919,
       0.000261709385, -5.55433617e-05, -0.000201417453, -0.000199652903,
       -0.000134434609, -7.01706085e-05, -2.97877541e-05, -1.05287581e-05,
       -3.14090789e-06, -7.97660618e-07, -1.73469729e-07, -3.2442049e-08},
      {-0.00634098472, -0.00515694171, -0.00231091212, 0.00064346788,
       0.00244454527, 0.00280307722, 0.00222010468, 0.00137686357,
       0.000699655444, 0.000297782011, 0.000107486361, 3.31629926e-05,
       8.79209256e-06, 2.01045145e-06, 3.97607579e-07, 6.81529357e-08},
      {1.66501195e-08, -0.0178114064, -0.0292463079, -0.0315791294,
       -0.0265748519, -0.0183825549, -0.0107029583, -0.00531199109,
       -0.00226435275, -0.000833061407, -0.000265398208, -7.33895577e-05,
       -1.76458707e-05, -3.69401346e-06, -6.73977354e-07, -1.07259332e-07},
      {0.289327979, 0.270917624, 0.222421929, 0.160107434, 0.101050615,
       0.0559190735, 0.0271315463, 0.0115420427, 0.00430511124, 0.00140792551,
       0.000403709244, 0.000101496596, 2.23732059e-05, 4.32413299e-06,
       7.32764363e-07, 1.08874048e-07},
      {0, 0.28311038, 0.531693757, 0.723341584, 0.853074014, 0.930182695,
       0.970423281, 0.988861799, 0.996279657, 0.998899817, 0.999712348,
       0.9999336, 0.99998647, 0.999997556, 0.999999642, 0.99999994}};
  auto type = cast<VectorType>(x.getType());
  Value size = limit(k, math::AbsFOp::create(k.b, k.loc, x), last), sum;
  auto [places, rest] = findNearest(k, size, scale);
  for (const auto &each : coefficients) {
    Value table = arith::ConstantOp::create(
        k.b, k.loc, DenseElementsAttr::get(type, ArrayRef(each)));
    Value chosen = k.selectLanes(table, places);
    sum = sum ? k.fma(sum, rest, chosen) : chosen;
  }
  return math::CopySignOp::create(k.b, k.loc, sum, x);
}

/// Elsewhere x times a polynomial of its square, brought to -1 to 1, up
/// to 3.92.
static Value emitErfAtOnce(KernelBuilder &k, Value x) {
  constexpr double last = 3.92;
  Type type = x.getType();
  x = clamp(k, x, -last, last);
  Value place = k.fma(k.mulF(x, x), k.constant(type, 2 / (last * last)),
                      k.constant(type, -1));
  Value quotient = emitPolynomial(
      k, place,
      {-0.000843933958, 0.00209875777, -0.00139451423, 0.00191997364,
       -0.00766056683, 0.0142099485, -0.0199949984, 0.0296975691, -0.0434368737,
       0.0583959967, -0.074019812, 0.0905969739, -0.109179229, 0.134084553,
       -0.180108622, 0.360736817});
  return k.mulF(quotient, x);
}

Value llmc::cpu::emitErf(KernelBuilder &k, Value x) {
  return k.isa.lanes == 16 && k.isa.selectsLanes() ? emitErfByParts(k, x)
                                                   : emitErfAtOnce(k, x);
}
