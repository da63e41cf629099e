//===- Model.h - an opened artifact ----------------------------*- C++ -*-===//

#ifndef LLMC_LIB_RUNTIME_MODEL_H
#define LLMC_LIB_RUNTIME_MODEL_H

#include "Files.h"
#include "Manifest.h"
#include "llmc/Runtime/ArtifactFormat.h"
#include <memory>
#include <mutex>
#include <unordered_map>

namespace llmc::runtime {

/// Never changes once it is open, so that sessions of many threads share it.
class Model {
public:
  explicit Model(const std::string &directory);

  const Manifest &getManifest() const { return manifest; }
  const std::vector<TensorSpec> &getSpecs(llmc_port port) const;
  /// The index of an input, or -1.
  int findInput(const std::string &name) const;

  /// Appends a pointer to the descriptor of each weight.
  void appendWeights(std::vector<void *> &args) const;
  /// Calls the compiled code on `threads` threads, or as many as OpenMP says
  /// for 0; fails with what it reports.
  void invoke(std::vector<void *> &args, int threads) const;

private:
  Manifest manifest;
  std::unordered_map<std::string, int> inputIndex;
  std::unique_ptr<MappedFile> weights;
  std::unique_ptr<Library> library;
  artifact::EntryFunction entry;
  int64_t *kernelError;
  /// OpenMP's, of the calling thread; null in a model of one thread.
  void (*setThreads)(int);
  int (*getThreads)();
  mutable std::vector<Descriptor> weightDescriptors;
  /// Compiled code has one error flag for all threads, and an artifact that is
  /// opened twice is loaded once.
  std::shared_ptr<std::mutex> invokeMutex;
};

} // namespace llmc::runtime

#endif // LLMC_LIB_RUNTIME_MODEL_H
