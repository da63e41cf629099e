//===- CausalMask.cpp - masks that are only positions ---------------------===//

#include "CausalMask.h"

using namespace mlir;
using namespace llmc;

namespace {

/// A tensor whose element at p along one axis is p + offset, and which is
/// constant along all others.
struct Positions {
  int64_t axisFromEnd;
  AffineExpr offset;
};

/// Keys j and queries i for which j - i + offset compares with 0.
struct Comparison {
  AffineExpr offset;
  bool orEqual;
  bool keysAreLess;
};

} // namespace

/// The axis of `value` that is not 1, counted from the end, when there is one
/// only.
static std::optional<int64_t> getOnlyAxis(Value value, Lifter &lifter) {
  std::optional<int64_t> axis;
  int64_t rank = lifter.shapes.rank(value);
  for (auto [index, dim] : llvm::enumerate(lifter.shapes.dims(value))) {
    if (getConstant(dim) == 1)
      continue;
    if (axis)
      return std::nullopt;
    axis = rank - int64_t(index);
  }
  return axis;
}

static std::optional<Positions> matchPositions(Value value, Lifter &lifter) {
  std::optional<int64_t> axis = getOnlyAxis(value, lifter);
  if (!axis)
    return std::nullopt;
  AffineExpr offset = lifter.shapes.constant(0);
  while (true) {
    Operation *op = value.getDefiningOp();
    // The order of elements, and with one axis all of their places.
    if (isReshapeLike(op)) {
      value = op->getOperand(0);
      continue;
    }
    if (auto cast = dyn_cast_or_null<CastOp>(op)) {
      if (!cast.getTo().isInteger(64) && !cast.getTo().isInteger(32))
        return std::nullopt;
      value = cast.getOperand();
      continue;
    }
    if (isa_and_nonnull<AddOp, SubOp>(op)) {
      bool isSub = isa<SubOp>(op);
      for (unsigned i : {1, 0}) {
        if (i == 0 && isSub)
          return std::nullopt;
        auto term = lifter.shapes.values(op->getOperand(i));
        if (!term || term->size() != 1)
          continue;
        offset = isSub ? offset - term->front() : offset + term->front();
        value = op->getOperand(1 - i);
        op = nullptr;
        break;
      }
      if (op)
        return std::nullopt;
      continue;
    }
    auto range = dyn_cast_or_null<RangeOp>(op);
    if (!range || lifter.getScalar(range.getDelta()) != 1)
      return std::nullopt;
    auto start = lifter.shapes.values(range.getStart());
    if (!start)
      return std::nullopt;
    return Positions{*axis, lifter.shapes.simplify(offset + start->front())};
  }
}

/// `value` as a comparison of key positions (the last axis) with query
/// positions (the one before).
static std::optional<Comparison> matchComparison(Value value, Lifter &lifter) {
  Operation *op = value.getDefiningOp();
  if (!isa_and_nonnull<LessOp, LessOrEqualOp, GreaterOp, GreaterOrEqualOp>(op))
    return std::nullopt;
  std::optional<Positions> left = matchPositions(op->getOperand(0), lifter),
                           right = matchPositions(op->getOperand(1), lifter);
  if (!left || !right)
    return std::nullopt;
  bool isLess = isa<LessOp, LessOrEqualOp>(op);
  if (left->axisFromEnd == 2 && right->axisFromEnd == 1) {
    std::swap(left, right);
    isLess = !isLess;
  }
  if (left->axisFromEnd != 1 || right->axisFromEnd != 2)
    return std::nullopt;
  return Comparison{lifter.shapes.simplify(left->offset - right->offset),
                    isa<LessOrEqualOp, GreaterOrEqualOp>(op), isLess};
}

/// Adds what the i1 tensor `condition` says to `mask`; false when it says
/// anything that a CausalMask cannot.
static bool matchCondition(Value condition, AffineExpr diagonal,
                           CausalMask &mask, Lifter &lifter) {
  if (lifter.getScalar(condition) == 1)
    return true;
  Operation *op = condition.getDefiningOp();
  if (isa_and_nonnull<AndOp>(op))
    return matchCondition(op->getOperand(0), diagonal, mask, lifter) &&
           matchCondition(op->getOperand(1), diagonal, mask, lifter);
  // Broadcasting does not change what is compared.
  if (isa_and_nonnull<ExpandOp>(op))
    return matchCondition(op->getOperand(0), diagonal, mask, lifter);
  std::optional<Comparison> comparison = matchComparison(condition, lifter);
  if (!comparison)
    return false;
  // j + offset (<|<=) i, to be j (<|<=) i + diagonal.
  std::optional<int64_t> excess =
      getConstant(lifter.shapes.simplify(comparison->offset + diagonal));
  if (!excess)
    return false;
  if (comparison->keysAreLess) {
    // j <= i + diagonal - excess, one less when strict.
    if (*excess + !comparison->orEqual != 0)
      return false;
    mask.causal = true;
    return true;
  }
  // j > i + diagonal - window.
  int64_t window = *excess + comparison->orEqual;
  if (window < 1 || (mask.window != 0 && mask.window != window))
    return false;
  mask.window = window;
  return true;
}

std::optional<CausalMask> llmc::matchCausalMask(Value mask, AffineExpr queries,
                                                AffineExpr keys,
                                                Lifter &lifter) {
  Value condition = mask;
  if (!lifter.shapes.elementType(mask).isInteger(1)) {
    while (auto expand = condition.getDefiningOp<ExpandOp>())
      condition = expand.getOperand();
    auto where = condition.getDefiningOp<WhereOp>();
    if (!where || lifter.getScalar(where.getLhs()) != 0)
      return std::nullopt;
    std::optional<double> excluded = lifter.getScalar(where.getRhs());
    if (!excluded || !isExcluding(*excluded))
      return std::nullopt;
    condition = where.getCondition();
  }
  CausalMask result;
  AffineExpr diagonal = lifter.shapes.simplify(keys - queries);
  // With more queries than keys the first rows would be empty.
  if (!lifter.shapes.isNonNegative(diagonal) ||
      !matchCondition(condition, diagonal, result, lifter) ||
      (!result.causal && result.window == 0))
    return std::nullopt;
  return result;
}
