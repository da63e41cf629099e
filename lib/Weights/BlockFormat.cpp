//===- BlockFormat.cpp - integers in blocks with scales -------------------===//

#include "llmc/Weights/BlockFormat.h"
#include "llvm/ADT/SmallVector.h"

using namespace llvm;
using namespace llmc;

Error BlockFormat::verify() const {
  if (bits < 2 || bits > 8)
    return createStringError("bits is " + Twine(bits) + "; 2 to 8 are defined");
  if (rows < 0 || columns < 0)
    return createStringError("a dimension is negative");
  // The largest of the sizes is that of f32 scales in blocks of one byte, or
  // the data itself: both stay below 8 bytes per element of a whole block.
  int64_t elements, bytes;
  if (block < 1 || MulOverflow(block, bits, bytes))
    return createStringError("block is " + Twine(block) +
                             "; it must be positive and not overflow");
  if (bytes % 8 != 0)
    return createStringError("a block of " + Twine(block) + " times " +
                             Twine(bits) + " bits is not whole bytes");
  if (AddOverflow(columns, block, elements) ||
      MulOverflow(elements, rows, elements) ||
      MulOverflow(elements, int64_t(8), elements))
    return createStringError("the weight's size overflows");
  return Error::success();
}

void llmc::packBits(ArrayRef<uint8_t> codes, int64_t bits, uint8_t *packed) {
  size_t count = codes.size();
  if (bits == 8) {
    std::copy(codes.begin(), codes.end(), packed);
    return;
  }
  if (bits == 4) {
    // By far the most frequent; this loop vectorises.
    const uint8_t *code = codes.data();
    for (size_t i = 0; i < count / 2; ++i)
      packed[i] = code[2 * i] | code[2 * i + 1] << 4;
    if (count % 2 != 0)
      packed[count / 2] = code[count - 1];
    return;
  }
  uint32_t buffer = 0;
  int64_t filled = 0;
  for (uint8_t code : codes) {
    buffer |= uint32_t(code) << filled;
    for (filled += bits; filled >= 8; filled -= 8) {
      *packed++ = uint8_t(buffer);
      buffer >>= 8;
    }
  }
  if (filled > 0)
    *packed = uint8_t(buffer);
}

void llmc::unpackBits(const uint8_t *packed, int64_t bits,
                      MutableArrayRef<uint8_t> codes) {
  uint32_t buffer = 0;
  int64_t filled = 0;
  uint32_t mask = (1u << bits) - 1;
  for (uint8_t &code : codes) {
    if (filled < bits) {
      buffer |= uint32_t(*packed++) << filled;
      filled += 8;
    }
    code = buffer & mask;
    buffer >>= bits;
    filled -= bits;
  }
}

Error llmc::decodeRows(const BlockFormat &format, const BlockData &bytes,
                       int64_t firstRow, MutableArrayRef<float> values) {
  if (Error error = format.verify())
    return error;
  auto expect = [](const char *what, ArrayRef<char> data,
                   int64_t size) -> Error {
    if (int64_t(data.size()) == size)
      return Error::success();
    return createStringError(Twine(what) + " has " + Twine(data.size()) +
                             " bytes; the format needs " + Twine(size));
  };
  if (Error error = expect("data", bytes.data, format.getDataBytes()))
    return error;
  if (Error error = expect("scales", bytes.scales,
                           format.getScalesBytes(bytes.scalesFormat)))
    return error;
  if (!bytes.zeros.empty() || bytes.floatZeros)
    if (Error error =
            expect("zeros", bytes.zeros,
                   bytes.floatZeros ? format.getScalesBytes(bytes.scalesFormat)
                                    : format.getZerosBytes()))
      return error;
  if (values.empty())
    return Error::success();
  if (format.columns == 0 || values.size() % format.columns != 0)
    return createStringError("the output does not hold whole rows");
  int64_t count = values.size() / format.columns;
  if (firstRow < 0 || firstRow > format.rows || count > format.rows - firstRow)
    return createStringError("the weight has no such rows");

  int64_t blocks = format.getNumBlocks(), blockBytes = format.getBlockBytes();
  auto *data = reinterpret_cast<const uint8_t *>(bytes.data.data());
  auto *zeroBytes = reinterpret_cast<const uint8_t *>(bytes.zeros.data());
  SmallVector<uint8_t> codes(std::min(format.block, format.columns));
  bool isPacked = !bytes.zeros.empty() && !bytes.floatZeros;
  SmallVector<uint8_t> zeros(blocks, format.getDefaultZero());
  float *out = values.data();
  for (int64_t row = firstRow; row < firstRow + count; ++row) {
    if (isPacked)
      unpackBits(zeroBytes + row * format.getZerosRowBytes(), format.bits,
                 zeros);
    for (int64_t block = 0; block < blocks; ++block) {
      int64_t index = row * blocks + block;
      int64_t size =
          std::min(format.block, format.columns - block * format.block);
      unpackBits(data + index * blockBytes, format.bits,
                 MutableArrayRef(codes).take_front(size));
      float scale = loadFloat(bytes.scales.data(), bytes.scalesFormat, index);
      float zero = bytes.floatZeros ? loadFloat(bytes.zeros.data(),
                                                bytes.scalesFormat, index)
                                    : float(zeros[block]);
      for (int64_t i = 0; i < size; ++i)
        *out++ = (float(codes[i]) - zero) * scale;
    }
  }
  return Error::success();
}
