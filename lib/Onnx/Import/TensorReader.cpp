//===- TensorReader.cpp - TensorProtos become attributes ------------------===//

#include "TensorReader.h"
#include "../Proto.h"
#include "../Types.h"
#include "ExternalData.h"
#include "llmc/Weights/Blobs.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Diagnostics.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::onnx_detail;
using ::onnx::TensorProto;

/// Sparse tensors are made dense: of more than this each byte of the model may
/// become only so many, or a small file would need any amount of memory.
static constexpr int64_t maxDensifiedBytes = int64_t(1) << 20;
static constexpr int64_t maxDensifiedFactor = 1000;

TensorReader::TensorReader(MLIRContext *context, StringRef modelPath)
    : context(context), directory(llvm::sys::path::parent_path(modelPath)) {}

static InFlightDiagnostic emitTensorError(const TensorProto &tensor,
                                          Location location) {
  InFlightDiagnostic diagnostic = emitError(location) << "tensor";
  if (!tensor.name().empty())
    diagnostic << " '" << tensor.name() << "'";
  diagnostic << " ";
  return diagnostic;
}

/// ONNX stores a bool as a byte.
static ShapedType getStoredType(ShapedType type) {
  if (!type.getElementType().isInteger(1))
    return type;
  return type.clone(
      IntegerType::get(type.getContext(), 8, IntegerType::Unsigned));
}

static std::optional<int64_t> getStoredSize(ShapedType type) {
  type = getStoredType(type);
  int64_t bits = type.getElementTypeBitWidth();
  for (int64_t size : type.getShape())
    if (llvm::MulOverflow(bits, size, bits))
      return std::nullopt;
  return llvm::divideCeil(bits, 8);
}

FailureOr<RankedTensorType> TensorReader::getType(const TensorProto &tensor,
                                                  Location location) {
  Type elementType = getElementType(tensor.data_type(), context);
  if (!elementType)
    return emitTensorError(tensor, location)
           << "has element type " << getDataTypeName(tensor.data_type())
           << ", which is not supported";
  SmallVector<int64_t> shape(tensor.dims().begin(), tensor.dims().end());
  for (int64_t size : shape)
    if (size < 0)
      return emitTensorError(tensor, location)
             << "has the negative dimension " << size;
  auto type = RankedTensorType::get(shape, elementType);
  if (!getStoredSize(type))
    return emitTensorError(tensor, location)
           << "has dimensions whose product overflows";
  return type;
}

FailureOr<TensorReader::Bytes>
TensorReader::getExternalBytes(const TensorProto &tensor, int64_t size,
                               Location location) {
  StringRef path;
  int64_t offset = 0, length = size;
  for (const ::onnx::StringStringEntryProto &entry : tensor.external_data()) {
    StringRef value = entry.value();
    if (entry.key() == "location")
      path = value;
    else if ((entry.key() == "offset" && value.getAsInteger(10, offset)) ||
             (entry.key() == "length" && value.getAsInteger(10, length)))
      return emitTensorError(tensor, location)
             << "has an external data " << entry.key()
             << " that is not a number: '" << entry.value() << "'";
  }
  if (length != size)
    return emitTensorError(tensor, location)
           << "has " << length << " bytes of external data, but its type needs "
           << size;

  std::shared_ptr<const MappedFile> &file = files[path];
  if (!file) {
    llvm::Expected<std::string> resolved = resolveExternalPath(directory, path);
    if (!resolved)
      return emitTensorError(tensor, location)
             << "cannot be read: " << toString(resolved.takeError());
    llvm::Expected<std::shared_ptr<const MappedFile>> mapped =
        MappedFile::open(*resolved);
    if (!mapped)
      return emitTensorError(tensor, location)
             << "cannot be read: " << toString(mapped.takeError());
    file = std::move(*mapped);
  }
  int64_t available = file->getData().size();
  if (offset < 0 || offset > available || size > available - offset)
    return emitTensorError(tensor, location)
           << "needs " << size << " bytes at offset " << offset
           << " of its external data '" << path << "', which has only "
           << available;
  return Bytes{file->getData().slice(offset, size), nullptr, file};
}

/// The elements of a typed field of TensorProto, each narrowed to `Stored`.
template <typename Stored, typename Field>
static std::vector<char> narrow(const Field &field) {
  std::vector<char> result(field.size() * sizeof(Stored));
  Stored *out = reinterpret_cast<Stored *>(result.data());
  for (auto [index, value] : llvm::enumerate(field))
    out[index] = static_cast<Stored>(value);
  return result;
}

FailureOr<TensorReader::Bytes>
TensorReader::convertTypedData(const TensorProto &tensor, ShapedType type,
                               int64_t size, Location location) {
  std::vector<char> bytes;
  switch (tensor.data_type()) {
  case TensorProto::FLOAT:
    bytes = narrow<float>(tensor.float_data());
    break;
  case TensorProto::DOUBLE:
    bytes = narrow<double>(tensor.double_data());
    break;
  case TensorProto::INT64:
    bytes = narrow<int64_t>(tensor.int64_data());
    break;
  case TensorProto::UINT64:
    bytes = narrow<uint64_t>(tensor.uint64_data());
    break;
  case TensorProto::UINT32:
    bytes = narrow<uint32_t>(tensor.uint64_data());
    break;
  case TensorProto::INT32:
    bytes = narrow<int32_t>(tensor.int32_data());
    break;
  default:
    // int32_data holds the bits of one element, or for types narrower than a
    // byte one packed byte, in each value.
    bytes = type.getElementTypeBitWidth() == 16
                ? narrow<int16_t>(tensor.int32_data())
                : narrow<int8_t>(tensor.int32_data());
    break;
  }
  if (int64_t(bytes.size()) != size)
    return emitTensorError(tensor, location)
           << "has data for " << bytes.size() << " bytes, but its type " << type
           << " needs " << size;
  auto owner = std::make_shared<std::vector<char>>(std::move(bytes));
  return Bytes{*owner, owner, nullptr};
}

FailureOr<TensorReader::Bytes> TensorReader::getBytes(TensorProto &tensor,
                                                      ShapedType type,
                                                      Location location) {
  int64_t size = *getStoredSize(type);
  if (tensor.data_location() == TensorProto::EXTERNAL ||
      tensor.external_data_size() != 0)
    return getExternalBytes(tensor, size, location);
  std::shared_ptr<std::string> &taken = strings[&tensor];
  if (!taken && tensor.has_raw_data())
    taken.reset(tensor.release_raw_data());
  if (!taken)
    return convertTypedData(tensor, type, size, location);
  if (int64_t(taken->size()) != size)
    return emitTensorError(tensor, location)
           << "has " << taken->size() << " bytes of data, but its type " << type
           << " needs " << size;
  return Bytes{ArrayRef<char>(taken->data(), taken->size()), taken, nullptr};
}

/// Element `index` of packed elements of `width` bits, a divisor of 8.
static uint8_t getPackedElement(ArrayRef<char> data, int64_t index,
                                unsigned width) {
  unsigned perByte = 8 / width;
  uint8_t byte = data[index / perByte];
  return byte >> (index % perByte * width) & ((1u << width) - 1);
}

FailureOr<ElementsAttr> TensorReader::readDense(TensorProto &tensor,
                                                Location location) {
  FailureOr<RankedTensorType> type = getType(tensor, location);
  if (failed(type))
    return failure();
  FailureOr<Bytes> bytes = getBytes(tensor, *type, location);
  if (failed(bytes))
    return failure();

  Type elementType = type->getElementType();
  int64_t count = type->getNumElements();
  if (count == 0)
    return ElementsAttr(DenseElementsAttr::get(*type, ArrayRef<Attribute>()));
  if (elementType.isInteger(1)) {
    SmallVector<bool> values;
    for (char value : bytes->data)
      values.push_back(value != 0);
    return ElementsAttr(DenseElementsAttr::get(*type, values));
  }
  unsigned width = elementType.getIntOrFloatBitWidth();
  if (width >= 8)
    return ElementsAttr(
        DenseElementsAttr::getFromRawBuffer(*type, bytes->data));
  if (auto floatType = dyn_cast<FloatType>(elementType)) {
    SmallVector<APFloat> values;
    for (int64_t i = 0; i < count; ++i)
      values.emplace_back(
          floatType.getFloatSemantics(),
          APInt(width, getPackedElement(bytes->data, i, width)));
    return ElementsAttr(DenseElementsAttr::get(*type, values));
  }
  SmallVector<APInt> values;
  for (int64_t i = 0; i < count; ++i)
    values.emplace_back(width, getPackedElement(bytes->data, i, width));
  return ElementsAttr(DenseElementsAttr::get(*type, values));
}

FailureOr<DenseResourceElementsAttr>
TensorReader::readResource(TensorProto &tensor, StringRef name,
                           Location location) {
  FailureOr<RankedTensorType> type = getType(tensor, location);
  if (failed(type))
    return failure();
  FailureOr<Bytes> bytes = getBytes(tensor, *type, location);
  if (failed(bytes))
    return failure();
  // The string now belongs to the blob alone.
  strings.erase(&tensor);
  auto stored = cast<RankedTensorType>(getStoredType(*type));
  size_t alignment =
      llvm::PowerOf2Ceil(llvm::divideCeil(stored.getElementTypeBitWidth(), 8));
  AsmResourceBlob blob =
      bytes->file ? makeBlob(bytes->data, alignment, std::move(bytes->file))
                  : makeBlob(bytes->data, alignment, std::move(bytes->owner));
  return makeResource(stored, name, std::move(blob));
}

LogicalResult TensorReader::densify(::onnx::SparseTensorProto &sparse,
                                    TensorProto &tensor, Location location) {
  TensorProto &values = *sparse.mutable_values();
  tensor.set_name(values.name());
  tensor.set_data_type(values.data_type());
  *tensor.mutable_dims() = sparse.dims();
  FailureOr<RankedTensorType> type = getType(tensor, location),
                              valuesType = getType(values, location),
                              indicesType = getType(sparse.indices(), location);
  if (failed(type) || failed(valuesType) || failed(indicesType))
    return failure();
  auto malformed = [&](const Twine &reason) {
    return emitTensorError(tensor, location) << "is sparse and " << reason;
  };
  int64_t rank = type->getRank(), count = valuesType->getNumElements();
  bool linear = indicesType->getRank() == 1;
  if (valuesType->getRank() != 1 ||
      !indicesType->getElementType().isInteger(64) ||
      indicesType->getShape() !=
          (linear ? ArrayRef<int64_t>{count} : ArrayRef<int64_t>{count, rank}))
    return malformed("its values and indices do not agree");
  int64_t width = getStoredType(*type).getElementTypeBitWidth() / 8;
  if (width == 0)
    return malformed("has elements narrower than a byte");
  int64_t size = *getStoredSize(*type);
  FailureOr<Bytes> data = getBytes(values, *valuesType, location);
  FailureOr<Bytes> indexData =
      succeeded(data)
          ? getBytes(*sparse.mutable_indices(), *indicesType, location)
          : FailureOr<Bytes>();
  if (failed(indexData))
    return failure();
  int64_t stored = data->data.size() + indexData->data.size();
  if (size > maxDensifiedBytes && size / maxDensifiedFactor > stored)
    return malformed("would have " + Twine(size) + " bytes, more than " +
                     Twine(maxDensifiedFactor) + " for each that it has");
  std::string dense(size, '\0');
  for (int64_t i = 0; i < count; ++i) {
    int64_t position = 0;
    for (int64_t d = 0, parts = linear ? 1 : rank; d < parts; ++d) {
      int64_t index, limit = linear ? size / width : type->getDimSize(d);
      memcpy(&index, indexData->data.data() + (i * parts + d) * 8, 8);
      if (index < 0 || index >= limit)
        return malformed("has the index " + Twine(index) +
                         " outside its dimensions");
      position = position * (linear ? 1 : limit) + index;
    }
    memcpy(dense.data() + position * width, data->data.data() + i * width,
           width);
  }
  tensor.set_raw_data(std::move(dense));
  return success();
}
