//===- PanelReader.h - reads integers of panels ----------------*- C++ -*-===//

#ifndef LLMC_LIB_BACKENDS_CPU_PANELREADER_H
#define LLMC_LIB_BACKENDS_CPU_PANELREADER_H

#include "KernelBuilder.h"
#include "PanelLayout.h"

namespace llmc::cpu {

/// Writes code that reads the integers of panels; see PanelLayout.h.
class PanelReader {
public:
  /// `bytes` are the panels as they are stored.
  PanelReader(KernelBuilder &k, const PanelLayout &layout, Value bytes);

  /// The lines of the chunk that begins at a column of a block.
  Values load(Value panel, Value block, Value column);

  /// Four columns of each row, in bytes; less the middle of the range, with
  /// sign, if `isSigned`.
  Value decodeQuad(mlir::ValueRange lines, int64_t quad, bool isSigned);

  /// One column of each row, in words.
  Value decodeColumn(mlir::ValueRange lines, int64_t column);

private:
  /// Where a plane has some columns.
  struct Field {
    int64_t line, shift, mask;
    bool isHighest; ///< of the numbers that are shifted
  };
  Value decode(mlir::ValueRange lines,
               llvm::function_ref<Field(const Plane &)> find);

  KernelBuilder &k;
  const PanelLayout &layout;
  Value words;
};

} // namespace llmc::cpu

#endif // LLMC_LIB_BACKENDS_CPU_PANELREADER_H
