//===- DetToLinalg.cpp - determinants -------------------------------------===//

#include "Fitted.h"
#include "FloatMath.h"
#include "IndexMath.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace llmc;

namespace {

/// Gaussian elimination with partial pivoting on a loop-carried matrix: the
/// determinant is the product of the pivots, negated per exchange of rows.
struct DetPattern : OpConversionPattern<DetOp> {
  using OpConversionPattern::OpConversionPattern;

  static Value read(OpBuilder &b, Location loc, Value matrix, Value row,
                    Value column) {
    return tensor::ExtractOp::create(b, loc, matrix, ValueRange{row, column});
  }

  /// The row at or below `k` with the largest element in column k.
  static Value findPivot(OpBuilder &b, Location loc, Value matrix, Value k,
                         Value size) {
    FloatType type = cast<FloatType>(elementTypeOf(matrix));
    auto loop = scf::ForOp::create(
        b, loc, k, size, createIndex(b, loc, 1),
        ValueRange{k, createScalar(b, loc, type, -1)},
        [&](OpBuilder &b, Location loc, Value row, ValueRange best) {
          FloatMath m{b, loc, type};
          Value size = m.abs(read(b, loc, matrix, row, k));
          Value larger = m.less(best[1], size);
          scf::YieldOp::create(b, loc,
                               ValueRange{m.select(larger, row, best[0]),
                                          m.select(larger, size, best[1])});
        });
    return loop.getResult(0);
  }

  /// Exchanges two rows.
  static Value exchange(OpBuilder &b, Location loc, Value matrix, Value first,
                        Value second, Value size) {
    auto loop = scf::ForOp::create(
        b, loc, createIndex(b, loc, 0), size, createIndex(b, loc, 1), matrix,
        [&](OpBuilder &b, Location loc, Value column, ValueRange carried) {
          Value x = read(b, loc, carried[0], first, column),
                y = read(b, loc, carried[0], second, column);
          Value result = tensor::InsertOp::create(b, loc, y, carried[0],
                                                  ValueRange{first, column});
          result = tensor::InsertOp::create(b, loc, x, result,
                                            ValueRange{second, column});
          scf::YieldOp::create(b, loc, result);
        });
    return loop.getResult(0);
  }

  /// Subtracts multiples of row k from those below it.
  static Value eliminate(OpBuilder &b, Location loc, Value matrix, Value k,
                         Value size) {
    FloatType type = cast<FloatType>(elementTypeOf(matrix));
    Value one = createIndex(b, loc, 1);
    Value next = arith::AddIOp::create(b, loc, k, one);
    scf::LoopNest nest = scf::buildLoopNest(
        b, loc, {next, next}, {size, size}, {one, one}, matrix,
        [&](OpBuilder &b, Location loc, ValueRange at,
            ValueRange carried) -> scf::ValueVector {
          FloatMath m{b, loc, type};
          Value all = carried[0];
          Value factor =
              m.div(read(b, loc, all, at[0], k), read(b, loc, all, k, k));
          Value value = m.sub(read(b, loc, all, at[0], at[1]),
                              m.mul(factor, read(b, loc, all, k, at[1])));
          return {tensor::InsertOp::create(b, loc, value, all, at)};
        });
    return nest.results[0];
  }

  static Value createDeterminant(OpBuilder &b, Location loc, Value matrix,
                                 Value size) {
    FloatType type = cast<FloatType>(elementTypeOf(matrix));
    auto loop = scf::ForOp::create(
        b, loc, createIndex(b, loc, 0), size, createIndex(b, loc, 1),
        ValueRange{matrix, createScalar(b, loc, type, 1)},
        [&](OpBuilder &b, Location loc, Value k, ValueRange carried) {
          FloatMath m{b, loc, type};
          Value pivot = findPivot(b, loc, carried[0], k, size);
          Value rows = exchange(b, loc, carried[0], k, pivot, size);
          Value moved =
              arith::CmpIOp::create(b, loc, arith::CmpIPredicate::ne, pivot, k);
          Value diagonal = read(b, loc, rows, k, k);
          Value product = m.mul(carried[1], diagonal);
          product = m.select(moved, m.sub(m.constant(0), product), product);
          // A zero pivot makes the product 0, but must not divide.
          Value isZero =
              m.compare(FloatMath::Compare::OEQ, diagonal, m.constant(0));
          auto test = scf::IfOp::create(
              b, loc, isZero,
              [&](OpBuilder &b, Location loc) {
                scf::YieldOp::create(b, loc, rows);
              },
              [&](OpBuilder &b, Location loc) {
                scf::YieldOp::create(b, loc, eliminate(b, loc, rows, k, size));
              });
          scf::YieldOp::create(b, loc, ValueRange{test.getResult(0), product});
        });
    return loop.getResult(1);
  }

  LogicalResult matchAndRewrite(DetOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override {
    Location loc = op.getLoc();
    auto type = op.getType();
    int64_t batch = type.getRank();
    auto wide = cast<FloatType>(accumulatorType(type.getElementType()));
    SmallVector<OpFoldResult> dims = createDims(b, loc, adaptor.getOperand());
    OpFoldResult edge = dims[batch];
    if (getConstantIntValue(dims[batch + 1]))
      edge = dims[batch + 1];
    dims[batch] = dims[batch + 1] = edge;
    Value x = createFitted(b, loc, adaptor.getOperand(), dims);
    Value size = getValueOrCreateConstantIndexOp(b, loc, edge);
    int64_t staticSize =
        getConstantIntValue(edge).value_or(ShapedType::kDynamic);
    auto matrixType = RankedTensorType::get({staticSize, staticSize}, wide);
    dims.truncate(batch);
    Value result = createEmpty(b, loc, type, dims);
    SmallVector<Value> low, high, step;
    for (OpFoldResult dim : dims) {
      low.push_back(createIndex(b, loc, 0));
      high.push_back(getValueOrCreateConstantIndexOp(b, loc, dim));
      step.push_back(createIndex(b, loc, 1));
    }
    auto body = [&](OpBuilder &b, Location loc, ValueRange at,
                    ValueRange carried) -> scf::ValueVector {
      SmallVector<Value> prefix(at);
      Value matrix = createGenerated(
          b, loc, matrixType, {edge, edge},
          [&](OpBuilder &b, Location loc, ValueRange cell) -> Value {
            SmallVector<Value> indices = prefix;
            llvm::append_range(indices, cell);
            return FloatMath{b, loc, wide}.fromFloat(
                tensor::ExtractOp::create(b, loc, x, indices));
          });
      Value value =
          FloatMath{b, loc, cast<FloatType>(type.getElementType())}.fromFloat(
              createDeterminant(b, loc, matrix, size));
      return {tensor::InsertOp::create(b, loc, value, carried[0], at)};
    };
    if (batch == 0)
      result = body(b, loc, {}, result)[0];
    else
      result =
          scf::buildLoopNest(b, loc, low, high, step, result, body).results[0];
    b.replaceOp(op, result);
    return success();
  }
};

} // namespace

void llmc::populateDetToLinalg(const LowerTypeConverter &converter,
                               RewritePatternSet &patterns) {
  patterns.add<DetPattern>(converter, patterns.getContext());
}
