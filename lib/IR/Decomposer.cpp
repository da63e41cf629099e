//===- Decomposer.cpp - ops that take the place of another ----------------===//

#include "llmc/IR/Decomposer.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace llmc;

Value Decomposer::scalar(Value like, double value) {
  return createScalarConstant(builder, location,
                              getElementTypeOrSelf(like.getType()), value);
}

Value Decomposer::size(Value value, int64_t axis) {
  return create<SqueezeOp>(create<ShapeOp>(value, axis, axis + 1),
                           ArrayRef<int64_t>{0});
}

Value Decomposer::cast(Value value, Type elementType) {
  if (getElementTypeOrSelf(value.getType()) == elementType)
    return value;
  return create<CastOp>(value, elementType);
}

Value Decomposer::widen(Value value) {
  Type type = getElementTypeOrSelf(value.getType());
  return type.getIntOrFloatBitWidth() < 32 ? cast(value, builder.getF32Type())
                                           : value;
}

Value Decomposer::reduceLast(ReduceKind kind, Value value, int64_t from) {
  int64_t rank = llvm::cast<ShapedType>(value.getType()).getRank();
  auto axes = llvm::to_vector(llvm::seq<int64_t>(from, rank));
  return create<ReduceOp>(value, kind, axes);
}

Value Decomposer::slice(Value value, int64_t axis, int64_t start, int64_t end,
                        int64_t step) {
  return create<SliceOp>(value, i64s({start}), i64s({end}), i64s({step}),
                         ArrayRef<int64_t>{axis});
}

void Decomposer::replace(Value result, Value value) {
  if (value.getType() != result.getType())
    value = create<tensor::CastOp>(result.getType(), value);
  result.replaceAllUsesWith(value);
}

Value llmc::createPositionMask(Value queries, Value keys,
                               const PositionMask &rule, Decomposer &d) {
  Value zero = d.i64(0), one = d.i64(1);
  // The key at the position of query i.
  Value diagonal = d.create<UnsqueezeOp>(
      d.create<AddOp>(d.create<RangeOp>(zero, queries, one),
                      d.create<SubOp>(keys, queries)),
      ArrayRef<int64_t>{1});
  Value positions = d.create<UnsqueezeOp>(d.create<RangeOp>(zero, keys, one),
                                          ArrayRef<int64_t>{0});
  Value mask;
  if (rule.causal)
    mask = d.create<LessOrEqualOp>(positions, diagonal);
  if (rule.window != 0) {
    Value inside = d.create<GreaterOp>(
        positions, d.create<SubOp>(diagonal, d.i64(rule.window)));
    if (rule.sinks != 0)
      inside = d.create<OrOp>(inside,
                              d.create<LessOp>(positions, d.i64(rule.sinks)));
    mask = mask ? d.create<AndOp>(mask, inside) : inside;
  }
  return mask;
}
