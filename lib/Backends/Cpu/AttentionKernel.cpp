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
#include "DotSums.h"
#include "LinearKernel.h"
#include "llmc/Lower/Patterns.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <limits>
#include <numeric>

using namespace mlir;
using namespace llmc;
using namespace llmc::cpu;

using vector::CombiningKind;

namespace {

/// Keys of a block, and of a chunk.
constexpr int64_t blockKeys = 64, chunkKeys = 512;
/// Queries of a task, about.
constexpr int64_t taskQueries = 64;
/// So many tasks are shared by chunks.
constexpr int64_t splitTasks = 16;
/// Products that are worth to wake threads up for.
constexpr int64_t parallelProducts = 1 << 16;
/// Scores below this only a mask makes, those above the other one none does:
/// the former count as nothing next to the latter.
constexpr double masked = -1e30, unmasked = -1e29;

/// Queries whose scores, or whose outputs, are in registers together.
int64_t getTileQueries(int64_t group) { return group % 3 == 0 ? 3 : 4; }

/// Where the buffers of a task are in its one allocation.
struct Layout {
  int64_t take(int64_t size) {
    int64_t offset = bytes;
    bytes += int64_t(llvm::alignTo(uint64_t(size), 64));
    return offset;
  }
  int64_t bytes = 0;
};

/// Sums over some keys for queries, in floats: of each query the outputs, then
/// the largest score and the sum of weights.
struct Sums {
  Value buffer, begin;
};

class AttentionEmitter {
public:
  AttentionEmitter(func::FuncOp function, const AttentionSpec &spec,
                   const Isa &isa)
      : k(function, isa), spec(spec), lanes(isa.lanes),
        group(spec.heads / spec.keyHeads),
        taskRows(std::clamp<int64_t>(
            int64_t(llvm::bit_floor(uint64_t(taskQueries / group))), 1, 32)),
        most(taskRows * group), record(padded(spec.valueSize) + lanes),
        floats(k.vectorOf(k.f32())), words(k.vectorOf(k.i32())) {
    if (spec.hasLength || spec.appends)
      declareErrorReport(function->getParentOfType<ModuleOp>());
    ValueRange arguments = function.getArguments();
    auto take = [&] {
      Value argument = arguments.front();
      arguments = arguments.drop_front();
      return argument;
    };
    auto takeRows = [&](const HeadsSpec &heads, int64_t size) {
      Value source = take(), cos, sin;
      if (heads.rotated > 0) {
        cos = take();
        sin = take();
      }
      return HeadRows(heads, size, source, cos, sin);
    };
    auto takeCache = [&](CacheFormat format, int64_t size) {
      Cache cache{format, size, take(), {}};
      if (format == CacheFormat::Int8)
        cache.scales = take();
      return cache;
    };
    queryRows = takeRows(spec.query, spec.headSize);
    if (spec.appends) {
      keyRows = takeRows(spec.newKeys, spec.headSize);
      valueRows = takeRows(spec.newValues, spec.valueSize);
    } else {
      keys = takeCache(spec.keys, spec.headSize);
      values = takeCache(spec.values, spec.valueSize);
    }
    if (spec.hasLength || spec.appends)
      length = take();
    if (!spec.mask.empty())
      mask = take();
    y = take();
    if (spec.appends) {
      keys = takeCache(spec.keys, spec.headSize);
      values = takeCache(spec.values, spec.valueSize);
    }
  }

  void emit() {
    numRows = queryRows.getNumRows(k);
    findNumKeys();
    rowTasks = k.ceilDiv(numRows, taskRows);
    Value batches = queryRows.getBatch(k);
    Value tasks = k.mul(k.mul(rowTasks, spec.keyHeads), batches);
    Value chunks = k.ceilDiv(numKeys, chunkKeys);
    splits = arith::AndIOp::create(k.b, k.loc,
                                   k.isLess(tasks, k.index(splitTasks + 1)),
                                   k.isLess(k.index(1), chunks));
    Value parts = select(splits, chunks, k.index(1));
    Value units = k.mul(tasks, parts);
    Value partials = k.allocate(
        k.f32(), select(splits, k.mul(units, most * record), k.index(1)));
    Value products = k.mul(k.mul(k.mul(batches, numRows), numKeys),
                           spec.heads * (spec.headSize + spec.valueSize));
    k.parallelIf(k.isLess(k.index(parallelProducts), products), units,
                 [&](Value unit) {
                   Value task = divide(unit, parts);
                   locate(task);
                   emitUnit(k.sub(unit, k.mul(task, parts)),
                            {partials, k.mul(unit, most * record)});
                 });
    k.branch(
        splits,
        [&] {
          Sums joined{k.allocate(k.f32(), k.index(record)), k.index(0)};
          k.loop(k.index(0), tasks, 1, [&](Value task) {
            locate(task);
            join(partials, k.mul(task, parts), parts, joined);
          });
          k.release(joined.buffer);
        },
        [] {});
    k.release(partials);
    k.finish();
  }

private:
  Value divide(Value x, Value y) {
    return arith::DivUIOp::create(k.b, k.loc, x, y);
  }
  Value select(Value condition, Value x, Value y) {
    return arith::SelectOp::create(k.b, k.loc, condition, x, y);
  }
  Value maxIndex(Value x, Value y) {
    return arith::MaxSIOp::create(k.b, k.loc, x, y);
  }
  int64_t padded(int64_t size) { return llvm::alignTo(size, lanes); }
  Value splat(double value) { return k.constant(floats, value); }
  Value scalar(double value) { return k.constant(k.f32(), value); }
  Value infinity(Type type) {
    return k.constant(type, -std::numeric_limits<double>::infinity());
  }
  Value maximum(Value x, Value y) {
    return arith::MaxNumFOp::create(k.b, k.loc, x, y);
  }
  Value isEqual(Value x, Value y) {
    return arith::CmpFOp::create(k.b, k.loc, arith::CmpFPredicate::OEQ, x, y);
  }

  //===--------------------------------------------------------------------===//
  // The cache
  //===--------------------------------------------------------------------===//

  void findNumKeys() {
    Value capacity = k.min(k.dim(keys.data, 2), k.dim(values.data, 2));
    for (const Cache &cache : {keys, values})
      if (cache.scales)
        capacity = k.min(capacity, k.dim(cache.scales, 2));
    numKeys = capacity;
    if (!length)
      return;
    Value first = arith::IndexCastOp::create(k.b, k.loc, k.b.getIndexType(),
                                             k.load(length, {}));
    Value fits = arith::CmpIOp::create(k.b, k.loc, arith::CmpIPredicate::ule,
                                       first, capacity);
    if (!spec.appends) {
      createRuntimeCheck(k.b, k.loc, fits, RuntimeError::ShapeMismatch);
      numKeys = arith::MinUIOp::create(k.b, k.loc, first, capacity);
      return;
    }
    Value count = keyRows.getNumRows(k);
    // Without a sum, which may wrap.
    fits = arith::AndIOp::create(
        k.b, k.loc, fits,
        arith::CmpIOp::create(k.b, k.loc, arith::CmpIPredicate::ule, count,
                              k.sub(capacity, first)));
    createRuntimeCheck(k.b, k.loc, fits, RuntimeError::IndexOutOfRange);
    first = select(fits, first, k.index(0));
    count = select(fits, count, k.index(0));
    emitAppend(k, keyRows, valueRows, keys, values, spec.keyHeads, first,
               count);
    numKeys = k.add(first, count);
  }

  //===--------------------------------------------------------------------===//
  // Tasks
  //===--------------------------------------------------------------------===//

  void locate(Value task) {
    Value head = divide(task, rowTasks);
    firstRow = k.mul(k.sub(task, k.mul(head, rowTasks)), taskRows);
    batch = k.div(head, spec.keyHeads);
    keyHead = k.rem(head, spec.keyHeads);
    rows = k.min(k.index(taskRows), k.sub(numRows, firstRow));
    numQueries = k.mul(rows, group);
  }

  /// A task, or a part of it, whose sums go to `partial`.
  void emitUnit(Value part, Sums partial) {
    Layout layout;
    int64_t keyWords = isRounded() ? padded(llvm::divideCeil(spec.headSize, 4))
                                   : padded(spec.headSize);
    int64_t queriesAt = layout.take(4 * most * spec.headSize),
            keysAt = layout.take(4 * keyWords * blockKeys),
            scoresAt = layout.take(4 * most * blockKeys),
            sumsAt = layout.take(4 * most * record),
            totalsAt = layout.take(4 * most * record), valuesAt = 0,
            roundedAt = 0, seedsAt = 0, stepsAt = 0;
    if (spec.values != CacheFormat::F32)
      valuesAt = layout.take(4 * blockKeys * padded(spec.valueSize));
    if (isRounded()) {
      roundedAt = layout.take(most * spec.headSize);
      seedsAt = layout.take(4 * most);
      stepsAt = layout.take(4 * most);
    }
    Value memory = k.allocate(k.i8(), k.index(layout.bytes));
    auto view = [&](Type element, int64_t size, int64_t offset) {
      return k.view(memory, element, k.index(size), offset);
    };
    queries = view(k.f32(), most * spec.headSize, queriesAt);
    transposedKeys =
        view(isRounded() ? k.i32() : k.f32(), keyWords * blockKeys, keysAt);
    scores = view(k.f32(), most * blockKeys, scoresAt);
    sums = {view(k.f32(), most * record, sumsAt), k.index(0)};
    totals = {view(k.f32(), most * record, totalsAt), k.index(0)};
    if (spec.values != CacheFormat::F32)
      blockValues = view(k.f32(), blockKeys * padded(spec.valueSize), valuesAt);
    if (isRounded()) {
      roundedQueries = view(k.i8(), most * spec.headSize, roundedAt);
      queryWords = view(k.i32(), most * spec.headSize / 4, roundedAt);
      querySeeds = view(k.i32(), most, seedsAt);
      querySteps = view(k.f32(), most, stepsAt);
    }

    auto [begin, end] = findKeys();
    Value first = select(splits, part, k.div(begin, chunkKeys));
    prefetch(keys, maxIndex(begin, k.mul(first, chunkKeys)));
    loadQueries();
    Value last = select(splits, k.add(part, 1), k.ceilDiv(end, chunkKeys));
    k.loop(first, last, 1, [&, begin = begin, end = end](Value chunk) {
      Value from = k.mul(chunk, chunkKeys);
      overQueries([&](Value q) { clear(at(sums, q)); });
      k.loop(maxIndex(begin, from), k.min(end, k.add(from, chunkKeys)),
             blockKeys, [&](Value block) {
               firstKey = block;
               skipMasked([&] { emitBlock(); });
             });
      overQueries([&](Value q) {
        k.branch(
            splits, [&] { copy(at(partial, q), at(sums, q)); },
            [&] { merge(at(totals, q), at(sums, q)); });
      });
    });
    k.branch(
        splits, [] {},
        [&] { overQueries([&](Value q) { storeOutput(q, at(totals, q)); }); });
    k.release(memory);
  }

  void emitBlock() {
    prefetch(values, firstKey);
    prefetch(keys, k.add(firstKey, blockKeys));
    if (isRounded())
      transposeBytes();
    else
      transposeKeys();
    overTiles([&](Value q, int64_t count) { emitScores(q, count); });
    overQueries([&](Value q) { emitSoftmax(q); });
    if (spec.values != CacheFormat::F32)
      unpackValues();
    overTiles([&](Value q, int64_t count) { emitOutputs(q, count); });
  }

  void overQueries(llvm::function_ref<void(Value)> body) {
    k.loop(k.index(0), numQueries, 1, body);
  }

  void overTiles(llvm::function_ref<void(Value, int64_t)> body) {
    int64_t tile = getTileQueries(group), rest = std::gcd(group, tile);
    Value whole = k.sub(numQueries, k.rem(numQueries, tile));
    k.loop(k.index(0), whole, tile, [&](Value q) { body(q, tile); });
    if (rest < tile)
      k.loop(whole, numQueries, rest, [&](Value q) { body(q, rest); });
  }

  //===--------------------------------------------------------------------===//
  // Sums
  //===--------------------------------------------------------------------===//

  Sums at(Sums all, Value q) {
    return {all.buffer, k.add(all.begin, k.mul(q, record))};
  }
  Value largestOf(Sums one) { return k.add(one.begin, record - lanes); }
  Value weightOf(Sums one) { return k.add(one.begin, record - lanes + 1); }

  void clear(Sums one) {
    for (int64_t i = 0; i < record; i += lanes)
      k.storeVector(splat(0), one.buffer, k.add(one.begin, i));
    k.store(infinity(k.f32()), one.buffer, largestOf(one));
  }

  void copy(Sums to, Sums from) {
    for (int64_t i = 0; i < record; i += lanes)
      k.storeVector(k.loadVector(from.buffer, k.add(from.begin, i)), to.buffer,
                    k.add(to.begin, i));
  }

  /// Adds sums over other keys.
  void merge(Sums to, Sums from) {
    Value before = k.load(to.buffer, largestOf(to)),
          other = k.load(from.buffer, largestOf(from));
    Value now = maximum(before, other);
    Value base = k.broadcast(getBase(now));
    Value old = exponential(k.subF(k.broadcast(before), base)),
          factor = exponential(k.subF(k.broadcast(other), base));
    // The weights are in the last vector, next to the largest score.
    for (int64_t i = 0; i < record; i += lanes) {
      Value address = k.add(to.begin, i);
      Value rescaled = k.mulF(k.loadVector(to.buffer, address), old);
      Value added = k.loadVector(from.buffer, k.add(from.begin, i));
      k.storeVector(k.fma(added, factor, rescaled), to.buffer, address);
    }
    k.store(now, to.buffer, largestOf(to));
  }

  /// What scores are relative to: without any key yet there is nothing.
  Value getBase(Value largest) {
    return select(isEqual(largest, infinity(k.f32())), scalar(0), largest);
  }

  /// The outputs of a task from the sums of its `parts`.
  void join(Value partials, Value firstUnit, Value parts, Sums joined) {
    overQueries([&](Value q) {
      clear(joined);
      k.loop(k.index(0), parts, 1, [&](Value part) {
        Value unit = k.add(firstUnit, part);
        merge(joined, at({partials, k.mul(unit, most * record)}, q));
      });
      storeOutput(q, joined);
    });
  }

  void storeOutput(Value q, Sums total) {
    Value weight = k.load(total.buffer, weightOf(total));
    Value factor = k.broadcast(select(isEqual(weight, scalar(0)), scalar(0),
                                      k.divF(scalar(1), weight)));
    Values place{batch, headOf(q), rowOf(q)};
    if (spec.transposed)
      std::swap(place[1], place[2]);
    place.push_back(Value());
    for (int64_t i = 0; i < spec.valueSize; i += lanes) {
      place.back() = k.index(i);
      Value vector = k.loadVector(total.buffer, k.add(total.begin, i));
      k.storeVector(k.mulF(vector, factor), y, place,
                    k.tail(spec.valueSize, i));
    }
  }

  //===--------------------------------------------------------------------===//
  // Queries
  //===--------------------------------------------------------------------===//

  /// Query q of the task is that of row `q / group` and head `q % group`.
  Value rowOf(Value q) { return k.add(firstRow, k.div(q, group)); }
  Value headOf(Value q) {
    return k.add(k.mul(keyHead, group), k.rem(q, group));
  }
  /// Whether queries are rounded, for products of integers.
  bool isRounded() { return spec.keys == CacheFormat::Int8; }

  void loadQueries() {
    overQueries([&](Value q) {
      Value begin = k.mul(q, spec.headSize);
      queryRows.copy(k, batch, headOf(q), rowOf(q), queries, begin);
      for (int64_t i = 0; i < spec.headSize; i += lanes) {
        Value address = k.add(begin, i), there = k.tail(spec.headSize, i);
        k.storeVector(
            k.mulF(k.loadVector(queries, address, there), splat(spec.scale)),
            queries, address, there);
      }
      if (isRounded())
        roundQuery(q, begin);
      clear(at(totals, q));
    });
  }

  /// Keys count from 0 to 255 in products, so these begin with minus 128 times
  /// the sum of the query.
  void roundQuery(Value q, Value begin) {
    Value sum = k.constant(words, 0);
    Value step = emitRoundedRow(
        k, queries, begin, spec.headSize,
        [&](Value codes, int64_t offset, Value there) {
          k.storeVector(
              arith::TruncIOp::create(k.b, k.loc, k.vectorOf(k.i8()), codes),
              roundedQueries, k.add(begin, offset), there);
          sum = k.add(sum, codes);
        });
    k.store(step, querySteps, q);
    k.store(k.mul(k.reduce(CombiningKind::ADD, sum), k.constant(k.i32(), -128)),
            querySeeds, q);
  }

  //===--------------------------------------------------------------------===//
  // Keys and values
  //===--------------------------------------------------------------------===//

  /// The position of a row among the keys.
  Value positionOf(Value row) { return k.add(row, k.sub(numKeys, numRows)); }

  /// Keys that some row of the task may read; the first is that of a block, so
  /// that blocks do not depend on the task.
  std::pair<Value, Value> findKeys() {
    Value begin = k.index(0), end = numKeys;
    if (spec.causal)
      end = k.min(end, positionOf(k.add(firstRow, rows)));
    if (spec.window > 0) {
      Value first =
          maxIndex(k.add(positionOf(firstRow), 1 - spec.window), begin);
      begin = k.mul(k.div(first, blockKeys), blockKeys);
    }
    return {begin, maxIndex(end, k.index(0))};
  }

  /// How many keys the block has.
  Value keysOfBlock() {
    return k.min(k.index(blockKeys), k.sub(numKeys, firstKey));
  }

  /// Asks for the rows of a block. Processors do not guess them in time: rows
  /// of one head are a page or two, and those behind them other heads'.
  void prefetch(const Cache &cache, Value first) {
    auto type = cast<MemRefType>(cache.data.getType());
    int64_t step = 64 * 8 / type.getElementTypeBitWidth();
    Value last = k.min(k.add(first, blockKeys), numKeys);
    k.loop(first, last, 1, [&](Value row) {
      for (int64_t i = 0; i < cache.size; i += step)
        memref::PrefetchOp::create(k.b, k.loc, cache.data,
                                   ValueRange{batch, keyHead, row, k.index(i)},
                                   /*isWrite=*/false,
                                   /*localityHint=*/3, /*isDataCache=*/true);
    });
  }

  /// Rows `key` and on of the block; beyond the last key scores do not matter.
  Values loadKeys(Value key, llvm::function_ref<Value(Value)> load) {
    Value last = k.sub(numKeys, k.index(1));
    Values rows;
    for (int64_t i = 0; i < lanes; ++i)
      rows.push_back(load(k.min(k.add(firstKey, k.add(key, i)), last)));
    return rows;
  }

  void storeTransposed(Values rows, Value offset, Value key) {
    transpose(rows);
    for (int64_t i = 0; i < lanes; ++i)
      k.storeVector(rows[i], transposedKeys,
                    k.add(k.mul(k.add(offset, i), blockKeys), key));
  }

  void transposeKeys() {
    k.loop(k.index(0), keysOfBlock(), lanes, [&](Value key) {
      k.loop(k.index(0), k.index(spec.headSize), lanes, [&](Value offset) {
        Value there = spec.headSize % lanes == 0
                          ? Value()
                          : k.createMask(k.sub(k.index(spec.headSize), offset));
        Values rows = loadKeys(key, [&](Value row) {
          return k.widen(
              k.loadVector(keys.data, {batch, keyHead, row, offset}, there));
        });
        storeTransposed(rows, offset, key);
      });
    });
  }

  /// The same with words of four bytes, which count from 0.
  void transposeBytes() {
    int64_t width = 4 * lanes;
    auto bytes = VectorType::get({width}, k.i8());
    k.loop(k.index(0), keysOfBlock(), lanes, [&](Value key) {
      for (int64_t offset = 0; offset < spec.headSize; offset += width) {
        Values rows = loadKeys(key, [&](Value row) -> Value {
          Values place{batch, keyHead, row, k.index(offset)};
          Value loaded;
          if (offset + width <= spec.headSize)
            loaded =
                vector::LoadOp::create(k.b, k.loc, bytes, keys.data, place);
          else
            loaded = vector::MaskedLoadOp::create(
                k.b, k.loc, bytes, keys.data, place,
                vector::CreateMaskOp::create(
                    k.b, k.loc, VectorType::get({width}, k.b.getI1Type()),
                    k.index(spec.headSize - offset)),
                k.constant(bytes, 0));
          loaded = arith::XOrIOp::create(k.b, k.loc, loaded,
                                         k.constant(bytes, -128));
          return k.bitcast(loaded, words);
        });
        storeTransposed(rows, k.index(offset / 4), key);
      }
    });
  }

  /// A square of vectors, by exchanging ever larger squares in it.
  void transpose(Values &rows) {
    for (int64_t half = 1; half < lanes; half *= 2)
      for (int64_t i = 0; i < lanes; ++i) {
        if (i & half)
          continue;
        SmallVector<int64_t> low, high;
        for (int64_t j = 0; j < lanes; ++j) {
          bool isHigh = j & half;
          low.push_back(isHigh ? lanes + j - half : j);
          high.push_back(isHigh ? lanes + j : j + half);
        }
        Value a = rows[i], b = rows[i + half];
        rows[i] = vector::ShuffleOp::create(k.b, k.loc, a, b, low);
        rows[i + half] = vector::ShuffleOp::create(k.b, k.loc, a, b, high);
      }
  }

  /// Makes floats of the block's values.
  void unpackValues() {
    k.loop(k.index(0), keysOfBlock(), 1, [&](Value key) {
      Value position = k.add(firstKey, key), scale;
      if (values.scales)
        scale = k.broadcast(
            k.load(values.scales, {batch, keyHead, position, k.index(0)}));
      for (int64_t i = 0; i < spec.valueSize; i += lanes) {
        Value vector =
            k.loadVector(values.data, {batch, keyHead, position, k.index(i)},
                         k.tail(spec.valueSize, i));
        if (scale)
          vector = k.mulF(
              k.toFloat(arith::ExtSIOp::create(k.b, k.loc, words, vector)),
              scale);
        k.storeVector(k.widen(vector), blockValues, valueAddress(key, i));
      }
    });
  }

  Value valueAddress(Value key, int64_t offset) {
    return k.add(k.mul(key, padded(spec.valueSize)), offset);
  }

  /// Part of a value of the block, as floats.
  Value loadValue(Value key, int64_t offset) {
    if (spec.values != CacheFormat::F32)
      return k.loadVector(blockValues, valueAddress(key, offset));
    return k.loadVector(values.data,
                        {batch, keyHead, k.add(firstKey, key), k.index(offset)},
                        k.tail(spec.valueSize, offset));
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
    Value count = keysOfBlock();
    Value initial[] = {infinity(floats),
                       scalar(std::numeric_limits<double>::infinity())};
    Values found = k.carry(
        k.index(0), numQueries, 1, initial, [&](Value q, ValueRange carried) {
          Value highest = carried[0];
          for (int64_t i = 0; i < blockKeys; i += lanes)
            highest = maximum(
                highest,
                getMask().load(batch, headOf(q), rowOf(q), k.add(firstKey, i),
                               k.createMask(k.sub(count, k.index(i)))));
          Value largest = k.load(sums.buffer, largestOf(at(sums, q))),
                before = k.load(totals.buffer, largestOf(at(totals, q)));
          Value lowest = arith::MinNumFOp::create(k.b, k.loc, carried[1],
                                                  maximum(largest, before));
          return Values{highest, lowest};
        });
    Value isMasked = arith::CmpFOp::create(
        k.b, k.loc, arith::CmpFPredicate::OLT,
        k.reduce(CombiningKind::MAXNUMF, found[0]), scalar(masked));
    Value haveScores = arith::CmpFOp::create(
        k.b, k.loc, arith::CmpFPredicate::OGT, found[1], scalar(unmasked));
    Value skips = arith::AndIOp::create(k.b, k.loc, isMasked, haveScores);
    k.branch(skips, [] {}, body);
  }

  /// `value`, the scores of `row` for keys from `key` on, with -inf where there
  /// is no key.
  Value exclude(Value value, Value row, Value head, Value key) {
    Value left = k.sub(numKeys, key);
    if (mask)
      value = getMask().apply(value, batch, head, row, key, k.createMask(left));
    if (spec.causal)
      left = k.min(left, k.sub(k.add(positionOf(row), 1), key));
    value = select(k.createMask(left), value, infinity(floats));
    if (spec.window == 0)
      return value;
    // The first key that counts is position - window + 1.
    Value first = k.sub(k.add(positionOf(row), 1 - spec.window), key);
    return select(k.createMask(first), infinity(floats), value);
  }

  //===--------------------------------------------------------------------===//
  // Scores
  //===--------------------------------------------------------------------===//

  void emitScores(Value firstQuery, int64_t count) {
    int64_t vectors = count < 4 && k.isa.registers >= 32 ? 4 : 2;
    k.loop(k.index(0), keysOfBlock(), vectors * lanes, [&](Value key) {
      Values sums = isRounded() ? sumIntegers(firstQuery, count, key, vectors)
                                : sumFloats(firstQuery, count, key, vectors);
      for (int64_t q = 0; q < count; ++q) {
        Value index = k.add(firstQuery, q);
        Value row = rowOf(index), head = headOf(index);
        for (int64_t j = 0; j < vectors; ++j) {
          Value offset = k.add(key, j * lanes);
          Value value = cap(sums[q * vectors + j]);
          value = exclude(value, row, head, k.add(firstKey, offset));
          k.storeVector(value, scores, scoreAddress(index, offset));
        }
      }
    });
  }

  Values loadTransposed(Value line, Value key, int64_t vectors) {
    Values parts;
    for (int64_t j = 0; j < vectors; ++j)
      parts.push_back(
          k.loadVector(transposedKeys,
                       k.add(k.mul(line, blockKeys), k.add(key, j * lanes))));
    return parts;
  }

  Values sumFloats(Value firstQuery, int64_t count, Value key,
                   int64_t vectors) {
    return k.carry(
        k.index(0), k.index(spec.headSize), 1,
        Values(count * vectors, splat(0)), [&](Value i, ValueRange carried) {
          Values next(carried), parts = loadTransposed(i, key, vectors);
          for (int64_t q = 0; q < count; ++q) {
            Value address =
                k.add(k.mul(k.add(firstQuery, q), spec.headSize), i);
            Value value = k.broadcast(k.load(queries, address));
            for (int64_t j = 0; j < vectors; ++j)
              next[q * vectors + j] =
                  k.fma(value, parts[j], carried[q * vectors + j]);
          }
          return next;
        });
  }

  Values sumIntegers(Value firstQuery, int64_t count, Value key,
                     int64_t vectors) {
    auto bytes = VectorType::get({4 * lanes}, k.i8());
    int64_t lines = spec.headSize / 4;
    // sdot reads them less 128, which is what the seeds take off elsewhere.
    bool hasSigns = k.isa.dot == Dot::Sdot;
    Value zero = k.constant(k.vectorOf(k.i32()), 0), signs;
    if (hasSigns)
      signs = k.constant(k.vectorOf(k.i32()), double(int32_t(0x80808080)));
    Values sums;
    for (int64_t q = 0; q < count; ++q)
      sums.append(vectors,
                  hasSigns
                      ? zero
                      : k.broadcast(k.load(querySeeds, k.add(firstQuery, q))));
    sums = k.carry(
        k.index(0), k.index(lines), 1, sums, [&](Value i, ValueRange carried) {
          Values next(carried), parts = loadTransposed(i, key, vectors);
          if (hasSigns)
            for (Value &part : parts)
              part = arith::XOrIOp::create(k.b, k.loc, part, signs);
          for (int64_t q = 0; q < count; ++q) {
            Value word = k.load(queryWords,
                                k.add(k.mul(k.add(firstQuery, q), lines), i));
            for (int64_t j = 0; j < vectors; ++j)
              next[q * vectors + j] =
                  emitDot(k, carried[q * vectors + j],
                          k.bitcast(parts[j], bytes), word, 8);
          }
          return next;
        });
    // The scales of successive keys are next to each other.
    Value scales = memref::CollapseShapeOp::create(
        k.b, k.loc, keys.scales,
        SmallVector<ReassociationIndices>{{0}, {1}, {2, 3}});
    for (int64_t j = 0; j < vectors; ++j) {
      Value position = k.add(firstKey, k.add(key, j * lanes));
      Value scale = k.loadVector(scales, {batch, keyHead, position},
                                 k.createMask(k.sub(numKeys, position)));
      for (int64_t q = 0; q < count; ++q) {
        Value step = k.broadcast(k.load(querySteps, k.add(firstQuery, q)));
        Value &sum = sums[q * vectors + j];
        sum = k.mulF(k.toFloat(sum), k.mulF(scale, step));
      }
    }
    return sums;
  }

  Value scoreAddress(Value q, Value key) {
    return k.add(k.mul(q, blockKeys), key);
  }

  Value cap(Value value) {
    if (spec.softcap == 0)
      return value;
    value =
        math::TanhOp::create(k.b, k.loc, k.divF(value, splat(spec.softcap)));
    return k.mulF(value, splat(spec.softcap));
  }

  /// Turns the scores of a query into weights, and rescales what it has.
  void emitSoftmax(Value q) {
    Sums own = at(sums, q);
    Value size = k.mul(k.ceilDiv(keysOfBlock(), lanes), lanes);
    Value highest =
        k.carry(k.index(0), size, lanes, infinity(floats),
                [&](Value key, ValueRange carried) -> Values {
                  return {maximum(carried[0],
                                  k.loadVector(scores, scoreAddress(q, key)))};
                })[0];
    Value before = k.load(own.buffer, largestOf(own));
    Value now = maximum(before, k.reduce(CombiningKind::MAXNUMF, highest));
    Value base = k.broadcast(getBase(now));
    Value factor = exponential(k.subF(k.broadcast(before), base));
    Value sum = k.carry(k.index(0), size, lanes, splat(0),
                        [&](Value key, ValueRange carried) -> Values {
                          Value address = scoreAddress(q, key);
                          Value weight = exponential(
                              k.subF(k.loadVector(scores, address), base));
                          k.storeVector(weight, scores, address);
                          return {k.addF(carried[0], weight)};
                        })[0];
    Value scaled = k.mulF(k.load(own.buffer, weightOf(own)),
                          vector::ExtractOp::create(k.b, k.loc, factor, 0));
    k.store(k.addF(scaled, k.reduce(CombiningKind::ADD, sum)), own.buffer,
            weightOf(own));
    k.store(now, own.buffer, largestOf(own));
    for (int64_t i = 0; i < spec.valueSize; i += lanes) {
      Value address = k.add(own.begin, i);
      k.storeVector(k.mulF(k.loadVector(own.buffer, address), factor),
                    own.buffer, address);
    }
  }

  Value exponential(Value value) {
    return math::ExpOp::create(k.b, k.loc, value);
  }

  //===--------------------------------------------------------------------===//
  // Outputs
  //===--------------------------------------------------------------------===//

  void emitOutputs(Value firstQuery, int64_t count) {
    // As many vectors of a value as the registers hold sums for.
    int64_t step = std::max<int64_t>(k.isa.registers / 8, 1) * lanes;
    for (int64_t begin = 0; begin < spec.valueSize; begin += step) {
      int64_t end = std::min(begin + step, spec.valueSize);
      int64_t vectors = llvm::divideCeil(end - begin, lanes);
      auto address = [&](int64_t q, int64_t j) {
        return k.add(at(sums, k.add(firstQuery, q)).begin, begin + j * lanes);
      };
      Values outputs;
      for (int64_t q = 0; q < count; ++q)
        for (int64_t j = 0; j < vectors; ++j)
          outputs.push_back(k.loadVector(sums.buffer, address(q, j)));
      outputs =
          k.carry(k.index(0), keysOfBlock(), 1, outputs,
                  [&](Value key, ValueRange carried) {
                    Values next(carried), parts;
                    for (int64_t j = 0; j < vectors; ++j)
                      parts.push_back(loadValue(key, begin + j * lanes));
                    for (int64_t q = 0; q < count; ++q) {
                      Value weight = k.broadcast(k.load(
                          scores, scoreAddress(k.add(firstQuery, q), key)));
                      for (int64_t j = 0; j < vectors; ++j)
                        next[q * vectors + j] =
                            k.fma(weight, parts[j], carried[q * vectors + j]);
                    }
                    return next;
                  });
      for (int64_t q = 0; q < count; ++q)
        for (int64_t j = 0; j < vectors; ++j)
          k.storeVector(outputs[q * vectors + j], sums.buffer, address(q, j));
    }
  }

  KernelBuilder k;
  const AttentionSpec &spec;
  int64_t lanes, group;
  int64_t taskRows; ///< positions of a task, at most
  int64_t most;     ///< queries of a task, at most
  int64_t record;   ///< numbers of Sums for one query
  VectorType floats, words;
  HeadRows queryRows, keyRows, valueRows;
  Cache keys, values;
  Value length, mask, y;
  Value numRows, numKeys; ///< S, T
  Value rowTasks, splits;
  // Of the task.
  Value batch, keyHead, firstRow, rows, numQueries, firstKey;
  Value queries, transposedKeys, scores, blockValues;
  Value roundedQueries, queryWords, querySeeds, querySteps;
  Sums sums, totals; ///< of a chunk, and of those before
};
} // namespace

void llmc::cpu::emitAttention(func::FuncOp function, const AttentionSpec &spec,
                              const Isa &isa) {
  AttentionEmitter(function, spec, isa).emit();
}
