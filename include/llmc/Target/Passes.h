//===- Passes.h - handing ops to backends ----------------------*- C++ -*-===//

#ifndef LLMC_TARGET_PASSES_H
#define LLMC_TARGET_PASSES_H

#include "llmc/IR/Dialect.h"
#include "llmc/IR/PassStatistics.h"

namespace llmc {

#define GEN_PASS_DECL
#include "llmc/Target/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "llmc/Target/Passes.h.inc"

/// Lets bufferization work on llmc.launch.
void registerLaunchBufferization(mlir::DialectRegistry &registry);

} // namespace llmc

#endif // LLMC_TARGET_PASSES_H
