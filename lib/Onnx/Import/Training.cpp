//===- Training.cpp - builders of optimizer steps -------------------------===//
//
// ai.onnx.preview.training: one step of an optimizer for any number of
// tensors. Inputs are the learning rate, the update count, then for each role
// (parameters, gradients, states) all tensors; outputs are the parameters and
// the states.
//
//===----------------------------------------------------------------------===//

#include "OpTable.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::onnx_detail;

namespace {
/// Arithmetic on tensors and numbers of one node.
struct Expressions {
  OnnxNode &node;

  Value add(Value x, Value y) const { return node.create<AddOp>(x, y); }
  Value sub(Value x, Value y) const { return node.create<SubOp>(x, y); }
  Value mul(Value x, Value y) const { return node.create<MulOp>(x, y); }
  Value div(Value x, Value y) const { return node.create<DivOp>(x, y); }
  Value scale(Value x, double factor) const {
    return mul(x, node.scalarLike(x, factor));
  }
  Value offset(Value x, double number) const {
    return add(x, node.scalarLike(x, number));
  }
  Value sqrt(Value x) const { return node.create<SqrtOp>(x); }
  Value isPositive(Value x) const {
    return node.create<GreaterOp>(x, node.scalarLike(x, 0));
  }
  Value where(Value condition, Value x, Value y) const {
    return node.create<WhereOp>(condition, x, y);
  }
  /// The gradient with that of the squared norm's penalty.
  Value regularize(Value x, Value gradient) const {
    return add(scale(x, node.floatAttr("norm_coefficient", 0)), gradient);
  }
};
} // namespace

/// Calls `step` with the tensors of each role and binds what it returns.
static LogicalResult
importOptimizer(OnnxNode &node, unsigned roles,
                function_ref<SmallVector<Value>(ArrayRef<Value>)> step) {
  unsigned count = (node.getNumInputs() - 2) / roles;
  if (count == 0 || node.getNumInputs() != 2 + count * roles)
    return node.fail("the inputs after the first two must be " + Twine(roles) +
                     " tensors for each parameter");
  for (unsigned i = 0; i < count; ++i) {
    SmallVector<Value> tensors;
    for (unsigned role = 0; role < roles; ++role)
      tensors.push_back(node.input(2 + role * count + i));
    if (llvm::is_contained(tensors, Value()))
      return node.fail("an input is missing");
    for (auto [index, value] : llvm::enumerate(step(tensors)))
      node.setOutput(index * count + i, value);
  }
  return success(!node.hasFailed());
}

static LogicalResult importAdagrad(OnnxNode &node) {
  Expressions e{node};
  Value rate = node.input(0);
  Value updates = node.castTo(node.input(1), node.elementType(rate));
  rate = e.div(
      rate, e.offset(e.scale(updates, node.floatAttr("decay_factor", 0)), 1));
  double epsilon = node.floatAttr("epsilon", 0);
  return importOptimizer(node, 3, [&](ArrayRef<Value> in) {
    Value gradient = e.regularize(in[0], in[1]);
    Value squares = e.add(in[2], e.mul(gradient, gradient));
    Value adapted =
        e.div(e.mul(rate, gradient), e.offset(e.sqrt(squares), epsilon));
    return SmallVector<Value>{e.sub(in[0], adapted), squares};
  });
}

static LogicalResult importAdam(OnnxNode &node) {
  Expressions e{node};
  double alpha = node.floatAttr("alpha", 0.9),
         beta = node.floatAttr("beta", 0.999),
         epsilon = node.floatAttr("epsilon", 0),
         post = node.floatAttr("norm_coefficient_post", 0);
  Value rate = node.input(0);
  Value updates = node.castTo(node.input(1), node.elementType(rate));
  auto correction = [&](double decay) {
    Value power = node.create<PowOp>(node.scalarLike(rate, decay), updates);
    return e.sub(node.scalarLike(rate, 1), power);
  };
  Value corrected =
      e.div(e.mul(rate, e.sqrt(correction(beta))), correction(alpha));
  rate = e.where(e.isPositive(updates), corrected, rate);
  return importOptimizer(node, 4, [&](ArrayRef<Value> in) {
    Value gradient = e.regularize(in[0], in[1]);
    Value momentum = e.add(e.scale(in[2], alpha), e.scale(gradient, 1 - alpha));
    Value squares = e.add(e.scale(in[3], beta),
                          e.scale(e.mul(gradient, gradient), 1 - beta));
    Value adapted = e.div(momentum, e.offset(e.sqrt(squares), epsilon));
    Value moved = e.sub(in[0], e.mul(rate, adapted));
    return SmallVector<Value>{e.scale(moved, 1 - post), momentum, squares};
  });
}

static LogicalResult importMomentum(OnnxNode &node) {
  Expressions e{node};
  StringRef mode = node.stringAttr("mode", "standard");
  if (mode != "standard" && mode != "nesterov")
    return node.fail("mode is '" + mode +
                     "'; standard and nesterov are "
                     "defined");
  double alpha = node.floatAttr("alpha", 0), beta = node.floatAttr("beta", 0);
  Value rate = node.input(0);
  // The first update takes the gradient whole.
  Value share = e.where(e.isPositive(node.input(1)),
                        node.scalarLike(rate, beta), node.scalarLike(rate, 1));
  return importOptimizer(node, 3, [&](ArrayRef<Value> in) {
    Value gradient = e.regularize(in[0], in[1]);
    Value momentum = e.add(e.scale(in[2], alpha), e.mul(share, gradient));
    Value direction = mode == "standard"
                          ? momentum
                          : e.add(gradient, e.scale(momentum, alpha));
    return SmallVector<Value>{e.sub(in[0], e.mul(rate, direction)), momentum};
  });
}

void onnx_detail::registerTrainingBuilders(OpTable &table) {
  constexpr StringLiteral domain = "ai.onnx.preview.training";
  table.add("Adagrad", 1, {3, variadic}, importAdagrad, domain);
  table.add("Adam", 1, {3, variadic}, importAdam, domain);
  table.add("Momentum", 1, {3, variadic}, importMomentum, domain);
}
