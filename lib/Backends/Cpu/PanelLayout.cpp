//===- PanelLayout.cpp - how kernels read weights -------------------------===//

#include "PanelLayout.h"
#include "llmc/Weights/DecodeWeight.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::cpu;

SmallVector<Plane, 3> PanelLayout::getPlanes() const {
  if (isSparse)
    return {{bits, 0}, {2, 0}};
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
  if (isDense())
    return isPaired() ? 2 : 1;
  // The narrowest plane has the most columns in a line.
  return getPlanes().back().getColumnsPerLine() * (isSparse ? 2 : 1);
}

/// Whether f16 holds every scale or zero point exactly.
static bool areHalf(Value numbers) {
  FailureOr<std::vector<float>> values = decodeWeight(numbers);
  return succeeded(values) && llvm::all_of(*values, [](float value) {
           float half = halfToFloat(floatToHalf(value));
           return llvm::bit_cast<uint32_t>(half) ==
                  llvm::bit_cast<uint32_t>(value);
         });
}

/// Whether packing finds the places.
static bool isStored(DensifyOp op) {
  return bool(op.getMeta().getDefiningOp<WeightOp>());
}

static bool isStored(DensifyBitmapOp op) {
  return op.getMask().getDefiningOp<WeightOp>() &&
         op.getStarts().getDefiningOp<WeightOp>();
}

/// Whether packing finds the integers.
static bool isStored(Value data) {
  if (auto densify = data.getDefiningOp<DensifyOp>())
    return isStored(densify) && densify.getValues().getDefiningOp<WeightOp>();
  return bool(data.getDefiningOp<WeightOp>());
}

WeightOp llmc::cpu::getDense(Value value) {
  while (Operation *op = value.getDefiningOp()) {
    if (auto load = dyn_cast<WeightOp>(op))
      return getFloatFormat(load.getType().getElementType()) ? load
                                                             : WeightOp();
    auto cast = dyn_cast<CastOp>(op);
    auto transpose = dyn_cast<TransposeOp>(op);
    auto densify = dyn_cast<DensifyOp>(op);
    auto bitmap = dyn_cast<DensifyBitmapOp>(op);
    if (!(cast && cast.getTo().isF32()) && !(densify && isStored(densify)) &&
        !(bitmap && isStored(bitmap)) &&
        !(transpose && transpose.getPerm() == ArrayRef<int64_t>{1, 0}))
      return {};
    value = op->getOperand(0);
  }
  return {};
}

void PanelLayout::add(const PanelLayout &other, bool sameCodebook) {
  halfScales &= other.halfScales;
  halfZeros &= other.halfZeros;
  Codebook shared = std::max(codebook, other.codebook);
  codebook =
      shared == Codebook::Shared && !sameCodebook ? Codebook::Panel : shared;
}

/// Whether packing can compute the numbers of a small operand, such as scales
/// that are stored as integers and one number for each row, or as exponents.
static bool isKnown(Value value) {
  if (auto constant = value.getDefiningOp<ConstantOp>())
    return isa<DenseFPElementsAttr>(constant.getValue());
  if (auto product = value.getDefiningOp<MulOp>())
    return isKnown(product.getLhs()) && isKnown(product.getRhs());
  if (auto lookup = value.getDefiningOp<LookupOp>())
    return isStored(lookup.getIndices()) && isKnown(lookup.getCodebook()) &&
           (!lookup.getScales() || isKnown(lookup.getScales()));
  if (auto cast = value.getDefiningOp<CastOp>())
    if (auto load = cast.getOperand().getDefiningOp<WeightOp>();
        load && (load.getType().getElementType().isUnsignedInteger(8) ||
                 load.getType().getElementType().isSignlessInteger(8)))
      return true;
  return bool(getDense(value));
}

/// Whether at most two of each four columns are more than zeros, which are the
/// middle of the range.
static bool isTwoOfFour(Value data) {
  auto densify = data.getDefiningOp<DensifyOp>();
  if (!densify)
    return false;
  auto [n, m] = densify.getNM();
  int64_t bits = densify.getBits().value_or(0);
  return 4 % m == 0 && 2 * n <= m && (bits == 4 || bits == 8) &&
         densify.getFillCode() == int64_t(1) << (bits - 1);
}

/// Completes the layout of integers or indices in blocks.
static std::optional<PanelLayout> ofBlocks(PanelLayout layout, Value data,
                                           Value scales) {
  if (!isStored(data) || (scales && !isKnown(scales)) || layout.bits < 2 ||
      layout.bits > 8 ||
      (layout.getNumBlocks() > 1 && layout.block % layout.getChunk() != 0))
    return std::nullopt;
  layout.hasScales = bool(scales);
  layout.halfScales = scales && areHalf(scales);
  return layout;
}

std::optional<PanelLayout> PanelLayout::of(Value weight, int64_t lanes) {
  auto type = cast<RankedTensorType>(weight.getType());
  if (!type.hasStaticShape() || type.getNumElements() == 0 ||
      !getFloatFormat(type.getElementType()))
    return std::nullopt;
  PanelLayout layout;
  layout.columns = type.getDimSize(1);
  layout.lanes = lanes;
  if (auto dequantize = weight.getDefiningOp<DequantizeOp>()) {
    layout.bits = dequantize.getBits();
    layout.block = std::min<int64_t>(dequantize.getBlock(), layout.columns);
    Value zeros = dequantize.getZeros();
    layout.hasZeros = bool(zeros);
    layout.floatZeros = hasFloatZeros(dequantize);
    if (zeros && !(layout.floatZeros ? isKnown(zeros)
                                     : bool(zeros.getDefiningOp<WeightOp>())))
      return std::nullopt;
    layout.halfZeros = layout.floatZeros && areHalf(zeros);
    layout.isSparse = isTwoOfFour(dequantize.getData());
    if (layout.getNumBlocks() > 1 && layout.block % layout.getChunk() != 0)
      layout.isSparse = false;
    // Integers whose lines reach over a block are stored in more bits.
    while (layout.getNumBlocks() > 1 && layout.bits < 8 &&
           layout.block % layout.getChunk() != 0)
      layout.bits = layout.bits < 4 ? 4 : 8;
    return ofBlocks(layout, dequantize.getData(), dequantize.getScales());
  }
  if (auto lookup = weight.getDefiningOp<LookupOp>()) {
    if (!isKnown(lookup.getCodebook()))
      return std::nullopt;
    // Vectors are unpacked.
    if (lookup.getDims() > 1) {
      layout.block = layout.columns;
      Value scales = lookup.getScales();
      return isStored(lookup.getIndices()) && (!scales || isKnown(scales))
                 ? std::optional(layout)
                 : std::nullopt;
    }
    layout.bits = lookup.getBits();
    // Without scales, blocks mean nothing.
    layout.block = lookup.getScales()
                       ? std::min<int64_t>(lookup.getBlock(), layout.columns)
                       : layout.columns;
    int64_t groups = lookup.getGroups();
    layout.codebook = groups == 1 ? Codebook::Shared
                      : type.getDimSize(0) / groups % lanes == 0
                          ? Codebook::Panel
                          : Codebook::Row;
    return ofBlocks(layout, lookup.getIndices(), lookup.getScales());
  }
  layout.block = layout.columns;
  // Its integers lie in other blocks than those of panels.
  if (auto bitmap = weight.getDefiningOp<DensifyBitmapOp>())
    if (auto values = bitmap.getValues().getDefiningOp<DequantizeOp>())
      return isStored(bitmap) && isStored(values.getData()) &&
                     getDense(values.getScales()) &&
                     (!values.getZeros() ||
                      (hasFloatZeros(values) ? bool(getDense(values.getZeros()))
                                             : isStored(values.getZeros())))
                 ? std::optional(layout)
                 : std::nullopt;
  WeightOp load = getDense(weight);
  if (!load)
    return std::nullopt;
  layout.format = *getFloatFormat(load.getType().getElementType());
  return layout;
}

std::optional<std::string> llmc::cpu::getPattern(Value weight) {
  while (Operation *op = weight.getDefiningOp()) {
    if (auto densify = dyn_cast<DensifyOp>(op))
      return densify.getPattern().str();
    if (isa<DensifyBitmapOp>(op))
      return "stored without its zeros";
    if (auto lookup = dyn_cast<LookupOp>(op); lookup && lookup.getDims() > 1)
      return "stored as indices of vectors";
    if (op->getNumOperands() == 0)
      break;
    weight = op->getOperand(0);
  }
  return std::nullopt;
}

StringRef llmc::cpu::getParamName(Value weight) {
  while (!weight.getDefiningOp<WeightOp>())
    weight = weight.getDefiningOp()->getOperand(0);
  return weight.getDefiningOp<WeightOp>().getParam();
}
