//===- CacheMatch.h - caches of keys or values -----------------*- C++ -*-===//

#ifndef LLMC_LIB_BACKENDS_CPU_CACHEMATCH_H
#define LLMC_LIB_BACKENDS_CPU_CACHEMATCH_H

#include "HeadRows.h"
#include "llmc/IR/Dialect.h"
#include "llmc/IR/ShapeAnalysis.h"

namespace llmc::cpu {

/// Keys or values of attention as a cache stores them.
struct CacheMatch {
  CacheFormat format = CacheFormat::F32;
  mlir::Value data;
  mlir::Value scales; ///< of integers
  mlir::Value lows;   ///< of integers of 4 bits, with `group` that share one
  int64_t group = 0;
  PrefixOp prefix;     ///< of `data`; null when all of it is there
  bool isCast = false; ///< from f16 to f32, which attention reads

  /// `value` as it is.
  static CacheMatch read(mlir::Value value, ShapeContext &shapes);
  /// What the cache is stored in.
  llvm::SmallVector<mlir::Value, 3> getBuffers() const;
};

/// What `value`, [B, heads, T, D], is read from.
CacheMatch matchCache(mlir::Value value, ShapeContext &shapes);

/// How the data of a cache, and what is beside it, came to be: `rows` of
/// floats were written behind the first `past`.
struct CacheAppend {
  mlir::Value rows, past;
  llvm::SmallVector<TensorScatterOp, 3> writes; ///< as getBuffers()
};

std::optional<CacheAppend> matchCacheAppend(const CacheMatch &cache,
                                            ShapeContext &shapes);

} // namespace llmc::cpu

#endif // LLMC_LIB_BACKENDS_CPU_CACHEMATCH_H
