//===- Decompositions.h - ops in terms of primitive ones -------*- C++ -*-===//

#ifndef LLMC_LOWER_DECOMPOSITIONS_H
#define LLMC_LOWER_DECOMPOSITIONS_H

#include "llmc/IR/Decomposer.h"

namespace llmc {

mlir::Value decomposeAttention(AttentionOp op, Decomposer &decomposer);

} // namespace llmc

#endif // LLMC_LOWER_DECOMPOSITIONS_H
