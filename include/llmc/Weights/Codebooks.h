//===- Codebooks.h - published tables of values -----------------*- C++ -*-===//

#ifndef LLMC_WEIGHTS_CODEBOOKS_H
#define LLMC_WEIGHTS_CODEBOOKS_H

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace llmc {

/// NF4 of QLoRA (arXiv 2305.14314): quantiles of a normal distribution, as
/// bitsandbytes has them. Scales are the largest magnitudes of blocks.
inline constexpr float nf4Values[16] = {-1,
                                        -0.6961928009986877f,
                                        -0.5250730514526367f,
                                        -0.39491748809814453f,
                                        -0.28444138169288635f,
                                        -0.18477343022823334f,
                                        -0.09105003625154495f,
                                        0,
                                        0.07958029955625534f,
                                        0.16093020141124725f,
                                        0.24611230194568634f,
                                        0.33791524171829224f,
                                        0.44070982933044434f,
                                        0.5626170039176941f,
                                        0.7229568362236023f,
                                        1};

/// FP4 of bitsandbytes, which is not quite a float of 4 bits.
inline constexpr float bnbFP4Values[16] = {0,
                                           5.208333333e-03f,
                                           0.66666667f,
                                           1,
                                           0.33333333f,
                                           0.5f,
                                           0.16666667f,
                                           0.25f,
                                           -0.0f,
                                           -5.208333333e-03f,
                                           -0.66666667f,
                                           -1,
                                           -0.33333333f,
                                           -0.5f,
                                           -0.16666667f,
                                           -0.25f};

/// What the largest bits of a small float stand for: numbers as others, NaN
/// where all are set, or infinity and NaN as in IEEE 754.
enum class FloatSpecials { None, NaN, IEEE };

/// All floats with a sign, so many bits of the exponent and so many of the
/// mantissa, by their bits: those of the OCP's specifications of 8-bit floats
/// and of Microscaling formats.
inline std::vector<float> makeFloatTable(int exponentBits, int mantissaBits,
                                         FloatSpecials specials) {
  int magnitudes = 1 << (exponentBits + mantissaBits);
  int bias = (1 << (exponentBits - 1)) - 1, hidden = 1 << mantissaBits;
  std::vector<float> values(2 * magnitudes);
  for (int bits = 0; bits < magnitudes; ++bits) {
    int exponent = bits >> mantissaBits, mantissa = bits & (hidden - 1);
    float value = std::ldexp(float(exponent > 0 ? hidden + mantissa : mantissa),
                             std::max(exponent, 1) - bias - mantissaBits);
    bool isLast = exponent + 1 == 1 << exponentBits;
    if (specials == FloatSpecials::IEEE && isLast)
      value = mantissa == 0 ? std::numeric_limits<float>::infinity()
                            : std::numeric_limits<float>::quiet_NaN();
    if (specials == FloatSpecials::NaN && bits + 1 == magnitudes)
      value = std::numeric_limits<float>::quiet_NaN();
    values[bits] = value;
    values[magnitudes + bits] = -value;
  }
  return values;
}

/// E8M0, the scales of Microscaling formats: 2^(bits - 127), NaN at the end.
inline std::vector<float> makeExponentTable() {
  std::vector<float> values;
  for (int bits = 0; bits < 255; ++bits)
    values.push_back(std::ldexp(1.0f, bits - 127));
  values.push_back(std::numeric_limits<float>::quiet_NaN());
  return values;
}

} // namespace llmc

#endif // LLMC_WEIGHTS_CODEBOOKS_H
