//===- PassStatistics.h - printing what passes count ------------*- C++ -*-===//

#ifndef LLMC_TOOLS_PASSSTATISTICS_H
#define LLMC_TOOLS_PASSSTATISTICS_H

#include "mlir/Pass/PassManager.h"

namespace llmc {

/// Has the statistics of llmc's passes printed to stderr behind the title that
/// MLIR prints, where LLVM is compiled without statistics; does nothing where
/// MLIR prints them. Passes with the same name are one in the list.
void printPassStatistics(mlir::PassManager &manager);

} // namespace llmc

#endif // LLMC_TOOLS_PASSSTATISTICS_H
