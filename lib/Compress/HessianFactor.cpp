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
  if (live)
    factor.mean = sum / live;
  factor.damping = damping * factor.mean;

  factor.order.resize(columns);
  std::iota(factor.order.begin(), factor.order.end(), 0);
  if (descending)
    llvm::sort(factor.order, [&](int64_t a, int64_t b) {
      float first = input.getMeanSquare(a), second = input.getMeanSquare(b);
      return first != second ? first > second : a < b;
    });

  // With J, which reverses the order, and J H J = V^T V, U is J V^-T J: H is
  // not inverted, which in doubles costs digits and time.
  auto reversed = [&](int64_t i) { return factor.order[columns - 1 - i]; };
  Matrix<double> hessian(columns, columns), inverse(columns, columns);
  for (int64_t i = 0; i < columns; ++i) {
    const float *row = input.gram.data() + reversed(i) * columns;
    for (int64_t j = 0; j < columns; ++j)
      hessian(i, j) = row[reversed(j)];
    if (factor.dead[reversed(i)])
      hessian(i, i) = factor.mean;
    hessian(i, i) += factor.damping;
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
