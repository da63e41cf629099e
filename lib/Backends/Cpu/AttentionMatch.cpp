//===- AttentionMatch.cpp - what an attention kernel computes -------------===//

#include "AttentionKernel.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::cpu;

static constexpr int64_t headsAndRows[] = {0, 2, 1, 3};

/// Whether each dimension of a mask is there, not 1; nothing if that is not
/// known.
static std::optional<SmallVector<bool>>
matchMask(Value mask, ArrayRef<AffineExpr> scores, ShapeContext &shapes) {
  SmallVector<bool> has(4, false);
  int64_t rank = shapes.rank(mask);
  if (rank != 4 || !shapes.elementType(mask).isF32())
    return std::nullopt;
  for (int64_t i = 0; i < 4; ++i) {
    AffineExpr size = shapes.dim(mask, i);
    has[i] = size == scores[i];
    if (!has[i] && getConstant(size) != 1)
      return std::nullopt;
  }
  return has;
}

/// The cache that `value` is the beginning of.
static PrefixOp getPrefix(Value value) {
  auto prefix = value.getDefiningOp<PrefixOp>();
  return prefix && prefix.getAxis() == 2 ? prefix : PrefixOp();
}

std::optional<AttentionMatch> llmc::cpu::matchAttention(Operation *op,
                                                        ShapeContext &shapes) {
  auto attention = dyn_cast<AttentionOp>(op);
  AttentionMatch match;
  AttentionSpec &spec = match.spec;
  if (auto transpose = dyn_cast<TransposeOp>(op);
      transpose && transpose.getPerm() == ArrayRef(headsAndRows) &&
      transpose.getOperand().hasOneUse()) {
    attention = transpose.getOperand().getDefiningOp<AttentionOp>();
    spec.transposed = true;
  }
  if (!attention)
    return std::nullopt;
  Value query = attention.getQuery(), key = attention.getKey(),
        value = attention.getValue();
  for (Value operand : {query, key, value})
    if (!shapes.elementType(operand).isF32())
      return std::nullopt;
  SmallVector<int64_t> sizes;
  for (auto [operand, axis] : {std::pair(query, 1), std::pair(key, 1),
                               std::pair(query, 3), std::pair(value, 3)}) {
    std::optional<int64_t> size = getConstant(shapes.dim(operand, axis));
    if (!size)
      return std::nullopt;
    sizes.push_back(*size);
  }
  spec.heads = sizes[0];
  spec.keyHeads = sizes[1];
  spec.headSize = sizes[2];
  spec.valueSize = sizes[3];
  spec.scale = attention.getScale().convertToFloat();
  spec.softcap = attention.getSoftcap().convertToFloat();
  spec.causal = attention.getCausal();
  spec.window = int64_t(attention.getWindow());

  PrefixOp keys = getPrefix(key), values = getPrefix(value);
  spec.hasLength =
      keys && values && shapes.dim(keys, 2) == shapes.dim(values, 2);
  match.inputs = {query, key, value};
  if (spec.hasLength)
    match.inputs = {query, keys.getOperand(), values.getOperand(),
                    keys.getLength()};
  if (Value mask = attention.getMask()) {
    SmallVector<AffineExpr> scores{shapes.dim(query, 0), shapes.dim(query, 1),
                                   shapes.dim(query, 2), shapes.dim(key, 2)};
    std::optional<SmallVector<bool>> has = matchMask(mask, scores, shapes);
    if (!has)
      return std::nullopt;
    spec.mask = *has;
    match.inputs.push_back(mask);
  }
  return match;
}
