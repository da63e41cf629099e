//===- CacheReader.h - blocks of keys and values ---------------*- C++ -*-===//

#ifndef LLMC_LIB_BACKENDS_CPU_CACHEREADER_H
#define LLMC_LIB_BACKENDS_CPU_CACHEREADER_H

#include "BufferGroup.h"
#include "HeadRows.h"

namespace llmc::cpu {

/// Keys of a block.
constexpr int64_t blockKeys = 64;

/// The block of a head's keys, `numKeys` in all, that a kernel is at.
struct KeyBlock {
  Value batch, head, first, numKeys;

  /// How many keys the block has.
  Value getSize(KernelBuilder &k) const {
    return k.min(k.index(blockKeys), k.sub(numKeys, first));
  }
};

/// Reads a block of a cache, whose rows come from `addBuffers`'s buffers after
/// `load`. The kernel moves `block`.
class CacheReader {
public:
  CacheReader(KernelBuilder &k, const KeyBlock &block, const Cache &cache)
      : k(k), block(block), cache(cache) {}

  /// Asks for the rows of the block from `first` on.
  void prefetch(Value first) const;

protected:
  void addGroups(BufferGroup &group);
  /// Of codes of 4 bits: makes floats of the steps and lows of the block.
  void loadGroups() const;

  KernelBuilder &k;
  const KeyBlock &block;
  const Cache &cache;
  Value steps, lows; ///< f32, `blockKeys` for each group

private:
  void spreadGroups(Value source, Value to) const;
};

/// Keys are transposed, so that a vector has those of successive keys: in
/// lines of one float of each, or of four integers that count from 0, in words.
class KeyReader : public CacheReader {
public:
  using CacheReader::CacheReader;

  /// Whether products are of integers.
  bool isRounded() const {
    return cache.format == CacheFormat::Int8 || cache.isNibbles();
  }
  void addBuffers(BufferGroup &group);
  void load() const;

  int64_t getNumLines() const {
    return isRounded() ? cache.size / 4 : cache.size;
  }
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
  void transposeBytes() const;
  void transposeNibbles() const;
  static void transpose(KernelBuilder &k, Values &rows);

  Value lines;
};

/// Values are read where they are, or made floats a block at a time.
class ValueReader : public CacheReader {
public:
  using CacheReader::CacheReader;

  void addBuffers(BufferGroup &group);
  void load() const;
  /// Part of a value of the block, as floats.
  Value read(Value key, int64_t offset) const;

private:
  void loadNibbles() const;
  bool isUnpacked() const { return cache.format != CacheFormat::F32; }
  int64_t getPitch() const { return llvm::alignTo(cache.size, k.isa.lanes); }
  Value getAddress(Value key, int64_t offset) const {
    return k.add(k.mul(key, getPitch()), offset);
  }

  Value floats;
};

} // namespace llmc::cpu

#endif // LLMC_LIB_BACKENDS_CPU_CACHEREADER_H
