//===- SparsePattern.cpp - which weights are pruned together --------------===//

#include "SparsePattern.h"
#include "mlir/IR/Threading.h"
#include <algorithm>
#include <numeric>

using namespace mlir;
using namespace llmc;

llvm::Expected<SparsePattern> SparsePattern::parse(StringRef text) {
  SparsePattern pattern;
  if (text.empty())
    return pattern;
  StringRef rest = text;
  bool isBlock = rest.consume_front("block:");
  auto [first, second] = rest.split(isBlock ? 'x' : ':');
  int64_t a, b;
  bool malformed = first.getAsInteger(10, a) || second.getAsInteger(10, b);
  if (!malformed && isBlock && a > 0 && b > 0 && a <= 4096 && b <= 4096) {
    pattern.tileRows = a;
    pattern.tileColumns = b;
    return pattern;
  }
  // What llmc.densify stores.
  if (!malformed && !isBlock && a > 0 && a < b && b <= 16) {
    pattern.n = a;
    pattern.m = b;
    return pattern;
  }
  return llvm::createStringError(
      "pattern is '" + text +
      "'; empty, n:m with 0 < n < m <= 16, and block:RxC with sides up to 4096 "
      "are defined");
}

std::string SparsePattern::str() const {
  if (isNM())
    return std::to_string(n) + ":" + std::to_string(m);
  if (isBlock())
    return "block:" + std::to_string(tileRows) + "x" +
           std::to_string(tileColumns);
  return "unstructured";
}

std::string SparsePattern::getObstacle(int64_t rows, int64_t columns) const {
  if (isNM() && columns % m != 0)
    return "rows of " + std::to_string(columns) +
           " weights are not whole groups of " + std::to_string(m);
  if (rows % tileRows != 0 || columns % tileColumns != 0)
    return std::to_string(rows) + " x " + std::to_string(columns) +
           " weights are not whole tiles of " + std::to_string(tileRows) +
           " x " + std::to_string(tileColumns);
  return {};
}

void llmc::selectLowest(ArrayRef<float> scores, int64_t number,
                        llvm::function_ref<void(int64_t)> prune) {
  if (number <= 0)
    return;
  // Groups of n:m are many, and small.
  SmallVector<float, 16> copy(scores);
  std::nth_element(copy.begin(), copy.begin() + (number - 1), copy.end());
  float threshold = copy[number - 1];
  int64_t ties = number;
  for (float score : scores)
    ties -= score < threshold;
  for (auto [i, score] : llvm::enumerate(scores))
    if (score < threshold || (score == threshold && ties-- > 0))
      prune(i);
}

Matrix<float> llmc::sumTiles(MatrixRef<const float> scores,
                             const SparsePattern &pattern) {
  int64_t height = pattern.tileRows, width = pattern.tileColumns;
  Matrix<float> sums(scores.rows / height, scores.columns / width);
  for (int64_t row = 0; row < scores.rows; ++row)
    for (int64_t column = 0; column < scores.columns; ++column) {
      float score = scores(row, column);
      sums(row / height, column / width) +=
          pattern.isBlock() ? score * score : score;
    }
  return sums;
}

void llmc::zeroTile(MatrixRef<float> weights, const SparsePattern &pattern,
                    int64_t tile) {
  int64_t height = pattern.tileRows, width = pattern.tileColumns,
          inRow = weights.columns / width;
  for (int64_t row = 0; row < height; ++row)
    std::fill_n(&weights(tile / inRow * height + row, tile % inRow * width),
                width, 0.0f);
}

static void pruneGroups(MatrixRef<float> weights, MatrixRef<const float> scores,
                        const SparsePattern &pattern, MLIRContext *context) {
  parallelFor(context, 0, weights.rows, [&](size_t row) {
    for (int64_t begin = 0; begin < weights.columns; begin += pattern.m)
      selectLowest(ArrayRef(&scores(row, begin), pattern.m),
                   pattern.m - pattern.n,
                   [&](int64_t i) { weights(row, begin + i) = 0; });
  });
}

void llmc::pruneLowest(MatrixRef<float> weights, MatrixRef<const float> scores,
                       const SparsePattern &pattern, PruneScope scope,
                       double sparsity, MLIRContext *context) {
  if (pattern.isNM())
    return pruneGroups(weights, scores, pattern, context);
  assert(scope != PruneScope::Global && "has a threshold of its own");
  assert(scores.stride == scores.columns && "one row after the other");
  Matrix<float> tiles;
  if (pattern.isBlock())
    tiles = sumTiles(scores, pattern);
  MatrixRef<const float> sums = scores;
  if (pattern.isBlock())
    sums = tiles.ref();
  if (scope == PruneScope::Layer)
    return selectLowest(
        ArrayRef(sums.data, sums.rows * sums.columns),
        int64_t(sparsity * (sums.rows * sums.columns)),
        [&](int64_t tile) { zeroTile(weights, pattern, tile); });
  parallelFor(context, 0, sums.rows, [&](size_t row) {
    selectLowest(ArrayRef(&sums(row, 0), sums.columns),
                 int64_t(sparsity * sums.columns), [&](int64_t i) {
                   zeroTile(weights, pattern, int64_t(row) * sums.columns + i);
                 });
  });
}

//===----------------------------------------------------------------------===//
// ThresholdSearch
//===----------------------------------------------------------------------===//

// Floats that are not negative are in the order of their bits: the first pass
// counts the upper half of them, the second the lower half of those whose upper
// half is the threshold's.

void ThresholdSearch::add(ArrayRef<float> scores) {
  for (float score : scores) {
    uint32_t bits = llvm::bit_cast<uint32_t>(score);
    if (!isSecond)
      ++counts[bits >> 16];
    else if (bits >> 16 == threshold >> 16)
      ++counts[bits & 0xffff];
  }
  if (!isSecond)
    total += scores.size();
}

void ThresholdSearch::next(double sparsity) {
  int64_t left = isSecond ? ties : int64_t(sparsity * total);
  uint32_t half = 0;
  while (half < 0xffff && counts[half] < left)
    left -= counts[half++];
  threshold = isSecond ? threshold | half : half << 16;
  ties = left;
  std::fill(counts.begin(), counts.end(), 0);
  isSecond = true;
}

bool ThresholdSearch::isLow(float score) {
  uint32_t bits = llvm::bit_cast<uint32_t>(score);
  return bits < threshold || (bits == threshold && ties-- > 0);
}
