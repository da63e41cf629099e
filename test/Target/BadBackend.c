/* A backend that llmc must refuse, for one reason that is chosen when it is
 * compiled. In C, which the entry point's header must be. */
#include "llmc/Target/BackendInfo.h"
#include "llmc/Version.h"
#include "llvm/Config/llvm-config.h"

static void *create(void) { return NULL; }

const LlmcBackendInfo *llmcGetBackendInfo(void) {
  static LlmcBackendInfo info = {sizeof(LlmcBackendInfo),
                                 LLMC_BACKEND_API_MAJOR,
                                 LLMC_BACKEND_API_MINOR,
                                 LLMC_VERSION_STRING,
                                 LLVM_VERSION_STRING,
                                 "bad",
                                 "a backend that cannot be created",
                                 create};
#if defined(ApiVersion)
  info.api_major = 99;
#elif defined(LlmcVersion)
  info.llmc_version = "0.0.1";
#elif defined(MlirVersion)
  info.mlir_version = "21.1.0";
#elif defined(StructSize)
  info.struct_size = 8;
#elif defined(NoInfo)
  return NULL;
#elif defined(Name)
  info.name = "Not a name";
#endif
  return &info;
}
