//===- DecomposeScans.cpp - running totals and top k without loops --------===//

#include "llmc/Lower/Decompositions.h"
#include "llmc/Lower/Passes.h"
#include "llvm/ADT/TypeSwitch.h"

namespace llmc {
#define GEN_PASS_DEF_DECOMPOSESCANS
#include "llmc/Lower/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

namespace {
/// Ops on pairs of places (i, j) of an axis: i takes the axis, j comes behind.
struct Pairs {
  Pairs(Decomposer &d, Value operand, int64_t axis)
      : d(d), axis(axis), rank(cast<ShapedType>(operand.getType()).getRank()) {
    places = d.create<RangeOp>(d.i64(0), d.size(operand, axis), d.i64(1));
  }

  Value ofI(Value value) {
    return d.create<UnsqueezeOp>(value, ArrayRef<int64_t>{axis + 1});
  }
  Value ofJ(Value value) {
    return d.create<UnsqueezeOp>(value, ArrayRef<int64_t>{axis});
  }
  /// A vector of one number for each i or j, so that it broadcasts.
  Value vectorOfI(Value vector) { return unsqueezeAfter(vector, rank - axis); }
  Value vectorOfJ(Value vector) {
    return unsqueezeAfter(vector, rank - axis - 1);
  }
  /// Over all j.
  Value reduce(ReduceKind kind, Value value) {
    SmallVector<int64_t> axes{axis + 1};
    return d.create<SqueezeOp>(d.create<ReduceOp>(value, kind, axes),
                               ArrayRef<int64_t>(axes));
  }

  Value unsqueezeAfter(Value vector, int64_t count) {
    return count == 0 ? vector
                      : d.create<UnsqueezeOp>(
                            vector, ArrayRef<int64_t>(llvm::to_vector(
                                        llvm::seq<int64_t>(1, count + 1))));
  }

  Decomposer &d;
  int64_t axis, rank;
  Value places;
};

template <typename Op> void decomposeTotal(Op op) {
  Decomposer d(op);
  constexpr bool isProduct = std::is_same_v<Op, CumProdOp>;
  Value x = op.getOperand();
  Type element = getElementTypeOrSelf(x.getType());
  if (isa<FloatType>(element))
    x = d.widen(x);
  Pairs pairs(d, x, op.getAxis());
  Value i = pairs.vectorOfI(pairs.places), j = pairs.vectorOfJ(pairs.places);
  if (op.getReverse())
    std::swap(i, j);
  Value isPart = op.getExclusive() ? d.create<LessOp>(j, i)
                                   : d.create<LessOrEqualOp>(j, i);
  Value parts =
      d.create<WhereOp>(isPart, pairs.ofJ(x), d.scalar(x, isProduct ? 1 : 0));
  Value total =
      pairs.reduce(isProduct ? ReduceKind::Prod : ReduceKind::Sum, parts);
  d.replace(op->getResult(0), d.cast(total, element));
  op->erase();
}

/// The place of an element in the order is how many come before it.
void decomposeTopK(TopKOp op) {
  Decomposer d(op);
  Value x = op.getOperand();
  Pairs pairs(d, x, op.getAxis());
  Value xi = pairs.ofI(x), xj = pairs.ofJ(x);
  Value isBetter =
      op.getSmallest() ? d.create<LessOp>(xj, xi) : d.create<GreaterOp>(xj, xi);
  Value isEarlier = d.create<LessOp>(pairs.vectorOfJ(pairs.places),
                                     pairs.vectorOfI(pairs.places));
  Value isBefore = d.create<OrOp>(
      isBetter, d.create<AndOp>(d.create<EqualOp>(xj, xi), isEarlier));
  Value order =
      pairs.reduce(ReduceKind::Sum, d.cast(isBefore, d.builder.getI64Type()));
  // Now i runs over the k first places, and j over the axis.
  Value k = d.create<SqueezeOp>(op.getK(), ArrayRef<int64_t>{0});
  Value firsts = d.create<RangeOp>(d.i64(0), k, d.i64(1));
  Value isThere = d.create<EqualOp>(pairs.ofJ(order), pairs.vectorOfI(firsts));
  Value indices = pairs.reduce(
      ReduceKind::Sum,
      d.create<WhereOp>(isThere, pairs.vectorOfJ(pairs.places), d.i64(0)));
  Value values = d.create<GatherElementsOp>(x, indices, op.getAxis());
  d.replace(op.getValues(), values);
  d.replace(op.getIndices(), indices);
  op->erase();
}

struct DecomposeScans : llmc::impl::DecomposeScansBase<DecomposeScans> {
  void runOnOperation() override {
    getOperation().walk([](Operation *op) {
      llvm::TypeSwitch<Operation *>(op)
          .Case([](CumSumOp op) { decomposeTotal(op); })
          .Case([](CumProdOp op) { decomposeTotal(op); })
          .Case([](TopKOp op) { decomposeTopK(op); });
    });
  }
};
} // namespace
