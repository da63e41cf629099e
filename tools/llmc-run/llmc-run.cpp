//===- llmc-run.cpp - runs a model in IR on given inputs ------------------===//
//
//   llmc-run model.mlir --input 'x=dense<[1.0, 2.0]> : tensor<2xf32>'
//
// Compiles @main in memory and prints each output as an
// MLIR attribute, so that lit tests can check numbers.
//
//===----------------------------------------------------------------------===//

#include "../BackendOptions.h"
#include "../Diagnostics.h"
#include "../HostTensors.h"
#include "llmc/InitAll.h"
#include "llmc/Weights/ModuleFile.h"
#include "mlir/AsmParser/AsmParser.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"

using namespace mlir;
using namespace llmc;

/// The value of `name=attribute` for each input of the model, in order.
static FailureOr<SmallVector<HostTensor>>
parseInputs(ArrayRef<std::string> texts, ArrayRef<TensorSpec> specs,
            MLIRContext *context) {
  llvm::StringMap<HostTensor> byName;
  for (StringRef text : texts) {
    StringRef name = text.split('=').first.trim();
    StringRef value = text.split('=').second.trim();
    auto elements =
        dyn_cast_or_null<DenseElementsAttr>(parseAttribute(value, context));
    if (!elements || !isa<RankedTensorType>(elements.getType()) ||
        !elements.getElementType().isIntOrFloat() ||
        elements.getElementType().getIntOrFloatBitWidth() > 64) {
      llvm::errs() << "llmc-run: --input " << name
                   << ": expected an elements attribute such as "
                      "'dense<[1.0, 2.0]> : tensor<2xf32>'\n";
      return failure();
    }
    if (llvm::none_of(
            specs, [&](const TensorSpec &spec) { return spec.name == name; })) {
      llvm::errs() << "llmc-run: --input " << name
                   << ": @main has no input of this name\n";
      return failure();
    }
    if (!byName.try_emplace(name, toHostTensor(elements)).second) {
      llvm::errs() << "llmc-run: --input " << name << ": is given twice\n";
      return failure();
    }
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
      llvm::cl::desc("An input of @main by its llmc.name, such as\n"
                     "'x=dense<[1.0, 2.0]> : tensor<2xf32>'; once for each"),
      llvm::cl::cat(category));
  llvm::cl::opt<unsigned> optLevel("O", llvm::cl::Prefix, llvm::cl::init(2),
                                   llvm::cl::value_desc("level"),
                                   llvm::cl::desc("LLVM optimization level, 0 "
                                                  "to 3 (default 2)"),
                                   llvm::cl::cat(category));
  BackendOptions backends(category);
  llvm::cl::HideUnrelatedOptions(category);
  llvm::cl::ParseCommandLineOptions(
      argc, argv,
      "Runs a model in llmc IR, through the reference lowering where no "
      "loaded backend has a kernel\n");

  DialectRegistry registry;
  registerEveryDialect(registry);
  if (failed(backends.load(registry)))
    return 1;
  if (backends.isList())
    return 0;
  MLIRContext context(registry);

  installDiagnosticHandler(context);
  OwningOpRef<ModuleOp> module = parseModuleFile(file, &context);
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
