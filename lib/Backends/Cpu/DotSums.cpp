//===- DotSums.cpp - products of integers of a tile -----------------------===//

#include "DotSums.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::cpu;

/// Words of x of a register whose lanes instructions multiply by.
static constexpr int64_t registerWords = 4;

/// Sums of a row and a panel, which take turns so that a product hardly waits
/// for the one before.
static constexpr int64_t mostTurns = 4;

DotSums::DotSums(KernelBuilder &k, const PanelLayout &layout, int64_t rows,
                 int64_t panels)
    : k(k), layout(layout), rows(rows), panels(panels),
      step(getStep(k.isa, layout)) {
  if (rows * panels > 1 || !readsAlone(k.isa, layout, rows) ||
      usesHalves(k.isa, layout))
    return;
  int64_t block = layout.getStoredBlock();
  while (step < 4 * mostTurns && block % (2 * step) == 0)
    step *= 2;
  turns = std::min(step / 4, mostTurns);
  // The fields of a byte have sums of their own, so that these are shifted and
  // not the weights, unless 32 bits may be too few for the highest.
  constexpr int64_t largest = 128 * 255;
  inPlace =
      k.isa.dot == Dot::Vnni && layout.getPlanes().size() == 1 &&
      turns % getFields() == 0 &&
      block / getFields() <= std::numeric_limits<int32_t>::max() / largest;
}

int64_t DotSums::getStep(const Isa &isa, const PanelLayout &layout) {
  int64_t step = layout.getChunk();
  if (isa.multipliesByLane())
    while (step < 4 * registerWords &&
           layout.getStoredBlock() % (2 * step) == 0)
      step *= 2;
  return step;
}

DotSums::Form DotSums::getForm() const {
  if (k.isa.dot == Dot::Usdot && rows % 2 == 0 && getStep() % 8 == 0)
    return Form::Pairs;
  return usesHalves(k.isa, layout) ? Form::Halves : Form::Words;
}

/// Columns whose products surely fit into 16 bits; 0 if those are too few.
int64_t DotSums::getSegment(const Isa &isa, const PanelLayout &layout) {
  constexpr int64_t fewest = 16;
  if (layout.bits == 8)
    return 0;
  // Of the columns of a quad, one or two are added.
  int64_t added = isa.dot == Dot::Avx2 ? 2 : 1;
  int64_t largest = added * 128 * ((int64_t(1) << layout.bits) - 1);
  int64_t block = layout.getStoredBlock(), step = getStep(isa, layout);
  int64_t most = std::min(32767 / largest * 4, block);
  for (int64_t columns = most / step * step; columns > 0; columns -= step)
    if (block % columns == 0 && (columns >= fewest || columns == block))
      return columns;
  return 0;
}

Values DotSums::emitBlock(ValueRange seeds, DotSource &source) {
  if (selectsColumns(k.isa, layout))
    return emitSelected(source);
  Values sums = start(seeds);
  Value begin = k.index(0), end = k.index(layout.getStoredBlock());
  switch (getForm()) {
  case Form::Words:
    return joinTurns(emitSteps(
        begin, end, sums,
        [&](ValueRange sums) { return addWords(sums, source); }, source));
  case Form::Pairs:
    return finishPairs(emitSteps(
        begin, end, sums,
        [&](ValueRange sums) { return addPairs(sums, source); }, source));
  case Form::Halves:
    break;
  }
  int64_t halves = k.isa.dot == Dot::Avx2 ? 2 : 4;
  auto type = VectorType::get({halves * k.isa.lanes}, k.b.getI16Type());
  int64_t segment = getSegment(k.isa, layout);
  return k.carry(begin, end, segment, sums, [&](Value column, ValueRange sums) {
    Values halves = emitSteps(
        column, k.add(column, segment),
        Values(rows * panels, k.constant(type, 0)),
        [&](ValueRange sums) { return addHalves(sums, source); }, source);
    Values next;
    for (auto [sum, part] : llvm::zip(sums, halves))
      next.push_back(
          arith::AddIOp::create(k.b, k.loc, sum, reduceHalves(part)));
    return next;
  });
}

Values DotSums::start(ValueRange seeds) {
  Value zero = k.constant(k.vectorOf(k.i32()), 0);
  if (seeds.empty())
    return Values(rows * panels * turns, zero);
  Values sums, row;
  for (Value seed : seeds)
    row.push_back(k.broadcast(seed));
  if (getForm() == Form::Pairs)
    for (int64_t i = 0; i < rows; i += 2)
      row[i] = row[i + 1] = shuffle(row[i], row[i + 1], {0, 4, 1, 5});
  for (Value seed : row) {
    sums.append(panels, seed);
    sums.append(turns - 1, zero);
  }
  return sums;
}

Values DotSums::emitSteps(Value begin, Value end, ValueRange sums,
                          llvm::function_ref<Values(ValueRange)> add,
                          DotSource &source) {
  return k.carry(begin, end, getStep(), sums,
                 [&](Value column, ValueRange sums) {
                   source.open(column);
                   return add(sums);
                 });
}

Values DotSums::addWords(ValueRange sums, DotSource &source) {
  Values next(sums);
  for (int64_t quad = 0; quad < getStep() / 4; ++quad) {
    Values weights;
    for (int64_t j = 0; j < panels; ++j)
      weights.push_back(inPlace ? source.weightsInPlace(j, quad)
                                : source.weights(j, quad));
    for (int64_t i = 0; i < rows; ++i) {
      Value word = source.word(i, quad);
      for (int64_t j = 0; j < panels; ++j) {
        Value &sum = next[at(i, j) + quad % turns];
        sum = emitDot(k, sum, weights[j], word, inPlace ? 8 : layout.bits);
      }
    }
  }
  return next;
}

Values DotSums::joinTurns(ValueRange sums) {
  if (turns == 1)
    return sums;
  auto join = [&](int64_t first, int64_t step) {
    Value sum = sums[first];
    for (int64_t turn = first + step; turn < turns; turn += step)
      sum = k.add(sum, sums[turn]);
    return sum;
  };
  if (!inPlace)
    return {join(0, 1)};
  Value sum = join(0, getFields());
  for (int64_t field = 1; field < getFields(); ++field) {
    Value part = join(field, getFields());
    Value shift = k.constant(part.getType(), double(field * layout.bits));
    sum = k.add(sum, arith::ShRSIOp::create(k.b, k.loc, part, shift));
  }
  return {sum};
}

Value DotSums::shuffle(Value a, Value b, ArrayRef<int64_t> lanes) {
  return vector::ShuffleOp::create(k.b, k.loc, a, b, lanes);
}

/// Instructions multiply two rows of weights by two of x, 8 columns of each. Of
/// rows i and i + 1, the sums at i have the first two rows of a panel, each
/// times both rows of x, and those at i + 1 the other two.
Values DotSums::addPairs(ValueRange sums, DotSource &source) {
  Values next(sums);
  VectorType words = k.vectorOf(k.i32()),
             bytes = VectorType::get({4 * k.isa.lanes}, k.i8());
  for (int64_t quad = 0; quad < getStep() / 4; quad += 2) {
    Values low, high;
    for (int64_t j = 0; j < panels; ++j) {
      Value a = k.bitcast(source.weights(j, quad), words);
      Value b = k.bitcast(source.weights(j, quad + 1), words);
      low.push_back(k.bitcast(shuffle(a, b, {0, 4, 1, 5}), bytes));
      high.push_back(k.bitcast(shuffle(a, b, {2, 6, 3, 7}), bytes));
    }
    for (int64_t i = 0; i < rows; i += 2) {
      Value x = vector::FromElementsOp::create(
          k.b, k.loc, words,
          ValueRange{source.word(i, quad), source.word(i, quad + 1),
                     source.word(i + 1, quad), source.word(i + 1, quad + 1)});
      x = k.bitcast(x, bytes);
      for (int64_t j = 0; j < panels; ++j) {
        Value &first = next[at(i, j)], &second = next[at(i + 1, j)];
        first = emitNeonPairs(k, first, low[j], x);
        second = emitNeonPairs(k, second, high[j], x);
      }
    }
  }
  return next;
}

Values DotSums::finishPairs(ValueRange sums) {
  Values rowSums(sums);
  for (int64_t i = 0; i < rows; i += 2)
    for (int64_t j = 0; j < panels; ++j) {
      Value first = sums[at(i, j)], second = sums[at(i + 1, j)];
      rowSums[at(i, j)] = shuffle(first, second, {0, 2, 4, 6});
      rowSums[at(i + 1, j)] = shuffle(first, second, {1, 3, 5, 7});
    }
  return rowSums;
}

/// Products of bytes are added up in 16 bits: each column of a quad by itself,
/// or two at a time where instructions add these.
Values DotSums::addHalves(ValueRange sums, DotSource &source) {
  Values next(sums);
  bool arePairs = k.isa.dot == Dot::Avx2;
  auto bytes = VectorType::get({4 * k.isa.lanes}, k.i8());
  auto widen = [&](Value value) -> Value {
    if (arePairs)
      return value;
    return arith::ExtSIOp::create(k.b, k.loc, bytes.clone(k.b.getI16Type()),
                                  value);
  };
  for (int64_t quad = 0; quad < getStep() / 4; ++quad) {
    Values weights, x;
    for (int64_t j = 0; j < panels; ++j)
      weights.push_back(widen(source.weights(j, quad)));
    for (int64_t i = 0; i < rows; ++i)
      x.push_back(widen(k.bitcast(k.broadcast(source.word(i, quad)), bytes)));
    for (int64_t i = 0; i < rows; ++i)
      for (int64_t j = 0; j < panels; ++j)
        next[at(i, j)] =
            k.add(next[at(i, j)], arePairs ? emitAvx2Pairs(k, weights[j], x[i])
                                           : k.mul(weights[j], x[i]));
  }
  return next;
}

Value DotSums::reduceHalves(Value sums) {
  if (k.isa.dot == Dot::Avx2)
    return emitAvx2Reduction(k, sums);
  if (k.isa.isNeon)
    return emitNeonReduction(k, sums);
  auto split = [&](Value vector) {
    return vector::DeinterleaveOp::create(k.b, k.loc, vector);
  };
  auto halves = split(sums);
  auto words = cast<VectorType>(halves.getRes1().getType()).clone(k.i32());
  auto widen = [&](Value value) {
    return arith::ExtSIOp::create(k.b, k.loc, words, value);
  };
  auto pairs = split(arith::AddIOp::create(k.b, k.loc, widen(halves.getRes1()),
                                           widen(halves.getRes2())));
  return arith::AddIOp::create(k.b, k.loc, pairs.getRes1(), pairs.getRes2());
}

/// Most instructions want one side without sign: 128 more than x, which is
/// taken off again by the sums of each panel's integers times 128.
Values DotSums::emitSelected(DotSource &source) {
  bool hasOffset = k.isa.dot != Dot::Sdot;
  VectorType words = k.vectorOf(k.i32());
  Values sums((rows + hasOffset) * panels, k.constant(words, 0));
  sums = emitSteps(
      k.index(0), k.index(layout.getStoredBlock()), sums,
      [&](ValueRange sums) { return addSelected(sums, source); }, source);
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < panels; ++j) {
      Value &sum = sums[at(i, j)];
      if (hasOffset)
        sum = k.sub(sum, sums[at(rows, j)]);
      if (scalesKept(k.isa, layout))
        sum = arith::ShRSIOp::create(k.b, k.loc, sum, k.constant(words, 4));
    }
  sums.resize(rows * panels);
  return sums;
}

Values DotSums::addSelected(ValueRange sums, DotSource &source) {
  Values next(sums);
  bool hasOffset = k.isa.dot != Dot::Sdot;
  Value offset = k.constant(VectorType::get({4 * k.isa.lanes}, k.i8()), -128);
  auto add = [&](Value &sum, Value x, Value weights) {
    sum = emitByteDot(k, sum, x, weights, layout.bits < 8);
  };
  for (int64_t quad = 0; quad < getStep() / 8; ++quad) {
    Values weights, places;
    for (int64_t j = 0; j < panels; ++j) {
      weights.push_back(source.weights(j, quad));
      places.push_back(source.places(j, quad));
    }
    for (int64_t i = 0; i < rows; ++i) {
      Value x = source.window(i, quad / 2);
      if (hasOffset)
        x = arith::XOrIOp::create(k.b, k.loc, x, offset);
      for (int64_t j = 0; j < panels; ++j)
        add(next[at(i, j)], k.selectBytes(x, places[j]), weights[j]);
    }
    if (hasOffset)
      for (int64_t j = 0; j < panels; ++j)
        add(next[at(rows, j)], offset, weights[j]);
  }
  return next;
}
