//===- WeightOps.cpp - parameters and the expressions over them -----------===//

#include "llmc/IR/Dialect.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace llmc;

#define GET_OP_CLASSES
#include "llmc/IR/WeightOps.cpp.inc"

void LLMCDialect::registerWeightOps() {
  addOperations<
#define GET_OP_LIST
#include "llmc/IR/WeightOps.cpp.inc"
      >();
}

/// Bytes in row-major order: i1 takes a byte, other elements narrower than a
/// byte are packed. Nothing when the product overflows.
static std::optional<int64_t> checkedByteSize(RankedTensorType type) {
  int64_t bits = type.getElementTypeBitWidth();
  if (bits == 1)
    bits = 8;
  for (int64_t size : type.getShape())
    if (llvm::MulOverflow(bits, size, bits))
      return std::nullopt;
  return llvm::divideCeil(bits, 8);
}

static int64_t byteSize(RankedTensorType type) {
  return *checkedByteSize(type);
}

//===----------------------------------------------------------------------===//
// ParamOp, WeightOp, ConstantOp
//===----------------------------------------------------------------------===//

LogicalResult ParamOp::verify() {
  auto type = dyn_cast<RankedTensorType>(getValue().getType());
  if (!type || !type.hasStaticShape())
    return emitOpError("needs a ranked type with static dimensions");
  if (!type.getElementType().isIntOrFloat())
    return emitOpError("needs elements that are integers or floats, not ")
           << type.getElementType();
  unsigned width = type.getElementTypeBitWidth();
  if (!llvm::isPowerOf2_32(width) || width > 64)
    return emitOpError("needs elements of 1, 2, 4, 8, 16, 32 or 64 bits, not ")
           << type.getElementType();
  std::optional<int64_t> needed = checkedByteSize(type);
  if (!needed)
    return emitOpError("has a type whose size overflows");
  auto resource = dyn_cast<DenseResourceElementsAttr>(getValue());
  if (!resource) {
    if (!isa<DenseElementsAttr>(getValue()))
      return emitOpError("needs a value that is dense or dense_resource");
    return success();
  }
  // Upstream accepts a missing blob and any size.
  AsmResourceBlob *blob = resource.getRawHandle().getBlob();
  if (!blob)
    return emitOpError("has no data: the resource '")
           << resource.getRawHandle().getKey() << "' is not defined";
  if (int64_t(blob->getData().size()) != *needed)
    return emitOpError("holds ") << blob->getData().size() << " bytes, but "
                                 << type << " needs " << *needed;
  return success();
}

ArrayRef<char> llmc::getParamBytes(ParamOp param, SmallVectorImpl<char> &copy) {
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(param.getValue()))
    return resource.getRawHandle().getBlob()->getData();
  auto dense = cast<DenseElementsAttr>(param.getValue());
  unsigned width = dense.getElementType().getIntOrFloatBitWidth();
  if (width > 1 && width < 8) {
    // The attribute has a byte for each element; parameters are packed.
    copy.resize(byteSize(param.getType()), 0);
    int64_t bit = 0;
    auto append = [&](const APInt &element) {
      copy[bit / 8] |= element.getZExtValue() << (bit % 8);
      bit += width;
    };
    if (isa<FloatType>(dense.getElementType()))
      for (const APFloat &element : dense.getValues<APFloat>())
        append(element.bitcastToAPInt());
    else
      for (const APInt &element : dense.getValues<APInt>())
        append(element);
    return copy;
  }
  if (!dense.isSplat() && !dense.getElementType().isInteger(1))
    return dense.getRawData();
  int64_t count = param.getType().getNumElements();
  if (dense.getElementType().isInteger(1)) {
    for (bool value : dense.getValues<bool>())
      copy.push_back(value);
  } else {
    for (int64_t i = 0; i < count; ++i)
      llvm::append_range(copy, dense.getRawData());
  }
  return copy;
}

LogicalResult WeightOp::verifySymbolUses(SymbolTableCollection &symbols) {
  auto param = symbols.lookupNearestSymbolFrom<ParamOp>(*this, getParamAttr());
  if (!param)
    return emitOpError("names '") << getParam() << "', which is not a param";
  if (param.getType() != getType())
    return emitOpError("has type ")
           << getType() << ", but the param has " << param.getType();
  return success();
}

int64_t WeightOp::getStorageBytes() { return byteSize(getType()); }

int64_t llmc::storageBytes(Value weight) {
  llvm::SetVector<Operation *> ops;
  llvm::SmallDenseSet<StringAttr> params;
  if (Operation *op = weight.getDefiningOp())
    ops.insert(op);
  int64_t bytes = 0;
  for (unsigned i = 0; i < ops.size(); ++i) {
    Operation *op = ops[i];
    auto load = dyn_cast<WeightOp>(op);
    auto expression = dyn_cast<WeightOpInterface>(op);
    if (expression &&
        (!load || params.insert(load.getParamAttr().getAttr()).second))
      bytes += expression.getStorageBytes();
    for (Value operand : op->getOperands())
      if (Operation *producer = operand.getDefiningOp())
        ops.insert(producer);
  }
  return bytes;
}

OpFoldResult ConstantOp::fold(FoldAdaptor) { return getValue(); }

//===----------------------------------------------------------------------===//
// DequantizeOp
//===----------------------------------------------------------------------===//

LogicalResult DequantizeOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                        SmallVectorImpl<ShapeInfo> &results) {
  if (shapes.rank(adaptor.getData()) != 3)
    return shapes.fail("data must be [out, blocks, bytes of a block]");
  results.push_back({shapes.elementType(adaptor.getScales()),
                     {shapes.dim(adaptor.getData(), 0),
                      shapes.constant(adaptor.getColumns())},
                     std::nullopt});
  return success();
}

/// Keeps the arithmetic of layouts far from overflow.
static constexpr int64_t maxBlock = int64_t(1) << 32;

/// Checks an operand's type.
template <typename OpTy>
static LogicalResult expectShape(OpTy op, StringRef what, Value value,
                                 ArrayRef<int64_t> shape) {
  auto type = cast<RankedTensorType>(value.getType());
  if (type.getShape() != shape)
    return op.emitOpError(what)
           << " has type " << type << ", but bits, block and columns need "
           << RankedTensorType::get(shape, type.getElementType());
  return success();
}

template <typename OpTy>
static LogicalResult expectBytes(OpTy op, StringRef what, Value value) {
  auto type = cast<RankedTensorType>(value.getType());
  if (!type.getElementType().isUnsignedInteger(8))
    return op.emitOpError(what) << " must be packed in ui8";
  return success();
}

/// Checks packed elements, and scales if there are any. Runs before the types
/// are compared with the inferred ones. Each element stands for `dims` columns.
template <typename OpTy>
static LogicalResult verifyBlocks(OpTy op, StringRef what, Value data,
                                  Value scales, int64_t dims = 1) {
  if (op.getType().getRank() != 2)
    return op.emitOpError("makes a weight [out, columns]");
  int64_t bits = op.getBits(), block = op.getBlock(), columns = op.getColumns();
  if (columns < 0)
    return op.emitOpError("columns is ") << columns;
  if (bits < 2 || bits > 8)
    return op.emitOpError("bits is ") << bits << "; 2 to 8 are defined";
  if (block < 1 || block > maxBlock || block % dims != 0 ||
      block / dims * bits % 8 != 0)
    return op.emitOpError("block is ")
           << block << "; a block must be a whole number of bytes, and at most "
           << maxBlock << " weights";
  int64_t rows = op.getType().getDimSize(0);
  int64_t blocks = llvm::divideCeil(columns, block);
  if (failed(expectShape(op, what, data,
                         {rows, blocks, block / dims * bits / 8})) ||
      (scales && failed(expectShape(op, "scales", scales, {rows, blocks}))))
    return failure();
  return expectBytes(op, what, data);
}

LogicalResult DequantizeOp::verify() {
  if (failed(verifyBlocks(*this, "data", getData(), getScales())))
    return failure();
  if (!getZeros())
    return success();
  RankedTensorType scales = getScales().getType();
  if (isa<FloatType>(getZeros().getType().getElementType())) {
    if (getZeros().getType() == scales)
      return success();
    return emitOpError("zeros has type ")
           << getZeros().getType() << ", but floats must have that of scales, "
           << scales;
  }
  int64_t blocks = scales.getDimSize(1);
  if (!getZeros().getType().getElementType().isUnsignedInteger(8))
    return emitOpError(
        "zeros must be packed in ui8, or floats of the type of scales");
  return expectShape(
      *this, "zeros", getZeros(),
      {getType().getDimSize(0),
       int64_t(llvm::divideCeil(blocks * int64_t(getBits()), 8))});
}

//===----------------------------------------------------------------------===//
// LookupOp
//===----------------------------------------------------------------------===//

LogicalResult LookupOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                    SmallVectorImpl<ShapeInfo> &results) {
  if (shapes.rank(adaptor.getIndices()) != 3)
    return shapes.fail("indices must be [out, blocks, bytes of a block]");
  results.push_back({shapes.elementType(adaptor.getCodebook()),
                     {shapes.dim(adaptor.getIndices(), 0),
                      shapes.constant(adaptor.getColumns())},
                     std::nullopt});
  return success();
}

LogicalResult LookupOp::verify() {
  RankedTensorType codebook = getCodebook().getType();
  int64_t rank = codebook.getRank(), dims = getDims();
  if (dims < 1 || int64_t(getColumns()) % dims != 0)
    return emitOpError("has vectors of ")
           << (ShapedType::isDynamic(dims) ? "unknown size" : Twine(dims).str())
           << ", of which rows of " << getColumns() << " columns are not made";
  if (failed(verifyBlocks(*this, "indices", getIndices(), getScales(), dims)))
    return failure();
  int64_t entries = int64_t(1) << getBits();
  if (rank < 1 || rank > 3 || codebook.getDimSize(rank == 1 ? 0 : 1) != entries)
    return emitOpError("codebook has type ")
           << codebook << ", but with " << getBits() << " bits it is ["
           << entries << "], [groups, " << entries << "] or [groups, "
           << entries << ", dims]";
  if (getScales() &&
      getScales().getType().getElementType() != codebook.getElementType())
    return emitOpError("scales are ")
           << getScales().getType().getElementType() << ", the codebook is "
           << codebook.getElementType();
  if (rank == 1)
    return success();
  int64_t groups = codebook.getDimSize(0), rows = getType().getDimSize(0);
  if (groups < 1 || ShapedType::isDynamic(rows) || rows % groups != 0)
    return emitOpError("has codebooks for ")
           << (ShapedType::isDynamic(groups) ? "an unknown number of"
                                             : Twine(groups).str())
           << " groups of rows, into which the rows of " << getType()
           << " cannot be divided";
  return success();
}

//===----------------------------------------------------------------------===//
// DensifyOp
//===----------------------------------------------------------------------===//

/// n and m of "n:m", if they make sense.
static std::optional<std::pair<int64_t, int64_t>>
parsePattern(StringRef pattern) {
  auto [first, second] = pattern.split(':');
  int64_t n, m;
  if (first.getAsInteger(10, n) || second.getAsInteger(10, m) || n < 1 ||
      n >= m || m > 16)
    return std::nullopt;
  return std::pair(n, m);
}

std::pair<int64_t, int64_t> DensifyOp::getNM() {
  return *parsePattern(getPattern());
}

int64_t DensifyOp::getPlaceBits() { return llvm::Log2_64_Ceil(getNM().second); }

LogicalResult DensifyOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                     SmallVectorImpl<ShapeInfo> &results) {
  Value values = adaptor.getValues();
  int64_t bits = adaptor.getBits().value_or(0), rank = bits ? 3 : 2;
  auto pattern = parsePattern(adaptor.getPattern());
  if (!pattern)
    return shapes.fail("the pattern is '" + adaptor.getPattern() +
                       "'; n:m with 0 < n < m <= 16 is defined");
  if (bits != 0 && (bits < 2 || bits > 8))
    return shapes.fail("bits is " + Twine(bits) + "; 2 to 8 are defined");
  if (shapes.rank(values) != rank)
    return shapes.fail(bits ? "values must be [out, blocks, bytes of a block]"
                            : "values must be [out, in * n / m]");
  std::optional<int64_t> size = getConstant(shapes.dims(values).back());
  if (!size)
    return shapes.fail("the last dimension of values must be static");
  // In elements, and for integers back in bytes.
  auto [n, m] = *pattern;
  int64_t elements = *size, dense;
  if (bits && llvm::MulOverflow(elements, int64_t(8), elements))
    return shapes.fail("values are too large");
  if (elements % (bits ? bits * n : n) != 0)
    return shapes.fail("values of size " + Twine(*size) +
                       " are not whole groups of " + Twine(n));
  if (llvm::MulOverflow(elements / n, m, dense))
    return shapes.fail("values are too large");
  if (bits && dense % 8 != 0)
    return shapes.fail("a block of " + Twine(dense / bits) +
                       " columns is not whole bytes");
  ShapeInfo info{shapes.elementType(values),
                 SmallVector<AffineExpr>(shapes.dims(values)), std::nullopt};
  info.dims.back() = shapes.constant(bits ? dense / 8 : dense);
  results.push_back(std::move(info));
  return success();
}

LogicalResult DensifyOp::verify() {
  // Runs before the types are inferred.
  auto pattern = parsePattern(getPattern());
  RankedTensorType values = getValues().getType(), meta = getMeta().getType();
  int64_t bits = getBits().value_or(0);
  if (!pattern || (bits != 0 && (bits < 2 || bits > 8)) ||
      values.getRank() != (bits ? 3 : 2) ||
      values.isDynamicDim(values.getRank() - 1))
    return success(); // inferShapes says what is wrong
  if (bits ? !values.getElementType().isUnsignedInteger(8)
           : !isa<FloatType>(values.getElementType()))
    return emitOpError("values must be ")
           << (bits ? "packed in ui8" : "floats when there are no bits");
  if (getFill() && (!bits || *getFill() < 0 || *getFill() >> bits != 0))
    return emitOpError("fill is ")
           << *getFill() << ", which is no integer of " << bits << " bits";
  int64_t kept = values.getDimSize(values.getRank() - 1), size;
  if (bits) {
    if (values.isDynamicDim(1))
      return emitOpError("needs a static number of blocks");
    if (llvm::MulOverflow(kept, int64_t(8), kept) ||
        llvm::MulOverflow(kept / bits, values.getDimSize(1), kept))
      return emitOpError("values are too large");
  }
  if (llvm::MulOverflow(kept, getPlaceBits(), size))
    return emitOpError("values are too large");
  auto expected = RankedTensorType::get(
      {values.getDimSize(0), int64_t(llvm::divideCeil(size, 8))},
      IntegerType::get(getContext(), 8, IntegerType::Unsigned));
  if (meta != expected)
    return emitOpError("meta has type ")
           << meta << ", but values and pattern need " << expected;
  return success();
}

//===----------------------------------------------------------------------===//
// DensifyBitmapOp
//===----------------------------------------------------------------------===//

LogicalResult
DensifyBitmapOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                             SmallVectorImpl<ShapeInfo> &results) {
  Value values = adaptor.getValues(), mask = adaptor.getMask();
  SmallVector<int64_t, 2> tile{1, 1};
  if (adaptor.getTile())
    tile.assign(adaptor.getTile()->begin(), adaptor.getTile()->end());
  if (tile.size() != 2 || tile[0] < 1 || tile[1] < 1 || tile[0] > maxBlock ||
      tile[1] > maxBlock)
    return shapes.fail("tile must be two numbers from 1 to " + Twine(maxBlock));
  int64_t columns = adaptor.getColumns();
  if (columns < 0 || columns > maxBlock || columns % tile[1] != 0)
    return shapes.fail("columns is " + Twine(columns) + "; whole tiles of " +
                       Twine(tile[1]) + ", at most " + Twine(maxBlock) +
                       " columns, are defined");
  if (shapes.rank(values) != 1 && shapes.rank(values) != 2)
    return shapes.fail("values must have one or two dimensions");
  if (shapes.rank(mask) != 2)
    return shapes.fail("mask must be [out, bytes of a row]");
  results.push_back({shapes.elementType(values),
                     {shapes.dim(mask, 0) * tile[0], shapes.constant(columns)},
                     std::nullopt});
  return success();
}

LogicalResult DensifyBitmapOp::verify() {
  // Runs before the types are inferred.
  RankedTensorType values = getValues().getType(), mask = getMask().getType();
  if ((getTile() && (getTile()->size() != 2 || (*getTile())[1] < 1)) ||
      int64_t(getColumns()) < 0 || mask.getRank() != 2)
    return success(); // inferShapes says what is wrong
  if (!values.hasStaticShape())
    return emitOpError("needs a static number of values");
  int64_t tiles = int64_t(getColumns()) / getTileSizes().second;
  auto expect = [&](StringRef what, Value value, ArrayRef<int64_t> shape,
                    Type element) -> LogicalResult {
    auto expected = RankedTensorType::get(shape, element);
    if (value.getType() == expected)
      return success();
    return emitOpError(what)
           << " has type " << value.getType()
           << ", but mask, columns and tile need " << expected;
  };
  Builder builder(getContext());
  int64_t rows = mask.getDimSize(0);
  if (failed(expect("mask", getMask(),
                    {rows, int64_t(llvm::divideCeil(tiles, 8))},
                    builder.getIntegerType(8, /*isSigned=*/false))))
    return failure();
  return expect("starts", getStarts(), {rows}, builder.getI32Type());
}
