//===- LinearKernel.h - products with weights in panels --------*- C++ -*-===//

#ifndef LLMC_LIB_BACKENDS_CPU_LINEARKERNEL_H
#define LLMC_LIB_BACKENDS_CPU_LINEARKERNEL_H

#include "PanelLayout.h"

namespace llmc::cpu {

/// Writes the body of `function(x, [bias], panels..., y)`: y = x W^T + bias for
/// x [..., K] and y [..., N] of f32, with W as `layout` stores it.
void emitLinear(mlir::func::FuncOp function, const PanelLayout &layout,
                bool hasBias);

} // namespace llmc::cpu

#endif // LLMC_LIB_BACKENDS_CPU_LINEARKERNEL_H
