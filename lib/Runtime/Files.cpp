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

OpenFile::OpenFile(const std::string &path, int64_t bytes)
    : descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
  struct stat status;
  if (descriptor < 0 || ::fstat(descriptor, &status) != 0)
    fail(LLMC_ERROR_FILE, "cannot read ", path, ": ", std::strerror(errno));
  // The destructor of an object that was not made does not run.
  auto reject = [&](const auto &...parts) {
    ::close(descriptor);
    fail(LLMC_ERROR_FILE, path, parts...);
  };
  if (!S_ISREG(status.st_mode))
    reject(" is not a file");
  if (int64_t(status.st_size) != bytes)
    reject(" has ", int64_t(status.st_size), " bytes where the manifest says ",
           bytes,
           ": the artifact was cut off or mixed up, copy or compile it again");
}

OpenFile::~OpenFile() { ::close(descriptor); }

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

Library::Library(const std::string &path, int64_t bytes)
    : path(path), file(path, bytes) {
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
    fail(LLMC_ERROR_FORMAT, path, " has no symbol '", symbol, "'");
  return address;
}
