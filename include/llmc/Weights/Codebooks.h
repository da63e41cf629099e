//===- Codebooks.h - published tables of 16 values --------------*- C++ -*-===//

#ifndef LLMC_WEIGHTS_CODEBOOKS_H
#define LLMC_WEIGHTS_CODEBOOKS_H

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

/// E2M1 of the OCP Microscaling formats, by its bits: sign, two of the
/// exponent, one of the mantissa.
inline constexpr float e2m1Values[16] = {
    0, 0.5f, 1, 1.5f, 2, 3, 4, 6, -0.0f, -0.5f, -1, -1.5f, -2, -3, -4, -6};

} // namespace llmc

#endif // LLMC_WEIGHTS_CODEBOOKS_H
