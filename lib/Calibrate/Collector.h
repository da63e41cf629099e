//===- Collector.h - statistics of rows as they come ------------*- C++ -*-===//

#ifndef LLMC_LIB_CALIBRATE_COLLECTOR_H
#define LLMC_LIB_CALIBRATE_COLLECTOR_H

#include "llmc/Calibrate/Executor.h"
#include "llmc/Calibrate/Statistics.h"
#include <optional>

namespace llmc {

/// The values of a tensor of floats as f32; `copy` holds them if they are not.
const float *asFloats(const HostTensor &tensor, std::vector<float> &copy);

/// Adds up what InputStatistics are means of.
class InputCollector {
public:
  explicit InputCollector(int64_t columns)
      : columns(columns), gram(columns, columns), sum(columns), absSum(columns),
        absMax(columns) {}

  /// Adds the rows of `tensor`, floats of [..., columns].
  void add(const HostTensor &tensor);

  /// The means of what was added so far.
  Statistics::Input getMeans() const;

private:
  int64_t columns, count = 0;
  Matrix<float> gram;
  std::vector<double> sum, absSum;
  std::vector<float> absMax;
};

/// The mean over rows of (a - b) c^T.
class ProductCollector {
public:
  /// `a` and `b` have `rows` numbers in each of their rows, `c` `columns`.
  ProductCollector(int64_t rows, int64_t columns) : sum(rows, columns) {}

  /// Adds the rows of three tensors of floats. From the first ones on that do
  /// not have as many rows of these sizes there is no mean.
  void addDifference(const HostTensor &a, const HostTensor &b,
                     const HostTensor &c);
  std::optional<Matrix<float>> getMean() const;

private:
  Matrix<float> sum;
  int64_t count = 0;
  bool fits = true;
};

/// The sum of cos(x, y) over the rows of two tensors of one shape, in f32.
double sumCosines(const HostTensor &x, const HostTensor &y);

/// Adds how often each id occurs; those outside of `counts` are left out.
void countIds(const HostTensor &ids, llvm::MutableArrayRef<int64_t> counts);

} // namespace llmc

#endif // LLMC_LIB_CALIBRATE_COLLECTOR_H
