//===- Knapsack.cpp - one choice for each item, within budgets ------------===//

#include "Knapsack.h"
#include "llvm/ADT/STLExtras.h"
#include <queue>

using namespace llmc;

namespace {

using Choices = llvm::ArrayRef<KnapsackChoice>;

/// Weights that two bounds are tried with.
constexpr int numParts = 128;

class Solver {
public:
  Solver(const KnapsackBudget &budget,
         llvm::ArrayRef<llvm::SmallVector<KnapsackChoice>> items)
      : budget(budget), items(items) {}

  /// Tries with the weight `part`, from 0 to 1, of time.
  void solve(double part) {
    this->part = part;
    if (!walk() && !repair())
      return;
    fill();
    if (!found || cost < foundCost) {
      found = chosen;
      foundCost = cost;
    }
  }

  std::optional<std::vector<size_t>> take() { return std::move(found); }

private:
  /// How much of both budgets a choice takes, in units of no meaning.
  double getSize(const KnapsackChoice &choice) const {
    if (!budget.bytes || !budget.time)
      return double(budget.bytes ? choice.bytes : choice.time);
    return (1 - part) * getPart(choice.bytes, budget.bytes) +
           part * getPart(choice.time, budget.time);
  }

  static double getPart(int64_t amount, std::optional<int64_t> bound) {
    return bound ? double(amount) / double(std::max<int64_t>(*bound, 1)) : 0;
  }

  /// By how much, in parts of the budgets, sums are above them.
  double getExcess(int64_t bytes, int64_t time) const {
    auto get = [](int64_t amount, std::optional<int64_t> bound) {
      return bound && amount > *bound ? getPart(amount - *bound, bound) : 0;
    };
    return get(bytes, budget.bytes) + get(time, budget.time);
  }
  double getExcess() const { return getExcess(bytes, time); }
  /// That with another choice of an item.
  double getExcess(size_t item, size_t choice) const {
    const KnapsackChoice &now = items[item][chosen[item]],
                         &then = items[item][choice];
    return getExcess(bytes + then.bytes - now.bytes,
                     time + then.time - now.time);
  }

  void choose(size_t item, size_t choice) {
    const KnapsackChoice &now = items[item][chosen[item]],
                         &then = items[item][choice];
    bytes += then.bytes - now.bytes;
    time += then.time - now.time;
    cost += then.cost - now.cost;
    chosen[item] = choice;
  }

  /// How much of the cost a unit saves on the way from one choice to another.
  double getSlope(Choices choices, size_t from, size_t to) const {
    return (choices[from].cost - choices[to].cost) /
           (getSize(choices[to]) - getSize(choices[from]));
  }

  /// The lower convex hull: choices of ever more size and ever less cost, each
  /// step saving less for a unit than the one before.
  std::vector<size_t> findHull(Choices choices) const {
    std::vector<size_t> order(choices.size()), hull;
    for (size_t i = 0; i < order.size(); ++i)
      order[i] = i;
    llvm::sort(order, [&](size_t a, size_t b) {
      return std::tuple(getSize(choices[a]), choices[a].cost, a) <
             std::tuple(getSize(choices[b]), choices[b].cost, b);
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

  /// Begins with the smallest choices and takes steps along the hulls, the
  /// steepest first, of equal ones that of the first item. Whether what comes
  /// out is within the budget.
  bool walk() {
    bytes = time = 0;
    cost = 0;
    chosen.clear();
    std::vector<std::vector<size_t>> hulls;
    for (Choices choices : items) {
      hulls.push_back(findHull(choices));
      const KnapsackChoice &first = choices[hulls.back().front()];
      chosen.push_back(hulls.back().front());
      bytes += first.bytes;
      time += first.time;
      cost += first.cost;
    }
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
      double excess = getExcess(step.item, next);
      if (excess > 0 && excess >= getExcess())
        continue;
      choose(step.item, next);
      push(step.item, step.place + 1);
    }
    return getExcess() == 0;
  }

  /// Changes choices, those first that bring sums nearer to the budget for
  /// little cost. Whether that was enough.
  bool repair() {
    while (double excess = getExcess()) {
      std::optional<std::pair<size_t, size_t>> best;
      double most = 0;
      for (size_t item = 0; item < items.size(); ++item)
        for (size_t choice = 0; choice < items[item].size(); ++choice) {
          double gain = excess - getExcess(item, choice);
          double loss =
              items[item][choice].cost - items[item][chosen[item]].cost;
          double value = gain / std::max(loss, 1e-30);
          if (gain > 0 && value > most) {
            most = value;
            best = {item, choice};
          }
        }
      if (!best)
        return false;
      choose(best->first, best->second);
    }
    return true;
  }

  /// What is left may do for a choice that is not next on a hull.
  void fill() {
    for (;;) {
      double most = 0;
      std::pair<size_t, size_t> best;
      for (size_t item = 0; item < items.size(); ++item)
        for (size_t choice = 0; choice < items[item].size(); ++choice) {
          double gain =
              items[item][chosen[item]].cost - items[item][choice].cost;
          if (gain > most && getExcess(item, choice) == 0) {
            most = gain;
            best = {item, choice};
          }
        }
      if (most == 0)
        return;
      choose(best.first, best.second);
    }
  }

  KnapsackBudget budget;
  llvm::ArrayRef<llvm::SmallVector<KnapsackChoice>> items;
  double part = 0;
  /// What is chosen for now, and its sums.
  std::vector<size_t> chosen;
  int64_t bytes = 0, time = 0;
  double cost = 0;
  /// The best so far.
  std::optional<std::vector<size_t>> found;
  double foundCost = 0;
};

} // namespace

std::optional<std::vector<size_t>>
llmc::chooseWithin(const KnapsackBudget &budget,
                   llvm::ArrayRef<llvm::SmallVector<KnapsackChoice>> items) {
  Solver solver(budget, items);
  bool isDouble = budget.bytes && budget.time;
  for (int i = 0; i <= (isDouble ? numParts : 0); ++i)
    solver.solve(double(i) / numParts);
  return solver.take();
}
