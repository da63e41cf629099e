//===- CpuFeatures.cpp - can this machine run an artifact? ----------------===//

#include "CpuFeatures.h"
#include "Error.h"
#include "llmc/Runtime/ArtifactFormat.h"
#include <cstdint>
#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <sys/auxv.h>
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

constexpr uint64_t None = 0, Avx = 0x6, Avx512 = 0xe6;

Support hasFeature(const std::string &name) {
#define LLMC_ROW(feature, leaf, subleaf, reg, bit, state)                      \
  if (name == feature)                                                         \
    return (readCpuid(leaf, subleaf).reg >> bit & 1) &&                        \
                   (readEnabledState() & state) == state                       \
               ? Support::Yes                                                  \
               : Support::No;
  LLMC_X86_FEATURES(LLMC_ROW)
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
Support hasFeature(const std::string &) { return Support::Unknown; }

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
