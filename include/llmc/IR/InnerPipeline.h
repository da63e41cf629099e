//===- InnerPipeline.h - passes that a pass runs ----------------*- C++ -*-===//

#ifndef LLMC_IR_INNERPIPELINE_H
#define LLMC_IR_INNERPIPELINE_H

#include "mlir/Pass/AnalysisManager.h"
#include "mlir/Pass/PassManager.h"

namespace llmc {

/// Lets what observes the passes of `outer`, such as `--mlir-timing` and
/// `--mlir-print-ir-after-all`, observe those of `inner`, which a pass runs on
/// a module of its own. `outer` has to outlive runs of `inner`.
void inheritInstrumentation(mlir::PassManager &inner,
                            mlir::AnalysisManager outer);

} // namespace llmc

#endif // LLMC_IR_INNERPIPELINE_H
