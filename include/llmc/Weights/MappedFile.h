//===- MappedFile.h - a file in memory, shared by what points into it -----===//

#ifndef LLMC_WEIGHTS_MAPPEDFILE_H
#define LLMC_WEIGHTS_MAPPEDFILE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/Twine.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/FileSystem.h"
#include <memory>

namespace llmc {

/// A regular file mapped read-only. Whoever keeps a slice of it keeps the
/// shared pointer too.
class MappedFile {
public:
  static llvm::Expected<std::shared_ptr<const MappedFile>>
  open(const llvm::Twine &path);

  llvm::ArrayRef<char> getData() const {
    return llvm::ArrayRef<char>(region.const_data(), size);
  }

  /// Tells the system that the pages of `slice`, a part of getData(), are not
  /// needed in memory; they are read again when touched.
  void release(llvm::ArrayRef<char> slice) const;

private:
  MappedFile() = default;

  /// An empty file has no region: mmap refuses a size of 0.
  llvm::sys::fs::mapped_file_region region;
  size_t size = 0;
};

} // namespace llmc

#endif // LLMC_WEIGHTS_MAPPEDFILE_H
