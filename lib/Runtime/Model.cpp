//===- Model.cpp - an opened artifact -------------------------------------===//

#include "Model.h"
#include "CpuFeatures.h"
#include "Error.h"
#include <map>

using namespace llmc;
using namespace llmc::runtime;

/// The same mutex for every model that shares `flag`.
static std::shared_ptr<std::mutex> getMutexOf(const int64_t *flag) {
  static std::mutex mapMutex;
  static std::map<const int64_t *, std::weak_ptr<std::mutex>> mutexes;
  std::lock_guard<std::mutex> lock(mapMutex);
  std::weak_ptr<std::mutex> &entry = mutexes[flag];
  std::shared_ptr<std::mutex> mutex = entry.lock();
  if (!mutex)
    entry = mutex = std::make_shared<std::mutex>();
  return mutex;
}

Model::Model(const std::string &directory)
    : manifest(Manifest::read(directory)) {
  // Before any of its code is loaded.
  checkTarget(manifest.triple, manifest.features);
  weights = std::make_unique<MappedFile>(
      directory + "/" + artifact::kWeightsFile, manifest.weightsBytes);
  std::string module = directory + "/" + artifact::kModuleFile;
  library = std::make_unique<Library>(module, manifest.moduleBytes);
  entry =
      reinterpret_cast<artifact::EntryFunction>(library->find(manifest.entry));
  kernelError = static_cast<int64_t *>(library->find(artifact::kErrorSymbol));
  invokeMutex = getMutexOf(kernelError);
  setThreads =
      reinterpret_cast<void (*)(int)>(library->lookup("omp_set_num_threads"));
  getThreads =
      reinterpret_cast<int (*)()>(library->lookup("omp_get_max_threads"));

  for (size_t i = 0; i < manifest.inputs.size(); ++i)
    inputIndex.emplace(manifest.inputs[i].name, int(i));
  for (const WeightSpec &weight : manifest.weights)
    weightDescriptors.emplace_back(weights->data() + weight.offset,
                                   weight.shape.data(), weight.shape.size());
}

const std::vector<TensorSpec> &Model::getSpecs(llmc_port port) const {
  switch (port) {
  case LLMC_INPUT:
    return manifest.inputs;
  case LLMC_OUTPUT:
    return manifest.outputs;
  case LLMC_STATE:
    return manifest.states;
  }
  fail(LLMC_ERROR_ARGUMENT, "there is no llmc_port ", int(port));
}

int Model::findInput(const std::string &name) const {
  auto it = inputIndex.find(name);
  return it == inputIndex.end() ? -1 : it->second;
}

void Model::appendWeights(std::vector<void *> &args) const {
  for (Descriptor &descriptor : weightDescriptors)
    args.push_back(descriptor.get());
}

void Model::invoke(std::vector<void *> &args, int threads) const {
  int64_t code;
  {
    std::lock_guard<std::mutex> lock(*invokeMutex);
    *kernelError = artifact::kKernelOk;
    bool changes = threads > 0 && setThreads && getThreads;
    int before = changes ? getThreads() : 0;
    if (changes)
      setThreads(threads);
    entry(args.data());
    if (changes)
      setThreads(before);
    code = *kernelError;
    *kernelError = artifact::kKernelOk;
  }
  switch (code) {
  case artifact::kKernelOk:
    return;
  case artifact::kKernelIndexOutOfRange:
    fail(LLMC_ERROR_KERNEL, "the model used an index that is out of range: is "
                            "a token id too large, or the sequence too long?");
  case artifact::kKernelShapeMismatch:
    fail(LLMC_ERROR_KERNEL, "shapes of inputs do not fit each other");
  case artifact::kKernelOutOfMemory:
    fail(LLMC_ERROR_MEMORY, "there is no memory for what the model computes "
                            "on the way: pass smaller inputs");
  default:
    fail(LLMC_ERROR_KERNEL, "the compiled code reports error ", code);
  }
}
