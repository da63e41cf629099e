//===- MergeHeads.cpp - one head in the place of several ------------------===//

#include "MergeHeads.h"
#include <cmath>
#include <complex>

using namespace mlir;
using namespace llmc;

MergedHead llmc::meanOfHeads(int64_t number, int64_t size) {
  MergedHead merged;
  merged.rows = Matrix<double>(size, number * size);
  Matrix<double> identity(size, size);
  for (int64_t i = 0; i < size; ++i) {
    identity(i, i) = 1;
    for (int64_t member = 0; member < number; ++member)
      merged.rows(i, member * size + i) = 1.0 / number;
  }
  merged.maps.assign(number, identity);
  return merged;
}

/// Below this share of the largest eigenvalue there is only rounding.
static constexpr double smallest = 1e-12;

/// Any linear map: the principal components of what heads cost.
static LogicalResult mergePart(const Heads &heads, ArrayRef<int64_t> members,
                               ArrayRef<int64_t> elements, MergedHead &merged) {
  int64_t number = members.size(), size = elements.size(), all = number * size;
  auto column = [&](int64_t i) {
    return i / size * heads.size + elements[i % size];
  };
  auto place = [&](int64_t i) {
    return members[i / size] * heads.size + elements[i % size];
  };
  Matrix<double> products(all, all), roots(all, all);
  for (int64_t i = 0; i < all; ++i)
    for (int64_t j = 0; j < all; ++j)
      products(i, j) = heads.products(place(i), place(j));
  // M = B^T B.
  for (int64_t member = 0; member < number; ++member) {
    Matrix<double> cost(size, size);
    for (int64_t i = 0; i < size; ++i)
      for (int64_t j = 0; j < size; ++j)
        cost(i, j) = heads.costs[members[member]](elements[i], elements[j]);
    auto values = findEigenvectors(cost);
    if (failed(values))
      return failure();
    // A cost of nothing still leaves something to be kept.
    double floor = std::max(values->back(), 1e-30) * smallest;
    for (int64_t i = 0; i < size; ++i)
      for (int64_t j = 0; j < size; ++j)
        roots(member * size + i, member * size + j) =
            std::sqrt(std::max((*values)[i], floor)) * cost(i, j);
  }
  Matrix<double> half(all, all), weighted(all, all);
  multiply(1, roots, false, products, false, 0, half);
  multiply(1, half, false, roots, true, 0, weighted);
  auto values = findEigenvectors(weighted);
  if (failed(values))
    return failure();
  Matrix<double> rows(size, all), maps(all, size);
  multiply(1, weighted.ref().block(all - size, 0, size, all), false, roots,
           false, 0, rows);
  multiply(1, products, false, rows, true, 0, maps);
  for (int64_t j = 0; j < size; ++j) {
    double value = (*values)[all - size + j];
    bool counts = value > values->back() * smallest && value > 0;
    for (int64_t i = 0; i < all; ++i) {
      merged.rows(elements[j], column(i)) = counts ? rows(j, i) : 0;
      merged.maps[i / size](elements[i % size], elements[j]) =
          counts ? maps(i, j) / value : 0;
    }
  }
  return success();
}

/// A complex number for each head: the first principal component of a + ib.
static LogicalResult mergePair(const Heads &heads, ArrayRef<int64_t> members,
                               int64_t a, int64_t b, MergedHead &merged) {
  using Complex = std::complex<double>;
  int64_t number = members.size();
  Matrix<double> real(2 * number, 2 * number);
  std::vector<double> roots(number);
  auto product = [&](int64_t i, int64_t j) {
    int64_t first = members[i] * heads.size, second = members[j] * heads.size;
    const Matrix<double> &p = heads.products;
    return Complex(p(first + a, second + a) + p(first + b, second + b),
                   p(first + b, second + a) - p(first + a, second + b));
  };
  double total = 0;
  for (int64_t i = 0; i < number; ++i) {
    const Matrix<double> &cost = heads.costs[members[i]];
    total += cost(a, a) + cost(b, b);
  }
  for (int64_t i = 0; i < number; ++i) {
    const Matrix<double> &cost = heads.costs[members[i]];
    roots[i] = total > 0
                   ? std::sqrt(std::max(0.0, cost(a, a) + cost(b, b)) / total)
                   : 1;
  }
  // X + iY as [X, -Y; Y, X], which has each eigenvalue twice.
  for (int64_t i = 0; i < number; ++i)
    for (int64_t j = 0; j < number; ++j) {
      Complex entry = product(i, j) * roots[i] * roots[j];
      real(i, j) = real(number + i, number + j) = entry.real();
      real(number + i, j) = entry.imag();
      real(i, number + j) = -entry.imag();
    }
  auto values = findEigenvectors(real);
  if (failed(values))
    return failure();
  std::vector<Complex> vector(number), maps(number);
  for (int64_t i = 0; i < number; ++i)
    vector[i] = {real(2 * number - 1, i), real(2 * number - 1, number + i)};
  double value = values->back(), norm = 0;
  if (value <= 0)
    return success();
  Complex sum = 0;
  for (int64_t i = 0; i < number; ++i) {
    for (int64_t j = 0; j < number; ++j)
      maps[i] += product(i, j) * vector[j] * roots[j] / value;
    norm += std::norm(maps[i]);
    sum += maps[i];
  }
  // Of all multiples the one of the size of the heads, in their direction.
  Complex scale = std::sqrt(norm / number);
  if (std::abs(sum) > smallest * std::sqrt(norm))
    scale *= sum / std::abs(sum);
  for (int64_t i = 0; i < number; ++i) {
    Complex row = std::conj(vector[i]) * roots[i] * scale,
            map = maps[i] / scale;
    int64_t first = i * heads.size;
    merged.rows(a, first + a) = merged.rows(b, first + b) = row.real();
    merged.rows(b, first + a) = row.imag();
    merged.rows(a, first + b) = -row.imag();
    merged.maps[i](a, a) = merged.maps[i](b, b) = map.real();
    merged.maps[i](b, a) = map.imag();
    merged.maps[i](a, b) = -map.imag();
  }
  return success();
}

FailureOr<MergedHead> llmc::mergeHeads(const Heads &heads,
                                       ArrayRef<int64_t> members) {
  MergedHead merged;
  merged.rows = Matrix<double>(heads.size, members.size() * heads.size);
  merged.maps.assign(members.size(), Matrix<double>(heads.size, heads.size));
  for (const HeadPart &part : heads.parts)
    if (failed(part.rotated ? mergePair(heads, members, part.elements[0],
                                        part.elements[1], merged)
                            : mergePart(heads, members, part.elements, merged)))
      return failure();
  return merged;
}

std::pair<double, double> llmc::getMergeCost(const Heads &heads,
                                             ArrayRef<int64_t> members,
                                             const MergedHead &merged) {
  int64_t size = heads.size, number = members.size(), all = number * size;
  Matrix<double> products(all, all), cross(all, size), inner(size, size);
  for (int64_t i = 0; i < all; ++i)
    for (int64_t j = 0; j < all; ++j)
      products(i, j) = heads.products(members[i / size] * size + i % size,
                                      members[j / size] * size + j % size);
  multiply(1, products, false, merged.rows, true, 0, cross);
  multiply(1, merged.rows, false, cross, false, 0, inner);
  double cost = 0, whole = 0;
  for (int64_t member = 0; member < number; ++member) {
    const Matrix<double> &map = merged.maps[member],
                         &weights = heads.costs[members[member]];
    Matrix<double> mapped(size, size), error(size, size), both(size, size);
    multiply(1, map, false, inner, false, 0, mapped);
    multiply(1, mapped, false, map, true, 0, error);
    multiply(1, cross.ref().block(member * size, 0, size, size), false, map,
             true, 0, both);
    for (int64_t i = 0; i < size; ++i)
      for (int64_t j = 0; j < size; ++j) {
        double own = products(member * size + i, member * size + j);
        whole += weights(i, j) * own;
        cost += weights(i, j) * (own + error(i, j) - both(i, j) - both(j, i));
      }
  }
  return {std::max(cost, 0.0), whole};
}

std::vector<SmallVector<int64_t>> llmc::groupHeads(const Matrix<double> &costs,
                                                   int64_t numGroups) {
  int64_t count = costs.rows, each = count / numGroups;
  std::vector<SmallVector<int64_t>> groups(numGroups);
  for (int64_t i = 0; i < count; ++i)
    groups[i / each].push_back(i);
  auto sum = [&](int64_t head, ArrayRef<int64_t> group, int64_t except) {
    double total = 0;
    for (int64_t other : group)
      if (other != except && other != head)
        total += costs(head, other);
    return total;
  };
  for (bool changed = true; changed;) {
    changed = false;
    for (int64_t a = 0; a < numGroups; ++a)
      for (int64_t b = a + 1; b < numGroups; ++b)
        for (int64_t &first : groups[a])
          for (int64_t &second : groups[b]) {
            double now = sum(first, groups[a], first) +
                         sum(second, groups[b], second),
                   then = sum(first, groups[b], second) +
                          sum(second, groups[a], first);
            // By more than rounding, so that it ends.
            if (then >= now - 1e-9 * std::abs(now))
              continue;
            std::swap(first, second);
            changed = true;
          }
  }
  for (SmallVector<int64_t> &group : groups)
    llvm::sort(group);
  llvm::sort(groups);
  return groups;
}
