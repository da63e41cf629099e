//===- RowScales.cpp - scales that share a number of their row ------------===//

#include "llmc/Weights/RowScales.h"

using namespace mlir;
using namespace llmc;

static WeightOp getLoad(Value value) { return value.getDefiningOp<WeightOp>(); }

static Value skipCast(Value value) {
  auto cast = value.getDefiningOp<CastOp>();
  return cast ? cast.getOperand() : value;
}

/// Whether the parameter's bytes are there, and all of them at most `most`.
static bool areAtMost(WeightOp load, unsigned most) {
  auto param =
      SymbolTable::lookupNearestSymbolFrom<ParamOp>(load, load.getParamAttr());
  if (!param)
    return false;
  SmallVector<char> copy;
  ArrayRef<char> bytes = getParamBytes(param, copy);
  return int64_t(bytes.size()) == load.getType().getNumElements() &&
         llvm::all_of(bytes, [&](char each) { return uint8_t(each) <= most; });
}

std::optional<RowScales> llmc::matchRowScales(DequantizeOp weight) {
  auto product = weight.getScales().getDefiningOp<MulOp>();
  if (!product || weight.getZeros())
    return std::nullopt;
  // ONNX graphs may have the factors in either order.
  for (auto [cast, rows] :
       {std::pair(product->getOperand(0), product->getOperand(1)),
        std::pair(product->getOperand(1), product->getOperand(0))}) {
    WeightOp multiples = getLoad(skipCast(cast)),
             units = getLoad(skipCast(rows));
    if (!multiples || !units ||
        !multiples.getType().getElementType().isUnsignedInteger(8) ||
        multiples.getType() == cast.getType())
      continue;
    ArrayRef<int64_t> shape = product.getType().getShape();
    if (shape.size() == 2 && multiples.getType().getShape() == shape &&
        isa<FloatType>(units.getType().getElementType()) &&
        units.getType().getShape() == ArrayRef<int64_t>{shape[0], 1} &&
        areAtMost(multiples, 1u << (8 - weight.getBits())))
      return RowScales{multiples.getResult(), rows};
  }
  return std::nullopt;
}
