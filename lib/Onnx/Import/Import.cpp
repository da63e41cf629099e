//===- Import.cpp - ONNX models become llmc modules -----------------------===//

#include "llmc/Onnx/Import.h"
#include "GraphImporter.h"
#include "llmc/Weights/Blobs.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Iterators.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/Support/FileSystem.h"
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl.h>
#include <google/protobuf/stubs/logging.h>

using namespace mlir;
using namespace llmc;
using namespace llmc::onnx_detail;

void llmc::registerOnnxImportDialects(DialectRegistry &registry) {
  registry.insert<LLMCDialect, func::FuncDialect, scf::SCFDialect,
                  tensor::TensorDialect>();
}

/// Erases ops that nothing uses, such as the constants that became attributes,
/// so that params which only they read go too.
static void eraseDeadOps(ModuleOp module) {
  module.walk<WalkOrder::PostOrder, ReverseIterator>([](Operation *op) {
    if (isOpTriviallyDead(op))
      op->erase();
  });
  eraseUnusedParams(module);
}

/// Imports `model` so that a failure gives exactly one error, in terms of the
/// model: `path: error: node 'name' (Op): what is wrong`.
static OwningOpRef<ModuleOp> importModel(::onnx::ModelProto &model,
                                         StringRef path, MLIRContext *context,
                                         const ImportOptions &options) {
  context->loadDialect<LLMCDialect, func::FuncDialect, scf::SCFDialect,
                       tensor::TensorDialect>();
  Location location = FileLineColLoc::get(context, path, 0, 0);
  OwningOpRef<ModuleOp> module = ModuleOp::create(location);
  GraphImporter importer(model, *module, path, options);
  std::string error;
  {
    ScopedDiagnosticHandler handler(context, [&](Diagnostic &diagnostic) {
      if (diagnostic.getSeverity() != DiagnosticSeverity::Error)
        return failure();
      if (error.empty()) {
        std::string node = importer.describeCurrentNode();
        error = (node.empty() ? "" : node + ": ") + diagnostic.str();
      }
      return success();
    });
    if (succeeded(importer.run())) {
      eraseDeadOps(*module);
      if (succeeded(verify(*module)))
        return module;
    }
  }
  emitError(location) << error;
  // The params' bytes belong to the context and would stay.
  for (ParamOp param : llvm::make_early_inc_range(module->getOps<ParamOp>()))
    eraseParam(param);
  return {};
}

static InFlightDiagnostic emitFileError(StringRef path, MLIRContext *context) {
  return emitError(FileLineColLoc::get(context, path, 0, 0));
}

/// Parses without protobuf's own messages on stderr.
static bool parse(google::protobuf::io::ZeroCopyInputStream &stream,
                  ::onnx::ModelProto &model) {
  google::protobuf::LogSilencer silencer;
  google::protobuf::io::CodedInputStream coded(&stream);
  coded.SetTotalBytesLimit(INT_MAX);
  return model.ParseFromCodedStream(&coded) && coded.ConsumedEntireMessage();
}

OwningOpRef<ModuleOp> llmc::importOnnxModel(StringRef path,
                                            MLIRContext *context,
                                            const ImportOptions &options) {
  llvm::sys::fs::file_status status;
  if (std::error_code error = llvm::sys::fs::status(path, status)) {
    emitFileError(path, context) << "cannot be read: " << error.message();
    return {};
  }
  if (!llvm::sys::fs::is_regular_file(status)) {
    emitFileError(path, context) << "is not a file";
    return {};
  }
  if (status.getSize() > INT_MAX) {
    emitFileError(path, context)
        << "is larger than 2 GiB, protobuf's limit: weights of such a model "
           "must be external data";
    return {};
  }
  llvm::Expected<llvm::sys::fs::file_t> file =
      llvm::sys::fs::openNativeFileForRead(path);
  if (!file) {
    emitFileError(path, context)
        << "cannot be read: " << toString(file.takeError());
    return {};
  }
  ::onnx::ModelProto model;
  bool parsed;
  {
    google::protobuf::io::FileInputStream stream(*file, 1 << 20);
    parsed = parse(stream, model);
  }
  (void)llvm::sys::fs::closeFile(*file);
  if (!parsed) {
    emitFileError(path, context) << "is not an ONNX model, or is truncated, "
                                    "corrupt or nested too deeply";
    return {};
  }
  return importModel(model, path, context, options);
}

OwningOpRef<ModuleOp>
llmc::importOnnxModelFromBuffer(StringRef bytes, StringRef path,
                                MLIRContext *context,
                                const ImportOptions &options) {
  ::onnx::ModelProto model;
  google::protobuf::io::ArrayInputStream stream(bytes.data(), bytes.size());
  if (bytes.size() > INT_MAX || !parse(stream, model)) {
    emitFileError(path, context) << "is not an ONNX model, or is truncated, "
                                    "corrupt or nested too deeply";
    return {};
  }
  return importModel(model, path, context, options);
}
