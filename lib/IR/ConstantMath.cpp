//===- ConstantMath.cpp - folding of elementwise ops and reductions -------===//

#include "ConstantElements.h"
#include "llmc/IR/Dialect.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"
#include <cmath>

using namespace mlir;
using namespace llmc;

/// Wraps, as all integers here do.
static int64_t negate(int64_t x) { return int64_t(-uint64_t(x)); }

static double sign(double x) { return (x > 0) - (x < 0); }

static bool foldUnary(Operation *op, const ConstantElements &operand,
                      ConstantElements &result) {
  auto floats = [&](double (*compute)(double)) {
    if (!operand.isFloat() || !result.isFloat())
      return false;
    for (int64_t i = 0; i < result.size(); ++i)
      result.setFloat(i, compute(operand.floats[i]));
    return true;
  };
  auto numbers = [&](double (*compute)(double), int64_t (*onInts)(int64_t)) {
    if (operand.isFloat())
      return floats(compute);
    for (int64_t i = 0; i < result.size(); ++i)
      result.setInt(i, onInts(operand.ints[i]));
    return true;
  };
  auto test = [&](llvm::function_ref<bool(double)> compute) {
    for (int64_t i = 0; i < result.size(); ++i)
      result.setInt(i, compute(operand.floats[i]));
    return true;
  };
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case<AbsOp>([&](auto) {
        return numbers([](double x) { return std::fabs(x); },
                       [](int64_t x) { return x < 0 ? negate(x) : x; });
      })
      .Case<NegOp>(
          [&](auto) { return numbers([](double x) { return -x; }, negate); })
      .Case<SignOp>([&](auto) {
        return numbers(sign,
                       [](int64_t x) { return int64_t(x > 0) - (x < 0); });
      })
      .Case<ReluOp>([&](auto) {
        return numbers([](double x) { return x < 0 ? 0 : x; },
                       [](int64_t x) { return x < 0 ? 0 : x; });
      })
      .Case<NotOp>([&](auto) {
        return numbers(nullptr, [](int64_t x) { return int64_t(!x); });
      })
      .Case<BitwiseNotOp>(
          [&](auto) { return numbers(nullptr, [](int64_t x) { return ~x; }); })
      .Case<FloorOp>([&](auto) { return floats(std::floor); })
      .Case<CeilOp>([&](auto) { return floats(std::ceil); })
      .Case<RoundOp>([&](auto) { return floats(std::nearbyint); })
      .Case<SqrtOp>([&](auto) { return floats(std::sqrt); })
      .Case<ReciprocalOp>(
          [&](auto) { return floats([](double x) { return 1 / x; }); })
      .Case<ExpOp>([&](auto) { return floats(std::exp); })
      .Case<LogOp>([&](auto) { return floats(std::log); })
      .Case<SinOp>([&](auto) { return floats(std::sin); })
      .Case<CosOp>([&](auto) { return floats(std::cos); })
      .Case<TanhOp>([&](auto) { return floats(std::tanh); })
      .Case<ErfOp>([&](auto) { return floats(std::erf); })
      .Case<SigmoidOp>([&](auto) {
        return floats([](double x) { return 1 / (1 + std::exp(-x)); });
      })
      .Case<IsNaNOp>(
          [&](auto) { return test([](double x) { return std::isnan(x); }); })
      .Case<IsInfOp>([&](IsInfOp isInf) {
        return test([&](double x) {
          return std::isinf(x) && (x < 0 ? isInf.getDetectNegative()
                                         : isInf.getDetectPositive());
        });
      })
      .Default([](Operation *) { return false; });
}

/// Rounds once: 64 bits do not go into a double.
static double roundInteger(int64_t value, Type elementType) {
  APFloat result(cast<FloatType>(elementType).getFloatSemantics());
  result.convertFromAPInt(APInt(64, uint64_t(value)), /*IsSigned=*/true,
                          APFloat::rmNearestTiesToEven);
  return FloatAttr::getValueAsDouble(result);
}

/// Conversion of one element; fails where the result is not defined.
static bool castElement(const ConstantElements &from, ConstantElements &to,
                        int64_t index) {
  bool toBool = to.elementType().isInteger(1);
  if (!from.isFloat()) {
    int64_t value = from.ints[index];
    if (to.isFloat())
      to.floats[index] = roundInteger(value, to.elementType());
    else
      to.setInt(index, toBool ? value != 0 : value);
    return true;
  }
  double value = from.floats[index];
  if (to.isFloat()) {
    to.setFloat(index, value);
    return true;
  }
  if (toBool) {
    to.setInt(index, value != 0);
    return true;
  }
  unsigned width = to.elementType().getIntOrFloatBitWidth();
  bool isUnsigned = to.elementType().isUnsignedInteger();
  double limit = std::ldexp(1.0, isUnsigned ? width : width - 1);
  value = std::trunc(value);
  if (!(value < limit && value >= (isUnsigned ? 0 : -limit)))
    return false;
  to.setInt(index, int64_t(value));
  return true;
}

static std::optional<int64_t> integerPower(int64_t base, int64_t exponent) {
  if (exponent < 0)
    return std::nullopt;
  uint64_t result = 1, factor = uint64_t(base);
  for (; exponent > 0; exponent >>= 1, factor *= factor)
    if (exponent & 1)
      result *= factor;
  return int64_t(result);
}

static std::optional<int64_t> combineInts(Operation *op, int64_t a, int64_t b) {
  using Result = std::optional<int64_t>;
  auto wrap = [](uint64_t value) { return Result(int64_t(value)); };
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case<AddOp>([&](auto) { return wrap(uint64_t(a) + uint64_t(b)); })
      .Case<SubOp>([&](auto) { return wrap(uint64_t(a) - uint64_t(b)); })
      .Case<MulOp>([&](auto) { return wrap(uint64_t(a) * uint64_t(b)); })
      .Case<DivOp>([&](auto) -> Result {
        if (b == 0)
          return std::nullopt;
        return b == -1 ? wrap(-uint64_t(a)) : Result(a / b);
      })
      .Case<ModOp>([&](ModOp mod) -> Result {
        if (b == 0)
          return std::nullopt;
        int64_t rest = b == -1 ? 0 : a % b;
        if (!mod.getFmod() && rest != 0 && (rest < 0) != (b < 0))
          rest += b;
        return rest;
      })
      .Case<PowOp>([&](auto) { return integerPower(a, b); })
      .Case<MaxOp>([&](auto) { return Result(std::max(a, b)); })
      .Case<MinOp>([&](auto) { return Result(std::min(a, b)); })
      .Case<AndOp, BitwiseAndOp>([&](auto) { return Result(a & b); })
      .Case<OrOp, BitwiseOrOp>([&](auto) { return Result(a | b); })
      .Case<XorOp, BitwiseXorOp>([&](auto) { return Result(a ^ b); })
      .Case<EqualOp>([&](auto) { return Result(a == b); })
      .Case<LessOp>([&](auto) { return Result(a < b); })
      .Case<LessOrEqualOp>([&](auto) { return Result(a <= b); })
      .Case<GreaterOp>([&](auto) { return Result(a > b); })
      .Case<GreaterOrEqualOp>([&](auto) { return Result(a >= b); })
      .Default([](Operation *) { return std::nullopt; });
}

static std::optional<double> combineFloats(Operation *op, double a, double b) {
  using Result = std::optional<double>;
  auto pick = [&](bool first) {
    return std::isnan(a) ? a : std::isnan(b) ? b : first ? a : b;
  };
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case<AddOp>([&](auto) { return a + b; })
      .Case<SubOp>([&](auto) { return a - b; })
      .Case<MulOp>([&](auto) { return a * b; })
      .Case<DivOp>([&](auto) { return a / b; })
      .Case<PowOp>([&](auto) { return std::pow(a, b); })
      .Case<MaxOp>([&](auto) { return pick(a > b); })
      .Case<MinOp>([&](auto) { return pick(a < b); })
      .Case<EqualOp>([&](auto) { return a == b; })
      .Case<LessOp>([&](auto) { return a < b; })
      .Case<LessOrEqualOp>([&](auto) { return a <= b; })
      .Case<GreaterOp>([&](auto) { return a > b; })
      .Case<GreaterOrEqualOp>([&](auto) { return a >= b; })
      .Default([](Operation *) { return std::nullopt; });
}

static bool foldBinary(Operation *op, const ConstantElements &lhs,
                       const ConstantElements &rhs, ConstantElements &result) {
  bool defined = true;
  forEachIndex(result.shape(), [&](int64_t linear, ArrayRef<int64_t> index) {
    int64_t a = broadcastIndex(lhs.shape(), index),
            b = broadcastIndex(rhs.shape(), index);
    if (lhs.isFloat() != rhs.isFloat()) {
      // Only the exponent of a power may have another type than the base.
      defined &= isa<PowOp>(op) && lhs.isFloat();
      if (defined)
        result.setFloat(linear, std::pow(lhs.floats[a], double(rhs.ints[b])));
      return;
    }
    if (!lhs.isFloat()) {
      std::optional<int64_t> value = combineInts(op, lhs.ints[a], rhs.ints[b]);
      defined &= value.has_value();
      if (value)
        result.setInt(linear, *value);
      return;
    }
    std::optional<double> value =
        combineFloats(op, lhs.floats[a], rhs.floats[b]);
    defined &= value.has_value();
    if (value && result.isFloat())
      result.setFloat(linear, *value);
    else if (value)
      result.setInt(linear, *value != 0);
  });
  return defined && result.size() > 0;
}

bool llmc::foldElementwise(Operation *op, ConstantOperands operands,
                           ConstantElements &result) {
  if (isa<CastOp>(op)) {
    bool defined = true;
    for (int64_t i = 0; i < result.size(); ++i)
      defined &= castElement(*operands[0], result, i);
    return defined;
  }
  if (isa<WhereOp>(op)) {
    forEachIndex(result.shape(), [&](int64_t linear, ArrayRef<int64_t> index) {
      bool condition =
          operands[0]->ints[broadcastIndex(operands[0]->shape(), index)];
      const ConstantElements &source = *operands[condition ? 1 : 2];
      result.copy(linear, source, broadcastIndex(source.shape(), index));
    });
    return true;
  }
  if (operands.size() == 1)
    return foldUnary(op, *operands[0], result);
  return operands.size() == 2 && op->hasTrait<Broadcasts>() &&
         foldBinary(op, *operands[0], *operands[1], result);
}

bool llmc::foldReduction(Operation *op, ConstantOperands operands,
                         ConstantElements &result) {
  auto reduce = dyn_cast<ReduceOp>(op);
  if (!reduce || operands[0]->size() == 0)
    return false;
  const ConstantElements &operand = *operands[0];
  ReduceKind kind = reduce.getKind();
  // Exact in double only for integers and for extrema of floats.
  bool isExtremum = kind == ReduceKind::Max || kind == ReduceKind::Min;
  if (operand.isFloat() ? !isExtremum : kind == ReduceKind::Mean)
    return false;
  SmallVector<bool> started(result.size(), false);
  auto combine = [&](auto a, auto b) {
    switch (kind) {
    case ReduceKind::Sum: // of integers only, which wrap
      return decltype(a)(uint64_t(a) + uint64_t(b));
    case ReduceKind::Prod:
      return decltype(a)(uint64_t(a) * uint64_t(b));
    case ReduceKind::Max:
      return a != a || a > b ? a : b;
    default:
      return a != a || a < b ? a : b;
    }
  };
  forEachIndex(operand.shape(), [&](int64_t linear, ArrayRef<int64_t> index) {
    int64_t target = 0;
    for (auto [axis, position] : llvm::enumerate(index))
      if (!llvm::is_contained(reduce.getAxes(), int64_t(axis)))
        target = target * operand.shape()[axis] + position;
    if (!started[target]) {
      started[target] = true;
      result.copy(target, operand, linear);
    } else if (operand.isFloat()) {
      result.setFloat(target,
                      combine(result.floats[target], operand.floats[linear]));
    } else {
      result.setInt(target, combine(result.ints[target], operand.ints[linear]));
    }
  });
  return true;
}
