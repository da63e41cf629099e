//===- llmc-lsp-server.cpp - llmc IR in editors ---------------------------===//
//
// Speaks the Language Server Protocol on stdin and stdout: diagnostics,
// definitions, uses and hovers in .mlir files with llmc's dialect and those of
// backends (--load-backend).
//
//===----------------------------------------------------------------------===//

#include "../BackendOptions.h"
#include "llmc/InitAll.h"
#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  llmc::registerEveryDialect(registry);
  llmc::BackendOptions backends(llvm::cl::getGeneralCategory());
  backends.parse(argc, argv);
  if (mlir::failed(backends.load(registry)))
    return 1;
  if (backends.isList())
    return 0;
  return mlir::failed(mlir::MlirLspServerMain(argc, argv, registry));
}
