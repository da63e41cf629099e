//===- PanelLayout.h - how kernels read weights ----------------*- C++ -*-===//
//
// The weight [N, K] of a linear is stored in panels of `lanes` rows, so that a
// kernel that computes a vector of outputs reads one stream. Rows are padded to
// whole panels.
//
// A dense panel has the values of the first column, then those of the second,
// and so on, in the format of the parameter: half the bytes for floats of 16
// bits, which kernels widen as they load them. Those of bf16 have two columns
// of each row side by side, in a 32-bit word, which is what instructions that
// multiply and add pairs read; an odd number of columns ends with zeros.
// Integers come in lines of one
// 32-bit word for each row. A word of a plane of p bits has 32 / p columns of
// its row: column 4 q + j is the bits from 8 j + p q on. So a shift and a mask
// of a whole line give, for every row, four successive columns in bytes, which
// is what instructions that multiply and add four bytes at a time read; and a
// shift by 8 j + p q gives one column of every row in words. Bits that are not
// a power of two are split into planes: 3 is 2 + 1. A chunk is the columns that
// fill whole lines of every plane; its lines come one plane after the other,
// low bits first.
//
// Of weights that were pruned 2:4, integers of 4 or 8 bits, two of each four
// columns are stored, with signs, as what they are more than the middle of the
// range: the other two are the middle. Their lines are as above, of kept
// integers for columns, and after those of a chunk comes a line of the same
// kind with the place of each among its four columns, 2 bits. That is 3 bits
// for a column instead of 4, and 5 instead of 8.
//
// Indices into a codebook are stored as integers. A codebook that all rows of a
// panel share is a table of its entries, filled up to a vector; rows that have
// one each have the first entries of all rows, then the second ones, and so on.
//
//===----------------------------------------------------------------------===//

#ifndef LLMC_LIB_BACKENDS_CPU_PANELLAYOUT_H
#define LLMC_LIB_BACKENDS_CPU_PANELLAYOUT_H

#include "llmc/Target/Backend.h"
#include "llmc/Weights/FloatFormat.h"

namespace llmc::cpu {

/// Some bits of every integer of a panel.
struct Plane {
  int64_t bits, offset; ///< the integer's bits [offset, offset + bits)
  int64_t getColumnsPerLine() const { return 32 / bits; }
};

/// Which codebook a row of a weight has.
enum class Codebook {
  None,   ///< integers
  Shared, ///< that of all rows
  Panel,  ///< that of its panel
  Row,    ///< its own
};

inline llvm::StringRef toString(Codebook codebook) {
  constexpr llvm::StringLiteral names[] = {"none", "shared", "panel", "row"};
  return names[int(codebook)];
}
inline bool fromString(llvm::StringRef name, Codebook &codebook) {
  for (Codebook known :
       {Codebook::None, Codebook::Shared, Codebook::Panel, Codebook::Row})
    if (toString(known) == name) {
      codebook = known;
      return true;
    }
  return false;
}

/// What the kernels can read: dense weights, or integers in blocks,
/// which may be indices into a codebook.
struct PanelLayout {
  int64_t columns = 0; ///< K
  int64_t lanes = 0;   ///< rows of a panel
  int64_t bits = 0;    ///< of an integer; 0 for dense
  int64_t block = 0;   ///< columns that share a scale; all when dense
  FloatFormat format = FloatFormat::F32; ///< of the elements, when dense
  bool hasZeros = false;                 ///< zero points are stored
  bool floatZeros = false;               ///< these are floats
  bool hasScales = true;                 ///< false for a lookup without them
  bool rowScales = false; ///< these are stored as bytes times floats of rows
  bool isSparse = false;  ///< two of each four columns are stored
  Codebook codebook = Codebook::None;
  bool halfScales = false; ///< scales are stored as f16, which loses nothing
  bool halfZeros = false;  ///< so are zero points that are floats

  /// The layout for a weight expression, if the kernels can read it.
  static std::optional<PanelLayout> of(mlir::Value weight, int64_t lanes);

  /// Adds another weight of this layout; `sameCodebook` tells whether it is
  /// that of the others, where weights share one among their rows.
  void add(const PanelLayout &other, bool sameCodebook);

  bool isDense() const { return bits == 0; }
  /// Whether a word of a panel has two columns of bf16.
  bool isPaired() const { return isDense() && format == FloatFormat::BF16; }
  bool isLookup() const { return codebook != Codebook::None; }
  /// Entries of a codebook as it is stored: at least a vector, unless each row
  /// has its own.
  int64_t getTableEntries() const {
    int64_t entries = int64_t(1) << bits;
    return codebook == Codebook::Row ? entries : std::max(entries, lanes);
  }
  /// Numbers in the codebooks of a panel.
  int64_t getTableElements() const {
    return getTableEntries() * (codebook == Codebook::Row ? lanes : 1);
  }
  int64_t getNumPanels(int64_t rows) const {
    return llvm::divideCeil(rows, lanes);
  }
  int64_t getNumBlocks() const { return llvm::divideCeil(columns, block); }
  /// Those of a sparse weight are all bits of the kept integers, and the bits
  /// of their places.
  llvm::SmallVector<Plane, 3> getPlanes() const;
  /// Columns of a chunk; dense, those that are stored side by side.
  int64_t getChunk() const;
  /// Integers of a row that a chunk has.
  int64_t getChunkIntegers() const { return getChunk() / (isSparse ? 2 : 1); }
  /// Lines of a chunk.
  int64_t getChunkLines() const {
    int64_t lines = 0;
    for (const Plane &plane : getPlanes())
      lines += getChunkIntegers() / plane.getColumnsPerLine();
    return lines;
  }
  /// Columns of a block as it is stored: whole chunks.
  int64_t getStoredBlock() const { return llvm::alignTo(block, getChunk()); }
  /// Columns of a row as it is stored.
  int64_t getStoredColumns() const { return getNumBlocks() * getStoredBlock(); }
  /// Values, when dense, or words of a panel.
  int64_t getPanelElements() const {
    int64_t columns = getStoredColumns();
    return lanes *
           (isDense() ? columns : columns / getChunk() * getChunkLines());
  }

  /// The parameters of a kernel for `weights` of this layout, whose panels
  /// follow each other: those of the first weight, then those of the second, or
  /// by turns when `interleaved`. They are `panels` and for integers `scales`,
  /// [panels, blocks, lanes], `zeros`, the same of ui8 or floats, and
  /// `codebook`.
  llvm::SmallVector<PackedParam> pack(llvm::ArrayRef<mlir::Value> weights,
                                      bool interleaved = false) const;

  /// Their biases, parameters or casts of them, 0 for those that have none:
  /// [panels * lanes] of f32.
  PackedParam packBiases(llvm::ArrayRef<mlir::Value> weights,
                         llvm::ArrayRef<mlir::Value> biases,
                         bool interleaved) const;

  template <typename Visitor> void visit(Visitor &&visit) {
    visit("columns", columns);
    visit("lanes", lanes);
    visit("bits", bits);
    visit("block", block);
    visit("format", format);
    visit("zeros", hasZeros);
    visit("scales", hasScales);
    visit("row_scales", rowScales);
    visit("sparse", isSparse);
    visit("codebook", codebook);
    visit("half_scales", halfScales);
    visit("float_zeros", floatZeros);
    visit("half_zeros", halfZeros);
  }

  bool operator==(const PanelLayout &other) const {
    return columns == other.columns && lanes == other.lanes &&
           bits == other.bits && block == other.block &&
           format == other.format && hasZeros == other.hasZeros &&
           floatZeros == other.floatZeros && hasScales == other.hasScales &&
           rowScales == other.rowScales && isSparse == other.isSparse &&
           isLookup() == other.isLookup();
  }
};

/// The parameter that `value` has the elements of: itself, or through casts to
/// f32, matrix transposes, llmc.densify and llmc.densify_bitmap, which packing
/// undoes. Null for any other value, and for a parameter that is not f32, f16
/// or bf16.
WeightOp getDense(mlir::Value value);

/// How a weight is stored for which there are no kernels, so that it is
/// unpacked: without zeros, or as vectors.
std::optional<std::string> getPattern(mlir::Value weight);

/// The parameter that a weight expression begins with.
llvm::StringRef getParamName(mlir::Value weight);

} // namespace llmc::cpu

#endif // LLMC_LIB_BACKENDS_CPU_PANELLAYOUT_H
