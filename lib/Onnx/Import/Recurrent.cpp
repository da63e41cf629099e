//===- Recurrent.cpp - builders of RNN, GRU and LSTM ----------------------===//

#include "OpTable.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::onnx_detail;

namespace {
/// An activation function of ONNX with the defaults of its parameters.
struct ActivationInfo {
  StringLiteral name;
  bool hasAlpha, hasBeta;
  float alpha, beta;
};
} // namespace

static const ActivationInfo activationInfos[] = {
    {"Relu", false, false, 0, 0},
    {"Tanh", false, false, 0, 0},
    {"Sigmoid", false, false, 0, 0},
    {"Softsign", false, false, 0, 0},
    {"Softplus", false, false, 0, 0},
    {"LeakyRelu", true, false, 0.01f, 0},
    {"Elu", true, false, 1, 0},
    {"ThresholdedRelu", true, false, 1, 0},
    {"Affine", true, true, 1, 0},
    {"ScaledTanh", true, true, 1, 1},
    {"HardSigmoid", true, true, 0.2f, 0.5f},
};

namespace {
/// The attributes that the three ops share, complete.
struct RecurrentAttrs {
  StringRef direction;
  SmallVector<StringRef> activations;
  SmallVector<float> alpha, beta;
  APFloat clip;
  bool batchFirst;

  RecurrentAttrs(OnnxNode &node, ArrayRef<StringRef> defaults);
};
} // namespace

RecurrentAttrs::RecurrentAttrs(OnnxNode &node, ArrayRef<StringRef> defaults)
    : direction(node.stringAttr("direction", "forward")),
      activations(node.stringsAttr("activations")),
      clip(float(node.floatAttr("clip", 0))),
      batchFirst(node.intAttr("layout", 0)) {
  size_t directions = direction == "bidirectional" ? 2 : 1;
  if (activations.empty())
    for (size_t i = 0; i < directions; ++i)
      llvm::append_range(activations, defaults);
  // Parameters are given for the functions that have them, in their order.
  SmallVector<double> alphas = node.floatsAttr("activation_alpha"),
                      betas = node.floatsAttr("activation_beta");
  size_t nextAlpha = 0, nextBeta = 0;
  for (StringRef &name : activations) {
    const auto *info = llvm::find_if(activationInfos, [&](const auto &info) {
      return name.equals_insensitive(info.name);
    });
    if (info == std::end(activationInfos)) {
      if (!node.hasFailed())
        (void)node.fail("unknown activation '" + name + "'");
      return;
    }
    name = info->name;
    bool givesAlpha = info->hasAlpha && nextAlpha < alphas.size(),
         givesBeta = info->hasBeta && nextBeta < betas.size();
    alpha.push_back(givesAlpha ? float(alphas[nextAlpha++]) : info->alpha);
    beta.push_back(givesBeta ? float(betas[nextBeta++]) : info->beta);
  }
}

/// Exchanges the first two dimensions where the model has the batch first.
static Value batchSecond(OnnxNode &node, const RecurrentAttrs &attrs,
                         Value value) {
  return value && attrs.batchFirst ? node.transpose(value, {1, 0, 2}) : value;
}

/// Binds the result and the last states.
static LogicalResult setOutputs(OnnxNode &node, const RecurrentAttrs &attrs,
                                Operation *op) {
  if (!op)
    return failure();
  for (auto [index, value] : llvm::enumerate(op->getResults())) {
    if (!node.wantsOutput(index))
      continue;
    if (!attrs.batchFirst)
      node.setOutput(index, value);
    else if (index == 0)
      node.setOutput(index, node.transpose(value, {2, 0, 1, 3}));
    else
      node.setOutput(index, node.transpose(value, {1, 0, 2}));
  }
  return success(!node.hasFailed());
}

static LogicalResult importRNN(OnnxNode &node) {
  RecurrentAttrs attrs(node, {"Tanh"});
  Value x = batchSecond(node, attrs, node.input(0)),
        h = batchSecond(node, attrs, node.input(5));
  return setOutputs(
      node, attrs,
      node.createOp<RNNOp>(x, node.input(1), node.input(2), node.input(3),
                           node.input(4), h, attrs.direction,
                           node.getBuilder().getStrArrayAttr(attrs.activations),
                           attrs.alpha, attrs.beta, attrs.clip));
}

static LogicalResult importGRU(OnnxNode &node) {
  RecurrentAttrs attrs(node, {"Sigmoid", "Tanh"});
  Value x = batchSecond(node, attrs, node.input(0)),
        h = batchSecond(node, attrs, node.input(5));
  bool linearBeforeReset = node.intAttr("linear_before_reset", 0);
  return setOutputs(
      node, attrs,
      node.createOp<GRUOp>(
          x, node.input(1), node.input(2), node.input(3), node.input(4), h,
          attrs.direction, node.getBuilder().getStrArrayAttr(attrs.activations),
          attrs.alpha, attrs.beta, attrs.clip, linearBeforeReset));
}

static LogicalResult importLSTM(OnnxNode &node) {
  RecurrentAttrs attrs(node, {"Sigmoid", "Tanh", "Tanh"});
  Value x = batchSecond(node, attrs, node.input(0)),
        h = batchSecond(node, attrs, node.input(5)),
        c = batchSecond(node, attrs, node.input(6));
  bool inputForget = node.intAttr("input_forget", 0);
  return setOutputs(node, attrs,
                    node.createOp<LSTMOp>(
                        x, node.input(1), node.input(2), node.input(3),
                        node.input(4), h, c, node.input(7), attrs.direction,
                        node.getBuilder().getStrArrayAttr(attrs.activations),
                        attrs.alpha, attrs.beta, attrs.clip, inputForget));
}

void onnx_detail::registerRecurrentBuilders(OpTable &table) {
  table.add("RNN", 7, {3, 6}, importRNN);
  table.add("GRU", 7, {3, 6}, importGRU);
  table.add("LSTM", 7, {3, 8}, importLSTM);
}
