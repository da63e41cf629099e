//===- AttentionCollector.cpp - where queries look ------------------------===//

#include "AttentionCollector.h"
#include "Collector.h"
#include "mlir/IR/Threading.h"
#include <cmath>
#include <limits>

using namespace mlir;
using namespace llmc;

AttentionCollector::AttentionCollector(AttentionOp attention)
    : context(attention.getContext()), hasMask(bool(attention.getMask())),
      causal(attention.getCausal()), window(attention.getWindow()),
      scale(attention.getScale().convertToFloat()),
      softcap(attention.getSoftcap().convertToFloat()) {}

namespace {
constexpr float none = -std::numeric_limits<float>::infinity();

/// A mask that broadcasts to [batch, heads, queries, keys], as what is added.
class Mask {
public:
  explicit Mask(const HostTensor &tensor)
      : isBool(tensor.elementType.isInteger(1)) {
    if (isBool)
      bools = static_cast<const bool *>(tensor.data.get());
    else
      floats = asFloats(tensor, copy);
    int64_t stride = 1;
    for (auto [size, place] :
         llvm::zip(llvm::reverse(tensor.shape), llvm::reverse(strides))) {
      place = size == 1 ? 0 : stride;
      stride *= size;
    }
  }

  /// Adds it to the scores of a query.
  void addTo(MutableArrayRef<float> scores, int64_t batch, int64_t head,
             int64_t query) const {
    int64_t place = batch * strides[0] + head * strides[1] + query * strides[2];
    for (int64_t key = 0, end = scores.size(); key < end; ++key)
      if (!isBool)
        scores[key] += floats[place + key * strides[3]];
      else if (!bools[place + key * strides[3]])
        scores[key] = none;
  }

private:
  bool isBool;
  const bool *bools = nullptr;
  const float *floats = nullptr;
  std::vector<float> copy;
  std::array<int64_t, 4> strides{};
};
} // namespace

void AttentionCollector::normalize(MutableArrayRef<float> scores,
                                   int64_t position) const {
  if (window != 0)
    for (int64_t key = 0; key <= position - window; ++key)
      scores[key] = none;
  float largest = none, sum = 0;
  for (float score : scores)
    largest = std::max(largest, score);
  for (float &score : scores) {
    score = largest == none ? 0 : std::exp(score - largest);
    sum += score;
  }
  for (float &score : scores)
    score /= sum > 0 ? sum : 1;
}

void AttentionCollector::addRow(ArrayRef<float> probabilities, int64_t position,
                                int64_t head) {
  constexpr int64_t first = AttentionStatistics::numFirst,
                    width = AttentionStatistics::binWidth;
  int64_t bins = sums.getNumBins(), end = probabilities.size();
  double *rows = &mass[head * (first + 1) * bins];
  for (int64_t key = 0; key < end;) {
    int64_t bin = std::abs(position - key) / width;
    // The keys of this bin, or this one if it has a row of its own.
    int64_t last = key <= position ? position - bin * width
                                   : position + (bin + 1) * width - 1;
    last = key < first ? key : std::min(last, end - 1);
    double sum = 0;
    int64_t row = std::min(key, first);
    for (; key <= last; ++key)
      sum += probabilities[key];
    rows[row * bins + bin] += sum;
  }
}

void AttentionCollector::add(ArrayRef<HostTensor> operands) {
  const HostTensor &query = operands[0], &key = operands[1];
  int64_t batch = query.shape[0], heads = query.shape[1],
          length = query.shape[2], size = query.shape[3];
  if (length == 0 || key.shape[2] != length ||
      (sums.count && (length != sums.length || heads != sums.heads)))
    return;
  sums.heads = heads;
  sums.length = length;
  mass.resize(heads * (AttentionStatistics::numFirst + 1) * sums.getNumBins());
  std::vector<float> queryCopy, keyCopy;
  const float *queries = asFloats(query, queryCopy),
              *keys = asFloats(key, keyCopy);
  std::optional<Mask> mask;
  if (hasMask)
    mask.emplace(operands[2]);

  constexpr int64_t tile = 64;
  Matrix<float> scores(tile, length);
  int64_t perGroup = heads / key.shape[1];
  for (int64_t place = 0; place < batch * heads; ++place) {
    int64_t head = place % heads;
    MatrixRef<const float> q(queries + place * length * size, length, size),
        k(keys + place / perGroup * length * size, length, size);
    for (int64_t top = 0; top < length; top += tile) {
      int64_t rows = std::min(tile, length - top);
      int64_t columns = causal ? top + rows : length;
      multiply(scale, q.block(top, 0, rows, size), false,
               k.block(0, 0, columns, size), true, 0,
               scores.ref().block(0, 0, rows, columns));
      // What a causal mask leaves.
      auto getRow = [&](int64_t row) {
        return MutableArrayRef<float>(&scores(row, 0),
                                      causal ? top + row + 1 : length);
      };
      parallelFor(context, 0, rows, [&](size_t row) {
        MutableArrayRef<float> values = getRow(row);
        if (softcap != 0)
          for (float &score : values)
            score = softcap * std::tanh(score / softcap);
        if (mask)
          mask->addTo(values, place / heads, head, top + row);
        normalize(values, top + row);
      });
      for (int64_t row = 0; row < rows; ++row)
        addRow(getRow(row), top + row, head);
    }
  }
  sums.count += batch * length;
}

std::optional<AttentionStatistics> AttentionCollector::getMeans() const {
  if (sums.count == 0)
    return std::nullopt;
  AttentionStatistics means = sums;
  for (double sum : mass)
    means.mass.push_back(sum / means.count);
  return means;
}
