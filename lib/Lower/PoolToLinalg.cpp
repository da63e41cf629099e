//===- PoolToLinalg.cpp - max, average and Lp pooling ---------------------===//
//
// Each result element loops over its window, skipping what is padding.
//
//===----------------------------------------------------------------------===//

#include "Windows.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace llmc;

namespace {

/// The sliding window of one pooling op.
struct PoolWindow {
  Value operand;
  ArrayRef<int64_t> kernel, strides, pads, dilations;
  bool ceil;

  template <typename Op>
  PoolWindow(Op op, Value operand)
      : operand(operand), kernel(op.getKernelShape()), strides(op.getStrides()),
        pads(op.getPads()), dilations(op.getDilations()),
        ceil(op.getCeilMode()) {}

  SmallVector<OpFoldResult> resultDims(OpBuilder &b, Location loc) const {
    SmallVector<OpFoldResult> dims = createDims(b, loc, operand);
    for (size_t i = 0; i < kernel.size(); ++i) {
      WindowAxis axis{strides[i], pads[i], pads[kernel.size() + i]};
      Value extent = createIndex(b, loc, (kernel[i] - 1) * dilations[i] + 1);
      dims[i + 2] = createWindowCount(b, loc, createDim(b, loc, operand, i + 2),
                                      extent, axis, ceil);
    }
    return dims;
  }

  /// Loops over the window of the result element `at`. `body` gets the
  /// position of each operand element that is not padding and the carried
  /// values, and returns the new ones. `padding` does the same for positions
  /// in the padding; null leaves the values as they are.
  using Step = function_ref<SmallVector<Value>(OpBuilder &, Location,
                                               ValueRange at, ValueRange)>;
  SmallVector<Value> reduce(OpBuilder &b, Location loc, ValueRange at,
                            ValueRange initial, Step body, Step padding) const;
};

SmallVector<Value> PoolWindow::reduce(OpBuilder &b, Location loc, ValueRange at,
                                      ValueRange initial, Step body,
                                      Step padding) const {
  size_t spatial = kernel.size();
  IndexMath outer{b, loc};
  SmallVector<Value> zeros(spatial, outer.constant(0)),
      ones(spatial, outer.constant(1)), sizes, ends, limits;
  for (size_t i = 0; i < spatial; ++i) {
    ends.push_back(outer.constant(kernel[i]));
    sizes.push_back(createDim(b, loc, operand, i + 2));
    limits.push_back(
        outer.add(sizes.back(), outer.constant(pads[spatial + i])));
  }
  scf::LoopNest nest = scf::buildLoopNest(
      b, loc, zeros, ends, ones, initial,
      [&](OpBuilder &b, Location loc, ValueRange offsets,
          ValueRange carried) -> scf::ValueVector {
        IndexMath m{b, loc};
        SmallVector<Value> position(at.take_front(2));
        Value inside = createScalar(b, loc, b.getI1Type(), 1);
        Value padded = inside;
        for (size_t i = 0; i < spatial; ++i) {
          Value p = m.add(m.mul(at[i + 2], m.constant(strides[i])),
                          m.mul(offsets[i], m.constant(dilations[i])));
          p = m.sub(p, m.constant(pads[i]));
          position.push_back(p);
          inside = b.createOrFold<arith::AndIOp>(loc, inside,
                                                 m.isWithin(p, sizes[i]));
          Value counts = arith::CmpIOp::create(
              b, loc, arith::CmpIPredicate::slt, p, limits[i]);
          padded = b.createOrFold<arith::AndIOp>(loc, padded, counts);
        }
        auto run = [&](Step step) {
          return [&, step](OpBuilder &b, Location loc) {
            SmallVector<Value> next =
                step ? step(b, loc, position, carried)
                     : SmallVector<Value>(carried.begin(), carried.end());
            scf::YieldOp::create(b, loc, next);
          };
        };
        auto outside = [&](OpBuilder &b, Location loc) {
          if (!padding)
            return run(nullptr)(b, loc);
          auto test =
              scf::IfOp::create(b, loc, padded, run(padding), run(nullptr));
          scf::YieldOp::create(b, loc, test.getResults());
        };
        auto test = scf::IfOp::create(b, loc, inside, run(body), outside);
        return scf::ValueVector(test.getResults().begin(),
                                test.getResults().end());
      });
  return SmallVector<Value>(nest.results.begin(), nest.results.end());
}

Value extendTo(OpBuilder &b, Location loc, Value value, Type type) {
  if (value.getType() == type)
    return value;
  return arith::ExtFOp::create(b, loc, type, value);
}

Value truncateTo(OpBuilder &b, Location loc, Value value, Type type) {
  if (value.getType() == type)
    return value;
  return arith::TruncFOp::create(b, loc, type, value);
}

//===----------------------------------------------------------------------===//
// MaxPool
//===----------------------------------------------------------------------===//

/// Whether `x` takes the place of the largest element so far: it is larger, or
/// NaN, which then stays.
Value isLarger(OpBuilder &b, Location loc, Value x, Value largest,
               bool isSigned) {
  if (!isa<FloatType>(x.getType()))
    return arith::CmpIOp::create(b, loc,
                                 isSigned ? arith::CmpIPredicate::sgt
                                          : arith::CmpIPredicate::ugt,
                                 x, largest);
  Value larger =
      arith::CmpFOp::create(b, loc, arith::CmpFPredicate::OGT, x, largest);
  Value isNaN = arith::CmpFOp::create(b, loc, arith::CmpFPredicate::UNO, x, x);
  return arith::OrIOp::create(b, loc, larger, isNaN);
}

struct MaxPoolPattern : OpConversionPattern<MaxPoolOp> {
  using OpConversionPattern::OpConversionPattern;

  /// The position of an element in the flattened operand.
  static Value flatten(OpBuilder &b, Location loc, Value operand,
                       ValueRange position, bool columnMajor) {
    IndexMath m{b, loc};
    SmallVector<unsigned> order;
    order.push_back(0);
    order.push_back(1);
    unsigned rank = position.size();
    for (unsigned i = 2; i < rank; ++i)
      order.push_back(columnMajor ? rank + 1 - i : i);
    Value index = m.constant(0);
    for (unsigned dim : order)
      index =
          m.add(m.mul(index, createDim(b, loc, operand, dim)), position[dim]);
    return arith::IndexCastOp::create(b, loc, b.getI64Type(), index);
  }

  LogicalResult matchAndRewrite(MaxPoolOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    Value x = adaptor.getOperand();
    auto convert = [&](Value value) {
      return cast<RankedTensorType>(
          getTypeConverter()->convertType(value.getType()));
    };
    RankedTensorType type = convert(op.getResult());
    Type element = type.getElementType();
    bool isSigned = isSignedElement(elementTypeOf(op.getOperand()));
    PoolWindow window(op, x);
    SmallVector<OpFoldResult> dims = window.resultDims(b, loc);
    auto pool = [&](bool wantsIndex) {
      return createGenerated(
          b, loc, wantsIndex ? convert(op.getIndices()) : type, dims,
          [&](OpBuilder &b, Location loc, ValueRange at) -> Value {
            Value lowest = createLimit(b, loc, element, isSigned, true);
            SmallVector<Value> initial{lowest};
            // -1 until the first element, which is taken whatever it is.
            if (wantsIndex)
              initial.push_back(createScalar(b, loc, b.getI64Type(), -1));
            auto step = [&](OpBuilder &b, Location loc, ValueRange position,
                            ValueRange carried) -> SmallVector<Value> {
              Value value = tensor::ExtractOp::create(b, loc, x, position);
              Value larger = isLarger(b, loc, value, carried[0], isSigned);
              if (wantsIndex) {
                Value first = arith::CmpIOp::create(
                    b, loc, arith::CmpIPredicate::slt, carried[1],
                    createScalar(b, loc, b.getI64Type(), 0));
                larger = arith::OrIOp::create(b, loc, larger, first);
              }
              SmallVector<Value> next{
                  arith::SelectOp::create(b, loc, larger, value, carried[0])};
              if (wantsIndex)
                next.push_back(arith::SelectOp::create(
                    b, loc, larger,
                    flatten(b, loc, x, position, op.getColumnMajor()),
                    carried[1]));
              return next;
            };
            return window.reduce(b, loc, at, initial, step, nullptr).back();
          });
    };
    Value result = pool(false);
    Value indices;
    if (op.getIndices().use_empty())
      indices = createEmpty(b, loc, convert(op.getIndices()), dims);
    else
      indices = pool(true);
    b.replaceOp(op, ValueRange{result, indices});
    return success();
  }
};

//===----------------------------------------------------------------------===//
// AveragePool, LpPool
//===----------------------------------------------------------------------===//

struct AveragePoolPattern : OpConversionPattern<AveragePoolOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(AveragePoolOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    auto type = op.getType();
    Value x = adaptor.getOperand();
    Type wide = accumulatorType(type.getElementType());
    PoolWindow window(op, x);
    auto count = [](OpBuilder &b, Location loc, Value value) -> Value {
      return arith::AddIOp::create(b, loc, value,
                                   createScalar(b, loc, b.getI64Type(), 1));
    };
    auto step = [&](OpBuilder &b, Location loc, ValueRange position,
                    ValueRange carried) -> SmallVector<Value> {
      Value value = tensor::ExtractOp::create(b, loc, x, position);
      value = extendTo(b, loc, value, wide);
      return {arith::AddFOp::create(b, loc, carried[0], value),
              count(b, loc, carried[1])};
    };
    auto skip = [&](OpBuilder &b, Location loc, ValueRange,
                    ValueRange carried) -> SmallVector<Value> {
      return {carried[0], count(b, loc, carried[1])};
    };
    PoolWindow::Step padding = nullptr;
    if (op.getCountIncludePad())
      padding = skip;
    b.replaceOp(
        op, createGenerated(
                b, op.getLoc(), type, window.resultDims(b, op.getLoc()),
                [&](OpBuilder &b, Location loc, ValueRange at) -> Value {
                  SmallVector<Value> sums =
                      window.reduce(b, loc, at,
                                    {createScalar(b, loc, wide, 0),
                                     createScalar(b, loc, b.getI64Type(), 0)},
                                    step, padding);
                  Value n = arith::SIToFPOp::create(b, loc, wide, sums[1]);
                  Value mean = arith::DivFOp::create(b, loc, sums[0], n);
                  return truncateTo(b, loc, mean, type.getElementType());
                }));
    return success();
  }
};

struct LpPoolPattern : OpConversionPattern<LpPoolOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(LpPoolOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    auto type = op.getType();
    Value x = adaptor.getOperand();
    Type wide = accumulatorType(type.getElementType());
    double p = double(op.getP());
    PoolWindow window(op, x);
    auto step = [&](OpBuilder &b, Location loc, ValueRange position,
                    ValueRange carried) -> SmallVector<Value> {
      Value value = tensor::ExtractOp::create(b, loc, x, position);
      value = math::AbsFOp::create(b, loc, extendTo(b, loc, value, wide));
      Value power =
          math::PowFOp::create(b, loc, value, createScalar(b, loc, wide, p));
      return {arith::AddFOp::create(b, loc, carried[0], power)};
    };
    b.replaceOp(
        op, createGenerated(
                b, op.getLoc(), type, window.resultDims(b, op.getLoc()),
                [&](OpBuilder &b, Location loc, ValueRange at) -> Value {
                  SmallVector<Value> sums = window.reduce(
                      b, loc, at, createScalar(b, loc, wide, 0), step, nullptr);
                  Value norm = math::PowFOp::create(
                      b, loc, sums[0], createScalar(b, loc, wide, 1 / p));
                  return truncateTo(b, loc, norm, type.getElementType());
                }));
    return success();
  }
};

} // namespace

void llmc::populatePoolToLinalg(const LowerTypeConverter &converter,
                                RewritePatternSet &patterns) {
  patterns.add<MaxPoolPattern, AveragePoolPattern, LpPoolPattern>(
      converter, patterns.getContext());
}
