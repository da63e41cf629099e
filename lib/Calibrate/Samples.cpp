//===- Samples.cpp - what calibration runs a model on ---------------------===//

#include "Samples.h"
#include "llmc/IR/Dialect.h"

using namespace mlir;
using namespace llmc;

static std::string getArgumentName(func::FuncOp main, unsigned index) {
  auto name = main.getArgAttrOfType<StringAttr>(index, nameAttr);
  return name ? name.str() : "input" + std::to_string(index);
}

/// What keeps a tensor from being samples of an argument; empty for nothing.
static std::string findProblem(const NamedTensor &tensor, Type argument) {
  auto type = dyn_cast<RankedTensorType>(argument);
  if (!type || getDtype(type.getElementType()).empty())
    return "the model takes none that a file can hold";
  if (getDtype(type.getElementType()) != tensor.dtype)
    return ("it is " + Twine(tensor.dtype) + ", the model takes " +
            getDtype(type.getElementType()))
        .str();
  if (type.getRank() != int64_t(tensor.shape.size()))
    return ("it has rank " + Twine(tensor.shape.size()) +
            ", the model takes rank " + Twine(type.getRank()))
        .str();
  if (type.getRank() == 0)
    return "the model takes a scalar, which has no samples";
  if (type.getDimSize(0) != 1 && !type.isDynamicDim(0))
    return "the model takes a fixed batch of " +
           std::to_string(type.getDimSize(0));
  for (int64_t dim = 1; dim < type.getRank(); ++dim)
    if (!type.isDynamicDim(dim) && type.getDimSize(dim) != tensor.shape[dim])
      return "its dimension " + std::to_string(dim) + " is " +
             std::to_string(tensor.shape[dim]) + ", the model takes " +
             std::to_string(type.getDimSize(dim));
  return {};
}

llvm::Expected<Samples> Samples::read(func::FuncOp main, StringRef path) {
  auto file = Safetensors::read(path);
  if (!file)
    return file.takeError();
  Samples result;
  for (auto [index, type] : llvm::enumerate(main.getArgumentTypes())) {
    std::string name = getArgumentName(main, index);
    auto fail = [&](const Twine &reason) {
      return llvm::createStringError("'" + path + "', input '" + name +
                                     "': " + reason);
    };
    auto found = file->tensors.find(name);
    if (found == file->tensors.end())
      return fail("there is no tensor of this name");
    std::string problem = findProblem(found->second, type);
    if (!problem.empty())
      return fail(problem);
    int64_t count = found->second.shape.front();
    if (result.tensors.empty())
      result.numSamples = count;
    if (count == 0 || count != result.numSamples)
      return fail("it has " + Twine(count) + " samples, the first input has " +
                  Twine(result.numSamples));
    result.tensors.push_back(found->second);
    result.types.push_back(cast<RankedTensorType>(type).getElementType());
  }
  result.file = std::move(*file);
  return result;
}

HostTensor Samples::get(unsigned argument, int64_t sample) const {
  const NamedTensor &tensor = tensors[argument];
  HostTensor result{types[argument], SmallVector<int64_t>(tensor.shape), {}};
  result.shape.front() = 1;
  const char *data = tensor.data.data() + sample * result.getByteSize();
  result.data = std::shared_ptr<void>(file.file, const_cast<char *>(data));
  return result;
}
