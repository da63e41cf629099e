//===- SortToLinalg.cpp - searching and ordering --------------------------===//

#include "llmc/Lower/Patterns.h"

using namespace mlir;
using namespace llmc;

namespace {

/// Whether `x` comes before `y`, the largest or the smallest first. NaN counts
/// as larger than every number.
Value createBefore(OpBuilder &b, Location loc, Value x, Value y, bool isSigned,
                   bool largest) {
  using arith::CmpFPredicate;
  using arith::CmpIPredicate;
  if (!isa<FloatType>(x.getType())) {
    auto predicate = largest
                         ? (isSigned ? CmpIPredicate::sgt : CmpIPredicate::ugt)
                         : (isSigned ? CmpIPredicate::slt : CmpIPredicate::ult);
    return arith::CmpIOp::create(b, loc, predicate, x, y);
  }
  auto isNaN = [&](Value value) -> Value {
    return arith::CmpFOp::create(b, loc, CmpFPredicate::UNO, value, value);
  };
  Value beyond = arith::CmpFOp::create(
      b, loc, largest ? CmpFPredicate::UGT : CmpFPredicate::ULT, x, y);
  // UGT and ULT also hold where either is NaN: then the other must not be.
  Value other = isNaN(largest ? y : x);
  Value notOther = arith::XOrIOp::create(
      b, loc, other, createScalar(b, loc, b.getI1Type(), 1));
  return arith::AndIOp::create(b, loc, beyond, notOther);
}

/// Whether the elements are the same; NaN is the same as NaN.
Value createSame(OpBuilder &b, Location loc, Value x, Value y) {
  using arith::CmpFPredicate;
  if (!isa<FloatType>(x.getType()))
    return arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, x, y);
  Value equal = arith::CmpFOp::create(b, loc, CmpFPredicate::OEQ, x, y);
  Value bothNaN = arith::AndIOp::create(
      b, loc, arith::CmpFOp::create(b, loc, CmpFPredicate::UNO, x, x),
      arith::CmpFOp::create(b, loc, CmpFPredicate::UNO, y, y));
  return arith::OrIOp::create(b, loc, equal, bothNaN);
}

Value toI64(OpBuilder &b, Location loc, Value index) {
  return arith::IndexCastOp::create(b, loc, b.getI64Type(), index);
}

Value toIndex(OpBuilder &b, Location loc, Value value) {
  return arith::IndexCastOp::create(b, loc, b.getIndexType(), value);
}

template <typename Op> struct ArgPattern : OpConversionPattern<Op> {
  using OpConversionPattern<Op>::OpConversionPattern;
  LogicalResult
  matchAndRewrite(Op op, typename Op::Adaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    constexpr bool largest = std::is_same_v<Op, ArgMaxOp>;
    Location loc = op.getLoc();
    Value operand = adaptor.getOperand();
    auto type = cast<RankedTensorType>(operand.getType());
    bool isSigned = isSignedElement(elementTypeOf(op.getOperand()));
    bool last = op.getSelectLastIndex();
    int64_t axis = op.getAxis(), rank = type.getRank();
    SmallVector<OpFoldResult> dims = createDims(rewriter, loc, operand);
    dims[axis] = rewriter.getIndexAttr(1);
    SmallVector<int64_t> shape(type.getShape());
    shape[axis] = 1;
    Type element = type.getElementType();
    auto valueType = RankedTensorType::get(shape, element);
    auto indexType = RankedTensorType::get(shape, rewriter.getI64Type());
    Value values = createFilled(
        rewriter, loc, valueType, dims,
        createLimit(rewriter, loc, element, isSigned, /*lowest=*/largest));
    Value indices =
        createFilled(rewriter, loc, indexType, dims,
                     createScalar(rewriter, loc, rewriter.getI64Type(), 0));
    AffineMap identity = rewriter.getMultiDimIdentityMap(rank);
    SmallVector<AffineExpr> exprs(identity.getResults());
    exprs[axis] = rewriter.getAffineConstantExpr(0);
    AffineMap reduced = AffineMap::get(rank, 0, exprs, rewriter.getContext());
    SmallVector<utils::IteratorType> iterators(rank,
                                               utils::IteratorType::parallel);
    iterators[axis] = utils::IteratorType::reduction;
    auto generic = linalg::GenericOp::create(
        rewriter, loc, TypeRange{valueType, indexType}, operand,
        ValueRange{values, indices},
        ArrayRef<AffineMap>{identity, reduced, reduced}, iterators,
        [&](OpBuilder &b, Location loc, ValueRange args) {
          Value x = args[0], best = args[1];
          Value take = createBefore(b, loc, x, best, isSigned, largest);
          if (last)
            take =
                arith::OrIOp::create(b, loc, take, createSame(b, loc, x, best));
          Value at = toI64(b, loc, linalg::IndexOp::create(b, loc, axis));
          Value value = arith::SelectOp::create(b, loc, take, x, best);
          Value index = arith::SelectOp::create(b, loc, take, at, args[2]);
          linalg::YieldOp::create(b, loc, ValueRange{value, index});
        });
    Value result = generic.getResult(1);
    if (result.getType() != op.getType())
      result = tensor::CastOp::create(rewriter, loc, op.getType(), result);
    rewriter.replaceOp(op, result);
    return success();
  }
};

/// Keeps the best k elements so far in order. An element that beats the last
/// of them is inserted by moving the ones it beats. A place with index -1 is
/// free.
struct TopKPattern : OpConversionPattern<TopKOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(TopKOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value operand = adaptor.getOperand();
    int64_t axis = op.getAxis();
    bool isSigned = isSignedElement(elementTypeOf(op.getOperand()));
    auto valueType = cast<RankedTensorType>(
        getTypeConverter()->convertType(op.getValues().getType()));
    auto indexType = cast<RankedTensorType>(op.getIndices().getType());
    Type i64 = rewriter.getI64Type();
    Value zero = createIndex(rewriter, loc, 0),
          one = createIndex(rewriter, loc, 1);
    Value k =
        toIndex(rewriter, loc,
                tensor::ExtractOp::create(rewriter, loc, adaptor.getK(), zero));
    Value size = createDim(rewriter, loc, operand, axis);
    createRuntimeCheck(rewriter, loc,
                       arith::CmpIOp::create(
                           rewriter, loc, arith::CmpIPredicate::ule, k, size),
                       RuntimeError::ShapeMismatch);
    k = arith::MaxSIOp::create(rewriter, loc, k, zero);
    SmallVector<OpFoldResult> dims = createDims(rewriter, loc, operand);
    dims[axis] = k;
    Value values = createFilled(
        rewriter, loc, valueType, dims,
        createScalar(rewriter, loc, valueType.getElementType(), 0));
    Value indices = createFilled(rewriter, loc, indexType, dims,
                                 createScalar(rewriter, loc, i64, -1));
    SmallVector<Value> bounds;
    for (int64_t i = 0; i < valueType.getRank(); ++i)
      bounds.push_back(createDim(rewriter, loc, operand, i));
    Value isEmpty =
        arith::CmpIOp::create(rewriter, loc, arith::CmpIPredicate::eq, k, zero);
    bounds[axis] =
        arith::SelectOp::create(rewriter, loc, isEmpty, zero, bounds[axis]);
    Value lastPlace = arith::SubIOp::create(rewriter, loc, k, one);

    auto insert = [&](OpBuilder &b, Location loc, ValueRange at,
                      ValueRange carried) -> SmallVector<Value> {
      Value x = tensor::ExtractOp::create(b, loc, operand, at);
      Value number = toI64(b, loc, at[axis]);
      auto placeOf = [&](Value place) {
        SmallVector<Value> position(at);
        position[axis] = place;
        return position;
      };
      // What lies at a place, and whether x goes before it.
      struct Place {
        Value value, index, beaten;
      };
      auto look = [&](OpBuilder &b, ValueRange tensors, Value place) {
        SmallVector<Value> position = placeOf(place);
        Value value = tensor::ExtractOp::create(b, loc, tensors[0], position);
        Value index = tensor::ExtractOp::create(b, loc, tensors[1], position);
        Value isFree =
            arith::CmpIOp::create(b, loc, arith::CmpIPredicate::slt, index,
                                  createScalar(b, loc, i64, 0));
        Value before =
            createBefore(b, loc, x, value, isSigned, !op.getSmallest());
        return Place{value, index,
                     arith::OrIOp::create(b, loc, isFree, before)};
      };
      auto shift = [&](OpBuilder &b, Location loc, Value step,
                       ValueRange tensors) {
        Value place = arith::SubIOp::create(b, loc, lastPlace, step);
        Value previous = arith::MaxSIOp::create(
            b, loc, arith::SubIOp::create(b, loc, place, one), zero);
        Value hasPrevious = arith::CmpIOp::create(
            b, loc, arith::CmpIPredicate::sgt, place, zero);
        Place here = look(b, tensors, place),
              prior = look(b, tensors, previous);
        Value moves = arith::AndIOp::create(b, loc, hasPrevious, prior.beaten);
        auto choose = [&](Value moved, Value added, Value kept) -> Value {
          return arith::SelectOp::create(
              b, loc, moves, moved,
              arith::SelectOp::create(b, loc, here.beaten, added, kept));
        };
        SmallVector<Value> position = placeOf(place);
        Value newValues = tensor::InsertOp::create(
            b, loc, choose(prior.value, x, here.value), tensors[0], position);
        Value newIndices = tensor::InsertOp::create(
            b, loc, choose(prior.index, number, here.index), tensors[1],
            position);
        scf::YieldOp::create(b, loc, ValueRange{newValues, newIndices});
      };
      Value enters = look(b, carried, lastPlace).beaten;
      auto branch = scf::IfOp::create(
          b, loc, enters,
          [&](OpBuilder &b, Location loc) {
            auto loop =
                scf::ForOp::create(b, loc, zero, k, one, carried, shift);
            scf::YieldOp::create(b, loc, loop.getResults());
          },
          [&](OpBuilder &b, Location loc) {
            scf::YieldOp::create(b, loc, carried);
          });
      return SmallVector<Value>(branch.getResults());
    };
    rewriter.replaceOp(
        op, createLoops(rewriter, loc, bounds, {values, indices}, insert));
    return success();
  }
};

/// Compares each row with the ones before it, and finds the place of a new
/// kind by counting the kinds that come before it.
struct UniquePattern : OpConversionPattern<UniqueOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(UniqueOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value operand = adaptor.getOperand();
    bool isSigned = isSignedElement(elementTypeOf(op.getOperand()));
    Value zero = createIndex(rewriter, loc, 0),
          one = createIndex(rewriter, loc, 1);
    Value rows = createDim(rewriter, loc, operand, 0),
          columns = createDim(rewriter, loc, operand, 1);
    auto rowsType = cast<RankedTensorType>(op.getInverse().getType());
    auto kindsType = cast<RankedTensorType>(op.getFirsts().getType());
    Type i64 = rewriter.getI64Type();
    Value none = createScalar(rewriter, loc, i64, 0);

    /// Whether row x is before row y, and whether they are the same.
    auto compareRows = [&](OpBuilder &b, Location loc, Value x, Value y) {
      Value before = createScalar(b, loc, b.getI1Type(), 0),
            same = createScalar(b, loc, b.getI1Type(), 1);
      auto loop = scf::ForOp::create(
          b, loc, zero, columns, one, ValueRange{before, same},
          [&](OpBuilder &b, Location loc, Value column, ValueRange carried) {
            Value left = tensor::ExtractOp::create(b, loc, operand,
                                                   ValueRange{x, column}),
                  right = tensor::ExtractOp::create(b, loc, operand,
                                                    ValueRange{y, column});
            Value less = createBefore(b, loc, left, right, isSigned, false);
            Value decides = arith::AndIOp::create(b, loc, carried[1], less);
            Value before = arith::OrIOp::create(b, loc, carried[0], decides);
            Value same = arith::AndIOp::create(b, loc, carried[1],
                                               createSame(b, loc, left, right));
            scf::YieldOp::create(b, loc, ValueRange{before, same});
          });
      return std::pair<Value, Value>(loop.getResult(0), loop.getResult(1));
    };

    // For each row the first row of its kind, and how many kinds there are.
    SmallVector<OpFoldResult> rowDims{rows};
    Value firstOf = createEmpty(rewriter, loc, rowsType, rowDims);
    SmallVector<Value> found = createLoops(
        rewriter, loc, rows, {firstOf, zero},
        [&](OpBuilder &b, Location loc, ValueRange at,
            ValueRange carried) -> SmallVector<Value> {
          Value row = at[0];
          auto search = scf::ForOp::create(
              b, loc, zero, row, one, ValueRange{row},
              [&](OpBuilder &b, Location loc, Value other, ValueRange first) {
                Value same = compareRows(b, loc, other, row).second;
                Value earlier = arith::MinUIOp::create(b, loc, first[0], other);
                Value result =
                    arith::SelectOp::create(b, loc, same, earlier, first[0]);
                scf::YieldOp::create(b, loc, ValueRange{result});
              });
          Value first = search.getResult(0);
          Value isNew = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq,
                                              first, row);
          Value count = arith::AddIOp::create(
              b, loc, carried[1],
              arith::SelectOp::create(b, loc, isNew, one, zero));
          Value updated = tensor::InsertOp::create(b, loc, toI64(b, loc, first),
                                                   carried[0], row);
          return {updated, count};
        });
    firstOf = found[0];
    SmallVector<OpFoldResult> kindDims{found[1]};
    auto firstAt = [&](OpBuilder &b, Location loc, Value row) {
      return toIndex(b, loc, tensor::ExtractOp::create(b, loc, firstOf, row));
    };

    Value inverse = createEmpty(rewriter, loc, rowsType, rowDims);
    Value firsts = createFilled(rewriter, loc, kindsType, kindDims, none),
          counts = createFilled(rewriter, loc, kindsType, kindDims, none);
    SmallVector<Value> placed = createLoops(
        rewriter, loc, rows, {firsts, inverse, counts},
        [&](OpBuilder &b, Location loc, ValueRange at,
            ValueRange carried) -> SmallVector<Value> {
          Value row = at[0], first = firstAt(b, loc, row);
          Value isNew = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq,
                                              first, row);
          auto countKinds = [&](OpBuilder &b, Location loc) {
            auto loop = scf::ForOp::create(
                b, loc, zero, op.getSorted() ? rows : row, one,
                ValueRange{zero},
                [&](OpBuilder &b, Location loc, Value other, ValueRange sum) {
                  Value counted =
                      arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq,
                                            firstAt(b, loc, other), other);
                  if (op.getSorted())
                    counted = arith::AndIOp::create(
                        b, loc, counted, compareRows(b, loc, other, row).first);
                  Value next = arith::AddIOp::create(
                      b, loc, sum[0],
                      arith::SelectOp::create(b, loc, counted, one, zero));
                  scf::YieldOp::create(b, loc, ValueRange{next});
                });
            scf::YieldOp::create(b, loc, loop.getResults());
          };
          auto reuse = [&](OpBuilder &b, Location loc) {
            Value place = tensor::ExtractOp::create(b, loc, carried[1], first);
            scf::YieldOp::create(b, loc, ValueRange{toIndex(b, loc, place)});
          };
          Value place =
              scf::IfOp::create(b, loc, isNew, countKinds, reuse).getResult(0);
          Value kind = tensor::InsertOp::create(b, loc, toI64(b, loc, first),
                                                carried[0], place);
          Value newInverse = tensor::InsertOp::create(
              b, loc, toI64(b, loc, place), carried[1], row);
          Value count = arith::AddIOp::create(
              b, loc, tensor::ExtractOp::create(b, loc, carried[2], place),
              createScalar(b, loc, i64, 1));
          Value newCounts =
              tensor::InsertOp::create(b, loc, count, carried[2], place);
          return {kind, newInverse, newCounts};
        });
    rewriter.replaceOp(op, placed);
    return success();
  }
};

} // namespace

void llmc::populateSortToLinalg(const LowerTypeConverter &converter,
                                RewritePatternSet &patterns) {
  patterns.add<ArgPattern<ArgMaxOp>, ArgPattern<ArgMinOp>, TopKPattern,
               UniquePattern>(converter, patterns.getContext());
}
