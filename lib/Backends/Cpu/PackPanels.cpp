//===- PackPanels.cpp - weights become panels -----------------------------===//

#include "PanelLayout.h"
#include "llmc/Weights/BlockFormat.h"
#include "llmc/Weights/DecodeWeight.h"
#include "llmc/Weights/RowScales.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/bit.h"
#include <deque>

using namespace mlir;
using namespace llmc;
using namespace llmc::cpu;

namespace {

/// A panel of the parameter: `lanes` rows from `firstRow` on of a weight.
struct PanelSource {
  size_t weight;
  int64_t firstRow;
};

/// Packed integers, and what keeps them alive.
struct Bytes {
  explicit Bytes(Value data) {
    FailureOr<ArrayRef<char>> decoded =
        decodeBytes(data.getDefiningOp(), data, copy);
    assert(succeeded(decoded) && "only what decodes is claimed");
    bytes = *decoded;
  }
  Bytes(const Bytes &) = delete;
  const uint8_t *begin() const {
    return reinterpret_cast<const uint8_t *>(bytes.data());
  }
  SmallVector<char> copy;
  ArrayRef<char> bytes;
};

int64_t getRows(Value weight) {
  return cast<ShapedType>(weight.getType()).getDimSize(0);
}

SmallVector<PanelSource> findSources(const PanelLayout &layout,
                                     ArrayRef<Value> weights,
                                     bool interleaved) {
  SmallVector<PanelSource> sources;
  if (interleaved) {
    for (int64_t row = 0; row < getRows(weights[0]); row += layout.lanes)
      for (size_t i = 0; i < weights.size(); ++i)
        sources.push_back({i, row});
    return sources;
  }
  for (size_t i = 0; i < weights.size(); ++i)
    for (int64_t row = 0; row < getRows(weights[i]); row += layout.lanes)
      sources.push_back({i, row});
  return sources;
}

/// What is packed, by value: packing happens after the claim.
struct Packer {
  PanelLayout layout;
  SmallVector<Value> weights;
  SmallVector<PanelSource> sources;

  BlockFormat getFormat(Value weight) const {
    auto dequantize = weight.getDefiningOp<DequantizeOp>();
    auto lookup = weight.getDefiningOp<LookupOp>();
    return {getRows(weight), layout.columns,
            int64_t(lookup ? lookup.getBlock() : dequantize.getBlock()),
            int64_t(lookup ? lookup.getBits() : dequantize.getBits())};
  }

  void packFloats(char *out) const;
  void packCodes(uint32_t *out) const;
  /// The scale or zero point of each block, a float.
  void packNumbers(llvm::function_ref<Value(Value weight)> getNumbers,
                   FloatFormat format, char *out) const;
  /// The number of each row; 0 for those of a null expression.
  void packRows(llvm::ArrayRef<Value> expressions, float *out) const;
  void packMultiples(uint8_t *out) const;
  void packZeros(uint8_t *out) const;
  void packCodebooks(float *out) const;
};

/// The numbers of each expression; none of a null one.
std::vector<std::vector<float>> decodeAll(ArrayRef<Value> expressions) {
  std::vector<std::vector<float>> values(expressions.size());
  for (auto [expression, numbers] : llvm::zip(expressions, values)) {
    if (!expression)
      continue;
    FailureOr<std::vector<float>> decoded = decodeWeight(expression);
    assert(succeeded(decoded) && "only what decodes is claimed");
    numbers = std::move(*decoded);
  }
  return values;
}

void Packer::packFloats(char *out) const {
  std::vector<std::vector<float>> values = decodeAll(weights);
  int64_t index = 0;
  for (const PanelSource &source : sources) {
    int64_t rows = getRows(weights[source.weight]);
    const float *from = values[source.weight].data();
    for (int64_t chunk = 0; chunk < layout.getStoredColumns();
         chunk += layout.getChunk())
      for (int64_t row = source.firstRow; row < source.firstRow + layout.lanes;
           ++row)
        for (int64_t k = chunk; k < chunk + layout.getChunk(); ++k)
          storeFloat(out, layout.format, index++,
                     row < rows && k < layout.columns
                         ? from[row * layout.columns + k]
                         : 0);
  }
}

/// One line: for each row of `codes`, `pitch` apart, the bits of `plane` in the
/// columns from the first on.
void packLine(const Plane &plane, const uint8_t *codes, int64_t pitch,
              int64_t lanes, uint32_t *out) {
  uint32_t mask = (1u << plane.bits) - 1;
  for (int64_t lane = 0; lane < lanes; ++lane) {
    const uint8_t *row = codes + lane * pitch;
    uint32_t word = 0;
    for (int64_t field = 0; field < 8 / plane.bits; ++field)
      for (int64_t j = 0; j < 4; ++j)
        word |= ((row[4 * field + j] >> plane.offset) & mask)
                << (8 * j + plane.bits * field);
    out[lane] = word;
  }
}

/// Makes the row of a sparse weight what its panels have: in its first half two
/// integers of each four columns, those that are not the middle first, and in
/// its second half their places.
void keepTwoOfFour(MutableArrayRef<uint8_t> row, int64_t bits) {
  uint8_t middle = 1u << (bits - 1);
  std::vector<uint8_t> columns(row.begin(), row.end());
  uint8_t *kept = row.begin(), *places = kept + row.size() / 2;
  for (size_t first = 0; first < columns.size(); first += 4) {
    const uint8_t *last = kept + 2;
    for (bool isMiddle : {false, true})
      for (uint8_t place = 0; place < 4; ++place)
        if (uint8_t code = columns[first + place];
            (code == middle) == isMiddle && kept != last) {
          *kept++ = code ^ middle;
          *places++ = place;
        }
  }
}

void Packer::packCodes(uint32_t *out) const {
  SmallVector<Plane, 3> planes = layout.getPlanes();
  // Padding of sparse weights is zeros, which are not stored.
  uint8_t padding = layout.isSparse ? 1u << (layout.bits - 1) : 0;
  int64_t lanes = layout.lanes, stored = layout.getStoredColumns();
  std::deque<Bytes> data;
  for (Value weight : weights)
    data.emplace_back(weight.getDefiningOp()->getOperand(0));
  std::vector<uint8_t> codes;
  for (const PanelSource &source : sources) {
    BlockFormat format = getFormat(weights[source.weight]);
    // A row of the format may end after or before the stored one, in padding.
    int64_t padded = format.getNumBlocks() * format.block;
    int64_t pitch = std::max(padded, stored);
    int64_t rowBytes = format.getNumBlocks() * format.getBlockBytes();
    codes.assign(lanes * pitch, padding);
    // Where the middle of the range means 0, it moves with the range.
    int64_t shift = layout.hasZeros || layout.isLookup()
                        ? 0
                        : (1 << layout.bits >> 1) - (1 << format.bits >> 1);
    for (int64_t lane = 0; lane < lanes; ++lane) {
      if (int64_t row = source.firstRow + lane; row < format.rows)
        unpackBits(data[source.weight].begin() + row * rowBytes, format.bits,
                   MutableArrayRef(codes).slice(lane * pitch, padded));
      for (uint8_t &code :
           MutableArrayRef(codes).slice(lane * pitch, padded * (shift != 0)))
        code += shift;
      if (layout.isSparse)
        keepTwoOfFour(MutableArrayRef(codes).slice(lane * pitch, stored),
                      layout.bits);
    }
    int64_t size = layout.getChunkIntegers();
    for (int64_t chunk = 0; chunk < stored / layout.getChunk(); ++chunk) {
      const uint8_t *from = codes.data() + chunk * size;
      for (const Plane &plane : planes) {
        for (int64_t k = 0; k < size; k += plane.getColumnsPerLine()) {
          packLine(plane, from + k, pitch, lanes, out);
          out += lanes;
        }
        if (layout.isSparse)
          from += stored / 2;
      }
    }
  }
}

void Packer::packNumbers(llvm::function_ref<Value(Value weight)> getNumbers,
                         FloatFormat format, char *out) const {
  std::vector<std::vector<float>> numbers =
      decodeAll(llvm::map_to_vector(weights, getNumbers));
  int64_t blocks = layout.getNumBlocks(), index = 0;
  for (const PanelSource &source : sources)
    for (int64_t block = 0; block < blocks; ++block)
      for (int64_t row = source.firstRow; row < source.firstRow + layout.lanes;
           ++row)
        storeFloat(out, format, index++,
                   row < getRows(weights[source.weight])
                       ? numbers[source.weight][row * blocks + block]
                       : 0);
}

void Packer::packRows(ArrayRef<Value> expressions, float *out) const {
  std::vector<std::vector<float>> values = decodeAll(expressions);
  for (const PanelSource &source : sources)
    for (int64_t row = source.firstRow; row < source.firstRow + layout.lanes;
         ++row)
      *out++ = row < int64_t(values[source.weight].size())
                   ? values[source.weight][row]
                   : 0;
}

RowScales getRowScales(Value weight) {
  return *matchRowScales(weight.getDefiningOp<DequantizeOp>());
}

void Packer::packMultiples(uint8_t *out) const {
  int64_t blocks = layout.getNumBlocks();
  std::deque<Bytes> multiples;
  for (Value weight : weights)
    multiples.emplace_back(getRowScales(weight).multiples);
  for (const PanelSource &source : sources)
    for (int64_t block = 0; block < blocks; ++block)
      for (int64_t row = source.firstRow; row < source.firstRow + layout.lanes;
           ++row)
        *out++ = row < getRows(weights[source.weight])
                     ? multiples[source.weight].begin()[row * blocks + block]
                     : 0;
}

Value getScales(Value weight) {
  if (auto lookup = weight.getDefiningOp<LookupOp>())
    return lookup.getScales();
  return weight.getDefiningOp<DequantizeOp>().getScales();
}

Value getZeros(Value weight) {
  return weight.getDefiningOp<DequantizeOp>().getZeros();
}

void Packer::packZeros(uint8_t *out) const {
  int64_t blocks = layout.getNumBlocks(), lanes = layout.lanes;
  std::deque<Bytes> zeros;
  for (Value weight : weights)
    zeros.emplace_back(getZeros(weight));
  std::vector<uint8_t> row(blocks);
  for (const PanelSource &source : sources) {
    BlockFormat format = getFormat(weights[source.weight]);
    std::fill_n(out, blocks * lanes, 0);
    for (int64_t lane = 0; lane < lanes; ++lane) {
      int64_t index = source.firstRow + lane;
      if (index >= format.rows)
        break;
      unpackBits(zeros[source.weight].begin() +
                     index * format.getZerosRowBytes(),
                 format.bits, row);
      for (int64_t block = 0; block < blocks; ++block)
        out[block * lanes + lane] = row[block];
    }
    out += blocks * lanes;
  }
}

void Packer::packCodebooks(float *out) const {
  int64_t entries = int64_t(1) << layout.bits, lanes = layout.lanes;
  std::vector<std::vector<float>> codebooks =
      decodeAll(llvm::map_to_vector(weights, [](Value weight) -> Value {
        return weight.getDefiningOp<LookupOp>().getCodebook();
      }));
  auto getTable = [&](const PanelSource &source, int64_t lane) {
    Value weight = weights[source.weight];
    int64_t groups = weight.getDefiningOp<LookupOp>().getGroups();
    int64_t row = std::min(source.firstRow + lane, getRows(weight) - 1);
    return codebooks[source.weight].data() +
           row / (getRows(weight) / groups) * entries;
  };
  for (const PanelSource &source : sources) {
    if (layout.codebook == Codebook::Row) {
      for (int64_t entry = 0; entry < entries; ++entry)
        for (int64_t lane = 0; lane < lanes; ++lane)
          *out++ = getTable(source, lane)[entry];
      continue;
    }
    std::fill_n(out, layout.getTableEntries(), 0);
    std::copy_n(getTable(source, 0), entries, out);
    out += layout.getTableEntries();
    if (layout.codebook == Codebook::Shared)
      return;
  }
}

/// Names the parameters for what is in them: the first weight's name is there
/// already.
std::string getSuffix(const PanelLayout &layout, ArrayRef<Value> weights,
                      bool interleaved) {
  std::string suffix = "panels" + std::to_string(layout.lanes);
  if (layout.isDense())
    suffix += toString(layout.format);
  if (layout.isSparse)
    suffix += ".sparse";
  for (Value weight : weights.drop_front())
    suffix += (interleaved ? "*" : "+") + getParamName(weight).str();
  return suffix;
}
} // namespace

SmallVector<PackedParam> PanelLayout::pack(ArrayRef<Value> weights,
                                           bool interleaved) const {
  Packer packer{*this, SmallVector<Value>(weights),
                findSources(*this, weights, interleaved)};
  int64_t panels = packer.sources.size();
  Builder builder(weights.front().getContext());
  std::string suffix = getSuffix(*this, weights, interleaved);
  SmallVector<PackedParam> params;
  if (isDense()) {
    params.push_back(
        {suffix,
         RankedTensorType::get(
             {panels, getStoredColumns() / getChunk(), lanes * getChunk()},
             getFloatType(format, builder.getContext())),
         [packer](MutableArrayRef<char> bytes) {
           packer.packFloats(bytes.data());
         }});
    return params;
  }
  Type byte = builder.getIntegerType(8, /*isSigned=*/false);
  params.push_back(
      {suffix, RankedTensorType::get({panels * getPanelElements() * 4}, byte),
       [packer](MutableArrayRef<char> bytes) {
         packer.packCodes(reinterpret_cast<uint32_t *>(bytes.data()));
       }});
  SmallVector<int64_t> shape{panels, getNumBlocks(), lanes};
  auto addNumbers = [&](StringRef name, Value (*getNumbers)(Value),
                        bool areHalf) {
    FloatFormat format = areHalf ? FloatFormat::F16 : FloatFormat::F32;
    params.push_back(
        {suffix + name.str(),
         RankedTensorType::get(shape,
                               getFloatType(format, builder.getContext())),
         [packer, getNumbers, format](MutableArrayRef<char> bytes) {
           packer.packNumbers(getNumbers, format, bytes.data());
         }});
  };
  if (rowScales) {
    params.push_back({suffix + ".multiples", RankedTensorType::get(shape, byte),
                      [packer](MutableArrayRef<char> bytes) {
                        packer.packMultiples(
                            reinterpret_cast<uint8_t *>(bytes.data()));
                      }});
    params.push_back(
        {suffix + ".rows",
         RankedTensorType::get({panels * lanes}, builder.getF32Type()),
         [packer](MutableArrayRef<char> bytes) {
           packer.packRows(
               llvm::map_to_vector(
                   packer.weights,
                   [](Value weight) { return getRowScales(weight).rows; }),
               reinterpret_cast<float *>(bytes.data()));
         }});
  } else if (hasScales) {
    addNumbers(".scales", getScales, halfScales);
  }
  if (floatZeros)
    addNumbers(".zeros", getZeros, halfZeros);
  else if (hasZeros)
    params.push_back({suffix + ".zeros", RankedTensorType::get(shape, byte),
                      [packer](MutableArrayRef<char> bytes) {
                        packer.packZeros(
                            reinterpret_cast<uint8_t *>(bytes.data()));
                      }});
  if (isLookup()) {
    int64_t size =
        getTableElements() * (codebook == Codebook::Shared ? 1 : panels);
    params.push_back({suffix + ".codebook",
                      RankedTensorType::get({size}, builder.getF32Type()),
                      [packer](MutableArrayRef<char> bytes) {
                        packer.packCodebooks(
                            reinterpret_cast<float *>(bytes.data()));
                      }});
  }
  return params;
}

PackedParam PanelLayout::packBiases(ArrayRef<Value> weights,
                                    ArrayRef<Value> biases,
                                    bool interleaved) const {
  Packer packer{*this, SmallVector<Value>(weights),
                findSources(*this, weights, interleaved)};
  Builder builder(weights.front().getContext());
  auto fill = [packer, biases = SmallVector<Value>(biases)](
                  MutableArrayRef<char> bytes) {
    packer.packRows(biases, reinterpret_cast<float *>(bytes.data()));
  };
  std::string suffix = getSuffix(*this, weights, interleaved) + ".bias";
  for (Value bias : biases)
    if (bias)
      suffix += "+" + getParamName(bias).str();
  int64_t size = packer.sources.size() * lanes;
  return {suffix, RankedTensorType::get({size}, builder.getF32Type()),
          std::move(fill)};
}
