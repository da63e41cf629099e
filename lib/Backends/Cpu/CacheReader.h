//===- CacheReader.h - blocks of keys and values ---------------*- C++ -*-===//

#ifndef LLMC_LIB_BACKENDS_CPU_CACHEREADER_H
#define LLMC_LIB_BACKENDS_CPU_CACHEREADER_H

#include "BufferGroup.h"
#include "HeadRows.h"

namespace llmc::cpu {

/// Keys of a block.
constexpr int64_t blockKeys = 64;
/// Keys that are multiplied together in pairs: those of a tile.
constexpr int64_t pairedKeys = 32;

/// The block of a head's keys, `numKeys` in all, that a kernel is at.
struct KeyBlock {
  Value batch, head, first, numKeys;

  /// How many keys the block has.
  Value getSize(KernelBuilder &k) const {
    return k.min(k.index(blockKeys), k.sub(numKeys, first));
  }
};

/// Reads a block of a cache, whose rows come from `addBuffers`'s buffers after
/// `load`, with `inPairs` as pairs of bf16. The kernel moves `block`.
class CacheReader {
public:
  CacheReader(KernelBuilder &k, const KeyBlock &block, const Cache &cache,
              bool inPairs)
      : k(k), block(block), cache(cache), inPairs(inPairs) {}

  /// Asks for the rows of the block from `first` on.
  void prefetch(Value first) const;

protected:
  void addGroups(BufferGroup &group);
  /// Of codes of 4 bits: makes floats of the steps and lows of the block.
  void loadGroups() const;

  KernelBuilder &k;
  const KeyBlock &block;
  const Cache &cache;
  bool inPairs;
  Value steps, lows; ///< f32, `blockKeys` for each group

private:
  void spreadGroups(Value source, Value to) const;
};

/// Keys are transposed, so that a vector has those of successive keys: in
/// lines of one float of each, of two bf16, or of four integers that count from
/// 0, in words.
class KeyReader : public CacheReader {
public:
  using CacheReader::CacheReader;

  /// Whether products are of integers.
  bool isRounded() const {
    return cache.format == CacheFormat::Int8 || cache.isNibbles();
  }
  /// Whether they are of pairs of bf16.
  bool hasPairs() const { return inPairs && !isRounded(); }
  void addBuffers(BufferGroup &group);
  void load() const;

  /// Numbers of a key in a line.
  int64_t getDepth() const { return isRounded() ? 4 : hasPairs() ? 2 : 1; }
  int64_t getNumLines() const {
    return llvm::divideCeil(cache.size, getDepth());
  }
  /// The first line.
  Value getAddress() const { return k.address(lines); }
  /// Vectors of a line from `key` of the block on.
  Values loadLine(Value line, Value key, int64_t vectors) const;
  /// Of integers, [B, heads, C].
  Value getScales() const;
  Value loadScales(Value scales, Value key) const;
  /// Of codes of 4 bits in a group: the steps and the lows of successive keys.
  std::pair<Value, Value> loadGroup(int64_t group, Value key) const;

private:
  Values loadKeys(Value key, llvm::function_ref<Value(Value)> load) const;
  void storeTransposed(Values rows, Value offset, Value key) const;
  void transposeFloats() const;
  void transposePairs() const;
  void transposeBytes() const;
  void transposeNibbles() const;
  static void transpose(KernelBuilder &k, Values &rows);

  Value lines;
};

/// Values are read where they are, or made floats, or pairs of those of two
/// successive keys, a block at a time.
class ValueReader : public CacheReader {
public:
  using CacheReader::CacheReader;

  void addBuffers(BufferGroup &group);
  void load() const;
  /// Part of a value of the block, as floats.
  Value read(Value key, int64_t offset) const;
  /// Part of the values of a key, which is even, and of the next one. Those
  /// beyond the block, up to a multiple of `pairedKeys`, are 0.
  Value readPairs(Value key, int64_t offset) const {
    return k.loadVector(pairs, k.add(k.mul(k.div(key, 2), getPitch()), offset));
  }
  Value getPairsAddress() const { return k.address(pairs); }
  /// Numbers from a row of floats or pairs to the next.
  int64_t getPitch() const { return llvm::alignTo(cache.size, k.isa.lanes); }

private:
  void loadNibbles() const;
  void loadPairs() const;
  /// From where the cache has them.
  Value readStored(Value key, int64_t offset) const;
  bool isUnpacked() const {
    return cache.isNibbles() || (!inPairs && cache.format != CacheFormat::F32);
  }
  Value getAddress(Value key, int64_t offset) const {
    return k.add(k.mul(key, getPitch()), offset);
  }

  Value floats, pairs;
};

} // namespace llmc::cpu

#endif // LLMC_LIB_BACKENDS_CPU_CACHEREADER_H
