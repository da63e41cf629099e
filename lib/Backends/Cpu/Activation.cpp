//===- Activation.cpp - what is done to the sums of a linear --------------===//

#include "LinearKernel.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::cpu;

/// x times a number between 0 and 1.
static Value emitSilu(KernelBuilder &k, Value x) {
  Value exponential =
      math::ExpOp::create(k.b, k.loc, arith::NegFOp::create(k.b, k.loc, x));
  return k.divF(x, k.addF(k.constant(x.getType(), 1), exponential));
}

/// erf(x) to 2.3e-7 of it: x times a polynomial of its square, brought to -1 to
/// 1, which has the least largest error up to 3.92, where erf is 1 in f32.
/// MLIR's chooses among four quotients, in four times as many instructions.
static Value emitErf(KernelBuilder &k, Value x) {
  constexpr double limit = 3.92;
  constexpr double coefficients[] = {
      -0.000843933958, 0.00209875777, -0.00139451423, 0.00191997364,
      -0.00766056683,  0.0142099485,  -0.0199949984,  0.0296975691,
      -0.0434368737,   0.0583959967,  -0.074019812,   0.0905969739,
      -0.109179229,    0.134084553,   -0.180108622,   0.360736817};
  Type type = x.getType();
  auto constant = [&](double value) { return k.constant(type, value); };
  x = k.maximum(constant(-limit), x);
  // The other way round, what is not a number would not stay so.
  x = k.select(arith::CmpFOp::create(k.b, k.loc, arith::CmpFPredicate::OLT,
                                     constant(limit), x),
               constant(limit), x);
  Value place =
      k.fma(k.mulF(x, x), constant(2 / (limit * limit)), constant(-1));
  Value sum = constant(coefficients[0]);
  for (double coefficient : llvm::drop_begin(coefficients))
    sum = k.fma(sum, place, constant(coefficient));
  return k.mulF(sum, x);
}

static Value emitGelu(KernelBuilder &k, Value x, bool isTanh) {
  Type type = x.getType();
  Value inner;
  if (isTanh) {
    Value cube = k.mulF(k.mulF(x, x), x);
    inner = k.fma(cube, k.constant(type, 0.044715), x);
    inner = math::TanhOp::create(
        k.b, k.loc, k.mulF(inner, k.constant(type, 0.79788456080286536)));
  } else {
    inner = emitErf(k, k.mulF(x, k.constant(type, 0.70710678118654752)));
  }
  return k.mulF(k.mulF(x, k.constant(type, 0.5)),
                k.addF(k.constant(type, 1), inner));
}

Value llmc::cpu::emitActivation(KernelBuilder &k, Activation activation,
                                Value x) {
  switch (activation) {
  case Activation::None:
    return x;
  case Activation::Relu:
    // As llmc.relu: what is not a number stays so.
    return arith::MaximumFOp::create(k.b, k.loc, x, k.constant(x.getType(), 0));
  case Activation::Silu:
    return emitSilu(k, x);
  case Activation::Gelu:
    return emitGelu(k, x, /*isTanh=*/false);
  case Activation::TanhGelu:
    return emitGelu(k, x, /*isTanh=*/true);
  }
  llvm_unreachable("unknown activation");
}
