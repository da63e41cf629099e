//===- CacheToTensor.cpp - rows written to and read from a cache ----------===//
//
// Slices of one buffer: bufferization writes rows into the cache where it lies
// and reads the valid ones without a copy.
//
//===----------------------------------------------------------------------===//

#include "llmc/Lower/Patterns.h"

using namespace mlir;
using namespace llmc;

namespace {

using arith::CmpIPredicate;

Value createIndexCast(OpBuilder &b, Location loc, Value value) {
  return arith::IndexCastOp::create(b, loc, b.getIndexType(), value);
}

/// Whether `start` is in [0, size] and `length` elements follow it. Written
/// without a sum, which may wrap.
Value createFits(OpBuilder &b, Location loc, Value start, Value length,
                 Value size) {
  Value inside = arith::CmpIOp::create(b, loc, CmpIPredicate::ule, start, size);
  Value room = arith::SubIOp::create(b, loc, size, start);
  Value enough =
      arith::CmpIOp::create(b, loc, CmpIPredicate::ule, length, room);
  return arith::AndIOp::create(b, loc, inside, enough);
}

/// Whether dimension `i` of two tensors is the same for all sizes.
bool isSameStaticDim(Value a, Value b, int64_t i) {
  auto x = cast<ShapedType>(a.getType()), y = cast<ShapedType>(b.getType());
  return !x.isDynamicDim(i) && x.getDimSize(i) == y.getDimSize(i);
}

struct TensorScatterPattern : OpConversionPattern<TensorScatterOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(TensorScatterOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value cache = adaptor.getPastCache(), update = adaptor.getUpdate(),
          starts = adaptor.getWriteIndices();
    int64_t rank = cast<ShapedType>(cache.getType()).getRank();
    // Dimensions that must agree but are not known to.
    Value agree = arith::ConstantIntOp::create(rewriter, loc, 1, 1);
    for (int64_t i = 0; i < rank; ++i) {
      if (i == int64_t(op.getAxis()) || isSameStaticDim(cache, update, i))
        continue;
      Value a = createDim(rewriter, loc, cache, i),
            b = createDim(rewriter, loc, update, i);
      agree = arith::AndIOp::create(
          rewriter, loc, agree,
          arith::CmpIOp::create(rewriter, loc, CmpIPredicate::eq, a, b));
    }
    bool perBatch = cast<ShapedType>(starts.getType()).getRank() == 1;
    Value batch = createDim(rewriter, loc, cache, 0);
    if (perBatch)
      agree = arith::AndIOp::create(
          rewriter, loc, agree,
          arith::CmpIOp::create(rewriter, loc, CmpIPredicate::eq, batch,
                                createDim(rewriter, loc, starts, 0)));
    createRuntimeCheck(rewriter, loc, agree, RuntimeError::ShapeMismatch);
    if (!perBatch) {
      Value start = tensor::ExtractOp::create(rewriter, loc, starts);
      rewriter.replaceOp(op, write(rewriter, loc, op.getAxis(), update, cache,
                                   start, agree, {}));
      return success();
    }
    // Sizes that do not agree leave nothing to loop over.
    Value bound = arith::SelectOp::create(rewriter, loc, agree, batch,
                                          createIndex(rewriter, loc, 0));
    rewriter.replaceOp(
        op, createLoops(rewriter, loc, bound, cache,
                        [&](OpBuilder &b, Location loc, ValueRange at,
                            ValueRange carried) -> SmallVector<Value> {
                          Value start =
                              tensor::ExtractOp::create(b, loc, starts, at);
                          return {write(b, loc, op.getAxis(), update,
                                        carried[0], start, agree, at[0])};
                        }));
    return success();
  }

private:
  /// Writes `update`, or its part for one `batch`, into `cache` from `start`
  /// on; nothing where it does not fit or `agree` is false.
  static Value write(OpBuilder &b, Location loc, int64_t axis, Value update,
                     Value cache, Value start, Value agree, Value batch) {
    start = createIndexCast(b, loc, start);
    Value rows = createDim(b, loc, update, axis);
    Value fits =
        createFits(b, loc, start, rows, createDim(b, loc, cache, axis));
    createRuntimeCheck(b, loc, fits, RuntimeError::IndexOutOfRange);
    Value zero = createIndex(b, loc, 0);
    Value writes = arith::AndIOp::create(b, loc, fits, agree);
    int64_t rank = cast<ShapedType>(cache.getType()).getRank();
    SmallVector<OpFoldResult> from(rank, b.getIndexAttr(0)), to(from),
        strides(rank, b.getIndexAttr(1));
    SmallVector<OpFoldResult> sizes = createDims(b, loc, update);
    to[axis] = arith::SelectOp::create(b, loc, writes, start, zero).getResult();
    sizes[axis] =
        arith::SelectOp::create(b, loc, writes, rows, zero).getResult();
    if (batch) {
      from[0] = to[0] = batch;
      sizes[0] = b.getIndexAttr(1);
    }
    // Where dimensions disagree the slice must not reach over the cache's.
    for (int64_t i = 0; i < rank; ++i)
      if (i != axis && !(batch && i == 0) && !isSameStaticDim(cache, update, i))
        sizes[i] = arith::MinUIOp::create(b, loc, createDim(b, loc, cache, i),
                                          createDim(b, loc, update, i))
                       .getResult();
    Value part =
        tensor::ExtractSliceOp::create(b, loc, update, from, sizes, strides);
    return tensor::InsertSliceOp::create(b, loc, part, cache, to, sizes,
                                         strides);
  }
};

struct PrefixPattern : OpConversionPattern<PrefixOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult
  matchAndRewrite(PrefixOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value operand = adaptor.getOperand();
    int64_t axis = op.getAxis();
    auto type = cast<RankedTensorType>(operand.getType());
    Value length = createIndexCast(
        rewriter, loc,
        tensor::ExtractOp::create(rewriter, loc, adaptor.getLength()));
    Value zero = createIndex(rewriter, loc, 0);
    Value fits = createFits(rewriter, loc, zero, length,
                            createDim(rewriter, loc, operand, axis));
    createRuntimeCheck(rewriter, loc, fits, RuntimeError::IndexOutOfRange);
    SmallVector<OpFoldResult> sizes = createDims(rewriter, loc, operand);
    SmallVector<int64_t> shape(type.getShape());
    shape[axis] = ShapedType::kDynamic;
    auto resultType = RankedTensorType::get(shape, type.getElementType());
    // What computes on the result relies on its length, so after an error
    // there are zeros of that length.
    auto choice = scf::IfOp::create(
        rewriter, loc, fits,
        [&](OpBuilder &b, Location loc) {
          sizes[axis] = length;
          SmallVector<OpFoldResult> offsets(shape.size(), b.getIndexAttr(0)),
              strides(shape.size(), b.getIndexAttr(1));
          Value rows = tensor::ExtractSliceOp::create(
              b, loc, resultType, operand, offsets, sizes, strides);
          scf::YieldOp::create(b, loc, rows);
        },
        [&](OpBuilder &b, Location loc) {
          sizes[axis] =
              arith::MaxSIOp::create(b, loc, length, zero).getResult();
          Value empty =
              createFilled(b, loc, resultType, sizes,
                           createScalar(b, loc, type.getElementType(), 0));
          scf::YieldOp::create(b, loc, empty);
        });
    Value result = choice.getResult(0);
    Type converted = getTypeConverter()->convertType(op.getType());
    if (result.getType() != converted)
      result = tensor::CastOp::create(rewriter, loc, converted, result);
    rewriter.replaceOp(op, result);
    return success();
  }
};

} // namespace

void llmc::populateCacheToTensor(const LowerTypeConverter &converter,
                                 RewritePatternSet &patterns) {
  patterns.add<TensorScatterPattern, PrefixPattern>(converter,
                                                    patterns.getContext());
}
