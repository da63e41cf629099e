//===- BlockQuantizer.cpp - integers in blocks ----------------------------===//

#include "BlockQuantizer.h"
#include "mlir/IR/Threading.h"
#include <cmath>
#include <vector>

using namespace mlir;
using namespace llmc;

LLMC_VECTOR_CLONES
Range llmc::findRange(const float *values, int64_t count) {
  // As many partial results let the compiler vectorise reductions of floats.
  float lowest[blockLanes] = {}, highest[blockLanes] = {};
  uint32_t specials[blockLanes] = {};
  for (int64_t i = 0; i < count; i += blockLanes)
    for (int64_t j = 0; j < blockLanes; ++j) {
      float value = values[i + j];
      lowest[j] = value < lowest[j] ? value : lowest[j];
      highest[j] = value > highest[j] ? value : highest[j];
      uint32_t exponent = llvm::bit_cast<uint32_t>(value) & 0x7f800000;
      specials[j] |= exponent == 0x7f800000;
    }
  // In halves: comparisons in a row would wait for each other.
  for (int64_t half = blockLanes / 2; half > 0; half /= 2)
    for (int64_t j = 0; j < half; ++j) {
      lowest[j] = lowest[j + half] < lowest[j] ? lowest[j + half] : lowest[j];
      highest[j] =
          highest[j + half] > highest[j] ? highest[j + half] : highest[j];
      specials[j] |= specials[j + half];
    }
  return {lowest[0], highest[0], !specials[0]};
}

float llmc::findScale(const Range &range, const GridOptions &options) {
  float low = range.lowest, high = range.highest;
  if (options.symmetric) {
    high = std::max(high, -low);
    low = -high;
  }
  int levels = options.getLevels();
  // Divided one by one: their difference may be infinite.
  return high / levels - low / levels;
}

float llmc::roundUp(float value, int bits, float least) {
  int exponent;
  std::frexp(value, &exponent);
  float last = std::max(std::ldexp(1.0f, exponent - bits), least);
  return std::ceil(value / last) * last;
}

namespace {

/// Rows that are read together: columns of a transposed weight are read in a
/// few whole cache lines each, and what is read stays in the first cache.
constexpr int64_t rowsPerTile = 192;

struct ErrorSums {
  double largest = 0, squared = 0, norm = 0;
  bool finite = true;

  void add(const ErrorSums &other) {
    largest = std::max(largest, other.largest);
    squared += other.squared;
    norm += other.norm;
    finite &= other.finite;
  }
};

/// The nearest number that f16 holds with all its bits; `scale` itself where
/// that is too small or too large for it.
float roundToHalf(float scale) {
  if (scale < 0x1p-14f || scale > 65504.0f)
    return scale;
  return halfToFloat(floatToHalf(scale));
}

/// The grid that spans a range.
Grid spanGrid(const Range &range, const GridOptions &options) {
  // The codes are chosen for the scale that is stored, not the exact one.
  float exact = findScale(range, options), scale = options.roundScale(exact);
  // Where there are few multiples the nearest may cut off much of the range:
  // more than a step at each end loses more than wider steps do.
  if (options.unit > 0 && (exact - scale) * options.getLevels() > 2 * scale)
    scale += options.unit;
  // A block of zeros, or of values too small for the format's scales.
  if (scale == 0)
    return {options.unit > 0 ? options.unit : 1, options.getMiddle()};
  if (options.symmetric)
    return {scale, options.getMiddle()};
  float zero = roundToInteger(
      std::min(-range.lowest / scale, float(options.getLevels())));
  return {scale, int(zero)};
}

/// The sum of weights[i] * error[i]^2, in squares of the grid's scale.
template <bool weighted>
LLMC_ALWAYS_INLINE float sumErrors(const float *values, const float *weights,
                                   int64_t count, const Grid &grid,
                                   int levels) {
  float inverse = 1 / grid.scale;
  float lowest = float(-grid.zero), highest = float(levels - grid.zero);
  float sums[blockLanes] = {};
  for (int64_t i = 0; i < count; i += blockLanes)
    for (int64_t j = 0; j < blockLanes; ++j) {
      float exact = values[i + j] * inverse;
      float level = exact < lowest ? lowest : exact;
      level = level > highest ? highest : level;
      float error = exact - roundToInteger(level);
      sums[j] += (weighted ? weights[i + j] : 1.0f) * (error * error);
    }
  float sum = 0;
  for (float part : sums)
    sum += part;
  return sum;
}

/// Searches as GPTQ's reference implementation does, but for squares, where
/// that raises errors to the power of 2.4: they are what a linear's error is
/// made of.
template <bool weighted>
LLMC_ALWAYS_INLINE Grid searchGrid(const float *values, const float *weights,
                                   int64_t count, const Range &range,
                                   const GridOptions &options) {
  constexpr int candidates = 80;
  constexpr float step = 100;
  Grid best = spanGrid(range, options);
  float unit = 1 / best.scale;
  float least =
      sumErrors<weighted>(values, weights, count, best, options.getLevels());
  for (int i = 1; i < candidates; ++i) {
    float part = 1 - i / step;
    Grid grid =
        spanGrid({part * range.lowest, part * range.highest, true}, options);
    float relative = grid.scale * unit;
    float sum =
        sumErrors<weighted>(values, weights, count, grid, options.getLevels()) *
        (relative * relative);
    if (sum < least) {
      least = sum;
      best = grid;
    }
  }
  return best;
}

LLMC_VECTOR_CLONES
Grid searchWeighted(const float *values, const float *weights, int64_t count,
                    const Range &range, const GridOptions &options) {
  return searchGrid<true>(values, weights, count, range, options);
}

LLMC_VECTOR_CLONES
Grid searchUnweighted(const float *values, int64_t count, const Range &range,
                      const GridOptions &options) {
  return searchGrid<false>(values, nullptr, count, range, options);
}

using IntLanes = int __attribute__((vector_size(blockLanes * sizeof(int))));
using ByteLanes = uint8_t __attribute__((vector_size(blockLanes)));
using DoubleLanes =
    double __attribute__((vector_size(blockLanes * sizeof(double))));

LLMC_ALWAYS_INLINE void addLanes(double *sums, const DoubleLanes &values) {
  DoubleLanes lanes;
  std::memcpy(&lanes, sums, sizeof(lanes));
  lanes += values;
  std::memcpy(sums, &lanes, sizeof(lanes));
}

/// Codes of `count` values, a multiple of `blockLanes`; adds to the errors.
LLMC_VECTOR_CLONES
void encode(const float *values, int64_t count, const Grid &grid, int64_t bits,
            uint8_t *codes, LaneErrors &errors) {
  FloatLanes lowest = FloatLanes{} - float(grid.zero),
             highest = lowest + float((1 << bits) - 1);
  // In parts of the scale, of which floats hold the squares.
  FloatLanes largest = {}, squared = {}, norm = {};
  for (int64_t i = 0; i < count; i += blockLanes) {
    FloatLanes exact;
    std::memcpy(&exact, values + i, sizeof(exact));
    exact /= grid.scale;
    // The limits are integers, so that rounding last changes nothing.
    FloatLanes level = exact < lowest ? lowest : exact;
    level = level > highest ? highest : level;
    level = (level + roundingMagic) - roundingMagic;
    ByteLanes stored = __builtin_convertvector(
        __builtin_convertvector(level, IntLanes) + grid.zero, ByteLanes);
    std::memcpy(codes + i, &stored, sizeof(stored));
    FloatLanes error = exact - level;
    squared += error * error;
    norm += exact * exact;
    error = error < 0 ? -error : error;
    largest = error > largest ? error : largest;
  }
  FloatLanes before;
  std::memcpy(&before, errors.largest, sizeof(before));
  largest *= grid.scale;
  largest = largest > before ? largest : before;
  std::memcpy(errors.largest, &largest, sizeof(largest));
  double unit = double(grid.scale) * grid.scale;
  addLanes(errors.squared,
           __builtin_convertvector(squared, DoubleLanes) * unit);
  addLanes(errors.norm, __builtin_convertvector(norm, DoubleLanes) * unit);
}

ErrorSums quantizeRows(const BlockwiseWeight &weight, int64_t firstRow,
                       int64_t rows, QuantizedWeight &result) {
  const BlockFormat &format = result.format;
  int64_t blocks = format.getNumBlocks();
  int64_t stride = llvm::alignTo(format.block, blockLanes);
  // Columns past the end stay 0.
  std::vector<float> tile(rows * stride), zeros(rows * blocks);
  std::vector<uint8_t> codes(stride), points(blocks);
  std::vector<float> units(rows);
  ErrorSums sums;
  LaneErrors errors{};
  auto read = [&](int64_t block) {
    int64_t column = block * format.block;
    int64_t count = std::min(format.block, format.columns - column);
    if (count < format.block)
      llvm::fill(tile, 0.0f);
    readWeight(*weight.source, firstRow, column,
               {tile.data(), rows, count, stride});
    return count;
  };
  if (result.units) {
    for (int64_t block = 0; block < blocks; ++block) {
      read(block);
      for (int64_t row = 0; row < rows; ++row)
        units[row] = std::max(
            units[row], findScale(findRange(tile.data() + row * stride, stride),
                                  weight.grid));
    }
    for (int64_t row = 0; row < rows; ++row) {
      units[row] = weight.grid.findUnit(units[row]);
      result.storeUnit(firstRow + row, units[row]);
    }
  }
  for (int64_t block = 0; block < blocks; ++block) {
    int64_t count = read(block);
    for (int64_t row = 0; row < rows; ++row) {
      const float *values = tile.data() + row * stride;
      BlockTask task{values,
                     count,
                     stride,
                     block * format.block,
                     findRange(values, stride),
                     units[row],
                     codes};
      if (!task.range.finite) {
        sums.finite = false;
        return sums;
      }
      weight.quantize(task, errors);
      result.storeBlock(firstRow + row, block, codes, task.scale);
      zeros[row * blocks + block] = task.zero;
    }
  }
  for (int64_t row = 0; row < rows; ++row) {
    ArrayRef<float> ofRow = ArrayRef(zeros).slice(row * blocks, blocks);
    if (result.floatZeros) {
      result.storeZeros(firstRow + row, ofRow);
      continue;
    }
    llvm::copy(ofRow, points.begin());
    result.storeZeros(firstRow + row, points);
  }
  for (int64_t j = 0; j < blockLanes; ++j)
    sums.add({errors.largest[j], errors.squared[j], errors.norm[j], true});
  return sums;
}

} // namespace

float GridOptions::findUnit(float largest) const {
  if (largest == 0)
    return 1;
  // What the format holds below its normal numbers, where it has fewer bits.
  float least = format == FloatFormat::F32   ? 0x1p-149f
                : format == FloatFormat::F16 ? 0x1p-24f
                                             : 0x1p-133f;
  int significant = format == FloatFormat::BF16 ? 8 : 11;
  return roundUp(largest / getMostMultiple(), significant - (8 - bits), least);
}

float GridOptions::roundScale(float scale) const {
  if (unit > 0 && scale > 0)
    return unit * std::nearbyint(
                      std::clamp(scale / unit, 1.0f, float(getMostMultiple())));
  if (exponents) {
    // Scales are numbers of the weight's format, too.
    bool isHalf = format == FloatFormat::F16;
    int exponent = scale > 0 ? std::ilogb(scale) : -127;
    return std::ldexp(
        1.0f, std::clamp(exponent, isHalf ? -24 : -127, isHalf ? 15 : 127));
  }
  if (halfScales)
    scale = roundToHalf(scale);
  if (format == FloatFormat::F32)
    return scale;
  char stored[4];
  storeFloat(stored, format, 0, scale);
  return loadFloat(stored, format, 0);
}

Grid llmc::findGrid(const float *values, const float *weights, int64_t count,
                    const Range &range, const GridOptions &options) {
  if (options.clip == ClipSearch::None)
    return spanGrid(range, options);
  return weights ? searchWeighted(values, weights, count, range, options)
                 : searchUnweighted(values, count, range, options);
}

void llmc::roundToGrid(const float *values, int64_t count, const Grid &grid,
                       int64_t bits, float *rounded) {
  float lowest = float(-grid.zero),
        highest = float((1 << bits) - 1 - grid.zero), scale = grid.scale;
  for (int64_t i = 0; i < count; ++i) {
    float level = values[i] / scale;
    level = level < lowest ? lowest : level;
    level = level > highest ? highest : level;
    rounded[i] = roundToInteger(level) * scale;
  }
}

static AsmResourceBlob allocate(int64_t bytes) {
  return HeapAsmResourceBlob::allocate(bytes, 64, /*dataIsMutable=*/true);
}

QuantizedWeight::QuantizedWeight(const WeightSource &source, int64_t block,
                                 const GridOptions &options)
    : format{source.rows, source.columns, block, options.bits},
      scalesFormat(options.format) {
  data = allocate(format.getDataBytes());
  if (options.progressive) {
    scales = allocate(format.rows * format.getNumBlocks());
    units = allocate(format.rows * getFloatBytes(scalesFormat));
  } else {
    scales = allocate(format.getScalesBytes(scalesFormat));
  }
  floatZeros = options.floatZeros;
  if (!options.symmetric)
    zeros = allocate(floatZeros ? format.getScalesBytes(scalesFormat)
                                : format.getZerosBytes());
}

QuantizedWeight::QuantizedWeight(const BlockFormat &indices,
                                 const Codebooks &codebooks,
                                 const GridOptions &options)
    : format(indices), exponents(options.exponents), codebooks(codebooks),
      scalesFormat(options.format) {
  data = allocate(format.getDataBytes());
  if (codebooks.scaled)
    scales = allocate(exponents ? format.rows * format.getNumBlocks()
                                : format.getScalesBytes(scalesFormat));
}

void QuantizedWeight::storeUnit(int64_t row, float unit) {
  storeFloat(units->getMutableData().data(), scalesFormat, row, unit);
}

void QuantizedWeight::storeBlock(int64_t row, int64_t block,
                                 ArrayRef<uint8_t> codes, float scale) {
  int64_t index = row * format.getNumBlocks() + block;
  packBits(codes.take_front(format.block), format.bits,
           reinterpret_cast<uint8_t *>(data.getMutableData().data()) +
               index * format.getBlockBytes());
  if (!scales)
    return;
  if (exponents)
    scales->getMutableData()[index] = char(std::ilogb(scale) + 127);
  else if (units)
    scales->getMutableData()[index] = char(std::nearbyint(
        scale / loadFloat(units->getData().data(), scalesFormat, row)));
  else
    storeFloat(scales->getMutableData().data(), scalesFormat, index, scale);
}

void QuantizedWeight::storeZeros(int64_t row, ArrayRef<uint8_t> points) {
  if (zeros)
    packBits(points, format.bits,
             reinterpret_cast<uint8_t *>(zeros->getMutableData().data()) +
                 row * format.getZerosRowBytes());
}

void QuantizedWeight::storeZeros(int64_t row, ArrayRef<float> points) {
  int64_t first = row * format.getNumBlocks();
  for (auto [block, point] : llvm::enumerate(points))
    storeFloat(zeros->getMutableData().data(), scalesFormat, first + block,
               point);
}

std::vector<QuantizedWeight>
llmc::quantizeBlocks(ArrayRef<BlockwiseWeight> weights, MLIRContext *context) {
  struct Tile {
    size_t weight;
    int64_t firstRow, rows;
    ErrorSums sums;
  };
  std::vector<QuantizedWeight> results;
  results.reserve(weights.size());
  std::vector<Tile> tiles;
  for (auto [index, weight] : llvm::enumerate(weights)) {
    const WeightSource &source = *weight.source;
    results.emplace_back(source, weight.block, weight.grid);
    for (int64_t row = 0; row < source.rows; row += rowsPerTile)
      tiles.push_back(
          {index, row, std::min(rowsPerTile, source.rows - row), {}});
  }
  parallelForEach(context, tiles, [&](Tile &tile) {
    const BlockwiseWeight &weight = weights[tile.weight];
    tile.sums =
        quantizeRows(weight, tile.firstRow, tile.rows, results[tile.weight]);
  });
  // In order, so that the sums do not depend on the threads.
  std::vector<ErrorSums> sums(weights.size());
  for (const Tile &tile : tiles)
    sums[tile.weight].add(tile.sums);
  for (auto [result, sum] : llvm::zip_equal(results, sums)) {
    result.largestError = sum.largest;
    result.squaredError = sum.squared;
    result.squaredNorm = sum.norm;
    result.finite = sum.finite;
  }
  return results;
}

BlockwiseWeight llmc::roundToNearest(const WeightSource &source, int64_t block,
                                     const GridOptions &options,
                                     ArrayRef<float> columnWeights) {
  // What padding meets does not count, since 0 is on every grid.
  std::vector<float> weights(columnWeights);
  if (!weights.empty())
    weights.resize(weights.size() + llvm::alignTo(block, blockLanes));
  return {&source, block, options,
          [options, weights = std::move(weights)](BlockTask &task,
                                                  LaneErrors &errors) {
            const float *ofBlock =
                weights.empty() ? nullptr : weights.data() + task.firstColumn;
            GridOptions ofRow = options;
            ofRow.unit = task.unit;
            Grid grid =
                findGrid(task.values, ofBlock, task.stride, task.range, ofRow);
            task.scale = grid.scale;
            task.zero = float(grid.zero);
            encode(task.values, task.stride, grid, options.bits,
                   task.codes.data(), errors);
          }};
}

QuantizedWeight llmc::quantizeToNearest(const WeightSource &source,
                                        int64_t block,
                                        const GridOptions &options,
                                        ArrayRef<float> columnWeights,
                                        MLIRContext *context) {
  return std::move(
      quantizeBlocks(roundToNearest(source, block, options, columnWeights),
                     context)
          .front());
}
