//===- OnnxImportFuzzer.cpp - imports models of any bytes -----------------===//
//
// A model is untrusted input. Whatever its bytes are, it imports, or gives
// exactly one error. What was imported can be exported, the export imports
// again unless it has nodes that llmc does not know, and lifting keeps the
// module valid.
//
//===----------------------------------------------------------------------===//

#include "Import/ExternalData.h"
#include "Proto.h"
#include "WireMutator.h"
#include "llmc/IR/Dialect.h"
#include "llmc/Lift/Passes.h"
#include "llmc/Onnx/Export.h"
#include "llmc/Onnx/Import.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include <cstdlib>
#include <filesystem>

using namespace mlir;
using namespace llmc;

// MLIR and LLVM are not instrumented. Their headers in our code would poison
// memory of allocators that they use too.
extern "C" const char *__asan_default_options() {
  return "allow_user_poisoning=0:detect_container_overflow=0";
}

namespace {

/// A folder that the models lie in and are exported to.
class Folder {
public:
  Folder() {
    llvm::SmallString<128> created;
    if (llvm::sys::fs::createUniqueDirectory("llmc-fuzz", created))
      std::abort();
    path = std::string(created);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string path;
};

[[noreturn]] void complain(const std::string &what, ModuleOp module = {}) {
  llvm::errs() << "onnx-import-fuzzer: " << what << "\n";
  if (module)
    module->print(llvm::errs(), OpPrintingFlags().assumeVerified());
  std::abort();
}

/// External data lies in the model's folder, whatever its location says.
void checkExternalPaths(const ::onnx::GraphProto &graph,
                        const std::string &folder) {
  for (const ::onnx::TensorProto &tensor : graph.initializer())
    for (const ::onnx::StringStringEntryProto &entry : tensor.external_data()) {
      llvm::Expected<std::string> path =
          onnx_detail::resolveExternalPath(folder, entry.value());
      if (!path)
        llvm::consumeError(path.takeError());
      else if (std::filesystem::canonical(*path)
                   .lexically_relative(std::filesystem::canonical(folder))
                   .begin()
                   ->string() == "..")
        complain("external data outside the folder: " + *path);
    }
}

bool hasUnknownNodes(ModuleOp module) {
  return module->walk([](OnnxOp) { return WalkResult::interrupt(); })
      .wasInterrupted();
}

} // namespace

static void importModel(llvm::StringRef bytes, const std::string &folder) {
  MLIRContext context(MLIRContext::Threading::DISABLED);
  std::vector<std::string> errors;
  ScopedDiagnosticHandler handler(&context, [&](Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() == DiagnosticSeverity::Error)
      errors.push_back(diagnostic.str());
    return success();
  });
  auto joined = [&] { return llvm::join(errors, "\n"); };

  OwningOpRef<ModuleOp> module =
      importOnnxModelFromBuffer(bytes, folder + "/model.onnx", &context);
  if (!module) {
    if (errors.size() != 1 || errors[0].empty())
      complain("not one error:\n" + joined());
    return;
  }
  if (!errors.empty() || failed(verify(*module)))
    complain("an import that succeeded has errors:\n" + joined(), *module);

  std::string exported = folder + "/exported.onnx";
  if (succeeded(exportOnnxModel(*module, exported))) {
    // What was carried unknown may be known, and wrong, among the opsets of
    // the export.
    if (!importOnnxModel(exported, &context) && !hasUnknownNodes(*module))
      complain("an exported model does not import:\n" + joined(), *module);
  } else if (errors.empty()) {
    complain("an export failed without an error", *module);
  }
  errors.clear();

  OwningOpRef<ModuleOp> original = module->clone();
  PassManager manager(&context);
  buildLiftPipeline(manager);
  if (failed(manager.run(*module)))
    complain("lifting failed:\n" + joined(), *original);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static Folder folder;
  ::onnx::ModelProto model;
  if (model.ParseFromArray(data, size))
    checkExternalPaths(model.graph(), folder.path);
  importModel({reinterpret_cast<const char *>(data), size}, folder.path);
  return 0;
}

//===----------------------------------------------------------------------===//
// Mutations that keep a message well-formed
//===----------------------------------------------------------------------===//

extern "C" size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t maxSize);

static size_t store(const WireMessage &message, uint8_t *data, size_t maxSize) {
  std::string bytes = message.serialize();
  if (bytes.empty() || bytes.size() > maxSize)
    return 0;
  std::memcpy(data, bytes.data(), bytes.size());
  return bytes.size();
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size,
                                          size_t maxSize, unsigned seed) {
  std::minstd_rand random(seed);
  std::optional<WireMessage> message = WireMessage::parse(data, size);
  if (!message || seed % 16 == 0)
    return LLVMFuzzerMutate(data, size, maxSize);
  for (unsigned i = 0; i <= seed % 4; ++i)
    message->mutate(random);
  size_t stored = store(*message, data, maxSize);
  return stored ? stored : LLVMFuzzerMutate(data, size, maxSize);
}

extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t *data1, size_t size1,
                                            const uint8_t *data2, size_t size2,
                                            uint8_t *out, size_t maxSize,
                                            unsigned seed) {
  std::minstd_rand random(seed);
  std::optional<WireMessage> first = WireMessage::parse(data1, size1),
                             second = WireMessage::parse(data2, size2);
  if (!first || !second)
    return 0;
  first->cross(*second, random);
  return store(*first, out, maxSize);
}
