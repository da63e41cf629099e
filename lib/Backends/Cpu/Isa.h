//===- Isa.h - what a processor's vectors can do ---------------*- C++ -*-===//

#ifndef LLMC_LIB_BACKENDS_CPU_ISA_H
#define LLMC_LIB_BACKENDS_CPU_ISA_H

#include "llmc/Target/CpuTarget.h"
#include <algorithm>

namespace llmc::cpu {

/// How four products of bytes are added to a sum of 32 bits; see DotSums.
enum class Dot {
  Words,  ///< in words, which every target can
  Halves, ///< in 16 bits, by instructions that widen, while they fit
  Avx2,   ///< in pairs: vpmaddubsw and vpmaddwd
  Vnni,   ///< vpdpbusd
  Sdot,   ///< AArch64's sdot: both with sign
  Usdot,  ///< AArch64's usdot and usmmla
};

/// How two products of bf16 are added to a sum of f32; see emitPairDot.
enum class PairDot {
  None, ///< one by one, as f32
  X86,  ///< vdpbf16ps
  Arm,  ///< bfdot
};

/// What kernels are shaped by.
struct Isa {
  int64_t lanes;     ///< words of a vector
  int64_t registers; ///< for vectors
  Dot dot;
  bool hasPermute = false;   ///< of words, by a vector of indices
  bool hasTiles = false;     ///< AMX's, of bytes
  bool hasPairTiles = false; ///< AMX's, of bf16
  bool isNeon = false;       ///< AArch64
  bool shiftsBytes = false;  ///< each by itself
  /// Reads one stream of weights faster than four with more than a product for
  /// each line in between: AMD's Zen. An Emerald Rapids takes 1.5 to 2 times as
  /// long for it.
  bool prefersOneStream = false;
  /// Integers come sooner where they are asked for ahead of their reads.
  bool needsPrefetch = false;
  PairDot pairDot = PairDot::None;

  static Isa of(const CpuTarget &target) {
    if (target.isX86())
      return ofX86(target);
    // One register, so that tiles have as many sums as there are registers;
    // longer vectors save no memory.
    Isa isa{std::clamp<int64_t>(target.getVectorBits() / 32, 4, 32),
            target.getNumVectorRegisters(), Dot::Words};
    if (target.hasFeature("i8mm"))
      isa.dot = Dot::Usdot;
    else if (target.hasFeature("dotprod"))
      isa.dot = Dot::Sdot;
    else if (isa.registers)
      isa.dot = Dot::Halves;
    isa.isNeon = isa.hasPermute = target.isAArch64();
    if (isa.isNeon && target.hasFeature("bf16"))
      isa.pairDot = PairDot::Arm;
    isa.shiftsBytes = isa.registers;
    return isa;
  }

  /// Whether an instruction takes words by indices without more ado.
  bool selectsLanes() const { return hasPermute && !isNeon; }

  /// Whether instructions multiply by one word of a register, which saves a
  /// load for each word.
  bool multipliesByLane() const {
    return dot == Dot::Sdot || dot == Dot::Usdot;
  }

private:
  static Isa ofX86(const CpuTarget &target) {
    // Of AVX-512's instructions most that kernels take are those on bytes.
    bool isWide = target.hasFeature("avx512bw");
    Isa isa{isWide ? 16 : 8, isWide ? 32u : 16u, Dot::Words};
    if (target.hasFeature(isWide ? "avx512vnni" : "avxvnni"))
      isa.dot = Dot::Vnni;
    else if (target.hasFeature("avx2"))
      isa.dot = Dot::Avx2;
    isa.hasPermute = isWide || target.hasFeature("avx2");
    isa.prefersOneStream = target.getCpu().starts_with("znver");
    isa.needsPrefetch = true;
    isa.hasTiles = isWide && target.hasFeature("amx-int8");
    isa.hasPairTiles = isWide && target.hasFeature("amx-bf16");
    if (isWide && target.hasFeature("avx512bf16"))
      isa.pairDot = PairDot::X86;
    return isa;
  }
};

} // namespace llmc::cpu

#endif // LLMC_LIB_BACKENDS_CPU_ISA_H
