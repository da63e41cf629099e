//===- PanelLayout.cpp - how kernels read weights -------------------------===//

#include "PanelLayout.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::cpu;

SmallVector<Plane, 3> PanelLayout::getPlanes() const {
  SmallVector<Plane, 3> planes;
  int64_t offset = 0;
  for (int64_t size : {8, 4, 2, 1})
    if (bits & size) {
      planes.push_back({size, offset});
      offset += size;
    }
  return planes;
}

int64_t PanelLayout::getChunk() const {
  // The narrowest plane has the most columns in a line.
  return isDense() ? 1 : getPlanes().back().getColumnsPerLine();
}

/// Whether f16 holds every scale exactly.
static bool areHalf(DequantizeOp op) {
  auto weight = op.getScales().getDefiningOp<WeightOp>();
  auto param = SymbolTable::lookupNearestSymbolFrom<ParamOp>(
      weight, weight.getParamAttr());
  SmallVector<char> copy;
  ArrayRef<char> bytes = getParamBytes(param, copy);
  return llvm::all_of(ArrayRef(reinterpret_cast<const float *>(bytes.data()),
                               bytes.size() / sizeof(float)),
                      [](float scale) {
                        bool losesInfo = false;
                        APFloat half(scale);
                        half.convert(APFloat::IEEEhalf(),
                                     APFloat::rmNearestTiesToEven, &losesInfo);
                        return !losesInfo;
                      });
}

std::optional<PanelLayout> PanelLayout::of(Value weight, int64_t lanes) {
  auto type = cast<RankedTensorType>(weight.getType());
  if (!type.hasStaticShape() || !type.getElementType().isF32())
    return std::nullopt;
  PanelLayout layout;
  layout.columns = type.getDimSize(1);
  layout.lanes = lanes;
  if (auto dequantize = weight.getDefiningOp<DequantizeOp>()) {
    layout.bits = dequantize.getBits();
    layout.block = std::min<int64_t>(dequantize.getBlock(), layout.columns);
    layout.hasZeros = bool(dequantize.getZeros());
    for (Value operand : dequantize->getOperands())
      if (!operand.getDefiningOp<WeightOp>())
        return std::nullopt;
    if (layout.bits < 2 || layout.bits > 8 ||
        (layout.getNumBlocks() > 1 && layout.block % layout.getChunk() != 0))
      return std::nullopt;
    layout.halfScales = areHalf(dequantize);
    return layout;
  }
  Value source = weight;
  if (auto transpose = source.getDefiningOp<TransposeOp>();
      transpose && transpose.getPerm() == ArrayRef<int64_t>{1, 0})
    source = transpose.getOperand();
  if (!source.getDefiningOp<WeightOp>())
    return std::nullopt;
  layout.block = layout.columns;
  return layout;
}

StringRef llmc::cpu::getParamName(Value weight) {
  while (!weight.getDefiningOp<WeightOp>())
    weight = weight.getDefiningOp()->getOperand(0);
  return weight.getDefiningOp<WeightOp>().getParam();
}
