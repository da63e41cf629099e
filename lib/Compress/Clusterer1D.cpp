//===- Clusterer1D.cpp - the best values for many numbers -----------------===//

#include "Clusterer1D.h"
#include "llvm/ADT/STLExtras.h"
#include <algorithm>
#include <cmath>
#include <limits>

using namespace llmc;

namespace {

/// Different numbers, ascending, and sums over those before each.
class SortedSamples {
public:
  explicit SortedSamples(std::vector<Sample> samples) {
    llvm::sort(samples, [](const Sample &a, const Sample &b) {
      return a.value < b.value;
    });
    double total = 0, sum = 0;
    for (const Sample &sample : samples) {
      total += sample.weight;
      sum += double(sample.weight) * sample.value;
    }
    bool countsAll = !(total > 0);
    // Squares of numbers around 0 lose the fewest digits.
    center = countsAll ? 0 : sum / total;
    sums.push_back({0, 0, 0});
    for (const Sample &sample : samples) {
      double weight = countsAll ? 1 : sample.weight;
      if (weight == 0)
        continue;
      double value = sample.value - center;
      if (!values.empty() && values.back() == sample.value) {
        sums.back().add(weight, value);
        continue;
      }
      values.push_back(sample.value);
      sums.push_back(sums.back());
      sums.back().add(weight, value);
    }
  }

  int64_t size() const { return values.size(); }
  double getWeight(int64_t begin, int64_t end) const {
    return sums[end].weight - sums[begin].weight;
  }
  float getMean(int64_t begin, int64_t end) const {
    double weight = getWeight(begin, end);
    // Next to others a weight may be nothing.
    return weight > 0 ? center + (sums[end].value - sums[begin].value) / weight
                      : values[begin];
  }
  /// The squared error of [begin, end) as one.
  double getCost(int64_t begin, int64_t end) const {
    double weight = sums[end].weight - sums[begin].weight,
           value = sums[end].value - sums[begin].value,
           square = sums[end].square - sums[begin].square;
    return weight > 0 ? std::max(square - value * value / weight, 0.0) : 0;
  }

  std::vector<float> values;

private:
  struct Sums {
    double weight, value, square;
    void add(double w, double v) {
      weight += w;
      value += w * v;
      square += w * v * v;
    }
  };
  double center = 0;
  std::vector<Sums> sums;
};

/// The least costs of the first n numbers in k clusters, for all n, from those
/// in k - 1. Where the last cluster begins never falls as n grows, so that the
/// middle n halves the search of all others (Grønlund et al., arXiv
/// 1701.07204).
class ExactSearch {
public:
  ExactSearch(const SortedSamples &samples, int64_t size)
      : samples(samples), size(size), count(samples.size()),
        begins(size * (count + 1)) {}

  std::vector<float> run() {
    std::vector<double> costs(count + 1);
    for (int64_t n = 1; n <= count; ++n)
      costs[n] = samples.getCost(0, n);
    for (level = 1; level < size; ++level) {
      before = costs;
      after.assign(count + 1, 0);
      // At least one number in each cluster.
      search(level + 1, count, level, count - 1);
      costs.swap(after);
    }
    std::vector<float> means(size);
    int64_t end = count;
    for (int64_t k = size - 1; k >= 0; --k) {
      int64_t begin = k == 0 ? 0 : begins[k * (count + 1) + end];
      means[k] = samples.getMean(begin, end);
      end = begin;
    }
    return means;
  }

private:
  void search(int64_t first, int64_t last, int64_t lowest, int64_t highest) {
    if (first > last)
      return;
    int64_t n = first + (last - first) / 2, best = lowest;
    double least = std::numeric_limits<double>::infinity();
    for (int64_t begin = lowest; begin <= std::min(highest, n - 1); ++begin) {
      double cost = before[begin] + samples.getCost(begin, n);
      if (cost < least) {
        least = cost;
        best = begin;
      }
    }
    after[n] = least;
    begins[level * (count + 1) + n] = best;
    search(first, n - 1, lowest, best);
    search(n + 1, last, best, highest);
  }

  const SortedSamples &samples;
  int64_t size, count, level = 0;
  std::vector<int32_t> begins;
  std::vector<double> before, after;
};

/// Where [values[i], values[i + 1]) has its middle, as places in the samples.
std::vector<int64_t> divide(const SortedSamples &samples,
                            const std::vector<float> &values) {
  std::vector<int64_t> ends;
  int64_t begin = 0;
  for (size_t i = 0; i + 1 < values.size(); ++i) {
    begin =
        std::upper_bound(samples.values.begin() + begin, samples.values.end(),
                         0.5f * values[i] + 0.5f * values[i + 1]) -
        samples.values.begin();
    ends.push_back(begin);
  }
  ends.push_back(samples.size());
  return ends;
}

/// A few samples in place of many: means of bins as dense as the cube root of
/// the samples, which is the best there is for many bins (Panter and Dite).
std::vector<Sample> merge(const SortedSamples &samples, int64_t size) {
  int64_t bins = 4 * size;
  double lowest = samples.values.front(),
         width = samples.values.back() - lowest;
  std::vector<double> density(bins);
  for (int64_t i = 0; i < samples.size(); ++i) {
    double place = (samples.values[i] - lowest) / width * bins;
    density[std::min(int64_t(place), bins - 1)] += samples.getWeight(i, i + 1);
  }
  double total = 0, sum = 0;
  for (double &each : density)
    total += each = std::cbrt(each);
  std::vector<float> values;
  for (int64_t bin = 0; bin < bins; ++bin) {
    sum += density[bin];
    while (int64_t(values.size()) < size &&
           sum >= (values.size() + 0.5) * total / size)
      values.push_back(lowest + (bin + 0.5) * width / bins);
  }
  std::vector<Sample> merged;
  int64_t begin = 0;
  for (int64_t end : divide(samples, values)) {
    if (end > begin)
      merged.push_back(
          {samples.getMean(begin, end), float(samples.getWeight(begin, end))});
    begin = end;
  }
  return merged;
}

/// Lloyd's iteration from the best values for a few samples, or for all of few.
std::vector<float> iterate(const SortedSamples &samples, int64_t size) {
  constexpr int64_t rounds = 100;
  int64_t few = std::max<int64_t>(1024, 8 * size);
  if (samples.size() <= few)
    return ExactSearch(samples, size).run();
  SortedSamples merged(merge(samples, few));
  std::vector<float> values = merged.values;
  values.resize(size, values.back());
  if (merged.size() > size)
    values = ExactSearch(merged, size).run();
  std::vector<int64_t> last;
  for (int64_t round = 0; round < rounds; ++round) {
    std::vector<int64_t> ends = divide(samples, values);
    if (ends == last)
      break;
    int64_t begin = 0;
    // A value that nothing is nearest to stays where it is.
    for (int64_t i = 0; i < size; begin = ends[i++])
      if (ends[i] > begin)
        values[i] = samples.getMean(begin, ends[i]);
    last = std::move(ends);
  }
  return values;
}

} // namespace

std::vector<float> llmc::cluster1D(std::vector<Sample> samples, int64_t size,
                                   bool exact) {
  SortedSamples sorted(std::move(samples));
  if (sorted.size() <= size) {
    std::vector<float> values = sorted.values;
    values.resize(size, values.empty() ? 0 : values.back());
    return values;
  }
  return exact ? ExactSearch(sorted, size).run() : iterate(sorted, size);
}
