//===- llmc-reduce.cpp - makes failing IR smaller -------------------------===//
//
//   llmc-reduce -reduction-tree='traversal-mode=0 test=./fails.sh' big.mlir
//
// Keeps what the script calls interesting (exit status 1).
//
//===----------------------------------------------------------------------===//

#include "../BackendOptions.h"
#include "llmc/InitAll.h"
#include "mlir/Tools/mlir-reduce/MlirReduceMain.h"

int main(int argc, char **argv) {
  llmc::registerEveryPass();
  mlir::DialectRegistry registry;
  llmc::registerEveryDialect(registry);
  llmc::BackendOptions backends(llvm::cl::getGeneralCategory());
  backends.parse(argc, argv);
  if (mlir::failed(backends.load(registry)))
    return 1;
  if (backends.isList())
    return 0;
  mlir::MLIRContext context(registry);
  return mlir::failed(mlir::mlirReduceMain(argc, argv, context));
}
