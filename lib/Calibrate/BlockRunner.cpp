//===- BlockRunner.cpp - running one block of a model ---------------------===//

#include "BlockRunner.h"
#include "llmc/IR/ShapeAnalysis.h"

using namespace mlir;
using namespace llmc;

LogicalResult BlockRunner::noteDims(ArrayRef<ModelBlock> blocks) {
  ShapeContext shapes(main.getContext());
  if (failed(analyzeShapes(FunctionOpInterface(main), shapes)))
    return failure();
  OpBuilder builder(main.getContext());
  for (const ModelBlock &block : blocks) {
    if (!block.output)
      continue;
    // Dimensions that have no name in @main are left without one.
    SmallVector<StringRef> names;
    for (AffineExpr dim : shapes.dims(block.output)) {
      auto symbol = dyn_cast<AffineSymbolExpr>(dim);
      names.push_back(symbol ? shapes.symbolName(symbol.getPosition()) : "");
    }
    dims[block.output] = builder.getStrArrayAttr(names);
  }
  return success();
}

BlockModule BlockRunner::build(const ModelBlock &block,
                               ArrayRef<Value> outputs) {
  return buildBlockModule(main, block, outputs,
                          [&](Value value) { return getDims(value); });
}

FailureOr<CompiledBlock>
BlockRunner::compile(const ModelBlock &block, ArrayRef<Value> outputs,
                     llvm::function_ref<void(ModuleOp)> edit) {
  CompiledBlock compiled{block.getInput(), build(block, outputs), nullptr};
  edit(*compiled.part.module);
  auto executor =
      ExecutorFactory::of(main.getContext())->compile(*compiled.part.module);
  if (failed(executor))
    return failure();
  compiled.executor = std::move(*executor);
  return compiled;
}

FailureOr<SmallVector<HostTensor>> BlockRunner::run(CompiledBlock &block,
                                                    int64_t sample,
                                                    const HostTensor &state) {
  SmallVector<HostTensor> arguments;
  for (Value input : block.part.inputs) {
    if (input == block.input) {
      arguments.push_back(state);
      continue;
    }
    arguments.push_back(
        samples.get(cast<BlockArgument>(input).getArgNumber(), sample));
    // A pass may have taken heads of a cache, which is empty.
    HostTensor &tensor = arguments.back();
    auto type = cast<RankedTensorType>(input.getType());
    for (int64_t dim = 1; dim < type.getRank(); ++dim)
      if (tensor.getNumElements() == 0 && !type.isDynamicDim(dim))
        tensor.shape[dim] = type.getDimSize(dim);
  }
  auto results = block.executor->run(arguments);
  if (!results)
    return emitError(main.getLoc(), "llmc-calibrate: sample ")
           << sample << ": " << llvm::toString(results.takeError());
  return std::move(*results);
}

LogicalResult BlockRunner::run(
    CompiledBlock &block, ArrayRef<HostTensor> states,
    llvm::function_ref<LogicalResult(int64_t, ArrayRef<HostTensor>)> visit) {
  for (int64_t sample = 0; sample < samples.size(); ++sample) {
    auto results = run(block, sample, states[sample]);
    if (failed(results) || failed(visit(sample, *results)))
      return failure();
  }
  return success();
}
