//===- PanelReader.cpp - reads integers of panels -------------------------===//

#include "PanelReader.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::cpu;

PanelReader::PanelReader(KernelBuilder &k, const PanelLayout &layout,
                         Value bytes)
    : k(k), layout(layout),
      words(k.view(bytes, k.i32(), k.div(k.dim(bytes, 0), 4))) {}

Values PanelReader::load(Value panel, Value block, Value column) {
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
    for (int64_t i = numLines; i < 2 * numLines; ++i)
      k.prefetch(words, k.add(address, i * lanes));
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
    firstLine += layout.getChunk() / plane.getColumnsPerLine();
  }
  return code;
}

Value PanelReader::decodeQuad(ValueRange lines, int64_t quad, bool isSigned) {
  auto bytes = VectorType::get({4 * k.isa.lanes}, k.i8());
  bool inBytes = k.isa.shiftsBytes;
  Values numbers(lines);
  if (inBytes)
    for (Value &line : numbers)
      line = k.bitcast(line, bytes);
  Value code = decode(numbers, [&](const Plane &plane) -> Field {
    int64_t fields = 8 / plane.bits, mask = (1 << plane.bits) - 1;
    int64_t shift = quad % fields * plane.bits;
    return {quad / fields, shift, inBytes ? mask : mask * 0x01010101,
            inBytes && shift + plane.bits == 8};
  });
  code = k.bitcast(code, bytes);
  if (!isSigned)
    return code;
  double middle = double(int64_t(1) << (layout.bits - 1));
  return arith::AddIOp::create(k.b, k.loc, code, k.constant(bytes, -middle));
}

Value PanelReader::decodeColumn(ValueRange lines, int64_t column) {
  return decode(lines, [&](const Plane &plane) -> Field {
    int64_t fields = 8 / plane.bits, quad = column / 4;
    int64_t shift = 8 * (column % 4) + quad % fields * plane.bits;
    return {quad / fields, shift, (1 << plane.bits) - 1,
            shift + plane.bits == 32};
  });
}
