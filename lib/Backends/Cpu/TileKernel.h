//===- TileKernel.h - products in AMX's tiles ------------------*- C++ -*-===//
//
// AMX multiplies 16 rows of x, 64 bytes of each, with those columns of 16
// outputs: a tile of weights has a word of each output in a row. Four integers
// are what a line of a panel decodes to; the sums are the same integers that a
// vector's instructions make. Two bf16 are a line of a panel as it is stored;
// their sums round otherwise than a vector's, so all rows are multiplied here.
//
//===----------------------------------------------------------------------===//

#ifndef LLMC_LIB_BACKENDS_CPU_TILEKERNEL_H
#define LLMC_LIB_BACKENDS_CPU_TILEKERNEL_H

#include "LinearKernel.h"
#include "Tiles.h"

namespace llmc::cpu {

/// Panels whose products are made together; of one block, or of bf16, any
/// number in turns.
constexpr int64_t tileKernelPanels = 2;
/// Rows that tiles multiply together.
constexpr int64_t tileKernelRows = 32;

inline bool canUseTiles(const LinearSpec &spec, const Isa &isa) {
  return (isa.hasTiles && spec.integers && isa.lanes == 16) ||
         canUsePairTiles(spec, isa);
}

/// What the kernel around the tiles does, for some panels.
struct TileSurroundings {
  /// Takes the codes of four columns of each output, in bytes, with the number
  /// of these columns in their block.
  using Store = llvm::function_ref<void(Value quad, Value codes)>;
  /// Hands on the codes of a block of the weight of panel `j`, with signs or
  /// without.
  llvm::function_ref<void(int64_t j, Value block, bool isSigned, Store store)>
      decode;
  /// What the sums of a row begin with, a vector for each panel.
  llvm::function_ref<Values()> begin;
  /// Loads what the sums of a block of the tile of panel `j` are multiplied
  /// with.
  llvm::function_ref<void(int64_t j, Value block)> loadScales;
  /// `sum` of a row and panel `j` plus the scaled sum of a block.
  llvm::function_ref<Value(int64_t j, Value row, Value block, Value partial,
                           Value sum, bool isSigned)>
      scale;
  /// Stores the sums of a row.
  llvm::function_ref<void(Value row, mlir::ValueRange sums)> finish;
};

class TileKernel {
public:
  /// Before the parallel loop.
  TileKernel(KernelBuilder &k, const LinearSpec &spec,
             const PreparedRows &prepared, Value rows, Value panels);

  /// From so many rows of x on, tiles multiply integers; bf16 always.
  int64_t getFewestRows() const;

  /// Rows of x from `begin`, a multiple of 32, to `end` times the panels from
  /// `panel` on, in the parallel loop. Either all rows that are left after the
  /// last 32 are among them, or none.
  void emit(Value panel, int64_t numPanels, Value begin, Value end,
            const TileSurroundings &around);

  /// After the parallel loop.
  void release() { k.release(shapes); }

  /// Whether panels hold tiles as they are.
  bool isStoredAsTiles() const {
    return isPaired || (layout.bits == 8 && !layout.isSparse &&
                        paddedBlock == layout.getStoredBlock());
  }

private:
  /// Whether codes are decoded with their signs, which leaves nothing to take
  /// off their sums.
  bool isSigned() const { return !isStoredAsTiles() && !layout.hasZeros; }
  /// Whether products are made in parts of the columns. Each takes and hands on
  /// sums, which more than two panels are worth.
  bool isInParts() const { return numPanels > tileKernelPanels; }
  /// Of a panel whose columns are one block, or of bf16.
  int64_t getSteps() const {
    return (isPaired ? layout.columns : paddedBlock) / depth;
  }
  /// Of the weights of a panel.
  int64_t getStepBytes() const { return depth / wordColumns * tileBytes; }
  void writeShapes();
  void decodePanels();
  /// All rows, of several blocks.
  void emitBlocks();
  void emitBlockSums(Value start, Value place, int64_t rowTiles, Value first,
                     Value end);
  void emitRows(Value first, Value last, int64_t rowTiles, Value count);
  void emitPart(Value row, int64_t rowTiles, Value begin, Value end,
                bool isFirst);
  void prefetchNext(Value base, Value row, Value step, Value end);
  void finishRows(Value row, Value count);
  Value getPlace(Value row);
  void emitProducts(Value row, int64_t rowTiles, Value block);
  void emitStep(Value number, Value rowBase, int64_t rowTiles,
                mlir::ValueRange weightBases);
  Value sumAddress(Value i, int64_t j);
  Values loadSums(Value buffer, Value i);
  void overTiles(int64_t rowTiles, int64_t width,
                 llvm::function_ref<void(int64_t, int64_t)> body) const;

  KernelBuilder &k;
  const PanelLayout &layout;
  const PreparedRows &prepared;
  Value rows, panels;
  bool isPaired;       ///< bf16, not integers
  int64_t wordColumns; ///< of a word
  int64_t numBlocks;   ///< that have sums: of the weight, or steps of x
  int64_t blockColumns;
  int64_t depth;       ///< columns of a tile
  int64_t paddedBlock; ///< columns of a block in tiles
  Value shapes;        ///< of tiles: with 32 rows of x, and with those left
  Value x;             ///< the address of its integers
  // The rows and panels whose products are being made.
  Value firstRow, lastRow, firstPanel;
  int64_t numPanels = 0;
  const TileSurroundings *around = nullptr;
  Value codes;   ///< decoded
  Value partial; ///< sums of some blocks, each [2, panels, 16, 16]
  Value sums;    ///< of all columns: [rows, panels, 16]
};

} // namespace llmc::cpu

#endif // LLMC_LIB_BACKENDS_CPU_TILEKERNEL_H
