//===- Activations.cpp - activation functions as elementwise ops ----------===//

#include "OpTable.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::onnx_detail;

namespace {
/// Elementwise arithmetic with numbers of the operand's element type.
struct Arithmetic {
  OnnxNode &node;

  Value number(Value like, double value) {
    return node.scalarLike(like, value);
  }
  Value add(Value a, Value b) { return node.create<AddOp>(a, b); }
  Value add(Value a, double b) { return add(a, number(a, b)); }
  Value sub(Value a, Value b) { return node.create<SubOp>(a, b); }
  Value mul(Value a, Value b) { return node.create<MulOp>(a, b); }
  Value mul(Value a, double b) { return mul(a, number(a, b)); }
  Value max(Value a, double b) { return node.create<MaxOp>(a, number(a, b)); }
  Value min(Value a, double b) { return node.create<MinOp>(a, number(a, b)); }
  Value less(Value a, double b) { return node.create<LessOp>(a, number(a, b)); }
  Value greater(Value a, double b) {
    return node.create<GreaterOp>(a, number(a, b));
  }
  Value where(Value condition, Value a, Value b) {
    return node.create<WhereOp>(condition, a, b);
  }
  /// exp(x) - 1 where x < 0; elsewhere the exponential could overflow, and a
  /// select would not hide that from what is computed with it.
  Value expm1OfNegative(Value x) {
    return add(node.create<ExpOp>(min(x, 0)), -1);
  }
  /// log(1 + exp(x)) without overflow.
  Value softplus(Value x) {
    Value small = node.create<ExpOp>(node.create<NegOp>(node.create<AbsOp>(x)));
    return add(max(x, 0), node.create<LogOp>(add(small, 1)));
  }
};
} // namespace

static LogicalResult importLeakyRelu(OnnxNode &node) {
  Arithmetic math{node};
  Value x = node.input(0);
  double alpha = node.floatAttr("alpha", 0.01);
  return node.result(math.where(math.less(x, 0), math.mul(x, alpha), x));
}

static LogicalResult importPRelu(OnnxNode &node) {
  Arithmetic math{node};
  Value x = node.input(0);
  return node.result(
      math.where(math.less(x, 0), math.mul(x, node.input(1)), x));
}

static LogicalResult importElu(OnnxNode &node) {
  Arithmetic math{node};
  Value x = node.input(0);
  Value low = math.mul(math.expm1OfNegative(x), node.floatAttr("alpha", 1));
  return node.result(math.where(math.less(x, 0), low, x));
}

static LogicalResult importSelu(OnnxNode &node) {
  Arithmetic math{node};
  Value x = node.input(0);
  double alpha = node.floatAttr("alpha", 1.67326319217681884765625),
         gamma = node.floatAttr("gamma", 1.05070102214813232421875);
  Value low = math.mul(math.expm1OfNegative(x), alpha);
  return node.result(math.mul(math.where(math.less(x, 0), low, x), gamma));
}

/// max(0, x) + min(0, alpha * (exp(x / alpha) - 1))
static LogicalResult importCelu(OnnxNode &node) {
  Arithmetic math{node};
  Value x = node.input(0);
  double alpha = node.floatAttr("alpha", 1);
  if (alpha == 0)
    return node.fail("alpha must not be 0");
  Value low = math.mul(math.expm1OfNegative(math.mul(x, 1 / alpha)), alpha);
  return node.result(math.add(math.max(x, 0), math.min(low, 0)));
}

static Value hardSigmoid(OnnxNode &node, Value x, double alpha, double beta) {
  Arithmetic math{node};
  return math.max(math.min(math.add(math.mul(x, alpha), beta), 1), 0);
}

static LogicalResult importHardSigmoid(OnnxNode &node) {
  double alpha = node.floatAttr("alpha", 0.2),
         beta = node.floatAttr("beta", 0.5);
  return node.result(hardSigmoid(node, node.input(0), alpha, beta));
}

static LogicalResult importHardSwish(OnnxNode &node) {
  Value x = node.input(0);
  return node.result(node.create<MulOp>(x, hardSigmoid(node, x, 1.0 / 6, 0.5)));
}

static LogicalResult importSoftplus(OnnxNode &node) {
  return node.result(Arithmetic{node}.softplus(node.input(0)));
}

static LogicalResult importMish(OnnxNode &node) {
  Value x = node.input(0);
  Value gate = node.create<TanhOp>(Arithmetic{node}.softplus(x));
  return node.result(node.create<MulOp>(x, gate));
}

static LogicalResult importSoftsign(OnnxNode &node) {
  Value x = node.input(0);
  Value divisor = Arithmetic{node}.add(node.create<AbsOp>(x), 1);
  return node.result(node.create<DivOp>(x, divisor));
}

static LogicalResult importThresholdedRelu(OnnxNode &node) {
  Arithmetic math{node};
  Value x = node.input(0);
  Value above = math.greater(x, node.floatAttr("alpha", 1));
  return node.result(math.where(above, x, math.number(x, 0)));
}

/// Values nearer to 0 than lambd become 0, others move towards it by bias.
static LogicalResult importShrink(OnnxNode &node) {
  Arithmetic math{node};
  double bias = node.floatAttr("bias", 0), lambd = node.floatAttr("lambd", 0.5);
  Type type = node.elementType(node.input(0));
  // The threshold is a float also where the elements are integers.
  Value x = isa<FloatType>(type)
                ? node.input(0)
                : node.castTo(node.input(0), node.getBuilder().getF64Type());
  Value high =
      math.where(math.greater(x, lambd), math.add(x, -bias), math.number(x, 0));
  Value result = math.where(math.less(x, -lambd), math.add(x, bias), high);
  return node.result(node.castTo(result, type));
}

/// Bounds are attributes before opset 11, inputs later.
static LogicalResult importClip(OnnxNode &node) {
  Value x = node.input(0), low = node.input(1), high = node.input(2);
  if (node.hasAttr("min"))
    low = node.scalarLike(x, node.floatAttr("min", 0));
  if (node.hasAttr("max"))
    high = node.scalarLike(x, node.floatAttr("max", 0));
  if (low)
    x = node.create<MaxOp>(x, low);
  if (high)
    x = node.create<MinOp>(x, high);
  return node.result(x);
}

void onnx_detail::registerActivationBuilders(OpTable &table) {
  constexpr Arity one{1, 1};
  table.add("LeakyRelu", 6, one, importLeakyRelu);
  table.add("PRelu", 7, {2, 2}, importPRelu);
  table.add("Elu", 6, one, importElu);
  table.add("Selu", 6, one, importSelu);
  table.add("Celu", 12, one, importCelu);
  table.add("HardSigmoid", 6, one, importHardSigmoid);
  table.add("HardSwish", 14, one, importHardSwish);
  table.add("Mish", 18, one, importMish);
  table.add("Softplus", 1, one, importSoftplus);
  table.add("Softsign", 1, one, importSoftsign);
  table.add("ThresholdedRelu", 10, one, importThresholdedRelu);
  table.add("Shrink", 9, one, importShrink);
  table.add("Clip", 6, {1, 3}, importClip);
}
