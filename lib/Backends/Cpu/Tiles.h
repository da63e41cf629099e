//===- Tiles.h - AMX's instructions ----------------------------*- C++ -*-===//
//
// A tile's registers are named by constants, and its shapes are loaded by the
// kernel: LLVM's own allocation of tiles copies them through memory.
//
//===----------------------------------------------------------------------===//

#ifndef LLMC_LIB_BACKENDS_CPU_TILES_H
#define LLMC_LIB_BACKENDS_CPU_TILES_H

#include "KernelBuilder.h"

namespace llmc::cpu {

/// Rows of a tile, and bytes of a row.
constexpr int64_t tileRows = 16, tileBytes = 64;
/// Words of the shapes of all tiles.
constexpr int64_t shapeWords = 16;

/// Registers, when there are two tiles of rows and two of weights: four of
/// sums, then those of rows, then those of weights.
inline int64_t sumTile(int64_t i, int64_t j) { return 2 * i + j; }
inline int64_t rowsTile(int64_t i) { return 4 + i; }
inline int64_t weightsTile(int64_t j) { return 6 + j; }

class Tiles {
public:
  explicit Tiles(KernelBuilder &k) : k(k) {}

  /// Shapes from an address on; see "Tile configuration" in Intel's manual: a
  /// palette, then bytes of a row, 16 bits for each tile, at 16, and rows, 8
  /// bits for each, at 48.
  void configure(Value address) { call("ldtilecfg", {pointer(address)}); }
  /// All tiles whole. `shapes` has room for `shapeWords` words.
  void configureWhole(Value shapes);
  void release() { call("tilerelease", {}); }
  void zero(int64_t tile) { call("tilezero", {name(tile)}); }
  void load(int64_t tile, Value address, int64_t stride) {
    call("tileloadd64", {name(tile), pointer(address), number(stride)});
  }
  void store(int64_t tile, Value address, int64_t stride) {
    call("tilestored64", {name(tile), pointer(address), number(stride)});
  }
  /// Asks for a line of the second cache, which may lie outside of what there
  /// is.
  void prefetch(Value address);
  /// Adds products: `tdpbssd` of bytes with signs, `tdpbsud` where those of
  /// weights have none, `tdpbf16ps` of bf16.
  void dot(int64_t sums, int64_t x, int64_t weights,
           llvm::StringRef instruction) {
    call(instruction, {name(sums), name(x), name(weights)});
  }

private:
  Value name(int64_t tile) { return k.constant(k.i8(), double(tile)); }
  Value number(int64_t value) {
    return k.constant(k.b.getI64Type(), double(value));
  }
  Value pointer(Value address);
  void call(llvm::StringRef instruction, mlir::ValueRange arguments);

  KernelBuilder &k;
};

/// Sums of products of bf16: of up to two tiles of rows with up to two of
/// weights.
struct PairTiles {
  /// Addresses, and bytes from a row to the next. A row of weights has a pair
  /// for each of 16 sums.
  Value rows, weights, sums;
  int64_t rowPitch, weightPitch, sumPitch;

  /// Adds the products of `steps` times 32 numbers to sums in memory, or where
  /// `isFirst` to 0.
  void emit(KernelBuilder &k, int64_t rowTiles, int64_t weightTiles,
            Value steps, bool isFirst) const;
};

/// Calls `body` with some of `numRows` rows, the first one and the tiles of
/// them. The last tile may have more rows than there are.
void overRowTiles(KernelBuilder &k, Value numRows,
                  llvm::function_ref<void(Value row, int64_t rowTiles)> body);

} // namespace llmc::cpu

#endif // LLMC_LIB_BACKENDS_CPU_TILES_H
