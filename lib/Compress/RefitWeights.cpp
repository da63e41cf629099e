//===- RefitWeights.cpp - the best values of a pruned weight --------------===//

#include "RefitWeights.h"
#include "mlir/IR/Threading.h"

using namespace mlir;
using namespace llmc;

void llmc::refitWeights(MatrixRef<float> weights,
                        MatrixRef<const float> original,
                        MatrixRef<const float> hessian, int64_t rounds,
                        MLIRContext *context) {
  int64_t rows = weights.rows, columns = weights.columns;
  Matrix<float> residuals(rows, columns), direction(rows, columns),
      product(rows, columns);
  std::vector<float> inverse(columns);
  for (int64_t j = 0; j < columns; ++j)
    inverse[j] = 1 / hessian(j, j);
  std::vector<double> norms(rows);

  // What one round makes of the residuals: their preconditioned norms, and the
  // next direction of each row.
  auto turn = [&](int64_t row, bool isFirst) {
    double norm = 0;
    float *r = &residuals(row, 0), *p = &direction(row, 0);
    for (int64_t j = 0; j < columns; ++j)
      norm += double(r[j]) * r[j] * inverse[j];
    float ratio = isFirst || norms[row] == 0 ? 0 : norm / norms[row];
    norms[row] = norm;
    for (int64_t j = 0; j < columns; ++j)
      p[j] = r[j] * inverse[j] + ratio * p[j];
  };

  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j)
      direction(i, j) = original(i, j) - weights(i, j);
  multiply(1, direction.ref(), false, hessian, false, 0, residuals.ref());
  parallelFor(context, 0, rows, [&](size_t row) {
    for (int64_t j = 0; j < columns; ++j)
      if (weights(row, j) == 0)
        residuals(row, j) = 0;
    turn(row, /*isFirst=*/true);
  });
  for (int64_t round = 0; round < rounds; ++round) {
    multiply(1, direction.ref(), false, hessian, false, 0, product.ref());
    parallelFor(context, 0, rows, [&](size_t row) {
      float *w = &weights(row, 0), *r = &residuals(row, 0),
            *p = &direction(row, 0), *q = &product(row, 0);
      double curvature = 0;
      for (int64_t j = 0; j < columns; ++j)
        curvature += double(p[j]) * q[j];
      float step = curvature > 0 ? norms[row] / curvature : 0;
      // Weights that are not in the row keep a residual and a direction of 0.
      for (int64_t j = 0; j < columns; ++j) {
        float change = w[j] == 0 ? 0 : step;
        w[j] += change * p[j];
        r[j] -= change * q[j];
      }
      turn(row, /*isFirst=*/false);
    });
  }
}
