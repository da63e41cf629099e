//===- AttentionScores.cpp - products of queries and keys -----------------===//

#include "AttentionScores.h"
#include "DotSums.h"
#include "Tiles.h"
#include <limits>
#include <numeric>

using namespace mlir;
using namespace llmc;
using namespace llmc::cpu;

using vector::CombiningKind;

void llmc::cpu::overQueryTiles(KernelBuilder &k, int64_t group,
                               Value numQueries,
                               llvm::function_ref<void(Value, int64_t)> body) {
  int64_t tile = group % 3 == 0 ? 3 : 4, rest = std::gcd(group, tile);
  Value whole = k.sub(numQueries, k.rem(numQueries, tile));
  k.loop(k.index(0), whole, tile, [&](Value q) { body(q, tile); });
  if (rest < tile)
    k.loop(whole, numQueries, rest, [&](Value q) { body(q, rest); });
}

AttentionScores::AttentionScores(KernelBuilder &k, const AttentionSpec &spec,
                                 const KeyBlock &block, const Cache &keys,
                                 int64_t most)
    : k(k), spec(spec), block(block), keys(keys), most(most),
      keyReader(k, block, keys, canUsePairs(spec, k.isa)),
      usesTiles(keyReader.hasPairs() && canUsePairTiles(spec, k.isa)) {}

int64_t AttentionScores::addBuffers(BufferGroup &buffers) {
  buffers.add(queries, k.f32(), most * spec.headSize);
  keyReader.addBuffers(buffers);
  int64_t place = buffers.add(scores, k.f32(), most * blockKeys);
  if (keyReader.hasPairs()) {
    int64_t size = most * getPairPitch();
    int64_t place = buffers.add(roundedQueries, k.b.getBF16Type(), size);
    buffers.addView(queryWords, k.i32(), size / 2, place);
  }
  if (keyReader.isRounded()) {
    int64_t place = buffers.add(roundedQueries, k.i8(), most * spec.headSize);
    buffers.addView(queryWords, k.i32(), most * spec.headSize / 4, place);
    if (keys.isNibbles())
      buffers.add(querySums, k.f32(), most * keys.getNumGroups());
    else
      buffers.add(querySeeds, k.i32(), most);
    buffers.add(querySteps, k.f32(), most);
  }
  return place;
}

Value AttentionScores::getLowest() {
  return k.constant(k.vectorOf(k.f32()),
                    -std::numeric_limits<double>::infinity());
}

int64_t AttentionScores::getStep() const {
  return canUsePairTiles(spec, k.isa) ? pairedKeys : k.isa.lanes;
}

//===----------------------------------------------------------------------===//
// Queries
//===----------------------------------------------------------------------===//

void AttentionScores::loadQuery(const HeadRows &rows, Value head, Value row,
                                Value q) {
  Value begin = k.mul(q, spec.headSize);
  rows.copy(k, block.batch, head, row, queries, begin);
  Value scale = k.constant(k.vectorOf(k.f32()), spec.scale);
  for (int64_t i = 0; i < spec.headSize; i += k.isa.lanes) {
    Value address = k.add(begin, i), there = k.tail(spec.headSize, i);
    k.storeVector(k.mulF(k.loadVector(queries, address, there), scale), queries,
                  address, there);
  }
  if (keyReader.isRounded())
    roundQuery(q, begin);
  else if (keyReader.hasPairs())
    pairQuery(q, begin);
}

/// Bytes of keys count from 0 to 255 in products, so these begin with minus 128
/// times the sum of the query. Codes of 4 bits are beside a low, which the sum
/// of a group is multiplied with.
void AttentionScores::roundQuery(Value q, Value begin) {
  int64_t groups = keys.isNibbles() ? keys.getNumGroups() : 1;
  Values sums(groups, k.constant(k.vectorOf(k.i32()), 0));
  Value step = emitRoundedRow(
      k, queries, begin, spec.headSize,
      [&](Value codes, int64_t offset, Value there) {
        k.storeVector(
            arith::TruncIOp::create(k.b, k.loc, k.vectorOf(k.i8()), codes),
            roundedQueries, k.add(begin, offset), there);
        Value &sum = sums[offset * groups / spec.headSize];
        sum = k.add(sum, codes);
      });
  k.store(step, querySteps, q);
  for (auto [group, lanes] : llvm::enumerate(sums)) {
    Value sum = k.reduce(CombiningKind::ADD, lanes);
    if (keys.isNibbles())
      k.store(k.mulF(k.toFloat(sum), step), querySums,
              k.add(k.mul(q, groups), int64_t(group)));
    else
      k.store(k.mul(sum, k.constant(k.i32(), -128)), querySeeds, q);
  }
}

/// With zeros behind it, which meet those of keys.
void AttentionScores::pairQuery(Value q, Value begin) {
  Value to = k.mul(q, getPairPitch());
  for (int64_t i = 0; i < getPairPitch(); i += k.isa.lanes) {
    Value there = k.tail(spec.headSize, i);
    Value from = k.add(begin, std::min(i, spec.headSize - 1));
    k.storeVector(roundForPairs(k, k.loadVector(queries, from, there)),
                  roundedQueries, k.add(to, i));
  }
}

//===----------------------------------------------------------------------===//
// Products
//===----------------------------------------------------------------------===//

void AttentionScores::emit(Value numQueries, const Uses &uses) {
  keyReader.load();
  if (!usesTiles)
    return overQueryTiles(
        k, spec.heads / spec.keyHeads, numQueries,
        [&](Value q, int64_t count) { emitVectors(q, count, uses); });
  overRowTiles(k, numQueries,
               [&](Value q, int64_t rowTiles) { emitTiles(q, rowTiles); });
  k.loop(k.index(0), numQueries, 1, [&](Value q) {
    uses.take(q, k.carry(k.index(0), getSize(), k.isa.lanes, getLowest(),
                         [&](Value key, ValueRange carried) {
                           Value kept = uses.keep(load(q, key), q, key);
                           store(kept, q, key);
                           return Values{k.maximum(kept, carried[0])};
                         })[0]);
  });
}

void AttentionScores::emitTiles(Value firstQuery, int64_t rowTiles) {
  int64_t pitch = 2 * getPairPitch();
  k.loop(k.index(0), block.getSize(k), pairedKeys, [&](Value key) {
    PairTiles tiles;
    tiles.rows = k.add(k.address(roundedQueries), k.mul(firstQuery, pitch));
    tiles.rowPitch = pitch;
    tiles.weights = k.add(keyReader.getAddress(), k.mul(key, 4));
    tiles.weightPitch = tiles.sumPitch = 4 * blockKeys;
    tiles.sums =
        k.add(k.address(scores), k.mul(getAddress(firstQuery, key), 4));
    tiles.emit(k, rowTiles, /*weightTiles=*/2, k.index(pitch / tileBytes),
               /*isFirst=*/true);
  });
}

void AttentionScores::emitVectors(Value firstQuery, int64_t count,
                                  const Uses &uses) {
  int64_t vectors = count < 4 && k.isa.registers >= 32 ? 4 : 2;
  Values largest =
      k.carry(k.index(0), block.getSize(k), vectors * k.isa.lanes,
              Values(count, getLowest()), [&](Value key, ValueRange carried) {
                Values next(carried);
                Values sums = keys.isNibbles()
                                  ? sumGroups(firstQuery, count, key, vectors)
                              : keyReader.isRounded()
                                  ? sumIntegers(firstQuery, count, key, vectors)
                              : keyReader.hasPairs()
                                  ? sumPairs(firstQuery, count, key, vectors)
                                  : sumFloats(firstQuery, count, key, vectors);
                for (int64_t q = 0; q < count; ++q)
                  for (int64_t j = 0; j < vectors; ++j) {
                    Value query = k.add(firstQuery, q),
                          place = k.add(key, j * k.isa.lanes);
                    Value kept = uses.keep(sums[q * vectors + j], query, place);
                    store(kept, query, place);
                    next[q] = k.maximum(kept, next[q]);
                  }
                return next;
              });
  for (int64_t q = 0; q < count; ++q)
    uses.take(k.add(firstQuery, q), largest[q]);
}

/// Adds the products of lines of keys and what queries have for each.
Values AttentionScores::overLines(
    Value begin, Value end, ValueRange sums, Value key, int64_t count,
    llvm::function_ref<Value(int64_t q, Value line)> loadQuery,
    llvm::function_ref<Value(Value sum, Value keys, Value query)> multiply) {
  int64_t vectors = sums.size() / count;
  return k.carry(begin, end, 1, sums, [&](Value line, ValueRange carried) {
    Values next(carried), parts = keyReader.loadLine(line, key, vectors);
    for (int64_t q = 0; q < count; ++q) {
      Value query = loadQuery(q, line);
      for (int64_t j = 0; j < vectors; ++j)
        next[q * vectors + j] =
            multiply(carried[q * vectors + j], parts[j], query);
    }
    return next;
  });
}

Values AttentionScores::sumFloats(Value firstQuery, int64_t count, Value key,
                                  int64_t vectors) {
  Values zeros(count * vectors, k.constant(k.vectorOf(k.f32()), 0));
  return overLines(
      k.index(0), k.index(spec.headSize), zeros, key, count,
      [&](int64_t q, Value line) {
        Value first = k.mul(k.add(firstQuery, q), spec.headSize);
        return k.broadcast(k.load(queries, k.add(first, line)));
      },
      [&](Value sum, Value keys, Value query) {
        return k.fma(query, keys, sum);
      });
}

Values AttentionScores::sumPairs(Value firstQuery, int64_t count, Value key,
                                 int64_t vectors) {
  auto pairs = VectorType::get({2 * k.isa.lanes}, k.b.getBF16Type());
  Values zeros(count * vectors, k.constant(k.vectorOf(k.f32()), 0));
  return overLines(
      k.index(0), k.index(keyReader.getNumLines()), zeros, key, count,
      [&](int64_t q, Value line) {
        Value first = k.mul(k.add(firstQuery, q), getPairPitch() / 2);
        return k.load(queryWords, k.add(first, line));
      },
      [&](Value sum, Value keys, Value query) {
        return emitPairDot(k, sum, k.bitcast(keys, pairs), query);
      });
}

/// Adds the products of some lines of integers of `bits` bits.
Values AttentionScores::sumLines(Value begin, Value end, ValueRange sums,
                                 Value firstQuery, int64_t count, Value key,
                                 int64_t bits, Value signs) {
  auto bytes = VectorType::get({4 * k.isa.lanes}, k.i8());
  return overLines(
      begin, end, sums, key, count,
      [&](int64_t q, Value line) {
        Value first = k.mul(k.add(firstQuery, q), keyReader.getNumLines());
        return k.load(queryWords, k.add(first, line));
      },
      [&](Value sum, Value keys, Value query) {
        if (signs)
          keys = arith::XOrIOp::create(k.b, k.loc, keys, signs);
        return emitDot(k, sum, k.bitcast(keys, bytes), query, bits);
      });
}

Values AttentionScores::sumGroups(Value firstQuery, int64_t count, Value key,
                                  int64_t vectors) {
  int64_t groups = keys.getNumGroups(), lines = keys.group / 4;
  Values total(count * vectors);
  for (int64_t group = 0; group < groups; ++group) {
    Values sums =
        sumLines(k.index(group * lines), k.index((group + 1) * lines),
                 Values(count * vectors, k.constant(k.vectorOf(k.i32()), 0)),
                 firstQuery, count, key,
                 /*bits=*/4);
    for (int64_t j = 0; j < vectors; ++j) {
      auto [steps, lows] =
          keyReader.loadGroup(group, k.add(key, j * k.isa.lanes));
      for (int64_t q = 0; q < count; ++q) {
        Value index = k.add(firstQuery, q);
        Value step = k.broadcast(k.load(querySteps, index));
        Value sum =
            k.broadcast(k.load(querySums, k.add(k.mul(index, groups), group)));
        Value &result = total[q * vectors + j];
        result = group == 0 ? k.mulF(sum, lows) : k.fma(sum, lows, result);
        result = k.fma(k.toFloat(sums[q * vectors + j]), k.mulF(steps, step),
                       result);
      }
    }
  }
  return total;
}

Values AttentionScores::sumIntegers(Value firstQuery, int64_t count, Value key,
                                    int64_t vectors) {
  // sdot reads them less 128, which is what the seeds take off elsewhere.
  bool hasSigns = k.isa.dot == Dot::Sdot;
  Value zero = k.constant(k.vectorOf(k.i32()), 0), signs;
  if (hasSigns)
    signs = k.constant(k.vectorOf(k.i32()), double(int32_t(0x80808080)));
  Values sums;
  for (int64_t q = 0; q < count; ++q)
    sums.append(vectors, hasSigns ? zero
                                  : k.broadcast(k.load(querySeeds,
                                                       k.add(firstQuery, q))));
  sums = sumLines(k.index(0), k.index(keyReader.getNumLines()), sums,
                  firstQuery, count, key, /*bits=*/8, signs);
  Value scales = keyReader.getScales();
  for (int64_t j = 0; j < vectors; ++j) {
    Value scale = keyReader.loadScales(scales, k.add(key, j * k.isa.lanes));
    for (int64_t q = 0; q < count; ++q) {
      Value step = k.broadcast(k.load(querySteps, k.add(firstQuery, q)));
      Value &sum = sums[q * vectors + j];
      sum = k.mulF(k.toFloat(sum), k.mulF(scale, step));
    }
  }
  return sums;
}
