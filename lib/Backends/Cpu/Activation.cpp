//===- Activation.cpp - what is done to the sums of a linear --------------===//

#include "LinearKernel.h"
#include "SpecialFunctions.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::cpu;

/// x times a number between 0 and 1.
static Value emitSilu(KernelBuilder &k, Value x) {
  Value exponential = emitExp(k, arith::NegFOp::create(k.b, k.loc, x));
  return k.divF(x, k.addF(k.constant(x.getType(), 1), exponential));
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
