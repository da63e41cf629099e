//===- Matrix.h - linear algebra on the host --------------------*- C++ -*-===//
//
// What calibration and compression need of BLAS and LAPACK, on row-major
// matrices. Each function uses all threads of the BLAS library; call them from
// one thread at a time.
//
//===----------------------------------------------------------------------===//

#ifndef LLMC_CALIBRATE_MATRIX_H
#define LLMC_CALIBRATE_MATRIX_H

#include "mlir/Support/LLVM.h"
#include "llvm/Support/LogicalResult.h"
#include <cstdint>
#include <type_traits>
#include <vector>

namespace llmc {

/// Rows of numbers in memory; row i begins at `data + i * stride`.
template <typename T> struct MatrixRef {
  T *data = nullptr;
  int64_t rows = 0, columns = 0, stride = 0;

  MatrixRef() = default;
  MatrixRef(T *data, int64_t rows, int64_t columns)
      : MatrixRef(data, rows, columns, columns) {}
  MatrixRef(T *data, int64_t rows, int64_t columns, int64_t stride)
      : data(data), rows(rows), columns(columns), stride(stride) {}
  /// A matrix that may be written is one that may be read.
  template <typename U, typename = std::enable_if_t<std::is_same_v<T, const U>>>
  MatrixRef(MatrixRef<U> other)
      : MatrixRef(other.data, other.rows, other.columns, other.stride) {}

  T &operator()(int64_t row, int64_t column) const {
    return data[row * stride + column];
  }
  /// `numRows` x `numColumns` numbers from (row, column) on.
  MatrixRef block(int64_t row, int64_t column, int64_t numRows,
                  int64_t numColumns) const {
    return {data + row * stride + column, numRows, numColumns, stride};
  }
};

/// A matrix that owns its numbers, which are 0 at first.
template <typename T> class Matrix {
public:
  Matrix() = default;
  Matrix(int64_t rows, int64_t columns)
      : rows(rows), columns(columns), values(rows * columns) {}

  operator MatrixRef<T>() { return ref(); }
  operator MatrixRef<const T>() const { return ref(); }
  MatrixRef<T> ref() { return {values.data(), rows, columns}; }
  MatrixRef<const T> ref() const { return {values.data(), rows, columns}; }
  T &operator()(int64_t row, int64_t column) {
    return values[row * columns + column];
  }
  T operator()(int64_t row, int64_t column) const {
    return values[row * columns + column];
  }

  int64_t rows = 0, columns = 0;
  std::vector<T> values;
};

/// c = alpha op(a) op(b) + beta c, where op transposes if asked to.
void multiply(float alpha, MatrixRef<const float> a, bool transposeA,
              MatrixRef<const float> b, bool transposeB, float beta,
              MatrixRef<float> c);
void multiply(double alpha, MatrixRef<const double> a, bool transposeA,
              MatrixRef<const double> b, bool transposeB, double beta,
              MatrixRef<double> c);

/// Adds x^T x to the upper triangle of `gram`, [x.columns, x.columns].
void addGram(MatrixRef<const float> x, MatrixRef<float> gram);

/// Makes a matrix symmetric by copying its upper triangle to the lower one.
void mirrorUpper(MatrixRef<float> matrix);
void mirrorUpper(MatrixRef<double> matrix);

/// Replaces a symmetric positive definite matrix by the upper triangular U with
/// a = U^T U, its lower triangle 0 (LAPACK potrf). Fails, and leaves `a` worth
/// nothing, when it is not positive definite.
llvm::LogicalResult factorCholesky(MatrixRef<float> a);
llvm::LogicalResult factorCholesky(MatrixRef<double> a);

/// Replaces a symmetric positive definite matrix by its inverse (potri). Fails
/// as factorCholesky does.
llvm::LogicalResult invertPositive(MatrixRef<float> a);
llvm::LogicalResult invertPositive(MatrixRef<double> a);

/// Replaces `b` by b U^-1, or b U^-T if `transpose`, for an upper triangular U
/// (trsm).
void solveUpper(MatrixRef<const float> u, bool transpose, MatrixRef<float> b);
void solveUpper(MatrixRef<const double> u, bool transpose, MatrixRef<double> b);

/// The eigenvalues of a symmetric matrix, ascending, and in its place its
/// orthonormal eigenvectors, one a row (syevd). Fails when the iteration does
/// not converge, as with numbers that are not finite.
llvm::FailureOr<std::vector<double>> findEigenvectors(MatrixRef<double> a);

/// a = U diag(values) V^T with the k = min(rows, columns) values descending;
/// `u` is [rows, k], `vt` is [k, columns].
struct SingularValues {
  Matrix<double> u, vt;
  std::vector<double> values;
};

/// Fails as findEigenvectors does (gesdd).
llvm::FailureOr<SingularValues> findSingularValues(MatrixRef<const double> a);

} // namespace llmc

#endif // LLMC_CALIBRATE_MATRIX_H
