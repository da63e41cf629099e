//===- SpecialFunctions.h - exp and erf of vectors -------------*- C++ -*-===//
//
// In fewer instructions than those of MLIR's math-polynomial-approximation.
// Coefficients are those with the least largest relative error. What is not a
// number stays so.
//
//===----------------------------------------------------------------------===//

#ifndef LLMC_LIB_BACKENDS_CPU_SPECIALFUNCTIONS_H
#define LLMC_LIB_BACKENDS_CPU_SPECIALFUNCTIONS_H

#include "KernelBuilder.h"

namespace llmc::cpu {

/// e^x of f32, to 9.5e-8 of it, or to 4.9e-6 for what becomes bf16; exactly 1
/// for 0 and 0 for x <= -88.1, which makes less than the smallest normal
/// number; inf for x >= 88.4.
Value emitExp(KernelBuilder &k, Value x, bool becomesBF16 = false);

/// erf(x) of f32, to 2.3e-7 of it.
Value emitErf(KernelBuilder &k, Value x);

} // namespace llmc::cpu

#endif // LLMC_LIB_BACKENDS_CPU_SPECIALFUNCTIONS_H
