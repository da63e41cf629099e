//===- HessianFactor.h - what columns of a weight mean to a loss *- C++ -*-===//
//
// GPTQ (arXiv 2210.17323) and SparseGPT (arXiv 2301.00774) change one column of
// a weight after the other and let the columns behind it make up for the
// error. How is in a Cholesky factor of the inverse of the Gram matrix of what
// the linear reads, which the weights of one input share.
//
//===----------------------------------------------------------------------===//

#ifndef LLMC_LIB_COMPRESS_HESSIANFACTOR_H
#define LLMC_LIB_COMPRESS_HESSIANFACTOR_H

#include "llmc/Calibrate/Statistics.h"

namespace llmc {

/// H = G + damping * mean(diag G) * I for the Gram matrix G of `input`, the
/// mean over columns that were not 0 in every row; the diagonal of those that
/// were is the mean first.
struct DampedHessian {
  /// H, its columns in the order of the weight.
  Matrix<float> hessian;
  /// damping * mean(diag G).
  double damping = 0;
};

/// Fails when G is not finite.
mlir::FailureOr<DampedHessian> dampHessian(const InputStatistics &input,
                                           double damping);

struct HessianFactor : DampedHessian {
  /// The upper triangular U with H^-1 = U^T U, its lower triangle 0. Column i
  /// of the weight changed by e U(i, i) is best made up for by columns j > i
  /// that change by e U(i, j).
  Matrix<float> upper;
  /// The column of the weight that row and column i of U are of.
  std::vector<int64_t> order;
  /// Of each column of the weight, whether it was 0 in every row that was seen,
  /// so that its weights may as well be 0.
  std::vector<bool> dead;
};

/// Factors the H of dampHessian. Columns are in the order of the weight, or by
/// descending diagonal of G if `descending` (GPTQ's act-order), each `width`
/// successive ones together, by its sum over them. Fails when H is not positive
/// definite, which more damping may mend, or not finite.
mlir::FailureOr<HessianFactor> factorHessian(const InputStatistics &input,
                                             double damping, bool descending,
                                             int64_t width = 1);

} // namespace llmc

#endif // LLMC_LIB_COMPRESS_HESSIANFACTOR_H
