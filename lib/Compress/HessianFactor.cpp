//===- HessianFactor.cpp - what columns of a weight mean to a loss --------===//

#include "HessianFactor.h"
#include "llvm/ADT/STLExtras.h"
#include <cmath>
#include <numeric>

using namespace mlir;
using namespace llmc;

FailureOr<HessianFactor> llmc::factorHessian(const InputStatistics &input,
                                             double damping, bool descending) {
  int64_t columns = input.columns, live = 0;
  HessianFactor factor;
  factor.dead.resize(columns);
  double sum = 0;
  for (int64_t i = 0; i < columns; ++i) {
    double square = input.getMeanSquare(i);
    factor.dead[i] = square == 0;
    live += square != 0;
    sum += square;
  }
  if (!std::isfinite(sum))
    return failure();
  double mean = live ? sum / live : 1;

  factor.order.resize(columns);
  std::iota(factor.order.begin(), factor.order.end(), 0);
  if (descending)
    llvm::sort(factor.order, [&](int64_t a, int64_t b) {
      float first = input.getMeanSquare(a), second = input.getMeanSquare(b);
      return first != second ? first > second : a < b;
    });

  // In doubles: inverting squares what rounding does to the smallest numbers.
  Matrix<double> hessian(columns, columns);
  for (int64_t i = 0; i < columns; ++i) {
    const float *row = input.gram.data() + factor.order[i] * columns;
    for (int64_t j = 0; j < columns; ++j)
      hessian(i, j) = row[factor.order[j]];
    if (factor.dead[factor.order[i]])
      hessian(i, i) = mean;
    hessian(i, i) += damping * mean;
  }
  if (failed(invertPositive(hessian)) || failed(factorCholesky(hessian)))
    return failure();
  factor.upper = Matrix<float>(columns, columns);
  std::copy(hessian.values.begin(), hessian.values.end(),
            factor.upper.values.begin());
  return factor;
}
