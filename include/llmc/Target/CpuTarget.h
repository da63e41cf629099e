//===- CpuTarget.h - the CPU that code is generated for --------*- C++ -*-===//

#ifndef LLMC_TARGET_CPUTARGET_H
#define LLMC_TARGET_CPUTARGET_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/TargetParser/Triple.h"
#include <memory>
#include <string>

namespace llvm {
class MCSubtargetInfo;
struct SubtargetFeatureKV;
} // namespace llvm

namespace llmc {

/// A CPU of any architecture that llmc compiles for: x86-64, AArch64 and
/// 64-bit RISC-V, with Linux. It is what follows `cpu:` in `--target`.
class CpuTarget {
public:
  /// Parses `NAME[+FEATURE|-FEATURE]...`, such as
  /// `x86-64-v4+amx-int8-avx512cd`. NAME is LLVM's name of a CPU, or a bare
  /// architecture (`x86-64`, `aarch64`, `riscv64`), which means what every
  /// Linux distribution for it demands; a feature is LLVM's name of one.
  /// Nothing means this machine. Fails with one sentence for names that LLVM
  /// does not know and for features without which there is no C library.
  static llvm::Expected<CpuTarget> parse(llvm::StringRef text);

  const llvm::Triple &getTriple() const { return triple; }
  /// LLVM's name of the CPU.
  llvm::StringRef getCpu() const { return cpu; }
  /// The features beside those of the CPU, as LLVM takes them: `+a,-b`.
  llvm::StringRef getFeatures() const { return features; }

  bool isX86() const { return triple.getArch() == llvm::Triple::x86_64; }
  bool isAArch64() const { return triple.isAArch64(); }
  bool isRISCV() const { return triple.isRISCV64(); }

  /// Whether the CPU has the feature of LLVM's name: "avx512vnni", "amx-int8",
  /// "dotprod", "v". False for the names of another architecture.
  bool hasFeature(llvm::StringRef name) const;

  /// LLVM's table of the architecture's features.
  llvm::ArrayRef<llvm::SubtargetFeatureKV> getAllFeatures() const;

  /// Bits that a vector register has at least; 0 without vector registers.
  unsigned getVectorBits() const;
  unsigned getNumVectorRegisters() const;

private:
  CpuTarget(llvm::Triple triple, std::string cpu, std::string features);
  llvm::Error verify() const;

  llvm::Triple triple;
  std::string cpu, features;
  std::shared_ptr<const llvm::MCSubtargetInfo> info;
};

} // namespace llmc

#endif // LLMC_TARGET_CPUTARGET_H
