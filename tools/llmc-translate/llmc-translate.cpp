//===- llmc-translate.cpp - ONNX, MLIR text and MLIR bytecode -------------===//
//
// Reads any of the three and writes any of the three. What a file is follows
// from its name (.onnx, .mlir, .mlirbc) unless an option says it.
//
//===----------------------------------------------------------------------===//

#include "../BackendOptions.h"
#include "../Diagnostics.h"
#include "llmc/IR/Dialect.h"
#include "llmc/Onnx/Export.h"
#include "llmc/Onnx/Import.h"
#include "llmc/Weights/ModuleFile.h"
#include "llmc/Weights/OutputFile.h"
#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/InitAllDialects.h"
#include "llvm/Support/CommandLine.h"
#include "llvm/Support/InitLLVM.h"
#include "llvm/Support/SourceMgr.h"

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
  /// Whose dialects may be in the IR.
  llmc::BackendOptions backends{category};

  bool readsOnnx() const {
    return importOnnx || StringRef(input).ends_with(".onnx");
  }
  bool writesOnnx() const {
    return exportOnnx || StringRef(output).ends_with(".onnx");
  }
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

static LogicalResult fail(const Twine &message) {
  llvm::errs() << "error: " << message << "\n";
  return failure();
}

/// Combinations of options that say nothing or two things.
static LogicalResult check(const Options &options) {
  bool writesOnnx = options.writesOnnx();
  // Weights may lie in files beside the model.
  if (options.readsOnnx() && options.input == "-")
    return fail("an ONNX model is read from a file, not from stdin");
  if (writesOnnx && options.output == "-")
    return fail("an ONNX model is written to a file: name it with -o");
  if (writesOnnx && options.emitBytecode)
    return fail("the output cannot be ONNX and bytecode");
  if (!options.dims.empty() && !options.readsOnnx())
    return fail("--dim is for ONNX models");
  if (!writesOnnx && (options.dataName.getNumOccurrences() ||
                      options.dataLimit.getNumOccurrences()))
    return fail("--external-data-* are for writing ONNX models");
  return success();
}

static OwningOpRef<ModuleOp> read(const Options &options,
                                  MLIRContext &context) {
  StringRef input = options.input;
  if (options.readsOnnx()) {
    llmc::ImportOptions importOptions;
    if (failed(readDims(options, importOptions.dims)))
      return {};
    return llmc::importOnnxModel(input, &context, importOptions);
  }
  return llmc::parseModuleFile(input, &context);
}

static LogicalResult write(const Options &options, ModuleOp module) {
  StringRef output = options.output;
  if (options.writesOnnx()) {
    llmc::ExportOptions exportOptions;
    exportOptions.externalDataName = options.dataName;
    exportOptions.externalDataLimit = options.dataLimit;
    return llmc::exportOnnxModel(module, output, exportOptions);
  }
  auto report = [](llvm::Error error) {
    return fail(toString(std::move(error)));
  };
  auto file = llmc::OutputFile::create(output);
  if (!file)
    return report(file.takeError());
  llvm::raw_ostream &os = (*file)->os();
  if (options.emitBytecode || output.ends_with(".mlirbc")) {
    if (failed(writeBytecodeToFile(module, os)))
      return failure();
  } else {
    module.print(os);
    os << "\n";
  }
  if (llvm::Error error = (*file)->keep())
    return report(std::move(error));
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
      argc, argv,
      "llmc-translate: reads and writes ONNX, MLIR text and MLIR bytecode\n\n"
      "  What a file is follows from its name (.onnx, .mlir, .mlirbc) unless "
      "an\n  option says it.\n\n"
      "EXAMPLES:\n\n"
      "  llmc-translate model.onnx -o model.mlirbc\n"
      "  llmc-translate model.mlirbc | less\n"
      "  llmc-translate small.mlirbc -o small.onnx\n");

  DialectRegistry registry;
  registerAllDialects(registry);
  registry.insert<llmc::LLMCDialect>();
  if (failed(options.backends.load(registry)))
    return 1;
  if (options.backends.isList())
    return 0;
  MLIRContext context(registry);
  llmc::installDiagnosticHandler(context);
  if (failed(check(options)))
    return 1;
  OwningOpRef<ModuleOp> module = read(options, context);
  if (!module || failed(write(options, *module)))
    return 1;
  return 0;
}
