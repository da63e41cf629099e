//===- KeptPlaces.cpp - where values of pruned weights lie ----------------===//

#include "KeptPlaces.h"
#include "llmc/Compress/WeightUses.h"
#include "llmc/Weights/BlockFormat.h"

using namespace mlir;
using namespace llmc;

/// The elements of a parameter that an operand loads; fails unless they are as
/// many as its type says.
template <typename T>
static llvm::Expected<std::vector<T>> readElements(Value operand) {
  SmallVector<char> copy;
  ArrayRef<char> data = getParamBytes(findParam(operand), copy);
  std::vector<T> elements(
      cast<RankedTensorType>(operand.getType()).getNumElements());
  if (data.size() != elements.size() * sizeof(T))
    return llvm::createStringError(
        "the bytes that say which of its weights are stored were freed");
  std::memcpy(elements.data(), data.data(), data.size());
  return elements;
}

int64_t KeptPlaces::getFirst(int64_t row) const {
  return m ? row * (columns / m * n)
           : starts[row / tileRows] * (tileRows * tileColumns);
}

int64_t KeptPlaces::getBase(int64_t row) const {
  return getFirst(row) / block * block;
}

llvm::Expected<KeptPlaces> KeptPlaces::read(Operation *densify, int64_t block) {
  KeptPlaces result;
  auto type = cast<RankedTensorType>(densify->getResult(0).getType());
  result.rows = type.getDimSize(0);
  result.columns = type.getDimSize(1);
  result.block = block;
  result.count =
      cast<RankedTensorType>(densify->getOperand(0).getType()).getNumElements();
  Value places = densify->getOperand(1);
  result.rowBytes = cast<RankedTensorType>(places.getType()).getDimSize(1);
  llvm::Expected<std::vector<uint8_t>> bytes = readElements<uint8_t>(places);
  if (!bytes)
    return bytes.takeError();
  result.bytes = std::move(*bytes);
  if (auto groups = dyn_cast<DensifyOp>(densify)) {
    std::tie(result.n, result.m) = groups.getNM();
    return result;
  }
  auto bitmap = cast<DensifyBitmapOp>(densify);
  std::tie(result.tileRows, result.tileColumns) = bitmap.getTileSizes();
  llvm::Expected<std::vector<int32_t>> starts =
      readElements<int32_t>(bitmap.getStarts());
  if (!starts)
    return starts.takeError();
  result.starts = std::move(*starts);
  int64_t tiles = result.columns / result.tileColumns, kept = 0;
  for (auto [row, start] : llvm::enumerate(result.starts)) {
    if (start != kept)
      return llvm::createStringError(
          "its starts are not how many values lie before each row");
    for (int64_t tile = 0; tile < tiles; ++tile)
      kept += result.bytes[row * result.rowBytes + tile / 8] >> tile % 8 & 1;
  }
  return result;
}

void KeptPlaces::get(int64_t row, MutableArrayRef<int32_t> places) const {
  std::fill(places.begin(), places.end(), -1);
  if (m) {
    std::vector<uint8_t> fields(columns / m * n);
    unpackBits(&bytes[row * rowBytes], llvm::Log2_64_Ceil(m), fields);
    // The later one of two values in one place counts.
    for (auto [i, field] : llvm::enumerate(fields))
      if (field < m)
        places[int64_t(i) / n * m + field] = i;
    return;
  }
  int64_t size = tileRows * tileColumns, base = getBase(row);
  int64_t next = getFirst(row) + row % tileRows * tileColumns;
  const uint8_t *mask = &bytes[row / tileRows * rowBytes];
  for (int64_t tile = 0; tile < columns / tileColumns; ++tile) {
    if (!(mask[tile / 8] >> tile % 8 & 1))
      continue;
    for (int64_t i = 0; i < tileColumns; ++i)
      if (next + i < count)
        places[tile * tileColumns + i] = next + i - base;
    next += size;
  }
}
