//===- ExplicitBroadcast.cpp - sizes that only run time decides -----------===//

#include "llmc/IR/ShapeAnalysis.h"
#include "llmc/Lower/Passes.h"

namespace llmc {
#define GEN_PASS_DEF_EXPLICITBROADCAST
#include "llmc/Lower/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

namespace {

/// Dimension `axis` of an operand has to be as long as that of another one.
struct Requirement {
  int64_t axis;
  Value source;
  int64_t sourceAxis;
};

/// Inserts what is needed in front of one op.
class OperandExpander {
public:
  OperandExpander(Operation *op, ShapeContext &shapes)
      : op(op), shapes(shapes), builder(op), loc(op->getLoc()) {}

  LogicalResult run();

private:
  void broadcast(int64_t inner);
  void checkConcat(ConcatOp concat);
  void checkInner(unsigned left, int64_t leftAxis, unsigned right,
                  int64_t rightAxis);
  bool needsExpansion(Value operand, ArrayRef<AffineExpr> common,
                      int64_t inner);
  void require(unsigned index, ArrayRef<Requirement> requirements);
  void expand(unsigned index, Value target);

  Value analyzed(Value value) {
    (void)analyzeShapes(value.getDefiningOp(), shapes);
    return value;
  }
  /// Dimensions [begin, end) of `value`.
  Value createShape(Value value, int64_t begin, int64_t end) {
    return analyzed(ShapeOp::create(builder, loc, value, begin, end));
  }
  Value createOnes(int64_t count) {
    return analyzed(
        createI64Constant(builder, loc, SmallVector<int64_t>(count, 1)));
  }
  bool areEqual(AffineExpr a, AffineExpr b) {
    return shapes.areEqual(a, b) == true;
  }

  Operation *op;
  ShapeContext &shapes;
  OpBuilder builder;
  Location loc;
  bool changed = false;
};

struct ExplicitBroadcast
    : llmc::impl::ExplicitBroadcastBase<ExplicitBroadcast> {
  void runOnOperation() override {
    for (auto function : getOperation().getOps<FunctionOpInterface>()) {
      ShapeContext shapes(&getContext());
      if (failed(analyzeShapes(function, shapes, [&](Operation *op) {
            return OperandExpander(op, shapes).run();
          })))
        return signalPassFailure();
    }
  }
};

} // namespace

LogicalResult OperandExpander::run() {
  if (op->hasTrait<Broadcasts>())
    broadcast(/*inner=*/0);
  if (auto matmul = dyn_cast<MatMulOp>(op)) {
    int64_t left = shapes.rank(matmul.getLhs()),
            right = shapes.rank(matmul.getRhs());
    checkInner(0, left - 1, 1, std::max<int64_t>(right - 2, 0));
    // The batch dimensions of vectors are none.
    if (left >= 2 && right >= 2)
      broadcast(/*inner=*/2);
  }
  if (auto linear = dyn_cast<LinearOp>(op))
    checkInner(0, shapes.rank(linear.getOperand()) - 1, 1, 1);
  if (auto concat = dyn_cast<ConcatOp>(op))
    checkConcat(concat);
  return changed ? analyzeShapes(op, shapes) : success();
}

/// Whether a dimension of `operand` may differ from the result's without being
/// repeated by its type.
bool OperandExpander::needsExpansion(Value operand, ArrayRef<AffineExpr> common,
                                     int64_t inner) {
  auto type = cast<RankedTensorType>(operand.getType());
  int64_t rank = type.getRank() - inner, offset = common.size() - rank;
  SmallVector<AffineExpr> dims(shapes.dims(operand));
  for (int64_t i = 0; i < rank; ++i)
    if (type.getDimSize(i) != 1 && !areEqual(dims[i], common[offset + i]))
      return true;
  return false;
}

/// Expands the operands that need it to the shape that all broadcast to, which
/// their last `inner` dimensions have no part in.
void OperandExpander::broadcast(int64_t inner) {
  SmallVector<AffineExpr> common(shapes.dims(op->getResult(0)));
  common.pop_back_n(inner);
  SmallVector<unsigned> expanded;
  for (auto [index, operand] : llvm::enumerate(op->getOperands()))
    if (needsExpansion(operand, common, inner))
      expanded.push_back(index);
  if (expanded.empty())
    return;
  SmallVector<Value> operandShapes;
  for (Value operand : op->getOperands())
    operandShapes.push_back(
        createShape(operand, 0, shapes.rank(operand) - inner));
  Value target =
      analyzed(BroadcastShapeOp::create(builder, loc, operandShapes));
  if (inner)
    // 1 keeps the operand's own dimension.
    target = analyzed(ConcatOp::create(
        builder, loc, ValueRange{target, createOnes(inner)}, 0));
  for (unsigned index : expanded)
    expand(index, target);
}

/// All dimensions but the axis are those of one of the inputs, one that has
/// them static if there is any.
void OperandExpander::checkConcat(ConcatOp concat) {
  ValueRange inputs = concat.getInputs();
  SmallVector<SmallVector<Requirement>> required(inputs.size());
  for (int64_t i = 0; i < shapes.rank(inputs[0]); ++i) {
    if (i == int64_t(concat.getAxis()))
      continue;
    auto isStatic = [&](Value input) {
      return getConstant(shapes.dim(input, i)).has_value();
    };
    auto found = llvm::find_if(inputs, isStatic);
    Value source = found == inputs.end() ? inputs[0] : *found;
    for (auto [index, input] : llvm::enumerate(inputs))
      if (!areEqual(shapes.dim(input, i), shapes.dim(source, i)))
        required[index].push_back({i, source, i});
  }
  for (auto [index, requirements] : llvm::enumerate(required))
    require(index, requirements);
}

/// The dimension that a product sums over.
void OperandExpander::checkInner(unsigned left, int64_t leftAxis,
                                 unsigned right, int64_t rightAxis) {
  Value lhs = op->getOperand(left), rhs = op->getOperand(right);
  AffineExpr a = shapes.dim(lhs, leftAxis), b = shapes.dim(rhs, rightAxis);
  if (areEqual(a, b))
    return;
  if (getConstant(b))
    require(left, Requirement{leftAxis, rhs, rightAxis});
  else
    require(right, Requirement{rightAxis, lhs, leftAxis});
}

void OperandExpander::require(unsigned index,
                              ArrayRef<Requirement> requirements) {
  if (requirements.empty())
    return;
  SmallVector<Value> sizes(shapes.rank(op->getOperand(index)));
  for (const Requirement &requirement : requirements)
    sizes[requirement.axis] = createShape(
        requirement.source, requirement.sourceAxis, requirement.sourceAxis + 1);
  for (Value &size : sizes)
    if (!size)
      size = createOnes(1);
  expand(index, analyzed(ConcatOp::create(builder, loc, sizes, 0)));
}

void OperandExpander::expand(unsigned index, Value target) {
  op->setOperand(index, analyzed(ExpandOp::create(
                            builder, loc, op->getOperand(index), target)));
  changed = true;
}
