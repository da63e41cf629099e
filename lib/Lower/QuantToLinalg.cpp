//===- QuantToLinalg.cpp - quantization of activations --------------------===//

#include "ElementConversions.h"
#include "Fitted.h"
#include "FloatMath.h"
#include "IndexMath.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace llmc;

namespace {

/// A scale or zero point and how it is spread over the operand.
struct Parameter {
  Value tensor;
  int64_t axis, block;

  Parameter(OpBuilder &b, Location loc, Value tensor, Value operand,
            int64_t axis, int64_t block);
  /// The element that belongs to the operand's element `at`.
  Value read(OpBuilder &b, Location loc, ValueRange at) const;
  explicit operator bool() const { return bool(tensor); }
};

Parameter::Parameter(OpBuilder &b, Location loc, Value value, Value operand,
                     int64_t axis, int64_t block)
    : tensor(value), axis(axis), block(block) {
  if (!value)
    return;
  auto type = cast<RankedTensorType>(value.getType());
  if (type.getRank() == 0)
    return;
  SmallVector<OpFoldResult> dims = createDims(b, loc, operand);
  if (block == 0) {
    // One number may also come as a vector.
    if (type.getDimSize(0) != 1)
      tensor = createFitted(b, loc, value, dims[axis]);
    return;
  }
  IndexMath m{b, loc};
  Value size = createDim(b, loc, operand, axis);
  dims[axis] = getAsOpFoldResult(
      m.div(m.add(size, m.constant(block - 1)), m.constant(block)));
  tensor = createFitted(b, loc, value, dims);
}

Value Parameter::read(OpBuilder &b, Location loc, ValueRange at) const {
  auto type = cast<RankedTensorType>(tensor.getType());
  IndexMath m{b, loc};
  SmallVector<Value> indices;
  if (block != 0) {
    indices = SmallVector<Value>(at);
    indices[axis] = m.div(at[axis], m.constant(block));
  } else if (type.getRank() == 1) {
    indices = {type.getDimSize(0) == 1 ? m.constant(0) : at[axis]};
  }
  return tensor::ExtractOp::create(b, loc, tensor, indices);
}

struct QuantizeLinearPattern : OpConversionPattern<QuantizeLinearOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(QuantizeLinearOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    Value x = adaptor.getOperand();
    auto type =
        cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    Type from = elementTypeOf(op.getOperand()), to = op.getTo();
    Type scaleType = elementTypeOf(op.getScale());
    auto precision = cast<FloatType>(op.getPrecision());
    int64_t axis = op.getAxis(), block = op.getBlockSize();
    Parameter scale(b, loc, adaptor.getScale(), x, axis, block),
        zero(b, loc, adaptor.getZeroPoint(), x, axis, block);
    auto element = [&](OpBuilder &b, Location loc, ValueRange at) -> Value {
      FloatMath m{b, loc, precision};
      Value value = createConversion(
          b, loc, tensor::ExtractOp::create(b, loc, x, at), from, precision);
      Value step = createConversion(b, loc, scale.read(b, loc, at), scaleType,
                                    precision);
      Value quotient = m.div(value, step);
      // The sum with the zero point needs more bits than f16 has.
      FloatMath wide{b, loc, cast<FloatType>(accumulatorType(precision))};
      quotient = wide.fromFloat(quotient);
      auto offset = [&] {
        return createConversion(b, loc, zero.read(b, loc, at), to, wide.type);
      };
      if (auto integer = dyn_cast<IntegerType>(to)) {
        Value rounded = math::RoundEvenOp::create(b, loc, quotient);
        if (zero)
          rounded = wide.add(rounded, offset());
        return createSaturatingRound(b, loc, rounded, integer);
      }
      if (zero)
        quotient = wide.add(quotient, offset());
      return createConversion(b, loc, quotient, wide.type, to,
                              {op.getSaturate(), "nearest"});
    };
    b.replaceOp(op,
                createGenerated(b, loc, type, createDims(b, loc, x), element));
    return success();
  }
};

struct DequantizeLinearPattern : OpConversionPattern<DequantizeLinearOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(DequantizeLinearOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    Value x = adaptor.getOperand();
    auto type =
        cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    Type from = elementTypeOf(op.getOperand()), to = op.getTo();
    Type scaleType = elementTypeOf(op.getScale());
    auto wide = cast<FloatType>(accumulatorType(to));
    int64_t axis = op.getAxis(), block = op.getBlockSize();
    Parameter scale(b, loc, adaptor.getScale(), x, axis, block),
        zero(b, loc, adaptor.getZeroPoint(), x, axis, block);
    auto element = [&](OpBuilder &b, Location loc, ValueRange at) -> Value {
      FloatMath m{b, loc, wide};
      Value value = createConversion(
          b, loc, tensor::ExtractOp::create(b, loc, x, at), from, wide);
      if (zero)
        value = m.sub(
            value, createConversion(b, loc, zero.read(b, loc, at), from, wide));
      Value step =
          createConversion(b, loc, scale.read(b, loc, at), scaleType, wide);
      return createConversion(b, loc, m.mul(value, step), wide, to);
    };
    b.replaceOp(op,
                createGenerated(b, loc, type, createDims(b, loc, x), element));
    return success();
  }
};

struct DynamicQuantizeLinearPattern
    : OpConversionPattern<DynamicQuantizeLinearOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(DynamicQuantizeLinearOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    Value x = op.getOperand();
    auto type = cast<RankedTensorType>(x.getType());
    Type element = type.getElementType();
    Type ui8 = op.getResult().getType().getElementType();
    Value zero = createScalarConstant(b, loc, element, 0);
    SmallVector<int64_t> axes =
        llvm::to_vector(llvm::seq<int64_t>(0, type.getRank()));
    Value low = MinOp::create(
        b, loc, zero,
        ReduceOp::create(b, loc, x, ReduceKind::Min, axes, false));
    Value high = MaxOp::create(
        b, loc, zero,
        ReduceOp::create(b, loc, x, ReduceKind::Max, axes, false));
    Value scale = DivOp::create(b, loc, SubOp::create(b, loc, high, low),
                                createScalarConstant(b, loc, element, 255));
    // Nothing but zeros: any scale but 0 represents them.
    Value isZero = EqualOp::create(b, loc, scale, zero);
    scale = WhereOp::create(b, loc, isZero,
                            createScalarConstant(b, loc, element, 1), scale);
    auto quantize = [&](Value value, Value zeroPoint) -> Value {
      return QuantizeLinearOp::create(b, loc, value, scale, zeroPoint, ui8,
                                      element, /*axis=*/0, /*block_size=*/0,
                                      /*saturate=*/true);
    };
    Value zeroPoint = quantize(NegOp::create(b, loc, low), Value());
    b.replaceOp(op, ValueRange{quantize(x, zeroPoint), scale, zeroPoint});
    return success();
  }
};

struct MatMulIntegerPattern : OpConversionPattern<MatMulIntegerOp> {
  using OpConversionPattern::OpConversionPattern;

  /// The operand in i32, less its zero point. One per row needs a unit
  /// dimension behind it to broadcast.
  static Value centre(OpBuilder &b, Location loc, Value value, Value zero,
                      bool perRow) {
    Type i32 = b.getI32Type();
    value = CastOp::create(b, loc, value, i32);
    if (!zero)
      return value;
    zero = CastOp::create(b, loc, zero, i32);
    if (perRow && cast<ShapedType>(zero.getType()).getRank() == 1)
      zero = UnsqueezeOp::create(b, loc, zero, ArrayRef<int64_t>(1));
    return SubOp::create(b, loc, value, zero);
  }

  LogicalResult matchAndRewrite(MatMulIntegerOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    Value lhs = centre(b, loc, op.getLhs(), op.getLhsZeroPoint(), true);
    Value rhs = centre(b, loc, op.getRhs(), op.getRhsZeroPoint(), false);
    b.replaceOpWithNewOp<MatMulOp>(op, op.getType(), lhs, rhs);
    return success();
  }
};

/// Each element's bits out of the byte that holds them.
struct UnpackPattern : OpConversionPattern<UnpackOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult matchAndRewrite(UnpackOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    auto type =
        cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    int64_t width = op.getTo().getIntOrFloatBitWidth(), perByte = 8 / width;
    b.replaceOp(
        op, createGenerated(
                b, loc, type, {},
                [&](OpBuilder &b, Location loc, ValueRange at) -> Value {
                  IndexMath m{b, loc};
                  Value position = m.constant(0);
                  for (auto [index, size] : llvm::zip(at, type.getShape()))
                    position = m.add(m.mul(position, m.constant(size)), index);
                  Value byte = tensor::ExtractOp::create(
                      b, loc, adaptor.getOperand(),
                      m.div(position, m.constant(perByte)));
                  Value shift = m.mul(m.rem(position, m.constant(perByte)),
                                      m.constant(width));
                  Value bits = arith::ShRUIOp::create(
                      b, loc, byte,
                      arith::IndexCastOp::create(b, loc, b.getI8Type(), shift));
                  if (op.getTo().isInteger(1))
                    return arith::TruncIOp::create(b, loc, b.getI1Type(), bits);
                  int64_t mask = (1 << width) - 1;
                  return arith::AndIOp::create(
                      b, loc, bits,
                      createScalar(b, loc, b.getI8Type(), double(mask)));
                }));
    return success();
  }
};

} // namespace

void llmc::populateQuantToLinalg(const LowerTypeConverter &converter,
                                 RewritePatternSet &patterns) {
  patterns
      .add<QuantizeLinearPattern, DequantizeLinearPattern,
           DynamicQuantizeLinearPattern, MatMulIntegerPattern, UnpackPattern>(
          converter, patterns.getContext());
}
