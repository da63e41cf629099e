//===- Reference.cpp - the model as it was beside a compressed one --------===//

#include "Reference.h"
#include "llmc/Calibrate/Statistics.h"
#include "llmc/Weights/Blobs.h"

using namespace mlir;
using namespace llmc;

/// Gives the parameters bytes of their own, which outlast those of the model.
static void copyParams(ModuleOp module) {
  for (ParamOp param : module.getOps<ParamOp>())
    if (auto resource = dyn_cast<DenseResourceElementsAttr>(param.getValue()))
      param.setValueAttr(makeResource(
          param.getType(), param.getSymName(),
          HeapAsmResourceBlob::allocateAndCopyWithAlign(
              getBytes(resource), /*align=*/64, /*dataIsMutable=*/false)));
}

LogicalResult Reference::keep(const ModelBlock &kept,
                              ArrayRef<BlockReads> reads) {
  SmallVector<Value> outputs;
  stages.clear();
  for (const BlockReads &read : reads) {
    Stage &added = stages.emplace_back();
    added.reads = read;
    auto getColumns = [](Value value) {
      return cast<RankedTensorType>(value.getType()).getShape().back();
    };
    for (auto &[value, params] : read.inputs) {
      outputs.push_back(value);
      added.inputs.emplace_back(getColumns(value), getColumns(value));
    }
    for (auto &[param, sum] : read.residuals) {
      outputs.push_back(sum.residual);
      added.residuals.emplace_back(getColumns(sum.residual),
                                   getColumns(sum.input));
    }
  }
  hasOutput = static_cast<bool>(kept.output);
  if (hasOutput)
    outputs.push_back(kept.output);
  stage = begin = 0;
  block.reset();
  next.assign(states.size(), HostTensor());
  if (outputs.empty())
    return success();
  auto compiled = runner.compile(kept, outputs, copyParams);
  if (failed(compiled))
    return failure();
  block = std::move(*compiled);
  return success();
}

FailureOr<SmallVector<HostTensor>> Reference::run(int64_t sample) {
  auto results = runner.run(*block, sample, states[sample]);
  if (succeeded(results) && hasOutput)
    next[sample] = results->back();
  return results;
}

LogicalResult Reference::compare(int64_t sample, ArrayRef<HostTensor> now) {
  if (!block)
    return success();
  auto results = run(sample);
  if (failed(results))
    return failure();
  Stage &current = stages[stage];
  ArrayRef<HostTensor> before = ArrayRef(*results).drop_front(begin);
  ArrayRef<HostTensor> inputs = now.take_front(current.inputs.size()),
                       residuals = now.take_back(current.residuals.size());
  for (size_t i = 0; i < inputs.size(); ++i)
    current.inputs[i].addDifference(before[i], inputs[i], inputs[i]);
  // What was read is a key, not a value of the model, by now.
  for (auto [i, entry] : llvm::enumerate(current.reads.residuals)) {
    auto input = current.reads.inputs.find(entry.second.input);
    current.residuals[i].addDifference(
        before[inputs.size() + i], residuals[i],
        inputs[input - current.reads.inputs.begin()]);
  }
  return success();
}

void Reference::finishStage(Statistics &statistics) {
  Stage &current = stages[stage++];
  begin += current.inputs.size() + current.residuals.size();
  size_t input = 0;
  for (auto &[value, params] : current.reads.inputs) {
    auto mean = current.inputs[input++].getMean();
    if (!mean)
      continue;
    auto shared = std::make_shared<const Matrix<float>>(std::move(*mean));
    for (StringAttr param : params) {
      InputMismatch mismatch{shared, {}};
      auto found = current.reads.residuals.find(param);
      if (found != current.reads.residuals.end())
        if (auto residual =
                current.residuals[found - current.reads.residuals.begin()]
                    .getMean())
          mismatch.residual = std::move(*residual);
      statistics.setMismatch(param, std::move(mismatch));
    }
  }
  current.inputs.clear();
  current.residuals.clear();
}

LogicalResult Reference::finishBlock() {
  // Of a block without stages nothing was run.
  if (hasOutput)
    for (size_t sample = 0; sample < next.size(); ++sample)
      if (!next[sample].data && failed(run(sample)))
        return failure();
  states = std::move(next);
  block.reset();
  return success();
}
