//===- GatherToLinalg.cpp - reads at computed positions -------------------===//

#include "llmc/Lower/Patterns.h"

using namespace mlir;
using namespace llmc;

namespace {

struct GatherPattern : OpConversionPattern<GatherOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(GatherOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value operand = adaptor.getOperand(), indices = adaptor.getIndices();
    auto type =
        cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
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
                  return tensor::ExtractOp::create(b, loc, operand, position);
                }));
    return success();
  }
};

} // namespace

void llmc::populateGatherToLinalg(const LowerTypeConverter &converter,
                                  RewritePatternSet &patterns) {
  patterns.add<GatherPattern>(converter, patterns.getContext());
}
