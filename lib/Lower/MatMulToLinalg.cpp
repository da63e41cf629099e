//===- MatMulToLinalg.cpp - matrix products -------------------------------===//

#include "llmc/Lower/Patterns.h"

using namespace mlir;
using namespace llmc;

namespace {

/// Contracts `lhs` and `rhs` into a tensor of `type` over the loops that the
/// maps (lhs, rhs, result) speak of; the loops that the result's map does not
/// name are the reductions.
Value createContraction(OpBuilder &builder, Location loc, RankedTensorType type,
                        ArrayRef<OpFoldResult> dims, Value lhs, Value rhs,
                        ArrayRef<AffineMap> maps) {
  Type accumulator = accumulatorType(type.getElementType());
  auto wide = RankedTensorType::get(type.getShape(), accumulator);
  Value initial = createFilled(builder, loc, wide, dims,
                               createScalar(builder, loc, accumulator, 0));
  SmallVector<utils::IteratorType> iterators;
  for (unsigned i = 0; i < maps[0].getNumDims(); ++i)
    iterators.push_back(maps[2].isFunctionOfDim(i)
                            ? utils::IteratorType::parallel
                            : utils::IteratorType::reduction);
  Value result =
      linalg::GenericOp::create(builder, loc, wide, ValueRange{lhs, rhs},
                                initial, maps, iterators, createMultiplyAdd)
          .getResult(0);
  if (accumulator == type.getElementType())
    return result;
  return createElementwise(
      builder, loc, type, result,
      [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
        return arith::TruncFOp::create(b, loc, type.getElementType(), args[0]);
      });
}

struct MatMulPattern : OpConversionPattern<MatMulOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(MatMulOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value lhs = adaptor.getLhs(), rhs = adaptor.getRhs();
    auto a = cast<RankedTensorType>(lhs.getType()),
         b = cast<RankedTensorType>(rhs.getType());
    auto type =
        cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    bool vectorA = a.getRank() == 1, vectorB = b.getRank() == 1;
    int64_t batch = type.getRank() - !vectorA - !vectorB;
    // Loops: the batch, m, k, n; with n innermost rhs is read in order.
    int64_t loops = batch + !vectorA + 1 + !vectorB;
    AffineExpr m = rewriter.getAffineDimExpr(batch),
               k = rewriter.getAffineDimExpr(batch + !vectorA),
               n = rewriter.getAffineDimExpr(loops - 1);
    SmallVector<OpFoldResult> dims(type.getRank(), rewriter.getIndexAttr(1));
    auto batchExprs = [&](Value operand, int64_t count) {
      auto operandType = cast<RankedTensorType>(operand.getType());
      SmallVector<AffineExpr> exprs;
      for (int64_t i = 0; i < count; ++i) {
        int64_t position = batch - count + i;
        bool repeated =
            operandType.getDimSize(i) == 1 && type.getDimSize(position) != 1;
        exprs.push_back(repeated ? rewriter.getAffineConstantExpr(0)
                                 : rewriter.getAffineDimExpr(position));
        if (!repeated)
          dims[position] = createDim(rewriter, loc, operand, i);
      }
      return exprs;
    };
    SmallVector<AffineExpr> mapA =
        batchExprs(lhs, a.getRank() - (vectorA ? 1 : 2));
    SmallVector<AffineExpr> mapB =
        batchExprs(rhs, b.getRank() - (vectorB ? 1 : 2));
    SmallVector<AffineExpr> mapC;
    for (int64_t i = 0; i < batch; ++i)
      mapC.push_back(rewriter.getAffineDimExpr(i));
    if (!vectorA) {
      mapA.push_back(m);
      mapC.push_back(m);
      dims[batch] = createDim(rewriter, loc, lhs, a.getRank() - 2);
    }
    mapA.push_back(k);
    mapB.push_back(k);
    if (!vectorB) {
      mapB.push_back(n);
      mapC.push_back(n);
      dims.back() = createDim(rewriter, loc, rhs, b.getRank() - 1);
    }
    MLIRContext *context = rewriter.getContext();
    rewriter.replaceOp(
        op, createContraction(rewriter, loc, type, dims, lhs, rhs,
                              {AffineMap::get(loops, 0, mapA, context),
                               AffineMap::get(loops, 0, mapB, context),
                               AffineMap::get(loops, 0, mapC, context)}));
    return success();
  }
};

struct LinearPattern : OpConversionPattern<LinearOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(LinearOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value operand = adaptor.getOperand(), weight = adaptor.getWeight();
    auto type =
        cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    // Loops: n, the rows of the operand, k. A row of the weight, which is the
    // large one, is read from memory once and stays in the cache for all rows.
    int64_t outer = type.getRank() - 1, loops = outer + 2;
    AffineExpr n = rewriter.getAffineDimExpr(0),
               k = rewriter.getAffineDimExpr(loops - 1);
    SmallVector<OpFoldResult> dims;
    SmallVector<AffineExpr> mapX;
    for (int64_t i = 0; i < outer; ++i) {
      mapX.push_back(rewriter.getAffineDimExpr(i + 1));
      dims.push_back(createDim(rewriter, loc, operand, i));
    }
    SmallVector<AffineExpr> mapY = mapX;
    mapX.push_back(k);
    mapY.push_back(n);
    dims.push_back(createDim(rewriter, loc, weight, 0));
    MLIRContext *context = rewriter.getContext();
    Value result = createContraction(rewriter, loc, type, dims, operand, weight,
                                     {AffineMap::get(loops, 0, mapX, context),
                                      AffineMap::get(loops, 0, {n, k}, context),
                                      AffineMap::get(loops, 0, mapY, context)});
    if (adaptor.getBias())
      result = createElementwise(
          rewriter, loc, type, {result, adaptor.getBias()},
          [](OpBuilder &b, Location loc, ValueRange args) -> Value {
            return arith::AddFOp::create(b, loc, args[0], args[1]);
          });
    rewriter.replaceOp(op, result);
    return success();
  }
};

} // namespace

void llmc::populateMatMulToLinalg(const LowerTypeConverter &converter,
                                  RewritePatternSet &patterns) {
  patterns.add<MatMulPattern, LinearPattern>(converter, patterns.getContext());
}
