//===- GatherToLinalg.cpp - reads at computed positions -------------------===//

#include "llmc/Lower/Patterns.h"

using namespace mlir;
using namespace llmc;

namespace {

RankedTensorType convertedType(const TypeConverter *converter, Type type) {
  return cast<RankedTensorType>(converter->convertType(type));
}

/// `index`, an index of another tensor's dimension of `bound` elements, for
/// dimension `dimension` of `operand`: checked unless it is known to fit.
Value createFittingIndex(OpBuilder &b, Location loc, Value index, int64_t bound,
                         Value operand, int64_t dimension) {
  int64_t size = cast<ShapedType>(operand.getType()).getDimSize(dimension);
  if (!ShapedType::isDynamic(bound) && !ShapedType::isDynamic(size) &&
      bound <= size)
    return index;
  return createCheckedIndex(b, loc, index,
                            createDim(b, loc, operand, dimension));
}

struct GatherPattern : OpConversionPattern<GatherOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(GatherOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value operand = adaptor.getOperand(), indices = adaptor.getIndices();
    RankedTensorType type = convertedType(getTypeConverter(), op.getType());
    int64_t axis = op.getAxis();
    int64_t indexRank = cast<ShapedType>(indices.getType()).getRank();
    SmallVector<OpFoldResult> source = createDims(rewriter, loc, operand);
    SmallVector<OpFoldResult> dims(source.begin(), source.begin() + axis);
    llvm::append_range(dims, createDims(rewriter, loc, indices));
    dims.append(source.begin() + axis + 1, source.end());
    Value size = createDim(rewriter, loc, operand, axis);
    rewriter.replaceOp(
        op, createGenerated(
                rewriter, loc, type, dims,
                [&](OpBuilder &b, Location loc, ValueRange at) -> Value {
                  Value index = tensor::ExtractOp::create(
                      b, loc, indices, at.slice(axis, indexRank));
                  SmallVector<Value> position(at.take_front(axis));
                  position.push_back(createCheckedIndex(b, loc, index, size));
                  llvm::append_range(position, at.drop_front(axis + indexRank));
                  return createSafeExtract(b, loc, operand, position);
                }));
    return success();
  }
};

struct GatherElementsPattern : OpConversionPattern<GatherElementsOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(GatherElementsOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value operand = adaptor.getOperand(), indices = adaptor.getIndices();
    RankedTensorType type = convertedType(getTypeConverter(), op.getType());
    auto indexType = cast<RankedTensorType>(indices.getType());
    int64_t axis = op.getAxis();
    Value size = createDim(rewriter, loc, operand, axis);
    rewriter.replaceOp(
        op,
        createGenerated(
            rewriter, loc, type, createDims(rewriter, loc, indices),
            [&](OpBuilder &b, Location loc, ValueRange at) -> Value {
              SmallVector<Value> position;
              for (auto [i, index] : llvm::enumerate(at))
                if (int64_t(i) == axis)
                  position.push_back(createCheckedIndex(
                      b, loc, tensor::ExtractOp::create(b, loc, indices, at),
                      size));
                else
                  position.push_back(createFittingIndex(
                      b, loc, index, indexType.getDimSize(i), operand, i));
              return createSafeExtract(b, loc, operand, position);
            }));
    return success();
  }
};

struct GatherNDPattern : OpConversionPattern<GatherNDOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(GatherNDOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value operand = adaptor.getOperand(), indices = adaptor.getIndices();
    RankedTensorType type = convertedType(getTypeConverter(), op.getType());
    auto indexType = cast<RankedTensorType>(indices.getType());
    int64_t batch = op.getBatchDims(), outer = indexType.getRank() - 1;
    int64_t length = indexType.getDimSize(outer);
    if (ShapedType::isDynamic(length))
      return rewriter.notifyMatchFailure(op, "index vectors of dynamic length");
    SmallVector<OpFoldResult> source = createDims(rewriter, loc, operand);
    SmallVector<OpFoldResult> dims = createDims(rewriter, loc, indices);
    dims.pop_back();
    dims.append(source.begin() + batch + length, source.end());
    rewriter.replaceOp(
        op, createGenerated(
                rewriter, loc, type, dims,
                [&](OpBuilder &b, Location loc, ValueRange at) -> Value {
                  SmallVector<Value> position, place(at.take_front(outer));
                  for (int64_t i = 0; i < batch; ++i)
                    position.push_back(createFittingIndex(
                        b, loc, at[i], indexType.getDimSize(i), operand, i));
                  place.push_back({});
                  for (int64_t i = 0; i < length; ++i) {
                    place.back() = createIndex(b, loc, i);
                    Value index =
                        tensor::ExtractOp::create(b, loc, indices, place);
                    position.push_back(createCheckedIndex(
                        b, loc, index, createDim(b, loc, operand, batch + i)));
                  }
                  llvm::append_range(position, at.drop_front(outer));
                  return createSafeExtract(b, loc, operand, position);
                }));
    return success();
  }
};

} // namespace

void llmc::populateGatherToLinalg(const LowerTypeConverter &converter,
                                  RewritePatternSet &patterns) {
  patterns.add<GatherPattern, GatherElementsPattern, GatherNDPattern>(
      converter, patterns.getContext());
}
