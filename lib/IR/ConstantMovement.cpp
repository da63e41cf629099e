//===- ConstantMovement.cpp - folding of ops that move elements -----------===//

#include "ConstantElements.h"
#include "llmc/IR/Dialect.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace llmc;

static int64_t linearIndex(ArrayRef<int64_t> shape, ArrayRef<int64_t> index) {
  int64_t linear = 0;
  for (auto [size, position] : llvm::zip(shape, index))
    linear = linear * size + position;
  return linear;
}

static bool copyInOrder(const ConstantElements &source,
                        ConstantElements &result) {
  for (int64_t i = 0; i < result.size(); ++i)
    result.copy(i, source, i);
  return true;
}

static bool foldTranspose(TransposeOp op, const ConstantElements &source,
                          ConstantElements &result) {
  SmallVector<int64_t> from(source.shape().size());
  forEachIndex(result.shape(), [&](int64_t linear, ArrayRef<int64_t> index) {
    for (auto [axis, origin] : llvm::enumerate(op.getPerm()))
      from[origin] = index[axis];
    result.copy(linear, source, linearIndex(source.shape(), from));
  });
  return true;
}

static bool foldConcat(ConcatOp op, ConstantOperands operands,
                       ConstantElements &result) {
  int64_t offset = 0;
  for (const std::optional<ConstantElements> &source : operands) {
    forEachIndex(source->shape(), [&](int64_t linear, ArrayRef<int64_t> index) {
      SmallVector<int64_t> to(index);
      to[op.getAxis()] += offset;
      result.copy(linearIndex(result.shape(), to), *source, linear);
    });
    offset += source->shape()[op.getAxis()];
  }
  return true;
}

/// False when the starts and steps, which may be known only now, do not fit
/// the declared shape.
static bool foldSlice(SliceOp op, ConstantOperands operands,
                      ConstantElements &result) {
  const ConstantElements &source = *operands[0];
  for (const std::optional<ConstantElements> &vector : operands.drop_front())
    if (vector->ints.size() != op.getAxes().size())
      return false;
  SmallVector<int64_t> first(source.shape().size(), 0),
      step(source.shape().size(), 1);
  for (auto [i, axis] : llvm::enumerate(op.getAxes())) {
    int64_t size = source.shape()[axis];
    step[axis] = operands[3]->ints[i];
    int64_t start = operands[1]->ints[i];
    int64_t count = result.shape()[axis];
    if (count == 0)
      continue;
    if (size == 0 || step[axis] == 0)
      return false;
    first[axis] = std::clamp<int64_t>(start < 0 ? start + size : start, 0,
                                      step[axis] > 0 ? size : size - 1);
    int64_t way, last;
    if (llvm::MulOverflow(count - 1, step[axis], way) ||
        llvm::AddOverflow(first[axis], way, last) || first[axis] >= size ||
        last < 0 || last >= size)
      return false;
  }
  forEachIndex(result.shape(), [&](int64_t linear, ArrayRef<int64_t> index) {
    SmallVector<int64_t> from(index);
    for (size_t axis = 0; axis < from.size(); ++axis)
      from[axis] = first[axis] + index[axis] * step[axis];
    result.copy(linear, source, linearIndex(source.shape(), from));
  });
  return true;
}

static bool foldGather(GatherOp op, const ConstantElements &source,
                       const ConstantElements &indices,
                       ConstantElements &result) {
  int64_t axis = op.getAxis(), size = source.shape()[axis];
  for (int64_t index : indices.ints)
    if (index < -size || index >= size)
      return false;
  size_t rank = indices.shape().size();
  forEachIndex(result.shape(), [&](int64_t linear, ArrayRef<int64_t> index) {
    int64_t at =
        indices.ints[linearIndex(indices.shape(), index.slice(axis, rank))];
    SmallVector<int64_t> from(index.take_front(axis));
    from.push_back(at < 0 ? at + size : at);
    llvm::append_range(from, index.drop_front(axis + rank));
    result.copy(linear, source, linearIndex(source.shape(), from));
  });
  return true;
}

static bool broadcastsTo(ArrayRef<int64_t> from, ArrayRef<int64_t> to) {
  if (from.size() > to.size())
    return false;
  for (auto [a, b] : llvm::zip(from, to.take_back(from.size())))
    if (a != b && a != 1)
      return false;
  return true;
}

bool llmc::foldMovement(Operation *op, ConstantOperands operands,
                        ConstantElements &result) {
  if (auto shape = dyn_cast<ShapeOp>(op)) {
    auto dims = cast<ShapedType>(shape.getOperand().getType())
                    .getShape()
                    .slice(shape.getStart(), shape.getEnd() - shape.getStart());
    if (llvm::any_of(dims, ShapedType::isDynamic))
      return false;
    result.ints.assign(dims.begin(), dims.end());
    return true;
  }
  // The result's static shape already says what shape operands hold.
  if (isa<ReshapeOp, UnsqueezeOp, SqueezeOp>(op))
    return operands[0] && operands[0]->size() == result.size() &&
           copyInOrder(*operands[0], result);
  if (isa<ExpandOp>(op)) {
    if (!operands[0] || !broadcastsTo(operands[0]->shape(), result.shape()))
      return false;
    forEachIndex(result.shape(), [&](int64_t linear, ArrayRef<int64_t> index) {
      result.copy(linear, *operands[0],
                  broadcastIndex(operands[0]->shape(), index));
    });
    return true;
  }
  if (llvm::any_of(operands, [](auto &operand) { return !operand; }))
    return false;
  return llvm::TypeSwitch<Operation *, bool>(op)
      .Case<TransposeOp>(
          [&](auto op) { return foldTranspose(op, *operands[0], result); })
      .Case<ConcatOp>([&](auto op) { return foldConcat(op, operands, result); })
      .Case<SliceOp>([&](auto op) { return foldSlice(op, operands, result); })
      .Case<GatherOp>([&](auto op) {
        return foldGather(op, *operands[0], *operands[1], result);
      })
      .Default([](Operation *) { return false; });
}
