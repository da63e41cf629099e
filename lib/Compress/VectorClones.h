//===- VectorClones.h - loops compiled for several machines -----*- C++ -*-===//
//
// llmc itself is compiled for any x86-64 processor. A function behind
// LLMC_VECTOR_CLONES is compiled for those with AVX2 and AVX-512 too, and the
// one that fits the machine is called. What it inlines is part of it, so that
// loops over arrays belong into functions behind LLMC_ALWAYS_INLINE.
//
//===----------------------------------------------------------------------===//

#ifndef LLMC_LIB_COMPRESS_VECTORCLONES_H
#define LLMC_LIB_COMPRESS_VECTORCLONES_H

#include <cstdint>

#define LLMC_ALWAYS_INLINE inline __attribute__((always_inline))

#if defined(__x86_64__) && defined(__linux__)
#define LLMC_VECTOR_CLONES                                                     \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define LLMC_VECTOR_CLONES
#endif

namespace llmc {
/// Floats that such a loop computes with at a time.
constexpr int64_t floatLanes = 16;
/// Unlike arrays in its place, what is of this type stays in registers.
using FloatLanes =
    float __attribute__((vector_size(floatLanes * sizeof(float))));
} // namespace llmc

#endif // LLMC_LIB_COMPRESS_VECTORCLONES_H
