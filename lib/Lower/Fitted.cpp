//===- Fitted.cpp - operands whose sizes must agree -----------------------===//

#include "Fitted.h"
#include "IndexMath.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"

using namespace mlir;
using namespace llmc;

Value llmc::createFitted(OpBuilder &b, Location loc, Value value,
                         ArrayRef<OpFoldResult> dims) {
  IndexMath m{b, loc};
  auto type = cast<RankedTensorType>(value.getType());
  int64_t rank = type.getRank();
  SmallVector<int64_t> shape;
  SmallVector<OpFoldResult> zeros(rank, b.getIndexAttr(0)),
      ones(rank, b.getIndexAttr(1)), sizes;
  Value agrees;
  for (int64_t i = 0; i < rank; ++i) {
    std::optional<int64_t> wanted = getConstantIntValue(dims[i]);
    shape.push_back(wanted.value_or(ShapedType::kDynamic));
    if (wanted && *wanted == type.getDimSize(i)) {
      sizes.push_back(dims[i]);
      continue;
    }
    Value have = createDim(b, loc, value, i);
    Value need = getValueOrCreateConstantIndexOp(b, loc, dims[i]);
    Value equal =
        arith::CmpIOp::create(b, loc, arith::CmpIPredicate::eq, have, need);
    agrees = agrees ? arith::AndIOp::create(b, loc, agrees, equal).getResult()
                    : equal;
    sizes.push_back(getAsOpFoldResult(m.min(have, need)));
  }
  if (!agrees)
    return value;
  createRuntimeCheck(b, loc, agrees, RuntimeError::ShapeMismatch);
  auto fittedType = RankedTensorType::get(shape, type.getElementType());
  Value empty = createFilled(b, loc, fittedType, dims,
                             createScalar(b, loc, type.getElementType(), 0));
  Value inside =
      tensor::ExtractSliceOp::create(b, loc, value, zeros, sizes, ones);
  return tensor::InsertSliceOp::create(b, loc, inside, empty, zeros, sizes,
                                       ones);
}

Value llmc::createRow(OpBuilder &b, Location loc, Value value,
                      OpFoldResult index) {
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<OpFoldResult> offsets(type.getRank(), b.getIndexAttr(0)),
      strides(type.getRank(), b.getIndexAttr(1)),
      sizes = createDims(b, loc, value);
  offsets[0] = index;
  sizes[0] = b.getIndexAttr(1);
  auto rowType = RankedTensorType::get(type.getShape().drop_front(),
                                       type.getElementType());
  return tensor::ExtractSliceOp::create(b, loc, rowType, value, offsets, sizes,
                                        strides);
}

Value llmc::createColumns(OpBuilder &b, Location loc, Value value,
                          int64_t start, int64_t size) {
  auto type = cast<RankedTensorType>(value.getType());
  SmallVector<OpFoldResult> offsets(type.getRank(), b.getIndexAttr(0)),
      strides(type.getRank(), b.getIndexAttr(1)),
      sizes = createDims(b, loc, value);
  offsets.back() = b.getIndexAttr(start);
  sizes.back() = b.getIndexAttr(size);
  return tensor::ExtractSliceOp::create(b, loc, value, offsets, sizes, strides);
}
