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

/// What one row has: its grids, a code for each column, and sizes.
struct Row {
  Grid *grids;
  uint8_t *codes;
  int64_t block;
  int levels;

  Grid &getGrid(int64_t column) const { return grids[column / block]; }
  float decode(int64_t column) const {
    const Grid &grid = getGrid(column);
    return grid.scale * (codes[column] - grid.zero);
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
    float scale = row.getGrid(i).scale;
    float steps = gradient[i] / (scale * gram(i, i));
    if (std::fabs(steps) <= 0.5f)
      continue;
    int code = clampCode(row.codes[i] + steps, row.levels);
    float change = scale * (code - row.codes[i]);
    if (change == 0)
      continue;
    row.codes[i] = code;
    difference[i] -= change;
    subtract(gradient, &gram(i, 0), change, columns);
    ++moves;
  }
  return moves;
}

/// Some rows of a weight on their way to integers.
class RowQuantizer {
public:
  RowQuantizer(const WeightSource &source, int64_t firstRow, int64_t rows,
               const GridOptions &options, const HessianFactor &factor,
               QuantizedWeight &result, MLIRContext *context)
      : source(source), options(options), factor(factor),
        hessian(factor.hessian), result(result), context(context),
        firstRow(firstRow), rows(rows), columns(source.columns),
        block(result.format.block), blocks(result.format.getNumBlocks()),
        weights(rows, columns), difference(rows, columns),
        gradient(rows, columns), codes(rows * blocks * block),
        grids(rows * blocks), parts(rows) {}

  void run(const GramOptions &options) {
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
    store();
  }

private:
  /// In the context's threads.
  void forRows(llvm::function_ref<void(int64_t)> work) {
    forEachRow(context, rows, work);
  }

  Row getRow(int64_t row) {
    return {&grids[row * blocks], &codes[row * blocks * block], block,
            options.getLevels()};
  }

  void findGrids();
  void roundAll();
  void computeGradient();
  void solveForGrids(int64_t number);
  void store();

  const WeightSource &source;
  const GridOptions &options;
  const HessianFactor &factor;
  MatrixRef<const float> hessian;
  QuantizedWeight &result;
  MLIRContext *context;
  int64_t firstRow, rows, columns, block, blocks;
  /// The weights, 0 in dead columns; what is missing to them in the quantized
  /// ones, and the product of that with the Gram matrix.
  Matrix<float> weights, difference, gradient;
  std::vector<uint8_t> codes;
  std::vector<Grid> grids;
  /// Of each row, summed in order so that nothing depends on threads.
  std::vector<std::array<double, 4>> parts;
};

void RowQuantizer::findGrids() {
  int64_t stride = llvm::alignTo(block, blockLanes);
  std::vector<float> meanSquares(blocks * stride);
  for (int64_t i = 0; i < columns; ++i)
    meanSquares[i / block * stride + i % block] = hessian(i, i);
  std::vector<char> finite(rows, true);
  parallelFor(context, 0, llvm::divideCeil(rows, rowsPerTile), [&](size_t i) {
    int64_t begin = i * rowsPerTile, end = std::min(begin + rowsPerTile, rows);
    readWeight(source, firstRow + begin, 0,
               weights.ref().block(begin, 0, end - begin, columns));
  });
  forRows([&](int64_t row) {
    std::vector<float> values(stride);
    for (int64_t number = 0; number < blocks; ++number) {
      int64_t first = number * block, count = std::min(block, columns - first);
      std::fill(values.begin(), values.end(), 0.0f);
      std::copy_n(&weights(row, first), count, values.begin());
      finite[row] &= findRange(values.data(), stride).finite;
      for (int64_t j = 0; j < count; ++j)
        if (factor.dead[first + j])
          values[j] = weights(row, first + j) = 0;
      Grid &grid = grids[row * blocks + number] =
          findGrid(values.data(), &meanSquares[number * stride], stride,
                   findRange(values.data(), stride), options);
      std::fill_n(&codes[(row * blocks + number) * block], block, grid.zero);
    }
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
        const Grid &grid = all.getGrid(column);
        all.codes[column] =
            clampCode(*weight / grid.scale + grid.zero, all.levels);
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
  int64_t first = number * block, count = std::min(block, columns - first);
  Matrix<float> levels(rows, count), products(rows, count);
  forRows([&](int64_t row) {
    Row all = getRow(row);
    for (int64_t i = 0; i < count; ++i)
      levels(row, i) = all.codes[first + i] - all.grids[number].zero;
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
    Grid &grid = getRow(row).grids[number];
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
      double scale = options.roundScale(float(slope / square));
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
  });
  multiply(-1.0f, changes.ref(), false, hessian.block(first, 0, count, columns),
           false, 1.0f, gradient.ref());
}

void RowQuantizer::store() {
  std::vector<double> largest(rows), magnitude(rows);
  forRows([&](int64_t row) {
    Row all = getRow(row);
    std::vector<uint8_t> zeros(blocks);
    for (int64_t number = 0; number < blocks; ++number) {
      zeros[number] = all.grids[number].zero;
      // Padding is 0.
      for (int64_t i = columns; i < blocks * block; ++i)
        all.codes[i] = zeros[number];
      result.storeBlock(firstRow + row, number,
                        ArrayRef(all.codes + number * block, block),
                        all.grids[number].scale);
    }
    result.storeZeros(firstRow + row, zeros);

    double output = 0, kept = 0;
    for (int64_t i = 0; i < columns; ++i) {
      output += double(difference(row, i)) * gradient(row, i);
      kept += double(difference(row, i)) * difference(row, i);
    }
    parts[row][0] = std::max(output - factor.damping * kept, 0.0);
    // As they were in dead columns, too.
    std::vector<float> values(columns);
    readWeight(source, firstRow + row, 0, {values.data(), 1, columns});
    double squared = 0, norm = 0;
    for (int64_t i = 0; i < columns; ++i) {
      double error = std::fabs(values[i] - all.decode(i));
      largest[row] = std::max(largest[row], error);
      magnitude[row] = std::max<double>(magnitude[row], std::fabs(values[i]));
      squared += error * error;
      norm += double(values[i]) * values[i];
    }
    parts[row][2] = squared;
    parts[row][3] = norm;
  });
  for (int64_t row = 0; row < rows; ++row) {
    result.largestError = std::max(result.largestError, largest[row]);
    result.largestMagnitude = std::max(result.largestMagnitude, magnitude[row]);
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
                                       MLIRContext *context) {
  QuantizedWeight result(source, block, grid);
  result.outputError = result.outputNorm = 0;
  for (int64_t first = 0; first < source.rows && result.finite;
       first += rowsPerChunk)
    RowQuantizer(source, first, std::min(rowsPerChunk, source.rows - first),
                 grid, factor, result, context)
        .run(options);
  return result;
}
