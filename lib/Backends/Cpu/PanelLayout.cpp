//===- PanelLayout.cpp - how kernels read weights -------------------------===//

#include "PanelLayout.h"
#include "llmc/Weights/BlockFormat.h"
#include "llmc/Weights/DecodeWeight.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::cpu;

std::optional<PanelLayout> PanelLayout::of(Value weight, int64_t lanes) {
  auto type = cast<RankedTensorType>(weight.getType());
  PanelLayout layout;
  layout.rows = type.getDimSize(0);
  layout.columns = type.getDimSize(1);
  layout.width = 2 * lanes;
  if (auto dequantize = weight.getDefiningOp<DequantizeOp>()) {
    layout.bits = dequantize.getBits();
    layout.block = dequantize.getBlock();
    layout.hasZeros = bool(dequantize.getZeros());
    bool isRead = layout.bits == 2 || layout.bits == 4 || layout.bits == 8;
    for (Value operand : dequantize->getOperands())
      isRead &= bool(operand.getDefiningOp<WeightOp>());
    if (!isRead || !type.getElementType().isF32() ||
        layout.block % layout.getStepsPerGroup() != 0 ||
        layout.columns % layout.getStepsPerGroup() != 0)
      return std::nullopt;
    return layout;
  }
  Value source = weight;
  if (auto transpose = source.getDefiningOp<TransposeOp>();
      transpose && transpose.getPerm() == ArrayRef<int64_t>{1, 0})
    source = transpose.getOperand();
  if (!source.getDefiningOp<WeightOp>() || !type.getElementType().isF32())
    return std::nullopt;
  layout.block = layout.columns;
  return layout;
}

//===----------------------------------------------------------------------===//
// Packing
//===----------------------------------------------------------------------===//

/// A parameter's bytes, and what keeps them alive.
struct Bytes {
  explicit Bytes(Value load) {
    auto weight = load.getDefiningOp<WeightOp>();
    bytes = getParamBytes(SymbolTable::lookupNearestSymbolFrom<ParamOp>(
                              weight, weight.getParamAttr()),
                          copy);
  }
  SmallVector<char> copy;
  ArrayRef<char> bytes;
};

static void packFloats(const PanelLayout &layout, Value weight,
                       MutableArrayRef<char> bytes) {
  FailureOr<std::vector<float>> values = decodeWeight(weight);
  assert(succeeded(values) && "PanelLayout::of takes only what decodes");
  auto *out = reinterpret_cast<float *>(bytes.data());
  for (int64_t panel = 0; panel < layout.getNumPanels(); ++panel)
    for (int64_t k = 0; k < layout.columns; ++k)
      for (int64_t j = 0; j < layout.width; ++j) {
        int64_t row = panel * layout.width + j;
        *out++ = row < layout.rows ? (*values)[row * layout.columns + k] : 0;
      }
}

static void packCodes(const PanelLayout &layout, DequantizeOp op,
                      MutableArrayRef<char> bytes) {
  Bytes data(op.getData());
  BlockFormat format{layout.rows, layout.columns, layout.block, layout.bits};
  int64_t rowBytes = format.getNumBlocks() * format.getBlockBytes();
  int64_t padded = format.getNumBlocks() * layout.block;
  int64_t steps = layout.getStepsPerGroup(), half = layout.width / 2;
  std::vector<uint8_t> codes(layout.width * padded);
  auto *out = reinterpret_cast<uint8_t *>(bytes.data());
  for (int64_t panel = 0; panel < layout.getNumPanels(); ++panel) {
    std::fill(codes.begin(), codes.end(), 0);
    for (int64_t j = 0; j < layout.width; ++j)
      if (int64_t row = panel * layout.width + j; row < layout.rows)
        unpackBits(reinterpret_cast<const uint8_t *>(data.bytes.data()) +
                       row * rowBytes,
                   layout.bits,
                   MutableArrayRef(codes).slice(j * padded, padded));
    for (int64_t k = 0; k < padded; k += steps) {
      if (layout.bits == 8) {
        for (int64_t j = 0; j < layout.width; ++j)
          *out++ = codes[j * padded + k];
        continue;
      }
      for (int64_t j = 0; j < half; ++j) {
        uint8_t byte = 0;
        for (int64_t step = 0; step < steps; ++step)
          for (int64_t side = 0; side < 2; ++side)
            byte |= codes[(j + side * half) * padded + k + step]
                    << (2 * step + side) * layout.bits;
        *out++ = byte;
      }
    }
  }
}

/// [panels, blocks, width] of what `read` gives for a row and a block.
template <typename T, typename Read>
static void packPerBlock(const PanelLayout &layout, MutableArrayRef<char> bytes,
                         Read read) {
  auto *out = reinterpret_cast<T *>(bytes.data());
  for (int64_t panel = 0; panel < layout.getNumPanels(); ++panel)
    for (int64_t block = 0; block < layout.getNumBlocks(); ++block)
      for (int64_t j = 0; j < layout.width; ++j) {
        int64_t row = panel * layout.width + j;
        *out++ = row < layout.rows ? read(row, block) : T(0);
      }
}

SmallVector<PackedParam> PanelLayout::pack(Value weight) const {
  Builder builder(weight.getContext());
  // Layouts that differ have different names.
  std::string suffix = "panels" + std::to_string(width) + (bits ? "" : "f32");
  int64_t panels = getNumPanels(), blocks = getNumBlocks();
  SmallVector<PackedParam> params;
  if (bits == 0) {
    params.push_back(
        {suffix,
         RankedTensorType::get({panels, columns, width}, builder.getF32Type()),
         [layout = *this, weight](MutableArrayRef<char> bytes) {
           packFloats(layout, weight, bytes);
         }});
    return params;
  }
  auto op = weight.getDefiningOp<DequantizeOp>();
  Type byte = builder.getIntegerType(8, /*isSigned=*/false);
  params.push_back(
      {suffix, RankedTensorType::get({panels * blocks * getBlockBytes()}, byte),
       [layout = *this, op](MutableArrayRef<char> bytes) mutable {
         packCodes(layout, op, bytes);
       }});
  SmallVector<int64_t> shape{panels, blocks, width};
  params.push_back(
      {suffix + ".scales", RankedTensorType::get(shape, builder.getF32Type()),
       [layout = *this, op](MutableArrayRef<char> bytes) mutable {
         Bytes scales(op.getScales());
         packPerBlock<float>(layout, bytes, [&](int64_t row, int64_t block) {
           return loadFloat(scales.bytes.data(), FloatFormat::F32,
                            row * layout.getNumBlocks() + block);
         });
       }});
  if (hasZeros)
    params.push_back(
        {suffix + ".zeros", RankedTensorType::get(shape, byte),
         [layout = *this, op](MutableArrayRef<char> bytes) mutable {
           Bytes zeros(op.getZeros());
           BlockFormat format{layout.rows, layout.columns, layout.block,
                              layout.bits};
           std::vector<uint8_t> row(format.getNumBlocks());
           int64_t current = -1;
           packPerBlock<uint8_t>(
               layout, bytes, [&](int64_t index, int64_t block) {
                 if (index != current)
                   unpackBits(
                       reinterpret_cast<const uint8_t *>(zeros.bytes.data()) +
                           index * format.getZerosRowBytes(),
                       layout.bits, row);
                 current = index;
                 return row[block];
               });
         }});
  return params;
}

//===----------------------------------------------------------------------===//
// Configuration
//===----------------------------------------------------------------------===//

DictionaryAttr PanelLayout::toConfig(MLIRContext *context) const {
  Builder b(context);
  return b.getDictionaryAttr(
      {b.getNamedAttr("rows", b.getI64IntegerAttr(rows)),
       b.getNamedAttr("columns", b.getI64IntegerAttr(columns)),
       b.getNamedAttr("width", b.getI64IntegerAttr(width)),
       b.getNamedAttr("bits", b.getI64IntegerAttr(bits)),
       b.getNamedAttr("block", b.getI64IntegerAttr(block)),
       b.getNamedAttr("zeros", b.getBoolAttr(hasZeros))});
}

PanelLayout PanelLayout::fromConfig(DictionaryAttr config) {
  auto get = [&](StringRef name) {
    return config.getAs<IntegerAttr>(name).getInt();
  };
  return {get("rows"),  get("columns"),
          get("width"), get("bits"),
          get("block"), config.getAs<BoolAttr>("zeros").getValue()};
}
