//===- Passes.h - collecting statistics of a model --------------*- C++ -*-===//

#ifndef LLMC_CALIBRATE_PASSES_H
#define LLMC_CALIBRATE_PASSES_H

#include "llmc/IR/Dialect.h"
#include "llmc/IR/PassStatistics.h"

namespace llmc {

#define GEN_PASS_DECL
#include "llmc/Calibrate/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "llmc/Calibrate/Passes.h.inc"

} // namespace llmc

#endif // LLMC_CALIBRATE_PASSES_H
