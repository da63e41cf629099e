//===- OutputFile.cpp - a file that appears complete or not at all --------===//

#include "llmc/Weights/OutputFile.h"

using namespace llvm;
using namespace llmc;

Error OutputFile::fail(const Twine &problem) const {
  return createStringError("cannot write '" + path + "': " + problem);
}

Expected<std::unique_ptr<OutputFile>> OutputFile::create(StringRef path) {
  std::unique_ptr<OutputFile> result(new OutputFile(path));
  sys::fs::file_status status;
  bool isSpecial = path == "-" ||
                   (!sys::fs::status(path, status) && sys::fs::exists(status) &&
                    !sys::fs::is_regular_file(status));
  if (isSpecial) {
    std::error_code error;
    result->stream = std::make_unique<raw_fd_ostream>(path, error);
    if (!error)
      return result;
    result->stream->clear_error();
    return result->fail(error.message());
  }
  // Behind a link is the file that is to be replaced.
  SmallString<128> real(path);
  if (sys::fs::exists(status))
    sys::fs::real_path(path, real);
  result->path = std::string(real);
  Expected<sys::fs::TempFile> created = sys::fs::TempFile::create(
      real + ".%%%%%%.tmp", sys::fs::all_read | sys::fs::owner_write);
  if (!created)
    return result->fail(toString(created.takeError()));
  result->file.emplace(std::move(*created));
  result->stream = std::make_unique<raw_fd_ostream>(result->file->FD,
                                                    /*shouldClose=*/false);
  return result;
}

OutputFile::~OutputFile() {
  if (stream) {
    stream->flush();
    // Destroyed with an error, a stream would end the process.
    stream->clear_error();
    stream.reset();
  }
  if (file)
    consumeError(file->discard());
}

Error OutputFile::keep() {
  stream->flush();
  if (std::error_code error = stream->error())
    return fail(error.message());
  stream.reset();
  if (!file)
    return Error::success();
  Error error = file->keep(path);
  file.reset();
  return error ? fail(toString(std::move(error))) : Error::success();
}
