//===- CpuTargetTest.cpp - names of CPUs ----------------------------------===//

#include "llmc/Target/CpuTarget.h"
#include "llmc/Runtime/ArtifactFormat.h"
#include <gtest/gtest.h>

using namespace llmc;

static CpuTarget parse(llvm::StringRef text) {
  return llvm::cantFail(CpuTarget::parse(text));
}

static std::string parseError(llvm::StringRef text) {
  llvm::Expected<CpuTarget> target = CpuTarget::parse(text);
  return target ? "" : llvm::toString(target.takeError());
}

TEST(CpuTarget, KnowsX86) {
  CpuTarget v4 = parse("x86-64-v4+amx-int8");
  EXPECT_TRUE(v4.isX86());
  EXPECT_EQ(v4.getCpu(), "x86-64-v4");
  EXPECT_EQ(v4.getFeatures(), "+amx-int8");
  EXPECT_TRUE(v4.hasFeature("avx512f"));
  EXPECT_TRUE(v4.hasFeature("amx-tile")); // amx-int8 implies it
  EXPECT_FALSE(v4.hasFeature("avx512vnni"));
  EXPECT_FALSE(v4.hasFeature("dotprod"));
  EXPECT_EQ(v4.getVectorBits(), 512u);
  EXPECT_EQ(v4.getNumVectorRegisters(), 32u);
  EXPECT_EQ(parse("x86-64-v3").getVectorBits(), 256u);
  EXPECT_EQ(parse("x86-64").getVectorBits(), 128u);
  EXPECT_EQ(parse("x86-64").getNumVectorRegisters(), 16u);
}

TEST(CpuTarget, KnowsOtherArchitectures) {
  CpuTarget neoverse = parse("neoverse-n1");
  EXPECT_TRUE(neoverse.isAArch64());
  EXPECT_EQ(neoverse.getTriple().str(), "aarch64-unknown-linux-gnu");
  EXPECT_TRUE(neoverse.hasFeature("dotprod"));
  EXPECT_FALSE(neoverse.hasFeature("i8mm"));
  EXPECT_EQ(neoverse.getVectorBits(), 128u);
  EXPECT_EQ(neoverse.getNumVectorRegisters(), 32u);
  EXPECT_FALSE(parse("aarch64").hasFeature("dotprod"));
  EXPECT_TRUE(parse("aarch64+dotprod+i8mm").hasFeature("i8mm"));

  CpuTarget riscv = parse("riscv64");
  EXPECT_TRUE(riscv.isRISCV());
  EXPECT_EQ(riscv.getCpu(), "generic-rv64");
  EXPECT_TRUE(riscv.hasFeature("c"));
  EXPECT_EQ(riscv.getVectorBits(), 0u);
  EXPECT_EQ(riscv.getNumVectorRegisters(), 0u);
  EXPECT_EQ(parse("riscv64+v").getVectorBits(), 128u);
  EXPECT_EQ(parse("riscv64+v+zvl256b").getVectorBits(), 256u);
  EXPECT_EQ(parse("riscv64+v").getNumVectorRegisters(), 32u);
}

TEST(CpuTarget, KnowsThisMachine) {
  CpuTarget host = parse("");
  EXPECT_TRUE(host.isX86() || host.isAArch64() || host.isRISCV());
  EXPECT_FALSE(host.getCpu().empty());
  EXPECT_FALSE(host.getFeatures().empty());
}

// Both names and features have '-' in them.
TEST(CpuTarget, TakesTheLongestName) {
  CpuTarget a = parse("x86-64-v3-avx2+amx-tile-bmi+sse4.1");
  EXPECT_EQ(a.getCpu(), "x86-64-v3");
  EXPECT_EQ(a.getFeatures(), "-avx2,+amx-tile,-bmi,+sse4.1");
  EXPECT_FALSE(a.hasFeature("avx2"));
  EXPECT_TRUE(a.hasFeature("avx"));
  EXPECT_FALSE(parse("x86-64-v4-avx512f").hasFeature("avx512bw"));
}

// What an artifact may demand are names of LLVM's.
TEST(CpuTarget, KnowsTheFeaturesOfArtifacts) {
#define LLMC_ROW(name, ...) name,
  for (const char *feature :
       {LLMC_X86_FEATURES(LLMC_ROW) LLMC_X86_AVX10_VERSIONS(LLMC_ROW)})
    EXPECT_EQ(parseError(std::string("x86-64+") + feature), "");
  for (const char *feature : {LLMC_AARCH64_FEATURES(LLMC_ROW)})
    EXPECT_EQ(parseError(std::string("aarch64+") + feature), "");
  for (const char *feature :
       {LLMC_RISCV_FEATURES(LLMC_ROW) LLMC_RISCV_VECTOR_BITS(LLMC_ROW)})
    EXPECT_EQ(parseError(std::string("riscv64+v+") + feature), "");
#undef LLMC_ROW
}

TEST(CpuTarget, RefusesInOneSentence) {
  EXPECT_EQ(parseError("none"),
            "there is no CPU 'none' of x86-64, AArch64 or 64-bit RISC-V");
  EXPECT_EQ(parseError("x86-64-v9"), "there is no CPU 'x86-64-v9', and there "
                                     "is no feature 'v9' of x86_64 CPUs");
  EXPECT_EQ(parseError("aarch64+avx2"),
            "there is no feature 'avx2' of aarch64 CPUs");
  EXPECT_EQ(parseError("x86-64+"), "there is no feature '' of x86_64 CPUs");
  EXPECT_EQ(parseError("+avx2"),
            "there is no CPU '' of x86-64, AArch64 or 64-bit RISC-V");
  EXPECT_EQ(parseError("x86-64-sse"), "'x86-64' with these features has no "
                                      "'sse2', which Linux on x86_64 needs");
  EXPECT_EQ(parseError("x86-64+soft-float"),
            "'soft-float' does not go with Linux on x86_64");
  // LLVM would abort on these.
  EXPECT_EQ(parseError("x86-64-64bit-mode"),
            "'x86-64' with these features has no '64bit-mode', which Linux on "
            "x86_64 needs");
  EXPECT_EQ(parseError("i686"), "'i686' with these features has no '64bit', "
                                "which Linux on x86_64 needs");
  EXPECT_EQ(parseError("sifive-e20"), "'sifive-e20' with these features has no "
                                      "'64bit', which Linux on riscv64 needs");
  EXPECT_EQ(parseError("riscv64+zfinx"), "'f' and 'zfinx' extensions are "
                                         "incompatible");
}
