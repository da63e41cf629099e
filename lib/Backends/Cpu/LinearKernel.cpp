//===- LinearKernel.cpp - products with weights in panels -----------------===//
//
// A tile is some rows of x times some panels. Its sums stay in registers while
// it goes along the columns; integers of a block are multiplied as they are
// stored, and scale and zero point come once for all of the block:
//
//     sum x (q - z) s = s (sum x q - z sum x)
//
// Many rows make tiles that reuse what they load; one row makes a tile that
// reads several panels, so several streams, at a time. All of them do the same
// arithmetic in the same order.
//
//===----------------------------------------------------------------------===//

#include "LinearKernel.h"
#include "Codebook.h"
#include "DotSums.h"
#include "LinearResults.h"
#include "LinearScales.h"
#include "PanelReader.h"
#include "TileKernel.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::cpu;

namespace {
/// Panels of a strip of bf16 in AMX's tiles, for which rows of x come from
/// further away.
constexpr int64_t pairStripPanels = 8;
/// Those of integers that are stored as tiles.
constexpr int64_t byteStripPanels = 4;

/// How far ahead one row asks for integers: of a panel, and of each of several.
constexpr int64_t bytesAhead = 2048, bytesAheadOfEach = 1024;

/// How many rows and panels a tile has.
struct TileShape {
  int64_t rows, panels;
};

/// Tiles of many rows, of a few, and of one.
struct TileShapes {
  TileShape many{0, 2}, few{4, 4}, one{1, 4};

  /// Sums fill the registers, beside those of a block where there are blocks.
  /// One row makes as many as hide how long a sum takes.
  TileShapes(const LinearSpec &spec, const Isa &isa) {
    bool hasHalves = spec.integers && DotSums::usesHalves(isa, spec.layout);
    int64_t sums = isa.registers >= 32 ? 24 : 10;
    int64_t each = spec.layout.isDense() ? 1 : hasHalves ? 3 : 2;
    many.rows = sums / many.panels / each;
    // Some may wait in memory while those of 16 bits are added to.
    if (hasHalves && isa.dot == Dot::Avx2)
      many.rows = sums / 3;
    // Columns that are selected have registers, too.
    if (hasHalves ||
        (spec.integers && DotSums::selectsColumns(isa, spec.layout)))
      few.panels = 2;
    if (!hasHalves)
      one.panels = std::max<int64_t>(32 / isa.lanes, 4);
    // Without registers for vectors a panel's numbers are each an instruction.
    // Two of them are multiplied with each other where there is a gate.
    if (isa.registers == 0) {
      many = {2, 2};
      few = one = {1, 2};
    }
  }
};

class LinearEmitter {
public:
  LinearEmitter(func::FuncOp function, const LinearSpec &spec, const Isa &isa)
      : k(function, isa), spec(spec), layout(spec.layout), lanes(isa.lanes),
        shapes(spec, isa), arguments(function.getArguments()), results(k, spec),
        scales(k, spec) {
    rows = k.numOuter(arguments.front(), 1);
    x = k.flatten(take(), 1);
    rows = k.checked(rows, {{k.dim(x, 1), k.index(layout.columns)}});
    if (spec.norm)
      normScale = take();
    if (spec.norm.hasBias)
      normBias = take();
    if (spec.hasStep)
      step = k.load(k.flatten(take(), 0), k.index(0));
    if (spec.epilogue == Epilogue::Add)
      results.setAddend(take());
    panels = take();
    if (!layout.isDense())
      reader.emplace(k, layout, panels);
    if (!layout.isDense() && layout.hasScales)
      scales.scales = take();
    if (layout.rowScales)
      scales.rowScales = take();
    if (layout.hasZeros)
      scales.zeros = take();
    if (layout.isLookup())
      codebook = take();
    if (spec.hasBias)
      scales.bias = take();
    while (!arguments.empty())
      results.addOutput(take());
  }

  void emit() {
    prepared = emitPreparedRows(k, spec, x, rows, normScale, normBias, step);
    scales.prepared = prepared;
    int64_t numPanels = spec.getNumPanels();
    bool hasPairTiles = canUsePairTiles(spec, k.isa);
    int64_t width = hasPairTiles ? pairStripPanels : shapes.one.panels;
    int64_t strips = llvm::divideCeil(numPanels, width);
    int64_t left = numPanels % width;
    if (canUseTiles(spec, k.isa))
      tiles.emplace(k, spec, prepared, rows, panels);
    // Some rows after others, so that a thread has rows of x that it made, and
    // those of the result that it will read: other kernels share rows, too.
    Value parts = k.max(k.ceilDiv(rows, mostPartRows), k.index(1));
    int64_t step = tiles ? tileKernelRows : shapes.many.rows;
    Value partRows = k.mul(k.ceilDiv(k.ceilDiv(rows, parts), step), step);
    k.share(k.mul(parts, strips), [&](Value unit) {
      Value strip = k.rem(unit, strips), panel = k.mul(strip, width);
      Value begin = k.min(k.mul(k.div(unit, strips), partRows), rows),
            end = k.min(k.add(begin, partRows), rows);
      auto emitStrips = [&] {
        if (left == 0)
          return emitStrip(panel, width, begin, end);
        k.branch(
            k.isLess(strip, k.index(strips - 1)),
            [&] { emitStrip(panel, width, begin, end); },
            [&] { emitStrip(panel, left, begin, end); });
      };
      if (!tiles)
        return emitStrips();
      auto emitInTiles = [&] {
        auto emit = [&](int64_t together) {
          emitTileStrip(panel, width, together, begin, end);
        };
        if (layout.getNumBlocks() > 1 || !tiles->isStoredAsTiles())
          return emit(tileKernelPanels);
        // Many rows of x come from further away, for more panels in turns.
        k.branch(
            k.isLess(rows, k.index(2 * tileKernelRows)),
            [&] { emit(tileKernelPanels); },
            [&] { emit(hasPairTiles ? width : byteStripPanels); });
      };
      if (hasPairTiles)
        return emitInTiles();
      k.branch(k.isLess(rows, k.index(tiles->getFewestRows())), emitStrips,
               emitInTiles);
    });
    for (Value buffer : prepared.allocated)
      k.release(buffer);
    if (tiles)
      tiles->release();
    k.finish();
  }

private:
  Value take() {
    Value argument = arguments.front();
    arguments = arguments.drop_front();
    return argument;
  }

  //===--------------------------------------------------------------------===//
  // Tiles
  //===--------------------------------------------------------------------===//

  /// Rows of x from `row` to `last` times `count` panels from `panel` on.
  void emitStrip(Value panel, int64_t count, Value row, Value last) {
    for (TileShape shape : {shapes.many, shapes.few, shapes.one}) {
      Value left = k.sub(last, row);
      Value end = k.add(row, k.sub(left, k.rem(left, shape.rows)));
      k.loop(row, end, shape.rows, [&](Value row) {
        for (int64_t done = 0; done < count; done += shape.panels)
          emitTile(row, shape.rows, k.add(panel, done),
                   std::min(shape.panels, count - done));
      });
      row = end;
    }
  }

  /// Rows of x from `begin` to `end` times up to `count` panels in AMX's tiles,
  /// `width` panels at a time.
  void emitTileStrip(Value panel, int64_t count, int64_t width, Value begin,
                     Value end) {
    int64_t numPanels = spec.getNumPanels();
    Value last = k.min(k.add(panel, count), k.index(numPanels));
    k.loop(panel, last, width, [&](Value panel) {
      int64_t left = numPanels % width;
      if (left == 0)
        return emitTiles(panel, width, begin, end);
      k.branch(
          k.isLess(panel, k.index(numPanels - left)),
          [&] { emitTiles(panel, width, begin, end); },
          [&] { emitTiles(panel, left, begin, end); });
    });
  }

  void emitTiles(Value panel, int64_t count, Value begin, Value end) {
    SmallVector<LinearScales::OfBlock> blockScales(count);
    auto getTile = [&](Value row, int64_t j, int64_t width) -> Tile {
      return {row, k.add(panel, j), 1, width};
    };
    tiles->emit(panel, count, begin, end,
                {[&](int64_t j, Value block, bool isSigned,
                     TileSurroundings::Store store) {
                   decodeBlock(k.add(panel, j), block, isSigned, store);
                 },
                 [&] { return scales.begin(getTile({}, 0, count)); },
                 [&](int64_t j, Value block) {
                   if (!layout.rowScales)
                     blockScales[j] = scales.load(getTile({}, j, 1), block,
                                                  /*hasSigns=*/false);
                 },
                 [&](int64_t j, Value row, Value block, Value partial,
                     Value sum, bool isSigned) {
                   Tile tile = getTile(row, j, 1);
                   if (layout.rowScales)
                     return scales.addStep(tile, block, partial, sum)[0];
                   for (Value seed : scales.loadSeeds(tile, block, isSigned))
                     partial = k.add(partial, k.broadcast(seed));
                   return scales.add(tile, block, blockScales[j], partial,
                                     sum)[0];
                 },
                 [&](Value row, ValueRange sums) {
                   tile = getTile(row, 0, count);
                   emitResults(sums);
                 }});
  }

  /// Hands on the codes of a block, four columns of each output at a time.
  void decodeBlock(Value panel, Value block, bool isSigned,
                   TileSurroundings::Store store) {
    std::optional<LinearScales::ByteMultiples> multiples;
    if (layout.rowScales)
      multiples = scales.loadBytes(panel, block);
    int64_t chunk = layout.getChunk();
    k.loop(k.index(0), k.index(layout.getStoredBlock() / chunk), 1,
           [&](Value index) {
             Values lines = reader->load(panel, block, k.mul(index, chunk));
             for (int64_t quad = 0; quad < chunk / 4; ++quad) {
               Value codes =
                   reader->decodeQuad(lines, quad, isSigned && !multiples);
               if (multiples)
                 codes = scales.multiply(codes, *multiples);
               store(k.add(k.mul(index, chunk / 4), quad), codes);
             }
           });
  }

  /// Sums of row i and panel j are at `i * numPanels + j`.
  void emitTile(Value row, int64_t numRows, Value panel, int64_t numPanels) {
    tile = {row, panel, numRows, numPanels};
    if (spec.integers && DotSums::readsAlone(k.isa, layout, numRows))
      return emitPanelsAlone();
    Values sums = scales.begin(tile);
    tables.clear();
    if (codebook)
      for (int64_t j = 0; j < numPanels; ++j)
        tables.push_back(CodebookReader(k, layout, codebook)
                             .load(k.add(tile.firstPanel, j)));
    sums = layout.isDense() ? emitDense(sums) : emitBlocks(sums);
    emitResults(sums);
  }

  /// The tile, one panel after the other.
  void emitPanelsAlone() {
    Value panel = tile.firstPanel;
    int64_t count = std::exchange(tile.panels, 1);
    Values all(tile.rows * count);
    for (int64_t j = 0; j < count; ++j) {
      tile.firstPanel = k.add(panel, j);
      for (auto [i, sum] : llvm::enumerate(emitBlocks(scales.begin(tile))))
        all[i * count + j] = sum;
    }
    tile.firstPanel = panel;
    tile.panels = count;
    emitResults(all);
  }

  /// The address of column 0 of row `i` of the tile in `prepared.values`.
  Value rowAddress(int64_t i) {
    int64_t pitch = prepared.pitch / (spec.integers             ? 4
                                      : readsPairs(spec, k.isa) ? 2
                                                                : 1);
    return k.mul(k.add(tile.firstRow, i), pitch);
  }
  Value columnAddress(int64_t i, Value block, Value column) {
    column = k.add(k.mul(block, layout.getStoredBlock()), column);
    return k.add(rowAddress(i), spec.integers ? k.div(column, 4) : column);
  }

  /// Weights of bf16, two columns at a time.
  Values emitPairs(ValueRange sums) {
    bool isPaired = readsPairs(spec, k.isa);
    auto type = VectorType::get({2 * lanes}, k.b.getBF16Type());
    auto floats = k.vectorOf(k.f32());
    return k.carry(
        k.index(0), k.index(layout.getStoredColumns() / 2), 1, sums,
        [&](Value pair, ValueRange carried) {
          // The columns of each panel: both, or one after the other.
          std::array<Values, 2> weights;
          Values next(carried);
          for (int64_t j = 0; j < tile.panels; ++j) {
            Value both = vector::LoadOp::create(
                k.b, k.loc, type, panels,
                ValueRange{k.add(tile.firstPanel, j), pair, k.index(0)});
            if (isPaired) {
              weights[0].push_back(both);
              continue;
            }
            Value words = k.bitcast(both, k.vectorOf(k.i32()));
            Value even = arith::ShLIOp::create(k.b, k.loc, words,
                                               k.constant(words.getType(), 16));
            Value odd = arith::AndIOp::create(
                k.b, k.loc, words, k.constant(words.getType(), -65536));
            weights[0].push_back(k.bitcast(even, floats));
            weights[1].push_back(k.bitcast(odd, floats));
          }
          for (int64_t i = 0; i < tile.rows; ++i) {
            if (isPaired) {
              Value word = k.load(prepared.values, k.add(rowAddress(i), pair));
              for (int64_t j = 0; j < tile.panels; ++j)
                next[at(i, j)] =
                    emitPairDot(k, next[at(i, j)], weights[0][j], word);
              continue;
            }
            Value address = k.add(rowAddress(i), k.mul(pair, 2));
            for (int64_t step = 0; step < 2; ++step) {
              Value value =
                  k.broadcast(k.load(prepared.values, k.add(address, step)));
              for (int64_t j = 0; j < tile.panels; ++j)
                next[at(i, j)] = k.fma(value, weights[step][j], next[at(i, j)]);
            }
          }
          return next;
        });
  }

  Values emitDense(ValueRange sums) {
    if (layout.isPaired())
      return emitPairs(sums);
    return k.carry(
        k.index(0), k.index(layout.columns), 1, sums,
        [&](Value column, ValueRange carried) {
          Values weights, next(carried);
          for (int64_t j = 0; j < tile.panels; ++j)
            weights.push_back(k.widen(k.loadVector(
                panels, {k.add(tile.firstPanel, j), column, k.index(0)})));
          for (int64_t i = 0; i < tile.rows; ++i) {
            Value value = k.broadcast(
                k.load(prepared.values, k.add(rowAddress(i), column)));
            for (int64_t j = 0; j < tile.panels; ++j)
              next[at(i, j)] = k.fma(value, weights[j], carried[at(i, j)]);
          }
          return next;
        });
  }

  Values emitBlocks(ValueRange sums) {
    if (layout.rowScales)
      return emitSteps(sums);
    return k.carry(k.index(0), k.index(layout.getNumBlocks()), 1, sums,
                   [&](Value block, ValueRange carried) {
                     Values partial =
                         spec.integers ? sumIntegers(block) : sumFloats(block);
                     if (codebook)
                       return scales.addLookups(tile, block, partial, carried);
                     return scales.add(tile, block,
                                       scales.load(tile, block, hasSigns),
                                       partial, carried);
                   });
  }

  /// The blocks that share a step of x after one another: their sums are
  /// integers.
  Values emitSteps(ValueRange sums) {
    int64_t blocks = layout.getNumBlocks(), ofStep = spec.getBlocksOfStep();
    Values zeros(sums.size(), k.constant(k.vectorOf(k.i32()), 0));
    return k.carry(
        k.index(0), k.index(spec.getNumSteps()), 1, sums,
        [&](Value step, ValueRange carried) {
          Value begin = k.mul(step, ofStep), end = k.add(begin, ofStep);
          if (blocks % ofStep != 0)
            end = k.min(end, k.index(blocks));
          Values words =
              k.carry(begin, end, 1, zeros, [&](Value block, ValueRange words) {
                return scales.addMultiples(tile, block, sumIntegers(block),
                                           words);
              });
          return scales.addStep(tile, step, words, carried);
        });
  }

  /// Whether products take the columns of x that a sparse weight keeps.
  bool selectsColumns() const {
    return spec.integers ? DotSums::selectsColumns(k.isa, layout)
                         : selectsFloats(layout, k.isa);
  }

  Values sumFloats(Value block) {
    hasSigns = selectsColumns();
    Values zeros(tile.rows * tile.panels, k.constant(k.vectorOf(k.f32()), 0));
    return k.carry(
        k.index(0), k.index(layout.getStoredBlock()), layout.getChunk(), zeros,
        [&](Value column, ValueRange carried) {
          Values next(carried), addresses;
          SmallVector<Values> lines;
          for (int64_t j = 0; j < tile.panels; ++j)
            lines.push_back(reader->load(k.add(tile.firstPanel, j), block,
                                         column, getLinesAhead()));
          for (int64_t i = 0; i < tile.rows; ++i)
            addresses.push_back(columnAddress(i, block, column));
          if (selectsColumns()) {
            for (int64_t first = 0; first < layout.getChunk(); first += lanes)
              addWindow(first, lines, addresses, next);
            return next;
          }
          for (int64_t step = 0; step < layout.getChunk(); ++step) {
            Values codes;
            for (int64_t j = 0; j < tile.panels; ++j)
              codes.push_back(decodeColumn(lines[j], j, step));
            for (int64_t i = 0; i < tile.rows; ++i) {
              Value value = k.broadcast(
                  k.load(prepared.values, k.add(addresses[i], step)));
              for (int64_t j = 0; j < tile.panels; ++j)
                next[at(i, j)] = k.fma(value, codes[j], next[at(i, j)]);
            }
          }
          return next;
        });
  }

  /// The columns of a chunk from `first` on that a vector of x has.
  void addWindow(int64_t first, ArrayRef<Values> lines, ValueRange addresses,
                 Values &sums) {
    Values windows;
    for (int64_t i = 0; i < tile.rows; ++i)
      windows.push_back(
          k.loadVector(prepared.values, k.add(addresses[i], first)));
    for (int64_t index = first / 2; index < (first + lanes) / 2; ++index)
      for (int64_t j = 0; j < tile.panels; ++j) {
        Value weights = k.toFloat(reader->decodeKept(lines[j], index));
        Value places = reader->decodePlace(lines[j], index, lanes);
        for (int64_t i = 0; i < tile.rows; ++i)
          sums[at(i, j)] =
              k.fma(k.selectLanes(windows[i], places), weights, sums[at(i, j)]);
      }
  }

  /// Without zero points, sums begin with what the middle takes off, which
  /// weights with sign have not.
  Values sumIntegers(Value block) {
    DotSums sums(k, layout, tile.rows, tile.panels);
    hasSigns = sums.hasSigns();
    Values seeds = scales.loadSeeds(tile, block, hasSigns);
    Columns columns(*this, block, sums.getStep());
    return sums.emitBlock(seeds, columns);
  }

  /// Integers of a block for the rows and panels of the tile.
  struct Columns : DotSource {
    Columns(LinearEmitter &emitter, Value block, int64_t step)
        : emitter(emitter), k(emitter.k), block(block), step(step) {}

    void open(Value column) override {
      const PanelLayout &layout = emitter.layout;
      lines.clear();
      for (int64_t j = 0; j < emitter.tile.panels; ++j)
        for (int64_t done = 0; done < step; done += layout.getChunk())
          lines.push_back(emitter.reader->load(
              k.add(emitter.tile.firstPanel, j), block, k.add(column, done),
              emitter.getLinesAhead()));
      addresses.clear();
      words.clear();
      for (int64_t i = 0; i < emitter.tile.rows; ++i) {
        addresses.push_back(emitter.columnAddress(i, block, column));
        if (k.isa.multipliesByLane())
          words.push_back(loadWords(addresses[i]));
      }
    }
    Value weights(int64_t panel, int64_t quad) override {
      const PanelLayout &layout = emitter.layout;
      if (DotSums::selectsColumns(k.isa, layout))
        return emitter.reader->decodeKeptQuad(
            lines[panel], quad, DotSums::scalesKept(k.isa, layout));
      return emitter.reader->decodeQuad(linesOf(panel, quad), quad % getQuads(),
                                        emitter.hasSigns);
    }
    Value weightsInPlace(int64_t panel, int64_t quad) override {
      return emitter.reader->decodeQuadInPlace(linesOf(panel, quad),
                                               quad % getQuads());
    }
    Value word(int64_t row, int64_t quad) override {
      return words.empty()
                 ? k.load(emitter.prepared.values, k.add(addresses[row], quad))
                 : words[row][quad];
    }
    Value places(int64_t panel, int64_t quad) override {
      return emitter.reader->decodePlaceQuad(lines[panel], quad);
    }
    Value window(int64_t row, int64_t index) override {
      Value loaded = vector::LoadOp::create(
          k.b, k.loc, VectorType::get({4}, k.i32()), emitter.prepared.values,
          k.add(addresses[row], 4 * index));
      SmallVector<int64_t> copies;
      for (int64_t lane = 0; lane < emitter.lanes; ++lane)
        copies.push_back(lane % 4);
      Value all = vector::ShuffleOp::create(k.b, k.loc, loaded, loaded, copies);
      return k.bitcast(all, VectorType::get({4 * emitter.lanes}, k.i8()));
    }

  private:
    int64_t getQuads() const { return emitter.layout.getChunk() / 4; }
    /// The chunk of a panel that has a quad.
    const Values &linesOf(int64_t panel, int64_t quad) const {
      return lines[(panel * step / 4 + quad) / getQuads()];
    }
    /// Those of a step, a register at a time.
    Values loadWords(Value address) {
      Values result;
      int64_t size = std::min<int64_t>(step / 4, 4);
      auto type = VectorType::get({size}, k.i32());
      for (int64_t first = 0; first < step / 4; first += size) {
        Value loaded = vector::LoadOp::create(
            k.b, k.loc, type, emitter.prepared.values, k.add(address, first));
        for (int64_t i = 0; i < size; ++i)
          result.push_back(vector::ExtractOp::create(k.b, k.loc, loaded, i));
      }
      return result;
    }

    LinearEmitter &emitter;
    KernelBuilder &k;
    Value block;
    int64_t step;
    SmallVector<Values> lines; ///< of the chunks of a panel, then of the next
    Values addresses;          ///< of the words of each row
    SmallVector<Values> words; ///< of each row, if they are read together
  };

  /// How many lines ahead of its reads a row asks for those of a panel. Several
  /// rows read most of them from caches.
  int64_t getLinesAhead() const {
    if (!k.isa.needsPrefetch || tile.rows > 1)
      return 0;
    return (tile.panels == 1 ? bytesAhead : bytesAheadOfEach) / (4 * lanes);
  }

  int64_t at(int64_t row, int64_t panel) const {
    return row * tile.panels + panel;
  }

  /// One column of each row of panel `j` of the tile, as floats.
  Value decodeColumn(ValueRange lines, int64_t j, int64_t column) {
    Value code = reader->decodeColumn(lines, column);
    return codebook
               ? CodebookReader(k, layout, codebook).lookup(tables[j], code)
               : k.toFloat(code);
  }

  void emitResults(ValueRange sums) {
    results.emit(layout.rowScales ? scales.finish(tile, sums) : Values(sums),
                 tile);
  }

  KernelBuilder k;
  const LinearSpec &spec;
  const PanelLayout &layout;
  int64_t lanes;
  TileShapes shapes;
  ValueRange arguments;
  LinearResults results;
  LinearScales scales;
  Value x, normScale, normBias, step, panels, codebook, rows;
  std::optional<PanelReader> reader; ///< of integers
  PreparedRows prepared;
  std::optional<TileKernel> tiles; ///< where the processor has them
  Tile tile;                       ///< that is being emitted
  bool hasSigns = false;           ///< its weights are read less the middle
  SmallVector<Values> tables;      ///< of its panels; see CodebookReader
};
} // namespace

void llmc::cpu::emitLinear(func::FuncOp function, const LinearSpec &spec,
                           const Isa &isa) {
  LinearEmitter(function, spec, isa).emit();
}
