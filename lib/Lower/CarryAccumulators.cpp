//===- CarryAccumulators.cpp - innermost reductions in a register ---------===//

#include "llmc/Lower/Passes.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/IRMapping.h"

namespace llmc {
#define GEN_PASS_DEF_CARRYACCUMULATORS
#include "llmc/Lower/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

/// Loops with reductions innermost and nothing else: every element of an
/// output is read once before them and written once after.
static bool hasInnermostReductions(linalg::GenericOp op) {
  auto isParallel = [](utils::IteratorType type) {
    return type == utils::IteratorType::parallel;
  };
  auto isReduction = [](utils::IteratorType type) {
    return type == utils::IteratorType::reduction;
  };
  SmallVector<utils::IteratorType> iterators = op.getIteratorTypesArray();
  auto *first = llvm::find_if_not(iterators, isParallel);
  return op.hasPureBufferSemantics() && first != iterators.end() &&
         std::all_of(first, iterators.end(), isReduction);
}

/// The position that `map` gives at the point `loops` of the iteration space.
static SmallVector<Value> createPosition(OpBuilder &b, Location loc,
                                         AffineMap map, ValueRange loops) {
  SmallVector<Value> position;
  for (AffineExpr expr : map.getResults()) {
    if (auto dim = dyn_cast<AffineDimExpr>(expr))
      position.push_back(loops[dim.getPosition()]);
    else
      position.push_back(affine::AffineApplyOp::create(
          b, loc, AffineMap::get(map.getNumDims(), 0, expr), loops));
  }
  return position;
}

namespace {
struct LoopNest {
  LoopNest(linalg::GenericOp op) : op(op), maps(op.getIndexingMapsArray()) {}

  void create(OpBuilder &builder) {
    Location loc = op.getLoc();
    auto toValue = [&](OpFoldResult value) {
      return getValueOrCreateConstantIndexOp(builder, loc, value);
    };
    SmallVector<Value> begins, ends, steps;
    for (Range range :
         cast<linalg::LinalgOp>(*op).createLoopRanges(builder, loc)) {
      begins.push_back(toValue(range.offset));
      ends.push_back(toValue(range.size));
      steps.push_back(toValue(range.stride));
    }
    size_t outer = op.getNumParallelLoops();
    auto head = [&](ArrayRef<Value> values) {
      return values.take_front(outer);
    };
    auto tail = [&](ArrayRef<Value> values) {
      return values.drop_front(outer);
    };
    scf::buildLoopNest(
        builder, loc, head(begins), head(ends), head(steps),
        [&](OpBuilder &b, Location loc, ValueRange parallel) {
          SmallVector<Value> loops(parallel);
          // A reduction is not in an output's map: any value does for it.
          loops.append(tail(begins).begin(), tail(begins).end());
          SmallVector<Value> initial = loadOutputs(b, loc, loops);
          scf::LoopNest nest = scf::buildLoopNest(
              b, loc, tail(begins), tail(ends), tail(steps), initial,
              [&](OpBuilder &b, Location loc, ValueRange reductions,
                  ValueRange carried) {
                llvm::copy(reductions, loops.begin() + outer);
                return createBody(b, loc, loops, carried);
              });
          storeOutputs(b, loc, ValueRange(loops).take_front(outer),
                       tail(begins), nest.results);
        });
  }

private:
  AffineMap outputMap(unsigned index) {
    return maps[op.getNumDpsInputs() + index];
  }

  SmallVector<Value> loadOutputs(OpBuilder &b, Location loc, ValueRange loops) {
    SmallVector<Value> values;
    for (auto [index, output] : llvm::enumerate(op.getDpsInits()))
      values.push_back(memref::LoadOp::create(
          b, loc, output, createPosition(b, loc, outputMap(index), loops)));
    return values;
  }

  void storeOutputs(OpBuilder &b, Location loc, ValueRange parallel,
                    ArrayRef<Value> reductions, ValueRange values) {
    SmallVector<Value> loops(parallel);
    llvm::append_range(loops, reductions);
    for (auto [index, value] : llvm::enumerate(values))
      memref::StoreOp::create(b, loc, value, op.getDpsInits()[index],
                              createPosition(b, loc, outputMap(index), loops));
  }

  /// The payload at one point; the next values of the accumulators.
  scf::ValueVector createBody(OpBuilder &b, Location loc, ValueRange loops,
                              ValueRange carried) {
    IRMapping mapping;
    Block *body = op.getBody();
    for (auto [index, input] : llvm::enumerate(op.getDpsInputs())) {
      Value value = input;
      if (isa<MemRefType>(input.getType()))
        value = memref::LoadOp::create(
            b, loc, input, createPosition(b, loc, maps[index], loops));
      mapping.map(body->getArgument(index), value);
    }
    mapping.map(body->getArguments().take_back(carried.size()), carried);
    for (Operation &nested : body->without_terminator()) {
      if (auto index = dyn_cast<linalg::IndexOp>(nested))
        mapping.map(index.getResult(), loops[index.getDim()]);
      else
        b.clone(nested, mapping);
    }
    scf::ValueVector next;
    for (Value value : body->getTerminator()->getOperands())
      next.push_back(mapping.lookupOrDefault(value));
    return next;
  }

  linalg::GenericOp op;
  SmallVector<AffineMap> maps;
};

struct CarryAccumulators
    : llmc::impl::CarryAccumulatorsBase<CarryAccumulators> {
  void runOnOperation() override {
    getOperation().walk([](linalg::GenericOp op) {
      if (!hasInnermostReductions(op))
        return;
      OpBuilder builder(op);
      LoopNest(op).create(builder);
      op.erase();
    });
  }
};
} // namespace
