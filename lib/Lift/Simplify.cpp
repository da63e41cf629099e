//===- Simplify.cpp - ops that do nothing, and chains of moves ------------===//

#include "Lifter.h"
#include "llmc/Lift/Passes.h"

namespace llmc {
#define GEN_PASS_DEF_SIMPLIFY
#include "llmc/Lift/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

/// A chain of reshapes that ends in the shape it began with.
static Value simplifyReshapeChain(Operation *op, Lifter &lifter) {
  for (Value value = op->getOperand(0);;
       value = value.getDefiningOp()->getOperand(0)) {
    if (lifter.haveSameShape(value, op->getResult(0)))
      return value;
    if (!isReshapeLike(value.getDefiningOp()))
      return {};
  }
}

/// reshape(reshape(x)), when the second target does not speak of the first
/// result.
static Value mergeReshapes(ReshapeOp op, Lifter &lifter) {
  Value source = getReshapeSource(op.getOperand());
  if (source == op.getOperand())
    return {};
  std::optional<SmallVector<AffineExpr>> target =
      lifter.shapes.values(op.getShape());
  if (!target)
    return {};
  ArrayRef<AffineExpr> from = lifter.shapes.dims(source),
                       to = lifter.shapes.dims(op);
  if (!op.getAllowzero())
    for (auto [index, size] : llvm::enumerate(*target))
      if (getConstant(size) == 0 &&
          (index >= from.size() || from[index] != to[index]))
        return {};
  return lifter.create<ReshapeOp>(op, source, op.getShape(), op.getAllowzero());
}

/// `value` with as many elements in the dimensions `to`, if a constant can say
/// what they are.
static Value reshapeTo(Operation *root, Value value, ArrayRef<AffineExpr> to,
                       Lifter &lifter) {
  ArrayRef<AffineExpr> from = lifter.shapes.dims(value);
  SmallVector<int64_t> shape;
  for (auto [index, size] : llvm::enumerate(to)) {
    bool isKept = index < from.size() && from[index] == size;
    shape.push_back(isKept ? 0 : getConstant(size).value_or(-1));
  }
  // A size of 0 would mean another one.
  if (llvm::count(shape, -1) > 1 ||
      llvm::any_of(to, [](AffineExpr size) { return getConstant(size) == 0; }))
    return {};
  return lifter.create<ReshapeOp>(root, value, lifter.createI64s(root, shape),
                                  /*allowzero=*/false);
}

/// reshape(transpose(reshape(x))) that merges leading dimensions only to
/// transpose the last two.
static Value simplifyMergedTranspose(ReshapeOp op, Lifter &lifter) {
  auto transpose = op.getOperand().getDefiningOp<TransposeOp>();
  if (!transpose || transpose.getPerm() != ArrayRef<int64_t>{0, 2, 1})
    return {};
  Value merged = transpose.getOperand();
  if (!merged.getDefiningOp<ReshapeOp>())
    return {};
  Value source = merged.getDefiningOp()->getOperand(0);
  SmallVector<AffineExpr> from(lifter.shapes.dims(source)),
      flat(lifter.shapes.dims(merged)), to(lifter.shapes.dims(op));
  if (from.size() < 3 || to.size() < 3 ||
      ArrayRef(from).take_back(2) != ArrayRef(flat).take_back(2))
    return {};
  std::swap(to[to.size() - 1], to[to.size() - 2]);
  if (ArrayRef(from).take_back(2) != ArrayRef(to).take_back(2))
    return {};
  // Repeated heads come with a dimension more than the result has.
  if (from != to && !(source = reshapeTo(op, source, to, lifter)))
    return {};
  auto perm = llvm::to_vector(llvm::seq<int64_t>(0, to.size()));
  std::swap(perm[perm.size() - 1], perm[perm.size() - 2]);
  return lifter.createTransposed(op, source, perm);
}

static Value simplifyTranspose(TransposeOp op, Lifter &lifter) {
  ArrayRef<int64_t> perm = op.getPerm();
  if (!op.getOperand().getDefiningOp<TransposeOp>() &&
      !llvm::equal(perm, llvm::seq<int64_t>(0, perm.size())))
    return {};
  return lifter.createTransposed(op, op.getOperand(), perm);
}

/// Whether every value of `from` is one of `to`.
static bool isWidening(Type from, Type to) {
  if (isa<FloatType>(from) && isa<FloatType>(to))
    return APFloat::isRepresentableBy(
               cast<FloatType>(from).getFloatSemantics(),
               cast<FloatType>(to).getFloatSemantics()) &&
           from.getIntOrFloatBitWidth() < to.getIntOrFloatBitWidth();
  return isa<IntegerType>(from) && isa<IntegerType>(to) &&
         from.isUnsignedInteger() == to.isUnsignedInteger() &&
         from.getIntOrFloatBitWidth() < to.getIntOrFloatBitWidth();
}

static Value simplifyCast(CastOp op, Lifter &lifter) {
  Type from = lifter.shapes.elementType(op.getOperand()), to = op.getTo();
  if (from == to)
    return op.getOperand();
  auto inner = op.getOperand().getDefiningOp<CastOp>();
  if (!inner)
    return {};
  Value source = inner.getOperand();
  Type original = lifter.shapes.elementType(source);
  if (original == to && isWidening(original, from))
    return source;
  return {};
}

static Value simplifySlice(SliceOp op, Lifter &lifter) {
  if (!lifter.haveSameShape(op.getOperand(), op))
    return {};
  // As many elements as there are, in steps of 1, are all of them.
  std::optional<SmallVector<int64_t>> steps =
      lifter.shapes.constants(op.getSteps());
  return steps && llvm::all_equal(*steps) &&
                 (steps->empty() || steps->front() == 1)
             ? op.getOperand()
             : Value();
}

/// x * 1, x / 1, b and true, b or false; integers also x + 0 and x - 0.
static Value simplifyNeutral(Operation *op, Lifter &lifter) {
  auto neutral = [&](double value, bool commutes) -> Value {
    for (unsigned i : {1, 0}) {
      if (i == 0 && !commutes)
        break;
      Value other = op->getOperand(1 - i);
      if (lifter.getScalar(op->getOperand(i)) == value &&
          lifter.haveSameShape(other, op->getResult(0)))
        return other;
    }
    return {};
  };
  bool isInteger =
      isa<IntegerType>(lifter.shapes.elementType(op->getOperand(0)));
  if (isa<MulOp>(op))
    return neutral(1, true);
  if (isa<DivOp>(op))
    return neutral(1, false);
  if (isa<AndOp>(op))
    return neutral(1, true);
  if (isa<OrOp>(op))
    return neutral(0, true);
  if (isa<AddOp>(op) && isInteger)
    return neutral(0, true);
  if (isa<SubOp>(op) && isInteger)
    return neutral(0, false);
  return {};
}

static Value simplifyWhere(WhereOp op, Lifter &lifter) {
  std::optional<double> condition = lifter.getScalar(op.getCondition());
  Value chosen = op.getLhs() == op.getRhs() ? op.getLhs()
                 : !condition               ? Value()
                 : *condition != 0          ? op.getLhs()
                                            : op.getRhs();
  return chosen && lifter.haveSameShape(chosen, op) ? chosen : Value();
}

/// A value that can take the place of the op's result.
static Value simplify(Operation *op, Lifter &lifter) {
  if (isReshapeLike(op)) {
    if (Value source = simplifyReshapeChain(op, lifter))
      return source;
    auto reshape = dyn_cast<ReshapeOp>(op);
    if (!reshape)
      return {};
    if (Value transposed = simplifyMergedTranspose(reshape, lifter))
      return transposed;
    return mergeReshapes(reshape, lifter);
  }
  if (auto transpose = dyn_cast<TransposeOp>(op))
    return simplifyTranspose(transpose, lifter);
  if (auto cast = dyn_cast<CastOp>(op))
    return simplifyCast(cast, lifter);
  if (auto slice = dyn_cast<SliceOp>(op))
    return simplifySlice(slice, lifter);
  if (auto where = dyn_cast<WhereOp>(op))
    return simplifyWhere(where, lifter);
  if (isa<ExpandOp>(op) &&
      lifter.haveSameShape(op->getOperand(0), op->getResult(0)))
    return op->getOperand(0);
  if (isa<ConcatOp>(op) && op->getNumOperands() == 1)
    return op->getOperand(0);
  if (auto logic = dyn_cast<NotOp>(op))
    if (auto inner = logic.getOperand().getDefiningOp<NotOp>())
      return inner.getOperand();
  if (op->getNumOperands() == 2 && op->getNumResults() == 1)
    return simplifyNeutral(op, lifter);
  return {};
}

namespace {

struct Simplify : llmc::impl::SimplifyBase<Simplify> {
  void runOnOperation() override {
    if (failed(liftEach(
            getOperation(),
            [](Operation *op) {
              return isa<llmc::ShapeInferenceOpInterface>(op);
            },
            [](Operation *op, Lifter &lifter) {
              Value value = simplify(op, lifter);
              if (value)
                lifter.replace(op, value);
              return bool(value);
            },
            [&] { ++numSimplified; })))
      signalPassFailure();
  }
};

} // namespace
