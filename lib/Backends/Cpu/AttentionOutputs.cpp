//===- AttentionOutputs.cpp - products of weights and values --------------===//

#include "AttentionOutputs.h"
#include "AttentionScores.h"
#include "DotSums.h"
#include "Tiles.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::cpu;

AttentionOutputs::AttentionOutputs(KernelBuilder &k, const AttentionSpec &spec,
                                   const KeyBlock &block, const Cache &values,
                                   int64_t most)
    : k(k), spec(spec), block(block), most(most),
      valueReader(k, block, values, canUsePairs(spec, k.isa)),
      usesPairs(canUsePairs(spec, k.isa)),
      usesTiles(canUsePairTiles(spec, k.isa)) {}

void AttentionOutputs::addBuffers(BufferGroup &buffers, int64_t placeOfScores) {
  valueReader.addBuffers(buffers);
  int64_t size = most * blockKeys;
  if (!usesPairs)
    return buffers.addView(weights, k.f32(), size, placeOfScores);
  int64_t place = buffers.add(weights, k.b.getBF16Type(), size);
  buffers.addView(weightPairs, k.i32(), size / 2, place);
}

void AttentionOutputs::storeWeights(Value vector, Value q, Value key) const {
  k.storeVector(usesPairs ? roundForPairs(k, vector) : vector, weights,
                k.add(k.mul(q, blockKeys), key));
}

void AttentionOutputs::emit(Value numQueries, const AttentionSums &sums) {
  valueReader.load();
  if (usesTiles)
    overRowTiles(k, numQueries, [&](Value q, int64_t rowTiles) {
      emitTiles(q, rowTiles, sums);
    });
  else
    overQueryTiles(
        k, spec.heads / spec.keyHeads, numQueries,
        [&](Value q, int64_t count) { emitVectors(q, count, sums); });
}

void AttentionOutputs::emitTiles(Value firstQuery, int64_t rowTiles,
                                 const AttentionSums &sums) {
  PairTiles tiles;
  tiles.rowPitch = 2 * blockKeys;
  tiles.rows = k.add(k.address(weights), k.mul(firstQuery, tiles.rowPitch));
  tiles.weightPitch = 4 * valueReader.getPitch();
  tiles.sumPitch = 4 * AttentionSums::getPitch(k.isa, spec.valueSize);
  Value values = valueReader.getPairsAddress();
  Value outputs =
      k.add(k.address(sums.getBuffer()), k.mul(firstQuery, tiles.sumPitch));
  Value steps = k.ceilDiv(block.getSize(k), pairedKeys);
  for (int64_t i = 0; i < spec.valueSize; i += 2 * tileRows) {
    tiles.weights = k.add(values, 4 * i);
    tiles.sums = k.add(outputs, 4 * i);
    tiles.emit(k, rowTiles, spec.valueSize - i > tileRows ? 2 : 1, steps,
               /*isFirst=*/false);
  }
}

void AttentionOutputs::emitVectors(Value firstQuery, int64_t count,
                                   const AttentionSums &sums) {
  // As many vectors of a value as the registers hold sums for.
  int64_t lanes = k.isa.lanes,
          step = std::max<int64_t>(k.isa.registers / 8, 1) * lanes,
          depth = usesPairs ? 2 : 1;
  auto pairs = VectorType::get({2 * lanes}, k.b.getBF16Type());
  auto sumsOf = [&](int64_t q) { return sums.at(k.add(firstQuery, q)); };
  for (int64_t begin = 0; begin < spec.valueSize; begin += step) {
    int64_t end = std::min(begin + step, spec.valueSize),
            vectors = llvm::divideCeil(end - begin, lanes);
    Values outputs;
    for (int64_t q = 0; q < count; ++q)
      for (int64_t j = 0; j < vectors; ++j)
        outputs.push_back(sumsOf(q).loadOutputs(begin + j * lanes));
    outputs = k.carry(
        k.index(0), block.getSize(k), depth, outputs,
        [&](Value key, ValueRange carried) {
          Values next(carried), parts;
          for (int64_t j = 0; j < vectors; ++j) {
            int64_t offset = begin + j * lanes;
            parts.push_back(
                usesPairs ? k.bitcast(valueReader.readPairs(key, offset), pairs)
                          : valueReader.read(key, offset));
          }
          for (int64_t q = 0; q < count; ++q) {
            Value place = k.add(k.mul(k.add(firstQuery, q), blockKeys), key);
            Value weight = usesPairs ? k.load(weightPairs, k.div(place, 2))
                                     : k.broadcast(k.load(weights, place));
            for (int64_t j = 0; j < vectors; ++j) {
              Value &sum = next[q * vectors + j];
              sum = usesPairs ? emitPairDot(k, sum, parts[j], weight)
                              : k.fma(weight, parts[j], sum);
            }
          }
          return next;
        });
    for (int64_t q = 0; q < count; ++q)
      for (int64_t j = 0; j < vectors; ++j)
        sumsOf(q).storeOutputs(outputs[q * vectors + j], begin + j * lanes);
  }
}
