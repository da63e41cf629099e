//===- WeightClusterer.cpp - weights that share their values --------------===//

#include "WeightClusterer.h"
#include "Clusterer1D.h"
#include "ErrorFeedback.h"
#include "VectorClones.h"
#include "mlir/IR/Threading.h"
#include <cmath>
#include <limits>
#include <numeric>

using namespace mlir;
using namespace llmc;

namespace {

/// Rows that are in memory as floats at a time, unless more share a codebook,
/// and those of one piece of work of a thread.
constexpr int64_t rowsPerChunk = 2048, rowsPerTile = 16;

constexpr int64_t maxEntries = 256, maxDims = maxFeedbackWidth;

constexpr int64_t scaleRounds = 2;

/// The entry e with the least |(x - e) U^-1| for the upper triangular `factor`
/// U. `book` is [dims, entries].
LLMC_VECTOR_CLONES
int findNearest(const float *book, int64_t entries, int64_t dims,
                const float *x, const MatrixRef<const float> &factor) {
  float errors[maxDims][maxEntries], sums[maxEntries] = {};
  for (int64_t i = 0; i < dims; ++i) {
    float inverse = 1 / factor(i, i);
    for (int64_t e = 0; e < entries; ++e)
      errors[i][e] = x[i] - book[i * entries + e];
    for (int64_t j = 0; j < i; ++j)
      for (int64_t e = 0; e < entries; ++e)
        errors[i][e] -= errors[j][e] * factor(j, i);
    for (int64_t e = 0; e < entries; ++e) {
      errors[i][e] *= inverse;
      sums[e] += errors[i][e] * errors[i][e];
    }
  }
  // Numbers that are not negative compare as their bits do, and the least of
  // integers is found in vectors.
  int32_t least = std::numeric_limits<int32_t>::max();
  for (int64_t e = 0; e < entries; ++e)
    least = std::min(least, llvm::bit_cast<int32_t>(sums[e]));
  int best = 0;
  while (best + 1 < entries && llvm::bit_cast<int32_t>(sums[best]) != least)
    ++best;
  return best;
}

/// The squared error of `count` numbers, a multiple of blockLanes, whose scale
/// is 1 / `inverse`, in squares of the scale.
LLMC_VECTOR_CLONES
float sumErrors(const float *values, const float *importance, int64_t count,
                float inverse, const float *book, int64_t entries) {
  float sums[blockLanes] = {};
  for (int64_t i = 0; i < count; i += blockLanes) {
    float scaled[blockLanes], least[blockLanes];
    for (int64_t j = 0; j < blockLanes; ++j) {
      scaled[j] = values[i + j] * inverse;
      least[j] = std::numeric_limits<float>::max();
    }
    for (int64_t e = 0; e < entries; ++e)
      for (int64_t j = 0; j < blockLanes; ++j) {
        float error = scaled[j] - book[e];
        error *= error;
        least[j] = error < least[j] ? error : least[j];
      }
    for (int64_t j = 0; j < blockLanes; ++j)
      sums[j] += importance[i + j] * least[j];
  }
  float sum = 0;
  for (float part : sums)
    sum += part;
  return sum;
}

/// Some rows of a weight, whole groups that share codebooks.
class RowClusterer {
public:
  RowClusterer(const WeightSource &source, int64_t firstRow, int64_t rows,
               int64_t scaleBlock, const CodebookOptions &options,
               const ClusterInput &input, QuantizedWeight &result,
               MLIRContext *context)
      : source(source), options(options), input(input), result(result),
        context(context), firstRow(firstRow), rows(rows),
        columns(source.columns), dims(options.codebooks.dims),
        entries(options.codebooks.size), groupRows(options.codebooks.rows),
        groups(rows / groupRows),
        block(options.codebooks.scaled ? scaleBlock : columns),
        blocks(llvm::divideCeil(columns, block)), weights(rows, columns),
        scales(rows, blocks), codes(rows * (columns / dims)),
        books(groups * entries * dims) {}

  void run() {
    if (!read())
      return;
    std::fill(scales.values.begin(), scales.values.end(), 1.0f);
    if (options.codebooks.scaled)
      findScales();
    if (options.codebooks.constant)
      setBooks();
    else
      learnBooks();
    // Values and scales in turn.
    for (int64_t i = 0; i < scaleRounds && options.searchScales; ++i) {
      searchScales();
      if (options.codebooks.constant)
        break;
      learnBooks();
    }
    roundBooks();
    sortBooks();
    if (input.factor)
      roundWithErrors();
    else
      forRows([&](int64_t row) { roundRow(row); });
    if (input.factor && !options.codebooks.constant && options.refit > 0) {
      fitBooks();
      roundBooks();
    }
    store();
  }

private:
  void forRows(llvm::function_ref<void(int64_t)> work) {
    forEachRow(context, rows, work);
  }

  /// [dims, entries] of the rows' codebook.
  float *getBook(int64_t row) {
    return &books[row / groupRows * entries * dims];
  }
  uint8_t &getCode(int64_t row, int64_t column) {
    return codes[row * (columns / dims) + column / dims];
  }
  float &getScale(int64_t row, int64_t column) {
    return scales(row, column / block);
  }
  float decode(int64_t row, int64_t column) {
    return getScale(row, column) *
           getBook(row)[column % dims * entries + getCode(row, column)];
  }
  /// What a codebook has to hold: 0 where all of a block is.
  float getScaled(float weight, float scale) {
    return scale != 0 ? weight / scale : 0;
  }
  float getColumnWeight(int64_t column) const {
    return input.columnWeights.empty() ? 1 : input.columnWeights[column];
  }

  bool read();
  void findScales();
  void searchScales();
  float roundScale(float scale) const {
    return std::copysign(options.grid.roundScale(std::fabs(scale)), scale);
  }
  void setBooks();
  void learnBooks();
  std::vector<float> learnPosition(int64_t group, int64_t position,
                                   int64_t size);
  void learnVectors();
  void moveEntries(int64_t group);
  void roundBooks();
  void sortBooks();
  int choose(int64_t row, const float *scaled,
             const MatrixRef<const float> &factor);
  void roundRow(int64_t row);
  void roundWithErrors();
  void fitBooks();
  std::vector<double> project(Matrix<float> &values);
  void store();

  const WeightSource &source;
  const CodebookOptions &options;
  const ClusterInput &input;
  QuantizedWeight &result;
  MLIRContext *context;
  int64_t firstRow, rows, columns, dims, entries, groupRows, groups, block,
      blocks;
  Matrix<float> weights, scales;
  /// An index for each vector of a row.
  std::vector<uint8_t> codes;
  /// [groups, dims, entries], so that loops over entries vectorise.
  std::vector<float> books;
  /// Of numbers: entries of each codebook in ascending order, as many of them
  /// as are finite, the limits between them, and their indices.
  int64_t usable = 0;
  std::vector<float> limits;
  std::vector<uint8_t> order;
};

bool RowClusterer::read() {
  std::vector<char> finite(rows, true);
  parallelFor(context, 0, llvm::divideCeil(rows, rowsPerTile), [&](size_t i) {
    int64_t begin = i * rowsPerTile, end = std::min(begin + rowsPerTile, rows);
    readWeight(source, firstRow + begin, 0,
               weights.ref().block(begin, 0, end - begin, columns));
    for (int64_t row = begin; row < end; ++row)
      for (int64_t column = 0; column < columns; ++column)
        finite[row] &= std::isfinite(weights(row, column));
  });
  return result.finite &= llvm::all_of(finite, [](char each) { return each; });
}

/// The largest magnitude of each block becomes 1, or that of published values.
/// To learn them is worth more when one end of all blocks is at the same value
/// (signed normalization, arXiv 2505.06653). With powers of two its exponent
/// becomes that of the largest value, as the Microscaling formats have it.
void RowClusterer::findScales() {
  float largest = options.codebooks.constant ? 0 : 1;
  for (float value : options.codebooks.values)
    if (std::isfinite(value))
      largest = std::max(largest, value);
  if (options.grid.exponents)
    largest = roundScale(largest);
  forRows([&](int64_t row) {
    for (int64_t number = 0; number < blocks; ++number) {
      float most = 0;
      for (int64_t i = number * block;
           i < std::min((number + 1) * block, columns); ++i)
        if (std::fabs(weights(row, i)) > std::fabs(most))
          most = weights(row, i);
      if (options.codebooks.constant)
        most = std::fabs(most);
      scales(row, number) = roundScale(most / largest);
    }
  });
}

/// Moves each scale to the best of some near the first one.
void RowClusterer::searchScales() {
  SmallVector<float> factors;
  if (options.grid.exponents)
    factors = {2, 0.5};
  else
    for (int64_t i = 0; i < 26; ++i)
      factors.push_back(1.2f - 0.02f * i);
  int64_t stride = llvm::alignTo(block, blockLanes);
  forRows([&](int64_t row) {
    std::vector<float> values(stride), importance(stride);
    for (int64_t number = 0; number < blocks; ++number) {
      int64_t first = number * block, count = std::min(block, columns - first);
      std::fill(values.begin(), values.end(), 0.0f);
      std::fill(importance.begin(), importance.end(), 0.0f);
      for (int64_t i = 0; i < count; ++i) {
        values[i] = weights(row, first + i);
        importance[i] = getColumnWeight(first + i);
      }
      float &scale = scales(row, number), original = scale;
      if (original == 0)
        continue;
      auto getError = [&](float candidate) {
        return double(candidate) * candidate *
               sumErrors(values.data(), importance.data(), stride,
                         1 / candidate, getBook(row), entries);
      };
      double least = getError(original);
      for (float factor : factors) {
        float candidate = roundScale(original * factor);
        if (candidate == 0)
          continue;
        double error = getError(candidate);
        if (error < least) {
          least = error;
          scale = candidate;
        }
      }
    }
  });
}

void RowClusterer::setBooks() {
  for (int64_t group = 0; group < groups; ++group)
    llvm::copy(options.codebooks.values, books.begin() + group * entries);
}

/// Values for the numbers that lie at one position of vectors.
std::vector<float> RowClusterer::learnPosition(int64_t group, int64_t position,
                                               int64_t size) {
  std::vector<Sample> samples;
  samples.reserve(groupRows * (columns / dims));
  for (int64_t row = group * groupRows; row < (group + 1) * groupRows; ++row)
    for (int64_t i = position; i < columns; i += dims) {
      float scale = getScale(row, i);
      samples.push_back({getScaled(weights(row, i), scale),
                         getColumnWeight(i) * scale * scale});
    }
  return cluster1D(std::move(samples), size, options.exact);
}

void RowClusterer::learnBooks() {
  parallelFor(context, 0, groups, [&](size_t group) {
    float *book = &books[group * entries * dims];
    int64_t bits = options.grid.bits, stride = 1;
    // All vectors of as many values for each position as bits allow.
    for (int64_t position = 0; position < dims; ++position) {
      int64_t size = int64_t(1)
                     << (bits / dims + (position < bits % dims ? 1 : 0));
      std::vector<float> values = learnPosition(group, position, size);
      for (int64_t e = 0; e < entries; ++e)
        book[position * entries + e] = values[e / stride % size];
      stride *= size;
    }
  });
  if (dims > 1)
    learnVectors();
}

/// Lloyd's iteration.
void RowClusterer::learnVectors() {
  std::vector<uint8_t> last;
  for (int64_t round = 0; round < options.rounds; ++round) {
    forRows([&](int64_t row) { roundRow(row); });
    if (codes == last)
      return;
    last = codes;
    parallelFor(context, 0, groups, [&](size_t group) { moveEntries(group); });
  }
}

/// Moves each entry to the mean of the vectors that it is nearest to.
void RowClusterer::moveEntries(int64_t group) {
  std::vector<double> sums(entries * dims), totals(entries * dims);
  for (int64_t row = group * groupRows; row < (group + 1) * groupRows; ++row)
    for (int64_t i = 0; i < columns; ++i) {
      int64_t place = i % dims * entries + getCode(row, i);
      double scale = getScale(row, i), weight = getColumnWeight(i) * scale;
      sums[place] += weight * weights(row, i);
      totals[place] += weight * scale;
    }
  float *book = &books[group * entries * dims];
  for (int64_t i = 0; i < entries * dims; ++i)
    if (totals[i] > 0)
      book[i] = sums[i] / totals[i];
}

/// To what is stored.
void RowClusterer::roundBooks() {
  char stored[4];
  FloatFormat format =
      options.codebooks.constant ? source.format : options.codebooks.format;
  for (float &value : books) {
    storeFloat(stored, format, 0, value);
    value = loadFloat(stored, format, 0);
  }
}

void RowClusterer::sortBooks() {
  if (dims > 1)
    return;
  for (int64_t group = 0; group < groups; ++group) {
    const float *book = &books[group * entries];
    SmallVector<uint8_t, maxEntries> places;
    for (int64_t i = 0; i < entries; ++i)
      if (std::isfinite(book[i]))
        places.push_back(i);
    llvm::sort(places, [&](uint8_t a, uint8_t b) {
      return std::tuple(book[a], !std::signbit(book[a]), a) <
             std::tuple(book[b], !std::signbit(book[b]), b);
    });
    // As many in every group: only constant ones have others.
    usable = places.size();
    llvm::append_range(order, places);
    for (int64_t i = 0; i + 1 < usable; ++i) {
      float limit = 0.5f * book[places[i]] + 0.5f * book[places[i + 1]];
      // A number at the limit becomes the entry above it.
      if (options.codebooks.evenTies && places[i + 1] % 2 != 0)
        limit = std::nextafter(limit, std::numeric_limits<float>::infinity());
      limits.push_back(limit);
    }
  }
}

/// The index of a vector, or of a number, for which `factor` does not matter.
int RowClusterer::choose(int64_t row, const float *scaled,
                         const MatrixRef<const float> &factor) {
  if (dims > 1)
    return findNearest(getBook(row), entries, dims, scaled, factor);
  int64_t group = row / groupRows;
  const float *first = &limits[group * (usable - 1)];
  int64_t place = std::upper_bound(first, first + usable - 1, *scaled) - first;
  return order[group * usable + place];
}

/// To the nearest, each by itself.
void RowClusterer::roundRow(int64_t row) {
  float scaled[maxDims], factors[maxDims * maxDims] = {};
  for (int64_t begin = 0; begin < columns; begin += dims) {
    float scale = getScale(row, begin);
    for (int64_t i = 0; i < dims; ++i) {
      scaled[i] = getScaled(weights(row, begin + i), scale);
      // A column that never matters has no say; others are far above it.
      factors[i * dims + i] =
          1 / std::sqrt(std::max(getColumnWeight(begin + i), 1e-30f));
    }
    getCode(row, begin) = choose(row, scaled, {factors, dims, dims});
  }
}

void RowClusterer::roundWithErrors() {
  const HessianFactor &factor = *input.factor;
  Matrix<float> permuted(rows, columns);
  forRows([&](int64_t row) {
    for (int64_t i = 0; i < columns; ++i)
      permuted(row, i) = weights(row, factor.order[i]);
  });
  roundWithFeedback(
      permuted, factor, dims,
      [&](int64_t row, int64_t position, const float *values, float *rounded) {
        int64_t column = factor.order[position];
        float scale = getScale(row, column), scaled[maxDims];
        for (int64_t i = 0; i < dims; ++i)
          scaled[i] = getScaled(values[i], scale);
        getCode(row, column) =
            choose(row, scaled,
                   factor.upper.ref().block(position, position, dims, dims));
        for (int64_t i = 0; i < dims; ++i)
          rounded[i] = decode(row, column + i);
      },
      context);
}

/// What a change of `values` means for each number of the codebooks: sums over
/// the places where it is used.
std::vector<double> RowClusterer::project(Matrix<float> &values) {
  std::vector<double> sums(books.size());
  parallelFor(context, 0, groups, [&](size_t group) {
    double *own = &sums[group * entries * dims];
    for (int64_t row = group * groupRows; row < int64_t(group + 1) * groupRows;
         ++row)
      for (int64_t i = 0; i < columns; ++i)
        own[i % dims * entries + getCode(row, i)] +=
            double(values(row, i)) * getScale(row, i);
  });
  return sums;
}

/// Conjugate gradients for the codebooks with the least error of the output,
/// (w - w') H (w - w')^T, the indices being what they are. Codebooks do not
/// depend on each other, so that each has its own step.
void RowClusterer::fitBooks() {
  MatrixRef<const float> hessian = input.factor->hessian;
  Matrix<float> values(rows, columns), products(rows, columns);
  int64_t size = entries * dims;
  forRows([&](int64_t row) {
    for (int64_t i = 0; i < columns; ++i)
      values(row, i) = weights(row, i) - decode(row, i);
  });
  multiply(1, values, false, hessian, false, 0, products);
  std::vector<double> residual = project(products);
  forRows([&](int64_t row) {
    for (int64_t i = 0; i < columns; ++i)
      values(row, i) = getScale(row, i) * hessian(i, i);
  });
  std::vector<double> diagonal = project(values), step(books.size()),
                      fitted(books.begin(), books.end()), before(groups);
  // The numbers that `step` changes, as `books` has them.
  std::vector<float> original = books;
  for (int64_t round = 0; round < options.refit; ++round) {
    for (int64_t group = 0; group < groups; ++group) {
      double norm = 0;
      for (int64_t i = group * size; i < (group + 1) * size; ++i)
        norm += diagonal[i] > 0 ? residual[i] * residual[i] / diagonal[i] : 0;
      double factor = before[group] > 0 ? norm / before[group] : 0;
      for (int64_t i = group * size; i < (group + 1) * size; ++i)
        step[i] = factor * step[i] +
                  (diagonal[i] > 0 ? residual[i] / diagonal[i] : 0);
      before[group] = norm;
    }
    llvm::copy(step, books.begin());
    forRows([&](int64_t row) {
      for (int64_t i = 0; i < columns; ++i)
        values(row, i) = decode(row, i);
    });
    multiply(1, values, false, hessian, false, 0, products);
    std::vector<double> curvature = project(products);
    for (int64_t group = 0; group < groups; ++group) {
      double square = 0;
      for (int64_t i = group * size; i < (group + 1) * size; ++i)
        square += step[i] * curvature[i];
      double length = square > 0 ? before[group] / square : 0;
      for (int64_t i = group * size; i < (group + 1) * size; ++i) {
        fitted[i] += length * step[i];
        residual[i] -= length * curvature[i];
      }
    }
  }
  llvm::copy(fitted, books.begin());
}

void RowClusterer::store() {
  struct Sums {
    double largest = 0, squared = 0, norm = 0, output = 0, outputNorm = 0;
  };
  std::vector<Sums> parts(rows);
  int64_t vectors = result.format.block, stored = result.format.getNumBlocks();
  Matrix<float> difference(rows, columns);
  forRows([&](int64_t row) {
    // Padding has an index, too.
    std::vector<uint8_t> padded(stored * vectors);
    std::copy_n(&codes[row * (columns / dims)], columns / dims, padded.begin());
    for (int64_t number = 0; number < stored; ++number)
      result.storeBlock(firstRow + row, number,
                        ArrayRef(padded).slice(number * vectors, vectors),
                        options.codebooks.scaled ? scales(row, number) : 1);
    Sums &sums = parts[row];
    for (int64_t i = 0; i < columns; ++i) {
      double value = weights(row, i), error = value - decode(row, i);
      difference(row, i) = error;
      sums.largest = std::max(sums.largest, std::fabs(error));
      sums.squared += error * error;
      sums.norm += value * value;
    }
  });
  if (input.statistics) {
    Matrix<float> product(rows, columns);
    auto addEnergy = [&](MatrixRef<const float> values, double Sums::*sum) {
      multiply(1, values, false, input.statistics->getGram(), false, 0,
               product);
      forRows([&](int64_t row) {
        for (int64_t i = 0; i < columns; ++i)
          parts[row].*sum += double(values(row, i)) * product(row, i);
      });
    };
    addEnergy(difference, &Sums::output);
    addEnergy(weights, &Sums::outputNorm);
  }
  for (const Sums &sums : parts) {
    result.largestError = std::max(result.largestError, sums.largest);
    result.squaredError += sums.squared;
    result.squaredNorm += sums.norm;
    if (input.statistics) {
      result.outputError += std::max(sums.output, 0.0);
      result.outputNorm += std::max(sums.outputNorm, 0.0);
    }
  }
  if (options.codebooks.constant)
    return;
  std::vector<float> &all = result.codebooks->values;
  for (int64_t group = 0; group < groups; ++group)
    for (int64_t e = 0; e < entries; ++e)
      for (int64_t i = 0; i < dims; ++i)
        all.push_back(books[(group * dims + i) * entries + e]);
}

} // namespace

QuantizedWeight llmc::clusterWeight(const WeightSource &source, int64_t block,
                                    const CodebookOptions &options,
                                    const ClusterInput &input,
                                    MLIRContext *context) {
  int64_t dims = options.codebooks.dims, groupRows = options.codebooks.rows;
  QuantizedWeight result(
      {source.rows, source.columns / dims, block / dims, options.grid.bits},
      options.codebooks, options.grid);
  if (input.statistics)
    result.outputError = result.outputNorm = 0;
  int64_t chunk = std::max(rowsPerChunk / groupRows, int64_t(1)) * groupRows;
  for (int64_t first = 0; first < source.rows && result.finite; first += chunk)
    RowClusterer(source, first, std::min(chunk, source.rows - first), block,
                 options, input, result, context)
        .run();
  return result;
}
