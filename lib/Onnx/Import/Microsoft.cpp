//===- Microsoft.cpp - builders of com.microsoft's LLM ops ----------------===//

#include "OpTable.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::onnx_detail;

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
  Value scaled =
      node.create<MulOp>(x, node.scalarLike(x, node.floatAttr("alpha", 1.702)));
  return node.result(node.create<MulOp>(x, node.create<SigmoidOp>(scaled)));
}

void onnx_detail::registerMicrosoftBuilders(OpTable &table) {
  table.add("Gelu", 1, {1, 1}, importBiasGelu, msDomain);
  table.add("BiasGelu", 1, {2, 2}, importBiasGelu, msDomain);
  table.add("FastGelu", 1, {1, 2}, importBiasGelu, msDomain);
  table.add("QuickGelu", 1, {1, 1}, importQuickGelu, msDomain);
}
