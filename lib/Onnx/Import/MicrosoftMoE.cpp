//===- MicrosoftMoE.cpp - mixtures of experts of com.microsoft ------------===//
//
// Every expert computes every token, and the router's weights, 0 for all but k
// experts, sum them up: right, though not sparse.
//
//===----------------------------------------------------------------------===//

#include "MicrosoftQuant.h"
#include "OpTable.h"
#include <cmath>

using namespace mlir;
using namespace llmc;
using namespace llmc::onnx_detail;

namespace {
/// A linear of each expert: [experts, out, in], and a bias [experts, out].
struct ExpertLinear {
  Value weight, bias;

  explicit operator bool() const { return bool(weight); }
  /// [1 or experts, rows, in] to [experts, rows, out].
  Value apply(OnnxNode &node, Value x) const {
    Value product = node.create<MatMulOp>(x, node.transpose(weight, {0, 2, 1}));
    return bias ? node.create<AddOp>(product, node.unsqueeze(bias, {1}))
                : product;
  }
};
} // namespace

/// g * sigmoid(alpha * g) * (l + beta), both clamped.
static Value swiglu(OnnxNode &node, Value gate, Value linear) {
  double alpha = node.floatAttr("activation_alpha", 1),
         beta = node.floatAttr("activation_beta", 0),
         limit = node.floatAttr("swiglu_limit", INFINITY);
  if (std::isfinite(limit)) {
    Value most = node.scalarLike(gate, limit);
    gate = node.create<MinOp>(gate, most);
    linear = node.create<MaxOp>(node.create<MinOp>(linear, most),
                                node.scalarLike(linear, -limit));
  }
  Value scaled = alpha == 1
                     ? gate
                     : node.create<MulOp>(gate, node.scalarLike(gate, alpha));
  Value swish = node.create<MulOp>(gate, node.create<SigmoidOp>(scaled));
  if (beta != 0)
    linear = node.create<AddOp>(linear, node.scalarLike(linear, beta));
  return node.create<MulOp>(swish, linear);
}

/// Both halves of what a fused linear of gate and value gives.
static std::pair<Value, Value> splitFused(OnnxNode &node, Value x,
                                          bool interleaved) {
  int64_t half = node.staticDim(x, 2, "the experts' size") / 2;
  if (!interleaved)
    return {node.slice(x, 2, 0, half), node.slice(x, 2, half, 2 * half)};
  Value pairs = node.reshape(x, {0, 0, half, 2});
  auto part = [&](int64_t index) {
    return node.squeeze(node.slice(pairs, 3, index, index + 1), {3});
  };
  return {part(0), part(1)};
}

static Value activate(OnnxNode &node, Value x, const ExpertLinear &third,
                      Value input) {
  StringRef type = node.stringAttr("activation_type", "relu");
  if (type == "swiglu") {
    int64_t fusion = node.intAttr("swiglu_fusion", 0);
    if (fusion == 0 && third)
      return swiglu(node, x, third.apply(node, input));
    if (fusion != 1 && fusion != 2) {
      (void)node.fail(
          "swiglu_fusion = " + Twine(fusion) +
          (fusion == 0 ? " needs fc3_experts_weights" : " is not supported"));
      return {};
    }
    auto [gate, linear] = splitFused(node, x, fusion == 1);
    return swiglu(node, gate, linear);
  }
  Value result;
  if (type == "relu")
    result = node.create<ReluOp>(x);
  else if (type == "gelu")
    result = node.create<GeluOp>(x, /*tanh=*/true);
  else if (type == "silu")
    result = node.create<SiluOp>(x);
  else if (type == "identity")
    result = x;
  else
    (void)node.fail("activation_type = '" + type + "' is not supported");
  if (third)
    result = node.create<MulOp>(result, third.apply(node, input));
  return result;
}

/// The weight of each expert for each row, [rows, experts]: 0 for all but the
/// k that `scores` puts first.
static Value route(OnnxNode &node, Value scores, Value weights) {
  int64_t k = node.intAttr("k", 1);
  node.requireInt("use_sparse_mixer", 0);
  Value probabilities = node.create<SoftmaxOp>(scores, int64_t(1), false);
  Operation *top = node.createOp<TopKOp>(weights ? scores : probabilities,
                                         node.ints(k), int64_t(1), false);
  if (!top)
    return {};
  Value chosen = top->getResult(0), indices = top->getResult(1);
  if (weights)
    chosen = node.create<GatherElementsOp>(weights, indices, int64_t(1));
  if (node.intAttr("normalize_routing_weights", 0))
    chosen =
        node.create<DivOp>(chosen, node.reduce(ReduceKind::Sum, chosen, {1}));
  Value none =
      node.create<ExpandOp>(node.scalarLike(chosen, 0), node.shapeOf(scores));
  return node.create<ScatterElementsOp>(ScatterKind::None, none, indices,
                                        chosen, int64_t(1));
}

static LogicalResult mixExperts(OnnxNode &node, const ExpertLinear &first,
                                const ExpertLinear &second,
                                const ExpertLinear &third,
                                Value routerWeights) {
  Value x = node.input(0);
  if (!node.hasFailed() && (!first || !second))
    return node.fail("fc1_experts_weights or fc2_experts_weights is missing");
  int64_t hidden = node.staticDim(x, node.rank(x) - 1, "the hidden size");
  Value rows = node.reshape(x, {1, -1, hidden});
  Value inner = activate(node, first.apply(node, rows), third, rows);
  Value outer = second.apply(node, inner);
  Value weights =
      node.transpose(route(node, node.input(1), routerWeights), {1, 0});
  Value weighted = node.create<MulOp>(outer, node.unsqueeze(weights, {2}));
  Value sum = node.reduce(ReduceKind::Sum, weighted, {0}, /*keepdims=*/false);
  return node.result(node.create<ReshapeOp>(sum, node.shapeOf(x), true));
}

static LogicalResult importMoE(OnnxNode &node) {
  return mixExperts(node, {node.input(2), node.input(3)},
                    {node.input(4), node.input(5)},
                    {node.input(6), node.input(7)}, Value());
}

/// The quantized weight of linear `index` in the layout of MatMulNBits, with
/// the rows of all experts one after the other.
static ExpertLinear readQuantized(OnnxNode &node, unsigned index) {
  Value data = node.input(3 * index - 1), scales = node.input(3 * index),
        zeros = node.input(10 + index);
  if (!data || node.hasFailed())
    return {};
  std::string name = "fc" + std::to_string(index) + "_expert_weight_bits";
  int64_t bits = node.intAttr(name, node.intAttr("expert_weight_bits", 4));
  if (bits != 2 && bits != 4 && bits != 8) {
    (void)node.fail(Twine(bits) + " bits are not supported");
    return {};
  }
  if (!scales) {
    (void)node.fail("fc" + Twine(index) + "_scales is missing");
    return {};
  }
  int64_t experts = node.staticDim(data, 0, "the number of experts"),
          rows = node.staticDim(data, 1, "the experts' size"),
          columns = node.staticDim(data, 2, "the size of a row") * 8 / bits;
  int64_t block = node.intAttr("block_size", 0);
  if (block <= 0) {
    // Without blocks zero points are packed along the rows.
    if (zeros && bits != 8) {
      (void)node.fail("zero points of " + Twine(bits) +
                      " bits are supported only with a block_size");
      return {};
    }
    block = columns;
  }
  Value weight = createBlockWeight(node, data, scales, zeros, experts * rows,
                                   columns, bits, block);
  return {node.reshape(weight, {experts, rows, columns}),
          node.input(3 * index + 1)};
}

static LogicalResult importQMoE(OnnxNode &node) {
  if (StringRef type = node.stringAttr("quant_type", "int"); type != "int")
    return node.fail("quant_type = '" + type + "' is not supported");
  if (int64_t layout = node.intAttr("weights_prepacked", -1); layout > 0)
    return node.fail("weights_prepacked = " + Twine(layout) +
                     " is not supported");
  for (unsigned i = 15; i < node.getNumInputs(); ++i)
    if (node.hasInput(i))
      return node.fail("input " + Twine(i) +
                       " is of quantized activations, "
                       "which are not supported");
  ExpertLinear first = readQuantized(node, 1), second = readQuantized(node, 2),
               third = readQuantized(node, 3);
  return mixExperts(node, first, second, third, node.input(14));
}

void onnx_detail::registerMicrosoftMoEBuilders(OpTable &table) {
  table.add("MoE", 1, {3, 8}, importMoE, msDomain);
  table.add("QMoE", 1, {3, 21}, importQMoE, msDomain);
}
