//===- BlockReads.cpp - what linears and embeddings read ------------------===//

#include "BlockReads.h"
#include "llmc/Weights/FloatFormat.h"

using namespace mlir;
using namespace llmc;

/// What the result of a linear is added to; null if it is read for more.
static Value findResidual(LinearOp linear) {
  Value result = linear.getResult();
  auto add =
      result.hasOneUse() ? dyn_cast<AddOp>(*result.user_begin()) : AddOp();
  if (!add)
    return {};
  Value other =
      add->getOperand(0) == result ? add->getOperand(1) : add->getOperand(0);
  return other.getType() == result.getType() ? other : Value();
}

BlockReads llmc::findReads(const ModelBlock &block) {
  BlockReads reads;
  for (Operation *op : block.ops) {
    if (auto linear = dyn_cast<LinearOp>(op)) {
      StringAttr param = findFirstParam(linear.getWeight());
      Type element = linear.getOperand().getType().getElementType();
      if (!param || !getFloatFormat(element)) {
        auto remark = linear->emitRemark(
            "llmc-calibrate: no statistics of its input are collected: ");
        if (param)
          remark << "its elements are " << element;
        else
          remark << "its weight is made of no parameter";
        continue;
      }
      reads.inputs[linear.getOperand()].push_back(param);
      if (Value residual = findResidual(linear))
        reads.residuals[param] = {linear.getOperand(), residual};
      reads.params.push_back(param.str());
    }
    if (auto embedding = dyn_cast<EmbeddingOp>(op)) {
      StringAttr param = findFirstParam(embedding.getWeight());
      if (!param)
        continue;
      reads.ids[embedding.getIds()].push_back(param);
      reads.vocabulary[param] =
          cast<RankedTensorType>(embedding.getWeight().getType()).getDimSize(0);
      reads.params.push_back(param.str());
    }
  }
  return reads;
}
