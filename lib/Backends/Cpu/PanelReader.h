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

  /// The lines of the chunk that begins at a column of a block. Asks for those
  /// that come `ahead` lines later.
  Values load(Value panel, Value block, Value column, int64_t ahead = 0);

  /// Four columns of each row, in bytes; less the middle of the range, with
  /// sign, if `isSigned`.
  Value decodeQuad(mlir::ValueRange lines, int64_t quad, bool isSigned);

  /// The same of a layout of one plane, without sign, where the bytes of a line
  /// have it: times a power of 2; see getFieldShift.
  Value decodeQuadInPlace(mlir::ValueRange lines, int64_t quad);

  /// One column of each row, in words.
  Value decodeColumn(mlir::ValueRange lines, int64_t column);

  /// Of a sparse weight: four kept integers of each row, in bytes with sign;
  /// times 16 if `isScaled` and they have 4 bits.
  Value decodeKeptQuad(mlir::ValueRange lines, int64_t quad, bool isScaled);
  /// Their columns among the 16 of two such quads, in bytes.
  Value decodePlaceQuad(mlir::ValueRange lines, int64_t quad);
  /// One kept integer of each row, in words with sign.
  Value decodeKept(mlir::ValueRange lines, int64_t index);
  /// Its column among `window`, in the low bits of words.
  Value decodePlace(mlir::ValueRange lines, int64_t index, int64_t window);

private:
  /// Where a plane has some columns.
  struct Field {
    int64_t line, shift, mask;
    bool isHighest; ///< of the numbers that are shifted
  };
  Value decode(mlir::ValueRange lines,
               llvm::function_ref<Field(const Plane &)> find);
  static Field findColumn(const Plane &plane, int64_t column);
  Value spread(mlir::ValueRange lines, int64_t quad);

  KernelBuilder &k;
  const PanelLayout &layout;
  Value words;
};

} // namespace llmc::cpu

#endif // LLMC_LIB_BACKENDS_CPU_PANELREADER_H
