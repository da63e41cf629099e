//===- LiftLinear.cpp - products with a weight ----------------------------===//

#include "Lifter.h"
#include "llmc/Lift/Passes.h"

namespace llmc {
#define GEN_PASS_DEF_LIFTLINEAR
#include "llmc/Lift/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

/// Whether `value` is computed from parameters and constants alone.
static bool isWeightExpression(Value value) {
  llvm::SmallSetVector<Operation *, 8> ops;
  ops.insert(value.getDefiningOp());
  bool hasWeight = false;
  for (unsigned i = 0; i < ops.size(); ++i) {
    Operation *op = ops[i];
    if (!op)
      return false;
    if (isa<WeightOp>(op)) {
      hasWeight = true;
      continue;
    }
    if (op->hasTrait<OpTrait::ConstantLike>())
      continue;
    if (!isa<WeightOpInterface, TransposeOp, CastOp, ReshapeOp, MulOp, AddOp,
             MatMulOp>(op))
      return false;
    for (Value operand : op->getOperands())
      ops.insert(operand.getDefiningOp());
  }
  return hasWeight;
}

/// matmul(x, w) with a weight [in, out].
static bool liftMatMul(MatMulOp root, Lifter &lifter) {
  Value x = root.getLhs(), weight = root.getRhs();
  if (lifter.shapes.rank(weight) != 2 || lifter.shapes.rank(x) < 1 ||
      !isa<FloatType>(lifter.shapes.elementType(x)) ||
      lifter.shapes.elementType(x) != lifter.shapes.elementType(weight) ||
      !isWeightExpression(weight) || isWeightExpression(x))
    return false;
  Value transposed = lifter.createTransposed(root, weight, {1, 0});
  lifter.replace(root, lifter.create<LinearOp>(root, x, transposed, Value()));
  return true;
}

/// linear(reshape(x), w) reshaped back: the rows of a product stay apart, so
/// merging them before and splitting them after changes nothing.
static bool dropReshapes(ReshapeOp root, Lifter &lifter) {
  auto linear = root.getOperand().getDefiningOp<LinearOp>();
  if (!linear || !linear->hasOneUse())
    return false;
  auto merge = linear.getOperand().getDefiningOp<ReshapeOp>();
  if (!merge)
    return false;
  SmallVector<AffineExpr> from(lifter.shapes.dims(merge.getOperand())),
      to(lifter.shapes.dims(root));
  if (from.empty() || to.empty() ||
      from.back() != lifter.shapes.dims(merge).back() ||
      to.back() != lifter.shapes.dims(linear).back() ||
      ArrayRef(from).drop_back() != ArrayRef(to).drop_back())
    return false;
  lifter.replace(root,
                 lifter.create<LinearOp>(linear, merge.getOperand(),
                                         linear.getWeight(), linear.getBias()));
  return true;
}

/// linear(x, w) + b with b [out].
static bool liftBias(AddOp root, Lifter &lifter) {
  for (auto [product, bias] : {std::pair(root.getLhs(), root.getRhs()),
                               std::pair(root.getRhs(), root.getLhs())}) {
    auto linear = product.getDefiningOp<LinearOp>();
    if (!linear || linear.getBias() || !linear->hasOneUse() ||
        lifter.shapes.rank(bias) != 1 ||
        lifter.shapes.dim(bias, 0) != lifter.shapes.dim(linear.getWeight(), 0))
      continue;
    lifter.replace(root, lifter.create<LinearOp>(root, linear.getOperand(),
                                                 linear.getWeight(), bias));
    return true;
  }
  return false;
}

namespace {

struct LiftLinear : llmc::impl::LiftLinearBase<LiftLinear> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (failed(liftEach<MatMulOp>(module, liftMatMul, [&] { ++numLifted; })) ||
        failed(liftEach<AddOp>(module, liftBias, [&] { ++numBiases; })) ||
        failed(
            liftEach<ReshapeOp>(module, dropReshapes, [&] { ++numReshapes; })))
      signalPassFailure();
  }
};

} // namespace
