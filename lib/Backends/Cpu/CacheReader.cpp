//===- CacheReader.cpp - blocks of keys and values ------------------------===//

#include "CacheReader.h"
#include "DotSums.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::cpu;

/// Processors do not guess these rows in time: those of one head are a page or
/// two, and those behind them other heads'.
void CacheReader::prefetch(Value first) const {
  auto type = cast<MemRefType>(cache.data.getType());
  int64_t step = 64 * 8 / type.getElementTypeBitWidth();
  Value last = k.min(k.add(first, blockKeys), block.numKeys);
  k.loop(first, last, 1, [&](Value row) {
    for (int64_t i = 0; i < cache.getNumBytes(); i += step)
      k.prefetch(cache.data, {block.batch, block.head, row, k.index(i)});
  });
}

void CacheReader::addGroups(BufferGroup &group) {
  if (!cache.isNibbles())
    return;
  group.add(steps, k.f32(), cache.getNumGroups() * blockKeys);
  group.add(lows, k.f32(), cache.getNumGroups() * blockKeys);
}

void CacheReader::loadGroups() const {
  spreadGroups(cache.scales, steps);
  spreadGroups(cache.lows, lows);
}

/// Numbers of groups, [C, groups] of a head, as floats [groups, blockKeys].
void CacheReader::spreadGroups(Value source, Value to) const {
  int64_t lanes = k.isa.lanes, groups = cache.getNumGroups();
  Value flat = memref::CollapseShapeOp::create(
      k.b, k.loc, source, SmallVector<ReassociationIndices>{{0}, {1}, {2, 3}});
  auto type = VectorType::get({lanes * groups}, k.f16());
  k.loop(k.index(0), block.getSize(k), lanes, [&](Value key) {
    Value first = k.add(block.first, key);
    Value there = vector::CreateMaskOp::create(
        k.b, k.loc, VectorType::get({lanes * groups}, k.b.getI1Type()),
        k.mul(k.sub(block.numKeys, first), groups));
    Value all = vector::MaskedLoadOp::create(
        k.b, k.loc, type, flat,
        ValueRange{block.batch, block.head, k.mul(first, groups)}, there,
        k.constant(type, 0));
    for (int64_t group = 0; group < groups; ++group) {
      SmallVector<int64_t> places;
      for (int64_t i = 0; i < lanes; ++i)
        places.push_back(i * groups + group);
      k.storeVector(
          k.widen(vector::ShuffleOp::create(k.b, k.loc, all, all, places)), to,
          k.add(key, group * blockKeys));
    }
  });
}

//===----------------------------------------------------------------------===//
// Keys
//===----------------------------------------------------------------------===//

void KeyReader::addBuffers(BufferGroup &group) {
  group.add(lines, getDepth() > 1 ? k.i32() : k.f32(),
            llvm::alignTo(getNumLines(), k.isa.lanes) * blockKeys);
  addGroups(group);
}

void KeyReader::load() const {
  if (cache.isNibbles()) {
    transposeNibbles();
    loadGroups();
  } else if (isRounded())
    transposeBytes();
  else if (hasPairs())
    transposePairs();
  else
    transposeFloats();
}

/// Rows `key` and on of the block; beyond the last key scores do not matter.
Values KeyReader::loadKeys(Value key,
                           llvm::function_ref<Value(Value)> load) const {
  Value last = k.sub(block.numKeys, k.index(1));
  Values rows;
  for (int64_t i = 0; i < k.isa.lanes; ++i)
    rows.push_back(load(k.min(k.add(block.first, k.add(key, i)), last)));
  return rows;
}

void KeyReader::storeTransposed(Values rows, Value offset, Value key) const {
  transpose(k, rows);
  for (int64_t i = 0; i < k.isa.lanes; ++i)
    k.storeVector(rows[i], lines,
                  k.add(k.mul(k.add(offset, i), blockKeys), key));
}

void KeyReader::transposeFloats() const {
  int64_t lanes = k.isa.lanes;
  k.loop(k.index(0), block.getSize(k), lanes, [&](Value key) {
    k.loop(k.index(0), k.index(cache.size), lanes, [&](Value offset) {
      Value there = cache.size % lanes == 0
                        ? Value()
                        : k.createMask(k.sub(k.index(cache.size), offset));
      Values rows = loadKeys(key, [&](Value row) {
        return k.widen(k.loadVector(
            cache.data, {block.batch, block.head, row, offset}, there));
      });
      storeTransposed(rows, offset, key);
    });
  });
}

/// Lines up to a multiple of `lanes`, with zeros behind a key.
void KeyReader::transposePairs() const {
  int64_t lanes = k.isa.lanes;
  k.loop(k.index(0), block.getSize(k), lanes, [&](Value key) {
    for (int64_t offset = 0; offset < cache.size; offset += 2 * lanes) {
      Values rows = loadKeys(key, [&](Value row) -> Value {
        Values halves;
        for (int64_t begin : {offset, offset + lanes}) {
          Value place = k.index(std::min(begin, cache.size - 1));
          Value half =
              k.loadVector(cache.data, {block.batch, block.head, row, place},
                           k.tail(cache.size, begin));
          halves.push_back(roundForPairs(k, k.widen(half)));
        }
        return k.bitcast(k.concatenate(halves[0], halves[1]),
                         k.vectorOf(k.i32()));
      });
      storeTransposed(rows, k.index(offset / 2), key);
    }
  });
}

void KeyReader::transposeBytes() const {
  int64_t lanes = k.isa.lanes, width = 4 * lanes;
  auto bytes = VectorType::get({width}, k.i8());
  k.loop(k.index(0), block.getSize(k), lanes, [&](Value key) {
    for (int64_t offset = 0; offset < cache.size; offset += width) {
      Values rows = loadKeys(key, [&](Value row) -> Value {
        Values place{block.batch, block.head, row, k.index(offset)};
        Value loaded;
        if (offset + width <= cache.size)
          loaded = vector::LoadOp::create(k.b, k.loc, bytes, cache.data, place);
        else
          loaded = vector::MaskedLoadOp::create(
              k.b, k.loc, bytes, cache.data, place,
              vector::CreateMaskOp::create(
                  k.b, k.loc, VectorType::get({width}, k.b.getI1Type()),
                  k.index(cache.size - offset)),
              k.constant(bytes, 0));
        loaded =
            arith::XOrIOp::create(k.b, k.loc, loaded, k.constant(bytes, -128));
        return k.bitcast(loaded, k.vectorOf(k.i32()));
      });
      storeTransposed(rows, k.index(offset / 4), key);
    }
  });
}

/// Words of codes of 4 bits. Where a row has fewer than a vector, successive
/// squares are transposed together, in the lanes of one.
void KeyReader::transposeNibbles() const {
  int64_t lanes = k.isa.lanes, words = cache.size / 8,
          side = std::min(lanes, words & -words), together = lanes / side;
  auto bytes = VectorType::get({4 * side}, k.i8());
  auto part = VectorType::get({side}, k.i32());
  k.loop(k.index(0), block.getSize(k), lanes, [&](Value key) {
    for (int64_t offset = 0; offset < words; offset += side) {
      Values loaded = loadKeys(key, [&](Value row) -> Value {
        Values place{block.batch, block.head, row, k.index(4 * offset)};
        return k.bitcast(
            vector::LoadOp::create(k.b, k.loc, bytes, cache.data, place), part);
      });
      Values rows;
      for (int64_t i = 0; i < side; ++i) {
        Value row = loaded[i];
        if (together > 1)
          row = k.constant(k.vectorOf(k.i32()), 0);
        for (int64_t j = 0; j < together && together > 1; ++j)
          row = vector::InsertStridedSliceOp::create(
              k.b, k.loc, loaded[j * side + i], row, j * side, 1);
        rows.push_back(row);
      }
      transpose(k, rows);
      for (int64_t i = 0; i < side; ++i)
        for (int64_t half = 0; half < 2; ++half)
          k.storeVector(k.bits(rows[i], 4 * half, 0x0f0f0f0f), lines,
                        k.add(key, (half * words + offset + i) * blockKeys));
    }
  });
}

/// Squares of vectors side by side, by exchanging ever larger squares in each.
void KeyReader::transpose(KernelBuilder &k, Values &rows) {
  int64_t side = rows.size(), lanes = k.isa.lanes;
  for (int64_t half = 1; half < side; half *= 2)
    for (int64_t i = 0; i < side; ++i) {
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

Values KeyReader::loadLine(Value line, Value key, int64_t vectors) const {
  Values parts;
  for (int64_t j = 0; j < vectors; ++j)
    parts.push_back(k.loadVector(
        lines, k.add(k.mul(line, blockKeys), k.add(key, j * k.isa.lanes))));
  return parts;
}

/// The scales of successive keys are next to each other.
Value KeyReader::getScales() const {
  return memref::CollapseShapeOp::create(
      k.b, k.loc, cache.scales,
      SmallVector<ReassociationIndices>{{0}, {1}, {2, 3}});
}

Value KeyReader::loadScales(Value scales, Value key) const {
  Value position = k.add(block.first, key);
  return k.loadVector(scales, {block.batch, block.head, position},
                      k.createMask(k.sub(block.numKeys, position)));
}

std::pair<Value, Value> KeyReader::loadGroup(int64_t group, Value key) const {
  Value address = k.add(key, group * blockKeys);
  return {k.loadVector(steps, address), k.loadVector(lows, address)};
}

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

void ValueReader::addBuffers(BufferGroup &group) {
  if (isUnpacked())
    group.add(floats, k.f32(), blockKeys * getPitch());
  if (inPairs)
    group.add(pairs, k.i32(), blockKeys / 2 * getPitch());
  addGroups(group);
}

void ValueReader::load() const {
  if (cache.isNibbles())
    loadNibbles();
  else if (isUnpacked())
    k.loop(k.index(0), block.getSize(k), 1, [&](Value key) {
      for (int64_t i = 0; i < cache.size; i += k.isa.lanes)
        k.storeVector(readStored(key, i), floats, getAddress(key, i));
    });
  if (inPairs)
    loadPairs();
}

void ValueReader::loadPairs() const {
  int64_t lanes = k.isa.lanes;
  auto halves = VectorType::get({lanes}, k.b.getI16Type());
  SmallVector<int64_t> order;
  for (int64_t i = 0; i < lanes; ++i)
    order.append({i, lanes + i});
  auto store = [&](Value key, int64_t offset, Value first, Value second) {
    Value pair = vector::ShuffleOp::create(
        k.b, k.loc, k.bitcast(roundForPairs(k, first), halves),
        k.bitcast(roundForPairs(k, second), halves), order);
    k.storeVector(k.bitcast(pair, k.vectorOf(k.i32())), pairs,
                  k.add(k.mul(k.div(key, 2), getPitch()), offset));
  };
  Value size = block.getSize(k), whole = k.sub(size, k.rem(size, 2));
  k.loop(k.index(0), whole, 2, [&](Value key) {
    for (int64_t i = 0; i < cache.size; i += lanes)
      store(key, i, read(key, i), read(k.add(key, 1), i));
  });
  // None beyond the block, which may be infinite, may meet a weight of 0.
  Value zero = k.constant(k.vectorOf(k.f32()), 0);
  Value end = k.mul(k.ceilDiv(size, pairedKeys), pairedKeys);
  k.loop(whole, end, 2, [&](Value key) {
    Value last = k.sub(size, k.index(1)), isThere = k.isLess(key, size);
    for (int64_t i = 0; i < cache.size; i += lanes)
      store(key, i, k.select(isThere, read(k.min(key, last), i), zero), zero);
  });
}

Value ValueReader::readStored(Value key, int64_t offset) const {
  Value position = k.add(block.first, key);
  Value vector = k.loadVector(
      cache.data, {block.batch, block.head, position, k.index(offset)},
      k.tail(cache.size, offset));
  if (!cache.scales)
    return k.widen(vector);
  Value scale =
      k.load(cache.scales, {block.batch, block.head, position, k.index(0)});
  Value codes = arith::ExtSIOp::create(k.b, k.loc, k.vectorOf(k.i32()), vector);
  return k.mulF(k.toFloat(codes), k.broadcast(scale));
}

void ValueReader::loadNibbles() const {
  loadGroups();
  int64_t lanes = k.isa.lanes, half = cache.size / 2;
  k.loop(k.index(0), block.getSize(k), 1, [&](Value key) {
    Value position = k.add(block.first, key);
    Values ownSteps, ownLows;
    for (int64_t group = 0; group < cache.getNumGroups(); ++group) {
      Value place = k.add(key, group * blockKeys);
      ownSteps.push_back(k.broadcast(k.load(steps, place)));
      ownLows.push_back(k.broadcast(k.load(lows, place)));
    }
    for (int64_t i = 0; i < half; i += lanes) {
      Value words = arith::ExtUIOp::create(
          k.b, k.loc, k.vectorOf(k.i32()),
          k.loadVector(cache.data,
                       {block.batch, block.head, position, k.index(i)}));
      for (int64_t part = 0; part < 2; ++part) {
        int64_t offset = part * half + i, group = offset / cache.group;
        k.storeVector(k.fma(k.toFloat(k.bits(words, 4 * part, 15)),
                            ownSteps[group], ownLows[group]),
                      floats, getAddress(key, offset));
      }
    }
  });
}

Value ValueReader::read(Value key, int64_t offset) const {
  if (isUnpacked())
    return k.loadVector(floats, getAddress(key, offset));
  return readStored(key, offset);
}
