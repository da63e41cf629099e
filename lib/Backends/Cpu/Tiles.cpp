//===- Tiles.cpp - AMX's instructions -------------------------------------===//

#include "Tiles.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::cpu;

void Tiles::configureWhole(Value shapes) {
  constexpr int64_t bytes = tileBytes | tileBytes << 16,
                    rows = tileRows * 0x01010101;
  for (int64_t i = 0; i < shapeWords; ++i) {
    int64_t word = i == 0               ? 1
                   : i >= 4 && i < 8    ? bytes
                   : i == 12 || i == 13 ? rows
                                        : 0;
    k.store(k.constant(k.i32(), double(word)), shapes, k.index(i));
  }
  configure(k.address(shapes));
}

Value Tiles::pointer(Value address) {
  Value number =
      arith::IndexCastOp::create(k.b, k.loc, k.b.getI64Type(), address);
  return LLVM::IntToPtrOp::create(
      k.b, k.loc, LLVM::LLVMPointerType::get(k.b.getContext()), number);
}

void Tiles::prefetch(Value address) {
  LLVM::Prefetch::create(k.b, k.loc, pointer(address), /*rw=*/0, /*hint=*/2,
                         /*cache=*/1);
}

void Tiles::call(StringRef instruction, ValueRange arguments) {
  LLVM::CallIntrinsicOp::create(
      k.b, k.loc, k.b.getStringAttr("llvm.x86." + instruction), arguments);
}

void PairTiles::emit(KernelBuilder &k, int64_t rowTiles, int64_t weightTiles,
                     Value steps, bool isFirst) const {
  Tiles tiles(k);
  auto overSums = [&](llvm::function_ref<void(int64_t, Value)> body) {
    for (int64_t i = 0; i < rowTiles; ++i)
      for (int64_t j = 0; j < weightTiles; ++j)
        body(sumTile(i, j),
             k.add(sums, i * tileRows * sumPitch + j * tileBytes));
  };
  overSums([&](int64_t tile, Value address) {
    isFirst ? tiles.zero(tile) : tiles.load(tile, address, sumPitch);
  });
  k.loop(k.index(0), steps, 1, [&](Value step) {
    Value line = k.add(weights, k.mul(step, tileRows * weightPitch)),
          column = k.add(rows, k.mul(step, tileBytes));
    for (int64_t j = 0; j < weightTiles; ++j)
      tiles.load(weightsTile(j), k.add(line, j * tileBytes), weightPitch);
    for (int64_t i = 0; i < rowTiles; ++i)
      tiles.load(rowsTile(i), k.add(column, i * tileRows * rowPitch), rowPitch);
    for (int64_t i = 0; i < rowTiles; ++i)
      for (int64_t j = 0; j < weightTiles; ++j)
        tiles.dot(sumTile(i, j), rowsTile(i), weightsTile(j), "tdpbf16ps");
  });
  overSums([&](int64_t tile, Value address) {
    tiles.store(tile, address, sumPitch);
  });
}

void llmc::cpu::overRowTiles(
    KernelBuilder &k, Value numRows,
    llvm::function_ref<void(Value row, int64_t rowTiles)> body) {
  Value wide = k.sub(numRows, k.rem(numRows, 2 * tileRows));
  k.loop(k.index(0), wide, 2 * tileRows, [&](Value row) { body(row, 2); });
  k.loop(wide, numRows, tileRows, [&](Value row) { body(row, 1); });
}
