//===- Manifest.h - manifest.json, read and checked ------------*- C++ -*-===//

#ifndef LLMC_LIB_RUNTIME_MANIFEST_H
#define LLMC_LIB_RUNTIME_MANIFEST_H

#include "Tensor.h"
#include <set>
#include <string>
#include <vector>

namespace llmc::runtime {

struct WeightSpec {
  std::string name;
  llmc_dtype dtype;
  std::vector<int64_t> shape;
  int64_t offset;
  int64_t bytes;
};

/// docs/artifact.md describes the fields. Whatever a Manifest holds has been
/// checked, but for what only the other files can show.
struct Manifest {
  std::string triple;
  std::vector<std::string> features;
  std::string entry;
  std::vector<TensorSpec> inputs, outputs, states;
  std::vector<WeightSpec> weights;
  int64_t moduleBytes = 0, weightsBytes = 0;
  bool hasPastLength = false;
  /// The input and its dimension that say how many tokens a run appends.
  size_t stepInput = 0, stepAxis = 0;
  /// The "model" object.
  std::string metadata = "{}";
  int64_t contextLength = 0;
  std::vector<int64_t> eosIds;

  /// Reads the manifest in `directory`.
  static Manifest read(const std::string &directory);

private:
  friend class ManifestReader;
  /// Owns the names that TensorSpec::symbols point to.
  std::set<std::string> symbols;
};

} // namespace llmc::runtime

#endif // LLMC_LIB_RUNTIME_MANIFEST_H
