//===- LiftIndexGrid.cpp - gather_nd of every position --------------------===//

#include "Fields.h"
#include "llmc/Lift/Passes.h"

namespace llmc {
#define GEN_PASS_DEF_LIFTINDEXGRID
#include "llmc/Lift/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

/// The dimensions of `value` that are not known to be 1.
static SmallVector<int64_t> getLargeAxes(Value value, Lifter &lifter) {
  SmallVector<int64_t> axes;
  for (auto [axis, dim] : llvm::enumerate(lifter.shapes.dims(value)))
    if (getConstant(dim) != 1)
      axes.push_back(axis);
  return axes;
}

/// Where `axis` of the operand of `op` is in its result, if `op` does nothing
/// but insert and drop dimensions of 1. A dimension of 1 may be anywhere.
static std::optional<int64_t> followAxis(Operation *op, int64_t axis,
                                         Lifter &lifter) {
  Value operand = op->getOperand(0), result = op->getResult(0);
  SmallVector<int64_t> from = getLargeAxes(operand, lifter),
                       to = getLargeAxes(result, lifter);
  if (!llvm::equal(from, to, [&](int64_t a, int64_t b) {
        return lifter.shapes.dim(operand, a) == lifter.shapes.dim(result, b);
      }))
    return std::nullopt;
  auto *found = llvm::find(from, axis);
  return found == from.end() ? 0 : to[found - from.begin()];
}

/// The axis along which the elements of `value` are 0, 1, ... up to `size`;
/// they are the same along all others. For a size of 1 it is any axis.
static std::optional<int64_t> matchPositions(Value value, AffineExpr size,
                                             Lifter &lifter) {
  // A narrow integer would not hold every position.
  auto type = dyn_cast<IntegerType>(lifter.shapes.elementType(value));
  if (!type || type.getWidth() < 32)
    return std::nullopt;
  Operation *op = value.getDefiningOp();
  if (auto range = dyn_cast_or_null<RangeOp>(op)) {
    if (lifter.getScalar(range.getStart()) != 0 ||
        lifter.getScalar(range.getDelta()) != 1 ||
        lifter.shapes.dim(range, 0) != size)
      return std::nullopt;
    return 0;
  }
  if (isReshapeLike(op) || isa_and_nonnull<ExpandOp, CastOp>(op)) {
    std::optional<int64_t> axis =
        matchPositions(op->getOperand(0), size, lifter);
    if (!axis || isa<CastOp>(op))
      return axis;
    if (isa<ExpandOp>(op))
      return *axis + lifter.shapes.rank(value) -
             lifter.shapes.rank(op->getOperand(0));
    return followAxis(op, *axis, lifter);
  }
  // With as many elements as one dimension has, all others are 1.
  ArrayRef<int64_t> shape = cast<ShapedType>(value.getType()).getShape();
  const auto *found = llvm::find(shape, getConstant(size).value_or(-1));
  if (found == shape.end() ||
      !holds(value, *found, lifter, [](int64_t i) { return i; }))
    return std::nullopt;
  return found - shape.begin();
}

static bool liftGrid(GatherNDOp root, Lifter &lifter) {
  Value operand = root.getOperand();
  SmallVector<Value> components{root.getIndices()};
  int64_t rank = lifter.shapes.rank(root.getIndices()) - 1;
  if (auto concat = root.getIndices().getDefiningOp<ConcatOp>();
      concat && concat.getAxis() == uint64_t(rank))
    components = llvm::to_vector(concat.getInputs());
  if (root.getBatchDims() != 0)
    return false;
  // The axes of the result that are none of the operand's.
  SmallVector<int64_t> inserted;
  int64_t next = 0;
  for (auto [i, component] : llvm::enumerate(components)) {
    if (lifter.getSize(component, -1) != 1)
      return false;
    AffineExpr size = lifter.shapes.dim(operand, i);
    std::optional<int64_t> axis = matchPositions(component, size, lifter);
    if (!axis)
      return false;
    if (getConstant(size) == 1)
      axis = next;
    // Equal sizes also mean that no position was repeated to fill the axis.
    if (*axis < next || *axis >= rank || lifter.shapes.dim(root, *axis) != size)
      return false;
    llvm::append_range(inserted, llvm::seq(next, *axis));
    next = *axis + 1;
  }
  llvm::append_range(inserted, llvm::seq(next, rank));
  if (llvm::any_of(inserted, [&](int64_t axis) {
        return lifter.getSize(root, axis) != 1;
      }))
    return false;
  lifter.replace(root, inserted.empty() ? operand
                                        : lifter.create<UnsqueezeOp>(
                                              root, operand, inserted));
  return true;
}

namespace {

struct LiftIndexGrid : llmc::impl::LiftIndexGridBase<LiftIndexGrid> {
  void runOnOperation() override {
    if (failed(liftEach<GatherNDOp>(getOperation(), liftGrid,
                                    [&] { ++numLifted; })))
      signalPassFailure();
  }
};

} // namespace
