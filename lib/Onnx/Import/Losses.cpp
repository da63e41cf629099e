//===- Losses.cpp - builders of loss functions and norms ------------------===//

#include "OpTable.h"
#include "llvm/ADT/STLExtras.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::onnx_detail;

static Value reduceAll(OnnxNode &node, ReduceKind kind, Value value) {
  return node.reduce(kind, value,
                     llvm::to_vector(llvm::seq<int64_t>(0, node.rank(value))),
                     /*keepdims=*/false);
}

/// -log_probabilities[n, target[n, ...], ...] with the weight of the target's
/// class, 0 where the target is `ignore_index`, reduced as the node says.
static Value createLikelihoodLoss(OnnxNode &node, Value logProbabilities,
                                  Value target, Value classWeights) {
  StringRef reduction = node.stringAttr("reduction", "mean");
  if (reduction != "none" && reduction != "sum" && reduction != "mean")
    (void)node.fail("reduction '" + reduction + "' is none of none, sum, mean");
  if (node.rank(logProbabilities) < 2 ||
      node.rank(target) != node.rank(logProbabilities) - 1)
    (void)node.fail("needs scores [batch, classes, ...] and a target of the "
                    "same dimensions without the classes");
  target = node.castTo(target, node.getBuilder().getI64Type());
  Value ignored;
  if (node.hasAttr("ignore_index")) {
    Value index = node.scalarLike(target, node.intAttr("ignore_index", 0));
    ignored = node.create<EqualOp>(target, index);
    // Often no class at all; any class will do.
    target = node.create<WhereOp>(ignored, node.scalarLike(target, 0), target);
  }
  Value picked = node.create<GatherElementsOp>(
      logProbabilities, node.unsqueeze(target, {1}), int64_t(1));
  Value loss = node.create<NegOp>(node.squeeze(picked, {1})), weights;
  Value zero = node.scalarLike(loss, 0);
  if (classWeights)
    weights = node.create<GatherOp>(classWeights, target, int64_t(0));
  else if (ignored)
    weights = node.create<WhereOp>(ignored, zero, node.scalarLike(loss, 1));
  if (classWeights && ignored)
    weights = node.create<WhereOp>(ignored, zero, weights);
  if (weights)
    loss = node.create<MulOp>(loss, weights);
  if (reduction == "none")
    return loss;
  if (reduction == "sum")
    return reduceAll(node, ReduceKind::Sum, loss);
  if (!weights)
    return reduceAll(node, ReduceKind::Mean, loss);
  return node.create<DivOp>(reduceAll(node, ReduceKind::Sum, loss),
                            reduceAll(node, ReduceKind::Sum, weights));
}

static LogicalResult importNegativeLogLikelihoodLoss(OnnxNode &node) {
  return node.result(
      createLikelihoodLoss(node, node.input(0), node.input(1), node.input(2)));
}

static LogicalResult importSoftmaxCrossEntropyLoss(OnnxNode &node) {
  Value logProbabilities =
      node.create<SoftmaxOp>(node.input(0), int64_t(1), /*log=*/true);
  Value loss = createLikelihoodLoss(node, logProbabilities, node.input(1),
                                    node.input(2));
  if (node.wantsOutput(1))
    node.setOutput(1, logProbabilities);
  return node.result(loss);
}

/// x divided by its 1- or 2-norm along an axis; 0 where the norm is 0.
static LogicalResult importLpNormalization(OnnxNode &node) {
  Value x = node.input(0);
  int64_t axis = node.normalizeAxis(node.intAttr("axis", -1), node.rank(x));
  int64_t p = node.intAttr("p", 2);
  if (p != 1 && p != 2)
    return node.fail("p must be 1 or 2");
  Value terms = p == 1 ? node.create<AbsOp>(x) : node.create<MulOp>(x, x);
  Value norm = node.reduce(ReduceKind::Sum, terms, {axis});
  if (p == 2)
    norm = node.create<SqrtOp>(norm);
  Value zero = node.scalarLike(x, 0);
  return node.result(node.create<WhereOp>(node.create<EqualOp>(norm, zero),
                                          zero, node.create<DivOp>(x, norm)));
}

void onnx_detail::registerLossBuilders(OpTable &table) {
  table.add("NegativeLogLikelihoodLoss", 12, {2, 3},
            importNegativeLogLikelihoodLoss);
  table.add("SoftmaxCrossEntropyLoss", 12, {2, 3},
            importSoftmaxCrossEntropyLoss);
  table.add("LpNormalization", 1, {1, 1}, importLpNormalization);
}
