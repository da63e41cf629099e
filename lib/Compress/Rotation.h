//===- Rotation.h - orthogonal matrices -------------------------*- C++ -*-===//

#ifndef LLMC_LIB_COMPRESS_ROTATION_H
#define LLMC_LIB_COMPRESS_ROTATION_H

#include "llmc/Calibrate/Matrix.h"
#include <cstdint>
#include <optional>
#include <random>

namespace llmc {

/// A matrix H of 1 and -1 with H H^T = size I: products of Sylvester's of order
/// 2 and one of Paley's, of order q + 1 for a prime q = 3 (mod 4) or 2 (q + 1)
/// for a prime q = 1 (mod 4). Nothing if there is none of the size.
std::optional<Matrix<float>> makeHadamard(int64_t size);

/// A random orthogonal matrix: D H / sqrt(size) for random signs D where there
/// is such an H, else one that is uniformly distributed. The same numbers give
/// the same matrix everywhere.
struct Rotation {
  Matrix<float> matrix;
  bool isHadamard = false;

  static Rotation create(int64_t size, std::mt19937_64 &random);
};

/// a b, where op(a) transposes.
Matrix<float> product(MatrixRef<const float> a, bool transposeA,
                      MatrixRef<const float> b, bool transposeB = false);

} // namespace llmc

#endif // LLMC_LIB_COMPRESS_ROTATION_H
