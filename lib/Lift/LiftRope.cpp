//===- LiftRope.cpp - rotary position embedding ---------------------------===//
//
// The rotate-half form that models are written in:
//
//   x * cos + concat(-x[r/2:], x[:r/2]) * sin
//
// with tables cos and sin whose two halves are the same. llmc.rope takes one
// half, so the expression that computes the table is rebuilt from the half.
//
//===----------------------------------------------------------------------===//

#include "Lifter.h"
#include "llmc/Lift/Passes.h"
#include "mlir/IR/IRMapping.h"

namespace llmc {
#define GEN_PASS_DEF_LIFTROPE
#include "llmc/Lift/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

/// The x of concat(-x[d/2:], x[:d/2]) over the last dimension.
static Value matchRotatedHalf(Value value, Lifter &lifter) {
  auto concat = value.getDefiningOp<ConcatOp>();
  if (!concat || concat.getInputs().size() != 2 ||
      concat.getAxis() != uint64_t(lifter.shapes.rank(value) - 1))
    return {};
  auto neg = concat.getInputs()[0].getDefiningOp<NegOp>();
  std::optional<SlicedDim> first = matchSliceOfLastDim(concat.getInputs()[1],
                                                       lifter),
                           second = neg ? matchSliceOfLastDim(neg.getOperand(),
                                                              lifter)
                                        : std::nullopt;
  if (!first || !second || first->operand != second->operand)
    return {};
  std::optional<int64_t> size = lifter.getSize(first->operand, -1);
  if (!size || first->start != 0 || first->length * 2 != *size ||
      second->start != first->length || second->length != first->length)
    return {};
  return first->operand;
}

/// The first half of the last dimension of `table`, computed without the
/// second; nothing unless both halves are the same.
static Value createHalf(Operation *root, Value table, Lifter &lifter) {
  Operation *op = table.getDefiningOp();
  int64_t last = lifter.shapes.rank(table) - 1;
  auto half = [&](Value value) { return createHalf(root, value, lifter); };
  if (auto concat = dyn_cast_or_null<ConcatOp>(op)) {
    ValueRange inputs = concat.getInputs();
    return concat.getAxis() == uint64_t(last) && inputs.size() == 2 &&
                   inputs[0] == inputs[1]
               ? inputs[0]
               : Value();
  }
  if (!isa_and_nonnull<CosOp, SinOp, CastOp, NegOp, MulOp, DivOp, UnsqueezeOp,
                       SqueezeOp, TransposeOp>(op))
    return {};
  if (auto transpose = dyn_cast<TransposeOp>(op);
      transpose && transpose.getPerm().back() != last)
    return {};
  ArrayRef<int64_t> axes;
  if (auto unsqueeze = dyn_cast<UnsqueezeOp>(op))
    axes = unsqueeze.getAxes();
  if (auto squeeze = dyn_cast<SqueezeOp>(op)) {
    axes = squeeze.getAxes();
    last = lifter.shapes.rank(squeeze.getOperand()) - 1;
  }
  if (llvm::is_contained(axes, last))
    return {};
  SmallVector<Value> operands;
  for (Value operand : op->getOperands()) {
    if (isa<MulOp, DivOp>(op) && lifter.getScalar(operand)) {
      operands.push_back(operand);
      continue;
    }
    Value part = half(operand);
    if (!part)
      return {};
    operands.push_back(part);
  }
  OpBuilder builder(root);
  IRMapping mapping;
  for (auto [from, to] : llvm::zip(op->getOperands(), operands))
    mapping.map(from, to);
  Operation *copy = builder.clone(*op, mapping);
  // The clone has the type of the whole table until it is inferred anew.
  auto type = cast<RankedTensorType>(table.getType());
  SmallVector<int64_t> sizes(type.getShape().size(), ShapedType::kDynamic);
  copy->getResult(0).setType(
      RankedTensorType::get(sizes, type.getElementType()));
  (void)analyzeShapes(copy, lifter.shapes);
  copy->getResult(0).setType(getRefinedType(copy->getResult(0), lifter.shapes));
  return copy->getResult(0);
}

/// Where the heads are in x `[batch, *, *, head_size]`.
enum class HeadAxis { One, Two };

/// `table` as `[batch or 1, sequence, columns]`, when it broadcasts over the
/// heads of x.
static Value createTable(Operation *root, Value table, Value x, HeadAxis heads,
                         Lifter &lifter) {
  int64_t rank = lifter.shapes.rank(table);
  int64_t headAxis = heads == HeadAxis::One ? 1 : 2;
  AffineExpr sequence = lifter.shapes.dim(x, 3 - headAxis);
  // Missing leading dimensions are 1.
  auto sizeAt = [&](int64_t axis) {
    return axis < 4 - rank ? lifter.shapes.constant(1)
                           : lifter.shapes.dim(table, axis - (4 - rank));
  };
  if (rank < 2 || rank > 4 || getConstant(sizeAt(headAxis)) != 1 ||
      sizeAt(3 - headAxis) != sequence ||
      (getConstant(sizeAt(0)) != 1 && sizeAt(0) != lifter.shapes.dim(x, 0)))
    return {};
  Value half = createHalf(root, table, lifter);
  if (!half || rank == 3)
    return half;
  if (rank == 2)
    return lifter.create<UnsqueezeOp>(root, half, ArrayRef<int64_t>{0});
  if (auto unsqueeze = half.getDefiningOp<UnsqueezeOp>();
      unsqueeze && unsqueeze.getAxes() == ArrayRef<int64_t>{headAxis})
    return unsqueeze.getOperand();
  return lifter.create<SqueezeOp>(root, half, ArrayRef<int64_t>{headAxis});
}

/// x * cos + rotated(x) * sin, the factors in any order.
static bool matchRotation(AddOp root, Value &x, Value &cos, Value &sin,
                          Lifter &lifter) {
  for (auto [left, right] : {std::pair(root.getLhs(), root.getRhs()),
                             std::pair(root.getRhs(), root.getLhs())}) {
    auto [rotated, table] = matchEitherOrder<MulOp>(right, [&](Value factor) {
      return bool(matchRotatedHalf(factor, lifter));
    });
    if (!rotated)
      continue;
    x = matchRotatedHalf(rotated, lifter);
    sin = table;
    cos = matchEitherOrder<MulOp>(left, [&](Value factor) {
            return factor == x;
          }).second;
    if (cos)
      return true;
  }
  return false;
}

static bool liftRotation(AddOp root, Lifter &lifter) {
  Value x, cos, sin;
  if (!matchRotation(root, x, cos, sin, lifter) || lifter.shapes.rank(x) != 4 ||
      !lifter.haveSameShape(x, root))
    return false;
  for (HeadAxis heads : {HeadAxis::One, HeadAxis::Two}) {
    Value cosHalf = createTable(root, cos, x, heads, lifter);
    Value sinHalf =
        cosHalf ? createTable(root, sin, x, heads, lifter) : Value();
    if (!sinHalf)
      continue;
    SmallVector<int64_t> swap = {0, 2, 1, 3};
    if (heads == HeadAxis::Two)
      x = lifter.createTransposed(root, x, swap);
    Value result =
        lifter.create<RopeOp>(root, x, cosHalf, sinHalf, /*interleaved=*/false);
    if (heads == HeadAxis::Two)
      result = lifter.createTransposed(root, result, swap);
    lifter.replace(root, result);
    return true;
  }
  return false;
}

/// concat(rope(x[..., :r]), x[..., r:]): the op leaves the rest alone itself.
static bool liftPartial(ConcatOp root, Lifter &lifter) {
  if (root.getInputs().size() != 2 ||
      root.getAxis() != uint64_t(lifter.shapes.rank(root) - 1))
    return false;
  Value rotated = root.getInputs()[0];
  SmallVector<int64_t> perm;
  if (auto transpose = rotated.getDefiningOp<TransposeOp>()) {
    perm = SmallVector<int64_t>(transpose.getPerm());
    if (perm.back() != 3)
      return false;
    rotated = transpose.getOperand();
  }
  auto rope = rotated.getDefiningOp<RopeOp>();
  std::optional<SlicedDim> rest =
      matchSliceOfLastDim(root.getInputs()[1], lifter);
  if (!rope || !rest)
    return false;
  Value operand = rope.getOperand();
  auto inner = operand.getDefiningOp<TransposeOp>();
  if (!perm.empty()) {
    // The two transposes must undo each other.
    if (!inner || perm.size() != 4)
      return false;
    for (size_t i = 0; i < perm.size(); ++i)
      if (inner.getPerm()[perm[i]] != int64_t(i))
        return false;
    operand = inner.getOperand();
  }
  std::optional<SlicedDim> front = matchSliceOfLastDim(operand, lifter);
  if (!front || front->operand != rest->operand || front->start != 0 ||
      rest->start != front->length ||
      lifter.getSize(front->operand, -1) != rest->start + rest->length ||
      lifter.getSize(rope.getCos(), -1) != front->length / 2)
    return false;
  Value x = front->operand;
  if (!perm.empty())
    x = lifter.createTransposed(root, x, inner.getPerm());
  Value result = lifter.create<RopeOp>(root, x, rope.getCos(), rope.getSin(),
                                       rope.getInterleaved());
  if (!perm.empty())
    result = lifter.createTransposed(root, result, perm);
  lifter.replace(root, result);
  return true;
}

namespace {

struct LiftRope : llmc::impl::LiftRopeBase<LiftRope> {
  void runOnOperation() override {
    if (failed(liftEach<AddOp>(getOperation(), liftRotation,
                               [&] { ++numLifted; })) ||
        failed(liftEach<ConcatOp>(getOperation(), liftPartial,
                                  [&] { ++numPartial; })))
      signalPassFailure();
  }
};

} // namespace
