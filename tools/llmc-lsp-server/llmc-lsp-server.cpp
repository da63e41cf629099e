//===- llmc-lsp-server.cpp - llmc IR in editors ---------------------------===//
//
// Speaks the Language Server Protocol on stdin and stdout: diagnostics,
// definitions, uses and hovers in .mlir files with llmc's dialect.
//
//===----------------------------------------------------------------------===//

#include "llmc/InitAll.h"
#include "mlir/Tools/mlir-lsp-server/MlirLspServerMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  llmc::registerEveryDialect(registry);
  return mlir::failed(mlir::MlirLspServerMain(argc, argv, registry));
}
