//===- ExplicitBroadcast.cpp - broadcasts that only run time decides ------===//

#include "llmc/IR/ShapeAnalysis.h"
#include "llmc/Lower/Passes.h"

namespace llmc {
#define GEN_PASS_DEF_EXPLICITBROADCAST
#include "llmc/Lower/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

namespace {

/// The shape of `value` without its last `dropped` dimensions.
Value createShape(OpBuilder &builder, Location loc, Value value,
                  int64_t dropped) {
  int64_t rank = cast<ShapedType>(value.getType()).getRank();
  return ShapeOp::create(builder, loc, value, 0, rank - dropped);
}

struct ExplicitBroadcast
    : llmc::impl::ExplicitBroadcastBase<ExplicitBroadcast> {
  void runOnOperation() override {
    for (auto function : getOperation().getOps<FunctionOpInterface>()) {
      ShapeContext shapes(&getContext());
      auto visit = [&](Operation *op) {
        if (op->hasTrait<Broadcasts>())
          return makeExplicit(op, /*inner=*/0, shapes);
        if (auto matmul = dyn_cast<MatMulOp>(op))
          // The batch dimensions of vectors are none.
          if (shapes.rank(matmul.getLhs()) >= 2 &&
              shapes.rank(matmul.getRhs()) >= 2)
            return makeExplicit(op, /*inner=*/2, shapes);
        return success();
      };
      if (failed(analyzeShapes(function, shapes, visit)))
        return signalPassFailure();
    }
  }

  /// Whether a dimension of `operand` may differ from the result's without
  /// being repeated by its type.
  static bool needsExpansion(Value operand, ArrayRef<AffineExpr> common,
                             int64_t inner, ShapeContext &shapes) {
    auto type = cast<RankedTensorType>(operand.getType());
    int64_t rank = type.getRank() - inner, offset = common.size() - rank;
    SmallVector<AffineExpr> dims(shapes.dims(operand));
    for (int64_t i = 0; i < rank; ++i)
      if (type.getDimSize(i) != 1 &&
          shapes.areEqual(dims[i], common[offset + i]) != true)
        return true;
    return false;
  }

  /// Expands the operands that need it to the shape that all broadcast to,
  /// which their last `inner` dimensions have no part in.
  static LogicalResult makeExplicit(Operation *op, int64_t inner,
                                    ShapeContext &shapes) {
    SmallVector<AffineExpr> common(shapes.dims(op->getResult(0)));
    common.pop_back_n(inner);
    SmallVector<unsigned> expanded;
    for (auto [index, operand] : llvm::enumerate(op->getOperands()))
      if (needsExpansion(operand, common, inner, shapes))
        expanded.push_back(index);
    if (expanded.empty())
      return success();

    OpBuilder builder(op);
    Location loc = op->getLoc();
    auto analyzed = [&](Value value) {
      (void)analyzeShapes(value.getDefiningOp(), shapes);
      return value;
    };
    SmallVector<Value> operandShapes;
    for (Value operand : op->getOperands())
      operandShapes.push_back(
          analyzed(createShape(builder, loc, operand, inner)));
    Value target =
        analyzed(BroadcastShapeOp::create(builder, loc, operandShapes));
    for (unsigned index : expanded) {
      Value operand = op->getOperand(index), shape = target;
      if (inner) {
        // 1 keeps the operand's own dimension.
        Value kept = analyzed(
            createI64Constant(builder, loc, SmallVector<int64_t>(inner, 1)));
        shape = analyzed(
            ConcatOp::create(builder, loc, ValueRange{target, kept}, 0));
      }
      Value result = analyzed(ExpandOp::create(builder, loc, operand, shape));
      op->setOperand(index, result);
    }
    return analyzeShapes(op, shapes);
  }
};

} // namespace
