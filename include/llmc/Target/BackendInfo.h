/*===- BackendInfo.h - the entry point of a backend -----------------*- C -*-===
 *
 * A backend is a shared library with one C function, llmcGetBackendInfo.
 * llmc loads it by --load-backend=FILE and calls that function before anything
 * else of it, so what is wrong with a library is one sentence, not a crash.
 * A backend written in C++ defines it by LLMC_DEFINE_BACKEND in Backend.h.
 *
 * Rules of change: a field is only ever added at the end of LlmcBackendInfo,
 * which raises the minor version; anything else raises the major version.
 *
 *===----------------------------------------------------------------------===*/

#ifndef LLMC_TARGET_BACKENDINFO_H
#define LLMC_TARGET_BACKENDINFO_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define LLMC_BACKEND_API_MAJOR 1
#define LLMC_BACKEND_API_MINOR 0

typedef struct LlmcBackendInfo {
  /** sizeof(LlmcBackendInfo) as the backend was built. */
  size_t struct_size;
  /** LLMC_BACKEND_API_MAJOR and _MINOR as the backend was built. */
  uint32_t api_major, api_minor;
  /** LLMC_VERSION_STRING and LLVM_VERSION_STRING as the backend was built: the
   * interface behind `create` is C++, and must be of the same build. */
  const char *llmc_version, *mlir_version;
  /** What --target and reports call it: lower-case letters, digits and '-'. */
  const char *name;
  /** One line for people. */
  const char *description;
  /** A new llmc::Backend, which the caller deletes. */
  void *(*create)(void);
} LlmcBackendInfo;

/** The one symbol that a backend exports. The result lives as long as the
 * library is loaded. */
const LlmcBackendInfo *llmcGetBackendInfo(void);

#ifdef __cplusplus
}
#endif

#endif /* LLMC_TARGET_BACKENDINFO_H */
