//===- PanelReader.cpp - reads integers of panels -------------------------===//

#include "PanelReader.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::cpu;

PanelReader::PanelReader(KernelBuilder &k, const PanelLayout &layout,
                         Value bytes)
    : k(k), layout(layout),
      words(k.view(bytes, k.i32(), k.div(k.dim(bytes, 0), 4))) {}

Values PanelReader::load(Value panel, Value block, Value column,
                         int64_t ahead) {
  int64_t chunk = layout.getChunk(), lanes = k.isa.lanes,
          numLines = layout.getChunkLines();
  int64_t chunksPerBlock = layout.getStoredBlock() / chunk;
  Value address = k.mul(panel, layout.getPanelElements());
  address = k.add(
      address, k.mul(k.add(k.mul(block, chunksPerBlock), k.div(column, chunk)),
                     numLines * lanes));
  Values lines;
  for (int64_t i = 0; i < numLines; ++i)
    lines.push_back(k.loadVector(words, k.add(address, i * lanes)));
  // Processors do not guess reads in time that come as several lines of each
  // panel, between which there is much to compute: the next chunk's are said.
  if (numLines > 1)
    ahead = std::max(ahead, numLines);
  if (ahead != 0)
    for (int64_t i = 0; i < numLines; ++i)
      k.prefetch(words, k.add(address, (ahead + i) * lanes));
  return lines;
}

/// Puts the bits of every plane in their places.
Value PanelReader::decode(ValueRange lines,
                          llvm::function_ref<Field(const Plane &)> find) {
  Value code;
  int64_t firstLine = 0;
  for (const Plane &plane : layout.getPlanes()) {
    Field field = find(plane);
    Value part = lines[firstLine + field.line];
    auto constant = [&](int64_t value) {
      return k.constant(part.getType(), double(value));
    };
    // The highest field has nothing above it.
    part = field.isHighest
               ? arith::ShRUIOp::create(k.b, k.loc, part, constant(field.shift))
               : k.bits(part, field.shift, field.mask);
    if (plane.offset != 0)
      part = arith::ShLIOp::create(k.b, k.loc, part, constant(plane.offset));
    code =
        code ? arith::OrIOp::create(k.b, k.loc, code, part).getResult() : part;
    firstLine += layout.getChunkIntegers() / plane.getColumnsPerLine();
  }
  return code;
}

Value PanelReader::decodeQuad(ValueRange lines, int64_t quad, bool isSigned) {
  auto bytes = VectorType::get({4 * k.isa.lanes}, k.i8());
  Value code;
  if (layout.isSparse) {
    code = spread(lines, quad);
  } else {
    bool inBytes = k.isa.shiftsBytes;
    Values numbers(lines);
    if (inBytes)
      for (Value &line : numbers)
        line = k.bitcast(line, bytes);
    code = decode(numbers, [&](const Plane &plane) -> Field {
      int64_t fields = 8 / plane.bits, mask = (1 << plane.bits) - 1;
      int64_t shift = quad % fields * plane.bits;
      return {quad / fields, shift, inBytes ? mask : mask * 0x01010101,
              inBytes && shift + plane.bits == 8};
    });
  }
  code = k.bitcast(code, bytes);
  if (!isSigned)
    return code;
  double middle = double(int64_t(1) << (layout.bits - 1));
  return arith::AddIOp::create(k.b, k.loc, code, k.constant(bytes, -middle));
}

Value PanelReader::decodeQuadInPlace(ValueRange lines, int64_t quad) {
  auto bytes = VectorType::get({4 * k.isa.lanes}, k.i8());
  int64_t fields = 8 / layout.bits, mask = ((1 << layout.bits) - 1)
                                           << quad % fields * layout.bits;
  return arith::AndIOp::create(k.b, k.loc,
                               k.bitcast(lines[quad / fields], bytes),
                               k.constant(bytes, double(int8_t(mask))));
}

PanelReader::Field PanelReader::findColumn(const Plane &plane, int64_t column) {
  int64_t fields = 8 / plane.bits, quad = column / 4;
  int64_t shift = 8 * (column % 4) + quad % fields * plane.bits;
  return {quad / fields, shift, (1 << plane.bits) - 1,
          shift + plane.bits == 32};
}

Value PanelReader::decodeColumn(ValueRange lines, int64_t column) {
  if (layout.isSparse)
    return k.bits(spread(lines, column / 4), 8 * (column % 4), 255);
  return decode(lines,
                [&](const Plane &plane) { return findColumn(plane, column); });
}

//===----------------------------------------------------------------------===//
// Sparse weights
//===----------------------------------------------------------------------===//

/// Four columns of each row in words, with the middle where nothing is stored.
Value PanelReader::spread(ValueRange lines, int64_t quad) {
  auto words = k.vectorOf(k.i32());
  int64_t middle = int64_t(1) << (layout.bits - 1);
  Value codes = k.constant(words, double(int32_t(middle * 0x01010101)));
  for (int64_t index : {2 * quad, 2 * quad + 1}) {
    Field field = findColumn(layout.getPlanes().front(), index);
    Value kept = k.bits(lines[field.line], field.shift, field.mask);
    Value bits = arith::ShLIOp::create(k.b, k.loc, decodePlace(lines, index, 4),
                                       k.constant(words, 3));
    kept = arith::ShLIOp::create(k.b, k.loc, kept, bits);
    codes = arith::XOrIOp::create(k.b, k.loc, codes, kept);
  }
  return codes;
}

Value PanelReader::decodeKeptQuad(ValueRange lines, int64_t quad,
                                  bool isScaled) {
  auto words = k.vectorOf(k.i32());
  auto bytes = VectorType::get({4 * k.isa.lanes}, k.i8());
  if (layout.bits == 8)
    return k.bitcast(lines[quad], bytes);
  Value line = lines[quad / 2];
  if (!isScaled) {
    Value low = k.bits(line, quad % 2 * 4, 0x0f0f0f0f);
    Value middle = k.constant(words, 0x08080808);
    Value codes = arith::XOrIOp::create(k.b, k.loc, low, middle);
    return arith::SubIOp::create(k.b, k.loc, k.bitcast(codes, bytes),
                                 k.constant(bytes, 8));
  }
  if (quad % 2 == 0)
    line = arith::ShLIOp::create(k.b, k.loc, line, k.constant(words, 4));
  return k.bitcast(k.bits(line, 0, int32_t(0xf0f0f0f0)), bytes);
}

Value PanelReader::decodePlaceQuad(ValueRange lines, int64_t quad) {
  Value places = k.bits(lines.back(), 2 * quad, 0x03030303);
  Value first =
      k.constant(places.getType(), quad % 2 == 0 ? 0x04040000 : 0x0c0c0808);
  places = arith::OrIOp::create(k.b, k.loc, places, first);
  return k.bitcast(places, VectorType::get({4 * k.isa.lanes}, k.i8()));
}

Value PanelReader::decodeKept(ValueRange lines, int64_t index) {
  Field field = findColumn(layout.getPlanes().front(), index);
  auto words = k.vectorOf(k.i32());
  int64_t above = 32 - field.shift - layout.bits;
  Value line = lines[field.line];
  if (above != 0)
    line = arith::ShLIOp::create(k.b, k.loc, line,
                                 k.constant(words, double(above)));
  return arith::ShRSIOp::create(k.b, k.loc, line,
                                k.constant(words, double(32 - layout.bits)));
}

Value PanelReader::decodePlace(ValueRange lines, int64_t index,
                               int64_t window) {
  Field field = findColumn(layout.getPlanes().back(), index);
  Value place = k.bits(lines.back(), field.shift, field.mask);
  int64_t first = index / 2 * 4 % window;
  if (first == 0)
    return place;
  return arith::OrIOp::create(k.b, k.loc, place,
                              k.constant(place.getType(), double(first)));
}
