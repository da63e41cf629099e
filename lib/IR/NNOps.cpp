//===- NNOps.cpp - convolution, pooling, recurrence -----------------------===//

#include "llmc/IR/Dialect.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace llmc;

#define GET_OP_CLASSES
#include "llmc/IR/NNOps.cpp.inc"

void LLMCDialect::registerNNOps() {
  addOperations<
#define GET_OP_LIST
#include "llmc/IR/NNOps.cpp.inc"
      >();
}

LogicalResult ConvOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                  SmallVectorImpl<ShapeInfo> &results) {
  ArrayRef<AffineExpr> operand = shapes.dims(adaptor.getOperand());
  size_t spatial = operand.size() - 2;
  if (operand.size() < 3 ||
      shapes.rank(adaptor.getWeight()) != int64_t(operand.size()) ||
      adaptor.getStrides().size() != spatial ||
      adaptor.getDilations().size() != spatial ||
      adaptor.getPads().size() != 2 * spatial)
    return shapes.fail("operand, weight, strides, dilations and pads do not "
                       "agree in their number of spatial dimensions");
  ShapeInfo info{shapes.elementType(adaptor.getOperand()),
                 {operand[0], shapes.dim(adaptor.getWeight(), 0)},
                 std::nullopt};
  for (size_t i = 0; i < spatial; ++i) {
    int64_t pad = adaptor.getPads()[i] + adaptor.getPads()[spatial + i];
    AffineExpr extent = (shapes.dim(adaptor.getWeight(), i + 2) - 1) *
                            adaptor.getDilations()[i] +
                        1;
    AffineExpr size = shapes.dim(adaptor.getOperand(), i + 2);
    info.dims.push_back(
        (size + pad - extent).floorDiv(adaptor.getStrides()[i]) + 1);
  }
  results.push_back(std::move(info));
  return success();
}
