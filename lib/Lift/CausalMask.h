//===- CausalMask.h - masks that are only positions ------------*- C++ -*-===//

#ifndef LLMC_LIB_LIFT_CAUSALMASK_H
#define LLMC_LIB_LIFT_CAUSALMASK_H

#include "Lifter.h"

namespace llmc {

/// A mask `[..., S, T]` that only compares positions, as llmc.attention says
/// it.
struct CausalMask {
  bool causal = false; ///< keys j > i + (T - S) are excluded
  int64_t window = 0;  ///< keys j <= i + (T - S) - window are, unless 0
};

/// Recognises `mask`, an i1 condition or a float mask that is 0 or excludes,
/// when it compares a range of key positions with a range of query positions
/// and nothing else. Every row then keeps its diagonal, so that it does not
/// matter by which value the mask excludes.
std::optional<CausalMask> matchCausalMask(mlir::Value mask,
                                          mlir::AffineExpr queries,
                                          mlir::AffineExpr keys,
                                          Lifter &lifter);

} // namespace llmc

#endif // LLMC_LIB_LIFT_CAUSALMASK_H
