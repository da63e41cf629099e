//===- Decompose.cpp - the building blocks of transformers to primitives --===//

#include "llmc/Lower/Decompositions.h"
#include "llmc/Lower/Passes.h"
#include "llvm/ADT/TypeSwitch.h"

namespace llmc {
#define GEN_PASS_DEF_DECOMPOSE
#include "llmc/Lower/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

static Value decomposeEmbedding(EmbeddingOp op, Decomposer &d) {
  return d.create<GatherOp>(op.getWeight(), op.getIds(), 0);
}

/// x / sqrt(mean(x^2) + epsilon) over dimensions from `axis` on.
static Value divideByRootMeanSquare(Value x, double epsilon, int64_t axis,
                                    Decomposer &d) {
  Value mean = d.reduceLast(ReduceKind::Mean, d.create<MulOp>(x, x), axis);
  Value root = d.create<SqrtOp>(d.create<AddOp>(mean, d.scalar(x, epsilon)));
  return d.create<MulOp>(x, d.create<ReciprocalOp>(root));
}

static Value decomposeRMSNorm(RMSNormOp op, Decomposer &d) {
  Value x = d.widen(op.getOperand());
  int64_t last = cast<ShapedType>(x.getType()).getRank() - 1;
  Value normalized =
      divideByRootMeanSquare(x, op.getEpsilon().convertToDouble(), last, d);
  Type type = getElementTypeOrSelf(op.getType());
  return d.create<MulOp>(d.cast(normalized, type), op.getScale());
}

static Value decomposeLayerNorm(LayerNormOp op, Decomposer &d) {
  Value x = d.widen(op.getOperand());
  int64_t axis = op.getAxis();
  Value centered = d.create<SubOp>(x, d.reduceLast(ReduceKind::Mean, x, axis));
  Value normalized = divideByRootMeanSquare(
      centered, op.getEpsilon().convertToDouble(), axis, d);
  Type type = getElementTypeOrSelf(op.getType());
  Value scaled = d.create<MulOp>(d.cast(normalized, type), op.getScale());
  return op.getBias() ? d.create<AddOp>(scaled, op.getBias()) : scaled;
}

static Value decomposeGelu(GeluOp op, Decomposer &d) {
  Value x = op.getOperand();
  Value half = d.create<MulOp>(x, d.scalar(x, 0.5)), function;
  if (op.getTanh()) {
    Value cube = d.create<MulOp>(d.create<MulOp>(x, x), x);
    Value sum =
        d.create<AddOp>(x, d.create<MulOp>(cube, d.scalar(x, 0.044715)));
    function =
        d.create<TanhOp>(d.create<MulOp>(sum, d.scalar(x, 0.7978845608028654)));
  } else {
    function =
        d.create<ErfOp>(d.create<MulOp>(x, d.scalar(x, 0.7071067811865476)));
  }
  return d.create<MulOp>(half, d.create<AddOp>(function, d.scalar(x, 1)));
}

static Value decomposeSilu(SiluOp op, Decomposer &d) {
  return d.create<MulOp>(op.getOperand(), d.create<SigmoidOp>(op.getOperand()));
}

static Value decomposeRope(RopeOp op, Decomposer &d) {
  Value x = op.getOperand();
  auto type = cast<RankedTensorType>(x.getType());
  int64_t half = cast<ShapedType>(op.getCos().getType()).getDimSize(2);
  // The tables are the same for all heads.
  Value cos = d.create<UnsqueezeOp>(op.getCos(), ArrayRef<int64_t>{1});
  Value sin = d.create<UnsqueezeOp>(op.getSin(), ArrayRef<int64_t>{1});
  bool interleaved = op.getInterleaved();
  Value a =
      interleaved ? d.slice(x, 3, 0, 2 * half, 2) : d.slice(x, 3, 0, half);
  Value b = interleaved ? d.slice(x, 3, 1, 2 * half, 2)
                        : d.slice(x, 3, half, 2 * half);
  Value first =
      d.create<SubOp>(d.create<MulOp>(a, cos), d.create<MulOp>(b, sin));
  Value second =
      d.create<AddOp>(d.create<MulOp>(b, cos), d.create<MulOp>(a, sin));
  SmallVector<Value> parts = {first, second};
  if (interleaved) {
    for (Value &part : parts)
      part = d.create<UnsqueezeOp>(part, ArrayRef<int64_t>{4});
    Value pairs = d.create<ConcatOp>(parts, 4);
    parts = {d.create<ReshapeOp>(pairs, d.i64s({0, 0, 0, 2 * half}), false)};
  }
  if (type.getDimSize(3) != 2 * half)
    parts.push_back(
        d.slice(x, 3, 2 * half, std::numeric_limits<int64_t>::max()));
  return parts.size() == 1 ? parts[0] : d.create<ConcatOp>(parts, 3);
}

/// The value that `op` computes, from primitive ops; nothing after an error.
static Value decompose(Operation *op, Decomposer &d) {
  return llvm::TypeSwitch<Operation *, Value>(op)
      .Case([&](EmbeddingOp op) { return decomposeEmbedding(op, d); })
      .Case([&](RMSNormOp op) { return decomposeRMSNorm(op, d); })
      .Case([&](LayerNormOp op) { return decomposeLayerNorm(op, d); })
      .Case([&](GeluOp op) { return decomposeGelu(op, d); })
      .Case([&](SiluOp op) { return decomposeSilu(op, d); })
      .Case([&](RopeOp op) { return decomposeRope(op, d); })
      .Case([&](AttentionOp op) { return decomposeAttention(op, d); })
      .Default([](Operation *) { return Value(); });
}

namespace {

struct Decompose : llmc::impl::DecomposeBase<Decompose> {
  void runOnOperation() override {
    WalkResult walked = getOperation().walk([&](Operation *op) {
      if (!isa<EmbeddingOp, RMSNormOp, LayerNormOp, GeluOp, SiluOp, RopeOp,
               AttentionOp>(op))
        return WalkResult::advance();
      Decomposer decomposer(op);
      Value value = decompose(op, decomposer);
      if (!value)
        return WalkResult::interrupt();
      ++numDecomposed;
      decomposer.replace(op->getResult(0), value);
      op->erase();
      return WalkResult::advance();
    });
    if (walked.wasInterrupted())
      signalPassFailure();
  }
};

} // namespace
