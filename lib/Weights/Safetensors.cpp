//===- Safetensors.cpp - tensors by name in a file ------------------------===//

#include "llmc/Weights/Safetensors.h"
#include "llmc/Weights/Json.h"
#include "llmc/Weights/OutputFile.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace llmc;

namespace {
struct Dtype {
  StringRef name;
  int64_t bytes;
  Type (*type)(MLIRContext *);
};

template <unsigned width> Type integer(MLIRContext *context) {
  return IntegerType::get(context, width);
}
template <unsigned width> Type unsignedInteger(MLIRContext *context) {
  return IntegerType::get(context, width, IntegerType::Unsigned);
}
template <typename T> Type floating(MLIRContext *context) {
  return T::get(context);
}

constexpr Dtype dtypes[] = {{"BOOL", 1, integer<1>},
                            {"I8", 1, integer<8>},
                            {"I16", 2, integer<16>},
                            {"I32", 4, integer<32>},
                            {"I64", 8, integer<64>},
                            {"U8", 1, unsignedInteger<8>},
                            {"U16", 2, unsignedInteger<16>},
                            {"U32", 4, unsignedInteger<32>},
                            {"U64", 8, unsignedInteger<64>},
                            {"F16", 2, floating<Float16Type>},
                            {"BF16", 2, floating<BFloat16Type>},
                            {"F32", 4, floating<Float32Type>},
                            {"F64", 8, floating<Float64Type>}};

const Dtype *findDtype(StringRef name) {
  for (const Dtype &dtype : dtypes)
    if (dtype.name == name)
      return &dtype;
  return nullptr;
}
} // namespace

std::optional<int64_t> llmc::getDtypeBytes(StringRef name) {
  const Dtype *dtype = findDtype(name);
  return dtype ? std::optional(dtype->bytes) : std::nullopt;
}

StringRef llmc::getDtype(Type type) {
  for (const Dtype &dtype : dtypes)
    if (dtype.type(type.getContext()) == type)
      return dtype.name;
  return {};
}

Type llmc::getDtypeType(StringRef name, MLIRContext *context) {
  const Dtype *dtype = findDtype(name);
  return dtype ? dtype->type(context) : Type();
}

/// The numbers of a JSON array of integers that are not negative.
static std::optional<SmallVector<int64_t>>
readSizes(const llvm::json::Value *value) {
  const llvm::json::Array *array = value ? value->getAsArray() : nullptr;
  if (!array)
    return std::nullopt;
  SmallVector<int64_t> sizes;
  for (const llvm::json::Value &element : *array) {
    std::optional<int64_t> size = element.getAsInteger();
    if (!size || *size < 0)
      return std::nullopt;
    sizes.push_back(*size);
  }
  return sizes;
}

/// Reads one entry of the header over `bytes`; a sentence if it is wrong.
static llvm::Expected<NamedTensor> readTensor(StringRef name,
                                              const llvm::json::Value &value,
                                              ArrayRef<char> bytes) {
  auto fail = [&](const Twine &reason) {
    return llvm::createStringError("tensor '" + name + "': " + reason);
  };
  const llvm::json::Object *entry = value.getAsObject();
  std::optional<StringRef> dtype =
      entry ? entry->getString("dtype") : std::nullopt;
  auto shape = readSizes(entry ? entry->get("shape") : nullptr);
  auto offsets = readSizes(entry ? entry->get("data_offsets") : nullptr);
  if (!dtype || !shape || !offsets || offsets->size() != 2)
    return fail("its dtype, shape and data_offsets are not all there");
  std::optional<int64_t> size = getDtypeBytes(*dtype);
  if (!size)
    return fail("unknown dtype '" + *dtype + "'");
  int64_t count = *size;
  for (int64_t dim : *shape)
    if (llvm::MulOverflow(count, dim, count))
      return fail("its shape is too large");
  int64_t begin = (*offsets)[0], end = (*offsets)[1];
  if (begin > end || uint64_t(end) > bytes.size() || end - begin != count)
    return fail("it needs " + Twine(count) + " bytes, its data_offsets are " +
                Twine(begin) + " and " + Twine(end) + " of " +
                Twine(bytes.size()));
  ArrayRef<char> data = bytes.slice(begin, count);
  if (reinterpret_cast<uintptr_t>(data.data()) % *size != 0)
    return fail("it does not begin at a multiple of " + Twine(*size) +
                " bytes");
  return NamedTensor{dtype->str(), *shape, data};
}

llvm::Expected<Safetensors> Safetensors::read(StringRef path) {
  auto fail = [&](const Twine &reason) {
    return llvm::createStringError("'" + path +
                                   "' is no safetensors file: " + reason);
  };
  auto file = MappedFile::open(path);
  if (!file)
    return file.takeError();
  ArrayRef<char> bytes = (*file)->getData();
  if (bytes.size() < 8)
    return fail("it has less than 8 bytes");
  uint64_t length = llvm::support::endian::read64le(bytes.data());
  if (length > bytes.size() - 8)
    return fail("its header would have " + Twine(length) + " bytes");
  auto header = parseJson(StringRef(bytes.data() + 8, size_t(length)).rtrim());
  if (!header)
    return fail(llvm::toString(header.takeError()));
  const llvm::json::Object *entries = header->getAsObject();
  if (!entries)
    return fail("its header is no JSON object");
  Safetensors result;
  result.file = *file;
  for (const auto &[key, value] : *entries) {
    if (key == "__metadata__") {
      if (const llvm::json::Object *metadata = value.getAsObject())
        for (const auto &[name, text] : *metadata)
          if (std::optional<StringRef> string = text.getAsString())
            result.metadata[name.str()] = string->str();
      continue;
    }
    auto tensor = readTensor(key, value, bytes.drop_front(8 + length));
    if (!tensor)
      return fail(llvm::toString(tensor.takeError()));
    result.tensors[key.str()] = std::move(*tensor);
  }
  return result;
}

llvm::Error Safetensors::write(StringRef path) const {
  llvm::json::Object header;
  if (!metadata.empty()) {
    llvm::json::Object object;
    for (const auto &[name, text] : metadata)
      object[name] = text;
    header["__metadata__"] = std::move(object);
  }
  // A multiple of 8 each, so that numbers of any type are aligned.
  int64_t offset = 0;
  for (const auto &[name, tensor] : tensors) {
    int64_t end = offset + tensor.data.size();
    header[name] =
        llvm::json::Object{{"dtype", tensor.dtype},
                           {"shape", llvm::json::Array(tensor.shape)},
                           {"data_offsets", llvm::json::Array{offset, end}}};
    offset = llvm::alignTo(end, 8);
  }
  std::string text;
  llvm::raw_string_ostream(text) << llvm::json::Value(std::move(header));
  text.resize(llvm::alignTo(text.size(), 8), ' ');

  auto output = OutputFile::create(path);
  if (!output)
    return output.takeError();
  llvm::raw_ostream &os = (*output)->os();
  char length[8];
  llvm::support::endian::write64le(length, text.size());
  os.write(length, sizeof(length));
  os << text;
  for (const auto &[name, tensor] : tensors) {
    os.write(tensor.data.data(), tensor.data.size());
    os.write_zeros(llvm::alignTo(tensor.data.size(), 8) - tensor.data.size());
  }
  return (*output)->keep();
}

llvm::Expected<NamedTensor> Safetensors::get(StringRef name, StringRef dtype,
                                             int64_t rank) const {
  auto found = tensors.find(name.str());
  if (found == tensors.end())
    return llvm::createStringError("there is no tensor '" + name + "'");
  const NamedTensor &tensor = found->second;
  if (tensor.dtype != dtype || int64_t(tensor.shape.size()) != rank)
    return llvm::createStringError("tensor '" + name + "' is " + tensor.dtype +
                                   " of rank " + Twine(tensor.shape.size()) +
                                   ", not " + dtype + " of rank " +
                                   Twine(rank));
  return tensor;
}
