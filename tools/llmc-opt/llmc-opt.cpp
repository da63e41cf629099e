//===- llmc-opt.cpp - runs passes over llmc and upstream dialects ---------===//

#include "llmc/Compress/Passes.h"
#include "llmc/IR/Dialect.h"
#include "llmc/Lift/Passes.h"
#include "llmc/Lower/Passes.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  mlir::registerAllPasses();
  registry.insert<llmc::LLMCDialect>();
  llmc::registerLiftPasses();
  llmc::registerLiftPipelines();
  llmc::registerCompressPasses();
  llmc::registerLowerPasses();
  llmc::registerLowerPipelines();
  return mlir::asMainReturnCode(mlir::MlirOptMain(
      argc, argv, "llmc-opt: passes over language models\n", registry));
}
