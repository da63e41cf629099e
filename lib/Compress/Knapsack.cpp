//===- Knapsack.cpp - one choice for each item, within a budget -----------===//

#include "Knapsack.h"
#include "llvm/ADT/STLExtras.h"
#include <queue>

using namespace llmc;

namespace {

using Choices = llvm::ArrayRef<KnapsackChoice>;

/// How much of the cost a byte saves on the way from one choice to another.
double getSlope(Choices choices, size_t from, size_t to) {
  return (choices[from].cost - choices[to].cost) /
         double(choices[to].bytes - choices[from].bytes);
}

/// The lower convex hull: choices of ever more bytes and ever less cost, each
/// step saving less for a byte than the one before.
std::vector<size_t> findHull(Choices choices) {
  std::vector<size_t> order(choices.size()), hull;
  for (size_t i = 0; i < order.size(); ++i)
    order[i] = i;
  llvm::sort(order, [&](size_t a, size_t b) {
    return std::tuple(choices[a].bytes, choices[a].cost, a) <
           std::tuple(choices[b].bytes, choices[b].cost, b);
  });
  for (size_t next : order) {
    if (!hull.empty() && choices[next].cost >= choices[hull.back()].cost)
      continue;
    while (hull.size() > 1 &&
           getSlope(choices, hull[hull.size() - 2], hull.back()) <=
               getSlope(choices, hull.back(), next))
      hull.pop_back();
    hull.push_back(next);
  }
  return hull;
}

} // namespace

std::optional<std::vector<size_t>>
llmc::chooseWithin(int64_t budget,
                   llvm::ArrayRef<llvm::SmallVector<KnapsackChoice>> items) {
  std::vector<std::vector<size_t>> hulls;
  std::vector<size_t> chosen;
  for (Choices choices : items) {
    hulls.push_back(findHull(choices));
    chosen.push_back(hulls.back().front());
    budget -= choices[chosen.back()].bytes;
  }
  if (budget < 0)
    return std::nullopt;

  // Steps along the hulls, the steepest first, of equal ones that of the first
  // item.
  struct Step {
    double slope;
    size_t item, place;
    bool operator<(const Step &other) const {
      return std::pair(slope, other.item) < std::pair(other.slope, item);
    }
  };
  std::priority_queue<Step> steps;
  auto push = [&](size_t item, size_t place) {
    if (place < hulls[item].size())
      steps.push(
          {getSlope(items[item], hulls[item][place - 1], hulls[item][place]),
           item, place});
  };
  for (size_t item = 0; item < items.size(); ++item)
    push(item, 1);
  while (!steps.empty()) {
    Step step = steps.top();
    steps.pop();
    size_t next = hulls[step.item][step.place];
    int64_t more = items[step.item][next].bytes -
                   items[step.item][chosen[step.item]].bytes;
    if (more > budget)
      continue;
    budget -= more;
    chosen[step.item] = next;
    push(step.item, step.place + 1);
  }

  // What is left may do for a choice that is not next on a hull.
  for (;;) {
    double most = 0;
    std::pair<size_t, size_t> best;
    for (size_t item = 0; item < items.size(); ++item)
      for (size_t choice = 0; choice < items[item].size(); ++choice) {
        const KnapsackChoice &now = items[item][chosen[item]],
                             &then = items[item][choice];
        if (then.bytes - now.bytes <= budget && now.cost - then.cost > most) {
          most = now.cost - then.cost;
          best = {item, choice};
        }
      }
    if (most == 0)
      return chosen;
    auto [item, choice] = best;
    budget -= items[item][choice].bytes - items[item][chosen[item]].bytes;
    chosen[item] = choice;
  }
}
