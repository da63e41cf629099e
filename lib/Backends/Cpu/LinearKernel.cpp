//===- LinearKernel.cpp - products with weights in panels -----------------===//
//
// A panel gives `width` outputs, two vectors, of every row of x. Few rows read
// the panel as it is stored and take the numbers apart in registers. Many rows
// share that work: a stretch of the panel is decoded into a scratch buffer that
// stays in the second-level cache, and rows go over it in tiles whose sums fill
// the registers. Dense panels need no decoding, and are their own scratch.
//
//===----------------------------------------------------------------------===//

#include "LinearKernel.h"
#include "KernelEmitter.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::cpu;

namespace {

/// Rows of x whose sums fill the registers: 8 x 2 of 32 vectors.
constexpr int64_t tileRows = 8;
/// Up to so many rows, decoding in registers costs less than the scratch.
constexpr int64_t fewRows = 4;
/// Columns that are decoded at a time: 64 KB of floats for 32 outputs.
constexpr int64_t scratchColumns = 512;

class LinearEmitter : KernelEmitter {
public:
  LinearEmitter(func::FuncOp function, const PanelLayout &layout, bool hasBias)
      : KernelEmitter(function, layout), lanes(layout.width / 2),
        f32(b.getF32Type()), vector(VectorType::get({lanes}, f32)) {
    x = flatten(takeArgument(), 1);
    if (hasBias)
      bias = takeArgument();
    takeWeight();
    y = flatten(takeArgument(), 1);
    rows = memref::DimOp::create(b, loc, x, 0);
  }

  void emit() {
    Value few;
    if (layout.bits != 0) {
      scratch = memref::AllocaOp::create(
          b, loc, MemRefType::get({getChunk(), layout.width}, f32),
          b.getI64IntegerAttr(64));
      few = arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sle, rows,
                                  index(fewRows));
    }
    loop(index(0), index(layout.getNumPanels()), 1, [&](Value panel) {
      if (layout.bits == 0)
        return emitRows(tileRows, [&](int64_t count, Value row) {
          emitDenseTile(panel, panels, panel, index(0), index(layout.columns),
                        index(0), count, row);
        });
      auto branch = scf::IfOp::create(b, loc, few, /*withElseRegion=*/true);
      OpBuilder::InsertionGuard guard(b);
      b.setInsertionPointToStart(branch.thenBlock());
      emitRows(fewRows, [&](int64_t count, Value row) {
        emitPackedTile(panel, count, row);
      });
      b.setInsertionPointToStart(branch.elseBlock());
      emitThroughScratch(panel);
    });
    func::ReturnOp::create(b, loc);
  }

private:
  //===--------------------------------------------------------------------===//
  // Small things
  //===--------------------------------------------------------------------===//

  Value fma(Value left, Value right, Value sum) {
    return vector::FMAOp::create(b, loc, left, right, sum);
  }
  Value splat(double value) {
    return arith::ConstantOp::create(
        b, loc,
        DenseElementsAttr::get(vector, b.getF32FloatAttr(float(value))));
  }
  Value broadcast(Value scalar) {
    return vector::BroadcastOp::create(b, loc, vector, scalar);
  }

  /// `body` for tiles of `count` rows, and for each row that is left.
  void emitRows(int64_t count, llvm::function_ref<void(int64_t, Value)> body) {
    Value whole = arith::SubIOp::create(
        b, loc, rows, arith::RemUIOp::create(b, loc, rows, index(count)));
    loop(index(0), whole, count, [&](Value row) { body(count, row); });
    loop(whole, rows, 1, [&](Value row) { body(1, row); });
  }

  //===--------------------------------------------------------------------===//
  // Sums
  //===--------------------------------------------------------------------===//

  /// The first output of half `side` of `panel`.
  Value output(Value panel, int64_t side) {
    return add(mul(panel, layout.width), index(side * lanes));
  }

  /// Lanes that are outputs; null where all are.
  Value createMask(Value column) {
    if (layout.rows % layout.width == 0)
      return {};
    Value left = arith::SubIOp::create(b, loc, index(layout.rows), column);
    return vector::CreateMaskOp::create(
        b, loc, VectorType::get({lanes}, b.getI1Type()), left);
  }

  Value load(Value buffer, ValueRange position, Value column) {
    if (Value mask = createMask(column))
      return vector::MaskedLoadOp::create(b, loc, vector, buffer, position,
                                          mask, splat(0));
    return vector::LoadOp::create(b, loc, vector, buffer, position);
  }

  /// What the sums of `count` rows begin with: the bias or 0.
  Values createSums(Value panel, int64_t count) {
    Values sums;
    for (int64_t side = 0; side < 2; ++side) {
      Value column = output(panel, side);
      sums.push_back(bias ? load(bias, column, column) : splat(0));
    }
    Values all;
    for (int64_t i = 0; i < count; ++i)
      all.append(sums);
    return all;
  }

  Values loadSums(Value panel, int64_t count, Value row) {
    Values sums;
    for (int64_t i = 0; i < count; ++i)
      for (int64_t side = 0; side < 2; ++side) {
        Value column = output(panel, side);
        sums.push_back(load(y, {add(row, index(i)), column}, column));
      }
    return sums;
  }

  void storeSums(Value panel, int64_t count, Value row, ValueRange sums) {
    for (int64_t i = 0; i < count; ++i)
      for (int64_t side = 0; side < 2; ++side) {
        Value column = output(panel, side), sum = sums[2 * i + side];
        Values position{add(row, index(i)), column};
        if (Value mask = createMask(column))
          vector::MaskedStoreOp::create(b, loc, y, position, mask, sum);
        else
          vector::StoreOp::create(b, loc, sum, y, position);
      }
  }

  Value loadX(Value row, int64_t offset, Value k) {
    return memref::LoadOp::create(b, loc, x,
                                  ValueRange{add(row, index(offset)), k});
  }

  //===--------------------------------------------------------------------===//
  // Dense panels
  //===--------------------------------------------------------------------===//

  /// Adds the products over columns [0, columns) of `buffer`, [..., k, width],
  /// which are those of x from `firstColumn` on.
  void emitDenseTile(Value panel, Value buffer, Value leading, Value begin,
                     Value columns, Value firstColumn, int64_t count, Value row,
                     bool resume = false) {
    Values sums =
        resume ? loadSums(panel, count, row) : createSums(panel, count);
    sums = carry(begin, columns, 1, sums, [&](Value k, ValueRange carried) {
      Values position, next;
      if (leading)
        position.push_back(leading);
      position.append({k, Value()});
      Values weights;
      for (int64_t side = 0; side < 2; ++side) {
        position.back() = index(side * lanes);
        weights.push_back(
            vector::LoadOp::create(b, loc, vector, buffer, position));
      }
      Value column = add(firstColumn, k);
      for (int64_t i = 0; i < count; ++i) {
        Value value = broadcast(loadX(row, i, column));
        for (int64_t side = 0; side < 2; ++side)
          next.push_back(fma(value, weights[side], carried[2 * i + side]));
      }
      return next;
    });
    storeSums(panel, count, row, sums);
  }

  //===--------------------------------------------------------------------===//
  // Packed panels
  //===--------------------------------------------------------------------===//

  /// The integers, as floats, of the group of columns that begins at column `k`
  /// of `block`: two vectors for each of its columns.
  Values loadCodes(Value panel, Value block, Value k) {
    int64_t steps = layout.getStepsPerGroup();
    Value offset = getGroupOffset(panel, block, k);
    auto bytes = VectorType::get({lanes}, b.getI8Type());
    auto words = VectorType::get({lanes}, b.getI32Type());
    Values codes;
    auto toFloat = [&](Value code) {
      Value word = arith::ExtUIOp::create(b, loc, words, code);
      codes.push_back(arith::SIToFPOp::create(b, loc, vector, word));
    };
    if (layout.bits == 8) {
      for (int64_t side = 0; side < 2; ++side)
        toFloat(vector::LoadOp::create(b, loc, bytes, panels,
                                       add(offset, index(side * lanes))));
      return codes;
    }
    Value packed = vector::LoadOp::create(b, loc, bytes, panels, offset);
    auto constant = [&](int64_t value) {
      return arith::ConstantOp::create(
          b, loc, DenseElementsAttr::get(bytes, b.getI8IntegerAttr(value)));
    };
    for (int64_t field = 0; field < 2 * steps; ++field) {
      Value shifted = packed;
      if (field > 0)
        shifted = arith::ShRUIOp::create(b, loc, packed,
                                         constant(field * layout.bits));
      // The last field has nothing above it.
      if ((field + 1) * layout.bits < 8)
        shifted = arith::AndIOp::create(b, loc, shifted,
                                        constant((1 << layout.bits) - 1));
      toFloat(shifted);
    }
    return codes;
  }

  /// Scales of a block, and its zero points as floats: two vectors each.
  std::pair<Values, Values> loadBlock(Value panel, Value block) {
    Values steps, offsets;
    for (int64_t side = 0; side < 2; ++side) {
      Values position{panel, block, index(side * lanes)};
      steps.push_back(vector::LoadOp::create(b, loc, vector, scales, position));
      if (!zeros) {
        offsets.push_back(splat(double(1 << (layout.bits - 1))));
        continue;
      }
      Value bytes = vector::LoadOp::create(
          b, loc, VectorType::get({lanes}, b.getI8Type()), zeros, position);
      Value words = arith::ExtUIOp::create(
          b, loc, VectorType::get({lanes}, b.getI32Type()), bytes);
      offsets.push_back(arith::SIToFPOp::create(b, loc, vector, words));
    }
    return {steps, offsets};
  }

  /// `count` rows, the panel taken apart in registers. In a block the integers
  /// are multiplied as they are; scale and zero point come once for all of it:
  /// sum x (q - z) s = s (sum x q - z sum x).
  void emitPackedTile(Value panel, int64_t count, Value row) {
    Values sums = carry(
        index(0), index(layout.getNumBlocks()), 1, createSums(panel, count),
        [&](Value block, ValueRange carried) {
          auto [steps, offsets] = loadBlock(panel, block);
          Value firstColumn = mul(block, layout.block);
          Values initial(3 * count, splat(0));
          Values inner = carry(
              index(0), getBlockEnd(block), layout.getStepsPerGroup(), initial,
              [&](Value k, ValueRange partial) {
                Values next(partial);
                Values codes = loadCodes(panel, block, k);
                for (int64_t step = 0; step < layout.getStepsPerGroup();
                     ++step) {
                  Value column = add(add(firstColumn, k), index(step));
                  for (int64_t i = 0; i < count; ++i) {
                    Value value = broadcast(loadX(row, i, column));
                    for (int64_t side = 0; side < 2; ++side)
                      next[3 * i + side] = fma(value, codes[2 * step + side],
                                               next[3 * i + side]);
                    next[3 * i + 2] =
                        arith::AddFOp::create(b, loc, next[3 * i + 2], value);
                  }
                }
                return next;
              });
          Values next;
          for (int64_t i = 0; i < count; ++i)
            for (int64_t side = 0; side < 2; ++side) {
              Value shift = arith::MulFOp::create(b, loc, offsets[side],
                                                  inner[3 * i + 2]);
              Value centred =
                  arith::SubFOp::create(b, loc, inner[3 * i + side], shift);
              next.push_back(fma(centred, steps[side], carried[2 * i + side]));
            }
          return next;
        });
    storeSums(panel, count, row, sums);
  }

  /// Columns that are decoded together: whole blocks.
  int64_t getChunk() const {
    int64_t blocks = std::max<int64_t>(scratchColumns / layout.block, 1);
    return std::min(blocks, layout.getNumBlocks()) * layout.block;
  }

  void emitThroughScratch(Value panel) {
    int64_t blocks = getChunk() / layout.block;
    auto emitChunk = [&](Value first, bool resume) {
      Value end = arith::MinSIOp::create(b, loc, add(first, index(blocks)),
                                         index(layout.getNumBlocks()));
      loop(first, end, 1, [&](Value block) {
        decodeBlock(
            panel, block,
            mul(arith::SubIOp::create(b, loc, block, first), layout.block));
      });
      Value firstColumn = mul(first, layout.block);
      Value columns = arith::MinSIOp::create(
          b, loc,
          arith::SubIOp::create(b, loc, index(layout.columns), firstColumn),
          index(getChunk()));
      emitRows(tileRows, [&](int64_t count, Value row) {
        emitDenseTile(panel, scratch, Value(), index(0), columns, firstColumn,
                      count, row, resume);
      });
    };
    emitChunk(index(0), false);
    loop(index(blocks), index(layout.getNumBlocks()), blocks,
         [&](Value first) { emitChunk(first, true); });
  }

  /// Writes (q - z) s of a block to the scratch buffer, from row `to` on.
  void decodeBlock(Value panel, Value block, Value to) {
    auto [steps, offsets] = loadBlock(panel, block);
    loop(index(0), index(layout.block), layout.getStepsPerGroup(),
         [&, steps = steps, offsets = offsets](Value k) {
           Values codes = loadCodes(panel, block, k);
           for (int64_t step = 0; step < layout.getStepsPerGroup(); ++step)
             for (int64_t side = 0; side < 2; ++side) {
               Value centred = arith::SubFOp::create(
                   b, loc, codes[2 * step + side], offsets[side]);
               Value value =
                   arith::MulFOp::create(b, loc, centred, steps[side]);
               vector::StoreOp::create(b, loc, value, scratch,
                                       ValueRange{add(add(to, k), index(step)),
                                                  index(side * lanes)});
             }
         });
  }

  int64_t lanes;
  Type f32;
  VectorType vector;
  Value x, y, bias, rows, scratch;
};

} // namespace

void llmc::cpu::emitLinear(func::FuncOp function, const PanelLayout &layout,
                           bool hasBias) {
  LinearEmitter(function, layout, hasBias).emit();
}
