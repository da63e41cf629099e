//===- llmc-translate.cpp - ONNX, MLIR text and MLIR bytecode -------------===//
//
// Reads any of the three and writes any of the three. What a file is follows
// from its name (.onnx, .mlir, .mlirbc) unless an option says it.
//
//===----------------------------------------------------------------------===//

#include "../Diagnostics.h"
#include "llmc/IR/Dialect.h"
#include "llmc/Onnx/Export.h"
#include "llmc/Onnx/Import.h"
#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/InitAllDialects.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Support/FileUtilities.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/SourceMgr.h"
#include "llvm/Support/ToolOutputFile.h"

using namespace mlir;
namespace cl = llvm::cl;

namespace {
struct Options {
  cl::OptionCategory category{"llmc-translate options"};
  cl::opt<std::string> input{cl::Positional, cl::desc("<input file>"),
                             cl::init("-"), cl::cat(category)};
  cl::opt<std::string> output{"o", cl::desc("Output file"),
                              cl::value_desc("file"), cl::init("-"),
                              cl::cat(category)};
  cl::opt<bool> importOnnx{"import-onnx", cl::desc("The input is ONNX"),
                           cl::cat(category)};
  cl::opt<bool> exportOnnx{"export-onnx", cl::desc("The output is ONNX"),
                           cl::cat(category)};
  cl::opt<bool> emitBytecode{"emit-bytecode",
                             cl::desc("The output is MLIR bytecode"),
                             cl::cat(category)};
  cl::list<std::string> dims{
      "dim", cl::desc("Import with this size for a symbolic dimension"),
      cl::value_desc("name=size"), cl::cat(category)};
  cl::opt<std::string> dataName{
      "external-data-name",
      cl::desc("File for the weights, in the exported model's folder "
               "(<model>.data)"),
      cl::value_desc("file"), cl::cat(category)};
  cl::opt<int64_t> dataLimit{
      "external-data-limit",
      cl::desc("Export weights to a file of their own when they have more "
               "bytes than this"),
      cl::value_desc("bytes"),
      cl::init(llmc::ExportOptions().externalDataLimit), cl::cat(category)};
};
} // namespace

static LogicalResult readDims(const Options &options,
                              llvm::StringMap<int64_t> &dims) {
  for (StringRef entry : options.dims) {
    auto [name, text] = entry.split('=');
    int64_t size;
    if (name.empty() || text.getAsInteger(10, size) || size < 0) {
      llvm::errs() << "error: --dim=" << entry
                   << " is not name=size with a size of at least 0\n";
      return failure();
    }
    dims[name] = size;
  }
  return success();
}

static OwningOpRef<ModuleOp> read(const Options &options,
                                  MLIRContext &context) {
  StringRef input = options.input;
  if (options.importOnnx || input.ends_with(".onnx")) {
    llmc::ImportOptions importOptions;
    if (failed(readDims(options, importOptions.dims)))
      return {};
    return llmc::importOnnxModel(input, &context, importOptions);
  }
  return parseSourceFile<ModuleOp>(input, &context);
}

static LogicalResult write(const Options &options, ModuleOp module) {
  StringRef output = options.output;
  if (options.exportOnnx || output.ends_with(".onnx")) {
    llmc::ExportOptions exportOptions;
    exportOptions.externalDataName = options.dataName;
    exportOptions.externalDataLimit = options.dataLimit;
    return llmc::exportOnnxModel(module, output, exportOptions);
  }
  std::string error;
  std::unique_ptr<llvm::ToolOutputFile> file =
      openOutputFile(options.output, &error);
  if (!file) {
    llvm::errs() << "error: " << error << "\n";
    return failure();
  }
  if (options.emitBytecode || output.ends_with(".mlirbc")) {
    if (failed(writeBytecodeToFile(module, file->os())))
      return failure();
  } else {
    module.print(file->os());
    file->os() << "\n";
  }
  file->keep();
  return success();
}

int main(int argc, char **argv) {
  llvm::InitLLVM init(argc, argv);
  Options options;
  registerAsmPrinterCLOptions();
  registerMLIRContextCLOptions();
  // LLVM's own hundreds of options stay available, but not in --help.
  cl::HideUnrelatedOptions(options.category);
  cl::ParseCommandLineOptions(
      argc, argv, "llmc-translate: ONNX, MLIR text and MLIR bytecode\n");

  DialectRegistry registry;
  registerAllDialects(registry);
  registry.insert<llmc::LLMCDialect>();
  MLIRContext context(registry);
  llmc::installDiagnosticHandler(context);
  OwningOpRef<ModuleOp> module = read(options, context);
  if (!module || failed(write(options, *module)))
    return 1;
  return 0;
}
