//===- Rotation.cpp - orthogonal matrices ---------------------------------===//

#include "Rotation.h"
#include "llvm/ADT/STLExtras.h"
#include <cmath>

using namespace mlir;
using namespace llmc;

Matrix<float> llmc::product(MatrixRef<const float> a, bool transposeA,
                            MatrixRef<const float> b, bool transposeB) {
  Matrix<float> result(transposeA ? a.columns : a.rows,
                       transposeB ? b.rows : b.columns);
  multiply(1, a, transposeA, b, transposeB, 0, result);
  return result;
}

static bool isPrime(int64_t number) {
  for (int64_t divisor = 2; divisor * divisor <= number; ++divisor)
    if (number % divisor == 0)
      return false;
  return number > 1;
}

/// 1 where i - j is a square modulo q, -1 where it is none, 0 on the diagonal;
/// bordered by a row of 1 above and a column of `border` on the left.
static Matrix<float> makeConference(int64_t q, float border) {
  std::vector<float> character(q, -1);
  for (int64_t i = 1; i < q; ++i)
    character[i * i % q] = 1;
  character[0] = 0;
  Matrix<float> matrix(q + 1, q + 1);
  for (int64_t i = 0; i < q; ++i) {
    matrix(0, i + 1) = 1;
    matrix(i + 1, 0) = border;
    for (int64_t j = 0; j < q; ++j)
      matrix(i + 1, j + 1) = character[(i - j + q) % q];
  }
  return matrix;
}

/// Paley's matrix of this order, if there is one of a prime.
static std::optional<Matrix<float>> makePaley(int64_t order) {
  if (int64_t q = order - 1; q % 4 == 3 && isPrime(q)) {
    Matrix<float> matrix = makeConference(q, -1);
    for (int64_t i = 0; i < order; ++i)
      matrix(i, i) += 1;
    return matrix;
  }
  int64_t q = order / 2 - 1;
  if (order % 4 != 0 || q % 4 != 1 || !isPrime(q))
    return std::nullopt;
  Matrix<float> conference = makeConference(q, 1), matrix(order, order);
  for (int64_t i = 0; i < order; ++i)
    for (int64_t j = 0; j < order; ++j) {
      bool low = i % 2 && j % 2;
      if (float c = conference(i / 2, j / 2))
        matrix(i, j) = low ? -c : c;
      else
        matrix(i, j) = i % 2 || j % 2 ? -1 : 1;
    }
  return matrix;
}

/// [[a, a], [a, -a]].
static Matrix<float> doubleOrder(const Matrix<float> &a) {
  int64_t n = a.rows;
  Matrix<float> result(2 * n, 2 * n);
  for (int64_t i = 0; i < 2 * n; ++i)
    for (int64_t j = 0; j < 2 * n; ++j)
      result(i, j) = i < n || j < n ? a(i % n, j % n) : -a(i % n, j % n);
  return result;
}

std::optional<Matrix<float>> llmc::makeHadamard(int64_t size) {
  if (size < 1)
    return std::nullopt;
  if (size == 1) {
    Matrix<float> one(1, 1);
    one(0, 0) = 1;
    return one;
  }
  // The smallest factor by Paley makes the most regular matrix.
  if (size % 2 == 0)
    if (auto half = makeHadamard(size / 2))
      return doubleOrder(*half);
  return makePaley(size);
}

/// From 0, not included, to 1; std's distributions differ between libraries.
static double drawUniform(std::mt19937_64 &random) {
  return double((random() >> 11) + 1) * 0x1p-53;
}

Rotation Rotation::create(int64_t size, std::mt19937_64 &random) {
  if (auto hadamard = makeHadamard(size)) {
    double norm = 1 / std::sqrt(double(size));
    for (int64_t row = 0; row < size; ++row) {
      float sign = random() >> 63 ? -norm : norm;
      for (int64_t column = 0; column < size; ++column)
        (*hadamard)(row, column) *= sign;
    }
    return {std::move(*hadamard), true};
  }
  Matrix<double> normal(size, size);
  for (double &value : normal.values) {
    double radius = std::sqrt(-2 * std::log(drawUniform(random)));
    value = radius * std::cos(2 * M_PI * drawUniform(random));
  }
  auto singular = findSingularValues(normal);
  assert(succeeded(singular) && "numbers are finite");
  Rotation rotation{Matrix<float>(size, size), false};
  // Vectors of one side alone have signs that LAPACK chose.
  Matrix<double> both(size, size);
  multiply(1, singular->u, false, singular->vt, false, 0, both);
  llvm::copy(both.values, rotation.matrix.values.begin());
  return rotation;
}
