//===- ScatterToLinalg.cpp - writes at computed positions -----------------===//
//
// Updates of one position apply in order, so these are loops that carry the
// tensor, not linalg ops.
//
//===----------------------------------------------------------------------===//

#include "llmc/Lower/Patterns.h"

using namespace mlir;
using namespace llmc;

namespace {

Value combine(OpBuilder &b, Location loc, ScatterKind kind, bool isSigned,
              Value old, Value update) {
  bool isFloat = isa<FloatType>(old.getType());
  switch (kind) {
  case ScatterKind::None:
    return update;
  case ScatterKind::Add:
    if (isFloat)
      return arith::AddFOp::create(b, loc, old, update);
    return arith::AddIOp::create(b, loc, old, update);
  case ScatterKind::Mul:
    if (isFloat)
      return arith::MulFOp::create(b, loc, old, update);
    return arith::MulIOp::create(b, loc, old, update);
  case ScatterKind::Max:
    if (isFloat)
      return arith::MaximumFOp::create(b, loc, old, update);
    if (isSigned)
      return arith::MaxSIOp::create(b, loc, old, update);
    return arith::MaxUIOp::create(b, loc, old, update);
  case ScatterKind::Min:
    if (isFloat)
      return arith::MinimumFOp::create(b, loc, old, update);
    if (isSigned)
      return arith::MinSIOp::create(b, loc, old, update);
    return arith::MinUIOp::create(b, loc, old, update);
  }
  llvm_unreachable("all kinds are handled");
}

/// Collects conditions on sizes; those that static sizes fulfil cost nothing.
struct SizeCheck {
  OpBuilder &b;
  Location loc;
  Value holds = {};

  void require(arith::CmpIPredicate predicate, Value x, Value y) {
    Value condition = arith::CmpIOp::create(b, loc, predicate, x, y);
    holds = holds ? arith::AndIOp::create(b, loc, holds, condition) : condition;
  }
  /// Reports sizes that do not fit, and empties the loops over them.
  void apply(SmallVector<Value> &bounds) {
    if (!holds)
      return;
    createRuntimeCheck(b, loc, holds, RuntimeError::ShapeMismatch);
    Value zero = createIndex(b, loc, 0);
    for (Value &bound : bounds)
      bound = arith::SelectOp::create(b, loc, holds, bound, zero);
  }
};

bool isStaticDim(Value tensor, int64_t i) {
  return !cast<ShapedType>(tensor.getType()).isDynamicDim(i);
}

struct ScatterElementsPattern : OpConversionPattern<ScatterElementsOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(ScatterElementsOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value operand = adaptor.getOperand(), indices = adaptor.getIndices(),
          updates = adaptor.getUpdates();
    bool isSigned = isSignedElement(elementTypeOf(op.getOperand()));
    int64_t axis = op.getAxis();
    SizeCheck check{rewriter, loc};
    SmallVector<Value> bounds;
    int64_t rank = cast<ShapedType>(operand.getType()).getRank();
    for (int64_t i = 0; i < rank; ++i) {
      Value size = createDim(rewriter, loc, operand, i),
            count = createDim(rewriter, loc, indices, i);
      bool isStatic = isStaticDim(operand, i) && isStaticDim(indices, i);
      if (i != axis && !isStatic)
        check.require(arith::CmpIPredicate::ule, count, size);
      // On an empty axis no index is in range.
      if (i == axis && !isStatic)
        check.require(arith::CmpIPredicate::ule,
                      arith::MinUIOp::create(rewriter, loc, count,
                                             createIndex(rewriter, loc, 1)),
                      size);
      if (!isStaticDim(updates, i) || !isStaticDim(indices, i))
        check.require(arith::CmpIPredicate::eq, count,
                      createDim(rewriter, loc, updates, i));
      bounds.push_back(count);
    }
    check.apply(bounds);
    Value size = createDim(rewriter, loc, operand, axis);
    rewriter.replaceOp(
        op, createLoops(
                rewriter, loc, bounds, operand,
                [&](OpBuilder &b, Location loc, ValueRange at,
                    ValueRange carried) -> SmallVector<Value> {
                  SmallVector<Value> position(at);
                  position[axis] = createCheckedIndex(
                      b, loc, tensor::ExtractOp::create(b, loc, indices, at),
                      size);
                  Value old =
                      tensor::ExtractOp::create(b, loc, carried[0], position);
                  Value update = tensor::ExtractOp::create(b, loc, updates, at);
                  update = combine(b, loc, op.getKind(), isSigned, old, update);
                  return {tensor::InsertOp::create(b, loc, update, carried[0],
                                                   position)};
                }));
    return success();
  }
};

struct ScatterNDPattern : OpConversionPattern<ScatterNDOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(ScatterNDOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value operand = adaptor.getOperand(), indices = adaptor.getIndices(),
          updates = adaptor.getUpdates();
    bool isSigned = isSignedElement(elementTypeOf(op.getOperand()));
    auto indexType = cast<RankedTensorType>(indices.getType());
    int64_t outer = indexType.getRank() - 1;
    int64_t length = indexType.getDimSize(outer);
    if (ShapedType::isDynamic(length))
      return rewriter.notifyMatchFailure(op, "index vectors of dynamic length");
    SizeCheck check{rewriter, loc};
    SmallVector<Value> bounds;
    int64_t rank = cast<ShapedType>(updates.getType()).getRank();
    for (int64_t i = 0; i < rank; ++i) {
      Value source = i < outer ? indices : operand;
      int64_t dimension = i < outer ? i : i - outer + length;
      bounds.push_back(createDim(rewriter, loc, source, dimension));
      if (!isStaticDim(updates, i) || !isStaticDim(source, dimension))
        check.require(arith::CmpIPredicate::eq, bounds.back(),
                      createDim(rewriter, loc, updates, i));
    }
    Value zero = createIndex(rewriter, loc, 0);
    for (int64_t i = 0; i < length; ++i)
      if (cast<ShapedType>(operand.getType()).getDimSize(i) <= 0)
        check.require(arith::CmpIPredicate::ne,
                      createDim(rewriter, loc, operand, i), zero);
    check.apply(bounds);
    rewriter.replaceOp(
        op, createLoops(
                rewriter, loc, bounds, operand,
                [&](OpBuilder &b, Location loc, ValueRange at,
                    ValueRange carried) -> SmallVector<Value> {
                  SmallVector<Value> position, place(at.take_front(outer));
                  place.push_back({});
                  for (int64_t i = 0; i < length; ++i) {
                    place.back() = createIndex(b, loc, i);
                    Value index =
                        tensor::ExtractOp::create(b, loc, indices, place);
                    position.push_back(createCheckedIndex(
                        b, loc, index, createDim(b, loc, operand, i)));
                  }
                  llvm::append_range(position, at.drop_front(outer));
                  Value old =
                      tensor::ExtractOp::create(b, loc, carried[0], position);
                  Value update = tensor::ExtractOp::create(b, loc, updates, at);
                  update = combine(b, loc, op.getKind(), isSigned, old, update);
                  return {tensor::InsertOp::create(b, loc, update, carried[0],
                                                   position)};
                }));
    return success();
  }
};

} // namespace

void llmc::populateScatterToLinalg(const LowerTypeConverter &converter,
                                   RewritePatternSet &patterns) {
  patterns.add<ScatterElementsPattern, ScatterNDPattern>(converter,
                                                         patterns.getContext());
}
