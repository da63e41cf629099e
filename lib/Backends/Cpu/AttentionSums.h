//===- AttentionSums.h - sums over some of the keys ------------*- C++ -*-===//

#ifndef LLMC_LIB_BACKENDS_CPU_ATTENTIONSUMS_H
#define LLMC_LIB_BACKENDS_CPU_ATTENTIONSUMS_H

#include "KernelBuilder.h"

namespace llmc::cpu {

/// What scores are relative to where `largest` is the largest of them: 0
/// without any score yet.
Value getScoreBase(KernelBuilder &k, Value largest);

/// Sums over some keys for successive queries, in floats: of each query the
/// outputs, `size` of them, then the largest score and the sum of weights. A
/// weight is e to the score less the largest one.
class AttentionSums {
public:
  AttentionSums() = default;
  /// In `buffer`, those of query 0 from `begin` on.
  AttentionSums(KernelBuilder &k, int64_t size, Value buffer, Value begin)
      : k(&k), size(size), buffer(buffer), begin(begin) {}

  /// Numbers of one query.
  static int64_t getPitch(const Isa &isa, int64_t size) {
    return llvm::alignTo(size, isa.lanes) + isa.lanes;
  }

  Value getBuffer() const { return buffer; }
  AttentionSums at(Value query) const {
    return {*k, size, buffer, k->add(begin, k->mul(query, getPitch()))};
  }

  //===--------------------------------------------------------------------===//
  // Of query 0
  //===--------------------------------------------------------------------===//

  /// -inf without any score.
  Value loadLargest() const { return k->load(buffer, largestAddress()); }
  void storeLargest(Value score) const {
    k->store(score, buffer, largestAddress());
  }
  Value loadWeight() const { return k->load(buffer, weightAddress()); }
  /// A vector of the outputs.
  Value loadOutputs(int64_t offset) const {
    return k->loadVector(buffer, k->add(begin, offset));
  }
  void storeOutputs(Value vector, int64_t offset) const {
    k->storeVector(vector, buffer, k->add(begin, offset));
  }

  void clear() const;
  void copy(const AttentionSums &from) const;
  /// Adds sums over other keys, or takes them where they are the first.
  void add(const AttentionSums &other, Value isFirst) const;
  /// Multiplies all with `factor`, and adds a vector of weights.
  void rescale(Value factor, Value weights) const;

private:
  void add(const AttentionSums &other) const;
  int64_t getPitch() const { return getPitch(k->isa, size); }
  Value largestAddress() const {
    return k->add(begin, getPitch() - k->isa.lanes);
  }
  Value weightAddress() const {
    return k->add(begin, getPitch() - k->isa.lanes + 1);
  }

  KernelBuilder *k = nullptr;
  int64_t size = 0;
  Value buffer, begin;
};

} // namespace llmc::cpu

#endif // LLMC_LIB_BACKENDS_CPU_ATTENTIONSUMS_H
