//===- CacheReader.cpp - blocks of keys and values ------------------------===//

#include "CacheReader.h"

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
    for (int64_t i = 0; i < cache.size; i += step)
      memref::PrefetchOp::create(
          k.b, k.loc, cache.data,
          ValueRange{block.batch, block.head, row, k.index(i)},
          /*isWrite=*/false, /*localityHint=*/3, /*isDataCache=*/true);
  });
}

//===----------------------------------------------------------------------===//
// Keys
//===----------------------------------------------------------------------===//

void KeyReader::addBuffers(BufferGroup &group) {
  int64_t words = isRounded() ? llvm::divideCeil(cache.size, 4) : cache.size;
  group.add(lines, isRounded() ? k.i32() : k.f32(),
            llvm::alignTo(words, k.isa.lanes) * blockKeys);
}

void KeyReader::load() const {
  if (isRounded())
    transposeBytes();
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
  transpose(rows);
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

/// A square of vectors, by exchanging ever larger squares in it.
void KeyReader::transpose(Values &rows) const {
  int64_t lanes = k.isa.lanes;
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

//===----------------------------------------------------------------------===//
// Values
//===----------------------------------------------------------------------===//

void ValueReader::addBuffers(BufferGroup &group) {
  if (isUnpacked())
    group.add(floats, k.f32(), blockKeys * getPitch());
}

void ValueReader::load() const {
  if (!isUnpacked())
    return;
  k.loop(k.index(0), block.getSize(k), 1, [&](Value key) {
    Value position = k.add(block.first, key), scale;
    if (cache.scales)
      scale = k.broadcast(k.load(
          cache.scales, {block.batch, block.head, position, k.index(0)}));
    for (int64_t i = 0; i < cache.size; i += k.isa.lanes) {
      Value vector = k.loadVector(
          cache.data, {block.batch, block.head, position, k.index(i)},
          k.tail(cache.size, i));
      if (scale)
        vector = k.mulF(k.toFloat(arith::ExtSIOp::create(
                            k.b, k.loc, k.vectorOf(k.i32()), vector)),
                        scale);
      k.storeVector(k.widen(vector), floats, getAddress(key, i));
    }
  });
}

Value ValueReader::read(Value key, int64_t offset) const {
  if (isUnpacked())
    return k.loadVector(floats, getAddress(key, offset));
  return k.loadVector(
      cache.data,
      {block.batch, block.head, k.add(block.first, key), k.index(offset)},
      k.tail(cache.size, offset));
}
