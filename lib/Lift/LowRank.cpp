//===- LowRank.cpp - products of weights, one after the other -------------===//

#include "llmc/Lift/LowRank.h"
#include "llmc/IR/Dialect.h"
#include "mlir/IR/Builders.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/SetVector.h"

using namespace mlir;
using namespace llmc;

static TransposeOp getTranspose(Value value) {
  auto op = value.getDefiningOp<TransposeOp>();
  return op && op.getPerm() == ArrayRef<int64_t>{1, 0} ? op : TransposeOp();
}

/// The product of two matrices that `weight` is.
static MatMulOp getProduct(Value weight) {
  auto op = weight.getDefiningOp<MatMulOp>();
  return op && op.getLhs().getType().getRank() == 2 &&
                 op.getRhs().getType().getRank() == 2
             ? op
             : MatMulOp();
}

/// The sum of two matrices of one size that `weight` is.
static AddOp getSum(Value weight) {
  auto op = weight.getDefiningOp<AddOp>();
  return op && op.getLhs().getType() == op.getRhs().getType() ? op : AddOp();
}

/// Ops of an expression that are looked at. Expressions may use a value twice,
/// so that what they expand to may be exponentially larger than they are.
static constexpr int64_t maxOps = 64;

/// Looks for a product in the sums, products and transposes that `weight` is
/// made of, as far as `budget` goes.
static bool findProduct(Value weight, int64_t &budget) {
  if (--budget < 0)
    return false;
  if (TransposeOp op = getTranspose(weight))
    return findProduct(op.getOperand(), budget);
  if (AddOp op = getSum(weight)) {
    bool left = findProduct(op.getLhs(), budget);
    return findProduct(op.getRhs(), budget) || left;
  }
  MatMulOp op = getProduct(weight);
  if (op) {
    findProduct(op.getLhs(), budget);
    findProduct(op.getRhs(), budget);
  }
  return bool(op);
}

/// Whether `weight` is to be split.
static bool hasProduct(Value weight) {
  int64_t budget = maxOps;
  return findProduct(weight, budget) && budget >= 0;
}

namespace {

/// Writes what replaces an op.
struct Splitter {
  OpBuilder builder;
  Location loc;
  /// Those made, of which some only led to what they are made of.
  SmallVector<Operation *> transposes;

  Value transpose(Value value) {
    if (TransposeOp op = getTranspose(value))
      return op.getOperand();
    transposes.push_back(
        TransposeOp::create(builder, loc, value, ArrayRef<int64_t>{1, 0}));
    return transposes.back()->getResult(0);
  }

  /// `weight` as a product or sum, with the transpose, if there is one, moved
  /// to what it is made of.
  template <typename OpTy>
  std::pair<Value, Value> getParts(Value weight, OpTy (*match)(Value)) {
    if (OpTy op = match(weight))
      return {op.getLhs(), op.getRhs()};
    TransposeOp turn = getTranspose(weight);
    OpTy op = turn ? match(turn.getOperand()) : OpTy();
    if (!op)
      return {};
    Value left = transpose(op.getLhs()), right = transpose(op.getRhs());
    if (std::is_same_v<OpTy, MatMulOp>)
      std::swap(left, right);
    return {left, right};
  }

  /// x times the weight, [..., out], plus the bias if there is one.
  Value apply(Value x, Value weight, Value bias, RankedTensorType type) {
    if (hasProduct(weight)) {
      if (auto [u, v] = getParts(weight, getProduct); u) {
        SmallVector<int64_t> shape(type.getShape());
        shape.back() = cast<ShapedType>(v.getType()).getDimSize(0);
        return apply(apply(x, v, {}, type.clone(shape)), u, bias, type);
      }
      if (auto [a, b] = getParts(weight, getSum); a) {
        // Kernels add to the last product, which is the small one.
        if (!hasProduct(a))
          std::swap(a, b);
        Value left = apply(x, a, {}, type);
        return AddOp::create(builder, loc, type, left, apply(x, b, bias, type));
      }
    }
    SmallVector<Value> operands{x, weight};
    if (bias)
      operands.push_back(bias);
    return LinearOp::create(builder, loc, type, operands);
  }

  /// Rows of the weight.
  Value lookUp(Value ids, Value weight, RankedTensorType type) {
    if (hasProduct(weight)) {
      if (auto [u, v] = getParts(weight, getProduct); u) {
        SmallVector<int64_t> shape(type.getShape());
        shape.back() = cast<ShapedType>(u.getType()).getDimSize(1);
        return apply(lookUp(ids, u, type.clone(shape)), transpose(v), {}, type);
      }
      if (auto [a, b] = getParts(weight, getSum); a) {
        Value left = lookUp(ids, a, type);
        return AddOp::create(builder, loc, type, left, lookUp(ids, b, type));
      }
    }
    return EmbeddingOp::create(builder, loc, type, ids, weight);
  }
};
} // namespace

/// Erases `op` unless something reads it, with what only it reads.
static void eraseIfDead(Operation *op) {
  if (!op || !isOpTriviallyDead(op))
    return;
  llvm::SmallSetVector<Operation *, 4> producers;
  for (Value operand : op->getOperands())
    producers.insert(operand.getDefiningOp());
  op->erase();
  for (Operation *producer : producers)
    eraseIfDead(producer);
}

LogicalResult llmc::splitLowRank(Operation *op) {
  auto linear = dyn_cast<LinearOp>(op);
  auto embedding = dyn_cast<EmbeddingOp>(op);
  if (!linear && !embedding)
    return failure();
  Value weight = linear ? linear.getWeight() : embedding.getWeight();
  if (!hasProduct(weight))
    return failure();
  Splitter splitter{OpBuilder(op), op->getLoc(), {}};
  auto type = cast<RankedTensorType>(op->getResult(0).getType());
  Value result = linear ? splitter.apply(linear.getOperand(), weight,
                                         linear.getBias(), type)
                        : splitter.lookUp(embedding.getIds(), weight, type);
  op->getResult(0).replaceAllUsesWith(result);
  eraseIfDead(op);
  for (Operation *transpose : splitter.transposes)
    eraseIfDead(transpose);
  return success();
}
