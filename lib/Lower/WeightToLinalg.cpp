//===- WeightToLinalg.cpp - constants and weight expressions --------------===//

#include "llmc/Lower/Patterns.h"
#include "mlir/IR/DialectResourceBlobManager.h"

using namespace mlir;
using namespace llmc;

namespace {

/// The elements in a byte each.
ElementsAttr toBytes(ElementsAttr value, RankedTensorType type) {
  auto dense = dyn_cast<DenseElementsAttr>(value);
  if (!dense)
    return DenseResourceElementsAttr::get(
        type, cast<DenseResourceElementsAttr>(value).getRawHandle());
  SmallVector<APInt> bytes;
  if (isa<FloatType>(dense.getElementType()))
    for (const APFloat &element : dense.getValues<APFloat>())
      bytes.push_back(element.bitcastToAPInt().zext(8));
  else
    for (const APInt &element : dense.getValues<APInt>())
      bytes.push_back(element.zext(8));
  return DenseElementsAttr::get(type, bytes);
}

struct ConstantPattern : OpConversionPattern<llmc::ConstantOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(llmc::ConstantOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    auto type =
        cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    ElementsAttr value = op.getValue();
    if (isHeldInByte(elementTypeOf(op))) {
      value = toBytes(value, type);
    } else if (type != op.getType()) {
      if (auto dense = dyn_cast<DenseIntElementsAttr>(value))
        value = dense.bitcast(type.getElementType());
      else if (auto resource = dyn_cast<DenseResourceElementsAttr>(value))
        value = DenseResourceElementsAttr::get(type, resource.getRawHandle());
    }
    rewriter.replaceOpWithNewOp<arith::ConstantOp>(op, type, value);
    return success();
  }
};

/// The `bits` wide field number `field` of the bytes `data[prefix..., :]`,
/// which may cross a byte.
Value createField(OpBuilder &b, Location loc, Value data,
                  ArrayRef<Value> prefix, Value field, int64_t bits) {
  int64_t bytes = cast<ShapedType>(data.getType()).getShape().back();
  Type i32 = b.getI32Type();
  Value eight = createIndex(b, loc, 8);
  Value bit = arith::MulIOp::create(b, loc, field, createIndex(b, loc, bits));
  Value byte = arith::DivUIOp::create(b, loc, bit, eight);
  Value shift = arith::IndexCastOp::create(
      b, loc, i32, arith::RemUIOp::create(b, loc, bit, eight));
  auto load = [&](Value at) -> Value {
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
    Value high =
        arith::ShLIOp::create(b, loc, load(next), createScalar(b, loc, i32, 8));
    word = arith::OrIOp::create(b, loc, word, high);
  }
  word = arith::ShRUIOp::create(b, loc, word, shift);
  return arith::AndIOp::create(
      b, loc, word, createScalar(b, loc, i32, double((1 << bits) - 1)));
}

struct DequantizePattern : OpConversionPattern<DequantizeOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(DequantizeOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Value zeros = createZeros(op, adaptor, rewriter);
    rewriter.replaceOp(op, 8 % op.getBits() == 0
                               ? createBytewise(op, adaptor, rewriter, zeros)
                               : createFieldwise(op, adaptor, rewriter, zeros));
    return success();
  }

  /// The zero point of each block, `[out, blocks]` of i32.
  static Value createZeros(DequantizeOp op, OpAdaptor adaptor,
                           OpBuilder &builder) {
    Location loc = op.getLoc();
    auto scales = cast<RankedTensorType>(adaptor.getScales().getType());
    auto type = RankedTensorType::get(scales.getShape(), builder.getI32Type());
    return createGenerated(
        builder, loc, type, createDims(builder, loc, adaptor.getScales()),
        [&](OpBuilder &b, Location loc, ValueRange at) -> Value {
          if (!adaptor.getZeros())
            return createScalar(b, loc, b.getI32Type(),
                                double(1 << (op.getBits() - 1)));
          return createField(b, loc, adaptor.getZeros(), at[0], at[1],
                             op.getBits());
        });
  }

  static Value createScaled(OpBuilder &b, Location loc, Value q, Value scale,
                            Value zero) {
    Value centred = arith::SIToFPOp::create(
        b, loc, scale.getType(), arith::SubIOp::create(b, loc, q, zero));
    return arith::MulFOp::create(b, loc, centred, scale);
  }

  /// Fields that do not cross bytes: `[out, blocks, bytes, fields of a byte]`
  /// has an affine form, which vectorises.
  static Value createBytewise(DequantizeOp op, OpAdaptor adaptor,
                              OpBuilder &builder, Value zeros) {
    Location loc = op.getLoc();
    int64_t bits = op.getBits(), fields = 8 / bits;
    auto data = cast<RankedTensorType>(adaptor.getData().getType());
    SmallVector<int64_t> shape(data.getShape());
    shape.push_back(fields);
    auto type = RankedTensorType::get(shape, op.getType().getElementType());
    MLIRContext *context = builder.getContext();
    SmallVector<AffineMap> maps{
        AffineMap::getMultiDimIdentityMap(4, context).dropResult(3),
        AffineMap::getMultiDimIdentityMap(4, context).getMajorSubMap(2),
        AffineMap::getMultiDimIdentityMap(4, context).getMajorSubMap(2),
        AffineMap::getMultiDimIdentityMap(4, context)};
    SmallVector<utils::IteratorType> iterators(4,
                                               utils::IteratorType::parallel);
    Value empty = createEmpty(builder, loc, type, {});
    Value unpacked =
        linalg::GenericOp::create(
            builder, loc, type,
            ValueRange{adaptor.getData(), adaptor.getScales(), zeros}, empty,
            maps, iterators,
            [&](OpBuilder &b, Location loc, ValueRange args) {
              Type i32 = b.getI32Type();
              Value field = arith::IndexCastOp::create(
                  b, loc, i32, linalg::IndexOp::create(b, loc, 3));
              Value shift = arith::MulIOp::create(
                  b, loc, field, createScalar(b, loc, i32, double(bits)));
              Value q = arith::AndIOp::create(
                  b, loc,
                  arith::ShRUIOp::create(
                      b, loc, arith::ExtUIOp::create(b, loc, i32, args[0]),
                      shift),
                  createScalar(b, loc, i32, double((1 << bits) - 1)));
              linalg::YieldOp::create(
                  b, loc, createScaled(b, loc, q, args[1], args[2]));
            })
            .getResult(0);
    SmallVector<ReassociationIndices> groups{{0}, {1, 2, 3}};
    Value rows =
        tensor::CollapseShapeOp::create(builder, loc, unpacked, groups);
    if (rows.getType() == op.getType())
      return rows;
    // The last block is padded.
    SmallVector<OpFoldResult> offsets(2, builder.getIndexAttr(0)),
        strides(2, builder.getIndexAttr(1)), sizes;
    for (int64_t size : op.getType().getShape())
      sizes.push_back(builder.getIndexAttr(size));
    return tensor::ExtractSliceOp::create(builder, loc, op.getType(), rows,
                                          offsets, sizes, strides);
  }

  /// Fields that may cross bytes, found one at a time.
  static Value createFieldwise(DequantizeOp op, OpAdaptor adaptor,
                               OpBuilder &builder, Value zeros) {
    Location loc = op.getLoc();
    return createGenerated(
        builder, loc, op.getType(), createDims(builder, loc, adaptor.getData()),
        [&](OpBuilder &b, Location loc, ValueRange at) -> Value {
          Value size = createIndex(b, loc, op.getBlock());
          Value block = arith::DivUIOp::create(b, loc, at[1], size);
          Value inBlock = arith::RemUIOp::create(b, loc, at[1], size);
          Value q = createField(b, loc, adaptor.getData(), {at[0], block},
                                inBlock, op.getBits());
          SmallVector<Value> position{at[0], block};
          return createScaled(
              b, loc, q,
              tensor::ExtractOp::create(b, loc, adaptor.getScales(), position),
              tensor::ExtractOp::create(b, loc, zeros, position));
        });
  }
};

} // namespace

void llmc::populateWeightToLinalg(const LowerTypeConverter &converter,
                                  RewritePatternSet &patterns) {
  patterns.add<ConstantPattern, DequantizePattern>(converter,
                                                   patterns.getContext());
}
