//===- EmbeddingKernel.cpp - rows of a weight in panels -------------------===//
//
// Reads a column of a panel, so that an embedding which is the output layer as
// well is stored once. A few thousand scalars per token are no time.
//
//===----------------------------------------------------------------------===//

#include "EmbeddingKernel.h"
#include "KernelEmitter.h"
#include "llmc/Lower/Patterns.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::cpu;

namespace {
class EmbeddingEmitter : KernelEmitter {
public:
  EmbeddingEmitter(func::FuncOp function, const PanelLayout &layout)
      : KernelEmitter(function, layout) {
    declareErrorReport(function->getParentOfType<ModuleOp>());
    ids = flatten(takeArgument(), 0);
    takeWeight();
    y = flatten(takeArgument(), 1);
  }

  void emit() {
    loop(index(0), memref::DimOp::create(b, loc, ids, 0), 1, [&](Value at) {
      Value id = createCheckedIndex(
          b, loc, memref::LoadOp::create(b, loc, ids, at), index(layout.rows));
      Value panel = div(id, layout.width), lane = rem(id, layout.width);
      if (layout.bits == 0)
        return loop(index(0), index(layout.columns), 1, [&](Value k) {
          store(load(panels, {panel, k, lane}), at, k);
        });
      loop(index(0), index(layout.getNumBlocks()), 1, [&](Value block) {
        Value scale = load(scales, {panel, block, lane});
        Value zero =
            zeros ? toFloat(load(zeros, {panel, block, lane}))
                  : Value(arith::ConstantOp::create(
                        b, loc,
                        b.getF32FloatAttr(float(1 << (layout.bits - 1)))));
        loop(index(0), getBlockEnd(block), 1, [&](Value k) {
          Value code = toFloat(loadCode(panel, block, k, lane));
          Value centred = arith::SubFOp::create(b, loc, code, zero);
          store(arith::MulFOp::create(b, loc, centred, scale), at,
                add(mul(block, layout.block), k));
        });
      });
    });
    func::ReturnOp::create(b, loc);
  }

private:
  Value load(Value buffer, ValueRange position) {
    return memref::LoadOp::create(b, loc, buffer, position);
  }
  void store(Value value, Value row, Value column) {
    memref::StoreOp::create(b, loc, value, y, ValueRange{row, column});
  }
  Value toFloat(Value byte) {
    Value word = arith::ExtUIOp::create(b, loc, b.getI32Type(), byte);
    return arith::SIToFPOp::create(b, loc, b.getF32Type(), word);
  }

  /// The integer of one column and lane; see PanelLayout.h for where it is.
  Value loadCode(Value panel, Value block, Value k, Value lane) {
    Value offset = getGroupOffset(panel, block, k);
    if (layout.bits == 8)
      return load(panels, add(offset, lane));
    int64_t half = layout.width / 2;
    Value byte = load(panels, add(offset, rem(lane, half)));
    Value field =
        add(mul(rem(k, layout.getStepsPerGroup()), 2), div(lane, half));
    Value shift = arith::IndexCastOp::create(b, loc, b.getI8Type(),
                                             mul(field, layout.bits));
    Value mask = arith::ConstantOp::create(
        b, loc, b.getI8IntegerAttr((1 << layout.bits) - 1));
    return arith::AndIOp::create(
        b, loc, arith::ShRUIOp::create(b, loc, byte, shift), mask);
  }

  Value ids, y;
};
} // namespace

void llmc::cpu::emitEmbedding(func::FuncOp function,
                              const PanelLayout &layout) {
  EmbeddingEmitter(function, layout).emit();
}
