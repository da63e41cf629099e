//===- QuantOps.cpp - quantization of activations -------------------------===//

#include "llmc/IR/Dialect.h"
#include "mlir/IR/Builders.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace llmc;

#define GET_OP_CLASSES
#include "llmc/IR/QuantOps.cpp.inc"

void LLMCDialect::registerQuantOps() {
  addOperations<
#define GET_OP_LIST
#include "llmc/IR/QuantOps.cpp.inc"
      >();
}

/// Checks that `value` (a scale or zero point) is one number, a vector along
/// `axis` or has blocks along `axis`, as `blockSize` tells.
static LogicalResult checkGranularity(ShapeContext &shapes, StringRef name,
                                      Value operand, Value value, int64_t axis,
                                      int64_t blockSize) {
  if (!value || (blockSize == 0 && shapes.rank(value) == 0))
    return success();
  int64_t rank = shapes.rank(operand);
  if (axis < 0 || axis >= rank)
    return shapes.fail("axis " + Twine(axis) + " is outside [0, " +
                       Twine(rank) + ")");
  if (shapes.rank(value) != (blockSize ? rank : 1))
    return shapes.fail(name + " has rank " + Twine(shapes.rank(value)) +
                       (blockSize ? "; with blocks it has the operand's"
                                  : "; without blocks it is 0 or 1"));
  for (int64_t i = 0; i < shapes.rank(value); ++i) {
    int64_t dim = blockSize ? i : axis;
    std::optional<int64_t> have = getConstant(shapes.dim(value, i)),
                           size = getConstant(shapes.dim(operand, dim));
    if (!have || !size)
      continue;
    int64_t divisor = blockSize && dim == axis ? blockSize : 1;
    int64_t needed = llvm::divideCeil(*size, divisor);
    if (*have != needed && !(*have == 1 && blockSize == 0))
      return shapes.fail("dimension " + Twine(i) + " of " + name + " is " +
                         Twine(*have) + ", not " + Twine(needed));
  }
  return success();
}

LogicalResult
QuantizeLinearOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                              SmallVectorImpl<ShapeInfo> &results) {
  Value operand = adaptor.getOperand();
  int64_t axis = adaptor.getAxis(), block = adaptor.getBlockSize();
  if (block < 0)
    return shapes.fail("block_size is negative");
  if (failed(checkGranularity(shapes, "scale", operand, adaptor.getScale(),
                              axis, block)) ||
      failed(checkGranularity(shapes, "zero_point", operand,
                              adaptor.getZeroPoint(), axis, block)))
    return failure();
  if (adaptor.getZeroPoint() &&
      shapes.elementType(adaptor.getZeroPoint()) != adaptor.getTo())
    return shapes.fail("zero_point does not have the type of the result");
  if (!adaptor.getTo().isIntOrFloat())
    return shapes.fail("the result must be of integers or floats");
  if (!isa<FloatType>(adaptor.getPrecision()))
    return shapes.fail("precision must be a float type");
  return inferSameShape(shapes, operand, adaptor.getTo(), results);
}

LogicalResult
DequantizeLinearOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                SmallVectorImpl<ShapeInfo> &results) {
  Value operand = adaptor.getOperand();
  int64_t axis = adaptor.getAxis(), block = adaptor.getBlockSize();
  if (block < 0)
    return shapes.fail("block_size is negative");
  if (failed(checkGranularity(shapes, "scale", operand, adaptor.getScale(),
                              axis, block)) ||
      failed(checkGranularity(shapes, "zero_point", operand,
                              adaptor.getZeroPoint(), axis, block)))
    return failure();
  if (adaptor.getZeroPoint() &&
      shapes.elementType(adaptor.getZeroPoint()) != shapes.elementType(operand))
    return shapes.fail("zero_point does not have the operand's type");
  if (!isa<FloatType>(adaptor.getTo()))
    return shapes.fail("the result must be of floats");
  return inferSameShape(shapes, operand, adaptor.getTo(), results);
}

LogicalResult
QuantizeDynamicOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                               SmallVectorImpl<ShapeInfo> &results) {
  if (adaptor.getBlock() < 1)
    return shapes.fail("block is " + Twine(adaptor.getBlock()) +
                       ", not positive");
  if (shapes.rank(adaptor.getOperand()) == 0)
    return shapes.fail("the operand has no dimension to divide into blocks");
  return inferSameShape(shapes, adaptor.getOperand(),
                        shapes.elementType(adaptor.getOperand()), results);
}

LogicalResult
DynamicQuantizeLinearOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                     SmallVectorImpl<ShapeInfo> &results) {
  Type ui8 = IntegerType::get(shapes.getContext(), 8, IntegerType::Unsigned);
  results.push_back({ui8,
                     SmallVector<AffineExpr>(shapes.dims(adaptor.getOperand())),
                     std::nullopt});
  results.push_back(
      {shapes.elementType(adaptor.getOperand()), {}, std::nullopt});
  results.push_back({ui8, {}, std::nullopt});
  return success();
}

/// One zero point for all, one per row of `lhs` or one per column of `rhs`.
static LogicalResult checkFactorZero(ShapeContext &shapes, StringRef name,
                                     Value factor, Value zero, bool perRow) {
  if (!zero || shapes.rank(zero) == 0)
    return success();
  if (failed(expectSameElementType(shapes, name, zero, "its factor", factor)))
    return failure();
  SmallVector<AffineExpr> dims(shapes.dims(factor)), own(shapes.dims(zero));
  int64_t rank = dims.size();
  // What the zero points are along, and the dimension they are the same for.
  int64_t along = perRow ? rank - 2 : rank - 1;
  if (own.size() == 1 && rank > 1)
    return getConstant(own[0]) == 1
               ? success()
               : expectEqual(shapes, ("sizes of the factor and " + name).str(),
                             dims[along], own[0]);
  if (int64_t(own.size()) != rank)
    return shapes.fail(name + " must have rank 0, 1 or its factor's");
  for (int64_t i = 0; i < rank; ++i) {
    if (getConstant(own[i]) == 1)
      continue;
    if (rank > 1 && i == (perRow ? rank - 1 : rank - 2))
      return shapes.fail(name + " differs along the dimension that is summed");
    if (failed(expectEqual(shapes, ("sizes of the factor and " + name).str(),
                           dims[i], own[i])))
      return failure();
  }
  return success();
}

LogicalResult
MatMulIntegerOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                             SmallVectorImpl<ShapeInfo> &results) {
  Value lhs = adaptor.getLhs(), rhs = adaptor.getRhs();
  if (failed(inferProduct(shapes, lhs, rhs, results)))
    return failure();
  results.back().elementType = IntegerType::get(shapes.getContext(), 32);
  if (failed(checkFactorZero(shapes, "lhs_zero_point", lhs,
                             adaptor.getLhsZeroPoint(), true)) ||
      failed(checkFactorZero(shapes, "rhs_zero_point", rhs,
                             adaptor.getRhsZeroPoint(), false)))
    return failure();
  return success();
}

LogicalResult UnpackOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                    SmallVectorImpl<ShapeInfo> &results) {
  Type to = adaptor.getTo();
  if (!to.isIntOrFloat() || to.getIntOrFloatBitWidth() == 0 ||
      8 % to.getIntOrFloatBitWidth() != 0)
    return shapes.fail("unpacks elements of 1, 2, 4 or 8 bits");
  int64_t width = to.getIntOrFloatBitWidth(), count = 1;
  ShapeInfo info{to, {}, std::nullopt};
  for (int64_t size : adaptor.getShape()) {
    if (size < 0)
      return shapes.fail("shape must be static");
    info.dims.push_back(shapes.constant(size));
    if (llvm::MulOverflow(count, size, count))
      return shapes.fail("the number of elements overflows");
  }
  if (llvm::MulOverflow(count, width, count))
    return shapes.fail("the number of elements overflows");
  int64_t needed = llvm::divideCeil(count, 8);
  if (shapes.rank(adaptor.getOperand()) != 1 ||
      !shapes.elementType(adaptor.getOperand()).isUnsignedInteger(8) ||
      getConstant(shapes.dim(adaptor.getOperand(), 0)) != needed)
    return shapes.fail("the operand must be " + Twine(needed) +
                       " packed bytes");
  results.push_back(std::move(info));
  return success();
}
