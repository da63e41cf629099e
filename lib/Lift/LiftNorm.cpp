//===- LiftNorm.cpp - RMS and layer normalization -------------------------===//

#include "Lifter.h"
#include "llmc/Lift/Passes.h"

namespace llmc {
#define GEN_PASS_DEF_LIFTNORM
#include "llmc/Lift/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

/// value / sqrt(variance + epsilon).
struct Normalized {
  Value operand;
  Value variance;
  double epsilon;
};

/// The e of sqrt(e), when `value` is its reciprocal.
static Value matchRsqrt(Value value, Lifter &lifter) {
  SqrtOp sqrt;
  if (auto reciprocal = value.getDefiningOp<ReciprocalOp>())
    sqrt = reciprocal.getOperand().getDefiningOp<SqrtOp>();
  else if (auto div = value.getDefiningOp<DivOp>();
           div && lifter.isScalar(div.getLhs(), 1))
    sqrt = div.getRhs().getDefiningOp<SqrtOp>();
  else if (auto pow = value.getDefiningOp<PowOp>();
           pow && lifter.isScalar(pow.getRhs(), -0.5))
    return pow.getLhs();
  return sqrt ? sqrt.getOperand() : Value();
}

static std::optional<Normalized> matchNormalized(Value value, Lifter &lifter) {
  Value operand, radicand;
  if (auto div = value.getDefiningOp<DivOp>()) {
    if (auto sqrt = div.getRhs().getDefiningOp<SqrtOp>()) {
      operand = div.getLhs();
      radicand = sqrt.getOperand();
    }
  } else {
    auto [rsqrt, other] = matchEitherOrder<MulOp>(
        value, [&](Value factor) { return bool(matchRsqrt(factor, lifter)); });
    if (rsqrt) {
      operand = other;
      radicand = matchRsqrt(rsqrt, lifter);
    }
  }
  if (!operand)
    return std::nullopt;
  auto [epsilon, variance] = matchEitherOrder<AddOp>(
      radicand, [&](Value term) { return lifter.getScalar(term).has_value(); });
  if (!variance)
    return std::nullopt;
  return Normalized{operand, variance, *lifter.getScalar(epsilon)};
}

/// The operand of a mean over the last dimension that keeps it as 1.
static Value matchMean(Value value, Lifter &lifter) {
  auto reduce = value.getDefiningOp<ReduceOp>();
  if (!reduce || reduce.getKind() != ReduceKind::Mean ||
      !reduce.getKeepdims() || reduce.getAxes().size() != 1 ||
      reduce.getAxes()[0] != lifter.shapes.rank(reduce.getOperand()) - 1)
    return {};
  return reduce.getOperand();
}

static bool isMeanSquareOf(Value value, Value x, Lifter &lifter) {
  Value square = matchMean(value, lifter);
  if (!square)
    return false;
  Product product = getProduct(square, lifter, x);
  return product.coefficient == 1 &&
         product.factors == SmallVector<Value>{x, x};
}

/// Whether `value` is `[hidden]` for x `[..., hidden]`.
static bool isPerFeature(Value value, Value x, Lifter &lifter) {
  return lifter.shapes.rank(value) == 1 &&
         lifter.shapes.dim(value, 0) == lifter.shapes.dims(x).back() &&
         lifter.shapes.elementType(value) == lifter.shapes.elementType(x);
}

/// The two ways to multiply a normalized value with a scale.
static SmallVector<std::pair<Value, Value>> getFactorPairs(MulOp mul) {
  return {{mul.getLhs(), mul.getRhs()}, {mul.getRhs(), mul.getLhs()}};
}

/// scale * x / sqrt(mean(x^2) + epsilon), computed in f32 for smaller types.
static bool liftRMSNorm(MulOp root, Lifter &lifter) {
  for (auto [scale, value] : getFactorPairs(root)) {
    Value inner = stripFloatCasts(value);
    std::optional<Normalized> normalized = matchNormalized(inner, lifter);
    if (!normalized ||
        !isMeanSquareOf(normalized->variance, normalized->operand, lifter))
      continue;
    // f16 -> f32 before and f32 -> f16 after are part of the op; any other
    // conversion is not.
    Value x = normalized->operand;
    if (inner != value) {
      Value narrow = stripFloatCasts(x);
      if (!lifter.shapes.elementType(x).isF32() ||
          value.getDefiningOp<CastOp>().getOperand() != inner ||
          lifter.shapes.elementType(narrow) != lifter.shapes.elementType(value))
        continue;
      x = narrow;
    }
    if (!lifter.shapes.elementType(normalized->operand).isF32() ||
        !isPerFeature(scale, x, lifter))
      continue;
    lifter.replace(
        root, lifter.create<RMSNormOp>(root, x, scale,
                                       APFloat(float(normalized->epsilon))));
    return true;
  }
  return false;
}

/// (x - mean(x)) / sqrt(mean((x - mean(x))^2) + epsilon) * scale + bias.
static bool liftLayerNorm(AddOp root, Lifter &lifter) {
  for (auto [bias, scaled] : {std::pair(root.getLhs(), root.getRhs()),
                              std::pair(root.getRhs(), root.getLhs())}) {
    auto mul = scaled.getDefiningOp<MulOp>();
    if (!mul)
      continue;
    for (auto [scale, value] : getFactorPairs(mul)) {
      std::optional<Normalized> normalized = matchNormalized(value, lifter);
      if (!normalized ||
          !isMeanSquareOf(normalized->variance, normalized->operand, lifter))
        continue;
      auto centered = normalized->operand.getDefiningOp<SubOp>();
      if (!centered ||
          matchMean(centered.getRhs(), lifter) != centered.getLhs())
        continue;
      Value x = centered.getLhs();
      if (!lifter.shapes.elementType(x).isF32() ||
          !isPerFeature(scale, x, lifter) || !isPerFeature(bias, x, lifter))
        continue;
      lifter.replace(root, lifter.create<LayerNormOp>(
                               root, x, scale, bias,
                               uint64_t(lifter.shapes.rank(x) - 1),
                               APFloat(float(normalized->epsilon))));
      return true;
    }
  }
  return false;
}

namespace {

struct LiftNorm : llmc::impl::LiftNormBase<LiftNorm> {
  void runOnOperation() override {
    if (failed(liftEach<AddOp>(getOperation(), liftLayerNorm,
                               [&] { ++numLayerNorm; })) ||
        failed(liftEach<MulOp>(getOperation(), liftRMSNorm,
                               [&] { ++numRMSNorm; })))
      signalPassFailure();
  }
};

} // namespace
