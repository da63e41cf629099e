//===- ConvToLinalg.cpp - convolutions ------------------------------------===//
//
// Both directions are one contraction: out[n, g, o, p] sums
// x[n, g, c, position(p, k)] * w[g, o, c, k] over c and k. The operand is
// placed in zeros first, so that the contraction needs no test of bounds, and
// the innermost loop runs over the last spatial dimension of the result, where
// all three are read in order.
//
//===----------------------------------------------------------------------===//

#include "Windows.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace llmc;

OpFoldResult llmc::createWindowCount(OpBuilder &builder, Location location,
                                     Value size, Value extent, WindowAxis axis,
                                     bool ceil) {
  IndexMath m{builder, location};
  Value zero = m.constant(0), one = m.constant(1),
        stride = m.constant(axis.stride);
  Value padded = m.add(size, m.constant(axis.padBegin + axis.padEnd));
  Value room = m.sub(padded, extent);
  // floor(room / stride) + 1, none when the window does not fit at all.
  Value count = m.div(m.max(m.add(room, stride), zero), stride);
  if (ceil) {
    Value rounded = m.div(
        m.max(m.add(room, m.constant(2 * axis.stride - 1)), zero), stride);
    Value start = m.mul(m.sub(rounded, one), stride);
    Value valid =
        arith::CmpIOp::create(builder, location, arith::CmpIPredicate::slt,
                              start, m.add(size, m.constant(axis.padBegin)));
    count =
        builder.createOrFold<arith::SelectOp>(location, valid, rounded, count);
  }
  return getAsOpFoldResult(count);
}

namespace {

/// A copy of `source` in a tensor of `dims` filled with zeros: element i of
/// spatial dimension d lies at `low[d] + i * stride[d]`. What would lie
/// outside is dropped, and of a dynamic channel dimension that contradicts
/// `dims` only what fits is read (the mismatch is reported).
Value spread(OpBuilder &b, Location loc, Value source,
             ArrayRef<OpFoldResult> dims, ArrayRef<int64_t> low,
             ArrayRef<int64_t> stride) {
  IndexMath m{b, loc};
  auto type = cast<RankedTensorType>(source.getType());
  int64_t rank = type.getRank();
  SmallVector<int64_t> shape;
  for (OpFoldResult dim : dims)
    shape.push_back(getConstantIntValue(dim).value_or(ShapedType::kDynamic));
  auto resultType = RankedTensorType::get(shape, type.getElementType());
  Value zeros = createFilled(b, loc, resultType, dims,
                             createScalar(b, loc, type.getElementType(), 0));
  SmallVector<OpFoldResult> from, to, sizes, ones(rank, b.getIndexAttr(1)),
      strides;
  for (int64_t i = 0; i < rank; ++i) {
    Value size = createDim(b, loc, source, i);
    Value room = getValueOrCreateConstantIndexOp(b, loc, dims[i]);
    int64_t start = i < 2 ? 0 : low[i - 2], step = i < 2 ? 1 : stride[i - 2];
    // The first element that is inside, and how many are.
    int64_t first = start < 0 ? (-start + step - 1) / step : 0;
    int64_t offset = start + first * step;
    Value begin = m.min(m.constant(first), size);
    Value fits =
        m.div(m.max(m.add(room, m.constant(step - 1 - offset)), m.constant(0)),
              m.constant(step));
    from.push_back(getAsOpFoldResult(begin));
    to.push_back(b.getIndexAttr(offset));
    sizes.push_back(getAsOpFoldResult(m.min(m.sub(size, begin), fits)));
    strides.push_back(b.getIndexAttr(step));
  }
  Value inside =
      tensor::ExtractSliceOp::create(b, loc, source, from, sizes, ones);
  return tensor::InsertSliceOp::create(b, loc, inside, zeros, to, sizes,
                                       strides);
}

/// Splits the static dimension `dim` into [group, rest].
Value splitGroups(OpBuilder &b, Location loc, Value value, int64_t dim,
                  int64_t group) {
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<int64_t> shape;
  SmallVector<OpFoldResult> dims = createDims(b, loc, value), expanded;
  SmallVector<ReassociationIndices> reassociation;
  for (int64_t i = 0; i < type.getRank(); ++i) {
    int64_t position = shape.size();
    if (i != dim) {
      reassociation.push_back({position});
      shape.push_back(type.getDimSize(i));
      expanded.push_back(dims[i]);
      continue;
    }
    reassociation.push_back({position, position + 1});
    for (int64_t size : {group, type.getDimSize(i) / group}) {
      shape.push_back(size);
      expanded.push_back(b.getIndexAttr(size));
    }
  }
  return tensor::ExpandShapeOp::create(
      b, loc, RankedTensorType::get(shape, type.getElementType()), value,
      reassociation, expanded);
}

/// What the two directions differ in.
struct Geometry {
  int64_t group;
  ArrayRef<int64_t> strides, dilations;
  /// The weight is [in, out / group, kernel...] and runs backwards.
  bool transposed;
};

/// The initial value of a convolution's result: the bias, or zeros.
Value createInitial(OpBuilder &b, Location loc, RankedTensorType type,
                    ArrayRef<OpFoldResult> dims, Value bias) {
  Type element = type.getElementType();
  if (!bias)
    return createFilled(b, loc, type, dims, createScalar(b, loc, element, 0));
  Value length = createDim(b, loc, bias, 0);
  auto biasType = cast<RankedTensorType>(bias.getType());
  return createGenerated(
      b, loc, type, dims,
      [&](OpBuilder &b, Location loc, ValueRange at) -> Value {
        Value channel = at[1];
        if (biasType.getDimSize(0) != type.getDimSize(1))
          channel = createCheckedIndex(b, loc, channel, length);
        Value value = tensor::ExtractOp::create(b, loc, bias, channel);
        if (value.getType() != element)
          value = arith::ExtFOp::create(b, loc, element, value);
        return value;
      });
}

/// The contraction over a padded operand.
Value createConvolution(OpBuilder &b, Location loc, Value x, Value weight,
                        Value initial, const Geometry &geometry) {
  int64_t spatial = geometry.strides.size();
  int64_t group = geometry.group;
  auto initialType = cast<RankedTensorType>(initial.getType());
  if (group > 1) {
    x = splitGroups(b, loc, x, 1, group);
    weight = splitGroups(b, loc, weight, 0, group);
    initial = splitGroups(b, loc, initial, 1, group);
  }
  // Loops: n, [g], o, all p but the last, c, k, the last p.
  int64_t loops = 0;
  auto next = [&] { return b.getAffineDimExpr(loops++); };
  AffineExpr n = next(), g = group > 1 ? next() : AffineExpr(), o = next();
  SmallVector<AffineExpr> p, k;
  for (int64_t i = 0; i + 1 < spatial; ++i)
    p.push_back(next());
  AffineExpr c = next();
  for (int64_t i = 0; i < spatial; ++i)
    k.push_back(next());
  p.push_back(next());

  SmallVector<AffineExpr> mapX{n}, mapW, mapY{n};
  if (g) {
    mapX.push_back(g);
    mapW.push_back(g);
    mapY.push_back(g);
  }
  mapX.push_back(c);
  mapY.push_back(o);
  mapW.append(geometry.transposed ? std::initializer_list<AffineExpr>{c, o}
                                  : std::initializer_list<AffineExpr>{o, c});
  auto kernel = cast<RankedTensorType>(weight.getType()).getShape();
  kernel = kernel.take_back(spatial);
  for (int64_t i = 0; i < spatial; ++i) {
    int64_t dilation = geometry.dilations[i];
    mapX.push_back(geometry.transposed
                       ? p[i] + (kernel[i] - 1) * dilation - k[i] * dilation
                       : p[i] * geometry.strides[i] + k[i] * dilation);
    mapW.push_back(k[i]);
    mapY.push_back(p[i]);
  }
  SmallVector<AffineMap> maps;
  for (ArrayRef<AffineExpr> exprs :
       {ArrayRef(mapX), ArrayRef(mapW), ArrayRef(mapY)})
    maps.push_back(AffineMap::get(loops, 0, exprs, b.getContext()));
  SmallVector<utils::IteratorType> iterators;
  for (int64_t i = 0; i < loops; ++i)
    iterators.push_back(maps[2].isFunctionOfDim(i)
                            ? utils::IteratorType::parallel
                            : utils::IteratorType::reduction);
  Value result = linalg::GenericOp::create(b, loc, initial.getType(),
                                           ValueRange{x, weight}, initial, maps,
                                           iterators, createMultiplyAdd)
                     .getResult(0);
  if (group == 1)
    return result;
  SmallVector<ReassociationIndices> merged{{0}, {1, 2}};
  for (int64_t i = 0; i < spatial; ++i)
    merged.push_back({i + 3});
  return tensor::CollapseShapeOp::create(b, loc, initialType, result, merged);
}

/// Rounds a sum of narrow floats to the result's type.
Value narrow(OpBuilder &b, Location loc, Value value, RankedTensorType type) {
  if (value.getType() == type)
    return value;
  return createElementwise(
      b, loc, type, value,
      [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
        return arith::TruncFOp::create(b, loc, type.getElementType(), args[0]);
      });
}

/// Reports an operand whose dynamic channels are not what the weight takes.
void checkChannels(OpBuilder &b, Location loc, Value operand,
                   int64_t channels) {
  if (!cast<ShapedType>(operand.getType()).isDynamicDim(1))
    return;
  Value equal = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq,
                                      createDim(b, loc, operand, 1),
                                      createIndex(b, loc, channels));
  createRuntimeCheck(b, loc, equal, RuntimeError::ShapeMismatch);
}

struct ConvPattern : OpConversionPattern<ConvOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(ConvOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    Value x = adaptor.getOperand(), weight = adaptor.getWeight();
    auto type =
        cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    auto weightType = cast<RankedTensorType>(weight.getType());
    ArrayRef<int64_t> strides = op.getStrides(), pads = op.getPads(),
                      dilations = op.getDilations();
    int64_t spatial = strides.size(), group = op.getGroup();
    int64_t channels = weightType.getDimSize(1) * group;
    IndexMath m{b, loc};
    SmallVector<OpFoldResult> dims = createDims(b, loc, x), padded = dims;
    bool copies = isa<Value>(dims[1]);
    padded[1] = b.getIndexAttr(channels);
    dims[1] = b.getIndexAttr(weightType.getDimSize(0));
    for (int64_t i = 0; i < spatial; ++i) {
      WindowAxis axis{strides[i], pads[i], pads[spatial + i]};
      Value size = createDim(b, loc, x, i + 2);
      Value extent =
          m.add(m.mul(m.sub(createDim(b, loc, weight, i + 2), m.constant(1)),
                      m.constant(dilations[i])),
                m.constant(1));
      dims[i + 2] =
          createWindowCount(b, loc, size, extent, axis, /*ceil=*/false);
      copies |= axis.padBegin + axis.padEnd != 0;
      padded[i + 2] = getAsOpFoldResult(
          m.add(size, m.constant(axis.padBegin + axis.padEnd)));
    }
    checkChannels(b, loc, x, channels);
    if (copies)
      x = spread(b, loc, x, padded, pads.take_front(spatial),
                 SmallVector<int64_t>(spatial, 1));
    auto wide = type.clone(accumulatorType(type.getElementType()));
    Value initial = createInitial(b, loc, wide, dims, adaptor.getBias());
    Value result = createConvolution(
        b, loc, x, weight, initial,
        Geometry{group, strides, dilations, /*transposed=*/false});
    b.replaceOp(op, narrow(b, loc, result, type));
    return success();
  }
};

struct ConvTransposePattern : OpConversionPattern<ConvTransposeOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(ConvTransposeOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    Value x = adaptor.getOperand(), weight = adaptor.getWeight();
    auto type =
        cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    auto weightType = cast<RankedTensorType>(weight.getType());
    if (!weightType.hasStaticShape())
      return op.emitOpError("has no lowering for a weight whose shape is not "
                            "static");
    ArrayRef<int64_t> strides = op.getStrides(), pads = op.getPads(),
                      dilations = op.getDilations();
    int64_t spatial = strides.size(), group = op.getGroup();
    IndexMath m{b, loc};
    SmallVector<OpFoldResult> dims = createDims(b, loc, x), padded = dims;
    padded[1] = b.getIndexAttr(weightType.getDimSize(0));
    dims[1] = b.getIndexAttr(weightType.getDimSize(1) * group);
    SmallVector<int64_t> low;
    for (int64_t i = 0; i < spatial; ++i) {
      int64_t reach = (weightType.getDimSize(i + 2) - 1) * dilations[i];
      int64_t extra =
          reach + 1 + op.getOutputPadding()[i] - pads[i] - pads[spatial + i];
      // The kernel reaches `reach` elements back from each result element.
      low.push_back(reach - pads[i]);
      Value steps = m.mul(m.sub(createDim(b, loc, x, i + 2), m.constant(1)),
                          m.constant(strides[i]));
      Value size = m.max(m.add(steps, m.constant(extra)), m.constant(0));
      dims[i + 2] = getAsOpFoldResult(size);
      padded[i + 2] = getAsOpFoldResult(m.add(size, m.constant(reach)));
    }
    checkChannels(b, loc, x, weightType.getDimSize(0));
    x = spread(b, loc, x, padded, low, strides);
    auto wide = type.clone(accumulatorType(type.getElementType()));
    Value initial = createInitial(b, loc, wide, dims, adaptor.getBias());
    SmallVector<int64_t> ones(spatial, 1);
    Value result = createConvolution(
        b, loc, x, weight, initial,
        Geometry{group, ones, dilations, /*transposed=*/true});
    b.replaceOp(op, narrow(b, loc, result, type));
    return success();
  }
};

} // namespace

void llmc::populateConvToLinalg(const LowerTypeConverter &converter,
                                RewritePatternSet &patterns) {
  patterns.add<ConvPattern, ConvTransposePattern>(converter,
                                                  patterns.getContext());
}
