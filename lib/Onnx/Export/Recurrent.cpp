//===- Recurrent.cpp - export of RNN, GRU and LSTM ------------------------===//

#include "ExportTable.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::onnx_detail;

/// The parameters of those activations that have one: ONNX lists no others.
static SmallVector<float> selectParameters(ArrayAttr activations,
                                           ArrayRef<float> values,
                                           ArrayRef<StringRef> having) {
  SmallVector<float> result;
  for (auto [name, value] : llvm::zip(activations, values))
    if (llvm::is_contained(having, cast<StringAttr>(name).getValue()))
      result.push_back(value);
  return result;
}

/// The attributes that the three ops share.
template <typename OpTy>
static WrittenNode writeAttrs(WrittenNode node, OpTy op) {
  SmallVector<StringRef> names;
  for (Attribute name : op.getActivations())
    names.push_back(cast<StringAttr>(name).getValue());
  SmallVector<float> alpha =
      selectParameters(op.getActivations(), op.getActivationAlpha(),
                       {"LeakyRelu", "Elu", "ThresholdedRelu", "Affine",
                        "ScaledTanh", "HardSigmoid"});
  SmallVector<float> beta =
      selectParameters(op.getActivations(), op.getActivationBeta(),
                       {"Affine", "ScaledTanh", "HardSigmoid"});
  node.attr("hidden_size", op.getRecurrence().getType().getDimSize(2))
      .attr("direction", op.getDirection())
      .attr("activations", ArrayRef<StringRef>(names));
  if (!alpha.empty())
    node.attr("activation_alpha", ArrayRef<float>(alpha));
  if (!beta.empty())
    node.attr("activation_beta", ArrayRef<float>(beta));
  if (double clip = op.getClip().convertToFloat(); clip > 0)
    node.attr("clip", clip);
  return node;
}

template <typename OpTy>
static SmallVector<std::string> sharedInputs(OpWriter &writer, OpTy op) {
  return {writer.in(op.getOperand()),      writer.in(op.getWeight()),
          writer.in(op.getRecurrence()),   writer.in(op.getBias()),
          writer.in(op.getSequenceLens()), writer.in(op.getInitialH())};
}

static LogicalResult exportRNN(OpWriter &writer, RNNOp op) {
  writeAttrs(writer.result("RNN", sharedInputs(writer, op)), op);
  return success();
}

static LogicalResult exportGRU(OpWriter &writer, GRUOp op) {
  writeAttrs(writer.result("GRU", sharedInputs(writer, op)), op)
      .attr("linear_before_reset", int64_t(op.getLinearBeforeReset()));
  return success();
}

static LogicalResult exportLSTM(OpWriter &writer, LSTMOp op) {
  SmallVector<std::string> inputs = sharedInputs(writer, op);
  inputs.push_back(writer.in(op.getInitialC()));
  inputs.push_back(writer.in(op.getPeephole()));
  writeAttrs(writer.result("LSTM", inputs), op)
      .attr("input_forget", int64_t(op.getInputForget()));
  return success();
}

void onnx_detail::registerRecurrentExports(ExportTable &table) {
  table.add(exportRNN);
  table.add(exportGRU);
  table.add(exportLSTM);
}
