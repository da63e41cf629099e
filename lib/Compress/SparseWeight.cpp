//===- SparseWeight.cpp - weights without their zeros ---------------------===//

#include "SparseWeight.h"
#include "llmc/Weights/BlockFormat.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace llmc;

static AsmResourceBlob allocate(int64_t bytes) {
  return HeapAsmResourceBlob::allocate(bytes, /*align=*/64,
                                       /*dataIsMutable=*/true);
}

static char *getData(AsmResourceBlob &blob) {
  return blob.getMutableData().data();
}

/// Whether some weight of a tile is not 0.
static bool isKept(MatrixRef<const float> weights, const SparsePattern &pattern,
                   int64_t tileRow, int64_t tile) {
  MatrixRef<const float> part =
      weights.block(tileRow * pattern.tileRows, tile * pattern.tileColumns,
                    pattern.tileRows, pattern.tileColumns);
  for (int64_t row = 0; row < part.rows; ++row)
    for (int64_t column = 0; column < part.columns; ++column)
      if (part(row, column) != 0)
        return true;
  return false;
}

/// Bits of a place in the meta of llmc.densify.
static int64_t getPlaceBits(const SparsePattern &pattern) {
  return llvm::Log2_64_Ceil(pattern.m);
}

int64_t llmc::getSparseBytes(MatrixRef<const float> weights,
                             const SparsePattern &pattern, FloatFormat format) {
  if (pattern.isNM()) {
    int64_t kept = weights.columns / pattern.m * pattern.n;
    return weights.rows *
           (kept * getFloatBytes(format) +
            int64_t(llvm::divideCeil(kept * getPlaceBits(pattern), 8)));
  }
  int64_t tileRows = weights.rows / pattern.tileRows,
          tiles = weights.columns / pattern.tileColumns, kept = 0;
  for (int64_t row = 0; row < tileRows; ++row)
    for (int64_t tile = 0; tile < tiles; ++tile)
      kept += isKept(weights, pattern, row, tile);
  return kept * pattern.tileRows * pattern.tileColumns * getFloatBytes(format) +
         tileRows * (int64_t(llvm::divideCeil(tiles, 8)) + 4);
}

static SparseWeight encodeGroups(MatrixRef<const float> weights,
                                 SparseWeight result) {
  int64_t n = result.pattern.n, m = result.pattern.m;
  int64_t kept = weights.columns / m * n, bits = getPlaceBits(result.pattern),
          metaBytes = llvm::divideCeil(kept * bits, 8);
  result.count = weights.rows * kept;
  result.values = allocate(result.count * getFloatBytes(result.format));
  result.places = allocate(weights.rows * metaBytes);
  char *values = getData(result.values), *places = getData(result.places);
  std::vector<uint8_t> row(kept);
  for (int64_t i = 0; i < weights.rows; ++i) {
    int64_t next = 0;
    for (int64_t begin = 0; begin < weights.columns; begin += m) {
      // Zeros fill up a group that has more of them than it must.
      int64_t zeros = n;
      for (int64_t j = 0; j < m; ++j)
        zeros -= weights(i, begin + j) != 0;
      for (int64_t j = 0; j < m; ++j) {
        float value = weights(i, begin + j);
        if (value == 0 && zeros-- <= 0)
          continue;
        row[next] = j;
        storeFloat(values, result.format, i * kept + next++, value);
      }
    }
    assert(next == kept && "not pruned to the pattern");
    packBits(row, bits, reinterpret_cast<uint8_t *>(places) + i * metaBytes);
  }
  return result;
}

static SparseWeight encodeBitmap(MatrixRef<const float> weights,
                                 SparseWeight result) {
  const SparsePattern &pattern = result.pattern;
  int64_t height = pattern.tileRows, width = pattern.tileColumns,
          rows = weights.rows / height, tiles = weights.columns / width,
          rowBytes = llvm::divideCeil(tiles, 8), bytes = rows * rowBytes;
  result.places = allocate(bytes);
  result.starts = allocate(rows * 4);
  char *mask = getData(result.places), *starts = getData(*result.starts);
  std::fill_n(mask, bytes, 0);
  int32_t kept = 0;
  for (int64_t row = 0; row < rows; ++row) {
    std::memcpy(starts + row * 4, &kept, 4);
    for (int64_t tile = 0; tile < tiles; ++tile) {
      if (!isKept(weights, pattern, row, tile))
        continue;
      mask[row * rowBytes + tile / 8] |= 1 << tile % 8;
      ++kept;
    }
  }
  result.count = int64_t(kept) * height * width;
  result.values = allocate(result.count * getFloatBytes(result.format));
  char *values = getData(result.values);
  int64_t next = 0;
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t tile = 0; tile < tiles; ++tile)
      if (mask[row * rowBytes + tile / 8] >> tile % 8 & 1)
        for (int64_t i = 0; i < height; ++i)
          for (int64_t j = 0; j < width; ++j)
            storeFloat(values, result.format, next++,
                       weights(row * height + i, tile * width + j));
  return result;
}

SparseWeight llmc::encodeSparse(MatrixRef<const float> weights,
                                const SparsePattern &pattern,
                                FloatFormat format) {
  SparseWeight result;
  result.pattern = pattern;
  result.format = format;
  result.rows = weights.rows;
  result.columns = weights.columns;
  return pattern.isNM() ? encodeGroups(weights, std::move(result))
                        : encodeBitmap(weights, std::move(result));
}
