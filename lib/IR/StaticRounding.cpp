//===- StaticRounding.cpp - activations on a constant grid ----------------===//

#include "llmc/IR/StaticRounding.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace llmc;

/// Whether the zero point, which may be null, is the middle of the integers.
static bool isMiddle(Value zero, IntegerType type) {
  if (!zero)
    return !type.isUnsigned();
  DenseElementsAttr value;
  if (!matchPattern(zero, m_Constant(&value)) || !value.isSplat())
    return false;
  return value.getSplatValue<APInt>() == (type.isUnsigned() ? 128 : 0);
}

std::optional<StaticRounding> llmc::matchStaticRounding(Value value) {
  auto dequantize = value.getDefiningOp<DequantizeLinearOp>();
  auto quantize =
      dequantize ? dequantize.getOperand().getDefiningOp<QuantizeLinearOp>()
                 : QuantizeLinearOp();
  if (!quantize || quantize.getScale() != dequantize.getScale() ||
      quantize.getZeroPoint() != dequantize.getZeroPoint())
    return std::nullopt;
  auto type = dyn_cast<IntegerType>(quantize.getTo());
  if (!type || type.getWidth() != 8 ||
      quantize.getScale().getType().getRank() != 0 ||
      !getElementTypeOrSelf(quantize.getOperand()).isF32() ||
      !getElementTypeOrSelf(quantize.getScale()).isF32() ||
      !quantize.getPrecision().isF32() || !dequantize.getTo().isF32() ||
      !isMiddle(quantize.getZeroPoint(), type))
    return std::nullopt;
  return StaticRounding{quantize, dequantize};
}
