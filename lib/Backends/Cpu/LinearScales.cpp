//===- LinearScales.cpp - what sums of products are multiplied with -------===//

#include "LinearScales.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::cpu;

Value LinearScales::blockAddress(const Tile &tile, int64_t i, Value block) {
  return k.add(k.mul(k.add(tile.firstRow, i), layout.getNumBlocks()), block);
}

bool LinearScales::isSeeded() const {
  return !zeros && (spec.integers || selectsFloats(layout, k.isa));
}

Values LinearScales::begin(const Tile &tile) {
  Values sums;
  for (int64_t i = 0; i < tile.rows; ++i)
    for (int64_t j = 0; j < tile.panels; ++j)
      sums.push_back(bias && !rowScales
                         ? k.loadVector(bias, k.mul(k.add(tile.firstPanel, j),
                                                    k.isa.lanes))
                         : k.constant(k.vectorOf(k.f32()), 0));
  return sums;
}

LinearScales::OfBlock LinearScales::load(const Tile &tile, Value block,
                                         bool hasSigns) {
  OfBlock result;
  for (int64_t j = 0; j < tile.panels; ++j) {
    Values position{k.add(tile.firstPanel, j), block, k.index(0)};
    result.steps.push_back(k.widen(k.loadVector(scales, position)));
    if (isSeeded())
      continue;
    Value middle = k.constant(k.vectorOf(k.f32()),
                              double(int64_t(1) << (layout.bits - 1)));
    Value offset = zeros ? k.widen(k.loadVector(zeros, position)) : middle;
    if (hasSigns)
      offset = k.subF(offset, middle);
    result.offsets.push_back(arith::NegFOp::create(k.b, k.loc, offset));
  }
  return result;
}

Values LinearScales::add(const Tile &tile, Value block, const OfBlock &by,
                         ValueRange partial, ValueRange sums) {
  Values next(sums);
  for (int64_t i = 0; i < tile.rows; ++i) {
    Value address = blockAddress(tile, i, block), sum, step;
    if (!isSeeded())
      sum = k.broadcast(k.load(prepared.sums, address));
    if (spec.integers)
      step = k.broadcast(k.load(prepared.steps, address));
    for (int64_t j = 0; j < tile.panels; ++j) {
      int64_t at = i * tile.panels + j;
      Value value = partial[at];
      if (spec.integers)
        value = k.toFloat(value);
      if (sum)
        value = k.fma(by.offsets[j], sum, value);
      if (step)
        value = k.mulF(value, step);
      next[at] = k.fma(value, by.steps[j], sums[at]);
    }
  }
  return next;
}

Values LinearScales::addLookups(const Tile &tile, Value block,
                                ValueRange partial, ValueRange sums) {
  Values next(sums);
  for (int64_t j = 0; j < tile.panels; ++j) {
    Values position{k.add(tile.firstPanel, j), block, k.index(0)};
    Value steps = scales ? k.widen(k.loadVector(scales, position)) : Value();
    for (int64_t i = 0; i < tile.rows; ++i) {
      int64_t at = i * tile.panels + j;
      next[at] = steps ? k.fma(partial[at], steps, sums[at])
                       : k.addF(partial[at], sums[at]);
    }
  }
  return next;
}

Values LinearScales::loadSeeds(const Tile &tile, Value block, bool hasSigns) {
  Values seeds;
  if (!zeros && !hasSigns)
    for (int64_t i = 0; i < tile.rows; ++i)
      seeds.push_back(k.load(prepared.sums, blockAddress(tile, i, block)));
  return seeds;
}

//===----------------------------------------------------------------------===//
// Scales that are integers times a number of their row
//===----------------------------------------------------------------------===//

Value LinearScales::loadMultiples(Value panel, Value block) {
  Value bytes = k.loadVector(scales, {panel, block, k.index(0)});
  return arith::ExtUIOp::create(k.b, k.loc, k.vectorOf(k.i32()), bytes);
}

Values LinearScales::addMultiples(const Tile &tile, Value block,
                                  ValueRange partial, ValueRange words) {
  Values next(words);
  for (int64_t j = 0; j < tile.panels; ++j) {
    Value multiples = loadMultiples(k.add(tile.firstPanel, j), block);
    for (int64_t i = 0; i < tile.rows; ++i) {
      int64_t at = i * tile.panels + j;
      next[at] = k.add(words[at], k.mul(partial[at], multiples));
    }
  }
  return next;
}

Values LinearScales::addStep(const Tile &tile, Value step, ValueRange words,
                             ValueRange sums) {
  Values next(sums);
  for (int64_t i = 0; i < tile.rows; ++i) {
    Value address =
        k.add(k.mul(k.add(tile.firstRow, i), spec.getNumSteps()), step);
    Value ofRow = k.broadcast(k.load(prepared.steps, address));
    for (int64_t j = 0; j < tile.panels; ++j) {
      int64_t at = i * tile.panels + j;
      next[at] = k.fma(k.toFloat(words[at]), ofRow, sums[at]);
    }
  }
  return next;
}

Values LinearScales::finish(const Tile &tile, ValueRange sums) {
  Values next(sums);
  for (int64_t j = 0; j < tile.panels; ++j) {
    Value place = k.mul(k.add(tile.firstPanel, j), k.isa.lanes);
    Value numbers = k.loadVector(rowScales, place),
          added = bias ? k.loadVector(bias, place) : Value();
    for (int64_t i = 0; i < tile.rows; ++i) {
      Value &sum = next[i * tile.panels + j];
      sum = added ? k.fma(sum, numbers, added) : k.mulF(sum, numbers);
    }
  }
  return next;
}

LinearScales::ByteMultiples LinearScales::loadBytes(Value panel, Value block) {
  Value multiples = loadMultiples(panel, block);
  auto spread = [&](int64_t factor, Type element, int64_t count) {
    Value words =
        k.mul(multiples, k.constant(multiples.getType(), double(factor)));
    return k.bitcast(words, VectorType::get({count * k.isa.lanes}, element));
  };
  // Twice in a word, as products of two bytes by one number of 16 bits: the
  // largest, 2^bits - 1 times 2^(8 - bits), fits into a byte. The middle times
  // that is 128.
  int64_t middle = int64_t(1) << (layout.bits - 1);
  return {spread(0x00010001, k.b.getI16Type(), 2),
          spread(middle * 0x01010101, k.i8(), 4)};
}

Value LinearScales::multiply(Value codes, const ByteMultiples &by) {
  auto halves = cast<VectorType>(by.factors.getType());
  Value products = k.mul(k.bitcast(codes, halves), by.factors);
  return k.sub(k.bitcast(products, cast<VectorType>(by.offsets.getType())),
               by.offsets);
}
