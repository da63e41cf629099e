//===- IndexToLinalg.cpp - running totals, ranges, padding, places --------===//

#include "llmc/Lower/Patterns.h"

using namespace mlir;
using namespace llmc;

namespace {

template <typename Op> struct CumulativePattern : OpConversionPattern<Op> {
  using OpConversionPattern<Op>::OpConversionPattern;
  LogicalResult
  matchAndRewrite(Op op, typename Op::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    constexpr bool isProduct = std::is_same_v<Op, CumProdOp>;
    Location loc = op.getLoc();
    Value operand = adaptor.getOperand();
    auto type = cast<RankedTensorType>(
        this->getTypeConverter()->convertType(op.getType()));
    Type element = type.getElementType(), total = element;
    if (isa<FloatType>(element) && element.getIntOrFloatBitWidth() < 32)
      total = rewriter.getF32Type();
    int64_t axis = op.getAxis();
    SmallVector<OpFoldResult> dims = createDims(rewriter, loc, operand);
    SmallVector<Value> bounds;
    for (int64_t i = 0; i < type.getRank(); ++i)
      bounds.push_back(createDim(rewriter, loc, operand, i));
    Value size = bounds[axis], zero = createIndex(rewriter, loc, 0),
          one = createIndex(rewriter, loc, 1);
    bounds[axis] = one;
    Value empty = createEmpty(rewriter, loc, type, dims);
    auto step = [&](OpBuilder &b, Location loc, ValueRange outer, Value i,
                    ValueRange carried) {
      SmallVector<Value> position(outer);
      position[axis] = i;
      if (op.getReverse())
        position[axis] = arith::SubIOp::create(
            b, loc, arith::SubIOp::create(b, loc, size, one), i);
      Value x = tensor::ExtractOp::create(b, loc, operand, position);
      if (total != element)
        x = arith::ExtFOp::create(b, loc, total, x);
      Value before = carried[1], after;
      if (isa<FloatType>(total))
        after = isProduct
                    ? arith::MulFOp::create(b, loc, before, x).getResult()
                    : arith::AddFOp::create(b, loc, before, x).getResult();
      else
        after = isProduct
                    ? arith::MulIOp::create(b, loc, before, x).getResult()
                    : arith::AddIOp::create(b, loc, before, x).getResult();
      Value result = op.getExclusive() ? before : after;
      if (total != element)
        result = arith::TruncFOp::create(b, loc, element, result);
      Value updated =
          tensor::InsertOp::create(b, loc, result, carried[0], position);
      scf::YieldOp::create(b, loc, ValueRange{updated, after});
    };
    rewriter.replaceOp(
        op,
        createLoops(rewriter, loc, bounds, empty,
                    [&](OpBuilder &b, Location loc, ValueRange outer,
                        ValueRange carried) -> SmallVector<Value> {
                      Value neutral = createScalar(b, loc, total, isProduct);
                      auto loop =
                          scf::ForOp::create(b, loc, zero, size, one,
                                             ValueRange{carried[0], neutral},
                                             [&](OpBuilder &b, Location loc,
                                                 Value i, ValueRange carried) {
                                               step(b, loc, outer, i, carried);
                                             });
                      return {loop.getResult(0)};
                    }));
    return success();
  }
};

/// Counts, then writes the places: the number must be known to allocate.
struct NonZeroPattern : OpConversionPattern<NonZeroOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(NonZeroOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value operand = adaptor.getOperand();
    int64_t rank = cast<ShapedType>(operand.getType()).getRank();
    SmallVector<Value> bounds;
    for (int64_t i = 0; i < rank; ++i)
      bounds.push_back(createDim(rewriter, loc, operand, i));
    Value zero = createIndex(rewriter, loc, 0),
          one = createIndex(rewriter, loc, 1);
    auto isNonZero = [&](OpBuilder &b, Location loc, ValueRange at) -> Value {
      Value x = tensor::ExtractOp::create(b, loc, operand, at);
      Value none = createScalar(b, loc, x.getType(), 0);
      if (isa<FloatType>(x.getType()))
        return arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNE, x,
                                     none);
      return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, x, none);
    };
    Value count =
        createLoops(rewriter, loc, bounds, zero,
                    [&](OpBuilder &b, Location loc, ValueRange at,
                        ValueRange carried) -> SmallVector<Value> {
                      Value found = arith::SelectOp::create(
                          b, loc, isNonZero(b, loc, at), one, zero);
                      return {arith::AddIOp::create(b, loc, carried[0], found)};
                    })[0];
    auto type = cast<RankedTensorType>(op.getType());
    Value empty =
        createEmpty(rewriter, loc, type, {rewriter.getIndexAttr(rank), count});
    SmallVector<Value> filled = createLoops(
        rewriter, loc, bounds, {empty, zero},
        [&](OpBuilder &b, Location loc, ValueRange at,
            ValueRange carried) -> SmallVector<Value> {
          auto branch = scf::IfOp::create(
              b, loc, isNonZero(b, loc, at),
              [&](OpBuilder &b, Location loc) {
                Value result = carried[0];
                for (auto [i, index] : llvm::enumerate(at)) {
                  Value place =
                      arith::IndexCastOp::create(b, loc, b.getI64Type(), index);
                  result = tensor::InsertOp::create(
                      b, loc, place, result,
                      ValueRange{createIndex(b, loc, i), carried[1]});
                }
                Value next = arith::AddIOp::create(b, loc, carried[1], one);
                scf::YieldOp::create(b, loc, ValueRange{result, next});
              },
              [&](OpBuilder &b, Location loc) {
                scf::YieldOp::create(b, loc, carried);
              });
          return SmallVector<Value>(branch.getResults());
        });
    rewriter.replaceOp(op, filled[0]);
    return success();
  }
};

struct RangePattern : OpConversionPattern<RangeOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(RangeOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto type =
        cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    Value start = extractScalar(rewriter, loc, adaptor.getStart()),
          limit = extractScalar(rewriter, loc, adaptor.getLimit()),
          delta = extractScalar(rewriter, loc, adaptor.getDelta());
    Type element = type.getElementType();
    Value count =
        isa<FloatType>(element)
            ? countFloats(rewriter, loc, start, limit, delta)
            : countIntegers(rewriter, loc, start, limit, delta,
                            isSignedElement(elementTypeOf(op.getStart())));
    rewriter.replaceOp(
        op, createGenerated(
                rewriter, loc, type, {count},
                [&](OpBuilder &b, Location loc, ValueRange at) -> Value {
                  if (isa<FloatType>(element)) {
                    Value i = arith::IndexCastOp::create(b, loc, b.getI64Type(),
                                                         at[0]);
                    i = arith::SIToFPOp::create(b, loc, element, i);
                    return arith::AddFOp::create(
                        b, loc, start, arith::MulFOp::create(b, loc, i, delta));
                  }
                  Value i = arith::IndexCastOp::create(b, loc, element, at[0]);
                  return arith::AddIOp::create(
                      b, loc, start, arith::MulIOp::create(b, loc, i, delta));
                }));
    return success();
  }

private:
  static Value extractScalar(OpBuilder &b, Location loc, Value tensor) {
    return tensor::ExtractOp::create(b, loc, tensor, ValueRange{});
  }

  /// ceil((limit - start) / delta), not below 0; 0 after an error for delta 0.
  static Value countIntegers(OpBuilder &b, Location loc, Value start,
                             Value limit, Value delta, bool isSigned) {
    Type i64 = b.getI64Type();
    auto widen = [&](Value value) -> Value {
      if (value.getType() == i64)
        return value;
      if (isSigned)
        return arith::ExtSIOp::create(b, loc, i64, value);
      return arith::ExtUIOp::create(b, loc, i64, value);
    };
    Value zero = createScalar(b, loc, i64, 0),
          one = createScalar(b, loc, i64, 1);
    Value step = widen(delta);
    Value isStep =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, step, zero);
    createRuntimeCheck(b, loc, isStep, RuntimeError::ShapeMismatch);
    Value distance = arith::SubIOp::create(b, loc, widen(limit), widen(start));
    Value down =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, step, zero);
    auto negateIf = [&](Value value) -> Value {
      return arith::SelectOp::create(
          b, loc, down, arith::SubIOp::create(b, loc, zero, value), value);
    };
    distance = arith::MaxSIOp::create(b, loc, negateIf(distance), zero);
    Value magnitude = arith::MaxSIOp::create(b, loc, negateIf(step), one);
    Value count = arith::CeilDivSIOp::create(b, loc, distance, magnitude);
    count = arith::SelectOp::create(b, loc, isStep, count, zero);
    return arith::IndexCastOp::create(b, loc, b.getIndexType(), count);
  }

  static Value countFloats(OpBuilder &b, Location loc, Value start, Value limit,
                           Value delta) {
    Type f64 = b.getF64Type();
    auto widen = [&](Value value) -> Value {
      if (value.getType() == f64)
        return value;
      return arith::ExtFOp::create(b, loc, f64, value);
    };
    Value step = widen(delta), zero = createScalar(b, loc, f64, 0);
    Value distance = arith::SubFOp::create(b, loc, widen(limit), widen(start));
    Value count = math::CeilOp::create(
        b, loc, arith::DivFOp::create(b, loc, distance, step));
    // Also what is not a number, or more than any memory holds.
    Value isCount = arith::AndIOp::create(
        b, loc,
        arith::CmpFOp::create(b, loc, arith::CmpFPredicate::ONE, step, zero),
        arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OLT, count,
                              createScalar(b, loc, f64, 1ll << 48)));
    createRuntimeCheck(b, loc, isCount, RuntimeError::ShapeMismatch);
    count = arith::SelectOp::create(b, loc, isCount, count, zero);
    count = arith::MaxNumFOp::create(b, loc, count, zero);
    Value whole = arith::FPToSIOp::create(b, loc, b.getI64Type(), count);
    return arith::IndexCastOp::create(b, loc, b.getIndexType(), whole);
  }
};

struct PadPattern : OpConversionPattern<PadOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(PadOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value operand = adaptor.getOperand();
    auto type =
        cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    int64_t rank = type.getRank();
    SmallVector<Value> begins;
    SmallVector<OpFoldResult> dims;
    Value zero = createIndex(rewriter, loc, 0);
    auto padAt = [&](int64_t i) -> Value {
      Value pad = tensor::ExtractOp::create(rewriter, loc, adaptor.getPads(),
                                            createIndex(rewriter, loc, i));
      return arith::IndexCastOp::create(rewriter, loc, rewriter.getIndexType(),
                                        pad);
    };
    for (int64_t i = 0; i < rank; ++i) {
      begins.push_back(padAt(i));
      Value size = createDim(rewriter, loc, operand, i);
      size = arith::AddIOp::create(rewriter, loc, size, begins.back());
      size = arith::AddIOp::create(rewriter, loc, size, padAt(rank + i));
      if (type.isDynamicDim(i))
        createRuntimeCheck(rewriter, loc,
                           arith::CmpIOp::create(rewriter, loc,
                                                 arith::CmpIPredicate::sge,
                                                 size, zero),
                           RuntimeError::ShapeMismatch);
      dims.push_back(
          arith::MaxSIOp::create(rewriter, loc, size, zero).getResult());
    }
    Value fill;
    if (adaptor.getValue())
      fill = tensor::ExtractOp::create(rewriter, loc, adaptor.getValue(),
                                       ValueRange{});
    rewriter.replaceOp(
        op,
        createGenerated(
            rewriter, loc, type, dims,
            [&](OpBuilder &b, Location loc, ValueRange at) -> Value {
              SmallVector<Value> position;
              for (auto [index, begin] : llvm::zip(at, begins))
                position.push_back(arith::SubIOp::create(b, loc, index, begin));
              if (fill)
                return selectInside(b, loc, operand, position, fill);
              for (int64_t i = 0; i < rank; ++i)
                position[i] = mapInside(b, loc, op.getMode(), position[i],
                                        createDim(b, loc, operand, i));
              return createSafeExtract(b, loc, operand, position);
            }));
    return success();
  }

private:
  static Value selectInside(OpBuilder &b, Location loc, Value operand,
                            ArrayRef<Value> position, Value fill) {
    Value inside = createScalar(b, loc, b.getI1Type(), 1);
    for (auto [i, index] : llvm::enumerate(position))
      // One unsigned comparison also rejects what is negative.
      inside = arith::AndIOp::create(
          b, loc, inside,
          arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ult, index,
                                createDim(b, loc, operand, i)));
    auto branch = scf::IfOp::create(
        b, loc, inside,
        [&](OpBuilder &b, Location loc) {
          Value element = tensor::ExtractOp::create(b, loc, operand, position);
          scf::YieldOp::create(b, loc, element);
        },
        [&](OpBuilder &b, Location loc) {
          scf::YieldOp::create(b, loc, fill);
        });
    return branch.getResult(0);
  }

  /// Where the element at `index`, inside or outside of [0, size), comes from.
  static Value mapInside(OpBuilder &b, Location loc, PadMode mode, Value index,
                         Value size) {
    Value zero = createIndex(b, loc, 0), one = createIndex(b, loc, 1);
    Value last = arith::MaxSIOp::create(
        b, loc, arith::SubIOp::create(b, loc, size, one), zero);
    // The remainder that is not negative.
    auto modulo = [&](Value period) -> Value {
      period = arith::MaxSIOp::create(b, loc, period, one);
      Value rest = arith::RemSIOp::create(b, loc, index, period);
      Value negative =
          arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, rest, zero);
      return arith::SelectOp::create(
          b, loc, negative, arith::AddIOp::create(b, loc, rest, period), rest);
    };
    switch (mode) {
    case PadMode::Edge:
      return arith::MinSIOp::create(
          b, loc, arith::MaxSIOp::create(b, loc, index, zero), last);
    case PadMode::Wrap:
      return modulo(size);
    case PadMode::Reflect: {
      Value period = arith::AddIOp::create(b, loc, last, last);
      Value rest = modulo(period);
      Value mirrored = arith::SubIOp::create(b, loc, period, rest);
      return arith::MinSIOp::create(b, loc, rest, mirrored);
    }
    case PadMode::Constant:
      break;
    }
    llvm_unreachable("a constant has its own path");
  }
};

} // namespace

void llmc::populateIndexToLinalg(const LowerTypeConverter &converter,
                                 RewritePatternSet &patterns) {
  patterns.add<CumulativePattern<CumSumOp>, CumulativePattern<CumProdOp>,
               NonZeroPattern, RangePattern, PadPattern>(converter,
                                                         patterns.getContext());
}
