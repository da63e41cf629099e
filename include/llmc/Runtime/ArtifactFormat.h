//===- ArtifactFormat.h - what compiler and runtime agree on ----*- C++ -*-===//
//
// The one header that the runtime shares with the compiler. It depends on the
// C++ library only. docs/artifact.md describes the format.
//
//===----------------------------------------------------------------------===//

#ifndef LLMC_RUNTIME_ARTIFACTFORMAT_H
#define LLMC_RUNTIME_ARTIFACTFORMAT_H

#include <cstdint>

namespace llmc::artifact {

constexpr const char *kFormat = "llmc-artifact";
/// Raised whenever an older runtime would misread a newer artifact.
constexpr int64_t kVersion = 1;
constexpr const char *kManifestFile = "manifest.json";
constexpr const char *kModuleFile = "module.so";
constexpr const char *kWeightsFile = "weights.bin";
/// Weights start on page boundaries, so that a device or another process can
/// map one alone.
constexpr int64_t kWeightAlignment = 4096;

/// The symbols of module.so.
constexpr const char *kEntry = "llmc_invoke";
constexpr const char *kErrorSymbol = "llmc_error";
/// Calls `void llmc_invoke(void **args)`; see docs/artifact.md.
using EntryFunction = void (*)(void **args);

/// What compiled code leaves in `int64_t llmc_error`.
enum KernelError : int64_t {
  kKernelOk = 0,
  kKernelIndexOutOfRange = 1,
  kKernelShapeMismatch = 2,
  kKernelOutOfMemory = 3,
};

/// The name of the input that the runtime fills itself.
constexpr const char *kPastLength = "past_length";
/// The input that says of how many tokens, the last ones, the model returns
/// logits: an int64_t of rank 0. The runtime passes 0, all, where the caller
/// leaves it out.
constexpr const char *kLogitsToKeep = "logits_to_keep";

/// The outputs with the best tokens of each row of logits, and their logits.
constexpr const char *kTopLogits = "top_logits";
constexpr const char *kTopIds = "top_ids";

/// numpy's (and ml_dtypes') name, llmc_dtype's suffix, bytes of an element.
#define LLMC_ARTIFACT_DTYPES(X)                                                \
  X("float64", FLOAT64, 8)                                                     \
  X("float32", FLOAT32, 4)                                                     \
  X("float16", FLOAT16, 2)                                                     \
  X("bfloat16", BFLOAT16, 2)                                                   \
  X("int64", INT64, 8)                                                         \
  X("int32", INT32, 4)                                                         \
  X("int16", INT16, 2)                                                         \
  X("int8", INT8, 1)                                                           \
  X("uint64", UINT64, 8)                                                       \
  X("uint32", UINT32, 4)                                                       \
  X("uint16", UINT16, 2)                                                       \
  X("uint8", UINT8, 1)                                                         \
  X("bool", BOOL, 1)                                                           \
  X("float8_e4m3fn", FLOAT8_E4M3FN, 1)                                         \
  X("float8_e4m3fnuz", FLOAT8_E4M3FNUZ, 1)                                     \
  X("float8_e5m2", FLOAT8_E5M2, 1)                                             \
  X("float8_e5m2fnuz", FLOAT8_E5M2FNUZ, 1)

/// The CPU features that a manifest may name, as LLVM spells them: those whose
/// instructions code generation emits on its own. The rest of a row says where
/// the processor reports it: for x86 the cpuid leaf, subleaf, register and
/// bit, and the register state that the system must have enabled for it; for
/// AArch64 on Linux the auxiliary vector's entry and bits; for RISC-V the bit
/// of riscv_hwprobe's first key of extensions.
#define LLMC_X86_FEATURES(X)                                                   \
  X("sse3", 1, 0, ecx, 0, None)                                                \
  X("pclmul", 1, 0, ecx, 1, None)                                              \
  X("ssse3", 1, 0, ecx, 9, None)                                               \
  X("fma", 1, 0, ecx, 12, Avx)                                                 \
  X("cx16", 1, 0, ecx, 13, None)                                               \
  X("sse4.1", 1, 0, ecx, 19, None)                                             \
  X("sse4.2", 1, 0, ecx, 20, None)                                             \
  X("movbe", 1, 0, ecx, 22, None)                                              \
  X("popcnt", 1, 0, ecx, 23, None)                                             \
  X("avx", 1, 0, ecx, 28, Avx)                                                 \
  X("f16c", 1, 0, ecx, 29, Avx)                                                \
  X("lzcnt", 0x80000001u, 0, ecx, 5, None)                                     \
  X("sse4a", 0x80000001u, 0, ecx, 6, None)                                     \
  X("prfchw", 0x80000001u, 0, ecx, 8, None)                                    \
  X("xop", 0x80000001u, 0, ecx, 11, Avx)                                       \
  X("fma4", 0x80000001u, 0, ecx, 16, Avx)                                      \
  X("tbm", 0x80000001u, 0, ecx, 21, None)                                      \
  X("bmi", 7, 0, ebx, 3, None)                                                 \
  X("avx2", 7, 0, ebx, 5, Avx)                                                 \
  X("bmi2", 7, 0, ebx, 8, None)                                                \
  X("avx512f", 7, 0, ebx, 16, Avx512)                                          \
  X("avx512dq", 7, 0, ebx, 17, Avx512)                                         \
  X("adx", 7, 0, ebx, 19, None)                                                \
  X("avx512ifma", 7, 0, ebx, 21, Avx512)                                       \
  X("avx512cd", 7, 0, ebx, 28, Avx512)                                         \
  X("avx512bw", 7, 0, ebx, 30, Avx512)                                         \
  X("avx512vl", 7, 0, ebx, 31, Avx512)                                         \
  X("avx512vbmi", 7, 0, ecx, 1, Avx512)                                        \
  X("avx512vbmi2", 7, 0, ecx, 6, Avx512)                                       \
  X("gfni", 7, 0, ecx, 8, None)                                                \
  X("vpclmulqdq", 7, 0, ecx, 10, Avx)                                          \
  X("avx512vnni", 7, 0, ecx, 11, Avx512)                                       \
  X("avx512bitalg", 7, 0, ecx, 12, Avx512)                                     \
  X("avx512vpopcntdq", 7, 0, ecx, 14, Avx512)                                  \
  X("amx-bf16", 7, 0, edx, 22, Amx)                                            \
  X("avx512fp16", 7, 0, edx, 23, Avx512)                                       \
  X("amx-tile", 7, 0, edx, 24, Amx)                                            \
  X("amx-int8", 7, 0, edx, 25, Amx)                                            \
  X("avxvnni", 7, 1, eax, 4, Avx)                                              \
  X("avx512bf16", 7, 1, eax, 5, Avx512)                                        \
  X("amx-fp16", 7, 1, eax, 21, Amx)                                            \
  X("avxifma", 7, 1, eax, 23, Avx)                                             \
  X("avxvnniint8", 7, 1, edx, 4, Avx)                                          \
  X("avxneconvert", 7, 1, edx, 5, Avx)                                         \
  X("amx-complex", 7, 1, edx, 8, Amx)                                          \
  X("avxvnniint16", 7, 1, edx, 10, Avx)                                        \
  X("egpr", 7, 1, edx, 21, Apx)                                                \
  X("push2pop2", 7, 1, edx, 21, Apx)                                           \
  X("ppx", 7, 1, edx, 21, Apx)                                                 \
  X("ndd", 7, 1, edx, 21, Apx)                                                 \
  X("ccmp", 7, 1, edx, 21, Apx)                                                \
  X("nf", 7, 1, edx, 21, Apx)                                                  \
  X("cf", 7, 1, edx, 21, Apx)                                                  \
  X("zu", 7, 1, edx, 21, Apx)

/// The rest of x86's: a version that cpuid tells.
#define LLMC_X86_AVX10_VERSIONS(X)                                             \
  X("avx10.1", 1)                                                              \
  X("avx10.2", 2)

#define LLMC_AARCH64_FEATURES(X)                                               \
  X("neon", 16, uint64_t(1) << 1)                                              \
  X("crc", 16, uint64_t(1) << 7)                                               \
  X("lse", 16, uint64_t(1) << 8)                                               \
  X("fullfp16", 16, uint64_t(3) << 9)                                          \
  X("rdm", 16, uint64_t(1) << 12)                                              \
  X("complxnum", 16, uint64_t(1) << 14)                                        \
  X("rcpc", 16, uint64_t(1) << 15)                                             \
  X("sha3", 16, uint64_t(1) << 17)                                             \
  X("dotprod", 16, uint64_t(1) << 20)                                          \
  X("sve", 16, uint64_t(1) << 22)                                              \
  X("fp16fml", 16, uint64_t(1) << 23)                                          \
  X("rcpc-immo", 16, uint64_t(1) << 26)                                        \
  X("sve2", 26, uint64_t(1) << 1)                                              \
  X("fptoint", 26, uint64_t(1) << 8)                                           \
  X("f32mm", 26, uint64_t(1) << 10)                                            \
  X("f64mm", 26, uint64_t(1) << 11)                                            \
  X("i8mm", 26, uint64_t(1) << 13)                                             \
  X("bf16", 26, uint64_t(1) << 14)                                             \
  X("cssc", 26, uint64_t(1) << 34)                                             \
  X("sve2p1", 26, uint64_t(1) << 36)                                           \
  X("mops", 26, uint64_t(1) << 43)

#define LLMC_RISCV_FEATURES(X)                                                 \
  X("f", 0)                                                                    \
  X("d", 0)                                                                    \
  X("c", 1)                                                                    \
  X("v", 2)                                                                    \
  X("zba", 3)                                                                  \
  X("zbb", 4)                                                                  \
  X("zbs", 5)                                                                  \
  X("zbc", 7)                                                                  \
  X("zbkb", 8)                                                                 \
  X("zbkc", 9)                                                                 \
  X("zbkx", 10)                                                                \
  X("zvbb", 17)                                                                \
  X("zvbc", 18)                                                                \
  X("zvkb", 19)                                                                \
  X("zfh", 27)                                                                 \
  X("zfhmin", 28)                                                              \
  X("zvfh", 30)                                                                \
  X("zvfhmin", 31)                                                             \
  X("zfa", 32)                                                                 \
  X("zacas", 34)                                                               \
  X("zicond", 35)                                                              \
  X("zve32x", 37)                                                              \
  X("zve32f", 38)                                                              \
  X("zve64x", 39)                                                              \
  X("zve64f", 40)                                                              \
  X("zve64d", 41)                                                              \
  X("zca", 43)                                                                 \
  X("zcb", 44)                                                                 \
  X("zcd", 45)

/// The rest of RISC-V's: bits that a vector register has at least.
#define LLMC_RISCV_VECTOR_BITS(X)                                              \
  X("zvl32b", 32)                                                              \
  X("zvl64b", 64)                                                              \
  X("zvl128b", 128)                                                            \
  X("zvl256b", 256)                                                            \
  X("zvl512b", 512)                                                            \
  X("zvl1024b", 1024)

} // namespace llmc::artifact

#endif // LLMC_RUNTIME_ARTIFACTFORMAT_H
