//===- MathOps.cpp - elementwise ops, reductions and products -------------===//

#include "llmc/IR/Dialect.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace llmc;

#define GET_OP_CLASSES
#include "llmc/IR/MathOps.cpp.inc"

void LLMCDialect::registerMathOps() {
  addOperations<
#define GET_OP_LIST
#include "llmc/IR/MathOps.cpp.inc"
      >();
}

//===----------------------------------------------------------------------===//
// Elementwise
//===----------------------------------------------------------------------===//

#define INFER_SAME_SHAPE(OP)                                                   \
  LogicalResult OP::inferShapes(ShapeContext &shapes, Adaptor adaptor,         \
                                SmallVectorImpl<ShapeInfo> &results) {         \
    return inferSameShape(shapes, adaptor.getOperand(),                        \
                          shapes.elementType(adaptor.getOperand()), results);  \
  }
INFER_SAME_SHAPE(AbsOp)
INFER_SAME_SHAPE(SignOp)
INFER_SAME_SHAPE(FloorOp)
INFER_SAME_SHAPE(CeilOp)
INFER_SAME_SHAPE(RoundOp)
INFER_SAME_SHAPE(SqrtOp)
INFER_SAME_SHAPE(ReciprocalOp)
INFER_SAME_SHAPE(ExpOp)
INFER_SAME_SHAPE(LogOp)
INFER_SAME_SHAPE(SinOp)
INFER_SAME_SHAPE(CosOp)
INFER_SAME_SHAPE(TanOp)
INFER_SAME_SHAPE(AsinOp)
INFER_SAME_SHAPE(AcosOp)
INFER_SAME_SHAPE(AtanOp)
INFER_SAME_SHAPE(SinhOp)
INFER_SAME_SHAPE(CoshOp)
INFER_SAME_SHAPE(TanhOp)
INFER_SAME_SHAPE(AsinhOp)
INFER_SAME_SHAPE(AcoshOp)
INFER_SAME_SHAPE(AtanhOp)
INFER_SAME_SHAPE(ErfOp)
INFER_SAME_SHAPE(SigmoidOp)
INFER_SAME_SHAPE(ReluOp)
INFER_SAME_SHAPE(NotOp)
INFER_SAME_SHAPE(BitwiseNotOp)
#undef INFER_SAME_SHAPE

static LogicalResult expectSameOperands(ShapeContext &shapes, Value lhs,
                                        Value rhs) {
  return expectSameElementType(shapes, "lhs", lhs, "rhs", rhs);
}

#define INFER_BROADCAST(OP)                                                    \
  LogicalResult OP::inferShapes(ShapeContext &shapes, Adaptor adaptor,         \
                                SmallVectorImpl<ShapeInfo> &results) {         \
    if (failed(                                                                \
            expectSameOperands(shapes, adaptor.getLhs(), adaptor.getRhs())))   \
      return failure();                                                        \
    return inferBroadcast(shapes, adaptor.getOperands(),                       \
                          shapes.elementType(adaptor.getLhs()), results);      \
  }
INFER_BROADCAST(XorOp)
INFER_BROADCAST(BitwiseAndOp)
INFER_BROADCAST(BitwiseOrOp)
INFER_BROADCAST(BitwiseXorOp)
INFER_BROADCAST(BitShiftOp)
#undef INFER_BROADCAST

/// The exponent's element type may differ from the base's.
LogicalResult PowOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                 SmallVectorImpl<ShapeInfo> &results) {
  return inferBroadcast(shapes, adaptor.getOperands(),
                        shapes.elementType(adaptor.getLhs()), results);
}

static Type getBoolType(ShapeContext &shapes) {
  return IntegerType::get(shapes.getContext(), 1);
}

#define INFER_PREDICATE(OP)                                                    \
  LogicalResult OP::inferShapes(ShapeContext &shapes, Adaptor adaptor,         \
                                SmallVectorImpl<ShapeInfo> &results) {         \
    return inferSameShape(shapes, adaptor.getOperand(), getBoolType(shapes),   \
                          results);                                            \
  }
INFER_PREDICATE(IsNaNOp)
INFER_PREDICATE(IsInfOp)
#undef INFER_PREDICATE

bool llmc::isElementwise(Operation *op) {
  return op->hasTrait<Broadcasts>() ||
         isa<AbsOp, NegOp, SignOp, FloorOp, CeilOp, RoundOp, SqrtOp,
             ReciprocalOp, ExpOp, LogOp, SinOp, CosOp, TanhOp, ErfOp, SigmoidOp,
             ReluOp, NotOp, CastOp, GeluOp, SiluOp>(op);
}

/// Broadcasts operands, the last two (if there are two) of one element type,
/// and computes the elements of small integer tensors with `combine`, which
/// returns null for what it cannot express.
static LogicalResult
inferElements(ShapeContext &shapes, ValueRange operands, Type elementType,
              function_ref<AffineExpr(ArrayRef<AffineExpr>)> combine,
              SmallVectorImpl<ShapeInfo> &results) {
  if (operands.size() > 1 &&
      failed(expectSameOperands(shapes, operands[operands.size() - 2],
                                operands.back())))
    return failure();
  if (failed(inferBroadcast(shapes, operands, elementType, results)))
    return failure();
  ShapeInfo &info = results.back();
  if (info.dims.size() > 1 || !isTrackedElementType(elementType))
    return success();
  SmallVector<SmallVector<AffineExpr>> elements;
  size_t length = 1;
  for (Value operand : operands) {
    std::optional<SmallVector<AffineExpr>> values = shapes.values(operand);
    if (!values || values->empty())
      return success();
    if (values->size() != 1)
      length = values->size();
    elements.push_back(std::move(*values));
  }
  info.values.emplace();
  for (size_t i = 0; i < length; ++i) {
    SmallVector<AffineExpr> at;
    for (ArrayRef<AffineExpr> values : elements)
      at.push_back(values[values.size() == 1 ? 0 : i]);
    AffineExpr value = combine(at);
    info.values->push_back(value ? value : shapes.freshElement());
  }
  return success();
}

LogicalResult NegOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                 SmallVectorImpl<ShapeInfo> &results) {
  return inferElements(
      shapes, adaptor.getOperand(), shapes.elementType(adaptor.getOperand()),
      [](ArrayRef<AffineExpr> at) { return -at[0]; }, results);
}

static LogicalResult
inferArithmetic(ShapeContext &shapes, Value lhs, Value rhs,
                function_ref<AffineExpr(AffineExpr, AffineExpr)> combine,
                SmallVectorImpl<ShapeInfo> &results) {
  return inferElements(
      shapes, {lhs, rhs}, shapes.elementType(lhs),
      [&](ArrayRef<AffineExpr> at) { return combine(at[0], at[1]); }, results);
}

/// `compare` looks at `lhs - rhs` and says nothing when it cannot tell.
static LogicalResult
inferComparison(ShapeContext &shapes, ValueRange operands,
                function_ref<std::optional<bool>(AffineExpr)> compare,
                SmallVectorImpl<ShapeInfo> &results) {
  return inferElements(
      shapes, operands, getBoolType(shapes),
      [&](ArrayRef<AffineExpr> at) -> AffineExpr {
        std::optional<bool> result = compare(shapes.simplify(at[0] - at[1]));
        return result ? shapes.constant(*result) : AffineExpr();
      },
      results);
}

LogicalResult EqualOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                   SmallVectorImpl<ShapeInfo> &results) {
  return inferElements(
      shapes, {adaptor.getLhs(), adaptor.getRhs()}, getBoolType(shapes),
      [&](ArrayRef<AffineExpr> at) -> AffineExpr {
        std::optional<bool> equal = shapes.areEqual(at[0], at[1]);
        return equal ? shapes.constant(*equal) : AffineExpr();
      },
      results);
}

#define INFER_COMPARISON(OP, COMPARE)                                          \
  LogicalResult OP::inferShapes(ShapeContext &shapes, Adaptor adaptor,         \
                                SmallVectorImpl<ShapeInfo> &results) {         \
    return inferComparison(                                                    \
        shapes, {adaptor.getLhs(), adaptor.getRhs()},                          \
        [](AffineExpr difference) -> std::optional<bool> {                     \
          std::optional<int64_t> value = getConstant(difference);              \
          return value ? std::optional<bool>(*value COMPARE 0) : std::nullopt; \
        },                                                                     \
        results);                                                              \
  }
INFER_COMPARISON(LessOp, <)
INFER_COMPARISON(LessOrEqualOp, <=)
INFER_COMPARISON(GreaterOp, >)
INFER_COMPARISON(GreaterOrEqualOp, >=)
#undef INFER_COMPARISON

/// The operand that is chosen when their difference is a constant.
#define INFER_CHOICE(OP, COMPARE)                                              \
  LogicalResult OP::inferShapes(ShapeContext &shapes, Adaptor adaptor,         \
                                SmallVectorImpl<ShapeInfo> &results) {         \
    return inferArithmetic(                                                    \
        shapes, adaptor.getLhs(), adaptor.getRhs(),                            \
        [&](AffineExpr a, AffineExpr b) -> AffineExpr {                        \
          std::optional<int64_t> value = getConstant(shapes.simplify(a - b));  \
          return value ? (*value COMPARE 0 ? a : b) : AffineExpr();            \
        },                                                                     \
        results);                                                              \
  }
INFER_CHOICE(MaxOp, >=)
INFER_CHOICE(MinOp, <=)
#undef INFER_CHOICE

/// `deciding` is the operand value that decides the result alone.
static LogicalResult inferLogic(ShapeContext &shapes, ValueRange operands,
                                bool deciding,
                                SmallVectorImpl<ShapeInfo> &results) {
  return inferElements(
      shapes, operands, getBoolType(shapes),
      [&](ArrayRef<AffineExpr> at) -> AffineExpr {
        std::optional<int64_t> a = getConstant(at[0]), b = getConstant(at[1]);
        if ((a && bool(*a) == deciding) || (b && bool(*b) == deciding))
          return shapes.constant(deciding);
        return a ? at[1] : b ? at[0] : AffineExpr();
      },
      results);
}

LogicalResult AndOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                 SmallVectorImpl<ShapeInfo> &results) {
  return inferLogic(shapes, {adaptor.getLhs(), adaptor.getRhs()}, false,
                    results);
}

LogicalResult OrOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                SmallVectorImpl<ShapeInfo> &results) {
  return inferLogic(shapes, {adaptor.getLhs(), adaptor.getRhs()}, true,
                    results);
}

LogicalResult WhereOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                   SmallVectorImpl<ShapeInfo> &results) {
  return inferElements(
      shapes, {adaptor.getCondition(), adaptor.getLhs(), adaptor.getRhs()},
      shapes.elementType(adaptor.getLhs()),
      [&](ArrayRef<AffineExpr> at) -> AffineExpr {
        if (at[1] == at[2])
          return at[1];
        std::optional<int64_t> condition = getConstant(at[0]);
        return condition ? at[*condition ? 1 : 2] : AffineExpr();
      },
      results);
}

LogicalResult AddOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                 SmallVectorImpl<ShapeInfo> &results) {
  return inferArithmetic(
      shapes, adaptor.getLhs(), adaptor.getRhs(),
      [](AffineExpr a, AffineExpr b) { return a + b; }, results);
}

LogicalResult SubOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                 SmallVectorImpl<ShapeInfo> &results) {
  return inferArithmetic(
      shapes, adaptor.getLhs(), adaptor.getRhs(),
      [](AffineExpr a, AffineExpr b) { return a - b; }, results);
}

LogicalResult MulOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                 SmallVectorImpl<ShapeInfo> &results) {
  return inferArithmetic(
      shapes, adaptor.getLhs(), adaptor.getRhs(),
      [](AffineExpr a, AffineExpr b) { return a * b; }, results);
}

/// Dimensions are not negative, so truncation and floor agree on them; other
/// values are only combined when both are constants.
LogicalResult DivOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                 SmallVectorImpl<ShapeInfo> &results) {
  return inferArithmetic(
      shapes, adaptor.getLhs(), adaptor.getRhs(),
      [&](AffineExpr a, AffineExpr b) -> AffineExpr {
        std::optional<int64_t> divisor = getConstant(b);
        if (!divisor || *divisor == 0)
          return a == b ? shapes.constant(1) : AffineExpr();
        if (std::optional<int64_t> dividend = getConstant(a))
          return *divisor == -1 ? shapes.constant(int64_t(-uint64_t(*dividend)))
                                : shapes.constant(*dividend / *divisor);
        return *divisor > 0 ? a.floorDiv(*divisor) : AffineExpr();
      },
      results);
}

LogicalResult ModOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                 SmallVectorImpl<ShapeInfo> &results) {
  return inferArithmetic(
      shapes, adaptor.getLhs(), adaptor.getRhs(),
      [](AffineExpr a, AffineExpr b) -> AffineExpr {
        std::optional<int64_t> divisor = getConstant(b);
        return divisor && *divisor > 0 ? a % *divisor : AffineExpr();
      },
      results);
}

LogicalResult CastOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                  SmallVectorImpl<ShapeInfo> &results) {
  if (!adaptor.getTo().isIntOrFloat())
    return shapes.fail("casts to integers or floats");
  ShapeInfo info{adaptor.getTo(),
                 SmallVector<AffineExpr>(shapes.dims(adaptor.getOperand())),
                 std::nullopt};
  // Widening and narrowing of sizes keeps their value; a cast to i1 does not.
  if (info.elementType.isInteger(32) || info.elementType.isInteger(64))
    info.values = shapes.values(adaptor.getOperand());
  results.push_back(std::move(info));
  return success();
}

LogicalResult BitCastOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                     SmallVectorImpl<ShapeInfo> &results) {
  // In memory a bool is a byte.
  auto bits = [](Type type) {
    return type.isInteger(1) ? 8 : type.getIntOrFloatBitWidth();
  };
  Type from = shapes.elementType(adaptor.getOperand());
  if (!from.isIntOrFloat() || !adaptor.getTo().isIntOrFloat())
    return shapes.fail("the element types must be integers or floats");
  if (bits(from) != bits(adaptor.getTo()))
    return shapes.fail("the element types differ in size");
  return inferSameShape(shapes, adaptor.getOperand(), adaptor.getTo(), results);
}

LogicalResult DetOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                 SmallVectorImpl<ShapeInfo> &results) {
  SmallVector<AffineExpr> dims(shapes.dims(adaptor.getOperand()));
  if (dims.size() < 2)
    return shapes.fail("needs matrices");
  AffineExpr columns = dims.pop_back_val(), rows = dims.pop_back_val();
  std::optional<int64_t> a = getConstant(rows), b = getConstant(columns);
  if (a && b && *a != *b)
    return shapes.fail("the matrices are not square");
  results.push_back(
      {shapes.elementType(adaptor.getOperand()), dims, std::nullopt});
  return success();
}

//===----------------------------------------------------------------------===//
// Reductions and products
//===----------------------------------------------------------------------===//

LogicalResult ReduceOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                    SmallVectorImpl<ShapeInfo> &results) {
  ShapeInfo info{shapes.elementType(adaptor.getOperand()), {}, std::nullopt};
  ArrayRef<int64_t> axes = adaptor.getAxes();
  int64_t rank = shapes.rank(adaptor.getOperand());
  for (int64_t axis : axes)
    if (axis < 0 || axis >= rank)
      return shapes.fail("axis " + Twine(axis) + " is outside [0, " +
                         Twine(rank) + ")");
  if (!llvm::is_sorted(axes, std::less_equal<>()))
    return shapes.fail("axes must be ascending");
  for (auto [index, dim] : llvm::enumerate(shapes.dims(adaptor.getOperand()))) {
    if (!llvm::is_contained(axes, int64_t(index)))
      info.dims.push_back(dim);
    else if (adaptor.getKeepdims())
      info.dims.push_back(shapes.constant(1));
  }
  if (rank == 1 && axes.size() == 1 && isTrackedElementType(info.elementType)) {
    std::optional<SmallVector<AffineExpr>> elements =
        shapes.values(adaptor.getOperand());
    bool isProduct = adaptor.getKind() == ReduceKind::Prod;
    if (elements && (isProduct || adaptor.getKind() == ReduceKind::Sum)) {
      AffineExpr result = shapes.constant(isProduct);
      for (AffineExpr element : *elements)
        result = isProduct ? result * element : result + element;
      info.values = {result};
    }
  }
  results.push_back(std::move(info));
  return success();
}

LogicalResult SoftmaxOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                     SmallVectorImpl<ShapeInfo> &results) {
  if (failed(normalizeAxis(shapes, adaptor.getAxis(),
                           shapes.rank(adaptor.getOperand()))))
    return failure();
  return inferSameShape(shapes, adaptor.getOperand(),
                        shapes.elementType(adaptor.getOperand()), results);
}

LogicalResult MatMulOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                    SmallVectorImpl<ShapeInfo> &results) {
  if (failed(expectSameOperands(shapes, adaptor.getLhs(), adaptor.getRhs())))
    return failure();
  return inferProduct(shapes, adaptor.getLhs(), adaptor.getRhs(), results);
}

LogicalResult llmc::inferProduct(ShapeContext &shapes, Value lhs, Value rhs,
                                 SmallVectorImpl<ShapeInfo> &results) {
  SmallVector<AffineExpr> a(shapes.dims(lhs)), b(shapes.dims(rhs));
  if (a.empty() || b.empty())
    return shapes.fail("operands must have at least one dimension");
  bool vectorA = a.size() == 1, vectorB = b.size() == 1;
  std::optional<int64_t> k = getConstant(a.back()),
                         k2 = getConstant(vectorB ? b[0] : b[b.size() - 2]);
  if (k && k2 && *k != *k2)
    return shapes.fail("inner dimensions differ: " + Twine(*k) + " and " +
                       Twine(*k2));
  ShapeInfo info{shapes.elementType(lhs), {}, std::nullopt};
  ArrayRef<AffineExpr> batchA = ArrayRef(a).drop_back(vectorA ? 1 : 2),
                       batchB = ArrayRef(b).drop_back(vectorB ? 1 : 2);
  size_t batch = std::max(batchA.size(), batchB.size());
  for (size_t i = 0; i < batch; ++i) {
    auto at = [&](ArrayRef<AffineExpr> dims) {
      size_t skipped = batch - dims.size();
      return i < skipped ? shapes.constant(1) : dims[i - skipped];
    };
    AffineExpr left = at(batchA), right = at(batchB);
    if (getConstant(left) != 1 && getConstant(right) != 1 &&
        failed(expectEqual(shapes, "batch dimensions of lhs and rhs", left,
                           right)))
      return failure();
    info.dims.push_back(shapes.broadcast(left, right));
  }
  if (!vectorA)
    info.dims.push_back(a[a.size() - 2]);
  if (!vectorB)
    info.dims.push_back(b.back());
  results.push_back(std::move(info));
  return success();
}
