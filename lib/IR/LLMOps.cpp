//===- LLMOps.cpp - the building blocks of transformers -------------------===//

#include "llmc/IR/Dialect.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace llmc;

#define GET_OP_CLASSES
#include "llmc/IR/LLMOps.cpp.inc"

void LLMCDialect::registerLLMOps() {
  addOperations<
#define GET_OP_LIST
#include "llmc/IR/LLMOps.cpp.inc"
      >();
}

LogicalResult LinearOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                    SmallVectorImpl<ShapeInfo> &results) {
  if (shapes.rank(adaptor.getWeight()) != 2 ||
      shapes.rank(adaptor.getOperand()) < 1)
    return shapes.fail("needs an operand [..., in] and a weight [out, in]");
  ShapeInfo info{shapes.elementType(adaptor.getOperand()),
                 SmallVector<AffineExpr>(shapes.dims(adaptor.getOperand())),
                 std::nullopt};
  std::optional<int64_t> in = getConstant(info.dims.back()),
                         k = getConstant(shapes.dim(adaptor.getWeight(), 1));
  if (in && k && *in != *k)
    return shapes.fail("operand has " + Twine(*in) +
                       " columns, the weight takes " + Twine(*k));
  info.dims.back() = shapes.dim(adaptor.getWeight(), 0);
  if (failed(expectSameElementType(shapes, "operand", adaptor.getOperand(),
                                   "weight", adaptor.getWeight())) ||
      failed(expectSameElementType(shapes, "operand", adaptor.getOperand(),
                                   "bias", adaptor.getBias())))
    return failure();
  if (Value bias = adaptor.getBias()) {
    if (shapes.rank(bias) != 1)
      return shapes.fail("the bias must be [out]");
    if (failed(expectEqual(shapes, "rows of weight and bias", info.dims.back(),
                           shapes.dim(bias, 0))))
      return failure();
  }
  results.push_back(std::move(info));
  return success();
}

LogicalResult EmbeddingOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                       SmallVectorImpl<ShapeInfo> &results) {
  if (shapes.rank(adaptor.getWeight()) != 2)
    return shapes.fail("needs a weight [vocabulary, hidden]");
  ShapeInfo info{shapes.elementType(adaptor.getWeight()),
                 SmallVector<AffineExpr>(shapes.dims(adaptor.getIds())),
                 std::nullopt};
  info.dims.push_back(shapes.dim(adaptor.getWeight(), 1));
  results.push_back(std::move(info));
  return success();
}

LogicalResult RMSNormOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                     SmallVectorImpl<ShapeInfo> &results) {
  Value operand = adaptor.getOperand(), scale = adaptor.getScale();
  if (shapes.rank(operand) < 1 || shapes.rank(scale) != 1)
    return shapes.fail("needs an operand [..., hidden] and a scale [hidden]");
  AffineExpr hidden = shapes.dims(operand).back();
  if (failed(expectEqual(shapes, "last dimensions of operand and scale", hidden,
                         shapes.dim(scale, 0))))
    return failure();
  return inferSameShape(shapes, operand, shapes.elementType(operand), results);
}

LogicalResult LayerNormOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                       SmallVectorImpl<ShapeInfo> &results) {
  Value operand = adaptor.getOperand();
  int64_t axis = adaptor.getAxis(), rank = shapes.rank(operand);
  if (axis < 0 || axis >= rank)
    return shapes.fail("axis " + Twine(axis) + " is outside [0, " +
                       Twine(rank) + ")");
  for (Value parameter : {adaptor.getScale(), adaptor.getBias()}) {
    if (!parameter)
      continue;
    if (shapes.rank(parameter) > rank)
      return shapes.fail("scale and bias must broadcast to the operand");
    SmallVector<AffineExpr> dims(shapes.dims(operand));
    for (auto [a, b] :
         llvm::zip(ArrayRef(dims).take_back(shapes.rank(parameter)),
                   shapes.dims(parameter)))
      if (getConstant(b) != 1 &&
          failed(expectEqual(shapes, "dimensions of operand and scale or bias",
                             a, b)))
        return failure();
  }
  return inferSameShape(shapes, operand, shapes.elementType(operand), results);
}

LogicalResult GeluOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                  SmallVectorImpl<ShapeInfo> &results) {
  return inferSameShape(shapes, adaptor.getOperand(),
                        shapes.elementType(adaptor.getOperand()), results);
}

LogicalResult SiluOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                  SmallVectorImpl<ShapeInfo> &results) {
  return inferSameShape(shapes, adaptor.getOperand(),
                        shapes.elementType(adaptor.getOperand()), results);
}

LogicalResult RopeOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                  SmallVectorImpl<ShapeInfo> &results) {
  Value operand = adaptor.getOperand(), cos = adaptor.getCos(),
        sin = adaptor.getSin();
  if (shapes.rank(operand) != 4 || shapes.rank(cos) != 3 ||
      shapes.rank(sin) != 3)
    return shapes.fail("needs an operand [batch, heads, sequence, head_size] "
                       "and tables [batch or 1, sequence, rotary / 2]");
  std::optional<int64_t> headSize = getConstant(shapes.dim(operand, 3)),
                         half = getConstant(shapes.dim(cos, 2));
  if (!half)
    return shapes.fail("the last dimension of the tables must be static");
  if (headSize && *half * 2 > *headSize)
    return shapes.fail("rotates " + Twine(*half * 2) +
                       " elements of heads of " + Twine(*headSize));
  for (int64_t axis = 0; axis < 3; ++axis)
    if (failed(expectEqual(shapes, "dimensions of cos and sin",
                           shapes.dim(cos, axis), shapes.dim(sin, axis))))
      return failure();
  if (failed(expectEqual(shapes, "sequences of operand and tables",
                         shapes.dim(operand, 2), shapes.dim(cos, 1))) ||
      (getConstant(shapes.dim(cos, 0)) != 1 &&
       failed(expectEqual(shapes, "batches of operand and tables",
                          shapes.dim(operand, 0), shapes.dim(cos, 0)))))
    return failure();
  return inferSameShape(shapes, operand, shapes.elementType(operand), results);
}

LogicalResult AttentionOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                       SmallVectorImpl<ShapeInfo> &results) {
  Value query = adaptor.getQuery(), key = adaptor.getKey(),
        value = adaptor.getValue(), mask = adaptor.getMask();
  for (Value operand : {query, key, value})
    if (shapes.rank(operand) != 4)
      return shapes.fail("query, key and value must be [batch, heads, "
                         "sequence, head_size]");
  if (failed(expectEqual(shapes, "batches of query and key",
                         shapes.dim(query, 0), shapes.dim(key, 0))) ||
      failed(expectEqual(shapes, "batches of query and value",
                         shapes.dim(query, 0), shapes.dim(value, 0))) ||
      failed(expectEqual(shapes, "head sizes of query and key",
                         shapes.dim(query, 3), shapes.dim(key, 3))) ||
      failed(expectEqual(shapes, "heads of key and value", shapes.dim(key, 1),
                         shapes.dim(value, 1))) ||
      failed(expectEqual(shapes, "lengths of key and value", shapes.dim(key, 2),
                         shapes.dim(value, 2))))
    return failure();
  std::optional<int64_t> heads = getConstant(shapes.dim(query, 1)),
                         shared = getConstant(shapes.dim(key, 1));
  if (heads && shared && (*shared == 0 || *heads % *shared != 0))
    return shapes.fail("the " + Twine(*heads) + " heads of query are not a " +
                       "multiple of the " + Twine(*shared) +
                       " of key and value");
  if (mask &&
      (shapes.rank(mask) > 4 || (!isa<FloatType>(shapes.elementType(mask)) &&
                                 !shapes.elementType(mask).isInteger(1))))
    return shapes.fail("mask must be i1 or float and broadcast to [batch, "
                       "heads, query length, key length]");
  if (mask) {
    SmallVector<AffineExpr> scores = {shapes.dim(query, 0),
                                      shapes.dim(query, 1),
                                      shapes.dim(query, 2), shapes.dim(key, 2)};
    SmallVector<AffineExpr> dims(shapes.dims(mask));
    for (auto [score, dim] :
         llvm::zip(ArrayRef(scores).take_back(dims.size()), dims))
      if (getConstant(dim) != 1 &&
          failed(
              expectEqual(shapes, "dimensions of scores and mask", score, dim)))
        return failure();
  }
  if (int64_t(adaptor.getWindow()) < 0)
    return shapes.fail("window must not be negative");
  ShapeInfo info{shapes.elementType(query),
                 SmallVector<AffineExpr>(shapes.dims(query)), std::nullopt};
  info.dims.back() = shapes.dim(value, 3);
  results.push_back(std::move(info));
  return success();
}

LogicalResult
TensorScatterOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                             SmallVectorImpl<ShapeInfo> &results) {
  Value cache = adaptor.getPastCache(), update = adaptor.getUpdate();
  int64_t axis = adaptor.getAxis(), rank = shapes.rank(cache);
  if (axis < 1 || axis >= rank)
    return shapes.fail("axis " + Twine(axis) + " is outside [1, " +
                       Twine(rank) + ")");
  if (shapes.rank(update) != rank ||
      shapes.elementType(update) != shapes.elementType(cache))
    return shapes.fail("update and past_cache differ in rank or element type");
  Value indices = adaptor.getWriteIndices();
  if (shapes.rank(indices) > 1)
    return shapes.fail("write_indices must be a scalar or [batch]");
  SmallVector<AffineExpr> dims(shapes.dims(cache));
  if (shapes.rank(indices) == 1 &&
      failed(expectEqual(shapes, "lengths of write_indices and the batch",
                         shapes.dim(indices, 0), dims[0])))
    return failure();
  for (int64_t i = 0; i < rank; ++i)
    if (i != axis &&
        failed(expectEqual(shapes, "dimensions of past_cache and update",
                           dims[i], shapes.dim(update, i))))
      return failure();
  return inferSameShape(shapes, cache, shapes.elementType(cache), results);
}

LogicalResult PrefixOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                    SmallVectorImpl<ShapeInfo> &results) {
  Value operand = adaptor.getOperand();
  int64_t axis = adaptor.getAxis(), rank = shapes.rank(operand);
  if (axis < 0 || axis >= rank)
    return shapes.fail("axis " + Twine(axis) + " is outside [0, " +
                       Twine(rank) + ")");
  if (shapes.rank(adaptor.getLength()) != 0 ||
      !isTrackedElementType(shapes.elementType(adaptor.getLength())))
    return shapes.fail("length must be a scalar of i32 or i64");
  ShapeInfo info{shapes.elementType(operand),
                 SmallVector<AffineExpr>(shapes.dims(operand)), std::nullopt};
  AffineExpr length = shapes.values(adaptor.getLength())->front();
  if (std::optional<int64_t> size = getConstant(info.dims[axis]),
      wanted = getConstant(length);
      wanted && (*wanted < 0 || (size && *wanted > *size)))
    return shapes.fail("length " + Twine(*wanted) + " is outside the axis");
  // What is longer than the axis or negative does not get past run time.
  info.dims[axis] = length;
  results.push_back(std::move(info));
  return success();
}
