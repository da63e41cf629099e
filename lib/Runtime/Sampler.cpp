//===- Sampler.cpp - chooses the next token -------------------------------===//

#include "Sampler.h"
#include "Error.h"
#include <algorithm>
#include <cmath>

using namespace llmc::runtime;

Sampler::Sampler(const llmc_generate_options &options)
    : temperature(options.temperature), topK(size_t(options.top_k)),
      topP(options.top_p), state(options.seed) {
  if (!(temperature >= 0) || std::isinf(temperature))
    fail(LLMC_ERROR_ARGUMENT, "temperature must be 0 or more, and finite");
  if (options.top_k < 0)
    fail(LLMC_ERROR_ARGUMENT, "top_k must be 0 (all tokens) or more");
  if (!(topP > 0 && topP <= 1))
    fail(LLMC_ERROR_ARGUMENT, "top_p must be above 0 and at most 1");
}

double Sampler::draw() {
  // SplitMix64: one word of state, so that every seed is a good one.
  state += 0x9e3779b97f4a7c15u;
  uint64_t z = state;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  z ^= z >> 31;
  return double(z >> 11) * 0x1.0p-53;
}

int64_t Sampler::choose(const std::vector<float> &logits) {
  if (logits.empty())
    fail(LLMC_ERROR_KERNEL, "the model's vocabulary is empty");
  size_t best = 0;
  for (size_t i = 0; i < logits.size(); ++i) {
    if (std::isnan(logits[i]))
      fail(LLMC_ERROR_KERNEL,
           "the model computed a logit that is not a number "
           "(token ",
           i, ")");
    if (logits[i] > logits[best])
      best = i;
  }
  // With infinite logits there are no probabilities to sample from.
  if (temperature == 0 || std::isinf(logits[best]))
    return int64_t(best);

  candidates.clear();
  for (size_t i = 0; i < logits.size(); ++i)
    candidates.emplace_back(double(logits[i]), int64_t(i));
  // Equal logits go by token, or the text would depend on the sort.
  auto better = [](const auto &a, const auto &b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  };
  size_t count = candidates.size();
  if (topK > 0 && topK < count) {
    count = topK;
    std::nth_element(candidates.begin(), candidates.begin() + (count - 1),
                     candidates.end(), better);
    candidates.resize(count);
  }
  if (topP < 1 || topK > 0)
    std::sort(candidates.begin(), candidates.end(), better);
  double total = 0;
  for (auto &[weight, token] : candidates) {
    weight = std::exp((weight - double(logits[best])) / temperature);
    total += weight;
  }
  if (topP < 1) {
    double kept = 0;
    for (count = 0; count < candidates.size() && kept < topP * total; ++count)
      kept += candidates[count].first;
    candidates.resize(std::max<size_t>(count, 1));
    total = std::max(kept, candidates[0].first);
  }
  double point = draw() * total;
  for (const auto &[weight, token] : candidates) {
    point -= weight;
    if (point < 0)
      return token;
  }
  // Rounding can leave a rest: the last token that had a chance takes it.
  auto last = std::find_if(candidates.rbegin(), candidates.rend(),
                           [](const auto &c) { return c.first > 0; });
  return last->second;
}
