//===- LiftAttention.cpp - scaled dot-product attention -------------------===//
//
// matmul(softmax(softcap(q k^T * scale) + mask), v) on [B, H, S, D], with the
// scale on either side of the product, the mask added or chosen by Where, and
// torch's guard that turns rows of NaN into zeros.
//
//===----------------------------------------------------------------------===//

#include "CausalMask.h"
#include "Lifter.h"
#include "llmc/Lift/Passes.h"

namespace llmc {
#define GEN_PASS_DEF_LIFTATTENTION
#include "llmc/Lift/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

namespace {

/// What the operand of softmax is made of.
struct Scores {
  Value query;      ///< [B, H, S, D]
  Value transposed; ///< keys as [B, H, D, T]
  Value mask;       ///< added; may be absent
  Value condition;  ///< i1; keys where it is false have no weight
  double scale = 1;
  double softcap = 0;
};

} // namespace

/// Takes multiplications by scalars off `value` and into `scale`.
static Value peelScale(Value value, double &scale, Lifter &lifter) {
  while (true) {
    if (auto div = value.getDefiningOp<DivOp>())
      if (std::optional<double> scalar = lifter.getScalar(div.getRhs())) {
        scale /= *scalar;
        value = div.getLhs();
        continue;
      }
    auto [scalar, other] = matchEitherOrder<MulOp>(value, [&](Value factor) {
      return lifter.getScalar(factor).has_value();
    });
    if (!scalar)
      return value;
    scale *= *lifter.getScalar(scalar);
    value = other;
  }
}

/// q k^T * scale.
static bool matchProduct(Value value, Scores &scores, Lifter &lifter) {
  value = stripFloatCasts(peelScale(value, scores.scale, lifter));
  auto matmul =
      peelScale(value, scores.scale, lifter).getDefiningOp<MatMulOp>();
  if (!matmul || lifter.shapes.rank(matmul.getLhs()) != 4 ||
      lifter.shapes.rank(matmul.getRhs()) != 4)
    return false;
  scores.query = peelScale(matmul.getLhs(), scores.scale, lifter);
  scores.transposed = peelScale(matmul.getRhs(), scores.scale, lifter);
  return lifter.haveSameShape(scores.query, matmul.getLhs()) &&
         lifter.haveSameShape(scores.transposed, matmul.getRhs());
}

/// c * tanh(q k^T * scale / c), or without the softcap.
static bool matchCapped(Value value, Scores &scores, Lifter &lifter) {
  double cap = 1;
  auto tanh =
      peelScale(stripFloatCasts(value), cap, lifter).getDefiningOp<TanhOp>();
  if (!tanh)
    return matchProduct(value, scores, lifter);
  if (!(cap > 0) || !matchProduct(tanh.getOperand(), scores, lifter))
    return false;
  scores.softcap = cap;
  scores.scale *= cap;
  return true;
}

/// The scores under their mask.
static bool matchMasked(Operation *root, Value value, Scores &scores,
                        Lifter &lifter) {
  value = stripFloatCasts(value);
  if (auto add = value.getDefiningOp<AddOp>()) {
    for (auto [inner, mask] : {std::pair(add.getLhs(), add.getRhs()),
                               std::pair(add.getRhs(), add.getLhs())}) {
      Scores candidate;
      if (!matchMasked(root, inner, candidate, lifter) || candidate.condition)
        continue;
      scores = candidate;
      scores.mask = candidate.mask
                        ? lifter.create<AddOp>(root, candidate.mask, mask)
                        : mask;
      return true;
    }
    return false;
  }
  if (auto where = value.getDefiningOp<WhereOp>()) {
    for (bool keepsLhs : {true, false}) {
      Value inner = keepsLhs ? where.getLhs() : where.getRhs();
      Value other = keepsLhs ? where.getRhs() : where.getLhs();
      std::optional<double> excluded = lifter.getScalar(other);
      Scores candidate;
      if (!excluded || !isExcluding(*excluded) ||
          !matchCapped(inner, candidate, lifter))
        continue;
      scores = candidate;
      Value condition = where.getCondition();
      if (std::isinf(*excluded)) {
        scores.condition =
            keepsLhs ? condition : lifter.create<NotOp>(root, condition);
        return true;
      }
      // A row without any key is uniform here, but 0 with a condition.
      OpBuilder builder(root);
      Value zero = createScalarConstant(builder, root->getLoc(),
                                        lifter.shapes.elementType(other), 0);
      scores.mask = lifter.create<WhereOp>(
          root, condition, keepsLhs ? zero : other, keepsLhs ? other : zero);
      return true;
    }
    return false;
  }
  return matchCapped(value, scores, lifter);
}

/// softmax over the keys, with or without the guard against rows of NaN.
static SoftmaxOp matchWeights(Value value, Lifter &lifter) {
  value = stripFloatCasts(value);
  if (auto where = value.getDefiningOp<WhereOp>()) {
    auto isNaN = where.getCondition().getDefiningOp<IsNaNOp>();
    if (!isNaN || lifter.getScalar(where.getLhs()) != 0 ||
        isNaN.getOperand() != where.getRhs())
      return {};
    value = stripFloatCasts(where.getRhs());
  }
  auto softmax = value.getDefiningOp<SoftmaxOp>();
  if (!softmax || softmax.getLog())
    return {};
  int64_t axis = softmax.getAxis(), rank = lifter.shapes.rank(softmax);
  return axis == -1 || axis == rank - 1 ? softmax : SoftmaxOp();
}

/// Whether `mask` broadcasts to the scores without enlarging them.
static bool broadcastsTo(ArrayRef<AffineExpr> mask,
                         ArrayRef<AffineExpr> scores) {
  if (mask.size() > scores.size())
    return false;
  for (auto [a, b] : llvm::zip(mask, scores.take_back(mask.size())))
    if (a != b && getConstant(a) != 1)
      return false;
  return true;
}

/// The x of a copy of each head `repeats` times: [B, H, T, D] unsqueezed,
/// expanded to [B, H, n, T, D] and reshaped to [B, H * n, T, D].
static Value matchRepeatedHeads(Value value, Lifter &lifter) {
  if (!isReshapeLike(value.getDefiningOp()))
    return {};
  auto expand = getReshapeSource(value).getDefiningOp<ExpandOp>();
  if (!expand || lifter.shapes.rank(expand) != 5 ||
      lifter.shapes.rank(value) != 4)
    return {};
  SmallVector<AffineExpr> wide(lifter.shapes.dims(expand)),
      narrow(lifter.shapes.dims(expand.getOperand())),
      result(lifter.shapes.dims(value));
  if (narrow.size() != 5 || getConstant(narrow[2]) != 1 ||
      !getConstant(wide[2]))
    return {};
  for (unsigned axis : {0, 1, 3, 4})
    if (wide[axis] != narrow[axis])
      return {};
  if (result[0] != wide[0] ||
      result[1] != lifter.shapes.simplify(wide[1] * wide[2]) ||
      result[2] != wide[3] || result[3] != wide[4])
    return {};
  narrow.erase(narrow.begin() + 2);
  for (Value source = expand.getOperand();;
       source = source.getDefiningOp()->getOperand(0)) {
    if (lifter.shapes.dims(source) == ArrayRef(narrow))
      return source;
    if (!isReshapeLike(source.getDefiningOp()))
      return {};
  }
}

/// Reads keys and values before their heads are repeated.
static void shareHeads(Value &key, Value &value, Lifter &lifter) {
  Value fewerKeys = matchRepeatedHeads(key, lifter);
  Value fewerValues = matchRepeatedHeads(value, lifter);
  if (!fewerKeys || !fewerValues ||
      lifter.shapes.dim(fewerKeys, 1) != lifter.shapes.dim(fewerValues, 1))
    return;
  key = fewerKeys;
  value = fewerValues;
}

static bool liftAttention(MatMulOp root, Lifter &lifter) {
  Value value = root.getRhs();
  SoftmaxOp softmax = matchWeights(root.getLhs(), lifter);
  Scores scores;
  if (!softmax || lifter.shapes.rank(value) != 4 ||
      lifter.shapes.rank(softmax) != 4 ||
      !matchMasked(root, softmax.getOperand(), scores, lifter))
    return false;
  SmallVector<AffineExpr> q(lifter.shapes.dims(scores.query)),
      k(lifter.shapes.dims(scores.transposed)), v(lifter.shapes.dims(value));
  // Batch and heads of a product may broadcast; attention's may not.
  if (q[0] != k[0] || q[0] != v[0] || q[1] != k[1] || q[1] != v[1])
    return false;
  SmallVector<AffineExpr> shape = {q[0], q[1], q[2], k[3]};
  for (Value mask : {scores.mask, scores.condition})
    if (mask && !broadcastsTo(lifter.shapes.dims(mask), shape))
      return false;
  Type elementType = lifter.shapes.elementType(scores.query);
  if (elementType != lifter.shapes.elementType(value) ||
      elementType != lifter.shapes.elementType(root))
    return false;

  Value key = lifter.createTransposed(root, scores.transposed, {0, 1, 3, 2});
  shareHeads(key, value, lifter);
  Value mask = scores.condition ? scores.condition : scores.mask;
  CausalMask causal;
  if (mask)
    if (auto match = matchCausalMask(mask, shape[2], shape[3], lifter)) {
      causal = *match;
      mask = {};
    }
  lifter.replace(
      root, lifter.create<AttentionOp>(root, scores.query, key, value, mask,
                                       APFloat(float(scores.scale)),
                                       causal.causal, uint64_t(causal.window),
                                       APFloat(float(scores.softcap))));
  return true;
}

/// The same for attention that the model itself named.
static bool shareHeadsOf(AttentionOp op, Lifter &lifter) {
  Value key = op.getKey(), value = op.getValue();
  shareHeads(key, value, lifter);
  if (key == op.getKey())
    return false;
  op.getKeyMutable().assign(key);
  op.getValueMutable().assign(value);
  return true;
}

namespace {

struct LiftAttention : llmc::impl::LiftAttentionBase<LiftAttention> {
  void runOnOperation() override {
    if (failed(liftEach<MatMulOp>(getOperation(), liftAttention,
                                  [&] { ++numLifted; })) ||
        failed(liftEach<AttentionOp>(getOperation(), shareHeadsOf,
                                     [&] { ++numShared; })))
      signalPassFailure();
  }
};

} // namespace
