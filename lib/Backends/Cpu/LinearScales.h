//===- LinearScales.h - what sums of products are multiplied with -*- C++
//-*-===//
//
// Sums of a block become floats at its end, times its scale and the step of x.
// Where scales are integers times a number of their row, sums stay integers as
// far as x has one step, and the number comes once for all columns:
//
//     sum x q m r = r (step (m sum x q + m' sum x' q' + ...) + ...)
//
//===----------------------------------------------------------------------===//

#ifndef LLMC_LIB_BACKENDS_CPU_LINEARSCALES_H
#define LLMC_LIB_BACKENDS_CPU_LINEARSCALES_H

#include "LinearKernel.h"

namespace llmc::cpu {

/// For the rows and panels of a tile, whose sum of row i and panel j is at
/// `i * tile.panels + j`.
class LinearScales {
public:
  LinearScales(KernelBuilder &k, const LinearSpec &spec)
      : k(k), spec(spec), layout(spec.layout) {}

  /// Of each block, or, if these are integers, of it and of each row; null
  /// where there are none.
  Value scales, rowScales, zeros, bias;
  PreparedRows prepared;

  /// What sums begin with.
  Values begin(const Tile &tile);

  /// What the sums of a block of integers are multiplied with.
  struct OfBlock {
    Values steps, offsets; ///< of each panel; the latter unless they are seeded
  };
  /// `hasSigns`: the integers are read less the middle of their range.
  OfBlock load(const Tile &tile, Value block, bool hasSigns);
  /// `sums` plus the scaled sums of a block of integers.
  Values add(const Tile &tile, Value block, const OfBlock &by,
             mlir::ValueRange partial, mlir::ValueRange sums);
  /// The same of lookups, whose numbers are what they are.
  Values addLookups(const Tile &tile, Value block, mlir::ValueRange partial,
                    mlir::ValueRange sums);

  /// What the integer sums of each row of a block begin with; nothing for 0.
  Values loadSeeds(const Tile &tile, Value block, bool hasSigns);

  /// `words` plus the integer sums of a block times the integers of its scales.
  Values addMultiples(const Tile &tile, Value block, mlir::ValueRange partial,
                      mlir::ValueRange words);
  /// `sums` plus the integer sums of the columns that share a step of x.
  Values addStep(const Tile &tile, Value step, mlir::ValueRange words,
                 mlir::ValueRange sums);
  /// `sums` of all columns times the numbers of the weight's rows.
  Values finish(const Tile &tile, mlir::ValueRange sums);

  /// The integers of a block's scales of one panel, for bytes.
  struct ByteMultiples {
    Value factors, offsets;
  };
  ByteMultiples loadBytes(Value panel, Value block);
  /// Codes below 2^bits in bytes, less the middle and times their multiples.
  Value multiply(Value codes, const ByteMultiples &by);

private:
  Value loadMultiples(Value panel, Value block);
  /// Where numbers of a block of row `i` of the tile are.
  Value blockAddress(const Tile &tile, int64_t i, Value block);
  /// Whether nothing is left that the zero points take off: integer sums begin
  /// with it, and kept integers are without it.
  bool isSeeded() const;

  KernelBuilder &k;
  const LinearSpec &spec;
  const PanelLayout &layout;
};

} // namespace llmc::cpu

#endif // LLMC_LIB_BACKENDS_CPU_LINEARSCALES_H
