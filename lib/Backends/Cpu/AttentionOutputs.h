//===- AttentionOutputs.h - products of weights and values -----*- C++ -*-===//

#ifndef LLMC_LIB_BACKENDS_CPU_ATTENTIONOUTPUTS_H
#define LLMC_LIB_BACKENDS_CPU_ATTENTIONOUTPUTS_H

#include "AttentionKernel.h"
#include "AttentionSums.h"
#include "CacheReader.h"

namespace llmc::cpu {

/// The products of the weights of a task's queries and the values of a block.
class AttentionOutputs {
public:
  /// Of up to `most` queries.
  AttentionOutputs(KernelBuilder &k, const AttentionSpec &spec,
                   const KeyBlock &block, const Cache &values, int64_t most);

  /// Weights that stay floats take the place of scores.
  void addBuffers(BufferGroup &buffers, int64_t placeOfScores);

  /// Asks for the values of a block.
  void prefetch(Value first) const { valueReader.prefetch(first); }
  /// Whether weights become bf16.
  bool roundsWeights() const { return usesPairs; }
  /// Weights of query `q` and keys of the block from `key` on.
  void storeWeights(Value vector, Value q, Value key) const;
  /// Adds the products of the block, of which weights are there up to a
  /// multiple of AttentionScores::getStep, to `sums`.
  void emit(Value numQueries, const AttentionSums &sums);

private:
  void emitVectors(Value firstQuery, int64_t count, const AttentionSums &sums);
  void emitTiles(Value firstQuery, int64_t rowTiles, const AttentionSums &sums);

  KernelBuilder &k;
  const AttentionSpec &spec;
  const KeyBlock &block;
  int64_t most;
  ValueReader valueReader;
  bool usesPairs, usesTiles;
  Value weights;     ///< floats, or bf16
  Value weightPairs; ///< the latter as words
};

} // namespace llmc::cpu

#endif // LLMC_LIB_BACKENDS_CPU_ATTENTIONOUTPUTS_H
