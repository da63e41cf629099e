//===- WeightToLinalg.cpp - constants and weight expressions --------------===//

#include "llmc/Lower/Patterns.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;
using namespace llmc;

namespace {

struct ConstantPattern : OpConversionPattern<llmc::ConstantOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(llmc::ConstantOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type =
        cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    ElementsAttr value = op.getValue();
    if (type != op.getType()) {
      if (auto dense = dyn_cast<DenseIntElementsAttr>(value))
        value = dense.bitcast(type.getElementType());
      else if (auto resource = dyn_cast<DenseResourceElementsAttr>(value))
        value = DenseResourceElementsAttr::get(type, resource.getRawHandle());
    }
    rewriter.replaceOpWithNewOp<arith::ConstantOp>(op, type, value);
    return success();
  }
};

/// One element at a time: finds its bits in the packed block, which may cross
/// a byte, and applies zero point and scale.
struct DequantizePattern : OpConversionPattern<DequantizeOp> {
  using OpConversionPattern::OpConversionPattern;

  /// The `bits` wide field number `field` of the bytes `data[prefix..., :]`.
  static Value createField(OpBuilder &b, Location loc, Value data,
                           ArrayRef<Value> prefix, Value field, int64_t bits) {
    int64_t bytes = cast<ShapedType>(data.getType()).getShape().back();
    Type i32 = b.getI32Type();
    Value eight = createIndex(b, loc, 8);
    Value bit = arith::MulIOp::create(b, loc, field, createIndex(b, loc, bits));
    Value byte = arith::DivUIOp::create(b, loc, bit, eight);
    Value shift = arith::IndexCastOp::create(
        b, loc, i32, arith::RemUIOp::create(b, loc, bit, eight));
    auto load = [&](Value at) {
      SmallVector<Value> indices(prefix);
      indices.push_back(at);
      return arith::ExtUIOp::create(
          b, loc, i32, tensor::ExtractOp::create(b, loc, data, indices));
    };
    Value word = load(byte);
    if (8 % bits != 0) {
      Value next = arith::MinUIOp::create(
          b, loc, arith::AddIOp::create(b, loc, byte, createIndex(b, loc, 1)),
          createIndex(b, loc, bytes - 1));
      Value high = arith::ShLIOp::create(b, loc, load(next),
                                         createScalar(b, loc, i32, 8));
      word = arith::OrIOp::create(b, loc, word, high);
    }
    word = arith::ShRUIOp::create(b, loc, word, shift);
    return arith::AndIOp::create(
        b, loc, word, createScalar(b, loc, i32, double((1 << bits) - 1)));
  }

  LogicalResult
  matchAndRewrite(DequantizeOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto type = op.getType();
    int64_t bits = op.getBits();
    Type element = type.getElementType();
    rewriter.replaceOp(
        op,
        createGenerated(
            rewriter, loc, type, createDims(rewriter, loc, adaptor.getData()),
            [&](OpBuilder &b, Location loc, ValueRange at) -> Value {
              Value size = createIndex(b, loc, op.getBlock());
              Value block = arith::DivUIOp::create(b, loc, at[1], size);
              Value inBlock = arith::RemUIOp::create(b, loc, at[1], size);
              Value q = createField(b, loc, adaptor.getData(), {at[0], block},
                                    inBlock, bits);
              Value zero = adaptor.getZeros()
                               ? createField(b, loc, adaptor.getZeros(),
                                             {at[0]}, block, bits)
                               : createScalar(b, loc, b.getI32Type(),
                                              double(1 << (bits - 1)));
              Value scale = tensor::ExtractOp::create(
                  b, loc, adaptor.getScales(), ValueRange{at[0], block});
              Value centred = arith::SIToFPOp::create(
                  b, loc, element, arith::SubIOp::create(b, loc, q, zero));
              return arith::MulFOp::create(b, loc, centred, scale);
            }));
    return success();
  }
};

} // namespace

void llmc::populateWeightToLinalg(const LowerTypeConverter &converter,
                                  RewritePatternSet &patterns) {
  patterns.add<ConstantPattern, DequantizePattern>(converter,
                                                   patterns.getContext());
}
