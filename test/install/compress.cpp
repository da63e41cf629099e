// Imports an ONNX model, quantizes it to 8 bits and exports it.
#include "llmc/Compress/Passes.h"
#include "llmc/IR/Dialect.h"
#include "llmc/Lift/Passes.h"
#include "llmc/Onnx/Export.h"
#include "llmc/Onnx/Import.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"

int main(int argc, char **argv) {
  if (argc != 3)
    return 2;
  llmc::registerLiftPasses();
  llmc::registerLiftPipelines();
  llmc::registerCompressPasses();
  mlir::DialectRegistry registry;
  registry.insert<llmc::LLMCDialect>();
  mlir::MLIRContext context(registry);
  mlir::OwningOpRef<mlir::ModuleOp> module =
      llmc::importOnnxModel(argv[1], &context);
  if (!module)
    return 1;
  mlir::PassManager passes(&context);
  if (failed(mlir::parsePassPipeline(
          "llmc-lift,llmc-quantize-rtn{bits=8 block=32}", passes)) ||
      failed(passes.run(*module)))
    return 1;
  return failed(llmc::exportOnnxModel(*module, argv[2]));
}
