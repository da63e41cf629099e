//===- Sampler.h - chooses the next token ----------------------*- C++ -*-===//

#ifndef LLMC_LIB_RUNTIME_SAMPLER_H
#define LLMC_LIB_RUNTIME_SAMPLER_H

#include "llmc/Runtime/llmc.h"
#include <utility>
#include <vector>

namespace llmc::runtime {

/// Greedy, or sampled with temperature, top-k and top-p in this order. Its
/// random numbers are its own, so that a seed means the same text on every
/// system.
class Sampler {
public:
  /// Fails for options without meaning.
  explicit Sampler(const llmc_generate_options &options);

  int64_t choose(const std::vector<float> &logits);

private:
  /// Uniform in [0, 1).
  double draw();

  double temperature;
  size_t topK;
  double topP;
  uint64_t state;
  /// (weight, token); kept between calls for its memory.
  std::vector<std::pair<double, int64_t>> candidates;
};

} // namespace llmc::runtime

#endif // LLMC_LIB_RUNTIME_SAMPLER_H
