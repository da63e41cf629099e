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

#define INFER_SAME_SHAPE(OP)                                                   \
  LogicalResult OP::inferShapes(ShapeContext &shapes, Adaptor adaptor,         \
                                SmallVectorImpl<ShapeInfo> &results) {         \
    return inferSameShape(shapes, adaptor.getOperand(),                        \
                          shapes.elementType(adaptor.getOperand()), results);  \
  }
INFER_SAME_SHAPE(RMSNormOp)
INFER_SAME_SHAPE(LayerNormOp)
INFER_SAME_SHAPE(GeluOp)
INFER_SAME_SHAPE(SiluOp)
INFER_SAME_SHAPE(RopeOp)
#undef INFER_SAME_SHAPE

LogicalResult AttentionOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                       SmallVectorImpl<ShapeInfo> &results) {
  for (Value operand :
       {adaptor.getQuery(), adaptor.getKey(), adaptor.getValue()})
    if (shapes.rank(operand) != 4)
      return shapes.fail("query, key and value must be [batch, heads, "
                         "sequence, head_size]");
  ShapeInfo info{shapes.elementType(adaptor.getQuery()),
                 SmallVector<AffineExpr>(shapes.dims(adaptor.getQuery())),
                 std::nullopt};
  info.dims.back() = shapes.dim(adaptor.getValue(), 3);
  results.push_back(std::move(info));
  return success();
}
