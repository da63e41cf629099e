//===- LiftQuantizeDynamic.cpp - activations rounded in blocks ------------===//

#include "Lifter.h"
#include "llmc/Lift/Passes.h"
#include "llvm/Support/MathExtras.h"

namespace llmc {
#define GEN_PASS_DEF_LIFTQUANTIZEDYNAMIC
#include "llmc/Lift/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

/// The numbers of the op's description, which are exact in f32.
static constexpr double largestCode = 127, smallestMagnitude = 0x1p-120;

/// x [..., blocks, block] of `round(x * inverse) * (magnitude / 127)`.
static Value matchRounded(Value rounded, Lifter &lifter) {
  auto isNumber = [&](Value value, double number) {
    return lifter.getScalar(value) == number;
  };
  auto scaled = rounded.getDefiningOp<MulOp>();
  if (!scaled)
    return {};
  auto code = scaled.getLhs().getDefiningOp<RoundOp>();
  auto step = scaled.getRhs().getDefiningOp<DivOp>();
  if (!code || !step || !isNumber(step.getRhs(), largestCode))
    return {};
  Value magnitude = step.getLhs();
  auto product = code.getOperand().getDefiningOp<MulOp>();
  auto reduce = magnitude.getDefiningOp<ReduceOp>();
  if (!product || !reduce || reduce.getKind() != ReduceKind::Max ||
      !reduce.getKeepdims() ||
      reduce.getAxes() != ArrayRef<int64_t>(lifter.shapes.rank(rounded) - 1))
    return {};
  Value x = product.getLhs();
  auto absolute = reduce.getOperand().getDefiningOp<AbsOp>();
  auto inverse = product.getRhs().getDefiningOp<WhereOp>();
  if (!absolute || absolute.getOperand() != x || !inverse ||
      !isNumber(inverse.getLhs(), 0))
    return {};
  auto isTiny = inverse.getCondition().getDefiningOp<LessOp>();
  auto quotient = inverse.getRhs().getDefiningOp<DivOp>();
  if (!isTiny || isTiny.getLhs() != magnitude ||
      !isNumber(isTiny.getRhs(), smallestMagnitude) || !quotient ||
      !isNumber(quotient.getLhs(), largestCode) ||
      quotient.getRhs() != magnitude)
    return {};
  return x;
}

/// x where `value` is x with `count` zeros behind its last dimension.
static Value matchPadded(Value value, int64_t count, Lifter &lifter) {
  auto pad = value.getDefiningOp<PadOp>();
  if (!pad || pad.getMode() != PadMode::Constant ||
      (pad.getValue() && lifter.getScalar(pad.getValue()) != 0.0))
    return {};
  auto pads = lifter.shapes.constants(pad.getPads());
  if (!pads || pads->empty() || pads->back() != count ||
      !llvm::all_of(ArrayRef(*pads).drop_back(),
                    [](int64_t size) { return size == 0; }))
    return {};
  return pad.getOperand();
}

/// The last reshape, and the slice behind it that cuts the padding off.
static bool liftBlocks(ReshapeOp root, Lifter &lifter) {
  ShapeContext &shapes = lifter.shapes;
  if (!shapes.elementType(root).isF32())
    return false;
  Value blocks = matchRounded(root.getOperand(), lifter);
  auto split = blocks ? blocks.getDefiningOp<ReshapeOp>() : ReshapeOp();
  if (!split || !lifter.haveSameShape(split.getOperand(), root))
    return false;
  ArrayRef<AffineExpr> whole = shapes.dims(root), parts = shapes.dims(split);
  std::optional<int64_t> padded = lifter.getSize(root, -1),
                         block = lifter.getSize(split, -1);
  if (parts.size() != whole.size() + 1 || !padded || !block || *block < 1 ||
      parts.drop_back(2) != whole.drop_back())
    return false;

  // Padding is no part of the op: its last block may be shorter. Where there
  // is no slice to tell, whatever pads the operand stays.
  Value x = split.getOperand();
  Operation *last = root;
  if (root->hasOneUse()) {
    Operation *user = *root->user_begin();
    std::optional<SlicedDim> kept =
        isa<SliceOp>(user) ? matchSliceOfLastDim(user->getResult(0), lifter)
                           : std::nullopt;
    if (kept && kept->operand == root && kept->start == 0 &&
        *padded - kept->length < *block)
      if (Value source = matchPadded(x, *padded - kept->length, lifter)) {
        x = source;
        last = user;
      }
  }
  lifter.replace(last, lifter.create<QuantizeDynamicOp>(last, x, *block));
  return true;
}

namespace {

struct LiftQuantizeDynamic
    : llmc::impl::LiftQuantizeDynamicBase<LiftQuantizeDynamic> {
  void runOnOperation() override {
    if (failed(liftEach<ReshapeOp>(getOperation(), liftBlocks,
                                   [&] { ++numLifted; })))
      signalPassFailure();
  }
};

} // namespace
