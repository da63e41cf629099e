//===- LiftGelu.cpp - x * Phi(x), exact or by tanh ------------------------===//

#include "Lifter.h"
#include "llmc/Lift/Passes.h"
#include "llvm/Support/MathExtras.h"

namespace llmc {
#define GEN_PASS_DEF_LIFTGELU
#include "llmc/Lift/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

/// sqrt(2 / pi) and the cubic coefficient of the tanh approximation.
static constexpr double tanhScale = 0.7978845608028654;
static constexpr double tanhCubic = 0.044715;

static bool isProduct(Value value, double coefficient, ArrayRef<Value> factors,
                      Lifter &lifter) {
  Product product = getProduct(value, lifter, factors[0]);
  return product.factors == factors &&
         isClose(product.coefficient, coefficient,
                 lifter.shapes.elementType(value));
}

/// x / sqrt(2).
static bool isErfArgument(Value value, Value x, Lifter &lifter) {
  return isProduct(value, llvm::numbers::inv_sqrt2, {x}, lifter);
}

/// sqrt(2 / pi) * (x + 0.044715 x^3), or the same with x taken out.
static bool isTanhArgument(Value value, Value x, Lifter &lifter) {
  Product product = getProduct(value, lifter, x);
  if (!isClose(product.coefficient, tanhScale,
               lifter.shapes.elementType(value)))
    return false;
  if (product.factors.size() == 1) {
    auto [linear, cubic] = matchEitherOrder<AddOp>(
        product.factors[0], [&](Value operand) { return operand == x; });
    return cubic && isProduct(cubic, tanhCubic, {x, x, x}, lifter);
  }
  if (product.factors.size() != 2)
    return false;
  for (unsigned i : {0, 1}) {
    auto [one, square] =
        matchEitherOrder<AddOp>(product.factors[i], [&](Value operand) {
          return lifter.isScalar(operand, 1);
        });
    if (product.factors[1 - i] == x && square &&
        isProduct(square, tanhCubic, {x, x}, lifter))
      return true;
  }
  return false;
}

/// Values that are multiplied in the tree of products under `value`.
static void collectFactors(Value value, SmallVectorImpl<Value> &factors,
                           Lifter &lifter) {
  Operation *op = value.getDefiningOp();
  if (factors.size() > 8 || !isa_and_nonnull<MulOp, DivOp>(op))
    return;
  for (Value operand : op->getOperands())
    if (!lifter.getScalar(operand)) {
      factors.push_back(operand);
      collectFactors(operand, factors, lifter);
    }
}

/// Whether `root` is 0.5 x (1 + f(x)).
static bool matchGelu(MulOp root, Value x, bool &isTanh, Lifter &lifter) {
  Product product = getProduct(root, lifter, x);
  if (product.factors.size() != 2 || product.coefficient != 0.5 ||
      !lifter.haveSameShape(x, root))
    return false;
  for (unsigned i : {0, 1}) {
    auto [one, function] =
        matchEitherOrder<AddOp>(product.factors[1 - i], [&](Value operand) {
          return lifter.isScalar(operand, 1);
        });
    if (product.factors[i] != x || !function)
      continue;
    auto erf = function.getDefiningOp<ErfOp>();
    auto tanh = function.getDefiningOp<TanhOp>();
    isTanh = bool(tanh);
    if ((erf && isErfArgument(erf.getOperand(), x, lifter)) ||
        (tanh && isTanhArgument(tanh.getOperand(), x, lifter)))
      return true;
  }
  return false;
}

static bool liftGelu(MulOp root, Lifter &lifter) {
  SmallVector<Value> factors;
  collectFactors(root, factors, lifter);
  for (Value x : factors) {
    bool isTanh;
    if (!matchGelu(root, x, isTanh, lifter))
      continue;
    lifter.replace(root, lifter.create<GeluOp>(root, x, isTanh));
    return true;
  }
  return false;
}

namespace {

struct LiftGelu : llmc::impl::LiftGeluBase<LiftGelu> {
  void runOnOperation() override {
    if (failed(liftEach<MulOp>(getOperation(), liftGelu, [&] { ++numLifted; })))
      signalPassFailure();
  }
};

} // namespace
