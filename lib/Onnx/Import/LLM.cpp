//===- LLM.cpp - builders of norms, activations, attention ----------------===//

#include "OpTable.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::onnx_detail;

static LogicalResult importGelu(OnnxNode &node) {
  StringRef approximate = node.stringAttr("approximate", "none");
  if (approximate != "none" && approximate != "tanh")
    return node.fail("approximate is '" + approximate +
                     "'; none and tanh are defined");
  return node.result(node.create<GeluOp>(node.input(0), approximate == "tanh"));
}

/// x * sigmoid(alpha * x)
static LogicalResult importSwish(OnnxNode &node) {
  Value x = node.input(0);
  double alpha = node.floatAttr("alpha", 1);
  if (alpha == 1)
    return node.result(node.create<SiluOp>(x));
  Value scaled = node.create<MulOp>(x, node.scalarLike(x, alpha));
  return node.result(node.create<MulOp>(x, node.create<SigmoidOp>(scaled)));
}

static LogicalResult importLayerNorm(OnnxNode &node) {
  Value x = node.input(0), scale = node.input(1), bias = node.input(2);
  int64_t axis = node.normalizeAxis(node.intAttr("axis", -1), node.rank(x));
  APFloat epsilon(float(node.floatAttr("epsilon", 1e-5)));
  if (node.wantsOutput(1) || node.wantsOutput(2)) {
    // The statistics that training needs; in the type of stash_type.
    Value wide = node.elementType(x).isF64()
                     ? x
                     : node.castTo(x, node.getBuilder().getF32Type());
    SmallVector<int64_t> axes =
        llvm::to_vector(llvm::seq<int64_t>(axis, node.rank(x)));
    Value mean = node.reduce(ReduceKind::Mean, wide, axes);
    Value centered = node.create<SubOp>(wide, mean);
    Value variance = node.reduce(ReduceKind::Mean,
                                 node.create<MulOp>(centered, centered), axes);
    Value shifted = node.create<AddOp>(
        variance, node.scalarLike(variance, epsilon.convertToFloat()));
    node.setOutput(1, mean);
    node.setOutput(2, node.create<ReciprocalOp>(node.create<SqrtOp>(shifted)));
  }
  return node.result(node.create<LayerNormOp>(x, scale, bias, axis, epsilon));
}

/// RMSNormalization, and SimplifiedLayerNormalization, the name it has in
/// ONNX Runtime, which is written into ONNX's own domain.
static LogicalResult importRMSNorm(OnnxNode &node) {
  Value x = node.input(0), scale = node.input(1);
  int64_t axis = node.normalizeAxis(node.intAttr("axis", -1), node.rank(x));
  APFloat epsilon(float(node.floatAttr("epsilon", 1e-5)));
  if (axis == node.rank(x) - 1 && node.rank(scale) == 1)
    return node.result(node.create<RMSNormOp>(x, scale, epsilon));

  // Over several dimensions: as the standard spells it out.
  Type f32 = node.getBuilder().getF32Type();
  Value wide = node.elementType(x).isF64() ? x : node.castTo(x, f32);
  Value mean =
      node.reduce(ReduceKind::Mean, node.create<MulOp>(wide, wide),
                  llvm::to_vector(llvm::seq<int64_t>(axis, node.rank(x))));
  Value deviation = node.create<SqrtOp>(node.create<AddOp>(
      mean, node.scalarLike(mean, epsilon.convertToFloat())));
  Value normal =
      node.castTo(node.create<DivOp>(wide, deviation), node.elementType(x));
  return node.result(node.create<MulOp>(normal, scale));
}

void onnx_detail::registerLLMBuilders(OpTable &table) {
  table.add("Gelu", 20, {1, 1}, importGelu);
  table.add("Swish", 24, {1, 1}, importSwish);
  table.add("LayerNormalization", 17, {2, 3}, importLayerNorm);
  table.add("RMSNormalization", 23, {2, 2}, importRMSNorm);
  table.add("SimplifiedLayerNormalization", 1, {2, 2}, importRMSNorm);
}
