//===- HeadRows.cpp - rows of heads: norm, rotation, storage --------------===//

#include "HeadRows.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <cmath>

using namespace mlir;
using namespace llmc;
using namespace llmc::cpu;

/// Numbers to write that are worth to wake threads up for.
static constexpr int64_t parallelNumbers = 1 << 16;

StringRef llmc::cpu::toString(CacheFormat format) {
  constexpr StringLiteral names[] = {"f32", "f16", "bf16", "int8", "int4"};
  return names[int(format)];
}

//===----------------------------------------------------------------------===//
// Reading
//===----------------------------------------------------------------------===//

HeadRows::HeadRows(const HeadsSpec &spec, int64_t size, ValueRange &arguments)
    : spec(spec), size(size) {
  auto take = [&] {
    Value argument = arguments.front();
    arguments = arguments.drop_front();
    return argument;
  };
  source = take();
  if (spec.norm)
    normScale = take();
  if (spec.norm.hasBias)
    normBias = take();
  if (spec.rotated > 0) {
    cos = take();
    sin = take();
  }
}

void HeadRows::addSizes(KernelBuilder &k,
                        SmallVectorImpl<std::pair<Value, Value>> &equal) const {
  if (spec.rotated == 0)
    return;
  for (Value table : {cos, sin}) {
    equal.push_back({k.dim(table, 1), getNumRows(k)});
    if (spec.tablesHaveBatch)
      equal.push_back({k.dim(table, 0), getBatch(k)});
  }
}

static Value readTable(KernelBuilder &k, Value table, ValueRange angle,
                       int64_t offset, Value there) {
  Values place(angle);
  place.push_back(k.index(offset));
  return k.widen(k.loadVector(table, place, there));
}

Values HeadRows::placeOf(Value batch, Value head, Value row) const {
  return spec.transposed ? Values{batch, row, head} : Values{batch, head, row};
}

void HeadRows::prefetch(KernelBuilder &k, Value batch, Value head,
                        Value row) const {
  Values place = placeOf(batch, head, row);
  place.push_back(Value());
  auto type = cast<MemRefType>(source.getType());
  int64_t line = 64 * 8 / type.getElementTypeBitWidth();
  for (int64_t i = 0; i < size; i += line) {
    place.back() = k.index(i);
    k.prefetch(source, place);
  }
}

void HeadRows::copy(KernelBuilder &k, Value batch, Value head, Value row,
                    Value to, Value at) const {
  Values place = placeOf(batch, head, row);
  RowNorm norm(k, spec.norm, size, source, normScale, normBias);
  norm.begin(place);
  auto read = [&](int64_t offset, Value there) {
    return norm.read(k.index(offset), there);
  };
  if (spec.rotated > 0) {
    Values angle{spec.tablesHaveBatch ? batch : k.index(0), row};
    if (spec.interleaved)
      rotatePairs(k, read, angle, to, at);
    else
      rotateHalves(k, read, angle, to, at);
  }
  for (int64_t i = spec.rotated; i < size; i += k.isa.lanes) {
    Value there = k.tail(size, i);
    k.storeVector(read(i, there), to, k.add(at, i), there);
  }
  if (spec.hadamard > 0)
    rotateHadamard(k, to, at);
}

/// Sums and differences of elements whose numbers differ in one bit, for each
/// bit: first of those in a vector, then of vectors.
void HeadRows::rotateHadamard(KernelBuilder &k, Value to, Value at) const {
  int64_t lanes = k.isa.lanes, vectors = spec.hadamard / lanes;
  VectorType type = k.vectorOf(k.f32());
  Value unit = k.constant(
      type,
      std::ldexp(1.0, -int(llvm::divideCeil(llvm::Log2_64(spec.hadamard), 2))));
  k.loop(k.index(0), k.index(size), spec.hadamard, [&](Value begin) {
    Value first = k.add(at, begin);
    Values parts;
    for (int64_t i = 0; i < vectors; ++i)
      parts.push_back(k.loadVector(to, k.add(first, i * lanes)));
    for (int64_t half = 1; half < lanes; half *= 2) {
      SmallVector<int64_t> partners;
      SmallVector<float> signs;
      for (int64_t i = 0; i < lanes; ++i) {
        partners.push_back(i ^ half);
        signs.push_back(i & half ? -1 : 1);
      }
      Value factor = arith::ConstantOp::create(
          k.b, k.loc, DenseElementsAttr::get(type, ArrayRef(signs)));
      for (Value &part : parts)
        part =
            k.fma(part, factor,
                  vector::ShuffleOp::create(k.b, k.loc, part, part, partners));
    }
    for (int64_t half = 1; half < vectors; half *= 2)
      for (int64_t i = 0; i < vectors; ++i) {
        if (i & half)
          continue;
        Value a = parts[i], b = parts[i + half];
        parts[i] = k.addF(a, b);
        parts[i + half] = k.subF(a, b);
      }
    for (auto [i, part] : llvm::enumerate(parts))
      k.storeVector(k.mulF(part, unit), to, k.add(first, i * lanes));
  });
}

/// The parts of a rotated pair. Each product is rounded, as in the reference.
static std::pair<Value, Value> rotate(KernelBuilder &k, Value a, Value b,
                                      Value cos, Value sin) {
  return {k.subF(k.mulF(a, cos), k.mulF(b, sin)),
          k.addF(k.mulF(b, cos), k.mulF(a, sin))};
}

void HeadRows::rotateHalves(KernelBuilder &k, Read read, ValueRange angle,
                            Value to, Value at) const {
  int64_t half = spec.rotated / 2;
  for (int64_t i = 0; i < half; i += k.isa.lanes) {
    Value there = k.tail(half, i), low = k.index(i), high = k.index(half + i);
    auto [a, b] = rotate(k, read(i, there), read(half + i, there),
                         readTable(k, cos, angle, i, there),
                         readTable(k, sin, angle, i, there));
    k.storeVector(a, to, k.add(at, low), there);
    k.storeVector(b, to, k.add(at, high), there);
  }
}

void HeadRows::rotatePairs(KernelBuilder &k, Read read, ValueRange angle,
                           Value to, Value at) const {
  int64_t half = spec.rotated / 2, lanes = k.isa.lanes;
  SmallVector<int64_t> even, odd, low, high;
  for (int64_t i = 0; i < lanes; ++i) {
    even.push_back(2 * i);
    odd.push_back(2 * i + 1);
    low.push_back(i / 2 + (i % 2) * lanes);
    high.push_back(low.back() + lanes / 2);
  }
  auto shuffle = [&](Value x, Value y, ArrayRef<int64_t> order) -> Value {
    return vector::ShuffleOp::create(k.b, k.loc, x, y, order);
  };
  for (int64_t i = 0; i < half; i += lanes) {
    Value there = k.tail(half, i);
    Value masks[] = {k.tail(spec.rotated, 2 * i),
                     k.tail(spec.rotated, 2 * i + lanes)};
    Value parts[2];
    for (int64_t j = 0; j < 2; ++j)
      parts[j] = read(2 * i + j * lanes, masks[j]);
    auto [a, b] = rotate(
        k, shuffle(parts[0], parts[1], even), shuffle(parts[0], parts[1], odd),
        readTable(k, cos, angle, i, there), readTable(k, sin, angle, i, there));
    k.storeVector(shuffle(a, b, low), to, k.add(at, 2 * i), masks[0]);
    k.storeVector(shuffle(a, b, high), to, k.add(at, 2 * i + lanes), masks[1]);
  }
}

//===----------------------------------------------------------------------===//
// Writing
//===----------------------------------------------------------------------===//

Value llmc::cpu::emitRoundedRow(
    KernelBuilder &k, Value floats, Value at, int64_t size,
    llvm::function_ref<void(Value, int64_t, Value)> store) {
  VectorType numbers = k.vectorOf(k.f32()), words = k.vectorOf(k.i32());
  int64_t lanes = k.isa.lanes;
  // Without their signs, floats are in the order of their bits, and what is
  // not a number is above all.
  Value largest = k.constant(words, 0);
  for (int64_t i = 0; i < size; i += lanes) {
    Value vector = k.loadVector(floats, k.add(at, i), k.tail(size, i));
    largest = arith::MaxUIOp::create(
        k.b, k.loc, largest, k.bits(k.bitcast(vector, words), 0, 0x7fffffff));
  }
  Value magnitude = arith::BitcastOp::create(
      k.b, k.loc, k.f32(), k.reduce(vector::CombiningKind::MAXUI, largest));
  Value limit = k.constant(k.f32(), 127);
  Value inverse = k.broadcast(
      k.divF(limit, arith::MaximumFOp::create(k.b, k.loc, magnitude,
                                              k.constant(k.f32(), 0x1p-120))));
  for (int64_t i = 0; i < size; i += lanes) {
    Value there = k.tail(size, i);
    Value code = math::RoundEvenOp::create(
        k.b, k.loc, k.mulF(k.loadVector(floats, k.add(at, i), there), inverse));
    // What is not finite becomes some integer: the scale says what it was.
    code =
        arith::MaxNumFOp::create(k.b, k.loc, code, k.constant(numbers, -127));
    code = arith::MinNumFOp::create(k.b, k.loc, code, k.constant(numbers, 127));
    store(arith::FPToSIOp::create(k.b, k.loc, words, code), i, there);
  }
  return k.divF(magnitude, limit);
}

/// Stores `row`, floats, as codes of 4 bits. What is not a number, or infinite,
/// makes the step or the low of its group one.
static void storeNibbles(KernelBuilder &k, Value row, const Cache &cache,
                         Value batch, Value head, Value position) {
  int64_t lanes = k.isa.lanes, vectors = cache.group / lanes;
  VectorType numbers = k.vectorOf(k.f32()), words = k.vectorOf(k.i32());
  auto number = [&](double value) { return k.constant(k.f32(), value); };
  Values codes;
  for (int64_t group = 0; group < cache.getNumGroups(); ++group) {
    Values parts;
    for (int64_t i = 0; i < vectors; ++i)
      parts.push_back(
          k.loadVector(row, k.index(group * cache.group + i * lanes)));
    Value most = parts[0], least = parts[0];
    for (Value part : ArrayRef(parts).drop_front()) {
      most = arith::MaximumFOp::create(k.b, k.loc, most, part);
      least = arith::MinimumFOp::create(k.b, k.loc, least, part);
    }
    Value low =
        k.narrow(k.reduce(vector::CombiningKind::MINIMUMF, least), k.f16());
    Value range = arith::MaximumFOp::create(
        k.b, k.loc,
        k.subF(k.reduce(vector::CombiningKind::MAXIMUMF, most), k.widen(low)),
        number(0));
    Value step = k.narrow(k.divF(range, number(15)), k.f16());
    Values place{batch, head, position, k.index(group)};
    k.store(step, cache.scales, place);
    k.store(low, cache.lows, place);
    Value inverse = k.broadcast(
        k.divF(number(1), arith::MaximumFOp::create(k.b, k.loc, k.widen(step),
                                                    number(0x1p-24))));
    Value base = k.broadcast(k.widen(low));
    for (Value part : parts) {
      Value code = math::RoundEvenOp::create(
          k.b, k.loc, k.mulF(k.subF(part, base), inverse));
      code = arith::MaxNumFOp::create(k.b, k.loc, code, k.constant(numbers, 0));
      code =
          arith::MinNumFOp::create(k.b, k.loc, code, k.constant(numbers, 15));
      codes.push_back(arith::FPToSIOp::create(k.b, k.loc, words, code));
    }
  }
  size_t half = codes.size() / 2;
  for (size_t i = 0; i < half; ++i) {
    Value high = arith::ShLIOp::create(k.b, k.loc, codes[half + i],
                                       k.constant(words, 4));
    Value bytes = arith::TruncIOp::create(
        k.b, k.loc, k.vectorOf(k.i8()),
        arith::OrIOp::create(k.b, k.loc, codes[i], high));
    k.storeVector(bytes, cache.data,
                  {batch, head, position, k.index(int64_t(i) * lanes)});
  }
}

/// Stores `row`, floats, as row `position` of a head of `cache`.
static void storeRow(KernelBuilder &k, Value row, const Cache &cache,
                     Value batch, Value head, Value position) {
  if (cache.isNibbles())
    return storeNibbles(k, row, cache, batch, head, position);
  Values place{batch, head, position, k.index(0)};
  VectorType bytes = k.vectorOf(k.i8());
  auto put = [&](Value vector, int64_t offset, Value there) {
    place.back() = k.index(offset);
    k.storeVector(vector, cache.data, place, there);
  };
  if (cache.format == CacheFormat::Int8) {
    Value scale = emitRoundedRow(
        k, row, k.index(0), cache.size,
        [&](Value words, int64_t offset, Value there) {
          put(arith::TruncIOp::create(k.b, k.loc, bytes, words), offset, there);
        });
    place.back() = k.index(0);
    k.store(scale, cache.scales, place);
    return;
  }
  Type element = cast<MemRefType>(cache.data.getType()).getElementType();
  for (int64_t i = 0; i < cache.size; i += k.isa.lanes) {
    Value there = k.tail(cache.size, i);
    put(k.narrow(k.loadVector(row, k.index(i), there), element), i, there);
  }
}

void llmc::cpu::emitAppend(KernelBuilder &k, const HeadRows &keyRows,
                           const HeadRows &valueRows, const Cache &keys,
                           const Cache &values, int64_t heads, Value first,
                           Value count) {
  Value tasks = k.mul(keyRows.getBatch(k), count);
  Value isWorth = k.isLess(k.index(parallelNumbers),
                           k.mul(tasks, heads * (keys.size + values.size)));
  k.parallelIf(isWorth, tasks, [&](Value task) {
    Value batch = arith::DivUIOp::create(k.b, k.loc, task, count);
    Value row = k.sub(task, k.mul(batch, count));
    Value position = k.add(first, row);
    Value buffer = k.allocate(
        k.f32(),
        k.index(llvm::alignTo(std::max(keys.size, values.size), k.isa.lanes)));
    k.loop(k.index(0), k.index(heads), 1, [&](Value head) {
      keyRows.copy(k, batch, head, row, buffer, k.index(0));
      storeRow(k, buffer, keys, batch, head, position);
      valueRows.copy(k, batch, head, row, buffer, k.index(0));
      storeRow(k, buffer, values, batch, head, position);
    });
    k.release(buffer);
  });
}
