//===- LinearResults.cpp - what becomes of sums of products ---------------===//

#include "LinearResults.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::cpu;

/// In one dimension of a dynamic size, so that all outputs have one type.
Value LinearResults::flatten(Value buffer) {
  buffer = k.flatten(buffer, 0);
  Type element = cast<MemRefType>(buffer.getType()).getElementType();
  auto type = MemRefType::get({ShapedType::kDynamic}, element);
  return k.b.createOrFold<memref::CastOp>(k.loc, type, buffer);
}

void LinearResults::emit(ValueRange sums, const Tile &tile) {
  int64_t group = spec.isGated() ? 2 : 1;
  for (int64_t j = 0; j < tile.panels; j += group) {
    Place place = findPlace(k.add(tile.firstPanel, j));
    for (int64_t i = 0; i < tile.rows; ++i) {
      int64_t at = i * tile.panels + j;
      Value value = emitActivation(k, spec.activation, sums[at]);
      if (spec.isGated())
        value = k.mulF(value, sums[at + 1]);
      Value address =
          k.add(k.mul(k.add(tile.firstRow, i), place.width), place.column);
      if (addend)
        value = k.addF(k.loadVector(addend, address, place.mask), value);
      Type element = cast<MemRefType>(place.output.getType()).getElementType();
      k.storeVector(k.narrow(value, element), place.output, address,
                    place.mask);
    }
  }
}

LinearResults::Place LinearResults::findPlace(Value panel) {
  int64_t lanes = k.isa.lanes;
  if (spec.isGated())
    panel = k.div(panel, 2);
  Place place{outputs[0], k.index(spec.rows[0]), panel, {}};
  bool isWhole = spec.rows[0] % lanes == 0;
  int64_t first = 0;
  for (size_t i = 1; i < outputs.size(); ++i) {
    first += spec.layout.getNumPanels(spec.rows[i - 1]);
    Value isBefore = k.isLess(panel, k.index(first));
    auto select = [&](Value &before, Value after) {
      before = k.select(isBefore, before, after);
    };
    select(place.output, outputs[i]);
    select(place.width, k.index(spec.rows[i]));
    select(place.column, k.sub(panel, k.index(first)));
    isWhole &= spec.rows[i] % lanes == 0;
  }
  place.column = k.mul(place.column, lanes);
  if (!isWhole)
    place.mask = k.createMask(k.sub(place.width, place.column));
  return place;
}
