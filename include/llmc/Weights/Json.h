//===- Json.h - JSON of files that others wrote ----------------*- C++ -*-===//

#ifndef LLMC_WEIGHTS_JSON_H
#define LLMC_WEIGHTS_JSON_H

#include "llvm/Support/JSON.h"

namespace llmc {

/// llvm::json::parse for text that anybody may have written: that calls itself
/// for each list in a list, and would overflow the stack.
llvm::Expected<llvm::json::Value> parseJson(llvm::StringRef text);

} // namespace llmc

#endif // LLMC_WEIGHTS_JSON_H
