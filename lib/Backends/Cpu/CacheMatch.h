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
  mlir::Value scales;  ///< of integers
  PrefixOp prefix;     ///< of `data`; null when all of it is there
  bool isCast = false; ///< from f16 to f32, which attention reads

  /// `value` as it is.
  static CacheMatch read(mlir::Value value, ShapeContext &shapes);
};

/// What `value`, [B, heads, T, D], is read from.
CacheMatch matchCache(mlir::Value value, ShapeContext &shapes);

/// How the data of a cache, and its scales if any, came to be: `rows` of
/// floats were written behind the first `past`.
struct CacheAppend {
  mlir::Value rows, past;
  llvm::SmallVector<TensorScatterOp, 2> writes;
};

std::optional<CacheAppend> matchCacheAppend(const CacheMatch &cache,
                                            ShapeContext &shapes);

} // namespace llmc::cpu

#endif // LLMC_LIB_BACKENDS_CPU_CACHEMATCH_H
