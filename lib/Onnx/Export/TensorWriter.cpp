//===- TensorWriter.cpp - attributes become TensorProtos ------------------===//

#include "TensorWriter.h"
#include "../Proto.h"
#include "../Types.h"
#include "llmc/Weights/Blobs.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::onnx_detail;

/// ONNX asks for offsets that can be mapped.
static constexpr int64_t pageSize = 4096;

/// Elements one after the other as ONNX stores them: bool as a byte, elements
/// narrower than a byte packed little end first.
static std::string packElements(DenseElementsAttr value) {
  Type elementType = value.getElementType();
  ArrayRef<char> raw = value.getRawData();
  unsigned width = elementType.getIntOrFloatBitWidth();
  bool isBool = elementType.isInteger(1);
  if (!value.isSplat() && width >= 8)
    return std::string(raw.begin(), raw.end());

  unsigned storedWidth = isBool ? 8 : width;
  int64_t count = value.getNumElements();
  std::string bytes(llvm::divideCeil(count * storedWidth, 8), '\0');
  auto store = [&](int64_t index, const APInt &element) {
    uint64_t bits = element.getZExtValue();
    if (storedWidth >= 8)
      memcpy(bytes.data() + index * storedWidth / 8, &bits, storedWidth / 8);
    else
      bytes[index * storedWidth / 8] |= bits << index * storedWidth % 8;
  };
  if (isa<FloatType>(elementType)) {
    for (auto [index, element] : llvm::enumerate(value.getValues<APFloat>()))
      store(index, element.bitcastToAPInt());
  } else {
    for (auto [index, element] : llvm::enumerate(value.getValues<APInt>()))
      store(index, element);
  }
  return bytes;
}

LogicalResult onnx_detail::writeData(ElementsAttr value,
                                     ::onnx::TensorProto &tensor) {
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(value)) {
    ArrayRef<char> bytes = getBytes(resource);
    tensor.set_raw_data(bytes.data(), bytes.size());
    return success();
  }
  auto dense = dyn_cast<DenseElementsAttr>(value);
  if (!dense)
    return failure();
  tensor.set_raw_data(packElements(dense));
  return success();
}

LogicalResult onnx_detail::writeTensor(ElementsAttr value,
                                       ::onnx::TensorProto &tensor) {
  ShapedType type = value.getShapedType();
  std::optional<int32_t> dataType = getDataType(type.getElementType());
  if (!dataType)
    return failure();
  tensor.set_data_type(*dataType);
  for (int64_t size : type.getShape())
    tensor.add_dims(size);
  return writeData(value, tensor);
}

void ExternalData::add(DenseResourceElementsAttr value, StringRef fileName,
                       ::onnx::TensorProto &tensor) {
  ArrayRef<char> bytes = getBytes(value);
  int64_t next = llvm::alignTo(end, pageSize);
  auto [place, inserted] = offsets.try_emplace(bytes.data(), next);
  int64_t offset = place->second;
  if (inserted) {
    end = offset + bytes.size();
    parts.push_back({offset, value});
  }
  tensor.set_data_location(::onnx::TensorProto::EXTERNAL);
  auto entry = [&](StringRef key, std::string value) {
    ::onnx::StringStringEntryProto &added = *tensor.add_external_data();
    added.set_key(key.str());
    added.set_value(std::move(value));
  };
  entry("location", fileName.str());
  entry("offset", std::to_string(offset));
  entry("length", std::to_string(bytes.size()));
}

void ExternalData::write(llvm::raw_ostream &stream, bool freeWritten) const {
  int64_t position = 0;
  for (const Part &part : parts) {
    ArrayRef<char> bytes = getBytes(part.value);
    stream.write_zeros(part.offset - position);
    stream.write(bytes.data(), bytes.size());
    position = part.offset + bytes.size();
    if (freeWritten)
      freeBytes(part.value);
  }
}
