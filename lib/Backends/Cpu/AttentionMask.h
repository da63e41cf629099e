//===- AttentionMask.h - masks that attention reads ------------*- C++ -*-===//

#ifndef LLMC_LIB_BACKENDS_CPU_ATTENTIONMASK_H
#define LLMC_LIB_BACKENDS_CPU_ATTENTIONMASK_H

#include "AttentionKernel.h"

namespace llmc::cpu {

class AttentionMask {
public:
  AttentionMask(KernelBuilder &k, const AttentionSpec &spec, Value mask)
      : k(k), spec(spec), mask(mask) {}

  bool isThere() const { return bool(mask); }
  /// Whether it tells keys, rows, or heads apart.
  bool hasKeys() const { return has(3); }
  bool hasRows() const { return has(2); }
  bool hasHeads() const { return has(1); }

  /// `scores` of one query for keys from `key` on with the mask applied. Of
  /// its lanes those in `there` exist.
  Value apply(Value scores, Value batch, Value head, Value row, Value key,
              Value there) const;
  /// What the mask adds to those scores: -inf for nothing left of them.
  Value load(Value batch, Value head, Value row, Value key, Value there) const;

private:
  /// Whether it has dimension `axis` of the scores.
  bool has(size_t axis) const {
    size_t missing = 4 - spec.mask.size();
    return isThere() && axis >= missing && spec.mask[axis - missing];
  }
  Values getAddress(Value batch, Value head, Value row, Value key) const;
  /// Of a mask of i1.
  Value loadChoice(Value batch, Value head, Value row, Value key,
                   Value there) const;
  Value infinity() const;

  KernelBuilder &k;
  const AttentionSpec &spec;
  Value mask;
};

} // namespace llmc::cpu

#endif // LLMC_LIB_BACKENDS_CPU_ATTENTIONMASK_H
