//===- Sampler.h - chooses the next token ----------------------*- C++ -*-===//

#ifndef LLMC_LIB_RUNTIME_SAMPLER_H
#define LLMC_LIB_RUNTIME_SAMPLER_H

#include "llmc/Runtime/llmc.h"
#include <optional>
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

  /// A token, of which there are `size`.
  int64_t choose(const float *logits, size_t size);
  /// How many of the best of `size` logits the choice depends on; nothing if on
  /// all of them.
  std::optional<size_t> getNumBest(size_t size) const;
  /// The same token, given these best logits and their tokens only.
  int64_t chooseAmong(const float *best, const int64_t *tokens, size_t count);

private:
  /// Makes the best logits candidates, the best one first: `count` of them, or
  /// all above -inf if those are fewer.
  void select(const float *logits, size_t size, size_t count);
  double getWeight(double logit, double best) const;
  /// Makes logits weights; returns their sum.
  double weigh(double best);
  /// Keeps the first candidates that have `wanted` together; returns their sum.
  double cut(double wanted);
  /// Makes the fewest tokens candidates that have a part topP of all weights.
  double selectNucleus(const float *logits, size_t size, double best);
  /// One of the candidates, which are logits.
  int64_t chooseCandidate();
  /// One of the candidates, which are weights of this sum.
  int64_t drawCandidate(double total);
  /// Uniform in [0, 1).
  double draw();

  double temperature;
  size_t topK;
  double topP;
  uint64_t state;
  /// (logit or weight, token); kept between calls for its memory.
  std::vector<std::pair<double, int64_t>> candidates;
};

} // namespace llmc::runtime

#endif // LLMC_LIB_RUNTIME_SAMPLER_H
