//===- Matrix.cpp - linear algebra on the host ----------------------------===//
//
// LAPACK's own interface is Fortran's: columns lie one after the other, so it
// sees each of our matrices transposed, its upper triangle as the lower one.
//
//===----------------------------------------------------------------------===//

#include "llmc/Calibrate/Matrix.h"
#include <algorithm>
#include <cassert>
#include <cblas.h>
#include <cmath>

using namespace llmc;
using llvm::failure;
using llvm::FailureOr;
using llvm::LogicalResult;
using llvm::success;

extern "C" {
void spotrf_(const char *uplo, const int *n, float *a, const int *lda,
             int *info);
void dpotrf_(const char *uplo, const int *n, double *a, const int *lda,
             int *info);
void spotri_(const char *uplo, const int *n, float *a, const int *lda,
             int *info);
void dpotri_(const char *uplo, const int *n, double *a, const int *lda,
             int *info);
void dsyevd_(const char *jobz, const char *uplo, const int *n, double *a,
             const int *lda, double *w, double *work, const int *lwork,
             int *iwork, const int *liwork, int *info);
void dgesdd_(const char *jobz, const int *m, const int *n, double *a,
             const int *lda, double *s, double *u, const int *ldu, double *vt,
             const int *ldvt, double *work, const int *lwork, int *iwork,
             int *info);
}

template <typename T>
static void multiplyWith(T alpha, MatrixRef<const T> a, bool transposeA,
                         MatrixRef<const T> b, bool transposeB, T beta,
                         MatrixRef<T> c) {
  int64_t inner = transposeA ? a.rows : a.columns;
  assert((transposeA ? a.columns : a.rows) == c.rows &&
         (transposeB ? b.columns : b.rows) == inner &&
         (transposeB ? b.rows : b.columns) == c.columns &&
         "the sizes of a product");
  auto operation = [](bool transpose) {
    return transpose ? CblasTrans : CblasNoTrans;
  };
  auto gemm = [] {
    if constexpr (std::is_same_v<T, float>)
      return cblas_sgemm;
    else
      return cblas_dgemm;
  }();
  gemm(CblasRowMajor, operation(transposeA), operation(transposeB), c.rows,
       c.columns, inner, alpha, a.data, a.stride, b.data, b.stride, beta,
       c.data, c.stride);
}

void llmc::multiply(float alpha, MatrixRef<const float> a, bool transposeA,
                    MatrixRef<const float> b, bool transposeB, float beta,
                    MatrixRef<float> c) {
  multiplyWith(alpha, a, transposeA, b, transposeB, beta, c);
}

void llmc::multiply(double alpha, MatrixRef<const double> a, bool transposeA,
                    MatrixRef<const double> b, bool transposeB, double beta,
                    MatrixRef<double> c) {
  multiplyWith(alpha, a, transposeA, b, transposeB, beta, c);
}

void llmc::addGram(MatrixRef<const float> x, MatrixRef<float> gram) {
  assert(gram.rows == x.columns && gram.columns == x.columns);
  cblas_ssyrk(CblasRowMajor, CblasUpper, CblasTrans, x.columns, x.rows, 1,
              x.data, x.stride, 1, gram.data, gram.stride);
}

template <typename T> static void mirror(MatrixRef<T> matrix) {
  // In tiles, so that neither side is read a cache line for each number.
  constexpr int64_t tile = 32;
  for (int64_t top = 0; top < matrix.rows; top += tile)
    for (int64_t left = 0; left <= top; left += tile)
      for (int64_t row = top; row < std::min(top + tile, matrix.rows); ++row)
        for (int64_t column = left; column < std::min(left + tile, row);
             ++column)
          matrix(row, column) = matrix(column, row);
}

void llmc::mirrorUpper(MatrixRef<float> matrix) { mirror(matrix); }
void llmc::mirrorUpper(MatrixRef<double> matrix) { mirror(matrix); }

template <typename T> static LogicalResult cholesky(MatrixRef<T> a) {
  assert(a.rows == a.columns);
  int n = a.rows, stride = a.stride, info = 0;
  if (n == 0)
    return success();
  // The upper triangle of rows is the lower one of columns.
  if constexpr (std::is_same_v<T, float>)
    spotrf_("L", &n, a.data, &stride, &info);
  else
    dpotrf_("L", &n, a.data, &stride, &info);
  return success(info == 0);
}

template <typename T> static LogicalResult factor(MatrixRef<T> a) {
  if (llvm::failed(cholesky(a)))
    return failure();
  for (int64_t row = 1; row < a.rows; ++row)
    std::fill_n(a.data + row * a.stride, row, T(0));
  return success();
}

LogicalResult llmc::factorCholesky(MatrixRef<float> a) { return factor(a); }
LogicalResult llmc::factorCholesky(MatrixRef<double> a) { return factor(a); }

template <typename T> static LogicalResult invert(MatrixRef<T> a) {
  if (llvm::failed(cholesky(a)))
    return failure();
  int n = a.rows, stride = a.stride, info = 0;
  if (n == 0)
    return success();
  if constexpr (std::is_same_v<T, float>)
    spotri_("L", &n, a.data, &stride, &info);
  else
    dpotri_("L", &n, a.data, &stride, &info);
  mirror(a);
  return success(info == 0);
}

LogicalResult llmc::invertPositive(MatrixRef<float> a) { return invert(a); }
LogicalResult llmc::invertPositive(MatrixRef<double> a) { return invert(a); }

void llmc::solveUpper(MatrixRef<const float> u, bool transpose,
                      MatrixRef<float> b) {
  assert(u.rows == u.columns && b.columns == u.rows);
  cblas_strsm(CblasRowMajor, CblasRight, CblasUpper,
              transpose ? CblasTrans : CblasNoTrans, CblasNonUnit, b.rows,
              b.columns, 1, u.data, u.stride, b.data, b.stride);
}

void llmc::solveUpper(MatrixRef<const double> u, bool transpose,
                      MatrixRef<double> b) {
  assert(u.rows == u.columns && b.columns == u.rows);
  cblas_dtrsm(CblasRowMajor, CblasRight, CblasUpper,
              transpose ? CblasTrans : CblasNoTrans, CblasNonUnit, b.rows,
              b.columns, 1, u.data, u.stride, b.data, b.stride);
}

/// LAPACK loops forever over some matrices with infinities.
static bool isFinite(MatrixRef<const double> a) {
  for (int64_t row = 0; row < a.rows; ++row)
    for (int64_t column = 0; column < a.columns; ++column)
      if (!(std::abs(a(row, column)) < HUGE_VAL))
        return false;
  return true;
}

FailureOr<std::vector<double>> llmc::findEigenvectors(MatrixRef<double> a) {
  assert(a.rows == a.columns);
  std::vector<double> values(a.rows);
  int n = a.rows, stride = a.stride, info = 0, size = -1, intSize = -1,
      bestIntSize = 0;
  if (n == 0)
    return values;
  if (!isFinite(a))
    return failure();
  double bestSize = 0;
  dsyevd_("V", "L", &n, a.data, &stride, values.data(), &bestSize, &size,
          &bestIntSize, &intSize, &info);
  std::vector<double> work(size = int(bestSize));
  std::vector<int> intWork(intSize = bestIntSize);
  dsyevd_("V", "L", &n, a.data, &stride, values.data(), work.data(), &size,
          intWork.data(), &intSize, &info);
  if (info != 0)
    return failure();
  return values;
}

FailureOr<SingularValues> llmc::findSingularValues(MatrixRef<const double> a) {
  int64_t rank = std::min(a.rows, a.columns);
  SingularValues result{Matrix<double>(a.rows, rank),
                        Matrix<double>(rank, a.columns),
                        std::vector<double>(rank)};
  if (rank == 0)
    return result;
  if (!isFinite(a))
    return failure();
  Matrix<double> copy(a.rows, a.columns);
  for (int64_t row = 0; row < a.rows; ++row)
    std::copy_n(a.data + row * a.stride, a.columns,
                copy.values.data() + row * a.columns);
  // Of the transpose, which LAPACK sees, U and V change places.
  int m = a.columns, n = a.rows, k = rank, info = 0, size = -1;
  std::vector<int> intWork(8 * rank);
  double bestSize = 0;
  auto run = [&](double *work) {
    dgesdd_("S", &m, &n, copy.values.data(), &m, result.values.data(),
            result.vt.values.data(), &m, result.u.values.data(), &k, work,
            &size, intWork.data(), &info);
  };
  run(&bestSize);
  std::vector<double> work(size = int(bestSize));
  run(work.data());
  if (info != 0)
    return failure();
  return result;
}
