//===- PanelLayout.h - how kernels read weights ----------------*- C++ -*-===//
//
// The weight [N, K] of a linear is stored in panels of `width` rows, so that a
// kernel that computes `width` outputs reads one stream: in a panel come the
// `width` values of the first column, then those of the second, and so on. Rows
// are padded to whole panels and columns to whole blocks, with zeros.
//
// Integers of 2 and 4 bits come in groups of `width / 2` bytes, so that a shift
// and a mask of one load give whole vectors: byte j of a group has, from its
// low end on, row j and row j + width / 2 of one column and, with 2 bits, the
// same of the next. With 8 bits a group is the `width` bytes of one column.
//
//===----------------------------------------------------------------------===//

#ifndef LLMC_LIB_BACKENDS_CPU_PANELLAYOUT_H
#define LLMC_LIB_BACKENDS_CPU_PANELLAYOUT_H

#include "llmc/Target/Backend.h"

namespace llmc::cpu {

/// What the kernels can read: a dense weight, or one in blocks of integers.
struct PanelLayout {
  int64_t rows = 0, columns = 0; ///< N, K
  int64_t width = 0;             ///< rows of a panel
  int64_t bits = 0;              ///< of an integer; 0 for f32
  int64_t block = 0;             ///< columns that share a scale
  bool hasZeros = false;         ///< zero points are stored

  /// The layout for a weight expression, if the kernels can read it.
  static std::optional<PanelLayout> of(mlir::Value weight, int64_t lanes);

  int64_t getNumPanels() const { return llvm::divideCeil(rows, width); }
  int64_t getNumBlocks() const { return llvm::divideCeil(columns, block); }
  /// Columns that one group of bytes holds.
  int64_t getStepsPerGroup() const { return bits == 2 ? 2 : 1; }
  /// Bytes of such a group, for a whole panel.
  int64_t getGroupBytes() const { return bits == 8 ? width : width / 2; }
  /// Bytes of one block of one panel.
  int64_t getBlockBytes() const {
    return block / getStepsPerGroup() * getGroupBytes();
  }

  /// The parameters of the kernel: `panels`, and for integers `scales`,
  /// [panels, blocks, width] of f32, and `zeros`, the same of ui8.
  llvm::SmallVector<PackedParam> pack(mlir::Value weight) const;

  mlir::DictionaryAttr toConfig(mlir::MLIRContext *context) const;
  static PanelLayout fromConfig(mlir::DictionaryAttr config);
};

} // namespace llmc::cpu

#endif // LLMC_LIB_BACKENDS_CPU_PANELLAYOUT_H
