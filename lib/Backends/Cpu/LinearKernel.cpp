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
#include "TileKernel.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::cpu;

namespace {

/// Panels that one iteration of the parallel loop computes.
constexpr int64_t stripPanels = 4;
/// Panels of a tile of many rows.
constexpr int64_t tilePanels = 2;
/// Rows of the tile that a few rows make.
constexpr int64_t fewRows = 4;

/// Rows whose sums fill the registers, beside those of a block where there are
/// blocks.
int64_t getTileRows(const LinearSpec &spec, const Isa &isa) {
  int64_t sums = isa.registers >= 32 ? 24 : 10;
  return sums / tilePanels / (spec.layout.isDense() ? 1 : 2);
}

class LinearEmitter {
public:
  LinearEmitter(func::FuncOp function, const LinearSpec &spec, const Isa &isa)
      : k(function, isa), spec(spec), layout(spec.layout), lanes(isa.lanes),
        manyRows(getTileRows(spec, isa)), arguments(function.getArguments()) {
    rows = k.numOuter(arguments.front(), 1);
    x = k.flatten(take(), 1);
    if (spec.norm)
      normScale = take();
    if (spec.norm.hasBias)
      normBias = take();
    if (spec.epilogue == Epilogue::Add)
      addend = flat(take());
    panels = take();
    if (!layout.isDense())
      panels = k.view(panels, k.i32(), k.div(k.dim(panels, 0), 4));
    if (!layout.isDense() && layout.hasScales)
      scales = take();
    if (layout.hasZeros)
      zeros = take();
    if (layout.isLookup())
      codebook = take();
    if (spec.hasBias)
      bias = take();
    while (!arguments.empty())
      outputs.push_back(flat(take()));
  }

  void emit() {
    prepared = emitPreparedRows(k, spec, x, rows, normScale, normBias);
    int64_t numPanels = spec.getNumPanels();
    int64_t strips = llvm::divideCeil(numPanels, stripPanels);
    int64_t left = numPanels % stripPanels;
    if (canUseTiles(spec, k.isa))
      tiles.emplace(k, spec, prepared, rows, panels);
    k.parallel(k.index(strips), [&](Value strip) {
      Value panel = k.mul(strip, stripPanels);
      auto emitStrips = [&] {
        if (left == 0)
          return emitStrip(panel, stripPanels);
        k.branch(
            k.isLess(strip, k.index(strips - 1)),
            [&] { emitStrip(panel, stripPanels); },
            [&] { emitStrip(panel, left); });
      };
      if (!tiles)
        return emitStrips();
      k.branch(k.isLess(rows, k.index(tiles->getFewestRows())), emitStrips,
               [&] { emitTileStrip(panel); });
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

  /// In one dimension of a dynamic size, so that all outputs have one type.
  Value flat(Value buffer) {
    buffer = k.flatten(buffer, 0);
    Type element = cast<MemRefType>(buffer.getType()).getElementType();
    auto type = MemRefType::get({ShapedType::kDynamic}, element);
    return k.b.createOrFold<memref::CastOp>(k.loc, type, buffer);
  }

  //===--------------------------------------------------------------------===//
  // Tiles
  //===--------------------------------------------------------------------===//

  /// All rows of x times `count` panels from `panel` on.
  void emitStrip(Value panel, int64_t count) {
    Value row = k.index(0);
    auto over = [&](int64_t tileRows, llvm::function_ref<void(Value)> body) {
      Value left = k.sub(rows, row);
      Value end = k.add(row, k.sub(left, k.rem(left, tileRows)));
      k.loop(row, end, tileRows, body);
      row = end;
    };
    over(manyRows, [&](Value row) {
      for (int64_t done = 0; done < count; done += tilePanels)
        emitTile(row, manyRows, k.add(panel, done),
                 std::min(tilePanels, count - done));
    });
    over(fewRows, [&](Value row) { emitTile(row, fewRows, panel, count); });
    over(1, [&](Value row) { emitTile(row, 1, panel, count); });
  }

  /// The same in AMX's tiles. Its instructions are in a loop, as OpenMP's
  /// lowering takes a call outside of one for an allocation on the stack.
  void emitTileStrip(Value panel) {
    int64_t numPanels = spec.getNumPanels();
    Value end = k.min(k.add(panel, stripPanels), k.index(numPanels));
    k.loop(panel, end, tileKernelPanels, [&](Value panel) {
      int64_t left = numPanels % tileKernelPanels;
      if (left == 0)
        return emitTiles(panel, tileKernelPanels);
      k.branch(
          k.isLess(panel, k.index(numPanels - left)),
          [&] { emitTiles(panel, tileKernelPanels); },
          [&] { emitTiles(panel, left); });
    });
  }

  void emitTiles(Value panel, int64_t count) {
    tileRows = 1;
    tilePanelCount = count;
    firstPanel = panel;
    BlockScales blockScales;
    tiles->emit(
        panel, count,
        {[&](int64_t j, Value block, Value chunk) {
           Values lines = loadLines(k.add(panel, j), block, chunk), quads;
           for (int64_t quad = 0; quad < layout.getChunk() / 4; ++quad)
             quads.push_back(decodeQuad(lines, quad));
           return quads;
         },
         [&] { return createSums(); },
         [&](Value block) { blockScales = loadScales(block); },
         [&](Value row, Value block, ValueRange partial, ValueRange sums) {
           firstRow = row;
           Values next;
           for (auto [made, begun] : llvm::zip(partial, createPartial(block)))
             next.push_back(k.add(made, begun));
           return emitScaled(block, blockScales, next, sums);
         },
         [&](Value row, ValueRange sums) {
           firstRow = row;
           emitResults(sums);
         }});
  }

  /// Sums of row i and panel j are at `i * numPanels + j`.
  void emitTile(Value row, int64_t numRows, Value panel, int64_t numPanels) {
    tileRows = numRows;
    tilePanelCount = numPanels;
    firstPanel = panel;
    firstRow = row;
    Values sums = createSums();
    tables.clear();
    if (codebook)
      for (int64_t j = 0; j < numPanels; ++j)
        tables.push_back(
            CodebookReader(k, layout, codebook).load(k.add(firstPanel, j)));
    sums = layout.isDense() ? emitDense(sums) : emitBlocks(sums);
    emitResults(sums);
  }

  /// What the sums of the tile begin with.
  Values createSums() {
    Values sums;
    for (int64_t i = 0; i < tileRows; ++i)
      for (int64_t j = 0; j < tilePanelCount; ++j)
        sums.push_back(
            bias ? k.loadVector(bias, k.mul(k.add(firstPanel, j), lanes))
                 : k.constant(k.vectorOf(k.f32()), 0));
    return sums;
  }

  /// The address of column 0 of row `i` of the tile in `prepared.values`.
  Value rowAddress(int64_t i) {
    int64_t pitch = prepared.pitch / (spec.integers ? 4 : 1);
    return k.mul(k.add(firstRow, i), pitch);
  }

  Values emitDense(ValueRange sums) {
    return k.carry(
        k.index(0), k.index(layout.columns), 1, sums,
        [&](Value column, ValueRange carried) {
          Values weights, next(carried);
          for (int64_t j = 0; j < tilePanelCount; ++j)
            weights.push_back(k.widen(k.loadVector(
                panels, {k.add(firstPanel, j), column, k.index(0)})));
          for (int64_t i = 0; i < tileRows; ++i) {
            Value value = k.broadcast(
                k.load(prepared.values, k.add(rowAddress(i), column)));
            for (int64_t j = 0; j < tilePanelCount; ++j)
              next[at(i, j)] = k.fma(value, weights[j], carried[at(i, j)]);
          }
          return next;
        });
  }

  Values emitBlocks(ValueRange sums) {
    return k.carry(
        k.index(0), k.index(layout.getNumBlocks()), 1, sums,
        [&](Value block, ValueRange carried) {
          Values partial = createPartial(block);
          partial = k.carry(
              k.index(0), k.index(layout.getStoredBlock() / layout.getChunk()),
              1, partial, [&](Value chunk, ValueRange carried) {
                return emitChunk(block, chunk, carried);
              });
          if (codebook)
            return emitScaledLookups(block, partial, carried);
          return emitScaled(block, loadScales(block), partial, carried);
        });
  }

  /// What the sums of a block begin with: integers with what the zero points
  /// take off, if all are the same.
  Values createPartial(Value block) {
    if (!spec.integers || zeros)
      return Values(
          tileRows * tilePanelCount,
          k.constant(k.vectorOf(spec.integers ? k.i32() : k.f32()), 0));
    Values partial;
    for (int64_t i = 0; i < tileRows; ++i)
      partial.append(
          tilePanelCount,
          k.broadcast(k.load(prepared.sums, blockAddress(i, block))));
    return partial;
  }

  /// Where numbers of a block of row `i` of the tile are.
  Value blockAddress(int64_t i, Value block) {
    return k.add(k.mul(k.add(firstRow, i), layout.getNumBlocks()), block);
  }

  /// Adds the products of one chunk.
  Values emitChunk(Value block, Value chunk, ValueRange sums) {
    int64_t size = layout.getChunk();
    SmallVector<Values> lines;
    for (int64_t j = 0; j < tilePanelCount; ++j)
      lines.push_back(loadLines(k.add(firstPanel, j), block, chunk));
    Value column =
        k.add(k.mul(block, layout.getStoredBlock()), k.mul(chunk, size));
    Values next(sums), addresses;
    Value word = spec.integers ? k.div(column, 4) : column;
    for (int64_t i = 0; i < tileRows; ++i)
      addresses.push_back(k.add(rowAddress(i), word));
    for (int64_t quad = 0; quad < size / 4; ++quad) {
      if (spec.integers) {
        Values codes;
        for (const Values &panel : lines)
          codes.push_back(decodeQuad(panel, quad));
        for (int64_t i = 0; i < tileRows; ++i) {
          Value value = k.load(prepared.values, k.add(addresses[i], quad));
          for (int64_t j = 0; j < tilePanelCount; ++j)
            next[at(i, j)] =
                emitDot(k, next[at(i, j)], codes[j], value, layout.bits);
        }
        continue;
      }
      for (int64_t step = 0; step < 4; ++step) {
        Values codes;
        for (int64_t j = 0; j < tilePanelCount; ++j)
          codes.push_back(decodeColumn(lines[j], j, 4 * quad + step));
        for (int64_t i = 0; i < tileRows; ++i) {
          Value value = k.broadcast(
              k.load(prepared.values, k.add(addresses[i], 4 * quad + step)));
          for (int64_t j = 0; j < tilePanelCount; ++j)
            next[at(i, j)] = k.fma(value, codes[j], next[at(i, j)]);
        }
      }
    }
    return next;
  }

  int64_t at(int64_t row, int64_t panel) const {
    return row * tilePanelCount + panel;
  }

  /// `sums` plus the scaled sums of a block, whose numbers are what they are.
  Values emitScaledLookups(Value block, ValueRange partial, ValueRange sums) {
    Values next(sums);
    for (int64_t j = 0; j < tilePanelCount; ++j) {
      Values position{k.add(firstPanel, j), block, k.index(0)};
      Value steps = scales ? k.widen(k.loadVector(scales, position)) : Value();
      for (int64_t i = 0; i < tileRows; ++i) {
        Value value = partial[at(i, j)], sum = sums[at(i, j)];
        next[at(i, j)] = steps ? k.fma(value, steps, sum) : k.addF(value, sum);
      }
    }
    return next;
  }

  /// What the sums of a block of integers are multiplied with.
  struct BlockScales {
    Values steps, offsets; ///< of each panel; the latter unless they are seeded
  };

  /// Whether integer sums begin with what the zero points take off.
  bool isSeeded() const { return spec.integers && !zeros; }

  BlockScales loadScales(Value block) {
    BlockScales result;
    for (int64_t j = 0; j < tilePanelCount; ++j) {
      Values position{k.add(firstPanel, j), block, k.index(0)};
      result.steps.push_back(k.widen(k.loadVector(scales, position)));
      if (isSeeded())
        continue;
      Value offset = zeros
                         ? k.widen(k.loadVector(zeros, position))
                         : k.constant(k.vectorOf(k.f32()),
                                      double(int64_t(1) << (layout.bits - 1)));
      result.offsets.push_back(arith::NegFOp::create(k.b, k.loc, offset));
    }
    return result;
  }

  /// `sums` plus the scaled sums of a block of integers.
  Values emitScaled(Value block, const BlockScales &by, ValueRange partial,
                    ValueRange sums) {
    Values next(sums);
    for (int64_t i = 0; i < tileRows; ++i) {
      Value address = blockAddress(i, block), sum, step;
      if (!isSeeded())
        sum = k.broadcast(k.load(prepared.sums, address));
      if (spec.integers)
        step = k.broadcast(k.load(prepared.steps, address));
      for (int64_t j = 0; j < tilePanelCount; ++j) {
        Value value = partial[at(i, j)];
        if (spec.integers)
          value = k.toFloat(value);
        if (sum)
          value = k.fma(by.offsets[j], sum, value);
        if (step)
          value = k.mulF(value, step);
        next[at(i, j)] = k.fma(value, by.steps[j], sums[at(i, j)]);
      }
    }
    return next;
  }

  //===--------------------------------------------------------------------===//
  // Integers; see PanelLayout.h
  //===--------------------------------------------------------------------===//

  /// The lines of a chunk.
  Values loadLines(Value panel, Value block, Value chunk) {
    int64_t chunksPerBlock = layout.getStoredBlock() / layout.getChunk();
    Value address = k.mul(panel, layout.getPanelElements());
    address = k.add(address, k.mul(k.add(k.mul(block, chunksPerBlock), chunk),
                                   layout.getChunkLines() * lanes));
    Values lines;
    for (int64_t i = 0; i < layout.getChunkLines(); ++i)
      lines.push_back(k.loadVector(panels, k.add(address, i * lanes)));
    return lines;
  }

  /// Puts the bits of every plane in their places; `field` tells where a
  /// plane has them: line, shift and mask.
  Value
  decode(ValueRange lines,
         llvm::function_ref<std::array<int64_t, 3>(const Plane &)> field) {
    Value code;
    int64_t firstLine = 0;
    for (const Plane &plane : layout.getPlanes()) {
      auto [line, shift, mask] = field(plane);
      Value part = lines[firstLine + line];
      // The highest field has nothing above it.
      part =
          shift == 32 - plane.bits && mask < 256
              ? arith::ShRUIOp::create(
                    k.b, k.loc, part, k.constant(part.getType(), double(shift)))
              : k.bits(part, shift, mask);
      if (plane.offset != 0)
        part = arith::ShLIOp::create(
            k.b, k.loc, part, k.constant(part.getType(), double(plane.offset)));
      code = code ? arith::OrIOp::create(k.b, k.loc, code, part).getResult()
                  : part;
      firstLine += layout.getChunk() / plane.getColumnsPerLine();
    }
    return code;
  }

  /// Four columns of each row, in bytes.
  Value decodeQuad(ValueRange lines, int64_t quad) {
    Value words = decode(lines, [&](const Plane &plane) {
      int64_t fields = 8 / plane.bits, mask = (1 << plane.bits) - 1;
      return std::array<int64_t, 3>{quad / fields, quad % fields * plane.bits,
                                    mask * 0x01010101};
    });
    return k.bitcast(words, VectorType::get({4 * lanes}, k.i8()));
  }

  /// One column of each row of panel `j` of the tile, as floats.
  Value decodeColumn(ValueRange lines, int64_t j, int64_t column) {
    Value code = decode(lines, [&](const Plane &plane) {
      int64_t fields = 8 / plane.bits, quad = column / 4;
      return std::array<int64_t, 3>{
          quad / fields, 8 * (column % 4) + quad % fields * plane.bits,
          (1 << plane.bits) - 1};
    });
    return codebook
               ? CodebookReader(k, layout, codebook).lookup(tables[j], code)
               : k.toFloat(code);
  }

  //===--------------------------------------------------------------------===//
  // Results
  //===--------------------------------------------------------------------===//

  void emitResults(ValueRange sums) {
    int64_t group = spec.isGated() ? 2 : 1;
    for (int64_t j = 0; j < tilePanelCount; j += group) {
      Place place = findPlace(k.add(firstPanel, j));
      for (int64_t i = 0; i < tileRows; ++i) {
        Value value = emitActivation(k, spec.activation, sums[at(i, j)]);
        if (spec.isGated())
          value = k.mulF(value, sums[at(i, j + 1)]);
        Value address =
            k.add(k.mul(k.add(firstRow, i), place.width), place.column);
        if (addend)
          value = k.addF(k.loadVector(addend, address, place.mask), value);
        Type element =
            cast<MemRefType>(place.output.getType()).getElementType();
        k.storeVector(k.narrow(value, element), place.output, address,
                      place.mask);
      }
    }
  }

  /// Where the outputs of a panel are stored.
  struct Place {
    Value output, width, column, mask;
  };

  Place findPlace(Value panel) {
    if (spec.isGated())
      panel = k.div(panel, 2);
    Place place{outputs[0], k.index(spec.rows[0]), panel, {}};
    bool isWhole = spec.rows[0] % lanes == 0;
    int64_t first = 0;
    for (size_t i = 1; i < outputs.size(); ++i) {
      first += layout.getNumPanels(spec.rows[i - 1]);
      Value isBefore = k.isLess(panel, k.index(first));
      auto select = [&](Value &before, Value after) {
        before = arith::SelectOp::create(k.b, k.loc, isBefore, before, after);
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

  KernelBuilder k;
  const LinearSpec &spec;
  const PanelLayout &layout;
  int64_t lanes, manyRows;
  ValueRange arguments;
  Value x, normScale, normBias, addend, panels, scales, zeros, codebook, bias,
      rows;
  Values outputs;
  PreparedRows prepared;
  std::optional<TileKernel> tiles; ///< where the processor has them
  // The tile that is being emitted.
  int64_t tileRows = 0, tilePanelCount = 0;
  Value firstPanel, firstRow;
  SmallVector<Values> tables; ///< of its panels; see CodebookReader
};
} // namespace

void llmc::cpu::emitLinear(func::FuncOp function, const LinearSpec &spec,
                           const Isa &isa) {
  LinearEmitter(function, spec, isa).emit();
}
