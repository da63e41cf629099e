//===- ShapeToTensor.cpp - ops that move elements -------------------------===//

#include "llmc/Lower/Patterns.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace llmc;

namespace {

/// Element `i` of an i64 vector.
Value extractAt(OpBuilder &b, Location loc, Value vector, int64_t i) {
  Value index = createIndex(b, loc, i);
  return tensor::ExtractOp::create(b, loc, vector, index);
}

Value extractIndex(OpBuilder &b, Location loc, Value vector, int64_t i) {
  return arith::IndexCastOp::create(b, loc, b.getIndexType(),
                                    extractAt(b, loc, vector, i));
}

Value compare(OpBuilder &b, Location loc, arith::CmpIPredicate predicate,
              Value x, Value y) {
  return arith::CmpIOp::create(b, loc, predicate, x, y);
}

struct ShapePattern : OpConversionPattern<ShapeOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(ShapeOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto type = cast<RankedTensorType>(op.getType());
    SmallVector<Value> sizes;
    for (int64_t i = op.getStart(); i < int64_t(op.getEnd()); ++i)
      sizes.push_back(arith::IndexCastOp::create(
          rewriter, loc, rewriter.getI64Type(),
          createDim(rewriter, loc, adaptor.getOperand(), i)));
    if (sizes.empty())
      rewriter.replaceOpWithNewOp<tensor::EmptyOp>(op, type, ValueRange{});
    else
      rewriter.replaceOpWithNewOp<tensor::FromElementsOp>(op, type, sizes);
    return success();
  }
};

/// The dimensions that a reshape copies with 0s of its shape, if it regroups
/// static ones behind them and nothing else: heads are split and merged so.
std::optional<int64_t> getNumCopied(ReshapeOp op, RankedTensorType from,
                                    RankedTensorType to) {
  DenseIntElementsAttr shape;
  if (op.getAllowzero() || !matchPattern(op.getShape(), m_Constant(&shape)))
    return std::nullopt;
  int64_t copied = 0;
  for (const APInt &size : shape) {
    if (copied == from.getRank() || !size.isZero())
      break;
    ++copied;
  }
  ArrayRef<int64_t> before = from.getShape().drop_front(copied),
                    after = to.getShape().drop_front(copied);
  if (before.empty() || after.empty() || ShapedType::isDynamicShape(before) ||
      ShapedType::isDynamicShape(after) ||
      ShapedType::getNumElements(before) != ShapedType::getNumElements(after))
    return std::nullopt;
  return copied;
}

/// Each of the first `copied` dimensions, then all others.
SmallVector<ReassociationIndices> groupBehind(int64_t copied, int64_t rank) {
  SmallVector<ReassociationIndices> groups(copied + 1);
  for (int64_t i = 0; i < rank; ++i)
    groups[std::min(i, copied)].push_back(i);
  return groups;
}

struct ReshapePattern : OpConversionPattern<ReshapeOp> {
  using OpConversionPattern::OpConversionPattern;

  /// A view, with no check at run time.
  static Value regroup(OpBuilder &b, Location loc, Value value,
                       RankedTensorType type, int64_t copied) {
    auto from = cast<RankedTensorType>(value.getType());
    SmallVector<OpFoldResult> sizes = createDims(b, loc, value);
    if (from.getRank() > copied + 1)
      value = tensor::CollapseShapeOp::create(
          b, loc, value, groupBehind(copied, from.getRank()));
    SmallVector<int64_t> shape(from.getShape().take_front(copied));
    llvm::append_range(shape, type.getShape().drop_front(copied));
    sizes.resize(copied);
    for (int64_t size : type.getShape().drop_front(copied))
      sizes.push_back(b.getIndexAttr(size));
    if (type.getRank() > copied + 1)
      value = tensor::ExpandShapeOp::create(b, loc, type.clone(shape), value,
                                            groupBehind(copied, type.getRank()),
                                            sizes);
    return b.createOrFold<tensor::CastOp>(loc, type, value);
  }

  LogicalResult
  matchAndRewrite(ReshapeOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value operand = adaptor.getOperand();
    auto type =
        cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    auto from = cast<RankedTensorType>(operand.getType());
    if (std::optional<int64_t> copied = getNumCopied(op, from, type)) {
      rewriter.replaceOp(op, regroup(rewriter, loc, operand, type, *copied));
      return success();
    }
    Value one = createIndex(rewriter, loc, 1),
          zero = createIndex(rewriter, loc, 0),
          minusOne = createIndex(rewriter, loc, -1);
    // The sizes as the shape operand gives them, static ones from the type.
    SmallVector<Value> sizes;
    Value known = one;
    for (int64_t i = 0; i < type.getRank(); ++i) {
      if (!type.isDynamicDim(i)) {
        sizes.push_back(createIndex(rewriter, loc, type.getDimSize(i)));
      } else {
        Value size = extractIndex(rewriter, loc, adaptor.getShape(), i);
        if (!op.getAllowzero() && i < from.getRank())
          size = arith::SelectOp::create(
              rewriter, loc,
              compare(rewriter, loc, arith::CmpIPredicate::eq, size, zero),
              createDim(rewriter, loc, operand, i), size);
        sizes.push_back(size);
      }
      Value isInferred = compare(rewriter, loc, arith::CmpIPredicate::eq,
                                 sizes.back(), minusOne);
      known = arith::MulIOp::create(rewriter, loc, known,
                                    arith::SelectOp::create(rewriter, loc,
                                                            isInferred, one,
                                                            sizes.back()));
    }
    Value total = one;
    for (int64_t i = 0; i < from.getRank(); ++i)
      total = arith::MulIOp::create(rewriter, loc, total,
                                    createDim(rewriter, loc, operand, i));
    Value divisor = arith::SelectOp::create(
        rewriter, loc,
        compare(rewriter, loc, arith::CmpIPredicate::sle, known, zero), one,
        known);
    Value inferred = arith::DivUIOp::create(rewriter, loc, total, divisor);
    Value product = one;
    for (Value &size : sizes) {
      size = arith::SelectOp::create(
          rewriter, loc,
          compare(rewriter, loc, arith::CmpIPredicate::eq, size, minusOne),
          inferred, size);
      product = arith::MulIOp::create(rewriter, loc, product, size);
    }
    if (!type.hasStaticShape() || !from.hasStaticShape()) {
      // A wrong size becomes an empty tensor, never a read past the end.
      Value fits =
          compare(rewriter, loc, arith::CmpIPredicate::eq, product, total);
      createRuntimeCheck(rewriter, loc, fits, RuntimeError::ShapeMismatch);
      for (int64_t i = 0; i < type.getRank(); ++i)
        if (type.isDynamicDim(i))
          sizes[i] =
              arith::SelectOp::create(rewriter, loc, fits, sizes[i], zero);
    }
    if (type.getRank() == 0) {
      // tensor.reshape needs a shape vector even for no dimensions.
      Value element = tensor::ExtractOp::create(
          rewriter, loc, operand, SmallVector<Value>(from.getRank(), zero));
      rewriter.replaceOpWithNewOp<tensor::FromElementsOp>(op, type, element);
      return success();
    }
    Value shape = tensor::FromElementsOp::create(rewriter, loc, sizes);
    rewriter.replaceOpWithNewOp<tensor::ReshapeOp>(op, type, operand, shape);
    return success();
  }
};

struct TransposePattern : OpConversionPattern<TransposeOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(TransposeOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto type =
        cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    SmallVector<OpFoldResult> dims;
    for (int64_t source : op.getPerm())
      dims.push_back(createDim(rewriter, loc, adaptor.getOperand(), source));
    Value empty = createEmpty(rewriter, loc, type, dims);
    rewriter.replaceOp(op, linalg::TransposeOp::create(rewriter, loc,
                                                       adaptor.getOperand(),
                                                       empty, op.getPerm())
                               .getResult());
    return success();
  }
};

/// The groups of `rank` dimensions that collapse when the unit dimensions
/// `axes` disappear: each joins the kept dimension before it.
SmallVector<ReassociationIndices> groupAround(int64_t rank,
                                              ArrayRef<int64_t> axes) {
  SmallVector<ReassociationIndices> groups;
  ReassociationIndices leading;
  for (int64_t i = 0; i < rank; ++i) {
    if (llvm::is_contained(axes, i)) {
      (groups.empty() ? leading : groups.back()).push_back(i);
      continue;
    }
    groups.emplace_back();
    if (groups.size() == 1)
      groups.back() = leading;
    groups.back().push_back(i);
  }
  return groups;
}

struct UnsqueezePattern : OpConversionPattern<UnsqueezeOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(UnsqueezeOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto type =
        cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    SmallVector<OpFoldResult> sizes =
        createDims(rewriter, loc, adaptor.getOperand());
    for (int64_t axis : op.getAxes())
      sizes.insert(sizes.begin() + axis, rewriter.getIndexAttr(1));
    SmallVector<int64_t> shape;
    for (OpFoldResult size : sizes)
      shape.push_back(getConstantIntValue(size).value_or(ShapedType::kDynamic));
    auto exact = RankedTensorType::get(shape, type.getElementType());
    Value result = tensor::ExpandShapeOp::create(
        rewriter, loc, exact, adaptor.getOperand(),
        groupAround(type.getRank(), op.getAxes()), sizes);
    if (exact != type)
      result = tensor::CastOp::create(rewriter, loc, type, result);
    rewriter.replaceOp(op, result);
    return success();
  }
};

struct SqueezePattern : OpConversionPattern<SqueezeOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(SqueezeOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value operand = adaptor.getOperand();
    auto type =
        cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    auto from = cast<RankedTensorType>(operand.getType());
    SmallVector<int64_t> shape(from.getShape());
    for (int64_t axis : op.getAxes()) {
      if (!ShapedType::isDynamic(shape[axis]))
        continue;
      Value isUnit = compare(rewriter, loc, arith::CmpIPredicate::eq,
                             createDim(rewriter, loc, operand, axis),
                             createIndex(rewriter, loc, 1));
      createRuntimeCheck(rewriter, loc, isUnit, RuntimeError::ShapeMismatch);
      shape[axis] = 1;
    }
    auto exact = RankedTensorType::get(shape, from.getElementType());
    if (exact != from)
      operand = tensor::CastOp::create(rewriter, loc, exact, operand);
    Value result = tensor::CollapseShapeOp::create(
        rewriter, loc, operand, groupAround(from.getRank(), op.getAxes()));
    if (result.getType() != type)
      result = tensor::CastOp::create(rewriter, loc, type, result);
    rewriter.replaceOp(op, result);
    return success();
  }
};

/// Sizes that do not fit are reported, and zeros are expanded instead: the
/// result has the size that everything after it relies on in any case.
struct ExpandPattern : OpConversionPattern<ExpandOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(ExpandOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value operand = adaptor.getOperand();
    auto type =
        cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    auto from = cast<RankedTensorType>(operand.getType());
    int64_t rank = type.getRank(), added = rank - from.getRank();
    int64_t shapeRank =
        cast<ShapedType>(adaptor.getShape().getType()).getDimSize(0);
    ShapeContext shapes(rewriter.getContext());
    auto target = shapes.values(op.getShape());
    if (!target)
      return rewriter.notifyMatchFailure(op, "shape of dynamic length");
    Value one = createIndex(rewriter, loc, 1), fits;
    auto isOne = [&](Value value) {
      return compare(rewriter, loc, arith::CmpIPredicate::eq, value, one);
    };
    SmallVector<OpFoldResult> dims;
    for (int64_t i = 0; i < rank; ++i) {
      int64_t own = i - added, asked = i - (rank - shapeRank);
      int64_t ownSize = own >= 0 ? from.getDimSize(own) : 1;
      if (ownSize != 1 && !ShapedType::isDynamic(ownSize)) {
        dims.push_back(rewriter.getIndexAttr(ownSize));
        continue;
      }
      Value size = own >= 0 ? createDim(rewriter, loc, operand, own) : one;
      // A target of 1 keeps the operand's size.
      if (asked >= 0 && getConstant((*target)[asked]) != 1) {
        Value wanted =
            type.isDynamicDim(i)
                ? extractIndex(rewriter, loc, adaptor.getShape(), asked)
                : createIndex(rewriter, loc, type.getDimSize(i));
        if (ShapedType::isDynamic(ownSize)) {
          Value same =
              compare(rewriter, loc, arith::CmpIPredicate::eq, size, wanted);
          Value either =
              arith::OrIOp::create(rewriter, loc, isOne(size), isOne(wanted));
          Value valid = arith::OrIOp::create(rewriter, loc, same, either);
          fits =
              fits ? arith::AndIOp::create(rewriter, loc, fits, valid) : valid;
        }
        size =
            arith::SelectOp::create(rewriter, loc, isOne(wanted), size, wanted);
      }
      dims.push_back(size);
    }
    if (fits) {
      createRuntimeCheck(rewriter, loc, fits, RuntimeError::ShapeMismatch);
      operand = createFitting(rewriter, loc, operand, fits);
    }
    rewriter.replaceOp(
        op, createGenerated(
                rewriter, loc, type, dims,
                [&](OpBuilder &b, Location loc, ValueRange at) -> Value {
                  SmallVector<Value> position;
                  for (int64_t i = 0; i < from.getRank(); ++i) {
                    Value index = at[added + i];
                    if (from.getDimSize(i) == 1) {
                      index = createIndex(b, loc, 0);
                    } else if (from.isDynamicDim(i)) {
                      Value unit = compare(b, loc, arith::CmpIPredicate::eq,
                                           createDim(b, loc, operand, i),
                                           createIndex(b, loc, 1));
                      index = arith::SelectOp::create(
                          b, loc, unit, createIndex(b, loc, 0), index);
                    }
                    position.push_back(index);
                  }
                  return tensor::ExtractOp::create(b, loc, operand, position);
                }));
    return success();
  }

private:
  /// `operand`, or when it does not fit zeros that broadcast to any size.
  static Value createFitting(OpBuilder &b, Location loc, Value operand,
                             Value fits) {
    auto type = cast<RankedTensorType>(operand.getType());
    auto branch = scf::IfOp::create(
        b, loc, fits,
        [&](OpBuilder &b, Location loc) {
          scf::YieldOp::create(b, loc, operand);
        },
        [&](OpBuilder &b, Location loc) {
          SmallVector<OpFoldResult> units(type.getRank(), b.getIndexAttr(1));
          Value zero = createScalar(b, loc, type.getElementType(), 0);
          Value zeros = createFilled(b, loc, type, units, zero);
          scf::YieldOp::create(b, loc, zeros);
        });
    return branch.getResult(0);
  }
};

/// Each size is the first of the operands' that is not 1.
struct BroadcastShapePattern : OpConversionPattern<BroadcastShapeOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(BroadcastShapeOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto type = cast<RankedTensorType>(op.getType());
    if (!type.hasStaticShape())
      return rewriter.notifyMatchFailure(op, "shape of dynamic length");
    int64_t rank = type.getDimSize(0);
    Value one = createScalar(rewriter, loc, type.getElementType(), 1);
    SmallVector<Value> sizes(rank, one);
    for (Value shape : llvm::reverse(adaptor.getShapes())) {
      int64_t own = cast<ShapedType>(shape.getType()).getDimSize(0);
      for (int64_t i = 0; i < own; ++i) {
        Value size = extractAt(rewriter, loc, shape, i);
        Value &result = sizes[rank - own + i];
        result = arith::SelectOp::create(
            rewriter, loc,
            compare(rewriter, loc, arith::CmpIPredicate::eq, size, one), result,
            size);
      }
    }
    if (sizes.empty())
      rewriter.replaceOpWithNewOp<tensor::EmptyOp>(op, type, ValueRange{});
    else
      rewriter.replaceOpWithNewOp<tensor::FromElementsOp>(op, type, sizes);
    return success();
  }
};

struct ConcatPattern : OpConversionPattern<ConcatOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(ConcatOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    auto type =
        cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    int64_t axis = op.getAxis();
    SmallVector<OpFoldResult> dims =
        createDims(rewriter, loc, adaptor.getInputs()[0]);
    // What one input leaves open another may fix.
    for (Value input : adaptor.getInputs())
      for (auto [index, dim] :
           llvm::enumerate(createDims(rewriter, loc, input)))
        if (int64_t(index) != axis && getConstantIntValue(dim))
          dims[index] = dim;
    Value end = createIndex(rewriter, loc, 0);
    SmallVector<Value> begins;
    for (Value input : adaptor.getInputs()) {
      begins.push_back(end);
      end = arith::AddIOp::create(rewriter, loc, end,
                                  createDim(rewriter, loc, input, axis));
    }
    dims[axis] = end;
    Value result = createEmpty(rewriter, loc, type, dims);
    SmallVector<OpFoldResult> strides(dims.size(), rewriter.getIndexAttr(1));
    for (auto [input, begin] : llvm::zip(adaptor.getInputs(), begins)) {
      SmallVector<OpFoldResult> offsets(dims.size(), rewriter.getIndexAttr(0));
      offsets[axis] = begin;
      result = tensor::InsertSliceOp::create(
          rewriter, loc, input, result, offsets,
          createDims(rewriter, loc, input), strides);
    }
    rewriter.replaceOp(op, result);
    return success();
  }
};

struct SlicePattern : OpConversionPattern<SliceOp> {
  using OpConversionPattern::OpConversionPattern;
  LogicalResult
  matchAndRewrite(SliceOp op, OpAdaptor adaptor,
                  ConversionPatternRewriter &rewriter) const override {
    Location loc = op.getLoc();
    Value operand = adaptor.getOperand();
    auto type =
        cast<RankedTensorType>(getTypeConverter()->convertType(op.getType()));
    int64_t rank = type.getRank();
    SmallVector<OpFoldResult> sizes = createDims(rewriter, loc, operand);
    SmallVector<Value> starts(rank, createIndex(rewriter, loc, 0)),
        steps(rank, createIndex(rewriter, loc, 1));
    Value zero = createIndex(rewriter, loc, 0),
          one = createIndex(rewriter, loc, 1);
    auto clamp = [&](Value value, Value low, Value high) -> Value {
      return arith::MinSIOp::create(
          rewriter, loc, arith::MaxSIOp::create(rewriter, loc, value, low),
          high);
    };
    for (size_t index = 0; index < op.getAxes().size(); ++index) {
      int64_t axis = op.getAxes()[index];
      Value dim = createDim(rewriter, loc, operand, axis);
      Value step = extractIndex(rewriter, loc, adaptor.getSteps(), index);
      Value forward =
          compare(rewriter, loc, arith::CmpIPredicate::sgt, step, zero);
      auto resolve = [&](Value vector, int64_t below) -> Value {
        Value value = extractIndex(rewriter, loc, vector, index);
        Value negative =
            compare(rewriter, loc, arith::CmpIPredicate::slt, value, zero);
        value = arith::SelectOp::create(
            rewriter, loc, negative,
            arith::AddIOp::create(rewriter, loc, value, dim), value);
        Value last = arith::SubIOp::create(rewriter, loc, dim, one);
        return arith::SelectOp::create(
            rewriter, loc, forward, clamp(value, zero, dim),
            clamp(value, createIndex(rewriter, loc, below), last));
      };
      Value start = resolve(adaptor.getStarts(), 0),
            end = resolve(adaptor.getEnds(), -1);
      // ceil((end - start) / step), not below 0.
      Value distance = arith::SubIOp::create(rewriter, loc, end, start);
      Value magnitude = arith::SelectOp::create(
          rewriter, loc, forward, step,
          arith::SubIOp::create(rewriter, loc, zero, step));
      Value length = arith::SelectOp::create(
          rewriter, loc, forward, distance,
          arith::SubIOp::create(rewriter, loc, zero, distance));
      length = arith::MaxSIOp::create(rewriter, loc, length, zero);
      magnitude = arith::MaxSIOp::create(rewriter, loc, magnitude, one);
      Value count =
          arith::CeilDivUIOp::create(rewriter, loc, length, magnitude);
      starts[axis] = start;
      steps[axis] = step;
      sizes[axis] = count;
    }
    for (int64_t i = 0; i < rank; ++i)
      if (!type.isDynamicDim(i))
        sizes[i] = rewriter.getIndexAttr(type.getDimSize(i));
    rewriter.replaceOp(
        op, createSlice(rewriter, op, operand, type, starts, sizes, steps));
    return success();
  }

  /// tensor.extract_slice where the steps are known to go forward.
  static Value createSlice(OpBuilder &b, SliceOp op, Value operand,
                           RankedTensorType type, ArrayRef<Value> starts,
                           ArrayRef<OpFoldResult> sizes,
                           ArrayRef<Value> steps) {
    Location loc = op.getLoc();
    ShapeContext shapes(b.getContext());
    auto constants = shapes.constants(op.getSteps());
    if (constants &&
        llvm::all_of(*constants, [](int64_t s) { return s > 0; })) {
      SmallVector<OpFoldResult> strides(type.getRank(), b.getIndexAttr(1));
      for (auto [axis, step] : llvm::zip(op.getAxes(), *constants))
        strides[axis] = b.getIndexAttr(step);
      return tensor::ExtractSliceOp::create(
          b, loc, type, operand, getAsOpFoldResult(starts), sizes, strides);
    }
    return createGenerated(
        b, loc, type, sizes,
        [&](OpBuilder &b, Location loc, ValueRange at) -> Value {
          SmallVector<Value> position;
          for (auto [index, start, step] : llvm::zip(at, starts, steps)) {
            Value offset = arith::MulIOp::create(b, loc, index, step);
            position.push_back(arith::AddIOp::create(b, loc, start, offset));
          }
          return tensor::ExtractOp::create(b, loc, operand, position);
        });
  }
};

} // namespace

void llmc::populateShapeToTensor(const LowerTypeConverter &converter,
                                 RewritePatternSet &patterns) {
  patterns.add<ShapePattern, ReshapePattern, TransposePattern, UnsqueezePattern,
               SqueezePattern, ExpandPattern, BroadcastShapePattern,
               ConcatPattern, SlicePattern>(converter, patterns.getContext());
}
