//===- TileKernel.cpp - products in AMX's tiles ---------------------------===//
//
// The panels' integers are decoded once for some hundred rows, into memory that
// a cache holds. Then 32 rows of x at a time meet them: four tiles of sums take
// two of x and two of weights in turns. Sums go through memory, as tiles and
// vectors exchange nothing else. Where each block has a scale, the sums of two
// blocks are written; then 16 rows of a panel at a time keep their sums in
// vectors while those of the blocks are added. Integers of one block that are
// stored as tiles, and bf16, are multiplied in parts of the columns.
//
//===----------------------------------------------------------------------===//

#include "TileKernel.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::cpu;

namespace {
/// Steps of a block that are written out.
constexpr int64_t fewSteps = 4;
/// Steps of a part, of which 32 rows of x, 32 KiB, fit into the first cache.
constexpr int64_t partSteps = 16;
/// Blocks whose products go to memory together, 8 KiB, and columns of a part of
/// the blocks, whose codes and rows of x stay in the first cache besides.
constexpr int64_t blocksTogether = 2, partColumns = 512;
} // namespace

TileKernel::TileKernel(KernelBuilder &k, const LinearSpec &spec,
                       const PreparedRows &prepared, Value rows, Value panels)
    : k(k), layout(spec.layout), prepared(prepared), rows(rows), panels(panels),
      isPaired(spec.pairs), wordColumns(isPaired ? 2 : 4),
      numBlocks(layout.rowScales ? spec.getNumSteps() : layout.getNumBlocks()),
      blockColumns(layout.rowScales ? spec.stepColumns
                                    : layout.getStoredBlock()),
      depth(std::min(blockColumns, tileBytes / 4 * wordColumns)),
      // Columns beyond a block are those of the next one, or lie in the pitch,
      // and meet zeros.
      paddedBlock(llvm::alignTo(blockColumns, depth)) {
  writeShapes();
  x = k.address(prepared.values);
}

int64_t TileKernel::getFewestRows() const {
  // Measured on an Emerald Rapids with 2048 -> 5632: integers that are decoded
  // first pay from 16 rows on, more where each block has sums in memory.
  int64_t fewest = (isStoredAsTiles() ? 8 : 16) + 512 / blockColumns;
  return numBlocks > 1 ? std::max(fewest, tileRows) : fewest;
}

/// See "Tile configuration" in Intel's manual: a palette, then bytes of a row,
/// 16 bits for each tile, at 16, and rows, 8 bits for each, at 48.
void TileKernel::writeShapes() {
  shapes = k.allocate(k.i32(), k.index(2 * shapeWords));
  auto pair = [](int64_t even, int64_t odd, int64_t bits) {
    return int32_t(even | odd << bits);
  };
  auto write = [&](int64_t index, Value value) {
    k.store(value, shapes, k.index(index));
  };
  auto constant = [&](int64_t value) {
    return k.constant(k.i32(), double(value));
  };
  int64_t words = depth / wordColumns;
  int32_t weightRows = pair(words, words, 8) << 16;
  int32_t whole = pair(tileRows, tileRows, 8);
  // Of the rows that are left, 1 to 31. A tile without rows cannot be.
  Value left = arith::IndexCastOp::create(k.b, k.loc, k.i32(),
                                          k.rem(rows, tileKernelRows));
  Value one = constant(1);
  auto clamp = [&](Value count) -> Value {
    count = arith::MaxSIOp::create(k.b, k.loc, count, one);
    return arith::MinSIOp::create(k.b, k.loc, count, constant(tileRows));
  };
  Value first = clamp(left), second = clamp(k.sub(left, constant(tileRows)));
  auto repeat = [&](Value a, Value b) {
    return k.add(a, k.mul(b, constant(1 << 8)));
  };
  Value sums = k.add(repeat(first, first),
                     k.mul(repeat(second, second), constant(1 << 16)));
  Value others = k.add(repeat(first, second), constant(weightRows));
  for (int64_t base : {int64_t(0), shapeWords}) {
    for (int64_t i = 0; i < shapeWords; ++i)
      write(base + i, constant(0));
    write(base, constant(1));
    for (int64_t i : {4, 5, 7})
      write(base + i, constant(pair(tileBytes, tileBytes, 16)));
    write(base + 6, constant(pair(4 * words, 4 * words, 16)));
    bool isWhole = base == 0;
    write(base + 12, isWhole ? constant(pair(whole, whole, 16)) : sums);
    write(base + 13, isWhole ? constant(whole | weightRows) : others);
  }
}

void TileKernel::emit(Value panel, int64_t count, Value begin, Value end,
                      const TileSurroundings &surroundings) {
  firstRow = begin;
  lastRow = end;
  firstPanel = panel;
  numPanels = count;
  around = &surroundings;
  int64_t words = numPanels * k.isa.lanes;
  Values allocated;
  if (!isStoredAsTiles()) {
    codes = k.allocate(k.i32(), k.index(numBlocks * paddedBlock / 4 * words));
    allocated.push_back(codes);
    decodePanels();
  }
  Tiles tiles{k};
  if (!isPaired && numBlocks > 1) {
    tiles.configure(k.address(shapes));
    emitBlocks();
    tiles.release();
    for (Value buffer : allocated)
      k.release(buffer);
    return;
  }
  Value left = k.rem(k.sub(end, begin), tileKernelRows),
        whole = k.sub(end, left);
  Value places = k.index(tileKernelRows);
  if (isInParts())
    places =
        k.mul(k.ceilDiv(k.sub(end, begin), tileKernelRows), tileKernelRows);
  sums = k.allocate(isPaired ? k.f32() : k.i32(), k.mul(places, words));
  allocated.push_back(sums);
  tiles.configure(k.address(shapes));
  emitRows(begin, whole, 2, k.index(tileKernelRows));
  k.branch(
      k.isLess(k.index(0), left),
      [&] {
        tiles.configure(k.add(k.address(shapes), 4 * shapeWords));
        k.branch(
            k.isLess(k.index(tileRows), left),
            [&] { emitRows(whole, end, 2, left); },
            [&] { emitRows(whole, end, 1, left); });
      },
      [] {});
  tiles.release();
  for (Value buffer : allocated)
    k.release(buffer);
}

/// Lines of decoded codes, zeros after those of a block.
void TileKernel::decodePanels() {
  int64_t lanes = k.isa.lanes, ofWeight = layout.getStoredBlock(),
          together = blockColumns / ofWeight,
          numOfWeight = layout.getNumBlocks();
  auto words = k.vectorOf(k.i32());
  auto storeLine = [&](Value line, Value place) {
    k.storeVector(line, codes, k.mul(place, lanes));
  };
  for (int64_t j = 0; j < numPanels; ++j) {
    auto getLine = [&](Value number) {
      return k.mul(k.add(number, j * numBlocks), paddedBlock / 4);
    };
    k.loop(k.index(0), k.index(numOfWeight), 1, [&](Value number) {
      Value base = k.add(getLine(k.div(number, together)),
                         k.mul(k.rem(number, together), ofWeight / 4));
      around->decode(j, number, isSigned(), [&](Value quad, Value codes) {
        storeLine(k.bitcast(codes, words), k.add(base, quad));
      });
    });
    auto clear = [&](Value number, int64_t from) {
      Value base = getLine(number);
      k.loop(k.add(base, from / 4), k.add(base, paddedBlock / 4), 1,
             [&](Value place) { storeLine(k.constant(words, 0), place); });
    };
    if (blockColumns < paddedBlock)
      k.loop(k.index(0), k.index(numBlocks), 1,
             [&](Value number) { clear(number, blockColumns); });
    if (int64_t left = numOfWeight % together)
      clear(k.index(numBlocks - 1), left * ofWeight);
  }
}

/// A part of the blocks after the other. Where no 32 rows are left, tiles have
/// 16, the last ones of which begin with some that were in the tile before.
void TileKernel::emitBlocks() {
  int64_t lanes = k.isa.lanes,
          part = std::max<int64_t>(partColumns / blockColumns, 1);
  Value count = k.sub(lastRow, firstRow),
        places = k.mul(k.ceilDiv(count, tileRows), tileRows);
  sums = k.allocate(k.f32(), k.mul(places, numPanels * lanes));
  partial = k.allocate(
      k.i32(), k.index(blocksTogether * tileKernelRows * numPanels * lanes));
  k.loop(k.index(0), places, 1, [&](Value i) {
    for (auto [j, begun] : llvm::enumerate(around->begin()))
      k.storeVector(begun, sums, sumAddress(i, int64_t(j)));
  });
  Value wholes = k.sub(count, k.rem(count, tileKernelRows));
  auto getStart = [&](Value place) {
    return k.min(k.add(firstRow, place), k.sub(lastRow, k.index(tileRows)));
  };
  k.loop(k.index(0), k.index(numBlocks), part, [&](Value first) {
    Value end = k.min(k.add(first, part), k.index(numBlocks));
    k.loop(k.index(0), wholes, tileKernelRows, [&](Value place) {
      emitBlockSums(k.add(firstRow, place), place, 2, first, end);
    });
    k.loop(wholes, count, tileRows, [&](Value place) {
      emitBlockSums(getStart(place), place, 1, first, end);
    });
  });
  k.loop(k.index(0), count, tileRows, [&](Value place) {
    Value start = getStart(place);
    k.loop(k.add(firstRow, place), k.add(start, tileRows), 1, [&](Value row) {
      Value i = k.add(place, k.sub(row, start));
      around->finish(row, loadSums(sums, i));
    });
  });
  k.release(sums);
  k.release(partial);
}

/// Blocks from `first` to `end` of the rows from `start` on, whose sums are
/// those from `place` on.
void TileKernel::emitBlockSums(Value start, Value place, int64_t rowTiles,
                               Value first, Value end) {
  int64_t lanes = k.isa.lanes, tileWords = tileRows * lanes;
  auto getSlot = [&](Value block, Value begin, int64_t i, int64_t j) {
    return k.add(k.mul(k.sub(block, begin), 2 * numPanels * tileWords),
                 (i * numPanels + j) * tileWords);
  };
  k.loop(first, end, blocksTogether, [&](Value begin) {
    Value stop = k.min(k.add(begin, blocksTogether), end);
    k.loop(begin, stop, 1, [&](Value block) {
      emitProducts(start, rowTiles, block);
      overTiles(rowTiles, numPanels, [&](int64_t i, int64_t j) {
        Value words = getSlot(block, begin, i, j);
        Tiles{k}.store(sumTile(i, j),
                       k.add(k.address(partial), k.mul(words, 4)), tileBytes);
      });
    });
    overTiles(rowTiles, numPanels, [&](int64_t i, int64_t j) {
      Values made;
      auto getPlace = [&](int64_t row) {
        return sumAddress(k.add(place, i * tileRows + row), j);
      };
      for (int64_t row = 0; row < tileRows; ++row)
        made.push_back(k.loadVector(sums, getPlace(row)));
      made = k.carry(begin, stop, 1, made, [&](Value block, ValueRange sums) {
        around->loadScales(j, block);
        Values next;
        for (int64_t row = 0; row < tileRows; ++row) {
          Value words = k.add(getSlot(block, begin, i, j), row * lanes);
          next.push_back(around->scale(j, k.add(start, i * tileRows + row),
                                       block, k.loadVector(partial, words),
                                       sums[row], isSigned()));
        }
        return next;
      });
      for (int64_t row = 0; row < tileRows; ++row)
        k.storeVector(made[row], sums, getPlace(row));
    });
  });
}

/// All columns, which are one block or bf16, of the rows from `first` to
/// `last`, `count` at a time; for more than two panels a part of the columns
/// after the other. The caches keep that part of all rows, of which those that
/// all panels meet in turns stay in the first, and sums are in memory in
/// between.
void TileKernel::emitRows(Value first, Value last, int64_t rowTiles,
                          Value count) {
  Value steps = k.index(getSteps());
  int64_t part = isInParts() ? std::min(getSteps(), partSteps) : getSteps();
  auto overRows = [&](Value begin, Value end, bool isFirst) {
    k.loop(first, last, tileKernelRows, [&](Value row) {
      emitPart(row, rowTiles, begin, end, isFirst);
      if (part == getSteps())
        finishRows(row, count);
      else if (!isFirst)
        k.branch(k.isLess(end, steps), [] {}, [&] { finishRows(row, count); });
    });
  };
  overRows(k.index(0), k.index(part), /*isFirst=*/true);
  if (part < getSteps())
    k.loop(k.index(part), steps, part, [&](Value begin) {
      overRows(begin, k.min(k.add(begin, part), steps), /*isFirst=*/false);
    });
}

/// Steps from `begin` to `end` of all panels and up to 32 rows.
void TileKernel::emitPart(Value row, int64_t rowTiles, Value begin, Value end,
                          bool isFirst) {
  Tiles tiles{k};
  Value weights = k.address(isStoredAsTiles() ? panels : codes);
  int64_t pitch = prepared.pitch * 4 / wordColumns,
          panelBytes = getSteps() * getStepBytes(),
          sumPitch = numPanels * tileBytes;
  Value rowBase = k.add(x, k.mul(row, pitch)),
        to = k.add(k.address(sums), k.mul(getPlace(row), sumPitch));
  for (int64_t panel = 0; panel < numPanels; panel += tileKernelPanels) {
    int64_t width = std::min(tileKernelPanels, numPanels - panel);
    auto overSums = [&](llvm::function_ref<void(int64_t, Value)> body) {
      overTiles(rowTiles, width, [&](int64_t i, int64_t j) {
        body(sumTile(i, j),
             k.add(to, i * tileRows * sumPitch + (panel + j) * tileBytes));
      });
    };
    overSums([&](int64_t tile, Value address) {
      isFirst ? tiles.zero(tile) : tiles.load(tile, address, sumPitch);
    });
    Values bases;
    for (int64_t j = 0; j < width; ++j) {
      Value place = k.index(panel + j);
      if (isStoredAsTiles())
        place = k.add(firstPanel, place);
      bases.push_back(k.add(weights, k.mul(place, panelBytes)));
    }
    k.loop(begin, end, 1, [&](Value step) {
      emitStep(step, rowBase, rowTiles, bases);
      if (isStoredAsTiles() && isInParts())
        for (Value base : bases)
          prefetchNext(base, row, k.sub(step, begin), end);
    });
    overSums([&](int64_t tile, Value address) {
      tiles.store(tile, address, sumPitch);
    });
  }
}

/// Asks for a share of what follows on a part of a panel: its next part, or the
/// first one of the panel that comes in its place. As many
/// rows as there can be ask for all of it.
void TileKernel::prefetchNext(Value base, Value row, Value step, Value end) {
  constexpr int64_t lines = 2;
  static_assert(lines * mostPartRows / tileKernelRows == tileRows);
  Value next = k.select(k.isLess(end, k.index(getSteps())), end,
                        k.index(numPanels * getSteps()));
  Value share = k.div(k.sub(row, firstRow), tileKernelRows);
  Value line = k.mul(k.add(k.mul(share, partSteps), step), lines);
  Value address =
      k.add(k.add(base, k.mul(next, getStepBytes())), k.mul(line, tileBytes));
  for (int64_t i = 0; i < lines; ++i)
    Tiles{k}.prefetch(k.add(address, i * tileBytes));
}

/// Results of up to 32 rows whose sums are made.
void TileKernel::finishRows(Value row, Value count) {
  if (!isPaired)
    for (int64_t j = 0; j < numPanels; ++j)
      around->loadScales(j, k.index(0));
  k.loop(k.index(0), count, 1, [&](Value i) {
    Value place = k.add(row, i);
    Values next = around->begin();
    Values made = loadSums(sums, k.add(getPlace(row), i));
    for (int64_t j = 0; j < numPanels; ++j)
      next[j] = isPaired ? k.addF(made[j], next[j])
                         : around->scale(j, place, k.index(0), made[j], next[j],
                                         isSigned());
    around->finish(place, next);
  });
}

/// The first row of `row`'s sums in memory, which have room for all rows only
/// where parts of the columns need it.
Value TileKernel::getPlace(Value row) {
  return isInParts() ? k.sub(row, firstRow) : k.index(0);
}

/// Where the sums of row `i` and panel `j` are.
Value TileKernel::sumAddress(Value i, int64_t j) {
  int64_t lanes = k.isa.lanes;
  return k.add(k.mul(i, numPanels * lanes), j * lanes);
}

Values TileKernel::loadSums(Value buffer, Value i) {
  Values vectors;
  for (int64_t j = 0; j < numPanels; ++j)
    vectors.push_back(k.loadVector(buffer, sumAddress(i, j)));
  return vectors;
}

void TileKernel::overTiles(
    int64_t rowTiles, int64_t width,
    llvm::function_ref<void(int64_t, int64_t)> body) const {
  for (int64_t i = 0; i < rowTiles; ++i)
    for (int64_t j = 0; j < width; ++j)
      body(i, j);
}

/// The sums of a block, in tiles.
void TileKernel::emitProducts(Value row, int64_t rowTiles, Value block) {
  int64_t panelBytes = tileBytes;
  Tiles tiles{k};
  Value weights = k.address(isStoredAsTiles() ? panels : codes);
  overTiles(rowTiles, numPanels,
            [&](int64_t i, int64_t j) { tiles.zero(sumTile(i, j)); });
  Value rowBase =
      k.add(k.add(x, k.mul(row, prepared.pitch)), k.mul(block, blockColumns));
  Values weightBases;
  for (int64_t j = 0; j < numPanels; ++j) {
    // A word has four columns of an output; a line has those of 16.
    Value panel = isStoredAsTiles() ? k.add(firstPanel, j) : k.index(j);
    Value line = k.mul(k.add(k.mul(panel, numBlocks), block), paddedBlock / 4);
    weightBases.push_back(k.add(weights, k.mul(line, panelBytes)));
  }
  auto step = [&](Value number) {
    emitStep(number, rowBase, rowTiles, weightBases);
  };
  int64_t steps = paddedBlock / depth;
  if (steps <= fewSteps)
    for (int64_t i = 0; i < steps; ++i)
      step(k.index(i));
  else
    k.loop(k.index(0), k.index(steps), 1, step);
}

/// Adds the products of step `number`: a tile of columns.
void TileKernel::emitStep(Value number, Value rowBase, int64_t rowTiles,
                          ValueRange weightBases) {
  Tiles tiles{k};
  int64_t width = weightBases.size(), columnBytes = 4 / wordColumns,
          pitch = prepared.pitch * columnBytes;
  for (int64_t j = 0; j < width; ++j)
    tiles.load(weightsTile(j),
               k.add(weightBases[j], k.mul(number, getStepBytes())), tileBytes);
  for (int64_t i = 0; i < rowTiles; ++i)
    tiles.load(rowsTile(i),
               k.add(rowBase, k.add(k.mul(number, depth * columnBytes),
                                    k.index(i * tileRows * pitch))),
               pitch);
  overTiles(rowTiles, width, [&](int64_t i, int64_t j) {
    tiles.dot(sumTile(i, j), rowsTile(i), weightsTile(j),
              isPaired     ? "tdpbf16ps"
              : isSigned() ? "tdpbssd"
                           : "tdpbsud");
  });
}
