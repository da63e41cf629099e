//===- GramQuantizer.cpp - rounding that corrects itself ------------------===//

#include "GramQuantizer.h"
#include "ErrorFeedback.h"
#include "VectorClones.h"
#include "mlir/IR/Threading.h"
#include <cmath>

using namespace mlir;
using namespace llmc;

namespace {

/// Rows that are in memory as floats at a time, and those of one piece of work
/// of a thread.
constexpr int64_t rowsPerChunk = 2048, rowsPerTile = 16;

/// values[i] -= factor * others[i]
LLMC_ALWAYS_INLINE void subtract(float *values, const float *others,
                                 float factor, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    values[i] -= factor * others[i];
}

LLMC_ALWAYS_INLINE int clampCode(float code, int levels) {
  // Not NaN: what it comes from is finite.
  return int(std::nearbyint(std::min(std::max(code, 0.0f), float(levels))));
}

/// What one row has: its grids, a code for each column that is stored, and
/// sizes.
struct Row {
  Grid *grids;
  uint8_t *codes;
  int64_t block;
  int levels;
  /// Of a pruned weight, the code of each column, -1 where there is none.
  const int32_t *places;
  /// The number of which its scales are multiples, or 0.
  float unit;

  bool isKept(int64_t column) const { return !places || places[column] >= 0; }
  int64_t getPlace(int64_t column) const {
    return places ? places[column] : column;
  }
  Grid &getGrid(int64_t column) const {
    return grids[getPlace(column) / block];
  }
  uint8_t &getCode(int64_t column) const { return codes[getPlace(column)]; }
  float getLevel(int64_t column) const {
    return isKept(column) ? getCode(column) - getGrid(column).zero : 0;
  }
  float decode(int64_t column) const {
    return isKept(column) ? getGrid(column).scale * getLevel(column) : 0;
  }
};

/// Moves each code of a row to where the error of the output is least.
/// `difference` is what is missing to the weights, `gradient` its product with
/// the Gram matrix. Returns how many codes moved.
LLMC_VECTOR_CLONES
int64_t moveCodes(const Row &row, const MatrixRef<const float> &gram,
                  float *difference, float *gradient) {
  int64_t columns = gram.columns, moves = 0;
  for (int64_t i = 0; i < columns; ++i) {
    if (!row.isKept(i))
      continue;
    float scale = row.getGrid(i).scale;
    float steps = gradient[i] / (scale * gram(i, i));
    if (std::fabs(steps) <= 0.5f)
      continue;
    int code = clampCode(row.getCode(i) + steps, row.levels);
    float change = scale * (code - row.getCode(i));
    if (change == 0)
      continue;
    row.getCode(i) = code;
    difference[i] -= change;
    subtract(gradient, &gram(i, 0), change, columns);
    ++moves;
  }
  return moves;
}

/// Grids and codes of the blocks of some rows of a QuantizedWeight.
struct BlockCodes {
  BlockCodes(int64_t rows, const QuantizedWeight &result)
      : rows(rows), units(result.units ? rows : 0),
        grids(rows * result.format.getNumBlocks()),
        codes(grids.size() * result.format.block) {}

  void set(int64_t number, const Grid &grid) {
    int64_t block = codes.size() / grids.size();
    grids[number] = grid;
    std::fill_n(&codes[number * block], block, grid.zero);
  }
  /// Puts them into the rows from `firstRow` on.
  void store(int64_t firstRow, QuantizedWeight &result, MLIRContext *context);

  float getUnit(int64_t row) const { return units.empty() ? 0 : units[row]; }
  /// Finds the grids of a row, the square of each of whose `values` counts
  /// `weights` times. Both have `stride` numbers for each block, the last of
  /// them padding: 0.
  void findGrids(int64_t row, ArrayRef<float> values, ArrayRef<float> weights,
                 int64_t stride, GridOptions options);

  int64_t rows;
  /// Of which a row's scales are multiples; none if they are any numbers.
  std::vector<float> units;
  std::vector<Grid> grids;
  std::vector<uint8_t> codes;
};

void BlockCodes::findGrids(int64_t row, ArrayRef<float> values,
                           ArrayRef<float> weights, int64_t stride,
                           GridOptions options) {
  int64_t blocks = values.size() / stride;
  std::vector<Range> ranges(blocks);
  float largest = 0;
  for (auto [number, range] : llvm::enumerate(ranges)) {
    range = findRange(&values[number * stride], stride);
    largest = std::max(largest, findScale(range, options));
  }
  if (!units.empty())
    options.unit = units[row] = options.findUnit(largest);
  for (auto [number, range] : llvm::enumerate(ranges))
    set(row * blocks + number,
        findGrid(&values[number * stride], &weights[number * stride], stride,
                 range, options));
}

void BlockCodes::store(int64_t firstRow, QuantizedWeight &result,
                       MLIRContext *context) {
  int64_t block = result.format.block, blocks = result.format.getNumBlocks();
  forEachRow(context, rows, [&](int64_t row) {
    std::vector<uint8_t> zeros(blocks);
    if (result.units)
      result.storeUnit(firstRow + row, units[row]);
    for (int64_t number = 0; number < blocks; ++number) {
      int64_t index = row * blocks + number;
      zeros[number] = grids[index].zero;
      result.storeBlock(firstRow + row, number,
                        ArrayRef(&codes[index * block], block),
                        grids[index].scale);
    }
    result.storeZeros(firstRow + row, zeros);
  });
}

/// Grids of all blocks of a pruned weight: they may have values of several
/// rows.
BlockCodes findPrunedGrids(const WeightSource &source, const KeptPlaces &kept,
                           const GridOptions &options,
                           const HessianFactor &factor, QuantizedWeight &result,
                           MLIRContext *context) {
  const BlockFormat &format = result.format;
  int64_t count = format.rows * format.columns, columns = kept.getColumns();
  std::vector<float> values(count), meanSquares(count);
  std::vector<char> finite(kept.getRows(), true);
  forEachRow(context, kept.getRows(), [&](int64_t row) {
    std::vector<int32_t> places(columns);
    kept.get(row, places);
    for (int64_t i = 0; i < columns; ++i) {
      if (places[i] < 0)
        continue;
      int64_t place = kept.getBase(row) + places[i];
      float value = loadFloat(source.data, source.format, place);
      finite[row] &= std::isfinite(value);
      values[place] = factor.dead[i] ? 0 : value;
      meanSquares[place] = factor.hessian(i, i);
    }
  });
  result.finite = llvm::all_of(finite, [](char each) { return each; });
  BlockCodes codes(format.rows, result);
  if (!result.finite)
    return codes;
  int64_t block = format.block, blocks = format.getNumBlocks();
  int64_t stride = llvm::alignTo(block, blockLanes);
  forEachRow(context, format.rows, [&](int64_t row) {
    std::vector<float> padded(blocks * stride), weights(blocks * stride);
    for (int64_t number = 0; number < blocks; ++number) {
      int64_t first = (row * blocks + number) * block;
      std::copy_n(&values[first], block, &padded[number * stride]);
      std::copy_n(&meanSquares[first], block, &weights[number * stride]);
    }
    codes.findGrids(row, padded, weights, stride, options);
  });
  return codes;
}

/// Some rows of a weight on their way to integers.
class RowQuantizer {
public:
  RowQuantizer(const WeightSource &source, const KeptPlaces *kept,
               int64_t firstRow, int64_t rows, const GridOptions &options,
               const HessianFactor &factor, QuantizedWeight &result,
               BlockCodes &codes, MLIRContext *context)
      : source(source), kept(kept), options(options), factor(factor),
        hessian(factor.hessian), result(result), codes(codes), context(context),
        firstRow(firstRow), rows(rows), columns(hessian.columns),
        block(result.format.block), blocks(result.format.getNumBlocks()),
        weights(rows, columns), difference(rows, columns),
        gradient(rows, columns), places(kept ? rows * columns : 0),
        parts(rows) {}

  void run(const GramOptions &options) {
    readWeights();
    if (!kept)
      findGrids();
    if (!result.finite)
      return;
    roundAll();
    computeGradient();
    for (int64_t i = 0; i < options.sweeps; ++i) {
      for (int64_t number = 0; number < blocks; ++number)
        solveForGrids(number);
      forRows([&](int64_t row) {
        moveCodes(getRow(row), hessian, &difference(row, 0), &gradient(row, 0));
      });
    }
    sumErrors();
  }

private:
  /// In the context's threads.
  void forRows(llvm::function_ref<void(int64_t)> work) {
    forEachRow(context, rows, work);
  }

  Row getRow(int64_t row) {
    int64_t base = kept ? kept->getBase(firstRow + row) : row * blocks * block;
    return {codes.grids.data() + base / block,
            codes.codes.data() + base,
            block,
            options.getLevels(),
            kept ? &places[row * columns] : nullptr,
            codes.getUnit(kept ? firstRow + row : row)};
  }
  /// Columns of the weight that a block of a row is of.
  int64_t getBlockColumns() const { return kept ? columns / blocks : block; }

  void readWeights();
  /// A row as it was.
  void readRow(int64_t row, float *values);
  void findGrids();
  void roundAll();
  void computeGradient();
  void solveForGrids(int64_t number);
  void sumErrors();

  const WeightSource &source;
  const KeptPlaces *kept;
  const GridOptions &options;
  const HessianFactor &factor;
  MatrixRef<const float> hessian;
  QuantizedWeight &result;
  /// Of these rows or, if the weight is pruned, of all of it.
  BlockCodes &codes;
  MLIRContext *context;
  int64_t firstRow, rows, columns, block, blocks;
  /// The weights, 0 in dead columns; what is missing to them in the quantized
  /// ones, and the product of that with the Gram matrix.
  Matrix<float> weights, difference, gradient;
  std::vector<int32_t> places;
  /// Of each row, summed in order so that nothing depends on threads.
  std::vector<std::array<double, 4>> parts;
};

void RowQuantizer::readWeights() {
  if (kept) {
    forRows([&](int64_t row) {
      kept->get(firstRow + row, {&places[row * columns], size_t(columns)});
      readRow(row, &weights(row, 0));
      for (int64_t i = 0; i < columns; ++i)
        if (factor.dead[i])
          weights(row, i) = 0;
    });
    return;
  }
  parallelFor(context, 0, llvm::divideCeil(rows, rowsPerTile), [&](size_t i) {
    int64_t begin = i * rowsPerTile, end = std::min(begin + rowsPerTile, rows);
    readWeight(source, firstRow + begin, 0,
               weights.ref().block(begin, 0, end - begin, columns));
  });
}

void RowQuantizer::readRow(int64_t row, float *values) {
  if (!kept)
    return readWeight(source, firstRow + row, 0, {values, 1, columns});
  const int32_t *own = &places[row * columns];
  int64_t base = kept->getBase(firstRow + row);
  for (int64_t i = 0; i < columns; ++i)
    values[i] =
        own[i] < 0 ? 0 : loadFloat(source.data, source.format, base + own[i]);
}

void RowQuantizer::findGrids() {
  int64_t stride = llvm::alignTo(block, blockLanes);
  std::vector<float> meanSquares(blocks * stride);
  for (int64_t i = 0; i < columns; ++i)
    meanSquares[i / block * stride + i % block] = hessian(i, i);
  std::vector<char> finite(rows, true);
  forRows([&](int64_t row) {
    std::vector<float> values(blocks * stride);
    for (int64_t i = 0; i < columns; ++i) {
      float &weight = weights(row, i);
      finite[row] &= std::isfinite(weight);
      if (factor.dead[i])
        weight = 0;
      values[i / block * stride + i % block] = weight;
    }
    codes.findGrids(row, values, meanSquares, stride, options);
  });
  result.finite &= llvm::all_of(finite, [](char each) { return each; });
}

void RowQuantizer::roundAll() {
  // In the order of the factor.
  Matrix<float> &permuted = difference;
  forRows([&](int64_t row) {
    for (int64_t i = 0; i < columns; ++i)
      permuted(row, i) = weights(row, factor.order[i]);
  });
  roundWithFeedback(
      permuted, factor, 1,
      [&](int64_t row, int64_t position, const float *weight, float *rounded) {
        int64_t column = factor.order[position];
        Row all = getRow(row);
        if (all.isKept(column)) {
          const Grid &grid = all.getGrid(column);
          all.getCode(column) =
              clampCode(*weight / grid.scale + grid.zero, all.levels);
        }
        *rounded = all.decode(column);
      },
      context);
}

void RowQuantizer::computeGradient() {
  multiply(1.0f, weights.ref(), false, hessian, false, 0.0f, gradient.ref());
  forRows([&](int64_t row) {
    double norm = 0, square = 0;
    for (int64_t i = 0; i < columns; ++i) {
      norm += double(weights(row, i)) * gradient(row, i);
      square += double(weights(row, i)) * weights(row, i);
      difference(row, i) = weights(row, i) - getRow(row).decode(i);
    }
    parts[row][1] = norm - factor.damping * square;
  });
  multiply(1.0f, difference.ref(), false, hessian, false, 0.0f, gradient.ref());
}

/// For w' = s (q - z), moving a block from (s, z) to (s', z + d) changes the
/// error e(w') = (w - w')^T H (w - w') of a row by a quadratic function of s'.
void RowQuantizer::solveForGrids(int64_t number) {
  int64_t first = number * getBlockColumns(),
          count = std::min(getBlockColumns(), columns - first);
  Matrix<float> levels(rows, count), products(rows, count);
  forRows([&](int64_t row) {
    Row all = getRow(row);
    for (int64_t i = 0; i < count; ++i)
      levels(row, i) = all.getLevel(first + i);
  });
  multiply(1.0f, levels.ref(), false, hessian.block(first, first, count, count),
           false, 0.0f, products.ref());
  double ones = 0;
  for (int64_t i = 0; i < count; ++i)
    for (int64_t j = 0; j < count; ++j)
      ones += hessian(first + i, first + j);

  Matrix<float> &changes = products;
  forRows([&](int64_t row) {
    double levelsGram = 0, onesGram = 0, levelsGradient = 0, onesGradient = 0;
    for (int64_t i = 0; i < count; ++i) {
      double level = levels(row, i), slope = gradient(row, first + i);
      levelsGram += level * products(row, i);
      onesGram += products(row, i);
      levelsGradient += level * slope;
      onesGradient += slope;
    }
    Row all = getRow(row);
    GridOptions ofRow = options;
    ofRow.unit = all.unit;
    Grid &grid = all.grids[number];
    Grid best = grid;
    double least = 0;
    for (int shift = -1; shift <= 1; ++shift) {
      int zero = grid.zero + shift;
      if (shift != 0 &&
          (options.symmetric || zero < 0 || zero > options.getLevels()))
        continue;
      // The levels are now q - z - shift.
      double cross = levelsGram - shift * onesGram;
      double square = cross - shift * onesGram + double(shift) * shift * ones;
      double slope = levelsGradient - shift * onesGradient + grid.scale * cross;
      if (!(square > 0))
        continue;
      double scale = ofRow.roundScale(float(slope / square));
      if (!(scale > 0) || !std::isfinite(scale))
        continue;
      double error = scale * scale * square - 2 * scale * slope +
                     2 * grid.scale * levelsGradient +
                     double(grid.scale) * grid.scale * levelsGram;
      if (error < least) {
        least = error;
        best = {float(scale), zero};
      }
    }
    for (int64_t i = 0; i < count; ++i) {
      float level = levels(row, i);
      changes(row, i) =
          best.scale * (level - (best.zero - grid.zero)) - grid.scale * level;
      difference(row, first + i) -= changes(row, i);
    }
    grid = best;
    // Padding is 0.
    for (int64_t i = count; i < block; ++i)
      all.codes[number * block + i] = grid.zero;
  });
  multiply(-1.0f, changes.ref(), false, hessian.block(first, 0, count, columns),
           false, 1.0f, gradient.ref());
}

void RowQuantizer::sumErrors() {
  std::vector<double> largest(rows);
  forRows([&](int64_t row) {
    Row all = getRow(row);
    double output = 0, square = 0;
    for (int64_t i = 0; i < columns; ++i) {
      output += double(difference(row, i)) * gradient(row, i);
      square += double(difference(row, i)) * difference(row, i);
    }
    parts[row][0] = std::max(output - factor.damping * square, 0.0);
    // As they were in dead columns, too.
    std::vector<float> values(columns);
    readRow(row, values.data());
    double squared = 0, norm = 0;
    for (int64_t i = 0; i < columns; ++i) {
      double error = std::fabs(values[i] - all.decode(i));
      largest[row] = std::max(largest[row], error);
      squared += error * error;
      norm += double(values[i]) * values[i];
    }
    parts[row][2] = squared;
    parts[row][3] = norm;
  });
  for (int64_t row = 0; row < rows; ++row) {
    result.largestError = std::max(result.largestError, largest[row]);
    result.outputError += parts[row][0];
    result.outputNorm += parts[row][1];
    result.squaredError += parts[row][2];
    result.squaredNorm += parts[row][3];
  }
}

} // namespace

QuantizedWeight llmc::quantizeWithGram(const WeightSource &source,
                                       int64_t block, const GridOptions &grid,
                                       const HessianFactor &factor,
                                       const GramOptions &options,
                                       MLIRContext *context,
                                       const KeptPlaces *kept) {
  QuantizedWeight result(source, block, grid);
  result.outputError = result.outputNorm = 0;
  std::optional<BlockCodes> pruned;
  if (kept)
    pruned = findPrunedGrids(source, *kept, grid, factor, result, context);
  int64_t allRows = kept ? kept->getRows() : source.rows;
  for (int64_t first = 0; first < allRows && result.finite;
       first += rowsPerChunk) {
    int64_t rows = std::min(rowsPerChunk, allRows - first);
    std::optional<BlockCodes> own;
    if (!kept)
      own.emplace(rows, result);
    BlockCodes &codes = kept ? *pruned : *own;
    RowQuantizer(source, kept, first, rows, grid, factor, result, codes,
                 context)
        .run(options);
    if (own && result.finite)
      own->store(first, result, context);
  }
  if (pruned && result.finite)
    pruned->store(0, result, context);
  return result;
}
