//===- BlockQuantizer.cpp - round to nearest in blocks --------------------===//

#include "BlockQuantizer.h"
#include "mlir/IR/Threading.h"
#include <cmath>
#include <vector>

using namespace mlir;
using namespace llmc;

namespace {

/// The loops below keep this many partial results, which is what lets the
/// compiler vectorise reductions of floats.
constexpr int64_t lanes = 8;

/// Rows that are read together: 64 floats of a transposed weight are a few
/// whole cache lines.
constexpr int64_t rowsPerTile = 64;

struct Range {
  float lowest, highest;
  bool finite;
};

struct ErrorSums {
  double largest = 0, magnitude = 0, squared = 0, norm = 0;
  bool finite = true;

  void add(const ErrorSums &other) {
    largest = std::max(largest, other.largest);
    magnitude = std::max(magnitude, other.magnitude);
    squared += other.squared;
    norm += other.norm;
    finite &= other.finite;
  }
};

/// The smallest range that holds all values and 0. `count` is a multiple of
/// `lanes`.
Range findRange(const float *values, int64_t count) {
  float low[lanes] = {}, high[lanes] = {};
  uint32_t special[lanes] = {};
  for (int64_t i = 0; i < count; i += lanes)
    for (int64_t j = 0; j < lanes; ++j) {
      float value = values[i + j];
      low[j] = value < low[j] ? value : low[j];
      high[j] = value > high[j] ? value : high[j];
      uint32_t exponent = llvm::bit_cast<uint32_t>(value) & 0x7f800000;
      special[j] |= exponent == 0x7f800000;
    }
  Range range{0, 0, true};
  for (int64_t j = 0; j < lanes; ++j) {
    range.lowest = std::min(range.lowest, low[j]);
    range.highest = std::max(range.highest, high[j]);
    range.finite &= !special[j];
  }
  return range;
}

/// Rounds to the nearest integer, ties to even, by pushing the fraction out of
/// the mantissa; unlike std::nearbyint it vectorises on every machine.
/// |value| < 2^22.
float roundToInteger(float value) {
  constexpr float magic = 0x1.8p23f;
  return (value + magic) - magic;
}

/// One block's scale and zero point.
struct Grid {
  float scale;
  int zero;
};

/// The nearest number that f16 holds with all its bits; `scale` itself where
/// that is too small or too large for it.
float roundToHalf(float scale) {
  if (scale < 0x1p-14f || scale > 65504.0f)
    return scale;
  char stored[2];
  storeFloat(stored, FloatFormat::F16, 0, scale);
  return loadFloat(stored, FloatFormat::F16, 0);
}

Grid chooseGrid(const Range &range, int64_t bits, bool symmetric,
                bool halfScales, FloatFormat format) {
  int levels = (1 << bits) - 1, middle = 1 << (bits - 1);
  float low = range.lowest, high = range.highest;
  if (symmetric) {
    high = std::max(high, -low);
    low = -high;
  }
  // Divided one by one: their difference may be infinite.
  float scale = high / levels - low / levels;
  // The codes are chosen for the scale that is stored, not the exact one.
  char stored[4];
  storeFloat(stored, format, 0, halfScales ? roundToHalf(scale) : scale);
  scale = loadFloat(stored, format, 0);
  // A block of zeros, or of values too small for the format's scales.
  if (scale == 0)
    return {1, middle};
  if (symmetric)
    return {scale, middle};
  float zero = roundToInteger(std::min(-low / scale, float(levels)));
  return {scale, int(zero)};
}

/// Codes of `count` values, a multiple of `lanes`.
ErrorSums encode(const float *values, int64_t count, const Grid &grid,
                 int64_t bits, uint8_t *codes) {
  float lowest = float(-grid.zero),
        highest = float((1 << bits) - 1 - grid.zero);
  float scale = grid.scale;
  float largest[lanes] = {};
  // A float could not hold the square of every float.
  double squared[lanes] = {}, norm[lanes] = {};
  for (int64_t i = 0; i < count; i += lanes)
    for (int64_t j = 0; j < lanes; ++j) {
      float value = values[i + j];
      float level = value / scale;
      // The limits are integers, so that rounding last changes nothing.
      level = level < lowest ? lowest : level;
      level = level > highest ? highest : level;
      level = roundToInteger(level);
      codes[i + j] = uint8_t(int(level) + grid.zero);
      float error = std::fabs(value - level * scale);
      largest[j] = error > largest[j] ? error : largest[j];
      squared[j] += double(error) * error;
      norm[j] += double(value) * value;
    }
  ErrorSums sums;
  for (int64_t j = 0; j < lanes; ++j)
    sums.add({largest[j], 0, squared[j], norm[j], true});
  return sums;
}

/// Columns [firstColumn, firstColumn + count) of some rows, row by row with
/// `stride` floats each.
void readTile(const WeightSource &source, int64_t firstRow, int64_t rows,
              int64_t firstColumn, int64_t count, float *tile, int64_t stride) {
  if (!source.transposed) {
    for (int64_t row = 0; row < rows; ++row) {
      int64_t begin = (firstRow + row) * source.columns + firstColumn;
      for (int64_t i = 0; i < count; ++i)
        tile[row * stride + i] =
            loadFloat(source.data, source.format, begin + i);
    }
    return;
  }
  for (int64_t i = 0; i < count; ++i) {
    int64_t begin = (firstColumn + i) * source.rows + firstRow;
    for (int64_t row = 0; row < rows; ++row)
      tile[row * stride + i] =
          loadFloat(source.data, source.format, begin + row);
  }
}

/// Where the results of quantizeRows go.
struct Output {
  char *data, *scales, *zeros;
};

ErrorSums quantizeRows(const WeightSource &source, const BlockFormat &format,
                       bool symmetric, bool halfScales, int64_t firstRow,
                       int64_t rows, const Output &output) {
  int64_t blocks = format.getNumBlocks(), blockBytes = format.getBlockBytes();
  int64_t stride = llvm::alignTo(format.block, lanes);
  // Columns past the end stay 0 and get the code of 0.
  std::vector<float> tile(rows * stride);
  std::vector<uint8_t> codes(stride), zeros(rows * blocks);
  ErrorSums sums;
  for (int64_t block = 0; block < blocks; ++block) {
    int64_t column = block * format.block;
    int64_t count = std::min(format.block, format.columns - column);
    if (count < format.block)
      std::fill(tile.begin(), tile.end(), 0.0f);
    readTile(source, firstRow, rows, column, count, tile.data(), stride);
    for (int64_t row = 0; row < rows; ++row) {
      const float *values = tile.data() + row * stride;
      Range range = findRange(values, stride);
      if (!range.finite) {
        sums.finite = false;
        return sums;
      }
      sums.magnitude =
          std::max<double>({sums.magnitude, range.highest, -range.lowest});
      Grid grid =
          chooseGrid(range, format.bits, symmetric, halfScales, source.format);
      sums.add(encode(values, stride, grid, format.bits, codes.data()));
      int64_t index = (firstRow + row) * blocks + block;
      packBits(ArrayRef(codes).take_front(format.block), format.bits,
               reinterpret_cast<uint8_t *>(output.data) + index * blockBytes);
      storeFloat(output.scales, source.format, index, grid.scale);
      zeros[row * blocks + block] = uint8_t(grid.zero);
    }
  }
  if (output.zeros)
    for (int64_t row = 0; row < rows; ++row)
      packBits(ArrayRef(zeros).slice(row * blocks, blocks), format.bits,
               reinterpret_cast<uint8_t *>(output.zeros) +
                   (firstRow + row) * format.getZerosRowBytes());
  return sums;
}

} // namespace

QuantizedWeight llmc::quantizeToNearest(const WeightSource &source,
                                        int64_t bits, int64_t block,
                                        bool symmetric, bool halfScales,
                                        MLIRContext *context) {
  QuantizedWeight result;
  result.format = {source.rows, source.columns, block, bits};
  const BlockFormat &format = result.format;
  auto allocate = [](int64_t bytes) {
    return HeapAsmResourceBlob::allocate(bytes, 64, /*dataIsMutable=*/true);
  };
  result.data = allocate(format.getDataBytes());
  result.scales = allocate(format.getScalesBytes(source.format));
  if (!symmetric)
    result.zeros = allocate(format.getZerosBytes());
  Output output{result.data.getMutableData().data(),
                result.scales.getMutableData().data(),
                symmetric ? nullptr : result.zeros->getMutableData().data()};

  int64_t tiles = llvm::divideCeil(source.rows, rowsPerTile);
  std::vector<ErrorSums> parts(tiles);
  parallelFor(context, 0, tiles, [&](size_t tile) {
    int64_t firstRow = tile * rowsPerTile;
    int64_t rows = std::min(rowsPerTile, source.rows - firstRow);
    parts[tile] = quantizeRows(source, format, symmetric, halfScales, firstRow,
                               rows, output);
  });
  // In order, so that the sums do not depend on the threads.
  ErrorSums sums;
  for (const ErrorSums &part : parts)
    sums.add(part);
  result.largestError = sums.largest;
  result.largestMagnitude = sums.magnitude;
  result.squaredError = sums.squared;
  result.squaredNorm = sums.norm;
  result.finite = sums.finite;
  return result;
}
