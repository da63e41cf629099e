//===- FoldShapes.cpp - fold shape arithmetic and small constants ---------===//

#include "Lifter.h"
#include "TypeRefiner.h"
#include "llmc/IR/Dialect.h"
#include "llmc/Lift/Passes.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/PatternMatch.h"

namespace llmc {
#define GEN_PASS_DEF_FOLDSHAPES
#include "llmc/Lift/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

namespace {

struct FoldShapes : llmc::impl::FoldShapesBase<FoldShapes> {
  void runOnOperation() override;

private:
  /// Replaces `op` when all its results are constants; true if it is gone.
  bool foldToConstants(Operation *op, ShapeContext &shapes);
  bool foldKnownElements(Operation *op, ShapeContext &shapes);
  bool inlineTakenBranch(Operation *op, ShapeContext &shapes);
  void foldTarget(Operation *op, ShapeContext &shapes);
};

} // namespace

/// A constant of `type` with these elements, or nothing when one does not fit.
static DenseElementsAttr getElements(RankedTensorType type,
                                     ArrayRef<int64_t> values) {
  unsigned width = type.getElementTypeBitWidth();
  SmallVector<APInt> elements;
  for (int64_t value : values) {
    if (width == 1 ? value != 0 && value != 1 : !llvm::isIntN(width, value))
      return {};
    elements.emplace_back(width, uint64_t(value), /*isSigned=*/true,
                          /*implicitTrunc=*/true);
  }
  return DenseElementsAttr::get(type, elements);
}

bool FoldShapes::foldKnownElements(Operation *op, ShapeContext &shapes) {
  if (op->getNumResults() != 1 || !isa<llmc::ShapeInferenceOpInterface>(op))
    return false;
  Value result = op->getResult(0);
  auto type = cast<RankedTensorType>(result.getType());
  if (type.getRank() > 1 || !type.hasStaticShape() ||
      !isTrackedElementType(type.getElementType()))
    return false;
  std::optional<SmallVector<int64_t>> values = shapes.constants(result);
  if (!values || int64_t(values->size()) != type.getNumElements())
    return false;
  DenseElementsAttr elements = getElements(type, *values);
  if (!elements)
    return false;
  OpBuilder builder(op);
  auto constant = ConstantOp::create(builder, op->getLoc(), type, elements);
  (void)analyzeShapes(constant, shapes);
  result.replaceAllUsesWith(constant);
  op->erase();
  return true;
}

bool FoldShapes::foldToConstants(Operation *op, ShapeContext &shapes) {
  if (!isa_and_nonnull<LLMCDialect, tensor::TensorDialect, arith::ArithDialect>(
          op->getDialect()) ||
      op->hasTrait<OpTrait::ConstantLike>())
    return false;
  if (foldKnownElements(op, shapes))
    return true;
  SmallVector<Attribute> operands;
  for (Value operand : op->getOperands()) {
    Attribute attribute;
    matchPattern(operand, m_Constant(&attribute));
    operands.push_back(attribute);
  }
  SmallVector<OpFoldResult> folded;
  if (failed(op->fold(operands, folded)) ||
      folded.size() != op->getNumResults())
    return false;
  OpBuilder builder(op);
  SmallVector<Value> replacements;
  for (auto [result, fold] : llvm::zip(op->getResults(), folded)) {
    if (auto value = dyn_cast<Value>(fold)) {
      replacements.push_back(value);
      continue;
    }
    Operation *constant = op->getDialect()->materializeConstant(
        builder, cast<Attribute>(fold), result.getType(), op->getLoc());
    if (!constant)
      return false;
    (void)analyzeShapes(constant, shapes);
    replacements.push_back(constant->getResult(0));
  }
  op->replaceAllUsesWith(replacements);
  op->erase();
  return true;
}

/// Moves the branch that is always taken out of an scf.if.
bool FoldShapes::inlineTakenBranch(Operation *op, ShapeContext &shapes) {
  auto branch = dyn_cast<scf::IfOp>(op);
  BoolAttr condition;
  if (!branch || !matchPattern(branch.getCondition(), m_Constant(&condition)))
    return false;
  Region &taken =
      condition.getValue() ? branch.getThenRegion() : branch.getElseRegion();
  if (!taken.empty()) {
    Block *block = &taken.front();
    Operation *yield = block->getTerminator();
    SmallVector<Value> values(yield->getOperands());
    yield->erase();
    op->getBlock()->getOperations().splice(op->getIterator(),
                                           block->getOperations());
    op->replaceAllUsesWith(values);
  }
  op->erase();
  return true;
}

/// The elements of a reshape target that are known, 0 where the operand's
/// dimension at that place is copied, and -1 for at most one other.
static std::optional<SmallVector<int64_t>>
getReshapeTarget(ReshapeOp op, ShapeContext &shapes) {
  SmallVector<AffineExpr> from(shapes.dims(op.getOperand())),
      to(shapes.dims(op.getResult()));
  SmallVector<int64_t> target;
  bool hasCopy = false, hasZero = false;
  std::optional<size_t> inferred;
  for (auto [index, dim] : llvm::enumerate(to)) {
    std::optional<int64_t> size = getConstant(dim);
    if (size) {
      hasZero |= *size == 0;
      target.push_back(*size);
    } else if (index < from.size() && from[index] == dim) {
      hasCopy = true;
      target.push_back(0);
    } else if (!inferred) {
      inferred = index;
      target.push_back(-1);
    } else {
      return std::nullopt;
    }
  }
  // 0 says "copied" and is not a size; and what is inferred must not depend on
  // a division by a copied size, which may be 0 at run time.
  if (hasZero || (inferred && hasCopy))
    return std::nullopt;
  return target;
}

/// What Expand needs to say: 1 keeps the operand's dimension.
static std::optional<SmallVector<int64_t>>
getExpandTarget(ExpandOp op, ShapeContext &shapes) {
  SmallVector<AffineExpr> from(shapes.dims(op.getOperand())),
      to(shapes.dims(op.getResult()));
  SmallVector<int64_t> target;
  for (auto [index, dim] : llvm::enumerate(to)) {
    int64_t source = int64_t(index) - int64_t(to.size() - from.size());
    if (std::optional<int64_t> size = getConstant(dim))
      target.push_back(*size);
    else if (source >= 0 && from[source] == dim)
      target.push_back(1);
    else
      return std::nullopt;
  }
  return target;
}

void FoldShapes::foldTarget(Operation *op, ShapeContext &shapes) {
  std::optional<SmallVector<int64_t>> target;
  if (auto reshape = dyn_cast<ReshapeOp>(op))
    target = getReshapeTarget(reshape, shapes);
  else if (auto expand = dyn_cast<ExpandOp>(op))
    target = getExpandTarget(expand, shapes);
  if (!target)
    return;
  DenseIntElementsAttr old;
  if (matchPattern(op->getOperand(1), m_Constant(&old)) &&
      llvm::equal(old.getValues<int64_t>(), *target))
    return;
  OpBuilder builder(op);
  Value constant = createI64Constant(builder, op->getLoc(), *target);
  (void)analyzeShapes(constant.getDefiningOp(), shapes);
  op->setOperand(1, constant);
  if (auto reshape = dyn_cast<ReshapeOp>(op))
    reshape.setAllowzero(false);
  ++numShapes;
}

void FoldShapes::runOnOperation() {
  for (auto function : getOperation().getOps<FunctionOpInterface>()) {
    ShapeContext shapes(&getContext());
    TypeRefiner refiner(function, shapes);
    if (failed(analyzeShapes(function, shapes, [&](Operation *op) {
          if (inlineTakenBranch(op, shapes)) {
            ++numBranches;
            return success();
          }
          refiner.refineResults(op);
          if (foldToConstants(op, shapes))
            ++numFolded;
          else
            foldTarget(op, shapes);
          return success();
        })))
      return signalPassFailure();
    eraseDeadOps(function.getFunctionBody());
    refiner.refineFunctionType();
  }
}
