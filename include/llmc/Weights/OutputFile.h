//===- OutputFile.h - a file that is complete or not there -----*- C++ -*-===//

#ifndef LLMC_WEIGHTS_OUTPUTFILE_H
#define LLMC_WEIGHTS_OUTPUTFILE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"
#include <memory>
#include <optional>
#include <string>

namespace llmc {

/// A file under a temporary name that takes its own with `keep`, and is gone
/// without. What is no regular file, such as /dev/stdout, is written to
/// directly; "-" is the standard output.
class OutputFile {
public:
  static llvm::Expected<std::unique_ptr<OutputFile>>
  create(llvm::StringRef path);
  ~OutputFile();

  llvm::raw_fd_ostream &os() { return *stream; }

  /// Fails when anything could not be written.
  llvm::Error keep();

private:
  explicit OutputFile(llvm::StringRef path) : path(path) {}
  llvm::Error fail(const llvm::Twine &problem) const;

  std::string path;
  std::optional<llvm::sys::fs::TempFile> file;
  std::unique_ptr<llvm::raw_fd_ostream> stream;
};

} // namespace llmc

#endif // LLMC_WEIGHTS_OUTPUTFILE_H
