//===- DecomposeAttention.cpp - attention as products and a softmax -------===//

#include "llmc/Lower/Decompositions.h"

using namespace mlir;
using namespace llmc;

/// The shape of `value` with dimension `axis` replaced by `sizes`, as an i64
/// vector.
static Value createSplitShape(Value value, int64_t axis,
                              ArrayRef<int64_t> sizes, Decomposer &d) {
  int64_t rank = cast<ShapedType>(value.getType()).getRank();
  return d.create<ConcatOp>(
      ValueRange{d.create<ShapeOp>(value, 0, axis), d.i64s(sizes),
                 d.create<ShapeOp>(value, axis + 1, rank)},
      0);
}

/// The mask as it broadcasts to [B, Hkv, G, S, T].
static Value splitMaskHeads(Value mask, int64_t groups, int64_t perGroup,
                            Decomposer &d) {
  auto type = cast<RankedTensorType>(mask.getType());
  if (type.getRank() < 3)
    return mask;
  int64_t axis = type.getRank() - 3;
  if (type.getDimSize(axis) == 1)
    return d.create<UnsqueezeOp>(mask, ArrayRef<int64_t>{axis + 1});
  // One that only run time knows may be 1 as well.
  if (type.isDynamicDim(axis))
    mask = d.create<ExpandOp>(mask, d.i64s({groups * perGroup, 1, 1}));
  return d.create<ReshapeOp>(
      mask, createSplitShape(mask, axis, {groups, perGroup}, d), true);
}

/// softmax over the last dimension; a row of -inf gives zeros.
static Value createSoftmax(Value scores, Decomposer &d) {
  int64_t last = cast<ShapedType>(scores.getType()).getRank() - 1;
  double infinity = std::numeric_limits<double>::infinity();
  Value largest = d.reduceLast(ReduceKind::Max, scores, last);
  Value empty = d.create<EqualOp>(largest, d.scalar(scores, -infinity));
  Value shift = d.create<WhereOp>(empty, d.scalar(scores, 0), largest);
  Value weights = d.create<ExpOp>(d.create<SubOp>(scores, shift));
  Value sum = d.reduceLast(ReduceKind::Sum, weights, last);
  Value divisor = d.create<WhereOp>(empty, d.scalar(scores, 1), sum);
  return d.create<DivOp>(weights, divisor);
}

Value llmc::decomposeAttention(AttentionOp op, Decomposer &d) {
  Value query = op.getQuery(), value = op.getValue(), mask = op.getMask();
  Type type = getElementTypeOrSelf(query.getType());
  int64_t heads = cast<ShapedType>(query.getType()).getDimSize(1);
  int64_t groups = cast<ShapedType>(value.getType()).getDimSize(1);
  Value keys =
      d.create<TransposeOp>(op.getKey(), ArrayRef<int64_t>{0, 1, 3, 2});
  // Heads that share keys and values become a dimension of their own, over
  // which the products broadcast.
  bool shared = heads != groups;
  if (shared &&
      (ShapedType::isDynamic(heads) || ShapedType::isDynamic(groups))) {
    op.emitOpError("needs static numbers of heads");
    return {};
  }
  if (shared) {
    int64_t perGroup = heads / groups;
    query = d.create<ReshapeOp>(
        query, createSplitShape(query, 1, {groups, perGroup}, d), true);
    keys = d.create<UnsqueezeOp>(keys, ArrayRef<int64_t>{2});
    value = d.create<UnsqueezeOp>(value, ArrayRef<int64_t>{2});
    if (mask)
      mask = splitMaskHeads(mask, groups, perGroup, d);
  }

  double scale = op.getScale().convertToDouble();
  if (scale != 1)
    query = d.create<MulOp>(query, d.scalar(query, scale));
  Value scores = d.widen(d.create<MatMulOp>(query, keys));
  if (double cap = op.getSoftcap().convertToDouble(); cap != 0) {
    Value capped =
        d.create<TanhOp>(d.create<MulOp>(scores, d.scalar(scores, 1 / cap)));
    scores = d.create<MulOp>(capped, d.scalar(scores, cap));
  }
  Value excluded = d.scalar(scores, -std::numeric_limits<double>::infinity());
  if (mask && getElementTypeOrSelf(mask.getType()).isInteger(1))
    scores = d.create<WhereOp>(mask, scores, excluded);
  else if (mask)
    scores = d.create<AddOp>(
        scores, d.cast(mask, getElementTypeOrSelf(scores.getType())));
  if (op.getCausal() || op.getWindow() != 0) {
    int64_t rank = cast<ShapedType>(scores.getType()).getRank();
    Value allowed = createPositionMask(
        d.size(scores, rank - 2), d.size(scores, rank - 1),
        {op.getCausal(), int64_t(op.getWindow()), /*sinks=*/0}, d);
    scores = d.create<WhereOp>(allowed, scores, excluded);
  }
  Value weights = d.cast(createSoftmax(scores, d), type);
  Value result = d.create<MatMulOp>(weights, value);
  if (!shared)
    return result;
  Value shape = d.create<ConcatOp>(ValueRange{d.create<ShapeOp>(result, 0, 1),
                                              d.i64s({heads}),
                                              d.create<ShapeOp>(result, 3, 5)},
                                   0);
  return d.create<ReshapeOp>(result, shape, true);
}
