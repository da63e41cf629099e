//===- llmc-opt.cpp - runs passes over llmc and upstream dialects ---------===//
//
// MLIR's driver with a help of its own: `--help` shows llmc's passes and the
// options that people use, `--help-hidden` everything that LLVM registers.
//
//===----------------------------------------------------------------------===//

#include "../BackendOptions.h"
#include "PassStatistics.h"
#include "llmc/InitAll.h"
#include "llmc/Weights/ModuleFile.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Support/FileUtilities.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/ToolOutputFile.h"

namespace cl = llvm::cl;

static constexpr llvm::StringLiteral overview =
    R"(llmc-opt: runs passes over language models in MLIR

  Reads MLIR text or bytecode (llmc-translate makes it of ONNX), runs the
  passes that are named, in the order of the command line, and writes MLIR.

EXAMPLES:

  llmc-opt model.mlirbc --llmc-lift -o lifted.mlir
  llmc-opt model.mlirbc --llmc-lift --llmc-quantize-rtn='bits=4 block=32' \
           --emit-bytecode -o small.mlirbc
  llmc-opt model.mlirbc --pass-pipeline='builtin.module(llmc-lift,cse)'
)";

/// What of MLIR's own options `--help` shows.
static const llvm::StringSet<> shownOptions = {
    "o",
    "allow-unregistered-dialect",
    "emit-bytecode",
    "list-backends",
    "list-passes",
    "load-backend",
    "mlir-disable-threading",
    "mlir-elide-resource-strings-if-larger",
    "mlir-pass-statistics",
    "mlir-print-debuginfo",
    "mlir-print-ir-after-all",
    "mlir-print-ir-before-all",
    "mlir-print-local-scope",
    "mlir-print-op-generic",
    "mlir-timing",
    "pass-pipeline",
    "show-dialects",
    "split-input-file",
    "target",
    "verify-diagnostics",
    "verify-each"};

/// A list of llmc's passes and pipelines for the end of the help.
static std::string describePasses(llvm::ArrayRef<llvm::StringRef> names) {
  std::string text;
  llvm::raw_string_ostream out(text);
  auto list = [&](llvm::StringRef title, auto lookup) {
    out << title << ":\n\n";
    for (llvm::StringRef name : names)
      if (const mlir::PassRegistryEntry *entry = lookup(name))
        out << "  --" << llvm::left_justify(name, 26) << " "
            << entry->getPassDescription() << "\n";
    out << "\n";
  };
  list("\nPIPELINES OF LLMC",
       [](auto name) { return mlir::PassPipelineInfo::lookup(name); });
  list("PASSES OF LLMC",
       [](auto name) { return mlir::PassInfo::lookup(name); });
  out << "--list-passes lists MLIR's passes too, and the options of each; "
         "--help-hidden all\noptions of MLIR and LLVM.\n";
  return text;
}

/// Leaves the options in --help that people use.
static void arrangeHelp() {
  std::vector<llvm::StringRef> passes;
  for (auto &entry : cl::getRegisteredOptions()) {
    cl::Option *option = entry.second;
    llvm::StringRef name = entry.first;
    if (name.starts_with("llmc-"))
      passes.push_back(name);
    if (!shownOptions.contains(name) && !name.starts_with("help") &&
        name != "version" && option->getOptionHiddenFlag() == cl::NotHidden)
      option->setHiddenFlag(cl::Hidden);
  }
  llvm::sort(passes);
  static const std::string text = describePasses(passes);
  static const cl::extrahelp help(text);
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  llmc::registerEveryPass();
  mlir::DialectRegistry registry;
  llmc::registerEveryDialect(registry);
  (void)mlir::registerCLIOptions("llmc-opt", registry);
  llmc::BackendOptions backends(cl::getGeneralCategory());
  cl::opt<std::string> target(
      "target", cl::value_desc("target"), cl::init("host"),
      cl::desc("What backends generate code for, as in llmc-compile"));
  arrangeHelp();
  auto [input, output] = mlir::parseCLIOptions(argc, argv, overview);
  if (failed(backends.load(registry, target)))
    return 1;
  if (backends.isList())
    return 0;
  auto config = mlir::MlirOptMainConfig::createFromCLOptions();
  if (config.shouldShowDialects() || config.shouldListPasses())
    return mlir::asMainReturnCode(
        mlir::MlirOptMain(argc, argv, input, output, registry));
  if (cl::getRegisteredOptions()["mlir-pass-statistics"]->getNumOccurrences())
    config.setPassPipelineSetupFn([config](mlir::PassManager &manager) {
      llmc::printPassStatistics(manager);
      return config.setupPassPipeline(manager);
    });
  // As MLIR does it, but with a buffer that bytecode with params can be in.
  std::string message;
  auto in = llmc::openModuleFile(input, message);
  auto out = in ? mlir::openOutputFile(output, &message) : nullptr;
  if (!out) {
    llvm::errs() << "llmc-opt: " << message << "\n";
    return 1;
  }
  if (mlir::failed(
          mlir::MlirOptMain(out->os(), std::move(in), registry, config)))
    return 1;
  out->keep();
  return 0;
}
