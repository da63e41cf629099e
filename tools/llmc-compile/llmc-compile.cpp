//===- llmc-compile.cpp - compiles a model to an artifact -----------------===//
//
//   llmc-compile model.onnx -o model.llmc
//
//===----------------------------------------------------------------------===//

#include "../BackendOptions.h"
#include "../Diagnostics.h"
#include "llmc/InitAll.h"
#include "llmc/Lower/Artifact.h"
#include "llmc/Onnx/Import.h"
#include "llmc/Weights/ModuleFile.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/Path.h"

using namespace mlir;
using namespace llmc;
namespace cl = llvm::cl;

/// What makes compilable IR of an imported model.
static constexpr const char *onnxPasses =
    "llmc-lift,llmc-keep-last-logits,llmc-kv-cache-in-place";

static LogicalResult runPasses(ModuleOp module, StringRef passes) {
  PassManager manager(module.getContext());
  return failure(failed(parsePassPipeline(passes, manager)) ||
                 failed(manager.run(module)));
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  cl::OptionCategory category("llmc-compile options");
  cl::opt<std::string> input(cl::Positional,
                             cl::desc("<model.onnx | .mlir | .mlirbc>"),
                             cl::cat(category));
  cl::opt<std::string> output("o", cl::value_desc("directory"),
                              cl::desc("The artifact to write; one that is "
                                       "there is replaced"),
                              cl::cat(category));
  ArtifactOptions options;
  cl::opt<std::string> target(
      "target", cl::init(options.target), cl::value_desc("target"),
      cl::desc("host (default): this processor\n"
               "cpu:NAME[+FEATURE|-FEATURE]...: another one, by LLVM's names, "
               "such as\n"
               "cpu:x86-64-v4+amx-int8, cpu:neoverse-n1, cpu:riscv64+v\n"
               "reference: this processor, without backends\n"
               "NAME:OPTIONS: this processor, with options for a backend"),
      cl::cat(category));
  cl::opt<std::string> sysroot(
      "sysroot", cl::value_desc("directory"),
      cl::desc("A system of the target's architecture, for its C library"),
      cl::cat(category));
  cl::opt<unsigned> optLevel("O", cl::Prefix, cl::init(options.optLevel),
                             cl::value_desc("level"),
                             cl::desc("LLVM optimization level, 0 to 3 "
                                      "(default 2)"),
                             cl::cat(category));
  cl::opt<std::string> modelDirectory(
      "model-dir", cl::value_desc("directory"),
      cl::desc("Where tokenizer.json and config.json are (default: where the "
               "model is)"),
      cl::cat(category));
  // cl::desc keeps a reference to its text.
  std::string passesHelp =
      "Passes to run first, as llmc-opt takes them (default for ONNX: " +
      std::string(onnxPasses) + ", for IR: none)";
  cl::opt<std::string> passes("passes", cl::value_desc("pipeline"),
                              cl::desc(passesHelp), cl::cat(category));
  cl::opt<bool> strict("strict",
                       cl::desc("Fail where no backend claims an op that takes "
                                "time"),
                       cl::cat(category));
  cl::opt<bool> verbose("v", cl::desc("Say how long each step takes"),
                        cl::cat(category));
  BackendOptions backends(category);
  cl::HideUnrelatedOptions(category);
  cl::ParseCommandLineOptions(
      argc, argv,
      "Compiles a model to an artifact: a directory with native code and "
      "weights\nthat llmc's runtime opens without MLIR or LLVM.\n");

  registerEveryPass();
  DialectRegistry registry;
  registerEveryDialect(registry);
  if (target != "reference")
    backends.setDefault("cpu");
  if (failed(backends.load(registry, target)))
    return 1;
  if (backends.isList())
    return 0;
  // Not cl::Required, as a list needs neither.
  if (input.empty() || output.empty()) {
    llvm::errs() << "error: name a model, and with -o the artifact to write\n";
    return 1;
  }
  MLIRContext context(registry);

  installDiagnosticHandler(context);
  bool isOnnx = StringRef(input).ends_with(".onnx");
  OwningOpRef<ModuleOp> module = isOnnx ? importOnnxModel(input, &context)
                                        : parseModuleFile(input, &context);
  if (!module)
    return 1;
  std::string pipeline = passes;
  if (isOnnx && passes.getNumOccurrences() == 0)
    pipeline = onnxPasses;
  if (failed(runPasses(*module, pipeline)))
    return 1;

  options.target = target;
  options.sysroot = sysroot;
  options.optLevel = optLevel;
  options.strict = strict;
  options.verbose = verbose;
  options.modelDirectory = modelDirectory;
  if (modelDirectory.empty()) {
    options.modelDirectory = llvm::sys::path::parent_path(input).str();
    if (options.modelDirectory.empty())
      options.modelDirectory = ".";
  }
  return failed(compileArtifact(*module, output, options));
}
