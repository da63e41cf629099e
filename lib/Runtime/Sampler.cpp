//===- Sampler.cpp - chooses the next token -------------------------------===//

#include "Sampler.h"
#include "Error.h"
#include <algorithm>
#include <cmath>
#include <limits>

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

//===----------------------------------------------------------------------===//
// The best tokens
//===----------------------------------------------------------------------===//

/// Logits that are compared together, and tokens that are tried for a nucleus
/// first.
static constexpr size_t blockSize = 64, firstNucleus = 64;

static constexpr float infinity = std::numeric_limits<float>::infinity();

/// Of blockSize logits; not a number if one of them is none.
static float findLargest(const float *logits) {
  // In eight rows: compilers make vectors of them, as the order does not
  // matter.
  constexpr size_t width = 8;
  float largest[width];
  bool areNumbers = true;
  std::copy(logits, logits + width, largest);
  for (size_t i = 0; i < blockSize; i += width)
    for (size_t j = 0; j < width; ++j) {
      float logit = logits[i + j];
      largest[j] = logit > largest[j] ? logit : largest[j];
      areNumbers &= logit == logit;
    }
  return areNumbers ? *std::max_element(largest, largest + width)
                    : std::numeric_limits<float>::quiet_NaN();
}

[[noreturn]] static void failNotANumber(int64_t token) {
  fail(LLMC_ERROR_KERNEL,
       "the model computed a logit that is not a number (token ", token, ")");
}

void Sampler::select(const float *logits, size_t size, size_t count) {
  // Equal logits go by token, or the text would depend on the sort.
  auto better = [](const auto &a, const auto &b) {
    return a.first != b.first ? a.first > b.first : a.second < b.second;
  };
  candidates.clear();
  // What is not above it has as many better ones as are wanted.
  float bound = -infinity;
  auto keepBest = [&] {
    auto last = candidates.begin() + ptrdiff_t(count - 1);
    std::nth_element(candidates.begin(), last, candidates.end(), better);
    bound = float(last->first);
    candidates.resize(count);
  };
  for (size_t begin = 0; begin < size; begin += blockSize) {
    size_t end = std::min(begin + blockSize, size);
    if (end - begin == blockSize && findLargest(logits + begin) <= bound)
      continue;
    for (size_t i = begin; i < end; ++i) {
      if (std::isnan(logits[i]))
        failNotANumber(int64_t(i));
      if (logits[i] <= bound)
        continue;
      candidates.emplace_back(double(logits[i]), int64_t(i));
      if (candidates.size() / 2 >= count)
        keepBest();
    }
  }
  if (candidates.size() > count)
    keepBest();
  std::sort(candidates.begin(), candidates.end(), better);
}

double Sampler::getWeight(double logit, double best) const {
  return std::exp((logit - best) / temperature);
}

double Sampler::weigh(double best) {
  double total = 0;
  for (auto &[weight, token] : candidates) {
    weight = getWeight(weight, best);
    total += weight;
  }
  return total;
}

double Sampler::cut(double wanted) {
  double kept = 0;
  size_t count = 0;
  while (count < candidates.size() && kept < wanted)
    kept += candidates[count++].first;
  candidates.resize(count);
  return kept;
}

double Sampler::selectNucleus(const float *logits, size_t size, double best) {
  double total = 0;
  for (size_t i = 0; i < size; ++i)
    total += getWeight(double(logits[i]), best);
  // A few tokens have most of the weight: sorting all takes far longer.
  for (size_t count = firstNucleus;; count *= 8) {
    select(logits, size, std::min(count, size));
    weigh(best);
    double kept = cut(topP * total);
    if (kept >= topP * total || count >= size)
      return kept;
  }
}

std::optional<size_t> Sampler::getNumBest(size_t size) const {
  if (temperature == 0)
    return 1;
  if (topK == 0)
    return std::nullopt;
  return std::min(topK, size);
}

int64_t Sampler::chooseAmong(const float *best, const int64_t *tokens,
                             size_t count) {
  candidates.clear();
  for (size_t i = 0; i < count; ++i) {
    if (std::isnan(best[i]))
      failNotANumber(tokens[i]);
    if (best[i] > -infinity)
      candidates.emplace_back(double(best[i]), tokens[i]);
  }
  return chooseCandidate();
}

int64_t Sampler::choose(const float *logits, size_t size) {
  if (size == 0)
    fail(LLMC_ERROR_KERNEL, "the model's vocabulary is empty");
  std::optional<size_t> count = getNumBest(size);
  select(logits, size, count.value_or(1));
  if (count || candidates.empty() || std::isinf(candidates.front().first))
    return chooseCandidate();

  double best = candidates.front().first;
  if (topP < 1)
    return drawCandidate(selectNucleus(logits, size, best));
  candidates.clear();
  for (size_t i = 0; i < size; ++i)
    candidates.emplace_back(double(logits[i]), int64_t(i));
  return drawCandidate(weigh(best));
}

int64_t Sampler::chooseCandidate() {
  if (candidates.empty())
    return 0;
  auto [best, token] = candidates.front();
  // With infinite logits there are no probabilities to sample from.
  if (temperature == 0 || std::isinf(best))
    return token;
  double total = weigh(best);
  if (topP < 1)
    total = cut(topP * total);
  return drawCandidate(total);
}

int64_t Sampler::drawCandidate(double total) {
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
