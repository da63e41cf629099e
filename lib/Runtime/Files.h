//===- Files.h - a mapped file and a loaded module -------------*- C++ -*-===//

#ifndef LLMC_LIB_RUNTIME_FILES_H
#define LLMC_LIB_RUNTIME_FILES_H

#include <cstdint>
#include <string>

namespace llmc::runtime {

/// A file opened for reading. Fails unless it has `bytes` bytes: a module or
/// weights that were cut off would end the process at the first access.
class OpenFile {
public:
  OpenFile(const std::string &path, int64_t bytes);
  ~OpenFile();
  OpenFile(const OpenFile &) = delete;
  OpenFile &operator=(const OpenFile &) = delete;

  int getDescriptor() const { return descriptor; }

private:
  int descriptor;
};

/// A file mapped read-only.
class MappedFile {
public:
  MappedFile(const std::string &path, int64_t bytes);
  ~MappedFile();
  MappedFile(const MappedFile &) = delete;
  MappedFile &operator=(const MappedFile &) = delete;

  char *data() const { return static_cast<char *>(memory); }
  int64_t size() const { return bytes; }

private:
  /// Null for an empty file, which cannot be mapped.
  void *memory = nullptr;
  int64_t bytes;
};

/// A loaded shared library.
class Library {
public:
  Library(const std::string &path, int64_t bytes);
  ~Library();
  Library(const Library &) = delete;
  Library &operator=(const Library &) = delete;

  /// A symbol of the library or of those that it needs; null if there is none.
  void *lookup(const std::string &symbol) const;
  /// Fails when there is no such symbol.
  void *find(const std::string &symbol) const;

private:
  std::string path;
  OpenFile file;
  void *handle;
};

} // namespace llmc::runtime

#endif // LLMC_LIB_RUNTIME_FILES_H
