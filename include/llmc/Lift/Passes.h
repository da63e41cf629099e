//===- Passes.h - from a graph of ONNX ops to the ops of LLMs --*- C++ -*-===//

#ifndef LLMC_LIFT_PASSES_H
#define LLMC_LIFT_PASSES_H

#include "llmc/IR/PassStatistics.h"

namespace llmc {

#define GEN_PASS_DECL
#include "llmc/Lift/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "llmc/Lift/Passes.h.inc"

/// Folds shapes, simplifies and runs every pattern pass, in order.
void buildLiftPipeline(mlir::OpPassManager &manager);

/// Registers `llmc-lift`.
void registerLiftPipelines();

} // namespace llmc

#endif // LLMC_LIFT_PASSES_H
