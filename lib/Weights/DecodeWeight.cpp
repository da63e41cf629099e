//===- DecodeWeight.cpp - the numbers of a weight expression --------------===//

#include "llmc/Weights/DecodeWeight.h"
#include "llmc/Weights/BlockFormat.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace llmc;

/// The parameter that `value` loads; an error at `user` for any other value.
static FailureOr<ParamOp> getParam(Operation *user, Value value) {
  auto load = value.getDefiningOp<WeightOp>();
  auto param = load ? SymbolTable::lookupNearestSymbolFrom<ParamOp>(
                          load, load.getParamAttr())
                    : ParamOp();
  if (param)
    return param;
  return user->emitOpError("has an operand that is not an llmc.weight, so "
                           "that its values cannot be computed here");
}

/// The places of the values of a row.
static FailureOr<std::vector<uint8_t>> getPlaces(DensifyOp op, int64_t kept) {
  FailureOr<ParamOp> param = getParam(op, op.getMeta());
  if (failed(param))
    return failure();
  SmallVector<char> copy;
  ArrayRef<char> bytes = getParamBytes(*param, copy);
  int64_t rows = op.getType().getDimSize(0), bits = op.getPlaceBits(),
          rowBytes = llvm::divideCeil(kept * bits, 8);
  if (int64_t(bytes.size()) != rows * rowBytes)
    return op.emitOpError("reads a parameter whose bytes were freed");
  std::vector<uint8_t> places(rows * kept);
  for (int64_t row = 0; row < rows; ++row)
    unpackBits(reinterpret_cast<const uint8_t *>(bytes.data()) + row * rowBytes,
               bits, MutableArrayRef(places).slice(row * kept, kept));
  return places;
}

/// Puts values in their places; see llmc.densify.
template <typename T>
static void spread(DensifyOp op, ArrayRef<uint8_t> places, ArrayRef<T> values,
                   MutableArrayRef<T> dense) {
  auto [n, m] = op.getNM();
  for (size_t i = 0; i < places.size(); ++i)
    if (places[i] < m)
      dense[i / n * m + places[i]] = values[i];
}

static FailureOr<std::vector<float>> decode(DensifyOp op) {
  if (op.getBits())
    return op.emitOpError("makes packed integers, which are no weight");
  FailureOr<std::vector<float>> values = decodeWeight(op.getValues());
  if (failed(values))
    return failure();
  FailureOr<std::vector<uint8_t>> places =
      getPlaces(op, op.getValues().getType().getDimSize(1));
  if (failed(places))
    return failure();
  std::vector<float> dense(op.getType().getNumElements());
  spread<float>(op, *places, *values, dense);
  return dense;
}

static FailureOr<std::vector<float>> decode(DensifyBitmapOp op) {
  FailureOr<std::vector<float>> values = decodeWeight(op.getValues());
  FailureOr<ParamOp> mask = getParam(op, op.getMask()),
                     starts = getParam(op, op.getStarts());
  if (failed(values) || failed(mask) || failed(starts))
    return failure();
  SmallVector<char> maskCopy, startsCopy;
  ArrayRef<char> bits = getParamBytes(*mask, maskCopy),
                 counts = getParamBytes(*starts, startsCopy);
  auto [tileRows, tileColumns] = op.getTileSizes();
  int64_t columns = op.getColumns(), tiles = columns / tileColumns,
          rows = op.getMask().getType().getDimSize(0),
          rowBytes = llvm::divideCeil(tiles, 8), size = tileRows * tileColumns;
  if (int64_t(bits.size()) != rows * rowBytes ||
      int64_t(counts.size()) != rows * 4)
    return op.emitOpError("reads a parameter whose bytes were freed");
  std::vector<float> dense(op.getType().getNumElements());
  for (int64_t row = 0; row < rows; ++row) {
    int32_t start;
    std::memcpy(&start, counts.data() + row * 4, 4);
    int64_t number = start;
    for (int64_t tile = 0; tile < tiles; ++tile) {
      if (!(bits[row * rowBytes + tile / 8] >> tile % 8 & 1))
        continue;
      float *to = dense.data() + row * tileRows * columns + tile * tileColumns;
      for (int64_t i = 0; i < size; ++i) {
        int64_t place = number * size + i;
        if (place >= 0 && place < int64_t(values->size()))
          to[i / tileColumns * columns + i % tileColumns] = (*values)[place];
      }
      ++number;
    }
  }
  return dense;
}

FailureOr<ArrayRef<char>> llmc::decodeBytes(Operation *user, Value value,
                                            SmallVectorImpl<char> &copy) {
  auto op = value.getDefiningOp<DensifyOp>();
  if (!op || !op.getBits()) {
    FailureOr<ParamOp> param = getParam(user, value);
    if (failed(param))
      return failure();
    return getParamBytes(*param, copy);
  }
  FailureOr<ParamOp> param = getParam(op, op.getValues());
  if (failed(param))
    return failure();
  SmallVector<char> valuesCopy;
  ArrayRef<char> bytes = getParamBytes(*param, valuesCopy);
  RankedTensorType from = op.getValues().getType(), to = op.getType();
  int64_t bits = *op.getBits(), count = from.getDimSize(0) * from.getDimSize(1);
  int64_t kept = from.getDimSize(2) * 8 / bits,
          size = to.getDimSize(2) * 8 / bits;
  if (int64_t(bytes.size()) != from.getNumElements())
    return op.emitOpError("reads a parameter whose bytes were freed");
  FailureOr<std::vector<uint8_t>> places =
      getPlaces(op, kept * from.getDimSize(1));
  if (failed(places))
    return failure();
  copy.resize(to.getNumElements());
  std::vector<uint8_t> values(kept), dense(size);
  for (int64_t block = 0; block < count; ++block) {
    unpackBits(reinterpret_cast<const uint8_t *>(bytes.data()) +
                   block * from.getDimSize(2),
               bits, values);
    std::fill(dense.begin(), dense.end(), op.getFillCode());
    spread<uint8_t>(op, ArrayRef(*places).slice(block * kept, kept), values,
                    dense);
    packBits(dense, bits,
             reinterpret_cast<uint8_t *>(copy.data()) +
                 block * to.getDimSize(2));
  }
  return ArrayRef<char>(copy);
}

static FailureOr<std::vector<float>> decode(WeightOp op) {
  FailureOr<ParamOp> param = getParam(op, op);
  if (failed(param))
    return failure();
  Type element = op.getType().getElementType();
  SmallVector<char> copy;
  ArrayRef<char> bytes = getParamBytes(*param, copy);
  std::vector<float> values(op.getType().getNumElements());
  bool isSigned = element.isSignlessInteger(8);
  if ((isSigned || element.isUnsignedInteger(8)) &&
      bytes.size() == values.size()) {
    for (auto [value, byte] : llvm::zip(values, bytes))
      value = isSigned ? float(int8_t(byte)) : float(uint8_t(byte));
    return values;
  }
  std::optional<FloatFormat> format = getFloatFormat(element);
  if (!format)
    return op.emitOpError("has elements of type ")
           << element << "; f32, f16, bf16, i8 and ui8 are read";
  if (bytes.size() != values.size() * getFloatBytes(*format))
    return op.emitOpError("reads a parameter whose bytes were freed");
  for (size_t i = 0; i < values.size(); ++i)
    values[i] = loadFloat(bytes.data(), *format, i);
  return values;
}

static FailureOr<std::vector<float>> decode(DequantizeOp op) {
  SmallVector<char> copies[2];
  FailureOr<ArrayRef<char>> data = decodeBytes(op, op.getData(), copies[0]),
                            packed = ArrayRef<char>();
  FailureOr<std::vector<float>> scales = decodeWeight(op.getScales()),
                                zeros = std::vector<float>();
  if (hasFloatZeros(op))
    zeros = decodeWeight(op.getZeros());
  else if (op.getZeros())
    packed = decodeBytes(op, op.getZeros(), copies[1]);
  if (failed(data) || failed(scales) || failed(zeros) || failed(packed))
    return failure();
  auto getBytes = [](const std::vector<float> &values) {
    return ArrayRef(reinterpret_cast<const char *>(values.data()),
                    values.size() * sizeof(float));
  };
  BlockData bytes{*data, getBytes(*scales),
                  hasFloatZeros(op) ? getBytes(*zeros) : *packed,
                  FloatFormat::F32, hasFloatZeros(op)};
  BlockFormat blocks{op.getType().getDimSize(0), op.getType().getDimSize(1),
                     int64_t(op.getBlock()), int64_t(op.getBits())};
  if (llvm::Error error = blocks.verify())
    return op.emitOpError() << llvm::toString(std::move(error));
  std::vector<float> values(blocks.rows * blocks.columns);
  if (llvm::Error error = decodeRows(blocks, bytes, 0, values))
    return op.emitOpError() << llvm::toString(std::move(error));
  return values;
}

static FailureOr<std::vector<float>> decode(LookupOp op) {
  SmallVector<char> copy;
  FailureOr<ArrayRef<char>> bytes = decodeBytes(op, op.getIndices(), copy);
  if (failed(bytes))
    return failure();
  FailureOr<std::vector<float>> codebook = decodeWeight(op.getCodebook());
  if (failed(codebook))
    return failure();
  FailureOr<std::vector<float>> scales = std::vector<float>();
  if (op.getScales() && failed(scales = decodeWeight(op.getScales())))
    return failure();
  int64_t dims = op.getDims(), columns = op.getType().getDimSize(1);
  BlockFormat format{op.getType().getDimSize(0), columns / dims,
                     int64_t(op.getBlock()) / dims, int64_t(op.getBits())};
  if (llvm::Error error = format.verify())
    return op.emitOpError() << llvm::toString(std::move(error));
  if (int64_t(bytes->size()) != format.getDataBytes())
    return op.emitOpError("reads a parameter whose bytes were freed");
  int64_t blocks = format.getNumBlocks(), padded = blocks * format.block;
  int64_t groupRows = std::max<int64_t>(format.rows / op.getGroups(), 1);
  SmallVector<uint8_t> codes(padded);
  std::vector<float> values;
  values.reserve(format.rows * columns);
  for (int64_t row = 0; row < format.rows; ++row) {
    unpackBits(reinterpret_cast<const uint8_t *>(bytes->data()) +
                   row * blocks * format.getBlockBytes(),
               format.bits, codes);
    const float *table =
        codebook->data() + (row / groupRows << format.bits) * dims;
    for (int64_t column = 0; column < columns; ++column) {
      float value = table[codes[column / dims] * dims + column % dims];
      if (op.getScales())
        value *= (*scales)[row * blocks + column / int64_t(op.getBlock())];
      values.push_back(value);
    }
  }
  return values;
}

/// A small table that is not a parameter.
static FailureOr<std::vector<float>> decode(ConstantOp op) {
  auto dense = dyn_cast<DenseFPElementsAttr>(op.getValue());
  if (!dense || !getFloatFormat(dense.getElementType()))
    return op.emitOpError("does not hold f32, f16 or bf16 in the module");
  std::vector<float> values;
  for (APFloat value : dense.getValues<APFloat>()) {
    bool losesInfo;
    value.convert(APFloat::IEEEsingle(), APFloat::rmNearestTiesToEven,
                  &losesInfo);
    values.push_back(value.convertToFloat());
  }
  return values;
}

static FailureOr<std::vector<float>> decode(TransposeOp op) {
  if (op.getPerm() != ArrayRef<int64_t>{1, 0})
    return op.emitOpError("is not a matrix transpose");
  FailureOr<std::vector<float>> values = decodeWeight(op.getOperand());
  if (failed(values))
    return failure();
  auto type = cast<RankedTensorType>(op.getType());
  int64_t rows = type.getDimSize(0), columns = type.getDimSize(1);
  std::vector<float> result(values->size());
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j)
      result[i * columns + j] = (*values)[j * rows + i];
  return result;
}

/// The product of two matrices: a low-rank weight.
static FailureOr<std::vector<float>> decode(MatMulOp op) {
  RankedTensorType lhs = op.getLhs().getType(), rhs = op.getRhs().getType();
  if (lhs.getRank() != 2 || rhs.getRank() != 2)
    return op.emitOpError("is not a product of matrices");
  FailureOr<std::vector<float>> u = decodeWeight(op.getLhs());
  if (failed(u))
    return failure();
  FailureOr<std::vector<float>> v = decodeWeight(op.getRhs());
  if (failed(v))
    return failure();
  int64_t rows = lhs.getDimSize(0), rank = lhs.getDimSize(1),
          columns = rhs.getDimSize(1);
  std::vector<float> product(rows * columns);
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t k = 0; k < rank; ++k)
      for (int64_t j = 0; j < columns; ++j)
        product[i * columns + j] += (*u)[i * rank + k] * (*v)[k * columns + j];
  return product;
}

/// The sum of two weights: one with a correction.
static FailureOr<std::vector<float>> decode(AddOp op) {
  if (op.getLhs().getType() != op.getRhs().getType())
    return op.emitOpError("is not a sum of weights of one type");
  FailureOr<std::vector<float>> sum = decodeWeight(op.getLhs());
  if (failed(sum))
    return failure();
  FailureOr<std::vector<float>> other = decodeWeight(op.getRhs());
  if (failed(other))
    return failure();
  for (auto [value, more] : llvm::zip(*sum, *other))
    value += more;
  return sum;
}

/// Scales of blocks as small numbers times one for each row, or for all.
static FailureOr<std::vector<float>> decode(MulOp op) {
  RankedTensorType lhs = op.getLhs().getType(), rhs = op.getRhs().getType();
  if (lhs.getRank() != 2 || rhs.getRank() != 2 || lhs != op.getType() ||
      rhs.getDimSize(0) != lhs.getDimSize(0) || rhs.getDimSize(1) != 1)
    return op.emitOpError("is not a product of a matrix and a column");
  FailureOr<std::vector<float>> values = decodeWeight(op.getLhs());
  if (failed(values))
    return failure();
  FailureOr<std::vector<float>> column = decodeWeight(op.getRhs());
  if (failed(column))
    return failure();
  int64_t columns = lhs.getDimSize(1);
  for (auto [index, value] : llvm::enumerate(*values))
    value *= (*column)[index / columns];
  return values;
}

static FailureOr<std::vector<float>> decode(CastOp op) {
  std::optional<FloatFormat> format = getFloatFormat(op.getTo());
  if (!format)
    return op.emitOpError("makes elements of type ")
           << op.getTo() << "; f32, f16 and bf16 are known here";
  FailureOr<std::vector<float>> values = decodeWeight(op.getOperand());
  if (failed(values) || *format == FloatFormat::F32)
    return values;
  char rounded[2];
  for (float &value : *values) {
    storeFloat(rounded, *format, 0, value);
    value = loadFloat(rounded, *format, 0);
  }
  return values;
}

FailureOr<std::vector<float>> llmc::decodeWeight(Value weight) {
  Operation *op = weight.getDefiningOp();
  if (!op)
    return emitError(weight.getLoc(), "the weight is an argument");
  using Result = FailureOr<std::vector<float>>;
  return llvm::TypeSwitch<Operation *, Result>(op)
      .Case<WeightOp, ConstantOp, DequantizeOp, LookupOp, DensifyOp,
            DensifyBitmapOp, TransposeOp, MatMulOp, AddOp, MulOp, CastOp>(
          [](auto known) { return decode(known); })
      .Default([](Operation *op) -> Result {
        return op->emitOpError("is not known in a weight expression");
      });
}
