//===- WeightToLinalg.cpp - constants and weight expressions --------------===//

#include "llmc/Lower/Patterns.h"
#include "llmc/Weights/DecodeWeight.h"
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

/// Computes an element from its integer (i32), what its block has (one number
/// of each `[out, blocks]`), and its row.
using BlockBody = llvm::function_ref<Value(OpBuilder &, Location, Value code,
                                           ValueRange ofBlock, Value row)>;

/// A weight `type` whose elements are packed in blocks: `data` is
/// `[out, blocks, bytes]`.
struct PackedBlocks {
  Location loc;
  RankedTensorType type;
  Value data;
  int64_t bits, block;

  Value create(OpBuilder &builder, ValueRange ofBlock, BlockBody body) const {
    return 8 % bits == 0 ? createBytewise(builder, ofBlock, body)
                         : createFieldwise(builder, ofBlock, body);
  }

private:
  /// Fields that do not cross bytes: `[out, blocks, bytes, fields of a byte]`
  /// has an affine form, which vectorises.
  Value createBytewise(OpBuilder &builder, ValueRange ofBlock,
                       BlockBody body) const {
    SmallVector<int64_t> shape(
        cast<RankedTensorType>(data.getType()).getShape());
    shape.push_back(8 / bits);
    auto fieldsType = RankedTensorType::get(shape, type.getElementType());
    MLIRContext *context = builder.getContext();
    AffineMap identity = AffineMap::getMultiDimIdentityMap(4, context);
    SmallVector<AffineMap> maps{identity.dropResult(3)};
    maps.append(ofBlock.size(), identity.getMajorSubMap(2));
    maps.push_back(identity);
    SmallVector<utils::IteratorType> iterators(4,
                                               utils::IteratorType::parallel);
    SmallVector<Value> inputs{data};
    llvm::append_range(inputs, ofBlock);
    Value empty = createEmpty(builder, loc, fieldsType, {});
    Value unpacked =
        linalg::GenericOp::create(
            builder, loc, fieldsType, inputs, empty, maps, iterators,
            [&](OpBuilder &b, Location loc, ValueRange args) {
              Type i32 = b.getI32Type();
              Value field = arith::IndexCastOp::create(
                  b, loc, i32, linalg::IndexOp::create(b, loc, 3));
              Value shift = arith::MulIOp::create(
                  b, loc, field, createScalar(b, loc, i32, double(bits)));
              Value code = arith::AndIOp::create(
                  b, loc,
                  arith::ShRUIOp::create(
                      b, loc, arith::ExtUIOp::create(b, loc, i32, args[0]),
                      shift),
                  createScalar(b, loc, i32, double((1 << bits) - 1)));
              linalg::YieldOp::create(b, loc,
                                      body(b, loc, code,
                                           args.slice(1, ofBlock.size()),
                                           linalg::IndexOp::create(b, loc, 0)));
            })
            .getResult(0);
    SmallVector<ReassociationIndices> groups{{0}, {1, 2, 3}};
    Value rows =
        tensor::CollapseShapeOp::create(builder, loc, unpacked, groups);
    if (rows.getType() == type)
      return rows;
    // The last block is padded.
    SmallVector<OpFoldResult> offsets(2, builder.getIndexAttr(0)),
        strides(2, builder.getIndexAttr(1)), sizes;
    for (int64_t size : type.getShape())
      sizes.push_back(builder.getIndexAttr(size));
    return tensor::ExtractSliceOp::create(builder, loc, type, rows, offsets,
                                          sizes, strides);
  }

  /// Fields that may cross bytes, found one at a time.
  Value createFieldwise(OpBuilder &builder, ValueRange ofBlock,
                        BlockBody body) const {
    return createGenerated(
        builder, loc, type, createDims(builder, loc, data),
        [&](OpBuilder &b, Location loc, ValueRange at) -> Value {
          Value size = createIndex(b, loc, block);
          Value number = arith::DivUIOp::create(b, loc, at[1], size);
          Value inBlock = arith::RemUIOp::create(b, loc, at[1], size);
          SmallVector<Value> position{at[0], number}, numbers;
          Value code = createField(b, loc, data, position, inBlock, bits);
          for (Value tensor : ofBlock)
            numbers.push_back(
                tensor::ExtractOp::create(b, loc, tensor, position));
          return body(b, loc, code, numbers, at[0]);
        });
  }
};

struct DequantizePattern : OpConversionPattern<DequantizeOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(DequantizeOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    PackedBlocks blocks{op.getLoc(), op.getType(), adaptor.getData(),
                        int64_t(op.getBits()), int64_t(op.getBlock())};
    bool isFloat = hasFloatZeros(op);
    Value zeros =
        isFloat ? adaptor.getZeros() : createZeros(op, adaptor, rewriter);
    rewriter.replaceOp(
        op, blocks.create(rewriter, {adaptor.getScales(), zeros},
                          [&](OpBuilder &b, Location loc, Value code,
                              ValueRange ofBlock, Value) -> Value {
                            Value scale = ofBlock[0], zero = ofBlock[1];
                            if (!isFloat)
                              code = arith::SubIOp::create(b, loc, code, zero);
                            Value value = arith::SIToFPOp::create(
                                b, loc, scale.getType(), code);
                            if (isFloat)
                              value =
                                  arith::SubFOp::create(b, loc, value, zero);
                            return arith::MulFOp::create(b, loc, value, scale);
                          }));
    return success();
  }

  /// The integer zero point of each block, `[out, blocks]` of i32.
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
};

struct LookupPattern : OpConversionPattern<LookupOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(LookupOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    if (op.getDims() > 1) {
      rewriter.replaceOp(op, createVectors(op, adaptor, rewriter));
      return success();
    }
    PackedBlocks blocks{op.getLoc(), op.getType(), adaptor.getIndices(),
                        int64_t(op.getBits()), int64_t(op.getBlock())};
    Value codebook = adaptor.getCodebook(), scales = adaptor.getScales();
    SmallVector<Value> ofBlock;
    if (scales)
      ofBlock.push_back(scales);
    rewriter.replaceOp(
        op, blocks.create(rewriter, ofBlock,
                          [&](OpBuilder &b, Location loc, Value code,
                              ValueRange ofBlock, Value row) {
                            SmallVector<Value> position;
                            if (op.getCodebook().getType().getRank() == 2)
                              position.push_back(createGroup(op, b, loc, row));
                            position.push_back(arith::IndexCastUIOp::create(
                                b, loc, b.getIndexType(), code));
                            Value value = tensor::ExtractOp::create(
                                b, loc, codebook, position);
                            return scales ? arith::MulFOp::create(b, loc, value,
                                                                  ofBlock[0])
                                                .getResult()
                                          : value;
                          }));
    return success();
  }

  /// Each column by itself, from the vector that its index stands for.
  static Value createVectors(LookupOp op, OpAdaptor adaptor,
                             OpBuilder &builder) {
    return createGenerated(
        builder, op.getLoc(), op.getType(),
        createDims(builder, op.getLoc(), adaptor.getIndices()),
        [&](OpBuilder &b, Location loc, ValueRange at) -> Value {
          Value block = createIndex(b, loc, op.getBlock()),
                dims = createIndex(b, loc, op.getDims());
          SmallVector<Value> position{
              at[0], arith::DivUIOp::create(b, loc, at[1], block)};
          Value inBlock = arith::RemUIOp::create(b, loc, at[1], block);
          Value code = createField(
              b, loc, adaptor.getIndices(), position,
              arith::DivUIOp::create(b, loc, inBlock, dims), op.getBits());
          Value entry =
              arith::IndexCastUIOp::create(b, loc, b.getIndexType(), code);
          Value place = arith::RemUIOp::create(b, loc, at[1], dims);
          Value value = tensor::ExtractOp::create(
              b, loc, adaptor.getCodebook(),
              {createGroup(op, b, loc, at[0]), entry, place});
          if (!adaptor.getScales())
            return value;
          Value scale =
              tensor::ExtractOp::create(b, loc, adaptor.getScales(), position);
          return arith::MulFOp::create(b, loc, value, scale);
        });
  }

  static Value createGroup(LookupOp op, OpBuilder &b, Location loc, Value row) {
    int64_t size = op.getType().getDimSize(0) / op.getGroups();
    return arith::DivUIOp::create(
        b, loc, row, createIndex(b, loc, std::max<int64_t>(size, 1)));
  }
};

/// The stored value of a column, or what it is otherwise.
struct DensifyPattern : OpConversionPattern<DensifyOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(DensifyOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    rewriter.replaceOp(op, op.getBits() ? createPacked(op, adaptor, rewriter)
                                        : createFloats(op, adaptor, rewriter));
    return success();
  }

  using Load = llvm::function_ref<Value(Value index)>;

  /// Chooses among the values that are stored for the group of `column`, which
  /// follows `before` values of its row: `load(i)` is the i-th of its row.
  static Value createChosen(DensifyOp op, OpBuilder &b, Location loc,
                            Value meta, Value row, Value column, Value before,
                            Value fill, Load load) {
    auto [n, m] = op.getNM();
    Value size = createIndex(b, loc, m);
    Value first = arith::MulIOp::create(
        b, loc, arith::DivUIOp::create(b, loc, column, size),
        createIndex(b, loc, n));
    Value wanted = arith::IndexCastOp::create(
        b, loc, b.getI32Type(), arith::RemUIOp::create(b, loc, column, size));
    for (int64_t i = 0; i < n; ++i) {
      Value index =
          arith::AddIOp::create(b, loc, first, createIndex(b, loc, i));
      Value place = createField(b, loc, meta, row,
                                arith::AddIOp::create(b, loc, before, index),
                                op.getPlaceBits());
      Value isHere = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq,
                                           place, wanted);
      fill = arith::SelectOp::create(b, loc, isHere, load(index), fill);
    }
    return fill;
  }

  static Value createFloats(DensifyOp op, OpAdaptor adaptor,
                            OpBuilder &builder) {
    Location loc = op.getLoc();
    Value values = adaptor.getValues();
    return createGenerated(
        builder, loc, op.getType(), createDims(builder, loc, values),
        [&](OpBuilder &b, Location loc, ValueRange at) {
          Value zero = createScalar(b, loc, elementTypeOf(values), 0);
          return createChosen(op, b, loc, adaptor.getMeta(), at[0], at[1],
                              createIndex(b, loc, 0), zero,
                              [&](Value index) -> Value {
                                return tensor::ExtractOp::create(
                                    b, loc, values, ValueRange{at[0], index});
                              });
        });
  }

  /// All integers, [out, blocks, block] of i8, and then bytes of them.
  static Value createPacked(DensifyOp op, OpAdaptor adaptor,
                            OpBuilder &builder) {
    Location loc = op.getLoc();
    Value values = adaptor.getValues();
    int64_t bits = *op.getBits();
    auto bytesType =
        cast<RankedTensorType>(LowerTypeConverter().convertType(op.getType()));
    SmallVector<int64_t> shape(bytesType.getShape());
    shape[2] = shape[2] * 8 / bits;
    Type i8 = builder.getI8Type(), i32 = builder.getI32Type();
    auto [n, m] = op.getNM();
    int64_t kept = shape[2] / m * n;
    SmallVector<OpFoldResult> dims = createDims(builder, loc, values);
    Value codes = createGenerated(
        builder, loc, RankedTensorType::get(shape, i8), dims,
        [&](OpBuilder &b, Location loc, ValueRange at) -> Value {
          Value before =
              arith::MulIOp::create(b, loc, at[1], createIndex(b, loc, kept));
          Value fill = createScalar(b, loc, i32, double(op.getFillCode()));
          Value code = createChosen(
              op, b, loc, adaptor.getMeta(), at[0], at[2], before, fill,
              [&](Value index) {
                return createField(b, loc, values, {at[0], at[1]}, index, bits);
              });
          return arith::TruncIOp::create(b, loc, i8, code);
        });
    return createGenerated(
        builder, loc, bytesType, dims,
        [&](OpBuilder &b, Location loc, ValueRange at) -> Value {
          return createByte(b, loc, codes, at, bits);
        });
  }

  /// Byte `at` of the packed integers, a bit at a time.
  static Value createByte(OpBuilder &b, Location loc, Value codes,
                          ValueRange at, int64_t bits) {
    Type i8 = b.getI8Type();
    Value byte = createScalar(b, loc, i8, 0);
    Value begin = arith::MulIOp::create(b, loc, at[2], createIndex(b, loc, 8));
    for (int64_t i = 0; i < 8; ++i) {
      Value bit = arith::AddIOp::create(b, loc, begin, createIndex(b, loc, i));
      Value width = createIndex(b, loc, bits);
      Value code = tensor::ExtractOp::create(
          b, loc, codes,
          ValueRange{at[0], at[1], arith::DivUIOp::create(b, loc, bit, width)});
      Value shift = arith::IndexCastOp::create(
          b, loc, i8, arith::RemUIOp::create(b, loc, bit, width));
      Value field = arith::AndIOp::create(
          b, loc, arith::ShRUIOp::create(b, loc, code, shift),
          createScalar(b, loc, i8, 1));
      byte = arith::OrIOp::create(
          b, loc, byte,
          arith::ShLIOp::create(b, loc, field,
                                createScalar(b, loc, i8, double(i))));
    }
    return byte;
  }
};

/// Numbers the tiles that are stored, and reads each column from its own.
struct DensifyBitmapPattern : OpConversionPattern<DensifyBitmapOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(DensifyBitmapOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto [tileRows, tileColumns] = op.getTileSizes();
    Value numbers = createNumbers(op, adaptor, rewriter);
    Value values = adaptor.getValues();
    auto valuesType = cast<RankedTensorType>(values.getType());
    int64_t height = tileRows, width = tileColumns, size = height * width,
            count = valuesType.getNumElements();
    SmallVector<OpFoldResult> dims;
    if (op.getType().isDynamicDim(0))
      dims.push_back(
          arith::MulIOp::create(rewriter, loc,
                                createDim(rewriter, loc, adaptor.getMask(), 0),
                                createIndex(rewriter, loc, height))
              .getResult());
    else
      dims.push_back(rewriter.getIndexAttr(op.getType().getDimSize(0)));
    dims.push_back(rewriter.getIndexAttr(op.getColumns()));
    rewriter.replaceOp(
        op, createGenerated(
                rewriter, loc, op.getType(), dims,
                [&](OpBuilder &b, Location loc, ValueRange at) -> Value {
                  auto split = [&](Value index, int64_t size) {
                    Value divisor = createIndex(b, loc, size);
                    return std::pair<Value, Value>(
                        arith::DivUIOp::create(b, loc, index, divisor),
                        arith::RemUIOp::create(b, loc, index, divisor));
                  };
                  auto scale = [&](Value index, int64_t factor, Value more) {
                    return arith::AddIOp::create(
                               b, loc,
                               arith::MulIOp::create(
                                   b, loc, index, createIndex(b, loc, factor)),
                               more)
                        .getResult();
                  };
                  auto [tileRow, row] = split(at[0], height);
                  auto [tile, column] = split(at[1], width);
                  Value number = tensor::ExtractOp::create(
                      b, loc, numbers, ValueRange{tileRow, tile});
                  Value place = scale(number, size, scale(row, width, column));
                  // As unsigned, what has no value lies behind all of them.
                  Value isInside =
                      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult,
                                            place, createIndex(b, loc, count));
                  Value zero = createIndex(b, loc, 0);
                  Value inside =
                      arith::SelectOp::create(b, loc, isInside, place, zero);
                  SmallVector<Value> position{inside};
                  if (valuesType.getRank() == 2) {
                    auto [first, second] = split(
                        inside, std::max<int64_t>(valuesType.getDimSize(1), 1));
                    position = {first, second};
                  }
                  Value value = createSafeExtract(b, loc, values, position);
                  return arith::SelectOp::create(
                      b, loc, isInside, value,
                      createScalar(b, loc, elementTypeOf(values), 0));
                }));
    return success();
  }

  /// Of each tile, [out / r, columns / c], its number among those that are
  /// stored, and for the others one of which all places are negative.
  static Value createNumbers(DensifyBitmapOp op, OpAdaptor adaptor,
                             OpBuilder &builder) {
    Location loc = op.getLoc();
    Value mask = adaptor.getMask();
    int64_t tiles = int64_t(op.getColumns()) / op.getTileSizes().second;
    Type index = builder.getIndexType();
    auto type = RankedTensorType::get(
        {cast<RankedTensorType>(mask.getType()).getDimSize(0), tiles}, index);
    SmallVector<OpFoldResult> dims{createDims(builder, loc, mask).front(),
                                   builder.getIndexAttr(tiles)};
    Value none = createEmpty(builder, loc, type, dims);
    Value zero = createIndex(builder, loc, 0);
    SmallVector<Value> bounds{createDim(builder, loc, mask, 0),
                              createIndex(builder, loc, tiles)};
    return createLoops(
               builder, loc, bounds, {none, zero},
               [&](OpBuilder &b, Location loc, ValueRange at,
                   ValueRange carried) -> SmallVector<Value> {
                 Value start = arith::IndexCastOp::create(
                     b, loc, index,
                     tensor::ExtractOp::create(b, loc, adaptor.getStarts(),
                                               at[0]));
                 Value isFirst = arith::CmpIOp::create(
                     b, loc, arith::CmpIPredicate::eq, at[1], zero);
                 Value number = arith::SelectOp::create(b, loc, isFirst, start,
                                                        carried[1]);
                 Value bit =
                     createField(b, loc, mask, at[0], at[1], /*bits=*/1);
                 Value isStored =
                     arith::TruncIOp::create(b, loc, b.getI1Type(), bit);
                 Value here = arith::SelectOp::create(b, loc, isStored, number,
                                                      createIndex(b, loc, -1));
                 Value next = arith::AddIOp::create(
                     b, loc, number,
                     arith::IndexCastUIOp::create(b, loc, index, bit));
                 return {tensor::InsertOp::create(b, loc, here, carried[0], at),
                         next};
               })
        .front();
  }
};

} // namespace

void llmc::populateWeightToLinalg(const LowerTypeConverter &converter,
                                  RewritePatternSet &patterns) {
  patterns.add<ConstantPattern, DequantizePattern, LookupPattern,
               DensifyPattern, DensifyBitmapPattern>(converter,
                                                     patterns.getContext());
}
