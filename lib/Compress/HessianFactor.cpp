//===- HessianFactor.cpp - what columns of a weight mean to a loss --------===//

#include "HessianFactor.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"
#include <cmath>
#include <numeric>

using namespace mlir;
using namespace llmc;

FailureOr<DampedHessian> llmc::dampHessian(const InputStatistics &input,
                                           double damping) {
  int64_t columns = input.columns, live = 0;
  double sum = 0;
  for (int64_t i = 0; i < columns; ++i) {
    sum += input.getMeanSquare(i);
    live += input.getMeanSquare(i) != 0;
  }
  if (!std::isfinite(sum))
    return failure();
  double mean = live ? sum / live : 1;
  DampedHessian result{Matrix<float>(columns, columns), damping * mean};
  llvm::copy(input.gram, result.hessian.values.begin());
  for (int64_t i = 0; i < columns; ++i)
    result.hessian(i, i) +=
        result.damping + (input.getMeanSquare(i) ? 0 : mean);
  return result;
}

FailureOr<HessianFactor> llmc::factorHessian(const InputStatistics &input,
                                             double damping, bool descending,
                                             int64_t width) {
  FailureOr<DampedHessian> damped = dampHessian(input, damping);
  if (failed(damped))
    return failure();
  int64_t columns = input.columns;
  HessianFactor factor{std::move(*damped), {}, {}, {}};
  for (int64_t i = 0; i < columns; ++i)
    factor.dead.push_back(input.getMeanSquare(i) == 0);
  factor.order.resize(columns);
  std::iota(factor.order.begin(), factor.order.end(), 0);
  if (descending) {
    std::vector<float> sums(llvm::divideCeil(columns, width));
    for (int64_t i = 0; i < columns; ++i)
      sums[i / width] += input.getMeanSquare(i);
    llvm::sort(factor.order, [&](int64_t a, int64_t b) {
      float first = sums[a / width], second = sums[b / width];
      return first != second ? first > second : a < b;
    });
  }

  // With J, which reverses the order, and J H J = V^T V, U is J V^-T J: H is
  // not inverted, which in doubles costs digits and time.
  auto reversed = [&](int64_t i) { return factor.order[columns - 1 - i]; };
  Matrix<double> hessian(columns, columns), inverse(columns, columns);
  for (int64_t i = 0; i < columns; ++i) {
    for (int64_t j = 0; j < columns; ++j)
      hessian(i, j) = factor.hessian(reversed(i), reversed(j));
    inverse(i, i) = 1;
  }
  if (failed(factorCholesky(hessian)))
    return failure();
  solveUpper(hessian.ref(), /*transpose=*/true, inverse.ref());
  factor.upper = Matrix<float>(columns, columns);
  for (int64_t i = 0; i < columns; ++i)
    for (int64_t j = i; j < columns; ++j)
      factor.upper(i, j) = inverse(columns - 1 - i, columns - 1 - j);
  return factor;
}
