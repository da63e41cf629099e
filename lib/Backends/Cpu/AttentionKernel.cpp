//===- AttentionKernel.cpp - attention without stored scores --------------===//
//
// A task is the queries of some positions of all heads that read one key head.
// It goes along the keys in blocks; a softmax whose largest score may still
// grow rescales what was summed before (Milakov and Gimelshein, "Online
// normalizer calculation for softmax", 2018; Dao et al., "FlashAttention",
// 2022). Keys of a block are transposed once, so that a vector has scores of
// successive keys.
//
//===----------------------------------------------------------------------===//

#include "AttentionKernel.h"
#include "llmc/Lower/Patterns.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <limits>

using namespace mlir;
using namespace llmc;
using namespace llmc::cpu;

using vector::CombiningKind;

namespace {

/// Keys of a block.
constexpr int64_t blockKeys = 64;
/// Queries of a task, about.
constexpr int64_t taskQueries = 64;
/// Queries whose scores, or whose outputs, are in registers together.
constexpr int64_t tileQueries = 4;
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
            int64_t(llvm::bit_floor(uint64_t(taskQueries / group))), 1, 32)),
        floats(k.vectorOf(k.f32())) {
    ValueRange arguments = function.getArguments();
    query = arguments[0];
    keys = arguments[1];
    values = arguments[2];
    size_t next = 3;
    if (spec.hasLength)
      length = arguments[next++];
    if (!spec.mask.empty())
      mask = arguments[next++];
    y = arguments[next];
    if (spec.hasLength)
      declareErrorReport(function->getParentOfType<ModuleOp>());
  }

  void emit() {
    numRows = k.dim(query, 2);
    numKeys = k.dim(keys, 2);
    if (length) {
      Value wanted = arith::IndexCastOp::create(k.b, k.loc, k.b.getIndexType(),
                                                k.load(length, {}));
      createRuntimeCheck(k.b, k.loc,
                         arith::CmpIOp::create(k.b, k.loc,
                                               arith::CmpIPredicate::ule,
                                               wanted, numKeys),
                         RuntimeError::ShapeMismatch);
      numKeys = arith::MinUIOp::create(k.b, k.loc, wanted, numKeys);
    }
    Value rowTasks = k.ceilDiv(numRows, taskRows);
    Value headTasks = k.mul(rowTasks, spec.keyHeads);
    k.parallel(k.mul(k.dim(query, 0), headTasks), [&](Value task) {
      batch = divide(task, headTasks);
      Value rest = k.sub(task, k.mul(batch, headTasks));
      keyHead = divide(rest, rowTasks);
      firstRow = k.mul(k.sub(rest, k.mul(keyHead, rowTasks)), taskRows);
      emitTask();
    });
    k.finish();
  }

private:
  Value divide(Value x, Value y) {
    return arith::DivUIOp::create(k.b, k.loc, x, y);
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
  /// The lanes of a vector at `offset` of `size` numbers; null for all.
  Value tail(int64_t size, int64_t offset) {
    return offset + lanes <= size ? Value()
                                  : k.createMask(k.index(size - offset));
  }

  void emitTask() {
    Value rows = k.min(k.index(taskRows), k.sub(numRows, firstRow));
    numQueries = k.mul(rows, group);
    int64_t most = taskRows * group;
    auto allocate = [&](int64_t size) {
      return k.allocate(k.f32(), k.index(size));
    };
    queries = allocate(most * spec.headSize);
    transposedKeys = allocate(padded(spec.headSize) * blockKeys);
    scores = allocate(most * blockKeys);
    outputs = allocate(most * padded(spec.valueSize));
    largest = allocate(most);
    sums = allocate(most);
    loadQueries();
    auto [begin, end] = findKeys(rows);
    k.loop(begin, end, blockKeys, [&](Value block) {
      firstKey = block;
      skipMasked([&] {
        transposeKeys();
        overTiles([&](Value q, int64_t count) { emitScores(q, count); });
        k.loop(k.index(0), numQueries, 1, [&](Value q) { emitSoftmax(q); });
        overTiles([&](Value q, int64_t count) { emitOutputs(q, count); });
      });
    });
    k.loop(k.index(0), numQueries, 1, [&](Value q) { storeOutput(q); });
    for (Value buffer :
         {queries, transposedKeys, scores, outputs, largest, sums})
      k.release(buffer);
  }

  //===--------------------------------------------------------------------===//
  // Queries
  //===--------------------------------------------------------------------===//

  /// Query q of the task is that of row `q / group` and head `q % group`.
  Value rowOf(Value q) { return k.add(firstRow, k.div(q, group)); }
  Value headOf(Value q) {
    return k.add(k.mul(keyHead, group), k.rem(q, group));
  }

  void loadQueries() {
    k.loop(k.index(0), numQueries, 1, [&](Value q) {
      for (int64_t i = 0; i < spec.headSize; i += lanes) {
        Value there = tail(spec.headSize, i);
        Value vector = k.loadVector(
            query, {batch, headOf(q), rowOf(q), k.index(i)}, there);
        k.storeVector(k.mulF(vector, splat(spec.scale)), queries,
                      k.add(k.mul(q, spec.headSize), i), there);
      }
      for (int64_t i = 0; i < spec.valueSize; i += lanes)
        k.storeVector(splat(0), outputs, outputAddress(q, i));
      k.store(infinity(k.f32()), largest, q);
      k.store(scalar(0), sums, q);
    });
  }

  Value outputAddress(Value q, int64_t offset) {
    return k.add(k.mul(q, padded(spec.valueSize)), offset);
  }

  void overTiles(llvm::function_ref<void(Value, int64_t)> body) {
    Value whole = k.sub(numQueries, k.rem(numQueries, tileQueries));
    k.loop(k.index(0), whole, tileQueries,
           [&](Value q) { body(q, tileQueries); });
    k.loop(whole, numQueries, 1, [&](Value q) { body(q, 1); });
  }

  //===--------------------------------------------------------------------===//
  // Keys
  //===--------------------------------------------------------------------===//

  /// The position of a row among the keys.
  Value positionOf(Value row) { return k.add(row, k.sub(numKeys, numRows)); }

  /// Keys that some row of the task may read; the first is that of a block, so
  /// that blocks do not depend on the task.
  std::pair<Value, Value> findKeys(Value rows) {
    Value begin = k.index(0), end = numKeys;
    if (spec.causal)
      end = k.min(end, positionOf(k.add(firstRow, rows)));
    if (spec.window > 0) {
      Value first = k.add(positionOf(firstRow), 1 - spec.window);
      first = arith::MaxSIOp::create(k.b, k.loc, first, begin);
      begin = k.mul(k.div(first, blockKeys), blockKeys);
    }
    return {begin, end};
  }

  /// How many keys the block has.
  Value keysOfBlock() {
    return k.min(k.index(blockKeys), k.sub(numKeys, firstKey));
  }

  void transposeKeys() {
    Value last = k.sub(numKeys, k.index(1));
    k.loop(k.index(0), keysOfBlock(), lanes, [&](Value key) {
      k.loop(k.index(0), k.index(spec.headSize), lanes, [&](Value offset) {
        Value there = spec.headSize % lanes == 0
                          ? Value()
                          : k.createMask(k.sub(k.index(spec.headSize), offset));
        Values rows;
        for (int64_t i = 0; i < lanes; ++i) {
          // Beyond the last key its scores do not matter.
          Value row = k.min(k.add(firstKey, k.add(key, i)), last);
          rows.push_back(
              k.loadVector(keys, {batch, keyHead, row, offset}, there));
        }
        transpose(rows);
        for (int64_t i = 0; i < lanes; ++i)
          k.storeVector(rows[i], transposedKeys,
                        k.add(k.mul(k.add(offset, i), blockKeys), key));
      });
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

  //===--------------------------------------------------------------------===//
  // Masks
  //===--------------------------------------------------------------------===//

  /// The address in the mask of `row`, `head` and `key`.
  Values maskAddress(Value row, Value head, Value key) {
    Values address{batch, head, row, key};
    for (int64_t i = 0; i < 4; ++i)
      if (!spec.mask[i])
        address[i] = k.index(0);
    return address;
  }

  Value loadMask(Value row, Value head, Value key, Value there) {
    Values address = maskAddress(row, head, key);
    if (!spec.mask[3])
      return k.broadcast(k.load(mask, address));
    return vector::MaskedLoadOp::create(k.b, k.loc, floats, mask, address,
                                        there, infinity(floats));
  }

  /// Leaves out a block of keys that masks exclude for all queries of the task.
  /// The others have a score already, next to which these count as 0.
  void skipMasked(llvm::function_ref<void()> body) {
    if (spec.mask.empty() || !spec.mask[3])
      return body();
    Value count = keysOfBlock();
    Value initial[] = {infinity(floats),
                       scalar(std::numeric_limits<double>::infinity())};
    Values found = k.carry(
        k.index(0), numQueries, 1, initial, [&](Value q, ValueRange carried) {
          Value highest = carried[0];
          for (int64_t i = 0; i < blockKeys; i += lanes)
            highest = maximum(highest,
                              loadMask(rowOf(q), headOf(q), k.add(firstKey, i),
                                       k.createMask(k.sub(count, k.index(i)))));
          Value lowest = arith::MinNumFOp::create(k.b, k.loc, carried[1],
                                                  k.load(largest, q));
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
    if (spec.causal)
      left = k.min(left, k.sub(k.add(positionOf(row), 1), key));
    Value there = k.createMask(left);
    if (mask)
      value = k.addF(
          value, loadMask(row, head, key, k.createMask(k.sub(numKeys, key))));
    value = arith::SelectOp::create(k.b, k.loc, there, value, infinity(floats));
    if (spec.window == 0)
      return value;
    // The first key that counts is position - window + 1.
    Value first = k.sub(k.add(positionOf(row), 1 - spec.window), key);
    return arith::SelectOp::create(k.b, k.loc, k.createMask(first),
                                   infinity(floats), value);
  }

  //===--------------------------------------------------------------------===//
  // Scores
  //===--------------------------------------------------------------------===//

  void emitScores(Value firstQuery, int64_t count) {
    constexpr int64_t vectors = 2;
    k.loop(k.index(0), keysOfBlock(), vectors * lanes, [&](Value key) {
      Values sums(count * vectors, splat(0));
      sums =
          k.carry(k.index(0), k.index(spec.headSize), 1, sums,
                  [&](Value i, ValueRange carried) {
                    Values next(carried), parts;
                    for (int64_t j = 0; j < vectors; ++j)
                      parts.push_back(k.loadVector(
                          transposedKeys,
                          k.add(k.mul(i, blockKeys), k.add(key, j * lanes))));
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
    Value size = k.mul(k.ceilDiv(keysOfBlock(), lanes), lanes);
    Value highest =
        k.carry(k.index(0), size, lanes, infinity(floats),
                [&](Value key, ValueRange carried) -> Values {
                  return {maximum(carried[0],
                                  k.loadVector(scores, scoreAddress(q, key)))};
                })[0];
    Value before = k.load(largest, q);
    Value now = maximum(before, k.reduce(CombiningKind::MAXNUMF, highest));
    k.store(now, largest, q);
    // Without any key yet there is nothing to be relative to.
    Value isNone = arith::CmpFOp::create(k.b, k.loc, arith::CmpFPredicate::OEQ,
                                         now, infinity(k.f32()));
    Value base = k.broadcast(
        arith::SelectOp::create(k.b, k.loc, isNone, scalar(0), now));
    Value factor = exponential(k.subF(k.broadcast(before), base));
    Value sum = k.carry(k.index(0), size, lanes, splat(0),
                        [&](Value key, ValueRange carried) -> Values {
                          Value address = scoreAddress(q, key);
                          Value weight = exponential(
                              k.subF(k.loadVector(scores, address), base));
                          k.storeVector(weight, scores, address);
                          return {k.addF(carried[0], weight)};
                        })[0];
    Value scaled = k.mulF(k.load(sums, q),
                          vector::ExtractOp::create(k.b, k.loc, factor, 0));
    k.store(k.addF(scaled, k.reduce(CombiningKind::ADD, sum)), sums, q);
    for (int64_t i = 0; i < spec.valueSize; i += lanes) {
      Value address = outputAddress(q, i);
      k.storeVector(k.mulF(k.loadVector(outputs, address), factor), outputs,
                    address);
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
    int64_t most = std::max<int64_t>(k.isa.registers / 2 / tileQueries, 1);
    int64_t step = most * lanes;
    for (int64_t begin = 0; begin < spec.valueSize; begin += step) {
      int64_t end = std::min(begin + step, spec.valueSize);
      int64_t vectors = llvm::divideCeil(end - begin, lanes);
      Values sums;
      for (int64_t q = 0; q < count; ++q)
        for (int64_t j = 0; j < vectors; ++j)
          sums.push_back(k.loadVector(
              outputs, outputAddress(k.add(firstQuery, q), begin + j * lanes)));
      sums = k.carry(
          k.index(0), keysOfBlock(), 1, sums,
          [&](Value key, ValueRange carried) {
            Values next(carried), parts;
            for (int64_t j = 0; j < vectors; ++j) {
              int64_t offset = begin + j * lanes;
              parts.push_back(k.loadVector(
                  values,
                  {batch, keyHead, k.add(firstKey, key), k.index(offset)},
                  tail(spec.valueSize, offset)));
            }
            for (int64_t q = 0; q < count; ++q) {
              Value weight = k.broadcast(
                  k.load(scores, scoreAddress(k.add(firstQuery, q), key)));
              for (int64_t j = 0; j < vectors; ++j)
                next[q * vectors + j] =
                    k.fma(weight, parts[j], carried[q * vectors + j]);
            }
            return next;
          });
      for (int64_t q = 0; q < count; ++q)
        for (int64_t j = 0; j < vectors; ++j)
          k.storeVector(sums[q * vectors + j], outputs,
                        outputAddress(k.add(firstQuery, q), begin + j * lanes));
    }
  }

  void storeOutput(Value q) {
    Value sum = k.load(sums, q);
    Value isNone = arith::CmpFOp::create(k.b, k.loc, arith::CmpFPredicate::OEQ,
                                         sum, scalar(0));
    Value factor = k.broadcast(arith::SelectOp::create(
        k.b, k.loc, isNone, scalar(0), k.divF(scalar(1), sum)));
    Values place{batch, headOf(q), rowOf(q)};
    if (spec.transposed)
      std::swap(place[1], place[2]);
    place.push_back(Value());
    for (int64_t i = 0; i < spec.valueSize; i += lanes) {
      place.back() = k.index(i);
      Value vector = k.mulF(k.loadVector(outputs, outputAddress(q, i)), factor);
      k.storeVector(vector, y, place, tail(spec.valueSize, i));
    }
  }

  KernelBuilder k;
  const AttentionSpec &spec;
  int64_t lanes, group;
  int64_t taskRows; ///< positions of a task, at most
  VectorType floats;
  Value query, keys, values, length, mask, y;
  Value numRows, numKeys; ///< S, T
  // Of the task.
  Value batch, keyHead, firstRow, numQueries, firstKey;
  Value queries, transposedKeys, scores, outputs, largest, sums;
};
} // namespace

void llmc::cpu::emitAttention(func::FuncOp function, const AttentionSpec &spec,
                              const Isa &isa) {
  AttentionEmitter(function, spec, isa).emit();
}
