//===- InitAll.h - everything llmc can register -----------------*- C++ -*-===//
//
// What tools and bindings have in common. Include it in one file of a program:
// it names every upstream dialect.
//
//===----------------------------------------------------------------------===//

#ifndef LLMC_INITALL_H
#define LLMC_INITALL_H

#include "llmc/Calibrate/Passes.h"
#include "llmc/Compress/Passes.h"
#include "llmc/IR/Dialect.h"
#include "llmc/Lift/Passes.h"
#include "llmc/Lower/Executable.h"
#include "llmc/Lower/Passes.h"
#include "llmc/Recipe/Recipe.h"
#include "llmc/Target/Passes.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/InitAllPasses.h"

namespace llmc {

/// llmc's dialect and upstream's, with all that lowering and code generation
/// need of them.
inline void registerEveryDialect(mlir::DialectRegistry &registry) {
  mlir::registerAllDialects(registry);
  mlir::registerAllExtensions(registry);
  registry.insert<LLMCDialect>();
  Executable::registerDialects(registry);
  registerLaunchBufferization(registry);
}

/// llmc's passes and pipelines and upstream's. Call it once in a process.
inline void registerEveryPass() {
  mlir::registerAllPasses();
  registerLiftPasses();
  registerLiftPipelines();
  registerCalibratePasses();
  registerCompressPasses();
  registerTargetPasses();
  registerLowerPasses();
  registerLowerPipelines();
  registerPortablePipeline();
  registerRecipePipeline();
}

} // namespace llmc

#endif // LLMC_INITALL_H
