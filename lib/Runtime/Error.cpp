//===- Error.cpp - the message of the latest failure ----------------------===//

#include "Error.h"
#include <cstdio>

using namespace llmc::runtime;

namespace {
// Of fixed size, so that reporting a lack of memory needs none.
thread_local char lastError[2048] = "";
} // namespace

llmc_status llmc::runtime::setLastError(llmc_status status,
                                        const char *message) noexcept {
  std::snprintf(lastError, sizeof(lastError), "%s", message);
  return status;
}

const char *llmc::runtime::getLastError() noexcept { return lastError; }
