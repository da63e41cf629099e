//===- MatrixTest.cpp - linear algebra against its definitions ------------===//

#include "llmc/Calibrate/Matrix.h"
#include "gtest/gtest.h"
#include <cmath>
#include <random>

using namespace llmc;

namespace {

template <typename T> Matrix<T> makeRandom(int64_t rows, int64_t columns) {
  static std::mt19937 generator(7);
  std::normal_distribution<T> normal;
  Matrix<T> matrix(rows, columns);
  for (T &value : matrix.values)
    value = normal(generator);
  return matrix;
}

/// x^T x of more rows than columns: positive definite.
template <typename T> Matrix<T> makePositive(int64_t size) {
  Matrix<T> x = makeRandom<T>(size + 5, size), gram(size, size);
  multiply(T(1), x.ref(), true, x.ref(), false, T(0), gram.ref());
  return gram;
}

template <typename T>
void expectNear(MatrixRef<const T> a, MatrixRef<const T> b, double tolerance) {
  ASSERT_EQ(a.rows, b.rows);
  ASSERT_EQ(a.columns, b.columns);
  for (int64_t i = 0; i < a.rows; ++i)
    for (int64_t j = 0; j < a.columns; ++j)
      ASSERT_NEAR(a(i, j), b(i, j), tolerance) << i << ", " << j;
}

TEST(MatrixTest, multiplyIsTheSumOfProducts) {
  Matrix<float> a = makeRandom<float>(7, 5), b = makeRandom<float>(9, 5),
                c = makeRandom<float>(7, 9), expected = c;
  for (int64_t i = 0; i < 7; ++i)
    for (int64_t j = 0; j < 9; ++j) {
      double sum = 0;
      for (int64_t k = 0; k < 5; ++k)
        sum += double(a(i, k)) * b(j, k);
      expected(i, j) = 2 * sum - expected(i, j);
    }
  multiply(2.0f, a.ref(), false, b.ref(), true, -1.0f, c.ref());
  expectNear<float>(c.ref(), expected.ref(), 1e-5);
}

TEST(MatrixTest, multiplyWorksOnParts) {
  Matrix<double> a = makeRandom<double>(8, 8), c(8, 8);
  multiply(1.0, a.ref().block(0, 2, 3, 4), false, a.ref().block(4, 0, 4, 5),
           false, 0.0, c.ref().block(1, 1, 3, 5));
  double sum = 0;
  for (int64_t k = 0; k < 4; ++k)
    sum += a(2, 2 + k) * a(4 + k, 4);
  EXPECT_NEAR(c(3, 5), sum, 1e-12);
  EXPECT_EQ(c(0, 0), 0);
  EXPECT_EQ(c(4, 1), 0);
}

TEST(MatrixTest, addGramAccumulates) {
  Matrix<float> x = makeRandom<float>(33, 70), gram(70, 70), expected(70, 70);
  addGram(x, gram);
  addGram(x, gram);
  mirrorUpper(gram.ref());
  multiply(2.0f, x.ref(), true, x.ref(), false, 0.0f, expected.ref());
  expectNear<float>(gram.ref(), expected.ref(), 1e-3);
}

TEST(MatrixTest, choleskyFactorsMultiplyToTheMatrix) {
  Matrix<double> a = makePositive<double>(37), u = a, product(37, 37);
  ASSERT_TRUE(succeeded(factorCholesky(u.ref())));
  for (int64_t i = 1; i < 37; ++i)
    for (int64_t j = 0; j < i; ++j)
      ASSERT_EQ(u(i, j), 0);
  multiply(1.0, u.ref(), true, u.ref(), false, 0.0, product.ref());
  expectNear<double>(product.ref(), a.ref(), 1e-9);
}

TEST(MatrixTest, choleskyRefusesIndefinite) {
  Matrix<float> a(2, 2);
  a.values = {1, 2, 2, 1};
  EXPECT_TRUE(failed(factorCholesky(a.ref())));
}

TEST(MatrixTest, inverseTimesMatrixIsIdentity) {
  Matrix<double> a = makePositive<double>(40), inverse = a, product(40, 40),
                 identity(40, 40);
  ASSERT_TRUE(succeeded(invertPositive(inverse.ref())));
  multiply(1.0, a.ref(), false, inverse.ref(), false, 0.0, product.ref());
  for (int64_t i = 0; i < 40; ++i)
    identity(i, i) = 1;
  expectNear<double>(product.ref(), identity.ref(), 1e-8);
}

TEST(MatrixTest, solveUpperUndoesAProduct) {
  for (bool transpose : {false, true}) {
    Matrix<double> u = makePositive<double>(12), x = makeRandom<double>(5, 12),
                   b(5, 12);
    ASSERT_TRUE(succeeded(factorCholesky(u.ref())));
    multiply(1.0, x.ref(), false, u.ref(), transpose, 0.0, b.ref());
    solveUpper(u.ref(), transpose, b.ref());
    expectNear<double>(b.ref(), x.ref(), 1e-9);
  }
}

TEST(MatrixTest, eigenvectorsAreRows) {
  Matrix<double> a = makePositive<double>(20), vectors = a;
  auto values = findEigenvectors(vectors.ref());
  ASSERT_TRUE(succeeded(values));
  for (int64_t i = 0; i < 20; ++i) {
    if (i)
      EXPECT_LE((*values)[i - 1], (*values)[i]);
    for (int64_t j = 0; j < 20; ++j) {
      double sum = 0;
      for (int64_t k = 0; k < 20; ++k)
        sum += a(j, k) * vectors(i, k);
      ASSERT_NEAR(sum, (*values)[i] * vectors(i, j), 1e-9);
    }
  }
}

TEST(MatrixTest, singularVectorsComposeTheMatrix) {
  for (auto [rows, columns] : {std::pair(6, 11), std::pair(11, 6)}) {
    Matrix<double> a = makeRandom<double>(rows, columns),
                   product(rows, columns);
    auto svd = findSingularValues(a.ref());
    ASSERT_TRUE(succeeded(svd));
    ASSERT_EQ(svd->values.size(), 6u);
    EXPECT_GE(svd->values[0], svd->values[5]);
    for (int64_t i = 0; i < 6; ++i)
      for (int64_t j = 0; j < columns; ++j)
        svd->vt(i, j) *= svd->values[i];
    multiply(1.0, svd->u.ref(), false, svd->vt.ref(), false, 0.0,
             product.ref());
    expectNear<double>(product.ref(), a.ref(), 1e-9);
  }
}

TEST(MatrixTest, infinitiesFail) {
  Matrix<double> a(3, 3);
  a(1, 1) = HUGE_VAL;
  EXPECT_TRUE(failed(findSingularValues(a.ref())));
  EXPECT_TRUE(failed(findEigenvectors(a.ref())));
}

} // namespace
