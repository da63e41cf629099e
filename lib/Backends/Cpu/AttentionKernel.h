//===- AttentionKernel.h - attention without stored scores -----*- C++ -*-===//

#ifndef LLMC_LIB_BACKENDS_CPU_ATTENTIONKERNEL_H
#define LLMC_LIB_BACKENDS_CPU_ATTENTIONKERNEL_H

#include "KernelBuilder.h"
#include "llmc/Target/Backend.h"

namespace llmc::cpu {

/// What an attention kernel computes:
///
///     kernel(query, keys, values, [length], [mask], y)
///
/// query is [B, heads, S, D], keys [B, keyHeads, C, D], values [B, keyHeads, C,
/// Dv], all of f32. Of keys and values the first `length`, a scalar i64, are
/// there, or all.
struct AttentionSpec {
  int64_t heads = 0, keyHeads = 0;
  int64_t headSize = 0, valueSize = 0; ///< D, Dv
  float scale = 1, softcap = 0;
  bool causal = false;
  int64_t window = 0;
  bool hasLength = false;
  /// Of the mask [1 or B, 1 or heads, 1 or S, 1 or T] of f32: whether it has
  /// each dimension; empty without a mask.
  llvm::SmallVector<bool> mask;
  /// y is [B, S, heads, Dv], not [B, heads, S, Dv].
  bool transposed = false;

  template <typename Visitor> void visit(Visitor &&visit) {
    visit("heads", heads);
    visit("key_heads", keyHeads);
    visit("head_size", headSize);
    visit("value_size", valueSize);
    visit("scale", scale);
    visit("softcap", softcap);
    visit("causal", causal);
    visit("window", window);
    visit("length", hasLength);
    visit("mask", mask);
    visit("transposed", transposed);
  }
};

struct AttentionMatch {
  AttentionSpec spec;
  llvm::SmallVector<mlir::Value> inputs;
};

/// The kernel for attention, or for a transpose of it.
std::optional<AttentionMatch> matchAttention(mlir::Operation *op,
                                             ShapeContext &shapes);

/// Writes the body of the kernel. A result is the same for any number of
/// queries and threads.
void emitAttention(mlir::func::FuncOp function, const AttentionSpec &spec,
                   const Isa &isa);

} // namespace llmc::cpu

#endif // LLMC_LIB_BACKENDS_CPU_ATTENTIONKERNEL_H
