//===- ReduceToLinalg.cpp - reductions and softmax ------------------------===//

#include "llmc/Lower/Patterns.h"

using namespace mlir;
using namespace llmc;

namespace {

/// Sums may be reassociated: the order of a reduction is not defined, and
/// without the freedom no loop over it vectorises.
constexpr arith::FastMathFlags reassociate = arith::FastMathFlags::reassoc;

Value combine(OpBuilder &b, Location loc, ReduceKind kind, bool isSigned,
              Value x, Value sum) {
  bool isFloat = isa<FloatType>(sum.getType());
  switch (kind) {
  case ReduceKind::Sum:
  case ReduceKind::Mean:
    if (isFloat)
      return arith::AddFOp::create(b, loc, sum, x, reassociate);
    return arith::AddIOp::create(b, loc, sum, x);
  case ReduceKind::Prod:
    if (isFloat)
      return arith::MulFOp::create(b, loc, sum, x, reassociate);
    return arith::MulIOp::create(b, loc, sum, x);
  case ReduceKind::Max:
    if (isFloat)
      return arith::MaximumFOp::create(b, loc, sum, x);
    if (isSigned)
      return arith::MaxSIOp::create(b, loc, sum, x);
    return arith::MaxUIOp::create(b, loc, sum, x);
  case ReduceKind::Min:
    if (isFloat)
      return arith::MinimumFOp::create(b, loc, sum, x);
    if (isSigned)
      return arith::MinSIOp::create(b, loc, sum, x);
    return arith::MinUIOp::create(b, loc, sum, x);
  }
  llvm_unreachable("all kinds are handled");
}

Value createNeutral(OpBuilder &b, Location loc, ReduceKind kind, bool isSigned,
                    Type type) {
  switch (kind) {
  case ReduceKind::Sum:
  case ReduceKind::Mean:
    return createScalar(b, loc, type, 0);
  case ReduceKind::Prod:
    return createScalar(b, loc, type, 1);
  case ReduceKind::Max:
    return createLimit(b, loc, type, isSigned, /*lowest=*/true);
  case ReduceKind::Min:
    return createLimit(b, loc, type, isSigned, /*lowest=*/false);
  }
  llvm_unreachable("all kinds are handled");
}

/// Sums of narrow floats are taken in f32.
Type accumulatorType(ReduceKind kind, Type type) {
  bool isSum = kind == ReduceKind::Sum || kind == ReduceKind::Mean ||
               kind == ReduceKind::Prod;
  if (isSum && isa<FloatType>(type) && type.getIntOrFloatBitWidth() < 32)
    return Float32Type::get(type.getContext());
  return type;
}

/// Reduces `operand` over `axes`, keeping them as unit dimensions: the result
/// broadcasts against the operand.
Value createReduction(OpBuilder &builder, Location loc, Value operand,
                      ArrayRef<int64_t> axes, ReduceKind kind, bool isSigned) {
  auto type = cast<RankedTensorType>(operand.getType());
  int64_t rank = type.getRank();
  Type accumulator = accumulatorType(kind, type.getElementType());
  SmallVector<int64_t> shape(type.getShape());
  SmallVector<OpFoldResult> dims = createDims(builder, loc, operand);
  SmallVector<AffineExpr> exprs;
  SmallVector<utils::IteratorType> iterators;
  Value count = createIndex(builder, loc, 1);
  for (int64_t i = 0; i < rank; ++i) {
    bool reduced = llvm::is_contained(axes, i);
    exprs.push_back(reduced ? builder.getAffineConstantExpr(0)
                            : builder.getAffineDimExpr(i));
    iterators.push_back(reduced ? utils::IteratorType::reduction
                                : utils::IteratorType::parallel);
    if (!reduced)
      continue;
    count = arith::MulIOp::create(builder, loc, count,
                                  createDim(builder, loc, operand, i));
    shape[i] = 1;
    dims[i] = builder.getIndexAttr(1);
  }
  auto wideType = RankedTensorType::get(shape, accumulator);
  Value neutral = createNeutral(builder, loc, kind, isSigned, accumulator);
  Value initial = createFilled(builder, loc, wideType, dims, neutral);
  SmallVector<AffineMap> maps{
      builder.getMultiDimIdentityMap(rank),
      AffineMap::get(rank, 0, exprs, builder.getContext())};
  Value result = linalg::GenericOp::create(
                     builder, loc, wideType, operand, initial, maps, iterators,
                     [&](OpBuilder &b, Location loc, ValueRange args) {
                       Value x = args[0];
                       if (x.getType() != accumulator)
                         x = arith::ExtFOp::create(b, loc, accumulator, x);
                       linalg::YieldOp::create(
                           b, loc, combine(b, loc, kind, isSigned, x, args[1]));
                     })
                     .getResult(0);
  if (kind != ReduceKind::Mean && accumulator == type.getElementType())
    return result;
  auto narrow = RankedTensorType::get(shape, type.getElementType());
  return createElementwise(
      builder, loc, narrow, result,
      [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
        Value value = args[0];
        if (kind == ReduceKind::Mean) {
          Value n = arith::IndexCastOp::create(b, loc, b.getI64Type(), count);
          if (isa<FloatType>(accumulator))
            value = arith::DivFOp::create(
                b, loc, value, arith::SIToFPOp::create(b, loc, accumulator, n));
          else
            value = arith::DivSIOp::create(
                b, loc, value,
                accumulator.isInteger(64)
                    ? n
                    : arith::TruncIOp::create(b, loc, accumulator, n)
                          .getResult());
        }
        if (accumulator != type.getElementType())
          value = arith::TruncFOp::create(b, loc, type.getElementType(), value);
        return value;
      });
}

/// Drops the unit dimensions `axes` of `value`.
Value dropAxes(OpBuilder &builder, Location loc, Value value,
               ArrayRef<int64_t> axes) {
  int64_t rank = cast<ShapedType>(value.getType()).getRank();
  SmallVector<ReassociationIndices> groups;
  ReassociationIndices group;
  for (int64_t i = 0; i < rank; ++i) {
    // Unit dimensions join the kept one before them, the first ones the next.
    if (!llvm::is_contained(axes, i) && !group.empty() &&
        llvm::any_of(group,
                     [&](int64_t d) { return !llvm::is_contained(axes, d); })) {
      groups.push_back(group);
      group.clear();
    }
    group.push_back(i);
  }
  if (!group.empty() && int64_t(axes.size()) < rank)
    groups.push_back(group);
  return tensor::CollapseShapeOp::create(builder, loc, value, groups);
}

struct ReducePattern : OpConversionPattern<ReduceOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(ReduceOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    bool isSigned = isSignedElement(elementTypeOf(op.getOperand()));
    if (op.getAxes().empty()) {
      rewriter.replaceOp(op, adaptor.getOperand());
      return success();
    }
    Value result = createReduction(rewriter, op.getLoc(), adaptor.getOperand(),
                                   op.getAxes(), op.getKind(), isSigned);
    if (!op.getKeepdims())
      result = dropAxes(rewriter, op.getLoc(), result, op.getAxes());
    Type type = getTypeConverter()->convertType(op.getType());
    if (result.getType() != type)
      result = tensor::CastOp::create(rewriter, op.getLoc(), type, result);
    rewriter.replaceOp(op, result);
    return success();
  }
};

struct SoftmaxPattern : OpConversionPattern<SoftmaxOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(SoftmaxOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value x = adaptor.getOperand();
    auto type = cast<RankedTensorType>(x.getType());
    int64_t axis = op.getAxis();
    if (axis < 0)
      axis += type.getRank();
    Value max = createReduction(rewriter, loc, x, axis, ReduceKind::Max, true);
    Value shifted = createElementwise(
        rewriter, loc, type, {x, max},
        [](OpBuilder &b, Location loc, ValueRange args) -> Value {
          return arith::SubFOp::create(b, loc, args[0], args[1]);
        });
    Value exp = createElementwise(
        rewriter, loc, type, shifted,
        [](OpBuilder &b, Location loc, ValueRange args) -> Value {
          return math::ExpOp::create(b, loc, args[0]);
        });
    Value sum =
        createReduction(rewriter, loc, exp, axis, ReduceKind::Sum, true);
    bool log = op.getLog();
    rewriter.replaceOp(
        op, createElementwise(
                rewriter, loc, type, {log ? shifted : exp, sum},
                [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
                  if (!log)
                    return arith::DivFOp::create(b, loc, args[0], args[1]);
                  return arith::SubFOp::create(
                      b, loc, args[0], math::LogOp::create(b, loc, args[1]));
                }));
    return success();
  }
};

} // namespace

void llmc::populateReduceToLinalg(const LowerTypeConverter &converter,
                                  RewritePatternSet &patterns) {
  patterns.add<ReducePattern, SoftmaxPattern>(converter, patterns.getContext());
}
