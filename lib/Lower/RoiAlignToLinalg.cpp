//===- RoiAlignToLinalg.cpp - pooling of regions of images ----------------===//

#include "Fitted.h"
#include "FloatMath.h"
#include "IndexMath.h"

using namespace mlir;
using namespace llmc;

namespace {

/// A region along one axis: where it starts, how large a bin is, and how many
/// samples each bin takes.
struct RegionAxis {
  Value start, bin, samples;
};

struct RoiAlignPattern : OpConversionPattern<RoiAlignOp> {
  using OpConversionPattern::OpConversionPattern;

  /// Axis 0 is vertical; a region is (x1, y1, x2, y2).
  static RegionAxis createAxis(const FloatMath &m, RoiAlignOp op, Value rois,
                               Value region, int64_t axis) {
    bool halfPixel = op.getCoordinateTransformationMode() == "half_pixel";
    int64_t bins = axis == 0 ? op.getOutputHeight() : op.getOutputWidth();
    auto edge = [&](int64_t column) {
      Value value = tensor::ExtractOp::create(
          m.b, m.loc, rois,
          ValueRange{region, createIndex(m.b, m.loc, column)});
      Value scale = m.constant(op.getSpatialScale().convertToFloat());
      return m.sub(m.mul(m.fromFloat(value), scale),
                   m.constant(halfPixel ? 0.5 : 0));
    };
    RegionAxis result;
    result.start = edge(1 - axis);
    Value size = m.sub(edge(3 - axis), result.start);
    if (!halfPixel)
      size = m.max(size, m.constant(1));
    result.bin = m.div(size, m.constant(double(bins)));
    result.samples =
        op.getSamplingRatio() > 0
            ? createIndex(m.b, m.loc, op.getSamplingRatio())
            : m.toIndex(m.ceil(result.bin), m.constant(0), m.constant(1 << 24));
    return result;
  }

  /// The neighbours of a position and the weight of the upper one. Positions
  /// more than one element outside are `outside`.
  struct Neighbours {
    Value low, high, fraction, outside;
  };
  static Neighbours findNeighbours(const FloatMath &m, Value position,
                                   Value size) {
    IndexMath index{m.b, m.loc};
    Value floatSize = m.fromIndex(size), zero = m.constant(0);
    Neighbours result;
    // Written so that NaN is outside.
    Value inside = arith::AndIOp::create(
        m.b, m.loc,
        m.compare(FloatMath::Compare::OGE, position, m.constant(-1)),
        m.compare(FloatMath::Compare::OLE, position, floatSize));
    Value last = m.sub(floatSize, m.constant(1));
    // An empty image has no inside.
    inside = arith::AndIOp::create(
        m.b, m.loc, inside, m.compare(FloatMath::Compare::OGE, last, zero));
    result.outside = arith::XOrIOp::create(
        m.b, m.loc, inside, createScalar(m.b, m.loc, m.b.getI1Type(), 1));
    Value x = m.min(m.max(position, zero), m.max(last, zero));
    result.low = m.toIndex(x, zero, m.max(last, zero));
    result.high = index.max(index.min(index.add(result.low, index.constant(1)),
                                      index.sub(size, index.constant(1))),
                            index.constant(0));
    result.fraction = m.sub(x, m.floor(x));
    return result;
  }

  LogicalResult matchAndRewrite(RoiAlignOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    auto type = op.getType();
    auto wide = cast<FloatType>(accumulatorType(type.getElementType()));
    Value image = adaptor.getOperand(), rois = adaptor.getRois();
    SmallVector<OpFoldResult> roiDims = createDims(b, loc, rois);
    rois = createFitted(b, loc, rois, {roiDims[0], b.getIndexAttr(4)});
    Value batchIndices =
        createFitted(b, loc, adaptor.getBatchIndices(), roiDims[0]);
    SmallVector<OpFoldResult> imageDims = createDims(b, loc, image);
    SmallVector<OpFoldResult> dims{roiDims[0], imageDims[1],
                                   b.getIndexAttr(op.getOutputHeight()),
                                   b.getIndexAttr(op.getOutputWidth())};
    Value batch = createDim(b, loc, image, 0);
    SmallVector<Value> sizes{createDim(b, loc, image, 2),
                             createDim(b, loc, image, 3)};
    bool average = op.getMode() == "avg";

    auto element = [&](OpBuilder &b, Location loc, ValueRange at) -> Value {
      FloatMath m{b, loc, wide};
      IndexMath index{b, loc};
      Value n = createCheckedIndex(
          b, loc, tensor::ExtractOp::create(b, loc, batchIndices, at[0]),
          batch);
      Value noBatch = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq,
                                            batch, index.constant(0));
      RegionAxis axes[2] = {createAxis(m, op, rois, at[0], 0),
                            createAxis(m, op, rois, at[0], 1)};
      Value zero = index.constant(0), one = index.constant(1);
      Value initial = m.constant(0);
      if (!average)
        initial = createLimit(b, loc, wide, true, /*lowest=*/true);
      scf::LoopNest nest = scf::buildLoopNest(
          b, loc, {zero, zero}, {axes[0].samples, axes[1].samples}, {one, one},
          initial,
          [&](OpBuilder &b, Location loc, ValueRange loop,
              ValueRange carried) -> scf::ValueVector {
            FloatMath m{b, loc, wide};
            Neighbours neighbours[2];
            for (int64_t i = 0; i < 2; ++i) {
              Value step =
                  m.div(m.mul(m.add(m.fromIndex(loop[i]), m.constant(0.5)),
                              axes[i].bin),
                        m.fromIndex(axes[i].samples));
              Value position =
                  m.add(m.add(axes[i].start,
                              m.mul(m.fromIndex(at[i + 2]), axes[i].bin)),
                        step);
              neighbours[i] = findNeighbours(m, position, sizes[i]);
            }
            Value outside = arith::OrIOp::create(b, loc, neighbours[0].outside,
                                                 neighbours[1].outside);
            outside = arith::OrIOp::create(b, loc, outside, noBatch);
            auto combine = [&](const FloatMath &m, Value sample) {
              return average ? m.add(carried[0], sample)
                             : m.max(carried[0], sample);
            };
            auto test = scf::IfOp::create(
                b, loc, outside,
                [&](OpBuilder &b, Location loc) {
                  FloatMath m{b, loc, wide};
                  scf::YieldOp::create(b, loc, combine(m, m.constant(0)));
                },
                [&](OpBuilder &b, Location loc) {
                  FloatMath m{b, loc, wide};
                  Value result;
                  for (unsigned tap = 0; tap < 4; ++tap) {
                    bool lower = tap & 2, right = tap & 1;
                    const Neighbours &v = neighbours[0], &h = neighbours[1];
                    Value value = m.fromFloat(tensor::ExtractOp::create(
                        b, loc, image,
                        ValueRange{n, at[1], lower ? v.high : v.low,
                                   right ? h.high : h.low}));
                    Value full = m.constant(1);
                    Value weight =
                        m.mul(lower ? v.fraction : m.sub(full, v.fraction),
                              right ? h.fraction : m.sub(full, h.fraction));
                    Value part = m.mul(weight, value);
                    if (!result)
                      result = part;
                    else
                      // ONNX takes the largest weighted element, not the
                      // largest interpolated value.
                      result =
                          average ? m.add(result, part) : m.max(result, part);
                  }
                  scf::YieldOp::create(b, loc, combine(m, result));
                });
            return {test.getResult(0)};
          });
      Value count = index.mul(axes[0].samples, axes[1].samples);
      Value result = nest.results[0];
      if (average)
        result = m.div(result, m.fromIndex(index.max(count, one)));
      else
        result = m.select(arith::CmpIOp::create(
                              b, loc, arith::CmpIPredicate::eq, count, zero),
                          m.constant(0), result);
      return FloatMath{b, loc, cast<FloatType>(type.getElementType())}
          .fromFloat(result);
    };
    b.replaceOp(op, createGenerated(b, loc, type, dims, element));
    return success();
  }
};

} // namespace

void llmc::populateRoiAlignToLinalg(const LowerTypeConverter &converter,
                                    RewritePatternSet &patterns) {
  patterns.add<RoiAlignPattern>(converter, patterns.getContext());
}
