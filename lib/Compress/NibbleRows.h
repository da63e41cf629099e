//===- NibbleRows.h - rows of numbers in four bits -------------*- C++ -*-===//

#ifndef LLMC_LIB_COMPRESS_NIBBLEROWS_H
#define LLMC_LIB_COMPRESS_NIBBLEROWS_H

#include "llmc/IR/Dialect.h"

namespace llmc {

/// Rows [B, H, S, D] in groups of successive numbers, each `code * step + low`
/// with codes from 0 to 15.
struct NibbleRows {
  /// ui8 [B, H, S, D / 2]: byte i has the code of number i in its low half,
  /// that of number i + D / 2 in the high one.
  mlir::Value data;
  mlir::Value steps, lows; ///< f16 [B, H, S, D / group]
};

/// Rounds `rows` of f32.
NibbleRows packNibbles(mlir::OpBuilder &builder, mlir::Location loc,
                       mlir::Value rows, int64_t group);

/// The f32 that `rows` stand for.
mlir::Value unpackNibbles(mlir::OpBuilder &builder, mlir::Location loc,
                          const NibbleRows &rows, int64_t group);

} // namespace llmc

#endif // LLMC_LIB_COMPRESS_NIBBLEROWS_H
