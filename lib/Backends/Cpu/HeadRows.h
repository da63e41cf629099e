//===- HeadRows.h - rows of heads: norm, rotation, storage -----*- C++ -*-===//

#ifndef LLMC_LIB_BACKENDS_CPU_HEADROWS_H
#define LLMC_LIB_BACKENDS_CPU_HEADROWS_H

#include "NormKernel.h"

namespace llmc::cpu {

/// How keys and values are stored.
enum class CacheFormat {
  F32,
  F16,
  BF16,
  Int8, ///< multiples, of -127 to 127, of a scale that each row of a head has
  Int4, ///< two codes in a byte, each group of a row with a step and a low
};

/// What a row of codes of 4 bits, and its groups, are multiples of for kernels:
/// each half of a row and each group are whole vectors.
constexpr int64_t nibbleRow = 32, nibbleGroup = 16;

llvm::StringRef toString(CacheFormat format);
inline bool fromString(llvm::StringRef name, CacheFormat &format) {
  return fromString(name, format, CacheFormat::Int4);
}

/// How rows of heads come to a kernel.
struct HeadsSpec {
  /// [B, S, heads, D], as linears leave them, not [B, heads, S, D].
  bool transposed = false;
  /// What the kernel does with each row first.
  NormSpec norm;
  /// Elements of each row that it then rotates as llmc.rope does; 0: none.
  int64_t rotated = 0;
  bool interleaved = false;
  /// The tables are [B, S, rotated / 2], not [1, S, rotated / 2].
  bool tablesHaveBatch = false;
  /// Successive elements, a power of 2, that are then rotated by a Hadamard
  /// matrix times 2^-ceil(log2(hadamard) / 2); 0: none.
  int64_t hadamard = 0;

  template <typename Visitor> void visit(Visitor &&visit) {
    visit("transposed", transposed);
    visit("norm", norm);
    visit("rotated", rotated);
    visit("interleaved", interleaved);
    visit("tables_have_batch", tablesHaveBatch);
    visit("hadamard", hadamard);
  }
};

/// Reads rows of heads.
class HeadRows {
public:
  HeadRows() = default;
  /// Takes the rows, and what is done with them, from the front of a kernel's
  /// arguments: source, [scale, [bias]], [cos, sin].
  HeadRows(const HeadsSpec &spec, int64_t size, mlir::ValueRange &arguments);

  Value getNumRows(KernelBuilder &k) const {
    return k.dim(source, spec.transposed ? 1 : 2);
  }
  Value getBatch(KernelBuilder &k) const { return k.dim(source, 0); }
  /// Adds sizes that have to be equal: those of the tables and of the rows.
  void addSizes(KernelBuilder &k,
                llvm::SmallVectorImpl<std::pair<Value, Value>> &equal) const;

  /// Asks for one row, as far from the next one of its head as heads are wide.
  void prefetch(KernelBuilder &k, Value batch, Value head, Value row) const;

  /// Writes one row into `to`, floats without other dimensions, from `at` on.
  void copy(KernelBuilder &k, Value batch, Value head, Value row, Value to,
            Value at) const;

private:
  /// The place of a row in `source`, but for its elements.
  Values placeOf(Value batch, Value head, Value row) const;
  using Read = llvm::function_ref<Value(int64_t offset, Value there)>;
  void rotateHalves(KernelBuilder &k, Read read, mlir::ValueRange angle,
                    Value to, Value at) const;
  void rotatePairs(KernelBuilder &k, Read read, mlir::ValueRange angle,
                   Value to, Value at) const;
  void rotateHadamard(KernelBuilder &k, Value to, Value at) const;

  HeadsSpec spec;
  int64_t size = 0;
  Value source, normScale, normBias, cos, sin;
};

/// Rounds floats, `size` from `at` on, to integers of 8 bits: multiples of the
/// returned scale, f32. `store` takes vectors of them at each offset, and the
/// lanes that are there, null for all.
Value emitRoundedRow(
    KernelBuilder &k, Value floats, Value at, int64_t size,
    llvm::function_ref<void(Value words, int64_t offset, Value there)> store);

/// Keys or values [B, heads, C, size], or both.
struct Cache {
  CacheFormat format;
  int64_t size;
  int64_t group; ///< numbers that share a step; of Int4
  /// Of Int4 [B, heads, C, size / 2]: number i is in the low half of byte i,
  /// number i + size / 2 in the high one.
  Value data;
  Value scales; ///< f32 [B, heads, C, 1]; of Int4 f16 [B, heads, C, groups]
  Value lows;   ///< what code 0 stands for; as scales, of Int4

  bool isNibbles() const { return format == CacheFormat::Int4; }
  int64_t getNumGroups() const { return size / group; }
  /// Bytes of a row of codes.
  int64_t getNumBytes() const { return isNibbles() ? size / 2 : size; }
};

/// Writes `rows` into `cache`, at positions from `first` on, the first `count`
/// of them.
void emitAppend(KernelBuilder &k, const HeadRows &keyRows,
                const HeadRows &valueRows, const Cache &keys,
                const Cache &values, int64_t heads, Value first, Value count);

} // namespace llmc::cpu

#endif // LLMC_LIB_BACKENDS_CPU_HEADROWS_H
