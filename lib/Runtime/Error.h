//===- Error.h - how the runtime fails -------------------------*- C++ -*-===//
//
// Inside the library a failure is an exception; guarded() turns it into a
// status and a message at the C interface.
//
//===----------------------------------------------------------------------===//

#ifndef LLMC_LIB_RUNTIME_ERROR_H
#define LLMC_LIB_RUNTIME_ERROR_H

#include "llmc/Runtime/llmc.h"
#include <exception>
#include <new>
#include <sstream>
#include <string>

namespace llmc::runtime {

struct Failure {
  llmc_status status;
  std::string message;
};

/// Keeps the message for llmc_last_error and returns the status.
llmc_status setLastError(llmc_status status, const char *message) noexcept;
const char *getLastError() noexcept;

template <typename... Parts>
[[noreturn]] void fail(llmc_status status, const Parts &...parts) {
  std::ostringstream message;
  (message << ... << parts);
  throw Failure{status, message.str()};
}

/// Runs `function`; no exception leaves.
template <typename Function> llmc_status guarded(Function &&function) noexcept {
  try {
    function();
    return LLMC_OK;
  } catch (const Failure &failure) {
    return setLastError(failure.status, failure.message.c_str());
  } catch (const std::bad_alloc &) {
    return setLastError(LLMC_ERROR_MEMORY, "out of memory");
  } catch (const std::exception &error) {
    return setLastError(LLMC_ERROR_INTERNAL, error.what());
  } catch (...) {
    return setLastError(LLMC_ERROR_INTERNAL, "an unknown exception");
  }
}

} // namespace llmc::runtime

#endif // LLMC_LIB_RUNTIME_ERROR_H
