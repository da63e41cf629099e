//===- CpuTarget.cpp - the CPU that code is generated for -----------------===//

#include "llmc/Target/CpuTarget.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/MC/MCSubtargetInfo.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/RISCVISAInfo.h"
#include "llvm/TargetParser/SubtargetFeature.h"
#if defined(__x86_64__) && defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif

using namespace llmc;
using llvm::StringRef;

static llvm::Error fail(const llvm::Twine &message) {
  return llvm::createStringError(message);
}

/// LLVM's tables for a CPU; null where this LLVM has no such architecture.
static std::unique_ptr<llvm::MCSubtargetInfo>
createInfo(const llvm::Triple &triple, StringRef cpu, StringRef features) {
  static const bool initialized = [] {
    llvm::InitializeAllTargetInfos();
    llvm::InitializeAllTargetMCs();
    return true;
  }();
  (void)initialized;
  std::string message;
  const llvm::Target *target =
      llvm::TargetRegistry::lookupTarget(triple, message);
  return std::unique_ptr<llvm::MCSubtargetInfo>(
      target ? target->createMCSubtargetInfo(triple, cpu, features) : nullptr);
}

static const llvm::SubtargetFeatureKV *
lookupFeature(const llvm::MCSubtargetInfo &info, StringRef name) {
  llvm::ArrayRef<llvm::SubtargetFeatureKV> all = info.getAllProcessorFeatures();
  const auto *found = llvm::lower_bound(all, name);
  return found != all.end() && StringRef(found->Key) == name ? found : nullptr;
}

/// The longest start of `text`, up to a '-' or the end, that `isKnown`; names
/// of CPUs and features have '-' in them as well.
static StringRef takeName(StringRef text,
                          llvm::function_ref<bool(StringRef)> isKnown) {
  for (StringRef name = text; !name.empty();
       name = name.substr(0, name.rfind('-'))) {
    if (isKnown(name))
      return name;
    if (!name.contains('-'))
      break;
  }
  return "";
}

/// Linux hands out AMX's large registers to processes that ask for them, and
/// this process may run what it compiles.
static bool requestTiles() {
#if defined(__x86_64__) && defined(__linux__)
  constexpr int requestPermission = 0x1023, tileData = 18;
  return syscall(SYS_arch_prctl, requestPermission, tileData) == 0;
#else
  return false;
#endif
}

static std::string getHostFeatures() {
  llvm::SubtargetFeatures features;
  for (auto &[name, isThere] : llvm::sys::getHostCPUFeatures())
    features.AddFeature(
        name, isThere && (!name.starts_with("amx-") || requestTiles()));
  return features.getString();
}

/// This machine's architecture first: some names are of several.
static llvm::SmallVector<llvm::Triple> getTriples() {
  llvm::SmallVector<llvm::Triple> triples{
      llvm::Triple(llvm::sys::getProcessTriple())};
  for (const char *name :
       {"x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu",
        "riscv64-unknown-linux-gnu"}) {
    llvm::Triple triple(name);
    if (triple.getArch() != triples.front().getArch())
      triples.push_back(triple);
  }
  return triples;
}

CpuTarget::CpuTarget(llvm::Triple triple, std::string cpu, std::string features)
    : triple(std::move(triple)), cpu(std::move(cpu)),
      features(std::move(features)),
      info(createInfo(this->triple, this->cpu, this->features)) {}

llvm::Expected<CpuTarget> CpuTarget::parse(StringRef text) {
  if (text.empty()) {
    CpuTarget host(llvm::Triple(llvm::sys::getProcessTriple()),
                   llvm::sys::getHostCPUName().str(), getHostFeatures());
    if (!host.info)
      return fail("LLVM has no code generator for this machine, " +
                  host.triple.str());
    return host;
  }

  llvm::SmallVector<StringRef> parts;
  text.split(parts, '+');
  StringRef first = parts.front();
  StringRef name;
  llvm::Triple triple;
  std::unique_ptr<llvm::MCSubtargetInfo> names;
  for (const llvm::Triple &candidate : getTriples()) {
    std::unique_ptr<llvm::MCSubtargetInfo> info = createInfo(candidate, "", "");
    if (!info)
      continue;
    bool isBare = candidate.isAArch64() || candidate.isRISCV64();
    StringRef found = takeName(first, [&](StringRef cpu) {
      return (isBare && cpu == candidate.getArchName()) ||
             info->isCPUStringValid(cpu);
    });
    if (found.size() > name.size()) {
      name = found;
      triple = candidate;
      names = std::move(info);
    }
  }
  if (name.empty())
    return fail("there is no CPU '" + first +
                "' of x86-64, AArch64 or 64-bit RISC-V");

  llvm::SubtargetFeatures features;
  std::string cpu = name.str();
  if (cpu == "aarch64") {
    cpu = "generic";
  } else if (cpu == "riscv64") {
    cpu = "generic-rv64";
    for (const char *feature : {"m", "a", "f", "d", "c"})
      features.AddFeature(feature);
  }
  // What is left: [-FEATURE]... of the first part, then FEATURE[-FEATURE]...
  auto add = [&](StringRef part, bool enable) -> llvm::Error {
    for (bool isFirst = true; isFirst || !part.empty(); isFirst = false) {
      if (!isFirst)
        enable = !part.consume_front("-");
      StringRef feature = takeName(
          part, [&](StringRef it) { return lookupFeature(*names, it); });
      if (feature.empty()) {
        std::string message = ("there is no feature '" + part + "' of " +
                               triple.getArchName() + " CPUs")
                                  .str();
        if (first.size() > name.size() && first.ends_with(part))
          message = ("there is no CPU '" + first + "', and " + message).str();
        return fail(message);
      }
      features.AddFeature(feature, enable);
      part = part.substr(feature.size());
    }
    return llvm::Error::success();
  };
  if (StringRef removed = first.substr(name.size()); !removed.empty())
    if (llvm::Error error = add(removed.drop_front(), false))
      return error;
  for (StringRef part : llvm::ArrayRef(parts).drop_front())
    if (llvm::Error error = add(part, true))
      return error;

  CpuTarget target(triple, cpu, features.getString());
  if (llvm::Error error = target.verify())
    return error;
  return target;
}

/// LLVM aborts on these, or makes code that no C library of the architecture
/// fits.
llvm::Error CpuTarget::verify() const {
  llvm::ArrayRef<StringRef> needed, excluded;
  static constexpr StringRef x86Needed[] = {"64bit", "64bit-mode", "sse2"},
                             x86Excluded[] = {"soft-float", "16bit-mode",
                                              "32bit-mode"},
                             aarch64Needed[] = {"neon"},
                             riscvNeeded[] = {"64bit", "a", "d", "m"},
                             riscvExcluded[] = {"32bit", "e"};
  if (isX86()) {
    needed = x86Needed;
    excluded = x86Excluded;
  } else if (isAArch64()) {
    needed = aarch64Needed;
  } else {
    needed = riscvNeeded;
    excluded = riscvExcluded;
  }
  for (StringRef feature : needed)
    if (!hasFeature(feature))
      return fail("'" + cpu + "' with these features has no '" + feature +
                  "', which Linux on " + triple.getArchName() + " needs");
  for (StringRef feature : excluded)
    if (hasFeature(feature))
      return fail("'" + feature + "' does not go with Linux on " +
                  triple.getArchName());
  if (!isRISCV())
    return llvm::Error::success();
  std::vector<std::string> extensions;
  for (const llvm::SubtargetFeatureKV &row : getAllFeatures())
    if (llvm::RISCVISAInfo::isSupportedExtensionFeature(row.Key) &&
        hasFeature(row.Key))
      extensions.push_back(std::string("+") + row.Key);
  return llvm::RISCVISAInfo::parseFeatures(64, extensions).takeError();
}

bool CpuTarget::hasFeature(StringRef name) const {
  const llvm::SubtargetFeatureKV *row = lookupFeature(*info, name);
  return row && info->getFeatureBits()[row->Value];
}

llvm::ArrayRef<llvm::SubtargetFeatureKV> CpuTarget::getAllFeatures() const {
  return info->getAllProcessorFeatures();
}

unsigned CpuTarget::getVectorBits() const {
  if (isX86())
    return hasFeature("avx512f") ? 512 : hasFeature("avx") ? 256 : 128;
  if (isAArch64())
    return 128;
  for (unsigned bits = 1024; bits >= 32; bits /= 2)
    if (hasFeature("zvl" + std::to_string(bits) + "b"))
      return bits;
  return 0;
}

unsigned CpuTarget::getNumVectorRegisters() const {
  if (isX86())
    return hasFeature("avx512f") ? 32 : 16;
  return getVectorBits() ? 32 : 0;
}
