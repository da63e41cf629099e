//===- llmc-opt.cpp - runs passes over llmc and upstream dialects ---------===//

#include "llmc/InitAll.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  llmc::registerEveryPass();
  mlir::DialectRegistry registry;
  llmc::registerEveryDialect(registry);
  return mlir::asMainReturnCode(mlir::MlirOptMain(
      argc, argv, "llmc-opt: passes over language models\n", registry));
}
