//===- DotSums.h - products of integers of a tile --------------*- C++ -*-===//
//
// The sums of a block stay in the form that a processor's instructions want,
// and become one vector for each row of x and panel at its end.
//
//===----------------------------------------------------------------------===//

#ifndef LLMC_LIB_BACKENDS_CPU_DOTSUMS_H
#define LLMC_LIB_BACKENDS_CPU_DOTSUMS_H

#include "KernelBuilder.h"
#include "PanelLayout.h"

namespace llmc::cpu {

/// What the products of some columns read.
struct DotSource {
  virtual ~DotSource() = default;
  /// Reads on from a column of the block.
  virtual void open(Value column) = 0;
  /// Four columns of each row of a panel, in bytes: without sign, below
  /// 2^bits, but less 128 where DotSums::hasSigns.
  virtual Value weights(int64_t panel, int64_t quad) = 0;
  /// The same of one plane, where the bytes of a line have it: times 2^bits for
  /// each quad that a byte has below it.
  virtual Value weightsInPlace(int64_t panel, int64_t quad) = 0;
  /// Four columns of a row of x: a word of bytes with sign.
  virtual Value word(int64_t row, int64_t quad) = 0;
  /// Where DotSums::selectsColumns, `weights` are four kept integers of each
  /// row with sign; the columns that these are among 16, in bytes,
  virtual Value places(int64_t panel, int64_t quad) = 0;
  /// and these 16 of a row of x, a copy in each 16 bytes of a vector.
  virtual Value window(int64_t row, int64_t index) = 0;
};

class DotSums {
public:
  DotSums(KernelBuilder &k, const PanelLayout &layout, int64_t rows,
          int64_t panels);

  /// Columns that are read at a time.
  int64_t getStep() const { return step; }
  /// Whether weights are read as bytes with sign.
  bool hasSigns() const {
    return (layout.bits == 8 && k.isa.dot == Dot::Sdot) ||
           selectsColumns(k.isa, layout);
  }

  /// Whether products of a sparse weight take the columns of x that are kept,
  /// instead of zeros between the integers.
  static bool selectsColumns(const Isa &isa, const PanelLayout &layout) {
    return layout.isSparse && (isa.dot == Dot::Vnni || isa.multipliesByLane() ||
                               (isa.dot == Dot::Avx2 && layout.bits < 8));
  }
  /// Whether kept integers of 4 bits are read times 16, which saves to extend
  /// their signs. Sums of pairs in 16 bits would not fit.
  static bool scalesKept(const Isa &isa, const PanelLayout &layout) {
    return layout.bits == 4 && isa.dot != Dot::Avx2;
  }

  /// Whether a tile of so many rows reads its panels one after the other, as
  /// one stream. Those of 8 bits have hardly more to compute than to read.
  static bool readsAlone(const Isa &isa, const PanelLayout &layout,
                         int64_t rows) {
    return isa.prefersOneStream && rows == 1 && layout.bits < 8 &&
           (isa.dot == Dot::Vnni || isa.dot == Dot::Avx2) &&
           !selectsColumns(isa, layout);
  }

  /// Whether products are added up in 16 bits as long as they surely fit.
  static bool usesHalves(const Isa &isa, const PanelLayout &layout) {
    return (isa.dot == Dot::Halves || isa.dot == Dot::Avx2) &&
           !selectsColumns(isa, layout) && getSegment(isa, layout) != 0;
  }

  /// The sums of a block, in words, with that of row i and panel j at
  /// `i * panels + j`. They begin with a number for each row, or 0.
  Values emitBlock(mlir::ValueRange seeds, DotSource &source);

private:
  enum class Form {
    Words, ///< those that are returned
    Pairs, ///< of two rows by turns; see addPairs
    Halves ///< in 16 bits; see addHalves
  };
  Form getForm() const;
  static int64_t getStep(const Isa &isa, const PanelLayout &layout);
  static int64_t getSegment(const Isa &isa, const PanelLayout &layout);
  Values start(mlir::ValueRange seeds);
  Values emitSteps(Value begin, Value end, mlir::ValueRange sums,
                   llvm::function_ref<Values(mlir::ValueRange)> add,
                   DotSource &source);
  Values addWords(mlir::ValueRange sums, DotSource &source);
  Values joinTurns(mlir::ValueRange sums);
  Values addPairs(mlir::ValueRange sums, DotSource &source);
  Values finishPairs(mlir::ValueRange sums);
  Values addHalves(mlir::ValueRange sums, DotSource &source);
  Value reduceHalves(Value sums);
  Values emitSelected(DotSource &source);
  Values addSelected(mlir::ValueRange sums, DotSource &source);
  Value shuffle(Value a, Value b, llvm::ArrayRef<int64_t> lanes);
  /// Quads of a line of one plane.
  int64_t getFields() const { return 8 / layout.bits; }
  int64_t at(int64_t row, int64_t panel) const { return row * panels + panel; }

  KernelBuilder &k;
  const PanelLayout &layout;
  int64_t rows, panels, step;
  int64_t turns = 1;    ///< sums of a row and panel
  bool inPlace = false; ///< their weights are; see DotSource
};

/// `sum + w[4 i] x[0] + ... + w[4 i + 3] x[3]` in lane i, for bytes `weights`
/// below 2^bits and a word `x` of bytes with sign.
Value emitDot(KernelBuilder &k, Value sum, Value weights, Value x,
              int64_t bits);
/// The same of two vectors of bytes, by an instruction: `b` with sign, and `a`
/// too with Dot::Sdot. `fitHalves` tells whether sums of two products surely
/// fit into 16 bits.
Value emitByteDot(KernelBuilder &k, Value sum, Value a, Value b,
                  bool fitHalves);
/// `sum + w[2 i] x[0] + w[2 i + 1] x[1]` in lane i, for bf16 `weights` and a
/// word `x` of two bf16. Instructions take subnormal numbers for zeros.
Value emitPairDot(KernelBuilder &k, Value sum, Value weights, Value x);
/// A vector of floats as bf16 for that, of which instructions may take
/// subnormal numbers for zeros, too.
Value roundForPairs(KernelBuilder &k, Value floats);
/// The instructions of AArch64.
Value emitNeonDot(KernelBuilder &k, Value sum, Value a, Value b);
/// Adds the products of two rows of 8 columns of weights and two of x, whose
/// sums are by turns.
Value emitNeonPairs(KernelBuilder &k, Value sums, Value weights, Value x);

/// The sums of four halves each, in words.
Value emitNeonReduction(KernelBuilder &k, Value halves);

/// AVX2's: numbers of 16 bits, the sums of two products of bytes; `a` has no
/// sign.
Value emitAvx2Pairs(KernelBuilder &k, Value a, Value b);
/// Those added up, two in a word.
Value emitAvx2Reduction(KernelBuilder &k, Value halves);

} // namespace llmc::cpu

#endif // LLMC_LIB_BACKENDS_CPU_DOTSUMS_H
