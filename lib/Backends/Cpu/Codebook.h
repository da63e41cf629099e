//===- Codebook.h - numbers by their indices -------------------*- C++ -*-===//

#ifndef LLMC_LIB_BACKENDS_CPU_CODEBOOK_H
#define LLMC_LIB_BACKENDS_CPU_CODEBOOK_H

#include "KernelBuilder.h"
#include "PanelLayout.h"

namespace llmc::cpu {

/// Reads the codebooks of a layout, in the order in which PanelLayout.h packs
/// them. Small tables stay in registers, where the processor has instructions
/// that permute their lanes by a vector of indices; others are read from
/// memory.
class CodebookReader {
public:
  CodebookReader(KernelBuilder &k, const PanelLayout &layout, Value codebook)
      : k(k), layout(layout), codebook(codebook) {}

  /// What `lookup` needs of a panel: the table's registers, or its address.
  Values load(Value panel) const;
  /// The numbers of the indices `codes`, one of each row of the panel.
  Value lookup(mlir::ValueRange table, Value codes) const;
  /// The number of one index, in one lane of a panel.
  Value lookup(Value panel, Value lane, Value code) const;

private:
  bool fitsRegisters() const;
  Value permute(mlir::ValueRange table, Value codes) const;
  Value getAddress(Value panel) const;

  KernelBuilder &k;
  const PanelLayout &layout;
  Value codebook;
};

} // namespace llmc::cpu

#endif // LLMC_LIB_BACKENDS_CPU_CODEBOOK_H
