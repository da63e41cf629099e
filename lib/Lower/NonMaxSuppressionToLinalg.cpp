//===- NonMaxSuppressionToLinalg.cpp - selection of boxes -----------------===//
//
// Per batch and class: takes the best box that is left, as often as asked for,
// and drops it and those that overlap it too much. Which boxes are left and
// what has been selected are loop-carried tensors.
//
//===----------------------------------------------------------------------===//

#include "Fitted.h"
#include "FloatMath.h"
#include "IndexMath.h"

using namespace mlir;
using namespace llmc;

namespace {

/// The edges and the area of one box.
struct Box {
  Value low[2], high[2], area;
};

struct NonMaxSuppressionPattern : OpConversionPattern<NonMaxSuppressionOp> {
  using OpConversionPattern::OpConversionPattern;

  /// The first element of a scalar or a vector of one.
  static Value readScalar(OpBuilder &b, Location loc, Value tensor) {
    int64_t rank = cast<ShapedType>(tensor.getType()).getRank();
    SmallVector<OpFoldResult> ones(rank, b.getIndexAttr(1));
    tensor = createFitted(b, loc, tensor, ones);
    return tensor::ExtractOp::create(
        b, loc, tensor, SmallVector<Value>(rank, createIndex(b, loc, 0)));
  }

  static Box readBox(const FloatMath &m, Value boxes, Value batch, Value index,
                     bool centred) {
    auto read = [&](int64_t column) {
      return m.fromFloat(tensor::ExtractOp::create(
          m.b, m.loc, boxes,
          ValueRange{batch, index, createIndex(m.b, m.loc, column)}));
    };
    Box box;
    Value half = m.constant(0.5);
    for (int64_t i = 0; i < 2; ++i) {
      Value first = read(i), second = read(i + 2);
      if (centred) {
        // A centre and an extent.
        Value reach = m.mul(second, half);
        box.low[i] = m.sub(first, reach);
        box.high[i] = m.add(first, reach);
      } else {
        box.low[i] = m.min(first, second);
        box.high[i] = m.max(first, second);
      }
    }
    box.area =
        m.mul(m.sub(box.high[0], box.low[0]), m.sub(box.high[1], box.low[1]));
    return box;
  }

  /// Whether intersection over union is more than `threshold`; false where an
  /// area is empty.
  static Value overlaps(const FloatMath &m, const Box &x, const Box &y,
                        Value threshold) {
    Value zero = m.constant(0), sides[2];
    for (int64_t i = 0; i < 2; ++i)
      sides[i] = m.max(
          m.sub(m.min(x.high[i], y.high[i]), m.max(x.low[i], y.low[i])), zero);
    Value intersection = m.mul(sides[0], sides[1]);
    Value all = m.sub(m.add(x.area, y.area), intersection);
    Value result = m.less(threshold, m.div(intersection, all));
    for (Value area : {intersection, x.area, y.area, all})
      result = arith::AndIOp::create(m.b, m.loc, result, m.less(zero, area));
    return result;
  }

  LogicalResult matchAndRewrite(NonMaxSuppressionOp op, OpAdaptor adaptor,
                                ConversionPatternRewriter &b) const override;
};

LogicalResult
NonMaxSuppressionPattern::matchAndRewrite(NonMaxSuppressionOp op,
                                          OpAdaptor adaptor,
                                          ConversionPatternRewriter &b) const {
  Location loc = op.getLoc();
  Type i64 = b.getI64Type(), i1 = b.getI1Type();
  auto wide = cast<FloatType>(accumulatorType(elementTypeOf(op.getBoxes())));
  bool centred = op.getCenterPointBox();
  IndexMath m{b, loc};
  Value scores = adaptor.getScores();
  SmallVector<OpFoldResult> scoreDims = createDims(b, loc, scores);
  Value boxes = createFitted(b, loc, adaptor.getBoxes(),
                             {scoreDims[0], scoreDims[2], b.getIndexAttr(4)});
  Value batches = createDim(b, loc, scores, 0),
        classes = createDim(b, loc, scores, 1),
        count = createDim(b, loc, scores, 2), zero = m.constant(0),
        one = m.constant(1);
  Value wanted = arith::IndexCastOp::create(
      b, loc, b.getIndexType(),
      readScalar(b, loc, adaptor.getMaxOutputBoxesPerClass()));
  wanted = m.min(m.max(wanted, zero), count);
  FloatMath f{b, loc, wide};
  Value iouThreshold =
      f.fromFloat(readScalar(b, loc, adaptor.getIouThreshold()));
  Value scoreThreshold;
  if (adaptor.getScoreThreshold())
    scoreThreshold =
        f.fromFloat(readScalar(b, loc, adaptor.getScoreThreshold()));

  int64_t any = ShapedType::kDynamic;
  Value room = m.mul(m.mul(batches, classes), wanted);
  Value selected = createEmpty(b, loc, RankedTensorType::get({any, 3}, i64),
                               {room, b.getIndexAttr(3)});
  auto leftType = RankedTensorType::get({any}, i1);

  // Finds the best box that is left, -1 when there is none.
  auto findBest = [&](OpBuilder &b, Location loc, Value batch, Value kind,
                      Value left) {
    Value none = createIndex(b, loc, -1);
    auto loop = scf::ForOp::create(
        b, loc, zero, count, one,
        ValueRange{none, createLimit(b, loc, wide, true, /*lowest=*/true)},
        [&](OpBuilder &b, Location loc, Value i, ValueRange best) {
          FloatMath f{b, loc, wide};
          Value score = f.fromFloat(tensor::ExtractOp::create(
              b, loc, scores, ValueRange{batch, kind, i}));
          Value isLeft = tensor::ExtractOp::create(b, loc, left, i);
          Value first = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt,
                                              best[0], createIndex(b, loc, 0));
          Value better =
              arith::OrIOp::create(b, loc, first, f.less(best[1], score));
          better = arith::AndIOp::create(b, loc, better, isLeft);
          scf::YieldOp::create(
              b, loc,
              ValueRange{
                  arith::SelectOp::create(b, loc, better, i, best[0]),
                  arith::SelectOp::create(b, loc, better, score, best[1])});
        });
    return loop.getResult(0);
  };

  // Appends a box to the selected ones and drops it and what it suppresses.
  auto select = [&](OpBuilder &b, Location loc, Value batch, Value kind,
                    Value best, Value selected, Value end,
                    Value left) -> SmallVector<Value> {
    IndexMath m{b, loc};
    SmallVector<Value> row{batch, kind, best};
    for (auto [column, value] : llvm::enumerate(row))
      selected = tensor::InsertOp::create(
          b, loc, arith::IndexCastOp::create(b, loc, i64, value), selected,
          ValueRange{end, createIndex(b, loc, column)});
    FloatMath f{b, loc, wide};
    Box chosen = readBox(f, boxes, batch, best, centred);
    Value still = createElementwise(
        b, loc, leftType, left,
        [&](OpBuilder &b, Location loc, ValueRange args) -> Value {
          FloatMath f{b, loc, wide};
          Value i = linalg::IndexOp::create(b, loc, 0);
          Box other = readBox(f, boxes, batch, i, centred);
          Value drop = overlaps(f, chosen, other, iouThreshold);
          Value itself =
              arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, i, best);
          drop = arith::OrIOp::create(b, loc, drop, itself);
          Value keep =
              arith::XOrIOp::create(b, loc, drop, createScalar(b, loc, i1, 1));
          return arith::AndIOp::create(b, loc, args[0], keep);
        });
    return {selected, m.add(end, one), still};
  };

  scf::LoopNest nest = scf::buildLoopNest(
      b, loc, {zero, zero}, {batches, classes}, {one, one},
      ValueRange{selected, zero},
      [&](OpBuilder &b, Location loc, ValueRange at,
          ValueRange carried) -> scf::ValueVector {
        Value left = createGenerated(
            b, loc, leftType, OpFoldResult(count),
            [&](OpBuilder &b, Location loc, ValueRange i) -> Value {
              if (!scoreThreshold)
                return createScalar(b, loc, i1, 1);
              FloatMath f{b, loc, wide};
              Value score = f.fromFloat(tensor::ExtractOp::create(
                  b, loc, scores, ValueRange{at[0], at[1], i[0]}));
              return f.less(scoreThreshold, score);
            });
        auto loop = scf::ForOp::create(
            b, loc, zero, wanted, one, ValueRange{carried[0], carried[1], left},
            [&](OpBuilder &b, Location loc, Value, ValueRange state) {
              Value best = findBest(b, loc, at[0], at[1], state[2]);
              Value found =
                  arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sge, best,
                                        createIndex(b, loc, 0));
              auto test = scf::IfOp::create(
                  b, loc, found,
                  [&](OpBuilder &b, Location loc) {
                    scf::YieldOp::create(b, loc,
                                         select(b, loc, at[0], at[1], best,
                                                state[0], state[1], state[2]));
                  },
                  [&](OpBuilder &b, Location loc) {
                    scf::YieldOp::create(b, loc, state);
                  });
              scf::YieldOp::create(b, loc, test.getResults());
            });
        return {loop.getResult(0), loop.getResult(1)};
      });
  OpFoldResult unit = b.getIndexAttr(1), start = b.getIndexAttr(0);
  Value result = tensor::ExtractSliceOp::create(
      b, loc, nest.results[0], SmallVector<OpFoldResult>{start, start},
      SmallVector<OpFoldResult>{nest.results[1], b.getIndexAttr(3)},
      SmallVector<OpFoldResult>{unit, unit});
  if (result.getType() != op.getType())
    result = tensor::CastOp::create(b, loc, op.getType(), result);
  b.replaceOp(op, result);
  return success();
}

} // namespace

void llmc::populateNonMaxSuppressionToLinalg(
    const LowerTypeConverter &converter, RewritePatternSet &patterns) {
  patterns.add<NonMaxSuppressionPattern>(converter, patterns.getContext());
}
