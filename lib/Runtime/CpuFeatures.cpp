//===- CpuFeatures.cpp - can this machine run an artifact? ----------------===//

#include "CpuFeatures.h"
#include "Error.h"
#include "llmc/Runtime/ArtifactFormat.h"
#include <cstdint>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

using namespace llmc;
using namespace llmc::runtime;

namespace {

enum class Support { Yes, No, Unknown };

#if defined(__x86_64__)
constexpr const char *kArchitecture = "x86_64";

struct Registers {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
};

Registers readCpuid(unsigned leaf, unsigned subleaf) {
  Registers r;
  // Leaves zero where the processor has no such leaf.
  __get_cpuid_count(leaf, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx);
  return r;
}

/// The register state that the operating system saves and restores: without
/// it the processor's own word is not enough.
uint64_t readEnabledState() {
  if (!(readCpuid(1, 0).ecx & (1u << 27)))
    return 0;
  unsigned low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return uint64_t(high) << 32 | low;
}

constexpr uint64_t None = 0, Avx = 0x6, Avx512 = 0xe6, Amx = 0x60000,
                   Apx = 0x80000;

/// Linux hands out AMX's large registers to processes that ask for them.
bool requestTiles() {
  constexpr int requestPermission = 0x1023, tileData = 18;
  return syscall(SYS_arch_prctl, requestPermission, tileData) == 0;
}

bool isEnabled(uint64_t state) {
  return (readEnabledState() & state) == state &&
         (state != Amx || requestTiles());
}

unsigned readAvx10Version() {
  bool hasVersion = readCpuid(7, 1).edx >> 19 & 1;
  return hasVersion && isEnabled(Avx512) ? readCpuid(0x24, 0).ebx & 0xff : 0;
}

Support hasFeature(const std::string &name) {
#define LLMC_ROW(feature, leaf, subleaf, reg, bit, state)                      \
  if (name == feature)                                                         \
    return (readCpuid(leaf, subleaf).reg >> bit & 1) && isEnabled(state)       \
               ? Support::Yes                                                  \
               : Support::No;
  LLMC_X86_FEATURES(LLMC_ROW)
#undef LLMC_ROW
#define LLMC_ROW(feature, version)                                             \
  if (name == feature)                                                         \
    return readAvx10Version() >= version ? Support::Yes : Support::No;
  LLMC_X86_AVX10_VERSIONS(LLMC_ROW)
#undef LLMC_ROW
  return Support::Unknown;
}

#elif defined(__aarch64__)
constexpr const char *kArchitecture = "aarch64";

Support hasFeature(const std::string &name) {
#define LLMC_ROW(feature, entry, bits)                                         \
  if (name == feature)                                                         \
    return (getauxval(entry) & (bits)) == (bits) ? Support::Yes : Support::No;
  LLMC_AARCH64_FEATURES(LLMC_ROW)
#undef LLMC_ROW
  return Support::Unknown;
}

#elif defined(__riscv) && __riscv_xlen == 64
constexpr const char *kArchitecture = "riscv64";

constexpr uint64_t FloatBit = 1 << 0, CompressedBit = 1 << 1,
                   VectorBit = 1 << 2;
/// Parts of C and V, which older kernels do not report one by one.
constexpr uint64_t CompressedParts = uint64_t(5) << 43,
                   VectorParts = uint64_t(31) << 37;

/// The extensions that the kernel reports: by a call, or where that does not
/// exist those of one letter.
uint64_t readExtensions() {
  constexpr long hwprobe = 258;
  constexpr int64_t extensionsKey = 4;
  struct {
    int64_t key;
    uint64_t value;
  } pair = {extensionsKey, 0};
  if (syscall(hwprobe, &pair, 1, 0, nullptr, 0) != 0 ||
      pair.key != extensionsKey) {
    auto hasLetter = [](char letter) {
      return getauxval(AT_HWCAP) >> (letter - 'a') & 1;
    };
    pair.value = (hasLetter('f') && hasLetter('d') ? FloatBit : 0) |
                 (hasLetter('c') ? CompressedBit : 0) |
                 (hasLetter('v') ? VectorBit : 0);
  }
  return pair.value | (pair.value & CompressedBit ? CompressedParts : 0) |
         (pair.value & VectorBit ? VectorParts : 0);
}

uint64_t readVectorBits() {
  if (!(readExtensions() & VectorParts))
    return 0;
  uint64_t bytes;
  __asm__("csrr %0, 0xc22" : "=r"(bytes)); // vlenb
  return bytes * 8;
}

Support hasFeature(const std::string &name) {
#define LLMC_ROW(feature, bit)                                                 \
  if (name == feature)                                                         \
    return readExtensions() >> bit & 1 ? Support::Yes : Support::No;
  LLMC_RISCV_FEATURES(LLMC_ROW)
#undef LLMC_ROW
#define LLMC_ROW(feature, bits)                                                \
  if (name == feature)                                                         \
    return readVectorBits() >= bits ? Support::Yes : Support::No;
  LLMC_RISCV_VECTOR_BITS(LLMC_ROW)
#undef LLMC_ROW
  return Support::Unknown;
}

#else
#error "llmc's runtime does not know this architecture"
#endif

} // namespace

void llmc::runtime::checkTarget(const std::string &triple,
                                const std::vector<std::string> &features) {
  std::string architecture = triple.substr(0, triple.find('-'));
  if (architecture != kArchitecture ||
      triple.find("linux") == std::string::npos)
    fail(LLMC_ERROR_TARGET, "the artifact is for ", triple,
         ", and this machine is ", kArchitecture,
         "-linux: compile the model for it");
  std::string missing, unknown;
  for (const std::string &feature : features) {
    Support support = hasFeature(feature);
    if (support == Support::Yes)
      continue;
    std::string &list = support == Support::No ? missing : unknown;
    list += (list.empty() ? "" : ", ") + feature;
  }
  if (!missing.empty())
    fail(LLMC_ERROR_TARGET, "the artifact needs the CPU features ", missing,
         ", which this machine does not have: compile the model for it");
  if (!unknown.empty())
    fail(LLMC_ERROR_TARGET, "the artifact needs the CPU features ", unknown,
         ", which this runtime cannot check: use a newer runtime");
}
