//===- KVCache.h - the caches of an ONNX decoder ---------------*- C++ -*-===//

#ifndef LLMC_LIFT_KVCACHE_H
#define LLMC_LIFT_KVCACHE_H

#include "llmc/IR/Dialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace llmc {

/// The keys or values of the past as an argument [batch, heads, rows,
/// head_size], the concatenation with new rows behind it, and the number of the
/// result that this is.
struct KVCache {
  /// The dimension of rows.
  static constexpr int64_t rowAxis = 2;

  mlir::BlockArgument past;
  ConcatOp append;
  unsigned result;
};

/// The caches of a function in the order of its arguments: those of whose past
/// nothing else but shapes is asked.
llvm::SmallVector<KVCache> findKVCaches(mlir::func::FuncOp function);

} // namespace llmc

#endif // LLMC_LIFT_KVCACHE_H
