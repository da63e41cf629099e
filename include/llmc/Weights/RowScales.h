//===- RowScales.h - scales that share a number of their row ----*- C++ -*-===//

#ifndef LLMC_WEIGHTS_ROWSCALES_H
#define LLMC_WEIGHTS_ROWSCALES_H

#include "llmc/IR/Dialect.h"
#include <optional>

namespace llmc {

/// Scales that are integers times a number of their row: see
/// llmc-quantize-rtn's `progressive`.
struct RowScales {
  mlir::Value multiples; ///< llmc.weight of ui8, [N, blocks].
  mlir::Value rows;      ///< [N, 1], a weight or a cast of one.
};

/// Matches the scales of a weight without zero points whose integers, times
/// those of its block, are 8-bit integers: m <= 2^(8 - bits). Empty otherwise.
std::optional<RowScales> matchRowScales(DequantizeOp weight);

} // namespace llmc

#endif // LLMC_WEIGHTS_ROWSCALES_H
