//===- SamplerTest.cpp - the sampler against sorting everything -----------===//

#include "Sampler.h"
#include "Error.h"
#include "gtest/gtest.h"
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>

using namespace llmc::runtime;

namespace {

constexpr float infinity = std::numeric_limits<float>::infinity();

struct Choice {
  float temperature;
  int32_t topK;
  float topP;
};

llmc_generate_options getOptions(const Choice &choice) {
  llmc_generate_options options = LLMC_GENERATE_OPTIONS_INIT;
  options.temperature = choice.temperature;
  options.top_k = choice.topK;
  options.top_p = choice.topP;
  options.seed = 3;
  return options;
}

/// Sorts all tokens for each choice.
class SortingSampler {
public:
  SortingSampler(const std::vector<float> &logits, const Choice &choice)
      : choice(choice) {
    for (size_t i = 0; i < logits.size(); ++i)
      tokens.emplace_back(logits[i], int64_t(i));
    auto better = [](const auto &a, const auto &b) {
      return a.first != b.first ? a.first > b.first : a.second < b.second;
    };
    best = *std::min_element(tokens.begin(), tokens.end(), better);
    if (choice.topK > 0 || choice.topP < 1)
      std::sort(tokens.begin(), tokens.end(), better);
    if (choice.topK > 0 && size_t(choice.topK) < tokens.size())
      tokens.resize(size_t(choice.topK));
    if (choice.topP < 1) {
      double total = getTotal(), kept = 0;
      size_t count = 0;
      while (count < tokens.size() && kept < double(choice.topP) * total)
        kept += getWeight(tokens[count++].first);
      tokens.resize(count);
    }
  }

  int64_t choose() {
    if (choice.temperature == 0 || std::isinf(best.first))
      return best.second;
    double point = draw() * getTotal();
    for (auto [logit, token] : tokens) {
      point -= getWeight(logit);
      if (point < 0)
        return token;
    }
    ADD_FAILURE() << "the weights are less than their sum";
    return -1;
  }

private:
  double getWeight(float logit) const {
    return std::exp((double(logit) - double(best.first)) /
                    double(choice.temperature));
  }
  double getTotal() const {
    double total = 0;
    for (auto [logit, token] : tokens)
      total += getWeight(logit);
    return total;
  }
  /// SplitMix64.
  double draw() {
    state += 0x9e3779b97f4a7c15u;
    uint64_t z = state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return double((z ^ (z >> 31)) >> 11) * 0x1.0p-53;
  }

  Choice choice;
  std::vector<std::pair<float, int64_t>> tokens;
  std::pair<float, int64_t> best;
  uint64_t state = 3;
};

/// The `count` best logits, not a number before all others, and their tokens.
struct Best {
  Best(const std::vector<float> &all, size_t count) : tokens(all.size()) {
    std::iota(tokens.begin(), tokens.end(), 0);
    auto order = [&](int64_t token) {
      float logit = all[size_t(token)];
      return std::isnan(logit) ? std::pair(false, 0.0f)
                               : std::pair(true, -logit);
    };
    std::stable_sort(tokens.begin(), tokens.end(),
                     [&](int64_t a, int64_t b) { return order(a) < order(b); });
    tokens.resize(count);
    for (int64_t token : tokens)
      logits.push_back(all[size_t(token)]);
  }

  std::vector<int64_t> tokens;
  std::vector<float> logits;
};

void check(const std::vector<float> &logits, const Choice &choice) {
  SortingSampler reference(logits, choice);
  Sampler sampler(getOptions(choice)), other(getOptions(choice));
  std::optional<size_t> count = sampler.getNumBest(logits.size());
  Best best(logits, count.value_or(0));
  for (int i = 0; i < 50; ++i) {
    int64_t token = reference.choose();
    ASSERT_EQ(sampler.choose(logits.data(), logits.size()), token);
    if (count)
      ASSERT_EQ(
          other.chooseAmong(best.logits.data(), best.tokens.data(), *count),
          token);
  }
}

class SamplerTest : public testing::TestWithParam<Choice> {};

/// Numbers of tokens that blocks divide or not; the best ones anywhere.
TEST_P(SamplerTest, choosesAsASortedListDoes) {
  std::mt19937 random(5);
  for (size_t size : {1, 7, 64, 65, 200, 1024, 5000}) {
    for (float spread : {0.01f, 3.0f, 40.0f}) {
      std::normal_distribution<float> normal(0, spread);
      std::vector<float> logits(size);
      for (float &logit : logits)
        logit = normal(random);
      check(logits, GetParam());
      // Ascending, which every block is better in; descending; and ties.
      std::sort(logits.begin(), logits.end());
      check(logits, GetParam());
      std::reverse(logits.begin(), logits.end());
      check(logits, GetParam());
      for (float &logit : logits)
        logit = std::round(logit / spread);
      std::shuffle(logits.begin(), logits.end(), random);
      check(logits, GetParam());
    }
  }
}

TEST_P(SamplerTest, leavesOutExcludedTokens) {
  std::vector<float> logits(300, -infinity);
  check(logits, GetParam());
  logits[131] = -3;
  check(logits, GetParam());
  logits[250] = 2;
  logits[251] = 2;
  check(logits, GetParam());
  logits[260] = infinity;
  logits[270] = infinity;
  check(logits, GetParam());
}

TEST_P(SamplerTest, findsWhatIsNotANumber) {
  for (size_t at : {0, 63, 64, 190, 199}) {
    std::vector<float> logits(200, -1);
    logits[1] = 50;
    logits[at] = std::numeric_limits<float>::quiet_NaN();
    auto expectFailure = [&](auto choose) {
      try {
        choose();
        FAIL() << at;
      } catch (const Failure &failure) {
        EXPECT_NE(failure.message.find("(token " + std::to_string(at) + ")"),
                  std::string::npos)
            << failure.message;
      }
    };
    Sampler sampler(getOptions(GetParam()));
    expectFailure([&] { sampler.choose(logits.data(), logits.size()); });
    if (std::optional<size_t> count = sampler.getNumBest(logits.size())) {
      Best best(logits, *count);
      expectFailure([&] {
        sampler.chooseAmong(best.logits.data(), best.tokens.data(), *count);
      });
    }
  }
}

INSTANTIATE_TEST_SUITE_P(
    Options, SamplerTest,
    testing::Values(Choice{0, 0, 1}, Choice{1, 0, 1}, Choice{1, 1, 1},
                    Choice{1, 3, 1}, Choice{0.7f, 100, 1}, Choice{1, 6000, 1},
                    Choice{1, 0, 0.5f}, Choice{2, 0, 0.999f},
                    Choice{1, 50, 0.9f}, Choice{1, 0, 1e-6f}));

} // namespace
