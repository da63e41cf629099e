//===- HessianFactorTest.cpp - the factor against its definition ----------===//

#include "HessianFactor.h"
#include "gtest/gtest.h"
#include <cmath>
#include <random>

using namespace llmc;

namespace {

/// Of 32 correlated rows of 6 columns, the fourth of them dead.
struct Input {
  Input() {
    std::mt19937 generator(3);
    std::normal_distribution<float> normal;
    Matrix<float> x(32, 6);
    for (int64_t i = 0; i < 32; ++i) {
      float common = normal(generator);
      for (int64_t j = 0; j < 6; ++j)
        x(i, j) = j == 3 ? 0 : (j + 1) * (common + normal(generator));
    }
    multiply(1.0f / 32, x.ref(), true, x.ref(), false, 0.0f, gram.ref());
    statistics.columns = 6;
    statistics.count = 32;
    statistics.gram = gram.values;
  }
  Matrix<float> gram = Matrix<float>(6, 6);
  InputStatistics statistics;
};

/// U H U^T is the identity only for a factor of H's inverse in this order.
void expectFactorOf(const HessianFactor &factor, const Input &input,
                    double damping) {
  double mean = 0;
  for (int64_t i = 0; i < 6; ++i)
    mean += double(input.gram(i, i)) / 5;
  Matrix<double> h(6, 6), u(6, 6), uh(6, 6), product(6, 6);
  for (int64_t i = 0; i < 6; ++i)
    for (int64_t j = 0; j < 6; ++j) {
      h(i, j) = input.gram(factor.order[i], factor.order[j]);
      u(i, j) = factor.upper(i, j);
      if (i == j)
        h(i, j) += damping * mean + (factor.order[i] == 3 ? mean : 0);
      if (i > j)
        EXPECT_EQ(u(i, j), 0);
    }
  multiply(1.0, u.ref(), false, h.ref(), false, 0.0, uh.ref());
  multiply(1.0, uh.ref(), false, u.ref(), true, 0.0, product.ref());
  for (int64_t i = 0; i < 6; ++i)
    for (int64_t j = 0; j < 6; ++j)
      EXPECT_NEAR(product(i, j), i == j, 1e-5) << i << ", " << j;
}

TEST(HessianFactorTest, inverseInTheOrderOfTheWeight) {
  Input input;
  auto factor = factorHessian(input.statistics, 0.01, /*descending=*/false);
  ASSERT_TRUE(llvm::succeeded(factor));
  EXPECT_EQ(factor->order, (std::vector<int64_t>{0, 1, 2, 3, 4, 5}));
  EXPECT_EQ(factor->dead,
            (std::vector<bool>{false, false, false, true, false, false}));
  expectFactorOf(*factor, input, 0.01);
}

TEST(HessianFactorTest, descendingDiagonal) {
  Input input;
  auto factor = factorHessian(input.statistics, 0.1, /*descending=*/true);
  ASSERT_TRUE(llvm::succeeded(factor));
  for (int64_t i = 1; i < 6; ++i)
    EXPECT_GE(input.statistics.getMeanSquare(factor->order[i - 1]),
              input.statistics.getMeanSquare(factor->order[i]));
  EXPECT_EQ(factor->order.back(), 3);
  expectFactorOf(*factor, input, 0.1);
}

TEST(HessianFactorTest, pairsStayTogether) {
  Input input;
  auto factor =
      factorHessian(input.statistics, 0.1, /*descending=*/true, /*width=*/2);
  ASSERT_TRUE(llvm::succeeded(factor));
  auto getSum = [&](int64_t pair) {
    return input.statistics.getMeanSquare(2 * pair) +
           input.statistics.getMeanSquare(2 * pair + 1);
  };
  for (int64_t i = 0; i < 6; i += 2) {
    EXPECT_EQ(factor->order[i] % 2, 0);
    EXPECT_EQ(factor->order[i] + 1, factor->order[i + 1]);
    if (i > 0)
      EXPECT_GE(getSum(factor->order[i - 1] / 2), getSum(factor->order[i] / 2));
  }
  expectFactorOf(*factor, input, 0.1);
}

TEST(HessianFactorTest, failsWhereNothingIsPositiveDefinite) {
  Input input;
  // Two columns that are the same but for a rounding the wrong way.
  for (int64_t i = 0; i < 6; ++i)
    input.gram(i, 1) = input.gram(1, i) = input.gram(i == 1 ? 0 : i, 0);
  input.gram(1, 1) *= 0.999f;
  EXPECT_TRUE(llvm::failed(factorHessian(input.statistics, 0, false)));
  EXPECT_TRUE(llvm::succeeded(factorHessian(input.statistics, 0.01, false)));
  input.gram(2, 2) = NAN;
  EXPECT_TRUE(llvm::failed(factorHessian(input.statistics, 0.01, false)));
}

} // namespace
