//===- Json.cpp - JSON of files that others wrote -------------------------===//

#include "llmc/Weights/Json.h"

using namespace llmc;

static constexpr unsigned maxDepth = 64;

/// How many lists and objects are open at once, at most, in `text`; that of
/// broken JSON may be any number.
static unsigned getDepth(llvm::StringRef text) {
  unsigned depth = 0, most = 0;
  bool inString = false;
  for (size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '"')
      inString = !inString;
    else if (inString)
      i += c == '\\';
    else if (c == '[' || c == '{')
      most = std::max(most, ++depth);
    else if (depth && (c == ']' || c == '}'))
      --depth;
  }
  return most;
}

llvm::Expected<llvm::json::Value> llmc::parseJson(llvm::StringRef text) {
  if (getDepth(text) > maxDepth)
    return llvm::createStringError("the JSON is nested more than " +
                                   llvm::Twine(maxDepth) + " deep");
  return llvm::json::parse(text);
}
