//===- PassStatistics.h - what passes count ---------------------*- C++ -*-===//
//
// A release of LLVM is compiled without statistics: MLIR's constructor of
// Pass::Statistic leaves those of a pass without a name and a value, although
// in code that is compiled with assertions, as llmc is, a statistic has both.
// Here is the constructor of an LLVM that has them. Include this where passes
// are declared.
//
//===----------------------------------------------------------------------===//

#ifndef LLMC_IR_PASSSTATISTICS_H
#define LLMC_IR_PASSSTATISTICS_H

#include "mlir/Pass/Pass.h"
#include "llvm/Config/abi-breaking.h"
#include "llvm/Config/llvm-config.h"

/// Whether statistics are counted here and LLVM does not print them.
#if LLVM_ENABLE_STATS && !LLVM_FORCE_ENABLE_STATS &&                           \
    !LLVM_ENABLE_ABI_BREAKING_CHECKS
#define LLMC_OWN_STATISTICS 1
#else
#define LLMC_OWN_STATISTICS 0
#endif

#if LLMC_OWN_STATISTICS
// Inlined and hidden: MLIR's own passes have statistics of no size and must not
// find this one.
__attribute__((always_inline, visibility("hidden"))) inline mlir::Pass::
    Statistic::Statistic(Pass *owner, const char *name, const char *description)
    : llvm::Statistic{/*DebugType=*/"llmc", name, description} {
  owner->statistics.push_back(this);
}
#endif

#endif // LLMC_IR_PASSSTATISTICS_H
