//===- DeformConvToLinalg.cpp - convolution at displaced positions --------===//

#include "Fitted.h"
#include "FloatMath.h"
#include "Windows.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace llmc;

namespace {

/// Bilinear interpolation of `image[batch, channel]` at (y, x), with zeros
/// around the image.
Value readBilinear(const FloatMath &m, Value image, Value batch, Value channel,
                   Value y, Value x) {
  Value corner[2], fraction[2], size[2];
  IndexMath index{m.b, m.loc};
  const Value positions[2] = {y, x};
  for (auto [i, position] : llvm::enumerate(positions)) {
    size[i] = createDim(m.b, m.loc, image, i + 2);
    // Both neighbours of anything further out are outside.
    corner[i] = m.toIndex(position, m.constant(-2), m.fromIndex(size[i]));
    fraction[i] = m.sub(position, m.floor(position));
  }
  Value sum = m.constant(0);
  for (unsigned tap = 0; tap < 4; ++tap) {
    Value at[2], weight = m.constant(1);
    Value inside = createScalar(m.b, m.loc, m.b.getI1Type(), 1);
    for (unsigned i = 0; i < 2; ++i) {
      bool upper = tap >> i & 1;
      at[i] = index.add(corner[i], index.constant(upper));
      inside = arith::AndIOp::create(m.b, m.loc, inside,
                                     index.isWithin(at[i], size[i]));
      weight = m.mul(weight,
                     upper ? fraction[i] : m.sub(m.constant(1), fraction[i]));
    }
    auto read = scf::IfOp::create(
        m.b, m.loc, inside,
        [&](OpBuilder &b, Location loc) {
          Value value = tensor::ExtractOp::create(
              b, loc, image, ValueRange{batch, channel, at[0], at[1]});
          FloatMath inner{b, loc, m.type};
          scf::YieldOp::create(b, loc,
                               inner.mul(inner.fromFloat(value), weight));
        },
        [&](OpBuilder &b, Location loc) {
          scf::YieldOp::create(b, loc, createScalar(b, loc, m.type, 0));
        });
    sum = m.add(sum, read.getResult(0));
  }
  return sum;
}

struct DeformConvPattern : OpConversionPattern<DeformConvOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(DeformConvOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    auto type = op.getType();
    Value image = adaptor.getOperand(), weight = adaptor.getWeight();
    auto weightType = cast<RankedTensorType>(weight.getType());
    int64_t groupSize = weightType.getDimSize(1), group = op.getGroup(),
            channels = groupSize * group, offsetGroups = op.getOffsetGroup();
    SmallVector<int64_t> kernel(weightType.getShape().take_back(2));
    auto wide = cast<FloatType>(accumulatorType(type.getElementType()));
    IndexMath outer{b, loc};

    SmallVector<OpFoldResult> dims = createDims(b, loc, image),
                              imageDims = dims;
    imageDims[1] = b.getIndexAttr(channels);
    image = createFitted(b, loc, image, imageDims);
    dims[1] = b.getIndexAttr(weightType.getDimSize(0));
    for (int64_t i = 0; i < 2; ++i) {
      WindowAxis axis{op.getStrides()[i], op.getPads()[i], op.getPads()[i + 2]};
      dims[i + 2] = createWindowCount(
          b, loc, createDim(b, loc, image, i + 2),
          outer.constant((kernel[i] - 1) * op.getDilations()[i] + 1), axis,
          /*ceil=*/false);
    }
    int64_t positions = offsetGroups * kernel[0] * kernel[1];
    auto fit = [&](Value value, int64_t perPosition) {
      SmallVector<OpFoldResult> wanted = dims;
      wanted[1] = b.getIndexAttr(positions * perPosition);
      return createFitted(b, loc, value, wanted);
    };
    Value offset = fit(adaptor.getOffset(), 2);
    Value mask = adaptor.getMask() ? fit(adaptor.getMask(), 1) : Value();
    Value bias = adaptor.getBias();
    if (bias)
      bias = createFitted(b, loc, bias, dims[1]);

    auto element = [&](OpBuilder &b, Location loc, ValueRange at) -> Value {
      FloatMath m{b, loc, wide};
      IndexMath index{b, loc};
      Value n = at[0], o = at[1];
      auto read = [&](OpBuilder &b, Location loc, Value tensor,
                      ValueRange indices) {
        return FloatMath{b, loc, wide}.fromFloat(
            tensor::ExtractOp::create(b, loc, tensor, indices));
      };
      Value initial = bias ? read(b, loc, bias, o) : m.constant(0);
      Value firstChannel = index.mul(
          index.div(o, index.constant(weightType.getDimSize(0) / group)),
          index.constant(groupSize));
      Value zero = index.constant(0), one = index.constant(1);
      scf::LoopNest nest = scf::buildLoopNest(
          b, loc, {zero, zero, zero},
          {index.constant(groupSize), index.constant(kernel[0]),
           index.constant(kernel[1])},
          {one, one, one}, initial,
          [&](OpBuilder &b, Location loc, ValueRange loop,
              ValueRange sums) -> scf::ValueVector {
            FloatMath m{b, loc, wide};
            IndexMath index{b, loc};
            Value channel = index.add(firstChannel, loop[0]);
            Value offsetGroup =
                index.div(channel, index.constant(channels / offsetGroups));
            // [offset group, kernel height, kernel width] flattened.
            Value position = index.add(
                index.mul(
                    index.add(index.mul(offsetGroup, index.constant(kernel[0])),
                              loop[1]),
                    index.constant(kernel[1])),
                loop[2]);
            Value where[2];
            for (int64_t i = 0; i < 2; ++i) {
              Value plain = index.sub(
                  index.add(
                      index.mul(at[i + 2], index.constant(op.getStrides()[i])),
                      index.mul(loop[i + 1],
                                index.constant(op.getDilations()[i]))),
                  index.constant(op.getPads()[i]));
              Value row = index.add(index.mul(position, index.constant(2)),
                                    index.constant(i));
              Value moved =
                  read(b, loc, offset, ValueRange{n, row, at[2], at[3]});
              where[i] = m.add(m.fromIndex(plain), moved);
            }
            Value sample =
                readBilinear(m, image, n, channel, where[0], where[1]);
            Value product =
                m.mul(sample, read(b, loc, weight,
                                   ValueRange{o, loop[0], loop[1], loop[2]}));
            if (mask)
              product =
                  m.mul(product, read(b, loc, mask,
                                      ValueRange{n, position, at[2], at[3]}));
            return {m.add(sums[0], product)};
          });
      return FloatMath{b, loc, cast<FloatType>(type.getElementType())}
          .fromFloat(nest.results[0]);
    };
    b.replaceOp(op, createGenerated(b, loc, type, dims, element));
    return success();
  }
};

} // namespace

void llmc::populateDeformConvToLinalg(const LowerTypeConverter &converter,
                                      RewritePatternSet &patterns) {
  patterns.add<DeformConvPattern>(converter, patterns.getContext());
}
