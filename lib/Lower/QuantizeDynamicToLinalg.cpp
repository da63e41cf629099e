//===- QuantizeDynamicToLinalg.cpp - activations rounded in blocks --------===//

#include "FloatMath.h"
#include "IndexMath.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace llmc;

namespace {
struct QuantizeDynamicPattern : OpConversionPattern<QuantizeDynamicOp> {
  using OpConversionPattern::OpConversionPattern;

  LogicalResult matchAndRewrite(QuantizeDynamicOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    Value x = adaptor.getOperand();
    auto type = cast<RankedTensorType>(x.getType());
    int64_t block = op.getBlock(), last = type.getRank() - 1;
    FloatType f32 = b.getF32Type();
    auto read = [&](OpBuilder &b, Location loc, ValueRange at) {
      FloatMath m{b, loc, f32};
      return m.fromFloat(tensor::ExtractOp::create(b, loc, x, at));
    };

    IndexMath m{b, loc};
    Value size = createDim(b, loc, x, last);
    SmallVector<OpFoldResult> dims = createDims(b, loc, x), blocks = dims;
    blocks[last] = getAsOpFoldResult(
        m.div(m.add(size, m.constant(block - 1)), m.constant(block)));
    SmallVector<int64_t> shape(type.getShape());
    if (!type.isDynamicDim(last))
      shape[last] = llvm::divideCeil(shape[last], block);
    Value magnitudes = createGenerated(
        b, loc, RankedTensorType::get(shape, f32), blocks,
        [&](OpBuilder &b, Location loc, ValueRange at) -> Value {
          FloatMath f{b, loc, f32};
          IndexMath m{b, loc};
          SmallVector<Value> position(at);
          Value begin = m.mul(at[last], m.constant(block));
          Value count = arith::MinSIOp::create(b, loc, m.constant(block),
                                               m.sub(size, begin));
          return createLoops(
              b, loc, count, f.constant(0),
              [&](OpBuilder &b, Location loc, ValueRange at,
                  ValueRange sofar) -> SmallVector<Value> {
                position[last] =
                    arith::AddIOp::create(b, loc, begin, at.front());
                Value magnitude =
                    math::AbsFOp::create(b, loc, read(b, loc, position));
                // Not maxnum: what is not a number must stay so.
                return {arith::MaximumFOp::create(b, loc, magnitude,
                                                  sofar.front())};
              })[0];
        });

    b.replaceOp(
        op, createGenerated(
                b, loc, type, dims,
                [&](OpBuilder &b, Location loc, ValueRange at) -> Value {
                  FloatMath f{b, loc, f32};
                  IndexMath m{b, loc};
                  SmallVector<Value> position(at);
                  position[last] = m.div(at[last], m.constant(block));
                  Value magnitude =
                      tensor::ExtractOp::create(b, loc, magnitudes, position);
                  Value isTiny = f.less(magnitude, f.constant(0x1p-120));
                  Value inverse = f.select(isTiny, f.constant(0),
                                           f.div(f.constant(127), magnitude));
                  Value code = math::RoundEvenOp::create(
                      b, loc, f.mul(read(b, loc, at), inverse));
                  Value step = f.div(magnitude, f.constant(127));
                  FloatMath result{b, loc,
                                   cast<FloatType>(type.getElementType())};
                  return result.fromFloat(f.mul(code, step));
                }));
    return success();
  }
};
} // namespace

void llmc::populateQuantizeDynamicToLinalg(const LowerTypeConverter &converter,
                                           RewritePatternSet &patterns) {
  patterns.add<QuantizeDynamicPattern>(converter, patterns.getContext());
}
