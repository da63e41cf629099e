//===- AttentionScores.h - products of queries and keys --------*- C++ -*-===//

#ifndef LLMC_LIB_BACKENDS_CPU_ATTENTIONSCORES_H
#define LLMC_LIB_BACKENDS_CPU_ATTENTIONSCORES_H

#include "AttentionKernel.h"
#include "CacheReader.h"

namespace llmc::cpu {

/// Calls `body` with some of `numQueries` queries, the first one and how many,
/// whose sums are in registers together. `group` divides their number.
void overQueryTiles(KernelBuilder &k, int64_t group, Value numQueries,
                    llvm::function_ref<void(Value, int64_t)> body);

/// The products of the queries of a task and the keys of a block.
class AttentionScores {
public:
  /// Of up to `most` queries.
  AttentionScores(KernelBuilder &k, const AttentionSpec &spec,
                  const KeyBlock &block, const Cache &keys, int64_t most);

  /// Returns where scores are, for other views of them.
  int64_t addBuffers(BufferGroup &buffers);

  /// Query `q` of the task from a row of a head, as products read it.
  void loadQuery(const HeadRows &rows, Value head, Value row, Value q);
  /// Asks for the keys of a block.
  void prefetch(Value first) const { keyReader.prefetch(first); }

  /// What becomes of scores as they are made: those of query `q` and keys of
  /// the block from `key` on, and the largest of a query's by lanes.
  struct Uses {
    llvm::function_ref<Value(Value scores, Value q, Value key)> keep;
    llvm::function_ref<void(Value q, Value largest)> take;
  };
  /// The scores of the block, up to a multiple of `getStep` keys at least;
  /// those beyond it mean nothing.
  void emit(Value numQueries, const Uses &uses);
  int64_t getStep() const;
  /// The keys of the block, up to that multiple.
  Value getSize() const {
    return k.mul(k.ceilDiv(block.getSize(k), getStep()), getStep());
  }
  /// Those of query `q` and keys of the block from `key` on.
  Value load(Value q, Value key) const {
    return k.loadVector(scores, getAddress(q, key));
  }

private:
  Value getLowest();
  void store(Value vector, Value q, Value key) const {
    k.storeVector(vector, scores, getAddress(q, key));
  }
  Value getAddress(Value q, Value key) const {
    return k.add(k.mul(q, blockKeys), key);
  }
  void roundQuery(Value q, Value begin);
  void pairQuery(Value q, Value begin);
  void emitVectors(Value firstQuery, int64_t count, const Uses &uses);
  void emitTiles(Value firstQuery, int64_t rowTiles);
  Values sumFloats(Value firstQuery, int64_t count, Value key, int64_t vectors);
  Values sumPairs(Value firstQuery, int64_t count, Value key, int64_t vectors);
  Values sumIntegers(Value firstQuery, int64_t count, Value key,
                     int64_t vectors);
  Values sumGroups(Value firstQuery, int64_t count, Value key, int64_t vectors);
  Values sumLines(Value begin, Value end, mlir::ValueRange sums,
                  Value firstQuery, int64_t count, Value key, int64_t bits,
                  Value signs = {});
  Values overLines(Value begin, Value end, mlir::ValueRange sums, Value key,
                   int64_t count,
                   llvm::function_ref<Value(int64_t q, Value line)> loadQuery,
                   llvm::function_ref<Value(Value, Value, Value)> multiply);
  /// Numbers from a query in pairs to the next one.
  int64_t getPairPitch() const {
    return llvm::alignTo(spec.headSize, 2 * k.isa.lanes);
  }

  KernelBuilder &k;
  const AttentionSpec &spec;
  const KeyBlock &block;
  const Cache &keys;
  int64_t most;
  KeyReader keyReader;
  bool usesTiles;
  Value queries, scores;
  /// Queries in bytes or bf16, and the same as words.
  Value roundedQueries, queryWords;
  Value querySeeds, querySums, querySteps;
};

} // namespace llmc::cpu

#endif // LLMC_LIB_BACKENDS_CPU_ATTENTIONSCORES_H
