//===- IndexOps.cpp - gathering, scattering, ordering and searching -------===//

#include "llmc/IR/Dialect.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace llmc;

#define GET_OP_CLASSES
#include "llmc/IR/IndexOps.cpp.inc"

void LLMCDialect::registerIndexOps() {
  addOperations<
#define GET_OP_LIST
#include "llmc/IR/IndexOps.cpp.inc"
      >();
}

static Type getI64(ShapeContext &shapes) {
  return IntegerType::get(shapes.getContext(), 64);
}

static LogicalResult checkAxis(ShapeContext &shapes, int64_t axis,
                               int64_t rank) {
  if (axis < 0 || axis >= rank)
    return shapes.fail("axis " + Twine(axis) + " is outside [0, " +
                       Twine(rank) + ")");
  return success();
}

/// Both sizes when they are known and differ.
static bool differ(AffineExpr a, AffineExpr b) {
  std::optional<int64_t> x = getConstant(a), y = getConstant(b);
  return x && y && *x != *y;
}

//===----------------------------------------------------------------------===//
// Gathering and scattering
//===----------------------------------------------------------------------===//

/// What gather_elements and scatter_elements ask of their indices.
static LogicalResult checkElementIndices(ShapeContext &shapes, Value operand,
                                         Value indices, int64_t axis) {
  int64_t rank = shapes.rank(operand);
  if (failed(checkAxis(shapes, axis, rank)))
    return failure();
  if (shapes.rank(indices) != rank)
    return shapes.fail("indices must have the operand's rank");
  for (int64_t i = 0; i < rank; ++i) {
    std::optional<int64_t> size = getConstant(shapes.dim(operand, i)),
                           count = getConstant(shapes.dim(indices, i));
    if (i != axis && size && count && *count > *size)
      return shapes.fail("dimension " + Twine(i) + " of the indices is " +
                         Twine(*count) + ", the operand's only " +
                         Twine(*size));
  }
  return success();
}

LogicalResult
GatherElementsOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                              SmallVectorImpl<ShapeInfo> &results) {
  if (failed(checkElementIndices(shapes, adaptor.getOperand(),
                                 adaptor.getIndices(), adaptor.getAxis())))
    return failure();
  return inferSameShape(shapes, adaptor.getIndices(),
                        shapes.elementType(adaptor.getOperand()), results);
}

LogicalResult
ScatterElementsOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                               SmallVectorImpl<ShapeInfo> &results) {
  Value operand = adaptor.getOperand(), indices = adaptor.getIndices(),
        updates = adaptor.getUpdates();
  if (failed(checkElementIndices(shapes, operand, indices, adaptor.getAxis())))
    return failure();
  if (shapes.elementType(updates) != shapes.elementType(operand))
    return shapes.fail("updates must have the operand's element type");
  if (shapes.rank(updates) != shapes.rank(indices))
    return shapes.fail("updates must have the shape of the indices");
  for (int64_t i = 0; i < shapes.rank(indices); ++i)
    if (differ(shapes.dim(updates, i), shapes.dim(indices, i)))
      return shapes.fail("updates must have the shape of the indices");
  return inferSameShape(shapes, operand, shapes.elementType(operand), results);
}

/// Length of the index vectors, or an error when it is not static.
static FailureOr<int64_t> getVectorLength(ShapeContext &shapes, Value indices) {
  if (shapes.rank(indices) == 0) {
    (void)shapes.fail("indices must have at least one dimension");
    return failure();
  }
  ArrayRef<AffineExpr> dims = shapes.dims(indices);
  std::optional<int64_t> length = getConstant(dims.back());
  if (length)
    return *length;
  (void)shapes.fail("the last dimension of the indices must be static");
  return failure();
}

LogicalResult GatherNDOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                      SmallVectorImpl<ShapeInfo> &results) {
  FailureOr<int64_t> length = getVectorLength(shapes, adaptor.getIndices());
  if (failed(length))
    return failure();
  SmallVector<AffineExpr> operand(shapes.dims(adaptor.getOperand())),
      indices(shapes.dims(adaptor.getIndices()));
  int64_t batch = adaptor.getBatchDims(), rank = operand.size();
  if (batch < 0 || batch >= int64_t(indices.size()) || batch + *length > rank)
    return shapes.fail("index vectors of " + Twine(*length) + " after " +
                       Twine(batch) +
                       " batch dimensions address more than the operand's " +
                       Twine(rank) + " dimensions");
  for (int64_t i = 0; i < batch; ++i)
    if (differ(operand[i], indices[i]))
      return shapes.fail("the operands differ in batch dimension " + Twine(i));
  ShapeInfo info{shapes.elementType(adaptor.getOperand()), {}, std::nullopt};
  llvm::append_range(info.dims, ArrayRef(indices).drop_back());
  llvm::append_range(info.dims, ArrayRef(operand).drop_front(batch + *length));
  results.push_back(std::move(info));
  return success();
}

LogicalResult ScatterNDOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                       SmallVectorImpl<ShapeInfo> &results) {
  FailureOr<int64_t> length = getVectorLength(shapes, adaptor.getIndices());
  if (failed(length))
    return failure();
  Value operand = adaptor.getOperand(), updates = adaptor.getUpdates();
  SmallVector<AffineExpr> expected(
      ArrayRef(shapes.dims(adaptor.getIndices())).drop_back());
  if (*length > shapes.rank(operand))
    return shapes.fail("index vectors of " + Twine(*length) +
                       " address more than the operand's " +
                       Twine(shapes.rank(operand)) + " dimensions");
  if (shapes.elementType(updates) != shapes.elementType(operand))
    return shapes.fail("updates must have the operand's element type");
  llvm::append_range(expected,
                     ArrayRef(shapes.dims(operand)).drop_front(*length));
  bool fits = shapes.rank(updates) == int64_t(expected.size());
  for (int64_t i = 0; fits && i < shapes.rank(updates); ++i)
    fits = !differ(expected[i], shapes.dim(updates, i));
  if (!fits)
    return shapes.fail("updates must have the shape indices.shape[:-1] + "
                       "operand.shape[indices.shape[-1]:]");
  return inferSameShape(shapes, operand, shapes.elementType(operand), results);
}

//===----------------------------------------------------------------------===//
// Ordering and searching
//===----------------------------------------------------------------------===//

static LogicalResult inferArg(ShapeContext &shapes, Value operand, int64_t axis,
                              SmallVectorImpl<ShapeInfo> &results) {
  if (failed(checkAxis(shapes, axis, shapes.rank(operand))) ||
      failed(inferSameShape(shapes, operand, getI64(shapes), results)))
    return failure();
  results.back().dims[axis] = shapes.constant(1);
  return success();
}

LogicalResult ArgMaxOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                    SmallVectorImpl<ShapeInfo> &results) {
  return inferArg(shapes, adaptor.getOperand(), adaptor.getAxis(), results);
}

LogicalResult ArgMinOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                    SmallVectorImpl<ShapeInfo> &results) {
  return inferArg(shapes, adaptor.getOperand(), adaptor.getAxis(), results);
}

LogicalResult TopKOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                  SmallVectorImpl<ShapeInfo> &results) {
  Value operand = adaptor.getOperand();
  int64_t axis = adaptor.getAxis();
  if (failed(checkAxis(shapes, axis, shapes.rank(operand))))
    return failure();
  std::optional<SmallVector<AffineExpr>> k = shapes.rank(adaptor.getK()) == 1
                                                 ? shapes.values(adaptor.getK())
                                                 : std::nullopt;
  if (!k || k->size() != 1)
    return shapes.fail("k must be a vector of one element");
  std::optional<int64_t> count = getConstant(k->front()),
                         size = getConstant(shapes.dim(operand, axis));
  if (count && (*count < 0 || (size && *count > *size)))
    return shapes.fail("k is " + Twine(*count) +
                       (size ? ", the axis has " + Twine(*size) + " elements"
                             : Twine(", which is negative")));
  for (Type type : {shapes.elementType(operand), getI64(shapes)}) {
    (void)inferSameShape(shapes, operand, type, results);
    results.back().dims[axis] = k->front();
  }
  return success();
}

static LogicalResult inferCumulative(ShapeContext &shapes, Value operand,
                                     int64_t axis,
                                     SmallVectorImpl<ShapeInfo> &results) {
  if (failed(checkAxis(shapes, axis, shapes.rank(operand))))
    return failure();
  return inferSameShape(shapes, operand, shapes.elementType(operand), results);
}

LogicalResult CumSumOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                    SmallVectorImpl<ShapeInfo> &results) {
  return inferCumulative(shapes, adaptor.getOperand(), adaptor.getAxis(),
                         results);
}

LogicalResult CumProdOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                     SmallVectorImpl<ShapeInfo> &results) {
  return inferCumulative(shapes, adaptor.getOperand(), adaptor.getAxis(),
                         results);
}

LogicalResult NonZeroOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                     SmallVectorImpl<ShapeInfo> &results) {
  int64_t rank = shapes.rank(adaptor.getOperand());
  ShapeInfo info{getI64(shapes),
                 {shapes.constant(rank), shapes.freshSymbol()},
                 std::nullopt};
  results.push_back(std::move(info));
  return success();
}

LogicalResult UniqueOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                    SmallVectorImpl<ShapeInfo> &results) {
  if (shapes.rank(adaptor.getOperand()) != 2)
    return shapes.fail("needs a matrix");
  AffineExpr rows = shapes.dim(adaptor.getOperand(), 0),
             kinds = shapes.freshSymbol();
  for (AffineExpr size : {kinds, rows, kinds})
    results.push_back({getI64(shapes), {size}, std::nullopt});
  return success();
}

//===----------------------------------------------------------------------===//
// Making and extending
//===----------------------------------------------------------------------===//

LogicalResult RangeOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                   SmallVectorImpl<ShapeInfo> &results) {
  Type type = shapes.elementType(adaptor.getStart());
  ShapeInfo info{type, {}, std::nullopt};
  SmallVector<AffineExpr> bounds;
  for (Value operand : adaptor.getOperands()) {
    if (shapes.rank(operand) != 0 || shapes.elementType(operand) != type)
      return shapes.fail("start, limit and delta must be scalars of one type");
    if (auto value =
            isTrackedElementType(type) ? shapes.values(operand) : std::nullopt)
      bounds.push_back(value->front());
  }
  AffineExpr length;
  std::optional<int64_t> delta;
  if (bounds.size() == 3 && (delta = getConstant(bounds[2]))) {
    if (*delta == 0)
      return shapes.fail("delta must not be 0");
    AffineExpr distance = shapes.simplify(bounds[1] - bounds[0]);
    std::optional<int64_t> known = getConstant(distance);
    if (known && *known != INT64_MIN && *delta != INT64_MIN) {
      int64_t steps = *delta > 0 ? llvm::divideCeilSigned(*known, *delta)
                                 : llvm::divideCeilSigned(-*known, -*delta);
      length = shapes.constant(std::max<int64_t>(steps, 0));
    } else if (!known && *delta > 0 && shapes.isNonNegative(distance)) {
      length = shapes.simplify(distance.ceilDiv(*delta));
    }
  }
  std::optional<int64_t> count = length ? getConstant(length) : std::nullopt;
  if (count && *count <= 64) {
    info.values.emplace();
    for (int64_t i = 0; i < *count; ++i)
      info.values->push_back(bounds[0] + i * *delta);
  }
  info.dims.push_back(length ? length : shapes.freshSymbol());
  results.push_back(std::move(info));
  return success();
}

LogicalResult PadOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                 SmallVectorImpl<ShapeInfo> &results) {
  Value operand = adaptor.getOperand(), value = adaptor.getValue();
  int64_t rank = shapes.rank(operand);
  std::optional<SmallVector<AffineExpr>> pads;
  std::optional<int64_t> length;
  if (shapes.rank(adaptor.getPads()) == 1) {
    pads = shapes.values(adaptor.getPads());
    length = pads ? int64_t(pads->size())
                  : getConstant(shapes.dim(adaptor.getPads(), 0));
  }
  if (length != 2 * rank)
    return shapes.fail("pads must be a vector of " + Twine(2 * rank) +
                       " elements");
  if (value && (shapes.rank(value) != 0 ||
                shapes.elementType(value) != shapes.elementType(operand)))
    return shapes.fail("value must be a scalar of the operand's element type");
  if ((adaptor.getMode() == PadMode::Constant) != bool(value))
    return shapes.fail("mode constant needs a value, the others take none");
  if (failed(inferSameShape(shapes, operand, shapes.elementType(operand),
                            results)))
    return failure();
  for (auto [index, dim] : llvm::enumerate(results.back().dims)) {
    if (!pads) {
      dim = shapes.freshSymbol();
      continue;
    }
    dim = shapes.simplify(dim + (*pads)[index] + (*pads)[rank + index]);
    if (std::optional<int64_t> size = getConstant(dim); size && *size < 0)
      return shapes.fail("pads leave dimension " + Twine(index) + " with " +
                         Twine(*size) + " elements");
  }
  return success();
}
