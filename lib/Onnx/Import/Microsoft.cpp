//===- Microsoft.cpp - fused norms and activations of com.microsoft -------===//

#include "OpTable.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::onnx_detail;

//===----------------------------------------------------------------------===//
// Activations and products
//===----------------------------------------------------------------------===//

/// gelu(x + bias), by FastGelu with the tanh approximation.
static LogicalResult importBiasGelu(OnnxNode &node) {
  Value x = node.input(0);
  if (node.hasInput(1))
    x = node.create<AddOp>(x, node.input(1));
  return node.result(node.create<GeluOp>(x, node.getOpType() == "FastGelu"));
}

/// x * sigmoid(alpha * x)
static LogicalResult importQuickGelu(OnnxNode &node) {
  Value x = node.input(0);
  double alpha = node.floatAttr("alpha", 1.702);
  if (alpha == 1)
    return node.result(node.create<SiluOp>(x));
  Value scaled = node.create<MulOp>(x, node.scalarLike(x, alpha));
  return node.result(node.create<MulOp>(x, node.create<SigmoidOp>(scaled)));
}

/// x + bias in two halves: left * gelu(right).
static LogicalResult importBiasSplitGelu(OnnxNode &node) {
  Value x = node.create<AddOp>(node.input(0), node.input(1));
  int64_t last = node.rank(x) - 1;
  int64_t half = node.staticDim(x, last, "the hidden size") / 2;
  Value right = node.slice(x, last, half, 2 * half);
  return node.result(node.create<MulOp>(node.slice(x, last, 0, half),
                                        node.create<GeluOp>(right, false)));
}

static LogicalResult importBiasAdd(OnnxNode &node) {
  Value sum = node.create<AddOp>(node.input(0), node.input(1));
  return node.result(node.create<AddOp>(sum, node.input(2)));
}

static LogicalResult importFusedMatMul(OnnxNode &node) {
  auto operand = [&](unsigned index, StringRef transBatch, StringRef trans) {
    Value value = node.input(index);
    int64_t rank = node.rank(value);
    SmallVector<int64_t> perm = llvm::to_vector(llvm::seq<int64_t>(0, rank));
    if (rank < 2)
      return value;
    // The first dimension goes next to the last.
    if (node.intAttr(transBatch, 0))
      std::rotate(perm.begin(), perm.begin() + 1, perm.end() - 1);
    if (node.intAttr(trans, 0))
      std::swap(perm[rank - 1], perm[rank - 2]);
    return llvm::is_sorted(perm) ? value : node.transpose(value, perm);
  };
  Value product = node.create<MatMulOp>(operand(0, "transBatchA", "transA"),
                                        operand(1, "transBatchB", "transB"));
  if (double alpha = node.floatAttr("alpha", 1); alpha != 1)
    product = node.create<MulOp>(product, node.scalarLike(product, alpha));
  return node.result(product);
}

//===----------------------------------------------------------------------===//
// Norms
//===----------------------------------------------------------------------===//

static Value layerNorm(OnnxNode &node, Value x, Value scale, Value bias,
                       double defaultEpsilon) {
  APFloat epsilon(float(node.floatAttr("epsilon", defaultEpsilon)));
  return node.create<LayerNormOp>(x, scale, bias, node.rank(x) - 1, epsilon);
}

/// x + skip + bias, normalised. The sum is an output too.
static LogicalResult importSkipNorm(OnnxNode &node) {
  bool isSimplified = node.getOpType() == "SkipSimplifiedLayerNormalization";
  Value scale = node.input(2);
  Value bias = node.input(isSimplified ? 3 : 4);
  Value sum = node.create<AddOp>(node.input(0), node.input(1));
  if (bias)
    sum = node.create<AddOp>(sum, bias);
  if (isSimplified) {
    APFloat epsilon(float(node.floatAttr("epsilon", 1e-12)));
    node.setOutput(0, node.create<RMSNormOp>(sum, scale, epsilon));
  } else {
    node.setOutput(0, layerNorm(node, sum, scale, node.input(3), 1e-12));
  }
  if (node.wantsOutput(3))
    node.setOutput(3, sum);
  return success(!node.hasFailed());
}

/// The sum of word, position and segment embeddings, normalised.
static LogicalResult importEmbedLayerNorm(OnnxNode &node) {
  Value ids = node.input(0), segments = node.input(1);
  Value words = node.input(2), places = node.input(3);
  if (node.rank(ids) != 2)
    return node.fail("input_ids must be [batch, sequence]");
  if (!words || !places || !node.hasInput(5) || !node.hasInput(6))
    return node.fail("an embedding, gamma or beta is missing");
  Value sum = node.create<GatherOp>(words, ids, int64_t(0));
  Value position =
      node.hasInput(8)
          ? node.create<GatherOp>(places, node.input(8), int64_t(0))
          : node.create<SliceOp>(places, node.ints(0), node.dimOf(ids, 1),
                                 node.ints(1), ArrayRef<int64_t>(0));
  sum = node.create<AddOp>(sum, position);
  if (segments && node.hasInput(4))
    sum = node.create<AddOp>(
        sum, node.create<GatherOp>(node.input(4), segments, int64_t(0)));
  node.setOutput(0, layerNorm(node, sum, node.input(5), node.input(6), 1e-12));
  if (node.wantsOutput(1)) {
    Type i32 = node.getBuilder().getI32Type();
    // The number of tokens that are not padding.
    Value index =
        node.hasInput(7)
            ? node.reduce(ReduceKind::Sum, node.input(7), {1}, false)
            : node.create<ExpandOp>(node.scalar(i32, 0), node.dimOf(ids, 0));
    node.setOutput(1, index);
  }
  if (node.wantsOutput(2))
    node.setOutput(2, sum);
  return success(!node.hasFailed());
}

void onnx_detail::registerMicrosoftBuilders(OpTable &table) {
  table.add("Gelu", 1, {1, 1}, importBiasGelu, msDomain);
  table.add("BiasGelu", 1, {2, 2}, importBiasGelu, msDomain);
  table.add("FastGelu", 1, {1, 2}, importBiasGelu, msDomain);
  table.add("QuickGelu", 1, {1, 1}, importQuickGelu, msDomain);
  table.add("BiasSplitGelu", 1, {2, 2}, importBiasSplitGelu, msDomain);
  table.add("BiasAdd", 1, {3, 3}, importBiasAdd, msDomain);
  table.add("FusedMatMul", 1, {2, 2}, importFusedMatMul, msDomain);
  // What it was called first.
  table.add("TransposeMatMul", 1, {2, 2}, importFusedMatMul, msDomain);
  table.add("SkipLayerNormalization", 1, {3, 5}, importSkipNorm, msDomain);
  table.add("SkipSimplifiedLayerNormalization", 1, {3, 4}, importSkipNorm,
            msDomain);
  table.add("EmbedLayerNormalization", 1, {1, 9}, importEmbedLayerNorm,
            msDomain);
}
