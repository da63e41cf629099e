//===- LinearMatch.cpp - ops that one linear kernel computes --------------===//

#include "LinearMatch.h"
#include "llmc/Weights/DecodeWeight.h"
#include "llmc/Weights/RowScales.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::cpu;

namespace {

class Matcher {
public:
  Matcher(ShapeContext &shapes, int64_t lanes) : shapes(shapes), lanes(lanes) {}

  std::optional<LinearMatch> match(Operation *op) {
    bool found = isa<MulOp>(op)      ? matchGated(op)
                 : isa<AddOp>(op)    ? matchAdd(op)
                 : isa<LinearOp>(op) ? matchPlain(cast<LinearOp>(op))
                                     : matchActivated(op);
    if (!found)
      return std::nullopt;
    if (result.outputs.empty())
      result.outputs.push_back(op->getResult(0));
    takeOperand();
    return std::move(result);
  }

private:
  static bool isF32(Value value) {
    return getElementTypeOrSelf(value.getType()).isF32();
  }

  /// The linear that makes `value` for its one user.
  static LinearOp getOwn(Value value) {
    return value.hasOneUse() ? value.getDefiningOp<LinearOp>() : LinearOp();
  }

  /// Whether the numbers of two codebooks, if there are any, are the same.
  static bool hasCodebookOf(Value weight, Value other) {
    auto a = weight.getDefiningOp<LookupOp>(),
         b = other.getDefiningOp<LookupOp>();
    if (!a || !b || a.getCodebook() == b.getCodebook())
      return true;
    FailureOr<std::vector<float>> x = decodeWeight(a.getCodebook()),
                                  y = decodeWeight(b.getCodebook());
    // By their bits: tables of floats have NaN, which is not equal to itself.
    return succeeded(x) && succeeded(y) && x->size() == y->size() &&
           std::memcmp(x->data(), y->data(), x->size() * sizeof(float)) == 0;
  }

  /// Adds a linear, whose weight has to be stored as that of the others.
  bool addLinear(LinearOp linear) {
    if (!linear)
      return false;
    std::optional<FloatFormat> format =
        getFloatFormat(linear.getType().getElementType());
    if (!format)
      return false;
    std::optional<PanelLayout> layout = getLayout(linear, lanes);
    Value bias = linear.getBias();
    if (!layout || (bias && !getDense(bias)))
      return false;
    if (linears.empty()) {
      result.spec.layout = *layout;
      result.spec.format = *format;
    } else {
      if (linear.getOperand() != linears.front().getOperand() ||
          !(*layout == result.spec.layout))
        return false;
      result.spec.layout.add(
          *layout,
          hasCodebookOf(linear.getWeight(), linears.front().getWeight()));
    }
    linears.push_back(linear);
    result.spec.rows.push_back(
        cast<ShapedType>(linear.getWeight().getType()).getDimSize(0));
    result.spec.hasBias |= bool(bias);
    result.weights.push_back(linear.getWeight());
    result.biases.push_back(bias);
    return true;
  }

  static std::optional<Activation> getActivation(Operation *op) {
    if (isa<ReluOp>(op))
      return Activation::Relu;
    if (isa<SiluOp>(op))
      return Activation::Silu;
    if (auto gelu = dyn_cast<GeluOp>(op))
      return gelu.getTanh() ? Activation::TanhGelu : Activation::Gelu;
    return std::nullopt;
  }

  /// activation(linear), in f32: in narrower formats each op rounds
  bool matchActivated(Operation *op) {
    std::optional<Activation> activation = getActivation(op);
    if (!activation || !isF32(op->getResult(0)) ||
        !addLinear(getOwn(op->getOperand(0))))
      return false;
    result.spec.activation = *activation;
    return true;
  }

  /// activation(linear) * linear, in f32
  bool matchGated(Operation *op) {
    if (!isF32(op->getResult(0)))
      return false;
    for (int64_t side = 0; side < 2; ++side) {
      Value gate = op->getOperand(side);
      Operation *producer = gate.getDefiningOp();
      if (!producer || !gate.hasOneUse())
        continue;
      std::optional<Activation> activation = getActivation(producer);
      if (!activation)
        continue;
      LinearOp first = getOwn(producer->getOperand(0)),
               second = getOwn(op->getOperand(1 - side));
      if (!first || !second || first == second ||
          first.getType() != second.getType() ||
          first->getBlock() != op->getBlock())
        continue;
      if (!addLinear(first) || !addLinear(second))
        return false;
      result.spec.activation = *activation;
      result.spec.epilogue = Epilogue::Gate;
      return true;
    }
    return false;
  }

  /// linear + value of the same shape, in f32
  bool matchAdd(Operation *op) {
    if (!isF32(op->getResult(0)))
      return false;
    for (int64_t side = 0; side < 2; ++side) {
      LinearOp linear = getOwn(op->getOperand(side));
      Value other = op->getOperand(1 - side);
      if (!linear || shapes.dims(linear.getResult()) != shapes.dims(other))
        continue;
      if (!addLinear(linear))
        continue;
      result.spec.epilogue = Epilogue::Add;
      addend = other;
      return true;
    }
    return false;
  }

  /// The linear and those before it with the same operand that are not part of
  /// something else.
  bool matchPlain(LinearOp last) {
    if (!last || !addLinear(last))
      return false;
    SmallVector<LinearOp> others;
    for (Operation *user : last.getOperand().getUsers())
      if (auto linear = dyn_cast<LinearOp>(user);
          linear && linear != last && linear->getBlock() == last->getBlock() &&
          linear->isBeforeInBlock(last) && !linear->use_empty() &&
          linear.getOperand() == last.getOperand() &&
          linear.getWeight() != last.getOperand() && getNumUses(linear) == 1)
        others.push_back(linear);
    llvm::sort(others,
               [](LinearOp a, LinearOp b) { return a->isBeforeInBlock(b); });
    for (LinearOp linear : others)
      addLinear(linear);
    for (LinearOp linear : linears)
      result.outputs.push_back(linear.getResult());
    return true;
  }

  /// How often the linear reads its operand.
  static int64_t getNumUses(LinearOp linear) {
    return llvm::count(linear->getOperands(), linear.getOperand());
  }

  /// Whether all that read `value` are the linears, or nothing.
  bool isReadByLinears(Value value) {
    return llvm::all_of(value.getUsers(), [&](Operation *user) {
      return isOpTriviallyDead(user) ||
             llvm::is_contained(linears, dyn_cast<LinearOp>(user));
    });
  }

  /// The rounding and the norm between x and the linears, if the kernel does
  /// them.
  void takeOperand() {
    LinearSpec &spec = result.spec;
    Value x = linears.front().getOperand();
    bool isOwn = isReadByLinears(x);
    auto takeRounded = [&](Operation *rounded) {
      x = rounded->getOperand(0);
      isOwn = isOwn && llvm::all_of(x.getUsers(), [&](Operation *user) {
                return isOpTriviallyDead(user) || user == rounded;
              });
    };
    if (QuantizeDynamicOp rounded = getRounding(linears.front(), spec.layout)) {
      spec.integers = true;
      spec.stepColumns = getStepColumns(rounded, spec.layout);
      takeRounded(rounded);
    } else if (std::optional<StaticRounding> rounded =
                   getStaticRounding(linears.front(), spec.layout)) {
      spec.integers = spec.hasStep = true;
      takeRounded(rounded->dequantize);
      takeRounded(rounded->quantize);
      step = rounded->getScale();
    } else if (spec.layout.isPaired() && spec.format == FloatFormat::BF16) {
      spec.pairs = true;
    } else if (CastOp narrow = getRoundingCast(linears.front());
               narrow && spec.layout.isPaired() &&
               spec.format == FloatFormat::F32) {
      spec.pairs = true;
      takeRounded(narrow);
    }
    spec.rank = cast<ShapedType>(x.getType()).getRank();
    std::optional<NormMatch> norm;
    if (isOwn && spec.format == FloatFormat::F32)
      norm = matchNorm(x.getDefiningOp(), shapes);
    if (norm && norm->columns != spec.layout.columns)
      norm.reset();
    if (norm)
      spec.norm = norm->spec;
    result.inputs = norm ? norm->inputs : SmallVector<Value>{x};
    if (step)
      result.inputs.push_back(step);
    if (addend)
      result.inputs.push_back(addend);
  }

  ShapeContext &shapes;
  int64_t lanes;
  LinearMatch result;
  SmallVector<LinearOp> linears;
  Value step, addend;
};
} // namespace

CastOp llmc::cpu::getRoundingCast(LinearOp linear) {
  auto wide = linear.getOperand().getDefiningOp<CastOp>();
  auto narrow = wide ? wide.getOperand().getDefiningOp<CastOp>() : CastOp();
  return narrow && narrow.getTo().isBF16() && narrow->hasOneUse() &&
                 getElementTypeOrSelf(narrow.getOperand()).isF32()
             ? narrow
             : CastOp();
}

/// Whether 32 bits hold the sums of so many products of integers of 8 bits with
/// those below 2^bits.
static bool fitSums(int64_t columns, int64_t bits) {
  return columns < (int64_t(1) << 31) / (128 << bits);
}

/// Whether kernels can multiply integers of activations with those of a weight,
/// whose products a block sums.
static bool canMultiplyIntegers(const PanelLayout &layout) {
  return !layout.isDense() && !layout.isLookup() &&
         fitSums(layout.getStoredBlock(), layout.bits);
}

std::optional<PanelLayout> llmc::cpu::getLayout(LinearOp linear,
                                                int64_t lanes) {
  std::optional<PanelLayout> layout =
      PanelLayout::of(linear.getWeight(), lanes);
  auto rounding = linear.getOperand().getDefiningOp<QuantizeDynamicOp>();
  auto weight = linear.getWeight().getDefiningOp<DequantizeOp>();
  if (!layout || !rounding || !weight || layout->isSparse ||
      layout->getNumBlocks() == 1)
    return layout;
  int64_t columns = std::min<int64_t>(rounding.getBlock(), layout->columns);
  // The integers of the row have 8 bits, and signs.
  layout->rowScales =
      (columns % layout->block == 0 || columns == layout->columns) &&
      fitSums(columns, /*bits=*/7) && matchRowScales(weight);
  return layout;
}

QuantizeDynamicOp llmc::cpu::getRounding(LinearOp linear,
                                         const PanelLayout &layout) {
  auto rounding = linear.getOperand().getDefiningOp<QuantizeDynamicOp>();
  bool isBlockOfWeight =
      rounding && canMultiplyIntegers(layout) &&
      std::min<int64_t>(rounding.getBlock(), layout.columns) == layout.block;
  return layout.rowScales || isBlockOfWeight ? rounding : QuantizeDynamicOp();
}

int64_t llmc::cpu::getStepColumns(QuantizeDynamicOp rounding,
                                  const PanelLayout &layout) {
  if (!rounding || !layout.rowScales)
    return 0;
  return llvm::alignTo(std::min<int64_t>(rounding.getBlock(), layout.columns),
                       layout.block);
}

std::optional<StaticRounding>
llmc::cpu::getStaticRounding(LinearOp linear, const PanelLayout &layout) {
  if (!canMultiplyIntegers(layout))
    return std::nullopt;
  return matchStaticRounding(linear.getOperand());
}

std::optional<LinearMatch>
llmc::cpu::matchLinear(Operation *op, ShapeContext &shapes, int64_t lanes) {
  if (!isa<LinearOp, MulOp, AddOp, ReluOp, SiluOp, GeluOp>(op))
    return std::nullopt;
  return Matcher(shapes, lanes).match(op);
}
