//===- TopKKernel.cpp - the largest of a row and their places -------------===//
//
// Threads find the largest number of each block of a row. One goes through
// these then, and only through the blocks that have a number for its list: the
// best so far, in order, into which a number is inserted by moving those that
// it beats. Places go up, so of equal numbers the first stays first, whatever
// the number of threads is.
//
//===----------------------------------------------------------------------===//

#include "TopKKernel.h"
#include "llmc/IR/Dialect.h"
#include <limits>

using namespace mlir;
using namespace llmc;
using namespace llmc::cpu;

/// Numbers that have one largest.
static constexpr int64_t blockSize = 256;
/// Of more, keeping the list in order takes too long.
static constexpr int64_t maxCount = 256;

std::optional<TopKSpec> llmc::cpu::matchTopK(Operation *op) {
  auto topK = dyn_cast<TopKOp>(op);
  if (!topK || topK.getSmallest())
    return std::nullopt;
  auto type = dyn_cast<RankedTensorType>(topK.getOperand().getType());
  auto found = dyn_cast<RankedTensorType>(topK.getValues().getType());
  if (!type || !found || !type.getElementType().isF32())
    return std::nullopt;
  int64_t last = type.getRank() - 1;
  if (int64_t(topK.getAxis()) != last || type.isDynamicDim(last) ||
      found.isDynamicDim(last))
    return std::nullopt;
  TopKSpec spec{found.getDimSize(last), type.getDimSize(last), type.getRank()};
  // Places are kept in 32 bits.
  if (spec.count < 1 || spec.count > maxCount ||
      spec.columns > std::numeric_limits<int32_t>::max())
    return std::nullopt;
  return spec;
}

namespace {
class TopKEmitter {
public:
  TopKEmitter(func::FuncOp function, const TopKSpec &spec, const Isa &isa)
      : k(function, isa), spec(spec), lanes(isa.lanes),
        slots(llvm::alignTo(spec.count, lanes)), pitch(slots + lanes),
        numBlocks(spec.columns / blockSize),
        x(k.flatten(function.getArgument(0), 1)),
        values(k.flatten(function.getArgument(1), 1)),
        ids(k.flatten(function.getArgument(2), 1)) {}

  void emit() {
    Value rows = k.dim(x, 0);
    Value size = k.mul(rows, pitch);
    best = k.allocate(k.f32(), size);
    places = k.allocate(k.i32(), size);
    Value blocks = k.mul(rows, numBlocks);
    largest = k.allocate(k.f32(), blocks);
    if (numBlocks > 0)
      k.parallelIf(
          k.isWorthThreads(k.mul(rows, spec.columns)), blocks, [&](Value at) {
            k.store(findLargest(k.div(at, numBlocks),
                                k.mul(k.rem(at, numBlocks), blockSize)),
                    largest, at);
          });
    // The other threads have nothing to do for the first row.
    Value shared = k.mul(k.sub(rows, k.index(1)), spec.columns);
    k.parallelIf(k.isWorthThreads(shared), rows,
                 [&](Value row) { emitRow(row); });
    for (Value buffer : {best, places, largest})
      k.release(buffer);
    k.finish();
  }

private:
  using Predicate = arith::CmpFPredicate;

  Value compare(Predicate predicate, Value a, Value b) {
    return arith::CmpFOp::create(k.b, k.loc, predicate, a, b);
  }
  Value both(Value a, Value b) {
    return arith::AndIOp::create(k.b, k.loc, a, b);
  }
  Value either(Value a, Value b) {
    return arith::OrIOp::create(k.b, k.loc, a, b);
  }
  /// NaN counts as larger than every number.
  Value isLarger(Value a, Value b) {
    return both(compare(Predicate::UGT, a, b), compare(Predicate::ORD, b, b));
  }
  /// Whether a number goes before what is in a slot, which may be free.
  Value beats(Value number, Value slot, Value place) {
    Value isFree = arith::CmpIOp::create(k.b, k.loc, arith::CmpIPredicate::slt,
                                         place, k.constant(place.getType(), 0));
    return either(isLarger(number, slot), isFree);
  }
  void ifTrue(Value condition, llvm::function_ref<void()> then) {
    k.branch(condition, then, [] {});
  }
  Value toPlace(Value column) {
    return arith::IndexCastOp::create(k.b, k.loc, k.i32(), column);
  }

  Value findLargest(Value row, Value begin) {
    Value first = k.loadVector(x, {row, begin});
    Value found = k.carry(
        k.add(begin, lanes), k.add(begin, blockSize), lanes, first,
        [&](Value column, ValueRange carried) -> Values {
          Value numbers = k.loadVector(x, {row, column});
          return {k.select(isLarger(numbers, carried[0]), numbers, carried[0])};
        })[0];
    return k.reduce(vector::CombiningKind::MAXIMUMF, found);
  }

  void emitRow(Value row) {
    // Before the slots lies what no number beats, and which no slot is left of.
    Value start = k.mul(row, pitch);
    slot0 = k.add(start, lanes);
    lastSlot = k.add(slot0, spec.count - 1);
    Type numbers = k.vectorOf(k.f32()), integers = k.vectorOf(k.i32());
    k.storeVector(k.constant(numbers, std::numeric_limits<double>::quiet_NaN()),
                  best, start);
    k.storeVector(k.constant(integers, 0), places, start);
    k.loop(slot0, k.add(start, pitch), lanes, [&](Value slot) {
      k.storeVector(k.constant(numbers, 0), best, slot);
      k.storeVector(k.constant(integers, -1), places, slot);
    });

    k.loop(k.index(0), k.index(numBlocks), 1, [&](Value block) {
      Value number = k.load(largest, k.add(k.mul(row, numBlocks), block));
      ifTrue(entersList(number), [&] {
        Value begin = k.mul(block, blockSize);
        k.loop(begin, k.add(begin, blockSize), lanes,
               [&](Value column) { emitVector(row, column); });
      });
    });
    k.loop(k.index(numBlocks * blockSize), k.index(spec.columns), 1,
           [&](Value column) { emitNumber(row, column); });

    k.loop(k.index(0), k.index(spec.count), 1, [&](Value number) {
      Value slot = k.add(slot0, number);
      k.store(k.load(best, slot), values, {row, number});
      Value place = arith::ExtSIOp::create(k.b, k.loc, k.b.getI64Type(),
                                           k.load(places, slot));
      k.store(place, ids, {row, number});
    });
  }

  Value entersList(Value number) {
    return beats(number, k.load(best, lastSlot), k.load(places, lastSlot));
  }

  void emitVector(Value row, Value column) {
    Value enter = beats(k.loadVector(x, {row, column}),
                        k.broadcast(k.load(best, lastSlot)),
                        k.broadcast(k.load(places, lastSlot)));
    ifTrue(k.reduce(vector::CombiningKind::OR, enter), [&] {
      k.loop(column, k.add(column, lanes), 1,
             [&](Value single) { emitNumber(row, single); });
    });
  }

  void emitNumber(Value row, Value column) {
    Value number = k.load(x, {row, column});
    ifTrue(entersList(number), [&] { insert(number, toPlace(column)); });
  }

  /// Moves what the number beats by one slot, the last ones first.
  void insert(Value number, Value place) {
    number = k.broadcast(number);
    place = k.broadcast(place);
    k.loop(k.index(0), k.index(slots), lanes, [&](Value done) {
      Value slot = k.sub(k.add(slot0, slots - lanes), done);
      Value left = k.sub(slot, k.index(1));
      Value here = k.loadVector(best, slot), prior = k.loadVector(best, left);
      Value herePlace = k.loadVector(places, slot),
            priorPlace = k.loadVector(places, left);
      Value moves = beats(number, prior, priorPlace),
            enters = beats(number, here, herePlace);
      auto choose = [&](Value moved, Value added, Value kept) {
        return k.select(moves, moved, k.select(enters, added, kept));
      };
      k.storeVector(choose(prior, number, here), best, slot);
      k.storeVector(choose(priorPlace, place, herePlace), places, slot);
    });
  }

  KernelBuilder k;
  const TopKSpec &spec;
  int64_t lanes, slots, pitch, numBlocks;
  Value x, values, ids;
  Value best, places, largest;
  Value slot0, lastSlot;
};
} // namespace

void llmc::cpu::emitTopK(func::FuncOp function, const TopKSpec &spec,
                         const Isa &isa) {
  TopKEmitter(function, spec, isa).emit();
}
