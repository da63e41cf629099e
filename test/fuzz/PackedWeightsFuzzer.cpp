//===- PackedWeightsFuzzer.cpp - decodes weights of any bytes and sizes ---===//

#include "llmc/Weights/BlockFormat.h"
#include <cmath>
#include <cstdlib>
#include <fuzzer/FuzzedDataProvider.h>

using namespace llmc;

/// Codes that were unpacked and packed again are the bytes they came from,
/// but for what fills the last byte.
static void checkRoundTrip(llvm::ArrayRef<char> bytes, int64_t bits) {
  std::vector<uint8_t> codes(bytes.size() * 8 / bits), again(bytes.size());
  auto *packed = reinterpret_cast<const uint8_t *>(bytes.data());
  unpackBits(packed, bits, codes);
  packBits(codes, bits, again.data());
  size_t whole = codes.size() * bits / 8;
  for (size_t i = 0; i < whole; ++i)
    if (again[i] != packed[i])
      std::abort();
}

/// Code `index` of codes packed from the first byte on, one bit at a time.
static int readCode(llvm::ArrayRef<char> bytes, int64_t index, int64_t bits) {
  int code = 0;
  for (int64_t bit = 0; bit < bits; ++bit) {
    int64_t at = index * bits + bit;
    code |= (bytes[at / 8] >> at % 8 & 1) << bit;
  }
  return code;
}

/// The values are those that the format's definition gives.
static void checkValues(const BlockFormat &format, const BlockData &bytes,
                        int64_t firstRow, llvm::ArrayRef<float> values) {
  int64_t blocks = format.getNumBlocks();
  for (int64_t i = 0; i < int64_t(values.size()); ++i) {
    int64_t row = firstRow + i / format.columns, column = i % format.columns;
    int64_t block = row * blocks + column / format.block;
    int code = readCode(bytes.data.drop_front(block * format.getBlockBytes()),
                        column % format.block, format.bits);
    float zero = format.getDefaultZero();
    if (bytes.floatZeros)
      zero = loadFloat(bytes.zeros.data(), bytes.scalesFormat, block);
    else if (!bytes.zeros.empty())
      zero = readCode(bytes.zeros.drop_front(row * format.getZerosRowBytes()),
                      column / format.block, format.bits);
    float expected = (float(code) - zero) *
                     loadFloat(bytes.scales.data(), bytes.scalesFormat, block);
    // Which of two NaNs an operation hands on is not defined.
    if (std::memcmp(&expected, &values[i], sizeof(float)) != 0 &&
        !(std::isnan(expected) && std::isnan(values[i])))
      std::abort();
  }
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  FuzzedDataProvider provider(data, size);
  BlockFormat format;
  // Mostly small enough to have bytes for, now and then anything.
  bool wild = provider.ConsumeIntegralInRange(0, 15) == 0;
  auto number = [&](int64_t limit) {
    return wild ? provider.ConsumeIntegral<int64_t>()
                : provider.ConsumeIntegralInRange<int64_t>(0, limit);
  };
  format.rows = number(8);
  format.columns = number(40);
  format.block = number(24);
  format.bits = number(9);
  BlockData bytes;
  bytes.scalesFormat = provider.PickValueInArray(
      {FloatFormat::F32, FloatFormat::F16, FloatFormat::BF16});
  bool hasZeros = provider.ConsumeBool();
  bytes.floatZeros = hasZeros && provider.ConsumeBool();
  int64_t firstRow = number(8), numRows = provider.ConsumeIntegralInRange(0, 9);
  int64_t numValues =
      provider.ConsumeBool()
          ? provider.ConsumeIntegralInRange(0, 64)
          : numRows *
                std::min<int64_t>(std::max<int64_t>(format.columns, 0), 64);

  // Buffers of exactly the right size, so that one byte too many is seen, or
  // of whatever size is left.
  std::vector<char> parts[3];
  llvm::Error invalid = format.verify();
  bool valid = !invalid;
  llvm::consumeError(std::move(invalid));
  int64_t sizes[3] = {};
  if (valid) {
    sizes[0] = format.getDataBytes();
    sizes[1] = format.getScalesBytes(bytes.scalesFormat);
    sizes[2] = bytes.floatZeros ? sizes[1]
               : hasZeros       ? format.getZerosBytes()
                                : 0;
  }
  for (auto [part, exact] : llvm::zip(parts, sizes)) {
    int64_t wanted = provider.ConsumeIntegralInRange(0, 7) == 0
                         ? provider.ConsumeIntegralInRange(0, 64)
                         : std::min<int64_t>(exact, 1 << 16);
    part = provider.ConsumeBytes<char>(wanted);
    part.resize(wanted);
  }
  bytes.data = parts[0];
  bytes.scales = parts[1];
  bytes.zeros = parts[2];

  std::vector<float> values(numValues);
  if (llvm::Error error = decodeRows(format, bytes, firstRow, values))
    llvm::consumeError(std::move(error));
  else
    checkValues(format, bytes, firstRow, values);
  if (valid)
    checkRoundTrip(bytes.data, format.bits);
  return 0;
}
