//===- EmbeddingKernel.cpp - rows of a weight in panels -------------------===//
//
// Reads a column of a panel, so that an embedding which is the output layer as
// well is stored once. A few thousand scalars per token are no time.
//
//===----------------------------------------------------------------------===//

#include "EmbeddingKernel.h"
#include "Codebook.h"
#include "llmc/Lower/Patterns.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::cpu;

namespace {
class EmbeddingEmitter {
public:
  EmbeddingEmitter(func::FuncOp function, const EmbeddingSpec &spec,
                   const Isa &isa)
      : k(function, isa), layout(spec.layout), numRows(spec.rows) {
    declareErrorReport(function->getParentOfType<ModuleOp>());
    ValueRange arguments = function.getArguments();
    ids = k.flatten(arguments[0], 0);
    panels = arguments[1];
    if (!layout.isDense()) {
      panels = k.view(panels, k.i32(), k.div(k.dim(panels, 0), 4));
    }
    ValueRange rest = arguments.drop_front(2);
    auto take = [&] {
      Value argument = rest.front();
      rest = rest.drop_front();
      return argument;
    };
    if (!layout.isDense() && layout.hasScales)
      scales = take();
    if (layout.hasZeros)
      zeros = take();
    if (layout.isLookup())
      codebook = take();
    y = k.flatten(take(), 1);
  }

  void emit() {
    Value count = k.dim(ids, 0);
    k.loop(k.index(0), count, 1, [&](Value at) {
      Value id =
          createCheckedIndex(k.b, k.loc, k.load(ids, at), k.index(numRows));
      Value panel = k.div(id, layout.lanes), lane = k.rem(id, layout.lanes);
      if (layout.isDense())
        emitDense(panel, lane, at);
      else
        emitBlocks(panel, lane, at);
    });
    k.finish();
  }

private:
  void emitDense(Value panel, Value lane, Value at) {
    k.loop(k.index(0), k.index(layout.columns), 1, [&](Value column) {
      int64_t chunk = layout.getChunk();
      Value place = k.add(k.mul(lane, chunk), k.rem(column, chunk));
      store(k.load(panels, {panel, k.div(column, chunk), place}), at, column);
    });
  }

  void emitBlocks(Value panel, Value lane, Value at) {
    k.loop(k.index(0), k.index(layout.getNumBlocks()), 1, [&](Value block) {
      Values position{panel, block, lane};
      Value scale = scales ? k.widen(k.load(scales, position)) : Value();
      Value zero = zeros ? k.widen(k.load(zeros, position))
                         : k.constant(k.f32(), double(1 << (layout.bits - 1)));
      Value begin = k.mul(block, layout.block);
      Value end = k.min(k.add(begin, layout.block), k.index(layout.columns));
      Value stored = k.mul(block, layout.getStoredBlock());
      k.loop(begin, end, 1, [&](Value column) {
        Value code = loadCode(panel, k.add(stored, k.sub(column, begin)), lane);
        Value number =
            codebook
                ? CodebookReader(k, layout, codebook).lookup(panel, lane, code)
                : k.subF(k.toFloat(code), zero);
        store(scale ? k.mulF(number, scale) : number, at, column);
      });
    });
  }

  /// Stores a number in the format of y.
  void store(Value number, Value at, Value column) {
    Type element = cast<MemRefType>(y.getType()).getElementType();
    if (number.getType() != element)
      number = k.narrow(k.widen(number), element);
    k.store(number, y, {at, column});
  }

  /// The integer of a stored column and a lane.
  Value loadCode(Value panel, Value column, Value lane) {
    if (!layout.isSparse)
      return loadInteger(panel, column, lane, layout.getPlanes(), 0);
    SmallVector<Plane, 3> planes = layout.getPlanes();
    int64_t lines = layout.getChunkIntegers() / planes[0].getColumnsPerLine();
    Value place =
        arith::IndexCastOp::create(k.b, k.loc, k.i32(), k.rem(column, 4));
    Value code = k.constant(k.i32(), double(1 << (layout.bits - 1)));
    for (int64_t i = 0; i < 2; ++i) {
      Value index = k.add(k.mul(k.div(column, 4), 2), i);
      Value kept = loadInteger(panel, index, lane, planes[0], 0);
      Value other = loadInteger(panel, index, lane, planes[1], lines);
      Value isHere = arith::CmpIOp::create(k.b, k.loc, arith::CmpIPredicate::eq,
                                           place, other);
      code =
          k.select(isHere, arith::XOrIOp::create(k.b, k.loc, code, kept), code);
    }
    return code;
  }

  /// That of `planes`, whose lines in a chunk begin at `firstLine`; see
  /// PanelLayout.h.
  Value loadInteger(Value panel, Value column, Value lane,
                    ArrayRef<Plane> planes, int64_t firstLine) {
    int64_t size = layout.getChunkIntegers();
    Value chunk = k.mul(k.div(column, size), layout.getChunkLines());
    Value within = k.rem(column, size), code;
    for (const Plane &plane : planes) {
      int64_t perLine = plane.getColumnsPerLine();
      Value line = k.add(chunk, k.add(k.div(within, perLine), firstLine));
      Value address = k.add(k.mul(panel, layout.getPanelElements()),
                            k.add(k.mul(line, layout.lanes), lane));
      Value position = k.rem(within, perLine);
      Value shift = k.add(k.mul(k.rem(position, 4), 8),
                          k.mul(k.div(position, 4), plane.bits));
      shift = arith::IndexCastOp::create(k.b, k.loc, k.i32(), shift);
      Value part =
          arith::ShRUIOp::create(k.b, k.loc, k.load(panels, address), shift);
      part = k.bits(part, 0, (1 << plane.bits) - 1);
      if (plane.offset != 0)
        part = arith::ShLIOp::create(k.b, k.loc, part,
                                     k.constant(k.i32(), double(plane.offset)));
      code = code ? arith::OrIOp::create(k.b, k.loc, code, part).getResult()
                  : part;
      firstLine += size / perLine;
    }
    return code;
  }

  KernelBuilder k;
  const PanelLayout &layout;
  int64_t numRows;
  Value ids, panels, scales, zeros, codebook, y;
};
} // namespace

void llmc::cpu::emitEmbedding(func::FuncOp function, const EmbeddingSpec &spec,
                              const Isa &isa) {
  EmbeddingEmitter(function, spec, isa).emit();
}
