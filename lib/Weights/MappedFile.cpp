//===- MappedFile.cpp - a file in memory, shared by what points into it ---===//

#include "llmc/Weights/MappedFile.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/Process.h"
#include <sys/mman.h>

using namespace llvm;
using namespace llmc;

static Error describe(const Twine &path, const Twine &problem) {
  return createStringError("cannot read '" + path + "': " + problem);
}

Expected<std::shared_ptr<const MappedFile>>
MappedFile::open(const Twine &path) {
  // Asked before opening: a FIFO would block, a directory cannot be mapped.
  sys::fs::file_status status;
  if (std::error_code error = sys::fs::status(path, status))
    return describe(path, error.message());
  if (!sys::fs::is_regular_file(status))
    return describe(path, "not a regular file");

  Expected<sys::fs::file_t> file = sys::fs::openNativeFileForRead(path);
  if (!file)
    return describe(path, toString(file.takeError()));
  std::shared_ptr<MappedFile> result(new MappedFile());
  result->size = status.getSize();
  std::error_code error;
  if (result->size != 0)
    result->region = sys::fs::mapped_file_region(
        *file, sys::fs::mapped_file_region::readonly, result->size, 0, error);
  (void)sys::fs::closeFile(*file);
  if (error)
    return describe(path, error.message());
  return result;
}

void MappedFile::release(ArrayRef<char> slice) const {
  // Only whole pages: the ends may belong to a neighbour that is in use.
  uintptr_t page = sys::Process::getPageSizeEstimate();
  uintptr_t begin = alignTo(uintptr_t(slice.begin()), page);
  uintptr_t end = alignDown(uintptr_t(slice.end()), page);
  if (begin < end)
    (void)madvise(reinterpret_cast<void *>(begin), end - begin, MADV_DONTNEED);
}
