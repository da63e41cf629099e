//===- AttentionKernel.h - attention without stored scores -----*- C++ -*-===//

#ifndef LLMC_LIB_BACKENDS_CPU_ATTENTIONKERNEL_H
#define LLMC_LIB_BACKENDS_CPU_ATTENTIONKERNEL_H

#include "HeadRows.h"
#include "llmc/Target/Backend.h"

namespace llmc::cpu {

/// What an attention kernel computes:
///
///     kernel(query, keys, values, [length], [mask], y)
///
/// query is [B, heads, S, D], keys [B, keyHeads, C, D], values [B, keyHeads, C,
/// Dv], all of one float type. Of keys and values the first `length`, a scalar
/// i64, are there, or all. Or it appends to a cache first and reads what is
/// there then:
///
///     kernel(query, newKeys, newValues, past, [mask], y, keys, values)
///
/// with newKeys and newValues of S rows, which are written behind the first
/// `past`. Behind rows with a norm are its scale and its bias, then the two
/// tables where they are rotated; behind keys and values of integers their
/// scales, [B, keyHeads, C, 1] of f32, or, of 4 bits, their steps and lows,
/// [B, keyHeads, C, D / group] of f16.
struct AttentionSpec {
  int64_t heads = 0, keyHeads = 0;
  int64_t headSize = 0, valueSize = 0; ///< D, Dv
  float scale = 1, softcap = 0;
  bool causal = false;
  int64_t window = 0;
  bool hasLength = false, appends = false;
  HeadsSpec query, newKeys, newValues;
  CacheFormat keys = CacheFormat::F32, values = CacheFormat::F32;
  int64_t keyGroup = 1, valueGroup = 1; ///< of integers of 4 bits
  /// They are [B, C, keyHeads, D], as linears leave them. Without a length.
  bool keysTransposed = false, valuesTransposed = false;
  /// Of the mask, which broadcasts to [B, heads, S, T]: whether it has each
  /// dimension; empty without a mask.
  llvm::SmallVector<bool> mask;
  /// The mask is of i1, where false excludes, not of floats, which are added.
  bool choosing = false;
  /// y is [B, S, heads, Dv], not [B, heads, S, Dv].
  bool transposed = false;
  /// Attention is of bf16: its factors may be rounded to that, and what y holds
  /// is.
  bool pairs = false;

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
    visit("appends", appends);
    visit("query", query);
    visit("new_keys", newKeys);
    visit("new_values", newValues);
    visit("keys", keys);
    visit("values", values);
    visit("key_group", keyGroup);
    visit("value_group", valueGroup);
    visit("keys_transposed", keysTransposed);
    visit("values_transposed", valuesTransposed);
    visit("mask", mask);
    visit("choosing", choosing);
    visit("transposed", transposed);
    visit("pairs", pairs);
  }
};

/// Whether products are of pairs of bf16, in AMX's tiles or at all.
inline bool canUsePairTiles(const AttentionSpec &spec, const Isa &isa) {
  return spec.pairs && isa.hasPairTiles && isa.lanes == 16;
}
inline bool canUsePairs(const AttentionSpec &spec, const Isa &isa) {
  return canUsePairTiles(spec, isa) ||
         (spec.pairs && isa.pairDot != PairDot::None);
}

struct AttentionMatch {
  AttentionSpec spec;
  llvm::SmallVector<mlir::Value> inputs;
  /// With the caches that are updated, if any; null for the result.
  llvm::SmallVector<mlir::Value> outputs, updated;
  llvm::SmallVector<std::string> shortfalls = {}; ///< see Claim
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
