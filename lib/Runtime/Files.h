//===- Files.h - a mapped file and a loaded module -------------*- C++ -*-===//

#ifndef LLMC_LIB_RUNTIME_FILES_H
#define LLMC_LIB_RUNTIME_FILES_H

#include <cstdint>
#include <string>

namespace llmc::runtime {

/// A file opened for reading. Fails for a directory, a pipe or a device.
class OpenFile {
public:
  explicit OpenFile(const std::string &path);
  /// Fails unless it has `expected` bytes: a module or weights that were cut
  /// off would end the process at the first access.
  OpenFile(const std::string &path, int64_t expected);
  ~OpenFile();
  OpenFile(const OpenFile &) = delete;
  OpenFile &operator=(const OpenFile &) = delete;

  const std::string &getPath() const { return path; }
  int getDescriptor() const { return descriptor; }
  int64_t size() const { return bytes; }
  std::string read() const;

private:
  std::string path;
  int descriptor;
  int64_t bytes = 0;
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
  OpenFile file;
  void *handle;
};

} // namespace llmc::runtime

#endif // LLMC_LIB_RUNTIME_FILES_H
