//===- AttentionKernel.cpp - attention without stored scores --------------===//
//
// A task is the queries of some positions of all heads that read one key head.
// It goes along the keys in blocks; a softmax whose largest score may still
// grow rescales what was summed before (Milakov and Gimelshein, "Online
// normalizer calculation for softmax", 2018; Dao et al., "FlashAttention",
// 2022). Keys of a block are transposed once, so that a vector has scores of
// successive keys.
//
// Each chunk of keys is summed by itself, and the sums of chunks are joined in
// order. So threads may share the chunks of a task where there are few tasks,
// as for a single token, and the result has the same bits if they do not.
//
//===----------------------------------------------------------------------===//

#include "AttentionMask.h"
#include "AttentionOutputs.h"
#include "AttentionScores.h"
#include "DotSums.h"
#include "SpecialFunctions.h"
#include "Tiles.h"
#include "llmc/Lower/Patterns.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <limits>

using namespace mlir;
using namespace llmc;
using namespace llmc::cpu;

namespace {

/// Keys of a chunk.
constexpr int64_t chunkKeys = 512;
/// Queries of a task, about.
constexpr int64_t taskQueries = 128;
/// So many tasks are shared by chunks.
constexpr int64_t splitTasks = 16;
/// Products that are worth to wake threads up for.
constexpr int64_t parallelProducts = 1 << 16;
/// Scores below this only a mask makes, those above the other one none does:
/// the former count as nothing next to the latter.
constexpr double masked = -1e30, unmasked = -1e29;

class AttentionEmitter {
public:
  AttentionEmitter(func::FuncOp function, const AttentionSpec &spec,
                   const Isa &isa)
      : k(function, isa), spec(spec), lanes(isa.lanes),
        group(spec.heads / spec.keyHeads),
        taskRows(std::clamp<int64_t>(
            int64_t(llvm::bit_floor(uint64_t(taskQueries / group))), 1, 64)),
        most(taskRows * group),
        places(canUsePairTiles(spec, isa) ? llvm::alignTo(most, tileRows)
                                          : most),
        record(AttentionSums::getPitch(isa, spec.valueSize)),
        floats(k.vectorOf(k.f32())) {
    if (spec.hasLength || spec.appends)
      declareErrorReport(function->getParentOfType<ModuleOp>());
    ValueRange arguments = function.getArguments();
    auto take = [&] {
      Value argument = arguments.front();
      arguments = arguments.drop_front();
      return argument;
    };
    auto takeCache = [&](CacheFormat format, int64_t size, int64_t group) {
      Cache cache{format, size, group, take(), {}, {}};
      if (format == CacheFormat::Int8 || cache.isNibbles())
        cache.scales = take();
      if (cache.isNibbles())
        cache.lows = take();
      return cache;
    };
    queryRows = HeadRows(spec.query, spec.headSize, arguments);
    if (spec.appends) {
      keyRows = HeadRows(spec.newKeys, spec.headSize, arguments);
      valueRows = HeadRows(spec.newValues, spec.valueSize, arguments);
    } else {
      keys = takeCache(spec.keys, spec.headSize, spec.keyGroup);
      values = takeCache(spec.values, spec.valueSize, spec.valueGroup);
      if (spec.keysTransposed)
        keys.data = exchangeHeads(keys.data);
      if (spec.valuesTransposed)
        values.data = exchangeHeads(values.data);
    }
    if (spec.hasLength || spec.appends)
      length = take();
    if (!spec.mask.empty())
      mask = take();
    y = take();
    if (spec.appends) {
      keys = takeCache(spec.keys, spec.headSize, spec.keyGroup);
      values = takeCache(spec.values, spec.valueSize, spec.valueGroup);
    }
  }

  void emit() {
    findEqualSizes();
    numRows = k.checked(queryRows.getNumRows(k), equalSizes);
    findNumKeys();
    rowTasks = k.ceilDiv(numRows, taskRows);
    Value batches = queryRows.getBatch(k);
    Value tasks = k.mul(k.mul(rowTasks, spec.keyHeads), batches);
    Value chunks = k.ceilDiv(block.numKeys, chunkKeys);
    splits = arith::AndIOp::create(k.b, k.loc,
                                   k.isLess(tasks, k.index(splitTasks + 1)),
                                   k.isLess(k.index(1), chunks));
    Value parts = k.select(splits, chunks, k.index(1));
    Value units = k.mul(tasks, parts);
    Value partials = k.allocate(
        k.f32(), k.select(splits, k.mul(units, most * record), k.index(1)));
    Value products = k.mul(k.mul(k.mul(batches, numRows), block.numKeys),
                           spec.heads * (spec.headSize + spec.valueSize));
    auto emitOne = [&](Value unit) {
      Value task = k.div(unit, parts);
      locate(task);
      emitUnit(k.sub(unit, k.mul(task, parts)),
               sumsIn(partials, k.mul(unit, most * record)));
    };
    k.branch(
        k.isLess(k.index(parallelProducts), products),
        [&] { k.share(units, emitOne); },
        [&] { k.loop(k.index(0), units, 1, emitOne); });
    k.branch(
        splits,
        [&] {
          AttentionSums joined =
              sumsIn(k.allocate(k.f32(), k.index(record)), k.index(0));
          k.loop(k.index(0), tasks, 1, [&](Value task) {
            locate(task);
            join(partials, k.mul(task, parts), parts, joined);
          });
          k.release(joined.getBuffer());
        },
        [] {});
    k.release(partials);
    k.finish();
  }

private:
  bool usesTiles() const { return canUsePairTiles(spec, k.isa); }
  Value splat(double value) { return k.constant(floats, value); }
  Value scalar(double value) { return k.constant(k.f32(), value); }
  Value infinity(Type type) {
    return k.constant(type, -std::numeric_limits<double>::infinity());
  }

  //===--------------------------------------------------------------------===//
  // The cache
  //===--------------------------------------------------------------------===//

  /// [B, C, heads, D] as [B, heads, C, D], without moving it.
  Value exchangeHeads(Value buffer) {
    const unsigned order[] = {0, 2, 1, 3};
    return memref::TransposeOp::create(
        k.b, k.loc, buffer,
        AffineMapAttr::get(
            AffineMap::getPermutationMap(ArrayRef(order), k.b.getContext())));
  }

  /// The sizes that shapes of operands do not tell to be equal.
  void findEqualSizes() {
    Value batches = queryRows.getBatch(k);
    for (Value buffer : {keys.data, values.data})
      equalSizes.push_back({k.dim(buffer, 0), batches});
    queryRows.addSizes(k, equalSizes);
    if (!spec.appends)
      return;
    for (const HeadRows &rows : {keyRows, valueRows}) {
      equalSizes.push_back({rows.getBatch(k), batches});
      rows.addSizes(k, equalSizes);
    }
    equalSizes.push_back({keyRows.getNumRows(k), valueRows.getNumRows(k)});
  }

  void findNumKeys() {
    Value capacity = k.min(k.dim(keys.data, 2), k.dim(values.data, 2));
    for (const Cache &cache : {keys, values})
      for (Value buffer : {cache.scales, cache.lows})
        if (buffer)
          capacity = k.min(capacity, k.dim(buffer, 2));
    block.numKeys = capacity;
    if (!length)
      return;
    Value first = arith::IndexCastOp::create(k.b, k.loc, k.b.getIndexType(),
                                             k.load(length, {}));
    Value fits = arith::CmpIOp::create(k.b, k.loc, arith::CmpIPredicate::ule,
                                       first, capacity);
    if (!spec.appends) {
      createRuntimeCheck(k.b, k.loc, fits, RuntimeError::ShapeMismatch);
      block.numKeys = arith::MinUIOp::create(k.b, k.loc, first, capacity);
      return;
    }
    Value count = k.checked(keyRows.getNumRows(k), equalSizes);
    // Without a sum, which may wrap.
    fits = arith::AndIOp::create(
        k.b, k.loc, fits,
        arith::CmpIOp::create(k.b, k.loc, arith::CmpIPredicate::ule, count,
                              k.sub(capacity, first)));
    createRuntimeCheck(k.b, k.loc, fits, RuntimeError::IndexOutOfRange);
    first = k.select(fits, first, k.index(0));
    count = k.select(fits, count, k.index(0));
    emitAppend(k, keyRows, valueRows, keys, values, spec.keyHeads, first,
               count);
    block.numKeys = k.add(first, count);
  }

  //===--------------------------------------------------------------------===//
  // Tasks
  //===--------------------------------------------------------------------===//

  void locate(Value task) {
    Value head = k.div(task, rowTasks);
    firstRow = k.mul(k.sub(task, k.mul(head, rowTasks)), taskRows);
    block.batch = k.div(head, spec.keyHeads);
    block.head = k.rem(head, spec.keyHeads);
    rows = k.min(k.index(taskRows), k.sub(numRows, firstRow));
    numQueries = k.mul(rows, group);
  }

  /// A task, or a part of it, whose sums go to `partial`.
  void emitUnit(Value part, AttentionSums partial) {
    BufferGroup buffers;
    Value sumsBuffer, totalsBuffer;
    AttentionScores scores(k, spec, block, keys, places);
    AttentionOutputs outputs(k, spec, block, values, places);
    int64_t placeOfScores = scores.addBuffers(buffers);
    outputs.addBuffers(buffers, placeOfScores);
    buffers.add(factors, k.f32(), llvm::alignTo(most, lanes));
    buffers.add(sumsBuffer, k.f32(), places * record);
    buffers.add(totalsBuffer, k.f32(), most * record);
    buffers.add(shapes, k.i32(), usesTiles() ? shapeWords : 0);
    buffers.allocate(k);
    sums = sumsIn(sumsBuffer, k.index(0));
    totals = sumsIn(totalsBuffer, k.index(0));

    auto [begin, end] = findKeys();
    Value first = k.select(splits, part, k.div(begin, chunkKeys));
    overQueries([&](Value q) {
      queryRows.prefetch(k, block.batch, headOf(q), rowOf(q));
    });
    scores.prefetch(k.max(begin, k.mul(first, chunkKeys)));
    overQueries([&](Value q) {
      scores.loadQuery(queryRows, headOf(q), rowOf(q), q);
      totals.at(q).clear();
    });
    Value last = k.select(splits, k.add(part, 1), k.ceilDiv(end, chunkKeys));
    k.loop(first, last, 1, [&, begin = begin, end = end](Value chunk) {
      Value from = k.mul(chunk, chunkKeys);
      overQueries([&](Value q) { sums.at(q).clear(); });
      k.loop(k.max(begin, from), k.min(end, k.add(from, chunkKeys)), blockKeys,
             [&](Value key) {
               block.first = key;
               skipMasked([&] { emitBlock(scores, outputs); });
             });
      Value isFirst = k.isLess(chunk, k.add(first, 1));
      overQueries([&](Value q) {
        k.branch(
            splits, [&] { partial.at(q).copy(sums.at(q)); },
            [&] { totals.at(q).add(sums.at(q), isFirst); });
      });
    });
    k.branch(
        splits, [] {},
        [&] { overQueries([&](Value q) { storeOutput(q, totals.at(q)); }); });
    buffers.release(k);
  }

  void emitBlock(AttentionScores &scores, AttentionOutputs &outputs) {
    if (usesTiles())
      Tiles(k).configureWhole(shapes);
    outputs.prefetch(block.first);
    scores.prefetch(k.add(block.first, blockKeys));
    scores.emit(numQueries,
                {[&](Value vector, Value q, Value key) {
                   return exclude(cap(vector), rowOf(q), headOf(q),
                                  k.add(block.first, key));
                 },
                 [&](Value q, Value largest) { takeLargest(q, largest); }});
    Value size = scores.getSize();
    k.loop(k.index(0), numQueries, lanes, [&](Value q) {
      k.storeVector(emitExp(k, k.loadVector(factors, q)), factors, q);
    });
    overQueries([&](Value q) { emitSoftmax(q, size, scores, outputs); });
    outputs.emit(numQueries, sums);
    if (usesTiles())
      Tiles(k).release();
  }

  void overQueries(llvm::function_ref<void(Value)> body) {
    k.loop(k.index(0), numQueries, 1, body);
  }

  //===--------------------------------------------------------------------===//
  // Sums
  //===--------------------------------------------------------------------===//

  AttentionSums sumsIn(Value buffer, Value begin) {
    return {k, spec.valueSize, buffer, begin};
  }

  /// The outputs of a task from the sums of its `parts`.
  void join(Value partials, Value firstUnit, Value parts,
            AttentionSums joined) {
    overQueries([&](Value q) {
      k.loop(k.index(0), parts, 1, [&](Value part) {
        Value unit = k.add(firstUnit, part);
        joined.add(sumsIn(partials, k.mul(unit, most * record)).at(q),
                   k.isLess(part, k.index(1)));
      });
      storeOutput(q, joined);
    });
  }

  void storeOutput(Value q, AttentionSums total) {
    Value weight = total.loadWeight();
    Value isNone = arith::CmpFOp::create(k.b, k.loc, arith::CmpFPredicate::OEQ,
                                         weight, scalar(0));
    Value factor =
        k.broadcast(k.select(isNone, scalar(0), k.divF(scalar(1), weight)));
    Values place{block.batch, headOf(q), rowOf(q)};
    if (spec.transposed)
      std::swap(place[1], place[2]);
    place.push_back(Value());
    Type element = cast<MemRefType>(y.getType()).getElementType();
    for (int64_t i = 0; i < spec.valueSize; i += lanes) {
      place.back() = k.index(i);
      Value output = k.mulF(total.loadOutputs(i), factor);
      if (spec.pairs)
        output = k.widen(roundForPairs(k, output));
      k.storeVector(k.narrow(output, element), y, place,
                    k.tail(spec.valueSize, i));
    }
  }

  //===--------------------------------------------------------------------===//
  // Queries
  //===--------------------------------------------------------------------===//

  /// Query q of the task is that of row `q / group` and head `q % group`.
  Value rowOf(Value q) { return k.add(firstRow, k.div(q, group)); }
  Value headOf(Value q) {
    return k.add(k.mul(block.head, group), k.rem(q, group));
  }

  //===--------------------------------------------------------------------===//
  // Keys and values
  //===--------------------------------------------------------------------===//

  /// The position of a row among the keys.
  Value positionOf(Value row) {
    return k.add(row, k.sub(block.numKeys, numRows));
  }

  /// Keys that some row of the task may read; the first is that of a block, so
  /// that blocks do not depend on the task.
  std::pair<Value, Value> findKeys() {
    Value begin = k.index(0), end = block.numKeys;
    if (spec.causal)
      end = k.min(end, positionOf(k.add(firstRow, rows)));
    if (spec.window > 0) {
      Value first = k.max(k.add(positionOf(firstRow), 1 - spec.window), begin);
      begin = k.mul(k.div(first, blockKeys), blockKeys);
    }
    return {begin, k.max(end, k.index(0))};
  }

  //===--------------------------------------------------------------------===//
  // Masks
  //===--------------------------------------------------------------------===//

  AttentionMask getMask() { return {k, spec, mask}; }

  /// Leaves out a block of keys that masks exclude for all queries of the task.
  /// The others have a score already, next to which these count as 0.
  void skipMasked(llvm::function_ref<void()> body) {
    if (!getMask().hasKeys())
      return body();
    Value count = block.getSize(k);
    // Queries that the mask does not tell apart need one look.
    Value end = getMask().hasRows() ? numQueries : k.index(group);
    Value highest =
        k.carry(k.index(0), end, getMask().hasHeads() ? 1 : group,
                infinity(floats), [&](Value q, ValueRange carried) -> Values {
                  Value found = carried[0];
                  for (int64_t i = 0; i < blockKeys; i += lanes)
                    found = k.maximum(
                        getMask().load(block.batch, headOf(q), rowOf(q),
                                       k.add(block.first, i),
                                       k.createMask(k.sub(count, k.index(i)))),
                        found);
                  return {found};
                })[0];
    Value isMasked =
        arith::CmpFOp::create(k.b, k.loc, arith::CmpFPredicate::OLT,
                              k.reduceToLargest(highest), scalar(masked));
    Value lowest = k.carry(
        k.index(0), k.select(isMasked, numQueries, k.index(0)), 1,
        scalar(std::numeric_limits<double>::infinity()),
        [&](Value q, ValueRange carried) -> Values {
          Value own =
              k.maximum(sums.at(q).loadLargest(), totals.at(q).loadLargest());
          return {arith::MinNumFOp::create(k.b, k.loc, carried[0], own)};
        })[0];
    Value haveScores = arith::CmpFOp::create(
        k.b, k.loc, arith::CmpFPredicate::OGT, lowest, scalar(unmasked));
    Value skips = arith::AndIOp::create(k.b, k.loc, isMasked, haveScores);
    k.branch(skips, [] {}, body);
  }

  /// `value`, the scores of `row` for keys from `key` on, with -inf where there
  /// is no key.
  Value exclude(Value value, Value row, Value head, Value key) {
    Value left = k.sub(block.numKeys, key);
    if (mask)
      value = getMask().apply(value, block.batch, head, row, key,
                              k.createMask(left));
    if (spec.causal)
      left = k.min(left, k.sub(k.add(positionOf(row), 1), key));
    value = k.select(k.createMask(left), value, infinity(floats));
    if (spec.window == 0)
      return value;
    // The first key that counts is position - window + 1.
    Value first = k.sub(k.add(positionOf(row), 1 - spec.window), key);
    return k.select(k.createMask(first), infinity(floats), value);
  }

  //===--------------------------------------------------------------------===//
  // Scores
  //===--------------------------------------------------------------------===//

  Value cap(Value value) {
    if (spec.softcap == 0)
      return value;
    value =
        math::TanhOp::create(k.b, k.loc, k.divF(value, splat(spec.softcap)));
    return k.mulF(value, splat(spec.softcap));
  }

  /// Notes the largest score of a query, and how much less it was before.
  void takeLargest(Value q, Value largest) {
    Value before = sums.at(q).loadLargest();
    Value now = k.maximum(before, k.reduceToLargest(largest));
    k.store(k.subF(before, getScoreBase(k, now)), factors, q);
    sums.at(q).storeLargest(now);
  }

  /// Turns the scores of a query into weights, and rescales what it has.
  void emitSoftmax(Value q, Value size, AttentionScores &scores,
                   AttentionOutputs &outputs) {
    AttentionSums own = sums.at(q);
    Value base = k.broadcast(getScoreBase(k, own.loadLargest()));
    Value sum = k.carry(k.index(0), size, lanes, splat(0),
                        [&](Value key, ValueRange carried) -> Values {
                          Value weight =
                              emitExp(k, k.subF(scores.load(q, key), base),
                                      outputs.roundsWeights());
                          outputs.storeWeights(weight, q, key);
                          return {k.addF(carried[0], weight)};
                        })[0];
    own.rescale(k.load(factors, q), sum);
  }

  KernelBuilder k;
  const AttentionSpec &spec;
  int64_t lanes, group;
  int64_t taskRows; ///< positions of a task, at most
  int64_t most;     ///< queries of a task, at most
  int64_t places;   ///< for them, in whole tiles
  int64_t record;   ///< numbers of AttentionSums for one query
  VectorType floats;
  HeadRows queryRows, keyRows, valueRows;
  Cache keys, values;
  Value length, mask, y;
  SmallVector<std::pair<Value, Value>> equalSizes;
  KeyBlock block;
  Value numRows; ///< S
  Value rowTasks, splits;
  // Of the task.
  Value firstRow, rows, numQueries;
  /// What sums are multiplied with when the largest score has grown.
  Value factors;
  Value shapes;               ///< of tiles
  AttentionSums sums, totals; ///< of a chunk, and of those before
};
} // namespace

void llmc::cpu::emitAttention(func::FuncOp function, const AttentionSpec &spec,
                              const Isa &isa) {
  AttentionEmitter(function, spec, isa).emit();
}
