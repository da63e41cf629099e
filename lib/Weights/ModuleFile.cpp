//===- ModuleFile.cpp - modules from files of MLIR ------------------------===//

#include "llmc/Weights/ModuleFile.h"
#include "mlir/Parser/Parser.h"
#include "mlir/Support/FileUtilities.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;

/// Large files are mapped, and so have it.
static constexpr llvm::Align alignment = llvm::Align::Constant<4096>();

std::unique_ptr<llvm::MemoryBuffer> llmc::openModuleFile(StringRef path,
                                                         std::string &message) {
  std::unique_ptr<llvm::MemoryBuffer> buffer =
      openInputFile(path, alignment, &message);
  // What comes from stdin lies anywhere.
  if (!buffer || llvm::isAddrAligned(alignment, buffer->getBufferStart()))
    return buffer;
  auto copy = llvm::WritableMemoryBuffer::getNewUninitMemBuffer(
      buffer->getBufferSize(), buffer->getBufferIdentifier(), alignment);
  llvm::copy(buffer->getBuffer(), copy->getBufferStart());
  return copy;
}

OwningOpRef<ModuleOp> llmc::parseModuleFile(StringRef path,
                                            MLIRContext *context) {
  std::string message;
  std::unique_ptr<llvm::MemoryBuffer> buffer = openModuleFile(path, message);
  if (!buffer) {
    emitError(UnknownLoc::get(context)) << message;
    return {};
  }
  // Shared with the params, which point into it.
  auto sources = std::make_shared<llvm::SourceMgr>();
  sources->AddNewSourceBuffer(std::move(buffer), llvm::SMLoc());
  return parseSourceFile<ModuleOp>(sources, ParserConfig(context));
}
