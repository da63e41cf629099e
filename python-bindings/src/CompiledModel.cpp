//===- CompiledModel.cpp - a compiled model, for Python -------------------===//

#include "CompiledModel.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::python;

std::string llmc::python::getNumpyName(Type type) {
  if (auto integer = dyn_cast<IntegerType>(type)) {
    if (integer.getWidth() == 1)
      return "bool";
    return (integer.isUnsigned() ? "uint" : "int") +
           std::to_string(integer.getWidth());
  }
  if (type.isF64())
    return "float64";
  if (type.isF32())
    return "float32";
  if (type.isF16())
    return "float16";
  if (type.isBF16())
    return "bfloat16";
  if (isa<Float8E4M3FNType>(type))
    return "float8_e4m3fn";
  if (isa<Float8E4M3FNUZType>(type))
    return "float8_e4m3fnuz";
  if (isa<Float8E5M2Type>(type))
    return "float8_e5m2";
  if (isa<Float8E5M2FNUZType>(type))
    return "float8_e5m2fnuz";
  std::string text;
  llvm::raw_string_ostream(text) << type;
  return text;
}

std::vector<TensorInfo> llmc::python::describe(ArrayRef<TensorSpec> specs) {
  std::vector<TensorInfo> result;
  for (const TensorSpec &spec : specs) {
    TensorInfo info{spec.name, getNumpyName(spec.elementType), {}};
    for (auto [index, size] : llvm::enumerate(spec.shape)) {
      if (!ShapedType::isDynamic(size))
        info.shape.emplace_back(size);
      else if (spec.dims[index].empty())
        info.shape.emplace_back(std::monostate());
      else
        info.shape.emplace_back(spec.dims[index]);
    }
    result.push_back(std::move(info));
  }
  return result;
}

std::vector<TensorInfo> CompiledModel::inputs() const {
  return describe(executable->inputs());
}

std::vector<TensorInfo> CompiledModel::outputs() const {
  return describe(executable->outputs());
}

static std::string describeShape(ArrayRef<int64_t> shape) {
  std::string text = "[";
  llvm::raw_string_ostream os(text);
  llvm::interleaveComma(shape, os);
  return text + "]";
}

std::vector<Array> CompiledModel::run(const std::vector<Array> &arguments) {
  ArrayRef<TensorSpec> specs = executable->inputs();
  if (arguments.size() != specs.size())
    throw Error("expected " + std::to_string(specs.size()) + " inputs, got " +
                std::to_string(arguments.size()));
  SmallVector<HostTensor> tensors;
  for (auto [argument, spec] : llvm::zip(arguments, specs)) {
    // Python has compared the names of types; bytes are checked here, since
    // reading past them would not be an exception.
    HostTensor tensor{
        spec.elementType,
        SmallVector<int64_t>(argument.shape.begin(), argument.shape.end()),
        std::shared_ptr<void>(argument.owner,
                              const_cast<void *>(argument.data))};
    if (argument.dtype != getNumpyName(spec.elementType) ||
        size_t(tensor.getByteSize()) != argument.bytes)
      throw Error(
          "input '" + spec.name + "' of shape " + describeShape(tensor.shape) +
          " has " + std::to_string(argument.bytes) + " bytes of " +
          argument.dtype + ", expected " + getNumpyName(spec.elementType));
    tensors.push_back(std::move(tensor));
  }
  std::lock_guard<std::mutex> lock(mutex);
  auto outputs = executable->run(tensors);
  if (!outputs)
    throw Error(llvm::toString(outputs.takeError()));
  std::vector<Array> results;
  for (HostTensor &output : *outputs)
    results.push_back({getNumpyName(output.elementType),
                       {output.shape.begin(), output.shape.end()},
                       output.data.get(),
                       size_t(output.getByteSize()),
                       output.data});
  return results;
}
