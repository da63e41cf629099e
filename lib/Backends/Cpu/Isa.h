//===- Isa.h - what a processor's vectors can do ---------------*- C++ -*-===//

#ifndef LLMC_LIB_BACKENDS_CPU_ISA_H
#define LLMC_LIB_BACKENDS_CPU_ISA_H

#include "llmc/Target/CpuTarget.h"

namespace llmc::cpu {

/// How four products of bytes are added to a sum of 32 bits; see DotEmitter.
enum class Dot {
  Words, ///< in words, which every target can
  Avx2,  ///< in pairs: vpmaddubsw and vpmaddwd
  Vnni,  ///< vpdpbusd
};

/// What kernels are shaped by.
struct Isa {
  int64_t lanes;     ///< words of a vector
  int64_t registers; ///< for vectors
  Dot dot;
  bool hasPermute = false; ///< of words, by a vector of indices
  bool hasTiles = false;   ///< AMX's, of bytes

  static Isa of(const CpuTarget &target) {
    bool isWide = target.hasFeature("avx512f");
    Isa isa{isWide ? 16 : 8, target.getNumVectorRegisters(), Dot::Words};
    if (target.hasFeature(isWide ? "avx512vnni" : "avxvnni"))
      isa.dot = Dot::Vnni;
    else if (target.hasFeature("avx2"))
      isa.dot = Dot::Avx2;
    isa.hasPermute = isWide || target.hasFeature("avx2");
    isa.hasTiles = isWide && target.hasFeature("amx-int8");
    return isa;
  }
};

} // namespace llmc::cpu

#endif // LLMC_LIB_BACKENDS_CPU_ISA_H
