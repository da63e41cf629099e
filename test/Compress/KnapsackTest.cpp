//===- KnapsackTest.cpp - choices against all combinations ----------------===//

#include "Knapsack.h"
#include "gtest/gtest.h"
#include <random>

using namespace llmc;

namespace {

using Items = std::vector<llvm::SmallVector<KnapsackChoice>>;

struct Sum {
  int64_t bytes = 0;
  double cost = 0;
  int64_t time = 0;
};

Sum addUp(const Items &items, const std::vector<size_t> &chosen) {
  Sum sum;
  for (size_t i = 0; i < items.size(); ++i) {
    sum.bytes += items[i][chosen[i]].bytes;
    sum.cost += items[i][chosen[i]].cost;
    sum.time += items[i][chosen[i]].time;
  }
  return sum;
}

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr int64_t unbounded = std::numeric_limits<int64_t>::max();

/// The least cost within both bounds, of all combinations.
double findLeast(const Items &items, int64_t bytes, int64_t time = unbounded,
                 size_t item = 0) {
  if (bytes < 0 || time < 0)
    return infinity;
  if (item == items.size())
    return 0;
  double least = infinity;
  for (const KnapsackChoice &choice : items[item])
    least =
        std::min(least, choice.cost + findLeast(items, bytes - choice.bytes,
                                                time - choice.time, item + 1));
  return least;
}

TEST(KnapsackTest, staysWithinTheBudgetAndNearTheLeastCost) {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    Items items(6);
    int64_t smallest = 0;
    double largestCost = 0;
    for (auto &choices : items) {
      int64_t fewest = 1000;
      for (int i = 0; i < 4; ++i) {
        choices.push_back(
            {int64_t(random() % 100 + 1), double(random() % 1000) / 100});
        fewest = std::min(fewest, choices.back().bytes);
        largestCost = std::max(largestCost, choices.back().cost);
      }
      smallest += fewest;
    }
    int64_t budget = smallest + int64_t(random() % 200);
    auto chosen = chooseWithin({budget, std::nullopt}, items);
    ASSERT_TRUE(chosen);
    Sum sum = addUp(items, *chosen);
    EXPECT_LE(sum.bytes, budget);
    EXPECT_LE(sum.cost, findLeast(items, budget) + largestCost);
    EXPECT_FALSE(chooseWithin({smallest - 1, std::nullopt}, items));
  }
}

TEST(KnapsackTest, isExactWhereTheHullIsReached) {
  Items items = {{{10, 8.0}, {20, 2.0}, {30, 1.0}}, {{10, 4.0}, {20, 3.0}}};
  // The step that saves 6 comes first, then one of those that save 1.
  EXPECT_EQ(*chooseWithin({20, std::nullopt}, items),
            (std::vector<size_t>{0, 0}));
  EXPECT_EQ(*chooseWithin({30, std::nullopt}, items),
            (std::vector<size_t>{1, 0}));
  EXPECT_EQ(addUp(items, *chooseWithin({40, std::nullopt}, items)).cost, 5.0);
  EXPECT_EQ(*chooseWithin({50, std::nullopt}, items),
            (std::vector<size_t>{2, 1}));
}

TEST(KnapsackTest, fillsWhatIsLeftOverWithChoicesBesideTheHull) {
  // From 10 to 30 is the hull's step; only 20 fits.
  Items items = {{{10, 9.0}, {20, 8.0}, {30, 1.0}}};
  EXPECT_EQ(*chooseWithin({29, std::nullopt}, items), (std::vector<size_t>{1}));
}

/// Items with choices as formats of weights have them: what is larger is
/// better, and mostly slower.
Items makeItems(std::mt19937 &random) {
  Items items(6);
  for (auto &choices : items) {
    int64_t size = random() % 50 + 1;
    double cost = double(random() % 1000 + 1);
    for (int64_t bits = 2; bits < 7; ++bits) {
      choices.push_back(
          {size * bits, cost, int64_t(size * (bits + int64_t(random() % 3)))});
      cost *= double(random() % 80) / 100;
    }
  }
  return items;
}

TEST(KnapsackTest, staysWithinTime) {
  std::mt19937 random(2);
  for (int round = 0; round < 100; ++round) {
    Items items = makeItems(random);
    int64_t least = 0;
    double largestCost = 0;
    for (auto &choices : items) {
      int64_t fastest = unbounded;
      for (const KnapsackChoice &choice : choices)
        fastest = std::min(fastest, choice.time);
      largestCost = std::max(largestCost, choices.front().cost);
      least += fastest;
    }
    int64_t budget = least + int64_t(random() % 300);
    auto chosen = chooseWithin({std::nullopt, budget}, items);
    ASSERT_TRUE(chosen);
    Sum sum = addUp(items, *chosen);
    EXPECT_LE(sum.time, budget);
    EXPECT_LE(sum.cost, findLeast(items, unbounded, budget) + largestCost);
    EXPECT_FALSE(chooseWithin({std::nullopt, least - 1}, items));
  }
}

/// Against all combinations, with bounds of which either, both or none decide,
/// or that no choice is within.
TEST(KnapsackTest, staysWithinBothBounds) {
  std::mt19937 random(3);
  int numPossible = 0, numFound = 0, numOptimal = 0;
  for (int round = 0; round < 400; ++round) {
    Items items = makeItems(random);
    int64_t bytes = 0, time = 0;
    double largestCost = 0;
    for (auto &choices : items) {
      // What has few bytes may take long.
      if (round % 2)
        for (size_t i = 0; i < 2; ++i)
          std::swap(choices[i].time, choices[4 - i].time);
      bytes += choices[random() % 5].bytes;
      time += choices[random() % 5].time;
      largestCost = std::max(largestCost, choices.front().cost);
    }
    double least = findLeast(items, bytes, time);
    auto chosen = chooseWithin({bytes, time}, items);
    numPossible += least < infinity;
    if (!chosen)
      continue;
    Sum sum = addUp(items, *chosen);
    EXPECT_LE(sum.bytes, bytes);
    EXPECT_LE(sum.time, time);
    EXPECT_LE(sum.cost, least + largestCost);
    ++numFound;
    numOptimal += sum.cost <= least * (1 + 1e-9);
  }
  EXPECT_LT(numPossible, 400);
  EXPECT_GT(numPossible, 300);
  // Next to none of the possible ones is missed.
  EXPECT_LE(numFound, numPossible);
  EXPECT_GT(numFound, numPossible * 98 / 100);
  EXPECT_GT(numOptimal, numFound * 2 / 3);
}

TEST(KnapsackTest, takesTheChoiceThatBothBoundsAllow) {
  // The smallest one is too slow, the fastest one too large.
  Items items = {{{10, 3.0, 30}, {20, 2.0, 20}, {30, 1.0, 10}}};
  EXPECT_EQ(*chooseWithin({20, 20}, items), (std::vector<size_t>{1}));
  EXPECT_EQ(*chooseWithin({30, 30}, items), (std::vector<size_t>{2}));
  EXPECT_FALSE(chooseWithin({19, 19}, items));
  EXPECT_EQ(*chooseWithin({10, std::nullopt}, items), (std::vector<size_t>{0}));
  EXPECT_EQ(*chooseWithin({std::nullopt, 10}, items), (std::vector<size_t>{2}));
}

} // namespace
