//===- RotationTest.cpp - orthogonal matrices -----------------------------===//

#include "Rotation.h"
#include "gtest/gtest.h"
#include <cmath>

using namespace llmc;

/// The largest distance of a a^T from scale I.
static double getDistance(const Matrix<float> &a, double scale) {
  double distance = 0;
  for (int64_t i = 0; i < a.rows; ++i)
    for (int64_t j = 0; j < a.rows; ++j) {
      double sum = i == j ? -scale : 0;
      for (int64_t k = 0; k < a.columns; ++k)
        sum += double(a(i, k)) * a(j, k);
      distance = std::max(distance, std::abs(sum));
    }
  return distance;
}

TEST(Hadamard, OrthogonalSigns) {
  for (int64_t size : {1,  2,  4,  8,  12, 16, 20, 24,  28,  36,  40,
                       44, 56, 60, 64, 72, 80, 96, 144, 200, 576, 768}) {
    auto matrix = makeHadamard(size);
    ASSERT_TRUE(matrix) << size;
    ASSERT_EQ(matrix->rows, size);
    ASSERT_EQ(matrix->columns, size);
    for (float value : matrix->values)
      ASSERT_EQ(std::abs(value), 1) << size;
    EXPECT_EQ(getDistance(*matrix, size), 0) << size;
  }
}

TEST(Hadamard, NotKnown) {
  for (int64_t size : {0, 3, 6, 10, 50, 92, 130})
    EXPECT_FALSE(makeHadamard(size)) << size;
}

TEST(Rotation, Orthogonal) {
  for (int64_t size : {1, 24, 50}) {
    std::mt19937_64 random(3), same(3), other(4);
    Rotation rotation = Rotation::create(size, random);
    EXPECT_EQ(rotation.isHadamard, size != 50);
    EXPECT_LT(getDistance(rotation.matrix, 1), 1e-5);
    EXPECT_EQ(rotation.matrix.values,
              Rotation::create(size, same).matrix.values);
    if (size > 1) {
      EXPECT_NE(rotation.matrix.values,
                Rotation::create(size, other).matrix.values);
    }
  }
}
