//===- PrepareRows.cpp - what products read of x --------------------------===//
//
// Done once for all outputs, before them: a few rows by the thread that calls,
// for which the others would be waited for longer.
//
//===----------------------------------------------------------------------===//

#include "LinearKernel.h"
#include "NormKernel.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include <functional>

using namespace mlir;
using namespace llmc;
using namespace llmc::cpu;

using vector::CombiningKind;

namespace {

/// Rows that are not worth other threads.
constexpr int64_t fewRows = 4;

class RowsEmitter {
public:
  RowsEmitter(KernelBuilder &k, const LinearSpec &spec, Value x, Value rows,
              Value normScale, Value normBias, Value step)
      : k(k), spec(spec), layout(spec.layout), x(x), rows(rows), step(step),
        norm(k, spec.norm, layout.columns, x, normScale, normBias),
        lanes(k.isa.lanes) {}

  PreparedRows emit() {
    isPaired = readsPairs(spec, k.isa);
    isCopied = spec.format != FloatFormat::F32 || spec.integers || spec.pairs ||
               spec.norm || layout.getStoredColumns() != layout.columns;
    PreparedRows result;
    int64_t blocks = layout.getNumBlocks();
    // Whole vectors are written, the last of a row beyond its end. Rows that
    // are powers of two apart would contend for the same places of a cache.
    result.pitch = layout.columns;
    if (isCopied)
      result.pitch = (blocks - 1) * layout.getStoredBlock() +
                     llvm::alignTo(layout.getStoredBlock(), lanes) +
                     64 / (spec.integers ? 1
                           : isPaired    ? 2
                                         : 4);
    // AMX's tiles read whole steps.
    if (layout.rowScales)
      result.pitch = spec.getNumSteps() * spec.stepColumns + 64;
    Value size = k.mul(rows, result.pitch);
    auto allocate = [&](Type element, Value size) {
      return result.allocated.emplace_back(k.allocate(element, size));
    };
    if (!isCopied)
      result.values = k.flatten(x, 0);
    else if (isPaired)
      result.values = allocate(k.i8(), k.mul(size, 2));
    else
      result.values = allocate(spec.integers ? k.i8() : k.f32(), size);
    Value bytes = result.values;
    if (isPaired)
      result.values = k.view(bytes, k.b.getBF16Type(), size);
    Value numBlocks = k.mul(rows, blocks);
    if (spec.integers)
      result.steps =
          allocate(k.f32(), layout.rowScales ? k.mul(rows, spec.getNumSteps())
                                             : numBlocks);
    if (!layout.isDense() && !layout.isLookup())
      result.sums = allocate(isSeed() ? k.i32() : k.f32(), numBlocks);
    out = result;
    if (isCopied || result.sums)
      k.parallelIf(k.isLess(k.index(fewRows), rows), rows,
                   [&](Value row) { emitRow(row); });
    if (spec.integers)
      result.values = k.view(bytes, k.i32(), k.div(size, 4));
    if (isPaired)
      result.values = k.view(bytes, k.i32(), k.div(size, 2));
    return result;
  }

private:
  /// The lanes of a vector of columns from `column` on that are there; null
  /// when all always are.
  Value mask(Value column, Value end) {
    int64_t stored = layout.getStoredBlock();
    bool isWhole = stored % lanes == 0 && stored == layout.block &&
                   layout.columns % layout.block == 0;
    return isWhole ? Value() : k.createMask(k.sub(end, column));
  }

  /// Reads a vector of x at an offset from `begin` on, 0 from `end` on.
  std::function<Value(Value)> columnsOf(Value begin, Value end) {
    return [this, begin, end](Value offset) {
      Value column = k.add(begin, offset);
      return norm.read(column, mask(column, end));
    };
  }

  void emitRow(Value row) {
    norm.begin(row);
    if (layout.rowScales)
      return emitSteps(row);
    int64_t stored = layout.getStoredBlock();
    k.loop(k.index(0), k.index(layout.getNumBlocks()), 1, [&](Value block) {
      Value begin = k.mul(block, layout.block);
      Value end = k.min(k.add(begin, layout.block), k.index(layout.columns));
      auto readAt = columnsOf(begin, end);
      Value to = k.add(k.mul(row, out.pitch), k.mul(block, stored));
      Value at = k.add(k.mul(row, layout.getNumBlocks()), block);
      if (spec.hasStep)
        emitStatic(readAt, to, at);
      else if (spec.integers)
        emitDynamic(readAt, to, at);
      else
        emitFloats(readAt, to, at);
    });
  }

  using Read = llvm::function_ref<Value(Value)>;

  Values overBlock(ValueRange initial,
                   llvm::function_ref<Values(Value, ValueRange)> body) {
    return k.carry(k.index(0), k.index(layout.getStoredBlock()), lanes, initial,
                   body);
  }

  /// Each step of several blocks, which have sums of their own.
  void emitSteps(Value row) {
    int64_t blocks = layout.getNumBlocks(), together = spec.getBlocksOfStep();
    k.loop(k.index(0), k.index(spec.getNumSteps()), 1, [&](Value step) {
      Value first = k.mul(step, together),
            last = k.min(k.add(first, together), k.index(blocks)),
            begin = k.mul(step, spec.stepColumns),
            end =
                k.min(k.add(begin, spec.stepColumns), k.index(layout.columns));
      Value columns = k.mul(k.sub(last, first), layout.block);
      Value inverse = emitStep(columnsOf(begin, end), columns,
                               k.add(k.mul(row, spec.getNumSteps()), step));
      k.loop(first, last, 1, [&](Value block) {
        Value column = k.mul(block, layout.block),
              endOfBlock = k.min(k.add(column, layout.block), end);
        emitIntegers(columnsOf(column, endOfBlock),
                     k.add(k.mul(row, out.pitch), column),
                     k.add(k.mul(row, blocks), block),
                     [&](Value value) { return k.mulF(value, inverse); });
      });
    });
  }

  void emitFloats(Read read, Value to, Value at) {
    VectorType type = k.vectorOf(k.f32());
    Value sum = overBlock(
        k.constant(type, 0), [&](Value offset, ValueRange carried) -> Values {
          Value vector = read(offset);
          if (spec.pairs)
            vector = k.narrow(vector, k.b.getBF16Type());
          if (spec.pairs && !isPaired)
            vector = k.widen(vector);
          if (isCopied)
            k.storeVector(vector, out.values, k.add(to, offset));
          return {out.sums ? k.addF(carried[0], vector) : carried[0]};
        })[0];
    if (out.sums)
      k.store(k.reduce(CombiningKind::ADD, sum), out.sums, at);
  }

  /// Rounds `scale(x)`, -128 to 127, to integers, and adds them up. A number
  /// whose last bit counts 1 has them in its low bits.
  void emitIntegers(Read read, Value to, Value at,
                    llvm::function_ref<Value(Value)> scale) {
    constexpr int64_t shifter = 3 << 22, shifterBits = 0x4b400000;
    VectorType words = k.vectorOf(k.i32()), bytes = k.vectorOf(k.i8());
    Value shift = k.constant(k.vectorOf(k.f32()), shifter);
    Value sum = overBlock(
        k.constant(words, 0), [&](Value offset, ValueRange carried) -> Values {
          Value word = k.bitcast(k.addF(scale(read(offset)), shift), words);
          k.storeVector(arith::TruncIOp::create(k.b, k.loc, bytes, word),
                        out.values, k.add(to, offset));
          return {k.add(carried[0], word)};
        })[0];
    int64_t count = llvm::alignTo(layout.getStoredBlock(), lanes);
    sum = k.sub(k.reduce(CombiningKind::ADD, sum),
                k.constant(k.i32(), double(int32_t(count * shifterBits))));
    if (isSeed())
      sum = arith::MulIOp::create(
          k.b, k.loc, sum,
          k.constant(k.i32(), -double(int64_t(1) << (layout.bits - 1))));
    else
      sum = k.toFloat(sum);
    k.store(sum, out.sums, at);
  }

  /// See llmc.quantize_dynamic. Stores the step of `columns` columns and
  /// returns what they are multiplied with.
  Value emitStep(Read read, Value columns, Value at) {
    VectorType words = k.vectorOf(k.i32());
    // Without their signs, floats are in the order of their bits, and what is
    // not a number is above all.
    Value largest = k.carry(
        k.index(0), columns, lanes, k.constant(words, 0),
        [&](Value offset, ValueRange carried) -> Values {
          Value magnitude =
              k.bits(k.bitcast(read(offset), words), 0, 0x7fffffff);
          return {arith::MaxUIOp::create(k.b, k.loc, carried[0], magnitude)};
        })[0];
    Value magnitude = arith::BitcastOp::create(
        k.b, k.loc, k.f32(), k.reduce(CombiningKind::MAXUI, largest));
    Value limit = k.constant(k.f32(), 127);
    Value isTiny =
        arith::CmpFOp::create(k.b, k.loc, arith::CmpFPredicate::OLT, magnitude,
                              k.constant(k.f32(), 0x1p-120));
    Value inverse = arith::SelectOp::create(
        k.b, k.loc, isTiny, k.constant(k.f32(), 0), k.divF(limit, magnitude));
    k.store(k.divF(magnitude, limit), out.steps, at);
    return k.broadcast(inverse);
  }

  void emitDynamic(Read read, Value to, Value at) {
    Value inverse = emitStep(read, k.index(layout.getStoredBlock()), at);
    // What is not finite becomes some integer: the step says what it was.
    emitIntegers(read, to, at,
                 [&](Value value) { return k.mulF(value, inverse); });
  }

  /// See llmc.quantize_linear: quotients are those of a division.
  void emitStatic(Read read, Value to, Value at) {
    k.store(step, out.steps, at);
    Value steps = k.broadcast(step);
    VectorType floats = k.vectorOf(k.f32());
    emitIntegers(read, to, at, [&](Value value) {
      value = arith::MaxNumFOp::create(k.b, k.loc, k.divF(value, steps),
                                       k.constant(floats, -128));
      return arith::MinNumFOp::create(k.b, k.loc, value,
                                      k.constant(floats, 127));
    });
  }

  /// Whether sums are what integer products begin with.
  bool isSeed() const { return spec.integers && !layout.hasZeros; }

  KernelBuilder &k;
  const LinearSpec &spec;
  const PanelLayout &layout;
  Value x, rows, step;
  RowNorm norm;
  int64_t lanes;
  bool isCopied = false; ///< the products read a copy, not x itself
  bool isPaired = false; ///< of bf16, in words of two
  PreparedRows out;
};
} // namespace

PreparedRows llmc::cpu::emitPreparedRows(KernelBuilder &k,
                                         const LinearSpec &spec, Value x,
                                         Value rows, Value normScale,
                                         Value normBias, Value step) {
  return RowsEmitter(k, spec, x, rows, normScale, normBias, step).emit();
}
