//===- ErrorFeedback.cpp - columns that make good for others --------------===//

#include "ErrorFeedback.h"
#include "VectorClones.h"
#include "mlir/IR/Threading.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace llmc;

/// Columns whose errors reach the columns behind them at once, and rows of one
/// piece of work of a thread.
static constexpr int64_t batch = 128, rowsPerTile = 16;

/// Rounds some columns of one row. `weights` and `errors` have a number for
/// each of them; row i of `factor` begins at the diagonal's row i.
LLMC_VECTOR_CLONES
static void roundColumns(int64_t row, int64_t first, int64_t width,
                         const MatrixRef<const float> &factor, float *weights,
                         float *errors, ColumnRounder round) {
  float rounded[maxFeedbackWidth];
  int64_t count = factor.columns;
  for (int64_t begin = 0; begin < count; begin += width) {
    round(row, first + begin, weights + begin, rounded);
    for (int64_t i = begin; i < begin + width; ++i) {
      const float *factors = &factor(i, i);
      float error = (weights[i] - rounded[i - begin]) / factors[0];
      for (int64_t j = 1; j < count - i; ++j)
        weights[i + j] -= error * factors[j];
      errors[i] = error;
      weights[i] = rounded[i - begin];
    }
  }
}

void llmc::forEachRow(MLIRContext *context, int64_t rows,
                      llvm::function_ref<void(int64_t)> work) {
  parallelFor(context, 0, llvm::divideCeil(rows, rowsPerTile),
              [&](size_t tile) {
                int64_t begin = tile * rowsPerTile;
                int64_t end = std::min(begin + rowsPerTile, rows);
                for (int64_t row = begin; row < end; ++row)
                  work(row);
              });
}

void llmc::roundWithFeedback(MatrixRef<float> weights,
                             const HessianFactor &factor, int64_t width,
                             ColumnRounder round, MLIRContext *context) {
  int64_t rows = weights.rows, columns = weights.columns;
  Matrix<float> errors(rows, batch);
  MatrixRef<const float> upper = factor.upper;
  for (int64_t begin = 0; begin < columns; begin += batch) {
    int64_t count = std::min(batch, columns - begin), end = begin + count;
    MatrixRef<const float> diagonal = upper.block(begin, begin, count, count);
    forEachRow(context, rows, [&](int64_t row) {
      roundColumns(row, begin, width, diagonal, &weights(row, begin),
                   &errors(row, 0), round);
    });
    if (end < columns)
      multiply(-1.0f, errors.ref().block(0, 0, rows, count), false,
               upper.block(begin, end, count, columns - end), false, 1.0f,
               weights.block(0, end, rows, columns - end));
  }
}
