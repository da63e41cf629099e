//===- ResizeToLinalg.cpp - interpolation along axes ----------------------===//
//
// Interpolation is separable: each axis in turn becomes a gather of the
// elements around each source position, times weights that follow from how far
// they lie from it.
//
//===----------------------------------------------------------------------===//

#include "ElementConversions.h"
#include "FloatMath.h"
#include "IndexMath.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace llmc;

namespace {

/// How one axis is resized: its new size, the factor and the region of
/// interest as f64 scalars.
struct Axis {
  int64_t dim;
  OpFoldResult size;
  Value scale, roiStart, roiEnd;
};

struct ResizePattern : OpConversionPattern<ResizeOp> {
  using OpConversionPattern::OpConversionPattern;

  static Value readVector(OpBuilder &b, Location loc, Value vector,
                          int64_t index) {
    return tensor::ExtractOp::create(b, loc, vector,
                                     createIndex(b, loc, index));
  }

  SmallVector<Axis> createAxes(OpBuilder &b, Location loc, ResizeOp op,
                               OpAdaptor adaptor) const;
  Value resizeAxis(OpBuilder &b, Location loc, ResizeOp op, Value x,
                   const Axis &axis, Type element) const;
  Value createPosition(const FloatMath &m, ResizeOp op, const Axis &axis,
                       Value at, Value size, Value resized) const;
  Value createWeight(const FloatMath &m, ResizeOp op, Value distance) const;
  Value interpolate(OpBuilder &b, Location loc, ResizeOp op, Value x,
                    const Axis &axis, ValueRange at, Value position,
                    Value size) const;
  Value readNearest(OpBuilder &b, Location loc, ResizeOp op, Value x,
                    const Axis &axis, ValueRange at, Value position,
                    Value size) const;
  LogicalResult matchAndRewrite(ResizeOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override;
};

/// The element of `x` at `at` with `index`, clamped to the axis, in the place
/// of its coordinate there. An empty axis reads as 0.
Value readClamped(OpBuilder &b, Location loc, Value x, ValueRange at,
                  int64_t dim, Value index) {
  IndexMath m{b, loc};
  Value size = createDim(b, loc, x, dim), zero = m.constant(0);
  SmallVector<Value> indices(at);
  indices[dim] = m.max(m.min(index, m.sub(size, m.constant(1))), zero);
  auto type = cast<RankedTensorType>(x.getType());
  if (!type.isDynamicDim(dim))
    return tensor::ExtractOp::create(b, loc, x, indices);
  Value any = m.isWithin(zero, size);
  return scf::IfOp::create(
             b, loc, any,
             [&](OpBuilder &b, Location loc) {
               Value value = tensor::ExtractOp::create(b, loc, x, indices);
               scf::YieldOp::create(b, loc, value);
             },
             [&](OpBuilder &b, Location loc) {
               Value none = createScalar(b, loc, type.getElementType(), 0);
               scf::YieldOp::create(b, loc, none);
             })
      .getResult(0);
}

SmallVector<Axis> ResizePattern::createAxes(OpBuilder &b, Location loc,
                                            ResizeOp op,
                                            OpAdaptor adaptor) const {
  FloatMath m{b, loc, b.getF64Type()};
  FloatMath narrow{b, loc, b.getF32Type()};
  IndexMath index{b, loc};
  auto resultType = op.getType();
  SmallVector<Axis> axes;
  bool crops = op.getCoordinateTransformationMode() == "tf_crop_and_resize";
  Value shared;
  size_t count = op.getAxes().size();
  auto toIndex = [&](Value x, const FloatMath &math) {
    return math.toIndex(x, math.constant(0), math.constant(1 << 30));
  };
  for (auto [i, dim] : llvm::enumerate(op.getAxes())) {
    Axis axis{dim, {}, {}, {}, {}};
    Value size = createDim(b, loc, adaptor.getOperand(), dim);
    if (Value scales = adaptor.getScales()) {
      Value scale = readVector(b, loc, scales, i);
      axis.scale = m.fromFloat(scale);
      Value product =
          narrow.mul(narrow.fromFloat(scale), narrow.fromIndex(size));
      axis.size = toIndex(product, narrow);
    } else {
      Value target = readVector(b, loc, adaptor.getSizes(), i);
      target = index.max(
          arith::IndexCastOp::create(b, loc, b.getIndexType(), target),
          index.constant(0));
      axis.size = target;
      axis.scale = m.div(m.fromIndex(target), m.fromIndex(size));
      if (!shared)
        shared = axis.scale;
      else if (op.getKeepAspectRatioPolicy() == "not_larger")
        shared = m.min(shared, axis.scale);
      else
        shared = m.max(shared, axis.scale);
    }
    if (crops) {
      axis.roiStart = m.fromFloat(readVector(b, loc, adaptor.getRoi(), i));
      axis.roiEnd =
          m.fromFloat(readVector(b, loc, adaptor.getRoi(), count + i));
    }
    axes.push_back(axis);
  }
  for (Axis &axis : axes) {
    if (adaptor.getSizes() && op.getKeepAspectRatioPolicy() != "stretch") {
      Value size = createDim(b, loc, adaptor.getOperand(), axis.dim);
      axis.scale = shared;
      axis.size =
          toIndex(m.add(m.mul(shared, m.fromIndex(size)), m.constant(0.5)), m);
    }
    if (!resultType.isDynamicDim(axis.dim))
      axis.size = b.getIndexAttr(resultType.getDimSize(axis.dim));
  }
  return axes;
}

/// Where result element `at` lies in the axis of `size` elements, whose exact
/// new size is `resized`.
Value ResizePattern::createPosition(const FloatMath &m, ResizeOp op,
                                    const Axis &axis, Value at, Value size,
                                    Value resized) const {
  StringRef mode = op.getCoordinateTransformationMode();
  Value one = m.constant(1), half = m.constant(0.5), zero = m.constant(0);
  auto halfPixel = [&] {
    return m.sub(m.div(m.add(at, half), axis.scale), half);
  };
  Value isOne = m.compare(FloatMath::Compare::OEQ, resized, one);
  Value last = m.sub(size, one);
  if (mode == "half_pixel")
    return halfPixel();
  if (mode == "pytorch_half_pixel")
    return m.select(isOne, zero, halfPixel());
  if (mode == "asymmetric")
    return m.div(at, axis.scale);
  if (mode == "align_corners")
    return m.select(isOne, zero, m.div(m.mul(at, last), m.sub(resized, one)));
  if (mode == "half_pixel_symmetric") {
    OpBuilder &b = m.b;
    Value whole =
        m.fromIndex(getValueOrCreateConstantIndexOp(b, m.loc, axis.size));
    Value adjustment = m.sub(one, m.div(whole, resized));
    Value offset = m.mul(m.mul(size, half), adjustment);
    return m.add(offset, halfPixel());
  }
  assert(mode == "tf_crop_and_resize");
  Value extent = m.mul(m.sub(axis.roiEnd, axis.roiStart), last);
  Value moved = m.select(isOne, m.mul(extent, half),
                         m.div(m.mul(at, extent), m.sub(resized, one)));
  return m.add(moved, m.mul(axis.roiStart, last));
}

/// The weight of an element at `distance` (not negative).
Value ResizePattern::createWeight(const FloatMath &m, ResizeOp op,
                                  Value distance) const {
  Value zero = m.constant(0), one = m.constant(1);
  if (op.getMode() == "linear")
    return m.max(m.sub(one, distance), zero);
  double a = op.getCubicCoeffA().convertToFloat();
  auto polynomial = [&](ArrayRef<double> coefficients) {
    Value sum = m.constant(coefficients.front());
    for (double coefficient : coefficients.drop_front())
      sum = m.add(m.mul(sum, distance), m.constant(coefficient));
    return sum;
  };
  Value near = polynomial({a + 2, -(a + 3), 0, 1});
  Value far = polynomial({a, -5 * a, 8 * a, -4 * a});
  Value outer = m.select(m.less(distance, m.constant(2)), far, zero);
  return m.select(m.compare(FloatMath::Compare::OLE, distance, one), near,
                  outer);
}

Value ResizePattern::interpolate(OpBuilder &b, Location loc, ResizeOp op,
                                 Value x, const Axis &axis, ValueRange at,
                                 Value position, Value size) const {
  FloatMath m{b, loc, b.getF64Type()};
  IndexMath index{b, loc};
  // Elements up to `support` away count, further when antialiasing stretches
  // the weights of a smaller result.
  double support = op.getMode() == "linear" ? 1 : 2;
  Value one = m.constant(1);
  Value stretch = op.getAntialias() ? m.min(axis.scale, one) : one;
  Value limit = m.constant(1 << 30);
  Value reach = index.constant(int64_t(support));
  if (op.getAntialias())
    reach = m.toIndex(m.ceil(m.div(m.constant(support), stretch)),
                      m.constant(support), limit);
  Value base = m.toIndex(position, m.constant(-(1 << 30)), limit);
  Value fraction = m.sub(position, m.floor(position));
  // From base - reach + 1 to base + reach.
  Value first = index.sub(index.constant(1), reach);
  Value end = index.add(reach, index.constant(1));
  bool normalizes = op.getAntialias() || op.getExcludeOutside();
  FloatMath value{
      b, loc, cast<FloatType>(cast<ShapedType>(x.getType()).getElementType())};
  auto loop = scf::ForOp::create(
      b, loc, first, end, index.constant(1),
      ValueRange{value.constant(0), m.constant(0)},
      [&](OpBuilder &b, Location loc, Value tap, ValueRange sums) {
        FloatMath m{b, loc, b.getF64Type()};
        FloatMath value{b, loc, cast<FloatType>(sums[0].getType())};
        IndexMath index{b, loc};
        Value distance =
            m.abs(m.mul(m.sub(m.fromIndex(tap), fraction), stretch));
        Value weight = createWeight(m, op, distance);
        Value source = index.add(base, tap);
        if (op.getExcludeOutside())
          weight =
              m.select(index.isWithin(source, size), weight, m.constant(0));
        Value element = readClamped(b, loc, x, at, axis.dim, source);
        Value product = value.mul(element, value.fromFloat(weight));
        scf::YieldOp::create(
            b, loc,
            ValueRange{value.add(sums[0], product), m.add(sums[1], weight)});
      });
  Value sum = loop.getResult(0);
  if (!normalizes)
    return sum;
  Value total = loop.getResult(1);
  // No element inside at all: 0.
  Value none = m.compare(FloatMath::Compare::OEQ, total, m.constant(0));
  total = m.select(none, one, total);
  return value.div(sum, value.fromFloat(total));
}

Value ResizePattern::readNearest(OpBuilder &b, Location loc, ResizeOp op,
                                 Value x, const Axis &axis, ValueRange at,
                                 Value position, Value size) const {
  FloatMath m{b, loc, b.getF64Type()};
  StringRef mode = op.getNearestMode();
  Value half = m.constant(0.5), rounded;
  if (mode == "floor")
    rounded = m.floor(position);
  else if (mode == "ceil")
    rounded = m.ceil(position);
  else if (mode == "round_prefer_ceil")
    rounded = m.floor(m.add(position, half));
  else
    rounded = m.ceil(m.sub(position, half));
  Value index = m.toIndex(rounded, m.constant(0), m.constant(1 << 30));
  return readClamped(b, loc, x, at, axis.dim, index);
}

Value ResizePattern::resizeAxis(OpBuilder &b, Location loc, ResizeOp op,
                                Value x, const Axis &axis, Type element) const {
  SmallVector<OpFoldResult> dims = createDims(b, loc, x);
  dims[axis.dim] = axis.size;
  SmallVector<int64_t> shape(cast<ShapedType>(x.getType()).getShape());
  shape[axis.dim] =
      getConstantIntValue(axis.size).value_or(ShapedType::kDynamic);
  FloatMath outer{b, loc, b.getF64Type()};
  Value size = createDim(b, loc, x, axis.dim);
  Value floatSize = outer.fromIndex(size);
  Value resized = outer.mul(axis.scale, floatSize);
  return createGenerated(
      b, loc, RankedTensorType::get(shape, element), dims,
      [&](OpBuilder &b, Location loc, ValueRange at) -> Value {
        FloatMath m{b, loc, b.getF64Type()};
        Value position = createPosition(m, op, axis, m.fromIndex(at[axis.dim]),
                                        floatSize, resized);
        Value result =
            op.getMode() == "nearest"
                ? readNearest(b, loc, op, x, axis, at, position, size)
                : interpolate(b, loc, op, x, axis, at, position, size);
        if (op.getCoordinateTransformationMode() != "tf_crop_and_resize")
          return result;
        Value before = m.less(position, m.constant(0));
        Value behind = m.less(m.sub(floatSize, m.constant(1)), position);
        Value outside = arith::OrIOp::create(b, loc, before, behind);
        Value fill = createScalar(b, loc, element,
                                  op.getExtrapolationValue().convertToFloat());
        return arith::SelectOp::create(b, loc, outside, fill, result);
      });
}

LogicalResult
ResizePattern::matchAndRewrite(ResizeOp op, OpAdaptor adaptor,
                               ConversionPatternRewriter &b) const {
  Location loc = op.getLoc();
  Value x = adaptor.getOperand();
  auto type =
      cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
  Type element = type.getElementType();
  // Weighted sums are taken in floats of at least 32 bits.
  Type wide = element;
  bool isSigned = isSignedElement(elementTypeOf(op.getOperand()));
  if (op.getMode() != "nearest" && !element.isF64())
    wide = b.getF32Type();
  if (wide != element)
    x = createElementwise(
        b, loc, cast<RankedTensorType>(x.getType()).clone(wide), x,
        [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
          if (isa<FloatType>(element))
            return arith::ExtFOp::create(b, loc, wide, args[0]);
          if (isSigned)
            return arith::SIToFPOp::create(b, loc, wide, args[0]);
          return arith::UIToFPOp::create(b, loc, wide, args[0]);
        });
  for (const Axis &axis : createAxes(b, loc, op, adaptor))
    x = resizeAxis(b, loc, op, x, axis, wide);
  if (wide != element)
    x = createElementwise(
        b, loc, cast<RankedTensorType>(x.getType()).clone(element), x,
        [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
          if (isa<FloatType>(element))
            return arith::TruncFOp::create(b, loc, element, args[0]);
          // The op's own type says whether the integers are signed.
          return createSaturatingRound(
              b, loc, args[0],
              cast<IntegerType>(op.getType().getElementType()));
        });
  if (x.getType() != type)
    x = tensor::CastOp::create(b, loc, type, x);
  b.replaceOp(op, x);
  return success();
}

} // namespace

void llmc::populateResizeToLinalg(const LowerTypeConverter &converter,
                                  RewritePatternSet &patterns) {
  patterns.add<ResizePattern>(converter, patterns.getContext());
}
