//===- llmc-reduce.cpp - makes failing IR smaller -------------------------===//
//
//   llmc-reduce -reduction-tree='traversal-mode=0 test=./fails.sh' big.mlir
//
// Keeps what the script calls interesting (exit status 1).
//
//===----------------------------------------------------------------------===//

#include "llmc/InitAll.h"
#include "mlir/Tools/mlir-reduce/MlirReduceMain.h"

int main(int argc, char **argv) {
  llmc::registerEveryPass();
  mlir::DialectRegistry registry;
  llmc::registerEveryDialect(registry);
  mlir::MLIRContext context(registry);
  return mlir::failed(mlir::mlirReduceMain(argc, argv, context));
}
