//===- llmc-run.cpp - runs a model in IR on given inputs ------------------===//
//
//   llmc-run model.mlir --input 'x=dense<[1.0, 2.0]> : tensor<2xf32>'
//
// Compiles @main through the reference lowering and prints each output as an
// MLIR attribute, so that lit tests can check numbers.
//
//===----------------------------------------------------------------------===//

#include "llmc/IR/Dialect.h"
#include "llmc/Lower/Executable.h"
#include "llmc/Lower/Passes.h"
#include "mlir/AsmParser/AsmParser.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Support/FileUtilities.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace mlir;
using namespace llmc;

/// Copies `elements` to memory, sub-byte elements to a byte each.
static HostTensor toTensor(DenseElementsAttr elements) {
  ShapedType type = elements.getType();
  HostTensor tensor =
      HostTensor::allocate(type.getElementType(), type.getShape());
  char *out = static_cast<char *>(tensor.data.get());
  int64_t size = elementByteSize(type.getElementType());
  auto write = [&](const APInt &bits) {
    uint64_t word = bits.getZExtValue();
    std::memcpy(out, &word, size);
    out += size;
  };
  if (isa<FloatType>(type.getElementType()))
    for (const APFloat &value : elements.getValues<APFloat>())
      write(value.bitcastToAPInt());
  else
    for (const APInt &value : elements.getValues<APInt>())
      write(value);
  return tensor;
}

static DenseElementsAttr toAttribute(const HostTensor &tensor) {
  auto type = RankedTensorType::get(tensor.shape, tensor.elementType);
  const char *in = static_cast<const char *>(tensor.data.get());
  int64_t size = elementByteSize(tensor.elementType);
  unsigned width = tensor.elementType.getIntOrFloatBitWidth();
  SmallVector<APInt> ints;
  SmallVector<APFloat> floats;
  for (int64_t i = 0; i < type.getNumElements(); ++i, in += size) {
    uint64_t word = 0;
    std::memcpy(&word, in, size);
    APInt bits(width, word, /*isSigned=*/false, /*implicitTrunc=*/true);
    if (auto floatType = dyn_cast<FloatType>(tensor.elementType))
      floats.emplace_back(floatType.getFloatSemantics(), bits);
    else
      ints.push_back(bits);
  }
  if (isa<FloatType>(tensor.elementType))
    return DenseElementsAttr::get(type, floats);
  return DenseElementsAttr::get(type, ints);
}

/// The value of `name=attribute` for each input of the model, in order.
static FailureOr<SmallVector<HostTensor>>
parseInputs(ArrayRef<std::string> texts, ArrayRef<TensorSpec> specs,
            MLIRContext *context) {
  llvm::StringMap<HostTensor> byName;
  for (StringRef text : texts) {
    auto [name, value] = text.split('=');
    auto elements = dyn_cast_or_null<DenseElementsAttr>(
        parseAttribute(value.trim(), context));
    if (!elements) {
      llvm::errs() << "llmc-run: --input " << name
                   << ": expected an elements attribute such as "
                      "'dense<[1.0, 2.0]> : tensor<2xf32>'\n";
      return failure();
    }
    byName[name.trim()] = toTensor(elements);
  }
  SmallVector<HostTensor> inputs;
  for (const TensorSpec &spec : specs) {
    auto found = byName.find(spec.name);
    if (found == byName.end()) {
      llvm::errs() << "llmc-run: no --input for '" << spec.name << "'\n";
      return failure();
    }
    inputs.push_back(found->second);
  }
  return inputs;
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  llvm::cl::OptionCategory category("llmc-run options");
  llvm::cl::opt<std::string> file(llvm::cl::Positional, llvm::cl::init("-"),
                                  llvm::cl::desc("<model.mlir>"),
                                  llvm::cl::cat(category));
  llvm::cl::list<std::string> inputs(
      "input", llvm::cl::value_desc("name=attribute"),
      llvm::cl::desc("An input of @main"), llvm::cl::cat(category));
  llvm::cl::opt<unsigned> optLevel("O", llvm::cl::Prefix, llvm::cl::init(2),
                                   llvm::cl::desc("LLVM optimization level"),
                                   llvm::cl::cat(category));
  llvm::cl::HideUnrelatedOptions(category);
  llvm::cl::ParseCommandLineOptions(
      argc, argv, "Runs a model in llmc IR through the reference lowering\n");

  DialectRegistry registry;
  registerAllDialects(registry);
  registerAllExtensions(registry);
  registry.insert<LLMCDialect>();
  Executable::registerDialects(registry);
  MLIRContext context(registry);

  std::string error;
  auto buffer = openInputFile(file, &error);
  if (!buffer) {
    llvm::errs() << "llmc-run: " << error << "\n";
    return 1;
  }
  llvm::SourceMgr sources;
  sources.AddNewSourceBuffer(std::move(buffer), llvm::SMLoc());
  SourceMgrDiagnosticHandler diagnostics(sources, &context);
  auto module = parseSourceFile<ModuleOp>(sources, &context);
  if (!module)
    return 1;
  Executable::Options options;
  options.optLevel = optLevel;
  auto executable = Executable::create(*module, options);
  if (failed(executable))
    return 1;
  auto arguments = parseInputs(inputs, (*executable)->inputs(), &context);
  if (failed(arguments))
    return 1;
  auto outputs = (*executable)->run(*arguments);
  if (!outputs) {
    llvm::errs() << "llmc-run: " << llvm::toString(outputs.takeError()) << "\n";
    return 1;
  }
  for (auto [spec, output] : llvm::zip((*executable)->outputs(), *outputs))
    llvm::outs() << spec.name << ": " << toAttribute(output) << "\n";
  return 0;
}
