//===- GridSampleToLinalg.cpp - sampling at positions of a grid -----------===//

#include "Fitted.h"
#include "FloatMath.h"
#include "IndexMath.h"

using namespace mlir;
using namespace llmc;

namespace {

/// One sample: the element types, sizes and modes that all steps need.
struct Sampler {
  mutable GridSampleOp op; ///< accessors of ops are not const
  Value operand;
  int64_t spatial;
  FloatType wide;
  SmallVector<Value> sizes;     ///< of the spatial dimensions, index
  SmallVector<Value> low, high; ///< what reflection and clamping keep within

  Sampler(OpBuilder &b, Location loc, GridSampleOp op, Value operand);
  bool pads(StringRef mode) const { return op.getPaddingMode() == mode; }
  Value denormalize(const FloatMath &m, Value coordinate, int64_t dim) const;
  Value reflect(const FloatMath &m, Value x, int64_t dim) const;
  Value bringInside(const FloatMath &m, Value x, int64_t dim) const;
  Value readAt(OpBuilder &b, Location loc, ValueRange batchAndChannel,
               ArrayRef<Value> position) const;
  Value sample(OpBuilder &b, Location loc, ValueRange batchAndChannel,
               ArrayRef<Value> position) const;
};

Sampler::Sampler(OpBuilder &b, Location loc, GridSampleOp op, Value operand)
    : op(op), operand(operand),
      spatial(cast<ShapedType>(operand.getType()).getRank() - 2),
      wide(cast<FloatType>(accumulatorType(elementTypeOf(operand)))) {
  FloatMath m{b, loc, wide};
  double margin = op.getAlignCorners() ? 0 : 0.5;
  for (int64_t i = 0; i < spatial; ++i) {
    sizes.push_back(createDim(b, loc, operand, i + 2));
    low.push_back(m.constant(-margin));
    high.push_back(m.sub(m.fromIndex(sizes[i]), m.constant(1 - margin)));
  }
}

/// From [-1, 1] to positions of elements: -1 and 1 are the centres of the
/// first and last when corners are aligned, else their outer edges.
Value Sampler::denormalize(const FloatMath &m, Value coordinate,
                           int64_t dim) const {
  Value size = m.fromIndex(sizes[dim]), one = m.constant(1),
        half = m.constant(0.5);
  Value shifted = m.add(coordinate, one);
  if (op.getAlignCorners())
    return m.mul(m.mul(shifted, half), m.sub(size, one));
  return m.mul(m.sub(m.mul(shifted, size), one), half);
}

/// Mirrors `x` at the ends until it lies between them.
Value Sampler::reflect(const FloatMath &m, Value x, int64_t dim) const {
  Value range = m.sub(high[dim], low[dim]), zero = m.constant(0);
  Value below = m.less(x, low[dim]), above = m.less(high[dim], x);
  Value distance = m.select(below, m.sub(low[dim], x), m.sub(x, high[dim]));
  Value turns = m.floor(m.div(distance, range));
  Value rest = m.sub(distance, m.mul(turns, range));
  Value half = m.mul(turns, m.constant(0.5));
  Value even = m.compare(FloatMath::Compare::OEQ, half, m.floor(half));
  // An even number of turns leaves it on the side where it came from.
  Value fromLow =
      arith::CmpIOp::create(m.b, m.loc, arith::CmpIPredicate::eq, even, below);
  Value mirrored =
      m.select(fromLow, m.add(low[dim], rest), m.sub(high[dim], rest));
  Value outside = arith::OrIOp::create(m.b, m.loc, below, above);
  Value result = m.select(outside, mirrored, x);
  // A single element mirrors to itself.
  return m.select(m.less(zero, range), result, low[dim]);
}

/// A position by the padding mode; zeros leaves it where it is.
Value Sampler::bringInside(const FloatMath &m, Value x, int64_t dim) const {
  if (pads("border")) {
    Value last = m.sub(m.fromIndex(sizes[dim]), m.constant(1));
    return m.min(m.max(x, m.constant(0)), last);
  }
  return pads("reflection") ? reflect(m, x, dim) : x;
}

/// The element at integer positions (as floats), 0 outside.
Value Sampler::readAt(OpBuilder &b, Location loc, ValueRange batchAndChannel,
                      ArrayRef<Value> position) const {
  FloatMath m{b, loc, wide};
  IndexMath index{b, loc};
  SmallVector<Value> indices(batchAndChannel);
  Value inside = createScalar(b, loc, b.getI1Type(), 1);
  for (int64_t i = 0; i < spatial; ++i) {
    Value x = bringInside(m, position[i], i);
    Value at = m.toIndex(x, m.constant(-1), m.fromIndex(sizes[i]));
    // Mirroring may round to the edge itself.
    if (!pads("zeros"))
      at = index.max(index.min(at, index.sub(sizes[i], index.constant(1))),
                     index.constant(0));
    inside =
        arith::AndIOp::create(b, loc, inside, index.isWithin(at, sizes[i]));
    indices.push_back(at);
  }
  return scf::IfOp::create(
             b, loc, inside,
             [&](OpBuilder &b, Location loc) {
               Value value =
                   tensor::ExtractOp::create(b, loc, operand, indices);
               scf::YieldOp::create(b, loc,
                                    FloatMath{b, loc, wide}.fromFloat(value));
             },
             [&](OpBuilder &b, Location loc) {
               scf::YieldOp::create(b, loc, createScalar(b, loc, wide, 0));
             })
      .getResult(0);
}

/// The weights of the elements around a position whose distance from the one
/// below it is `t`.
SmallVector<Value> createWeights(const FloatMath &m, Value t, bool cubic) {
  Value one = m.constant(1);
  if (!cubic)
    return {m.sub(one, t), t};
  constexpr double a = -0.75;
  auto polynomial = [&](Value x, ArrayRef<double> coefficients) {
    Value sum = m.constant(coefficients.front());
    for (double coefficient : coefficients.drop_front())
      sum = m.add(m.mul(sum, x), m.constant(coefficient));
    return sum;
  };
  SmallVector<double> near{a + 2, -(a + 3), 0, 1},
      far{a, -5 * a, 8 * a, -4 * a};
  Value u = m.sub(one, t);
  return {polynomial(m.add(t, one), far), polynomial(t, near),
          polynomial(u, near), polynomial(m.add(u, one), far)};
}

Value Sampler::sample(OpBuilder &b, Location loc, ValueRange batchAndChannel,
                      ArrayRef<Value> position) const {
  FloatMath m{b, loc, wide};
  if (op.getMode() == "nearest")
    return readAt(b, loc, batchAndChannel, position);
  bool cubic = op.getMode() == "cubic";
  int64_t taps = cubic ? 4 : 2;
  SmallVector<Value> base;
  SmallVector<SmallVector<Value>> weights;
  for (Value x : position) {
    Value below = m.floor(x);
    base.push_back(cubic ? m.sub(below, m.constant(1)) : below);
    weights.push_back(createWeights(m, m.sub(x, below), cubic));
  }
  // All combinations of taps, one per dimension.
  int64_t count = 1;
  for (int64_t i = 0; i < spatial; ++i)
    count *= taps;
  Value sum = m.constant(0);
  for (int64_t combination = 0; combination < count; ++combination) {
    SmallVector<Value> at;
    Value weight = m.constant(1);
    int64_t rest = combination;
    for (int64_t i = 0; i < spatial; ++i, rest /= taps) {
      at.push_back(m.add(base[i], m.constant(double(rest % taps))));
      weight = m.mul(weight, weights[i][rest % taps]);
    }
    sum = m.add(sum, m.mul(weight, readAt(b, loc, batchAndChannel, at)));
  }
  return sum;
}

struct GridSamplePattern : OpConversionPattern<GridSampleOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(GridSampleOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    auto type = op.getType();
    Sampler sampler(b, loc, op, adaptor.getOperand());
    int64_t spatial = sampler.spatial;
    // The grid has the operand's batch.
    SmallVector<OpFoldResult> dims = createDims(b, loc, adaptor.getOperand()),
                              gridDims = createDims(b, loc, adaptor.getGrid());
    gridDims[0] = dims[0];
    gridDims.back() = b.getIndexAttr(spatial);
    Value grid = createFitted(b, loc, adaptor.getGrid(), gridDims);
    for (int64_t i = 0; i < spatial; ++i)
      dims[i + 2] = gridDims[i + 1];
    b.replaceOp(
        op,
        createGenerated(
            b, loc, type, dims,
            [&](OpBuilder &b, Location loc, ValueRange at) -> Value {
              FloatMath m{b, loc, sampler.wide};
              SmallVector<Value> position;
              for (int64_t i = 0; i < spatial; ++i) {
                SmallVector<Value> indices{at[0]};
                llvm::append_range(indices, at.drop_front(2));
                indices.push_back(createIndex(b, loc, spatial - 1 - i));
                Value x =
                    sampler.denormalize(m,
                                        m.fromFloat(tensor::ExtractOp::create(
                                            b, loc, grid, indices)),
                                        i);
                if (op.getMode() == "nearest")
                  x = math::RoundEvenOp::create(b, loc, x);
                position.push_back(sampler.bringInside(m, x, i));
              }
              Value value = sampler.sample(b, loc, at.take_front(2), position);
              return FloatMath{b, loc, cast<FloatType>(type.getElementType())}
                  .fromFloat(value);
            }));
    return success();
  }
};

} // namespace

void llmc::populateGridSampleToLinalg(const LowerTypeConverter &converter,
                                      RewritePatternSet &patterns) {
  patterns.add<GridSamplePattern>(converter, patterns.getContext());
}
