//===- BlockQuantizer.h - integers in blocks --------------------*- C++ -*-===//
//
// Grids of blocks, rounding to the nearest of their values, and the bytes that
// come out; what the passes that make llmc.dequantize compute with.
//
//===----------------------------------------------------------------------===//

#ifndef LLMC_LIB_COMPRESS_BLOCKQUANTIZER_H
#define LLMC_LIB_COMPRESS_BLOCKQUANTIZER_H

#include "VectorClones.h"
#include "WeightSource.h"
#include "llmc/Compress/Passes.h"
#include "mlir/IR/AsmState.h"
#include <functional>
#include <vector>

namespace llmc {

/// What the integers of a block can be.
struct GridOptions {
  int64_t bits = 4;
  /// Around 0, without zero points.
  bool symmetric = false;
  /// Zero points are floats, stored as scales are.
  bool floatZeros = false;
  /// Scales are numbers that f16 holds, where it can.
  bool halfScales = false;
  /// Scales are powers of two, stored as their exponents: E8M0.
  bool exponents = false;
  /// Scales are multiples, 1 to getMostMultiple(), of a number of their row.
  bool progressive = false;
  /// That number; 0 where there is none.
  float unit = 0;
  ClipSearch clip = ClipSearch::None;
  /// In which scales are stored.
  FloatFormat format = FloatFormat::F32;

  int getLevels() const { return (1 << bits) - 1; }
  int getMiddle() const { return 1 << (bits - 1); }
  /// Times which an integer of a symmetric grid has 8 bits.
  int getMostMultiple() const { return 1 << (8 - bits); }
  /// The number of a row whose scales are `largest` at most: its multiples are
  /// exact in the format of scales and, where its range allows, in f16. A row
  /// of zeros has 1.
  float findUnit(float largest) const;
  /// The number that is stored for a scale, which is not negative. Powers of
  /// two are those below it.
  float roundScale(float scale) const;
};

/// One block's scale and zero point.
struct Grid {
  float scale;
  int zero;
};

/// The smallest range that holds some values and 0, and whether all of them
/// are finite.
struct Range {
  float lowest, highest;
  bool finite;
};

/// Values of a block are padded with zeros to a multiple of this many.
constexpr int64_t blockLanes = floatLanes;

Range findRange(const float *values, int64_t count);

/// The scale of the grid that spans a range, not rounded.
float findScale(const Range &range, const GridOptions &options);

/// The least number of so many significant bits that is not below `value`,
/// which is not negative, and a multiple of `least`, a power of two.
float roundUp(float value, int bits, float least);

/// The grid for values whose range, which is finite, is `range`: that of the
/// range itself or, with ClipSearch::MSE, the one of 80 smaller ranges for
/// which the sum of weights[i] * error[i]^2 is the least. `weights` may be
/// null: all 1.
Grid findGrid(const float *values, const float *weights, int64_t count,
              const Range &range, const GridOptions &options);

/// Values that indices stand for.
struct Codebooks {
  /// Of `rows` successive rows each, `size` entries of `dims` numbers.
  int64_t rows = 1, size = 0, dims = 1;
  /// In which they are stored.
  FloatFormat format = FloatFormat::F32;
  /// Published, the same for every weight: part of the program.
  bool constant = false;
  /// Whether what they stand for is multiplied by a scale of the block.
  bool scaled = false;
  /// Values in the middle of two entries become the one of an even index, as
  /// floats are rounded.
  bool evenTies = false;
  /// Those of constant ones; entries that are not finite stand for no weight.
  std::vector<float> values;
};

struct QuantizedWeight {
  /// With codebooks that of the indices, each of which stands for as many
  /// columns as an entry has numbers.
  BlockFormat format;
  mlir::AsmResourceBlob data;
  /// Absent only beside codebooks.
  std::optional<mlir::AsmResourceBlob> scales;
  /// Whether these are E8M0.
  bool exponents = false;
  /// A number of each row, if scales are bytes: its multiples.
  std::optional<mlir::AsmResourceBlob> units;
  /// Absent when symmetric: every zero point is the format's default.
  std::optional<mlir::AsmResourceBlob> zeros;
  /// Whether these are floats.
  bool floatZeros = false;
  /// If the integers are indices.
  std::optional<Codebooks> codebooks;
  /// The largest |w - dequantized(w)|, and the sums of its squares and of w's.
  double largestError = 0, squaredError = 0, squaredNorm = 0;
  /// The squared error of what a linear computes, and the square of that, as
  /// far as statistics of its input tell; negative if nothing was computed.
  double outputError = -1, outputNorm = -1;
  /// Whether every weight was a finite number; if not, the rest is worthless.
  bool finite = true;

  QuantizedWeight(const WeightSource &source, int64_t block,
                  const GridOptions &options);
  /// Indices of this format, for `codebooks` without values, with scales of
  /// options.format or exponents if they have any.
  QuantizedWeight(const BlockFormat &indices, const Codebooks &codebooks,
                  const GridOptions &options);
  QuantizedWeight(QuantizedWeight &&) = default;

  /// Stores the number of which a row's scales are multiples, before these.
  void storeUnit(int64_t row, float unit);
  /// Stores a block's codes, and its scale unless there are none.
  void storeBlock(int64_t row, int64_t block, llvm::ArrayRef<uint8_t> codes,
                  float scale);
  /// Stores the zero points of a row's blocks, unless there are none: integers
  /// or floats.
  void storeZeros(int64_t row, llvm::ArrayRef<uint8_t> points);
  void storeZeros(int64_t row, llvm::ArrayRef<float> points);

private:
  FloatFormat scalesFormat = FloatFormat::F32;
};

/// What codes miss, in lanes that are summed in the end.
struct LaneErrors {
  float largest[blockLanes];
  // A float could not hold the square of every float.
  double squared[blockLanes], norm[blockLanes];
};

/// Added to a number below 2^22 and taken away again, pushes the fraction out
/// of the mantissa.
constexpr float roundingMagic = 0x1.8p23f;

/// Rounds to the nearest integer, ties to even; unlike std::nearbyint this
/// vectorises on every machine. |value| < 2^22.
inline float roundToInteger(float value) {
  return (value + roundingMagic) - roundingMagic;
}

/// Finite weights of a block, and what a quantizer makes of them.
struct BlockTask {
  const float *values;
  /// `stride` of them, of which those from `count` on are padding: 0.
  int64_t count, stride;
  /// Those of the block in its row.
  int64_t firstColumn;
  Range range;
  /// The number of which the row's scales are multiples, or 0.
  float unit;
  /// An integer for each of `stride` values.
  llvm::MutableArrayRef<uint8_t> codes;
  float scale = 1, zero = 0;
};

/// A weight that is quantized block by block.
struct BlockwiseWeight {
  /// Outlives the call that quantizes.
  const WeightSource *source;
  int64_t block;
  GridOptions grid;
  /// Fills in codes, scale and zero point, and adds to the errors.
  std::function<void(BlockTask &, LaneErrors &)> quantize;
};

/// Quantizes weights, several rows at once in the context's threads, which do
/// not wait for each other between weights.
std::vector<QuantizedWeight>
quantizeBlocks(llvm::ArrayRef<BlockwiseWeight> weights,
               mlir::MLIRContext *context);

/// Rounds values to the nearest of a grid: `rounded` is scale * (code - zero).
void roundToGrid(const float *values, int64_t count, const Grid &grid,
                 int64_t bits, float *rounded);

/// Rounds each weight to the nearest of the 2^bits values of its block.
/// `columnWeights` has a number for each column, or is empty.
BlockwiseWeight roundToNearest(const WeightSource &source, int64_t block,
                               const GridOptions &options,
                               llvm::ArrayRef<float> columnWeights);

/// The same for one weight, done.
QuantizedWeight quantizeToNearest(const WeightSource &source, int64_t block,
                                  const GridOptions &options,
                                  llvm::ArrayRef<float> columnWeights,
                                  mlir::MLIRContext *context);

} // namespace llmc

#endif // LLMC_LIB_COMPRESS_BLOCKQUANTIZER_H
