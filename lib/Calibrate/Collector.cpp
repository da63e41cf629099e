//===- Collector.cpp - statistics of rows as they come --------------------===//

#include "Collector.h"
#include "llmc/Weights/FloatFormat.h"
#include <cmath>

using namespace mlir;
using namespace llmc;

const float *llmc::asFloats(const HostTensor &tensor,
                            std::vector<float> &copy) {
  FloatFormat format = *getFloatFormat(tensor.elementType);
  if (format == FloatFormat::F32)
    return static_cast<const float *>(tensor.data.get());
  const char *data = static_cast<const char *>(tensor.data.get());
  for (int64_t i = 0, end = tensor.getNumElements(); i < end; ++i)
    copy.push_back(loadFloat(data, format, i));
  return copy.data();
}

void InputCollector::add(const HostTensor &tensor) {
  std::vector<float> copy;
  const float *values = asFloats(tensor, copy);
  int64_t rows = tensor.getNumElements() / columns;
  addGram({values, rows, columns}, gram);
  for (int64_t row = 0; row < rows; ++row, values += columns)
    for (int64_t j = 0; j < columns; ++j) {
      float magnitude = std::abs(values[j]);
      sum[j] += values[j];
      absSum[j] += magnitude;
      absMax[j] = magnitude > absMax[j] ? magnitude : absMax[j];
    }
  count += rows;
}

Statistics::Input InputCollector::getMeans() const {
  std::vector<float> mean, absMean;
  double scale = 1.0 / std::max<int64_t>(count, 1);
  for (int64_t j = 0; j < columns; ++j) {
    mean.push_back(sum[j] * scale);
    absMean.push_back(absSum[j] * scale);
  }
  Matrix<float> means = gram;
  for (float &value : means.values)
    value *= scale;
  mirrorUpper(means.ref());
  return makeInputStatistics(count, std::move(mean), absMax, std::move(absMean),
                             std::move(means.values));
}

void ProductCollector::addDifference(const HostTensor &a, const HostTensor &b,
                                     const HostTensor &c) {
  auto getRows = [](const HostTensor &tensor, int64_t size) -> int64_t {
    bool fits = getFloatFormat(tensor.elementType) && !tensor.shape.empty() &&
                tensor.shape.back() == size && size > 0;
    return fits ? tensor.getNumElements() / size : -1;
  };
  int64_t rows = getRows(c, sum.columns);
  fits &=
      rows >= 0 && getRows(a, sum.rows) == rows && getRows(b, sum.rows) == rows;
  if (!fits)
    return;
  std::vector<float> copyA, copyB, copyC;
  const float *first = asFloats(a, copyA), *second = asFloats(b, copyB);
  Matrix<float> difference(rows, sum.rows);
  for (int64_t i = 0, end = difference.values.size(); i < end; ++i)
    difference.values[i] = first[i] - second[i];
  multiply(1, difference.ref(), true, {asFloats(c, copyC), rows, sum.columns},
           false, 1, sum.ref());
  count += rows;
}

std::optional<Matrix<float>> ProductCollector::getMean() const {
  if (!fits || count == 0)
    return std::nullopt;
  Matrix<float> mean = sum;
  for (float &value : mean.values)
    value /= count;
  return mean;
}

double llmc::sumCosines(const HostTensor &x, const HostTensor &y) {
  int64_t columns = x.shape.back();
  int64_t rows = columns ? x.getNumElements() / columns : 0;
  const float *a = static_cast<const float *>(x.data.get());
  const float *b = static_cast<const float *>(y.data.get());
  double total = 0;
  for (int64_t row = 0; row < rows; ++row, a += columns, b += columns) {
    double product = 0, squaresA = 0, squaresB = 0;
    for (int64_t j = 0; j < columns; ++j) {
      product += double(a[j]) * b[j];
      squaresA += double(a[j]) * a[j];
      squaresB += double(b[j]) * b[j];
    }
    double norm = std::sqrt(squaresA * squaresB);
    total += norm > 0 ? product / norm : 1;
  }
  return total;
}

void llmc::countIds(const HostTensor &ids, MutableArrayRef<int64_t> counts) {
  bool isLong = ids.elementType.isInteger(64);
  for (int64_t i = 0, end = ids.getNumElements(); i < end; ++i) {
    int64_t id = isLong ? static_cast<const int64_t *>(ids.data.get())[i]
                        : static_cast<const int32_t *>(ids.data.get())[i];
    if (id < 0)
      id += counts.size();
    if (id >= 0 && id < int64_t(counts.size()))
      ++counts[id];
  }
}
