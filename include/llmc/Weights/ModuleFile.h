//===- ModuleFile.h - modules from files of MLIR ---------------*- C++ -*-===//

#ifndef LLMC_WEIGHTS_MODULEFILE_H
#define LLMC_WEIGHTS_MODULEFILE_H

#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/Support/MemoryBuffer.h"

namespace llmc {

/// Opens a file of MLIR, stdin for "-", in a buffer aligned as the params of
/// bytecode ask for. Null when it cannot be read; `message` says why.
std::unique_ptr<llvm::MemoryBuffer> openModuleFile(llvm::StringRef path,
                                                   std::string &message);

/// Reads MLIR text or bytecode. The params of bytecode are not copied: they
/// keep the mapped file. Errors are diagnostics, and the result is null.
mlir::OwningOpRef<mlir::ModuleOp> parseModuleFile(llvm::StringRef path,
                                                  mlir::MLIRContext *context);

} // namespace llmc

#endif // LLMC_WEIGHTS_MODULEFILE_H
