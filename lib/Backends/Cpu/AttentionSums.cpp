//===- AttentionSums.cpp - sums over some of the keys ---------------------===//

#include "AttentionSums.h"
#include "SpecialFunctions.h"
#include <limits>

using namespace mlir;
using namespace llmc;
using namespace llmc::cpu;

static Value getInfinity(KernelBuilder &k) {
  return k.constant(k.f32(), -std::numeric_limits<double>::infinity());
}

Value llmc::cpu::getScoreBase(KernelBuilder &k, Value largest) {
  Value isNone = arith::CmpFOp::create(k.b, k.loc, arith::CmpFPredicate::OEQ,
                                       largest, getInfinity(k));
  return k.select(isNone, k.constant(k.f32(), 0), largest);
}

void AttentionSums::clear() const {
  Value zero = k->constant(k->vectorOf(k->f32()), 0);
  for (int64_t i = 0; i < getPitch(); i += k->isa.lanes)
    storeOutputs(zero, i);
  storeLargest(getInfinity(*k));
}

void AttentionSums::copy(const AttentionSums &from) const {
  for (int64_t i = 0; i < getPitch(); i += k->isa.lanes)
    storeOutputs(from.loadOutputs(i), i);
}

void AttentionSums::add(const AttentionSums &other, Value isFirst) const {
  k->branch(isFirst, [&] { copy(other); }, [&] { add(other); });
}

void AttentionSums::add(const AttentionSums &other) const {
  Value before = loadLargest(), theirs = other.loadLargest();
  Value now = k->maximum(before, theirs);
  Value base = k->broadcast(getScoreBase(*k, now));
  auto getFactor = [&](Value largest) -> Value {
    return emitExp(*k, k->subF(k->broadcast(largest), base));
  };
  Value old = getFactor(before), factor = getFactor(theirs);
  // The weights are in the last vector, next to the largest score.
  for (int64_t i = 0; i < getPitch(); i += k->isa.lanes) {
    Value address = k->add(begin, i);
    Value rescaled = k->mulF(k->loadVector(buffer, address), old);
    Value added = other.loadOutputs(i);
    k->storeVector(k->fma(added, factor, rescaled), buffer, address);
  }
  storeLargest(now);
}

void AttentionSums::rescale(Value factor, Value weights) const {
  Value scaled = k->mulF(loadWeight(), factor);
  k->store(k->addF(scaled, k->reduce(vector::CombiningKind::ADD, weights)),
           buffer, weightAddress());
  Value factors = k->broadcast(factor);
  for (int64_t i = 0; i < size; i += k->isa.lanes)
    storeOutputs(k->mulF(loadOutputs(i), factors), i);
}
