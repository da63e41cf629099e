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
};

Sum addUp(const Items &items, const std::vector<size_t> &chosen) {
  Sum sum;
  for (size_t i = 0; i < items.size(); ++i) {
    sum.bytes += items[i][chosen[i]].bytes;
    sum.cost += items[i][chosen[i]].cost;
  }
  return sum;
}

/// The least cost within the budget, of all combinations.
double findLeast(const Items &items, int64_t budget, size_t item = 0) {
  if (budget < 0)
    return std::numeric_limits<double>::infinity();
  if (item == items.size())
    return 0;
  double least = std::numeric_limits<double>::infinity();
  for (const KnapsackChoice &choice : items[item])
    least = std::min(
        least, choice.cost + findLeast(items, budget - choice.bytes, item + 1));
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
    auto chosen = chooseWithin(budget, items);
    ASSERT_TRUE(chosen);
    Sum sum = addUp(items, *chosen);
    EXPECT_LE(sum.bytes, budget);
    EXPECT_LE(sum.cost, findLeast(items, budget) + largestCost);
    EXPECT_FALSE(chooseWithin(smallest - 1, items));
  }
}

TEST(KnapsackTest, isExactWhereTheHullIsReached) {
  Items items = {{{10, 8.0}, {20, 2.0}, {30, 1.0}}, {{10, 4.0}, {20, 3.0}}};
  // The step that saves 6 comes first, then one of those that save 1.
  EXPECT_EQ(*chooseWithin(20, items), (std::vector<size_t>{0, 0}));
  EXPECT_EQ(*chooseWithin(30, items), (std::vector<size_t>{1, 0}));
  EXPECT_EQ(addUp(items, *chooseWithin(40, items)).cost, 5.0);
  EXPECT_EQ(*chooseWithin(50, items), (std::vector<size_t>{2, 1}));
}

TEST(KnapsackTest, fillsWhatIsLeftOverWithChoicesBesideTheHull) {
  // From 10 to 30 is the hull's step; only 20 fits.
  Items items = {{{10, 9.0}, {20, 8.0}, {30, 1.0}}};
  EXPECT_EQ(*chooseWithin(29, items), (std::vector<size_t>{1}));
}

} // namespace
