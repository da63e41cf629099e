//===- Files.cpp - a mapped file and a loaded module ----------------------===//

#include "Files.h"
#include "Error.h"
#include <cerrno>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace llmc::runtime;

// Opening a pipe that nobody writes to would wait for ever but for O_NONBLOCK,
// which means nothing to a file.
OpenFile::OpenFile(const std::string &path)
    : path(path),
      descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {
  if (descriptor < 0)
    fail(LLMC_ERROR_FILE, "cannot read ", path, ": ", std::strerror(errno),
         ": is this the directory of an artifact?");
  struct stat status;
  if (::fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
    // The destructor of an object that was not made does not run.
    ::close(descriptor);
    fail(LLMC_ERROR_FILE, path, " is not a file");
  }
  bytes = int64_t(status.st_size);
}

OpenFile::OpenFile(const std::string &path, int64_t expected) : OpenFile(path) {
  if (bytes != expected)
    fail(LLMC_ERROR_FILE, path, " has ", bytes,
         " bytes where the manifest says ", expected,
         ": the artifact was cut off or mixed up, copy or compile it again");
}

OpenFile::~OpenFile() { ::close(descriptor); }

std::string OpenFile::read() const {
  std::string text(size_t(bytes), '\0');
  for (size_t done = 0; done < text.size();) {
    ssize_t count = ::read(descriptor, &text[done], text.size() - done);
    if (count <= 0)
      fail(LLMC_ERROR_FILE, "cannot read all of ", path);
    done += size_t(count);
  }
  return text;
}

MappedFile::MappedFile(const std::string &path, int64_t bytes) : bytes(bytes) {
  OpenFile file(path, bytes);
  if (bytes == 0)
    return;
  void *mapped = ::mmap(nullptr, size_t(bytes), PROT_READ, MAP_SHARED,
                        file.getDescriptor(), 0);
  if (mapped == MAP_FAILED)
    fail(LLMC_ERROR_FILE, "cannot map ", path, ": ", std::strerror(errno));
  memory = mapped;
}

MappedFile::~MappedFile() {
  if (memory)
    ::munmap(memory, size_t(bytes));
}

Library::Library(const std::string &path, int64_t bytes) : file(path, bytes) {
  // By its own path dlopen would return an older module that was loaded from
  // there and is still in use. The descriptor stays open as long as the module
  // is loaded, so no other module gets this name.
  std::string name = "/proc/self/fd/" + std::to_string(file.getDescriptor());
  handle = ::dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle)
    fail(LLMC_ERROR_FILE, "cannot load ", path, ": ", ::dlerror());
}

Library::~Library() { ::dlclose(handle); }

void *Library::lookup(const std::string &symbol) const {
  return ::dlsym(handle, symbol.c_str());
}

void *Library::find(const std::string &symbol) const {
  void *address = lookup(symbol);
  if (!address)
    fail(LLMC_ERROR_FORMAT, file.getPath(), " has no symbol '", symbol, "'");
  return address;
}
