//===- CompressBlock.cpp - passes on one block of a model -----------------===//

#include "CompressBlock.h"
#include "llmc/Weights/Blobs.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace llmc;

/// All that the model reads of a block.
static SmallVector<Value> getOutputs(const ModelBlock &block) {
  SmallVector<Value> outputs(block.returned);
  if (block.output && !llvm::is_contained(outputs, block.output))
    outputs.push_back(block.output);
  return outputs;
}

static void visitParams(ArrayRef<Operation *> ops,
                        function_ref<void(StringAttr)> visit) {
  for (Operation *op : ops)
    op->walk([&](WeightOp weight) { visit(weight.getParamAttr().getAttr()); });
}

llvm::DenseMap<StringAttr, unsigned>
llmc::countBlocks(ArrayRef<ModelBlock> blocks) {
  llvm::DenseMap<StringAttr, unsigned> counts;
  for (const ModelBlock &block : blocks) {
    llvm::SmallDenseSet<StringAttr> seen;
    visitParams(findNeeded(block, getOutputs(block)).getArrayRef(),
                [&](StringAttr name) {
                  if (seen.insert(name).second)
                    ++counts[name];
                });
  }
  return counts;
}

StringAttr
llmc::findSharedWeight(const ModelBlock &block,
                       const llvm::DenseMap<StringAttr, unsigned> &counts) {
  for (Operation *op : block.ops) {
    Value weight;
    if (auto linear = dyn_cast<LinearOp>(op))
      weight = linear.getWeight();
    else if (auto embedding = dyn_cast<EmbeddingOp>(op))
      weight = embedding.getWeight();
    if (!weight)
      continue;
    ModelBlock alone;
    StringAttr shared;
    visitParams(findNeeded(alone, weight).getArrayRef(), [&](StringAttr name) {
      if (counts.lookup(name) > 1)
        shared = name;
    });
    if (shared)
      return shared;
  }
  return {};
}

/// Exchanges the bytes of the block's own parameters and their views.
static void takeParams(ModuleOp model, ModuleOp part,
                       const llvm::DenseMap<StringAttr, unsigned> &counts) {
  SymbolTable symbols(model);
  for (ParamOp view : llvm::make_early_inc_range(part.getOps<ParamOp>())) {
    if (counts.lookup(view.getSymNameAttr()) != 1)
      continue;
    auto param = symbols.lookup<ParamOp>(view.getSymName());
    param->moveBefore(view);
    eraseParam(view);
  }
}

/// Moves parameters into the model; views of its own go away.
static LogicalResult
giveParams(ModuleOp model, ModuleOp part,
           const llvm::DenseMap<StringAttr, unsigned> &counts,
           Block::iterator place) {
  SymbolTable symbols(model);
  for (ParamOp param : llvm::make_early_inc_range(part.getOps<ParamOp>())) {
    if (!symbols.lookup(param.getSymName())) {
      param->moveBefore(model.getBody(), place);
      symbols.insert(param);
    } else if (counts.lookup(param.getSymNameAttr()) > 1) {
      eraseParam(param);
    } else {
      return param.emitError("'")
             << param.getSymName() << "' is a parameter of another block too";
    }
  }
  return success();
}

/// Puts the body of `part` before the block, behind all that it reads, and lets
/// the model read its results.
static void replaceBlock(func::FuncOp main, ModelBlock &block,
                         BlockModule &part) {
  auto function = part.module->lookupSymbol<func::FuncOp>("main");
  IRMapping mapping;
  for (auto [argument, value] :
       llvm::zip(function.getArguments(), part.inputs)) {
    mapping.map(argument, value);
    // Of a cache that lost heads.
    if (isa<BlockArgument>(value))
      value.setType(argument.getType());
  }
  OpBuilder builder(main.getContext());
  builder.setInsertionPoint(block.ops.front());
  SmallVector<Operation *> old(findNeeded(block, part.outputs).getArrayRef());
  block.ops.clear();
  Block &body = function.getBody().front();
  for (Operation &op : body.without_terminator())
    block.ops.push_back(builder.clone(op, mapping));
  block.returned.clear();
  for (auto [output, result] :
       llvm::zip(part.outputs, body.getTerminator()->getOperands())) {
    Value value = mapping.lookup(result);
    output.replaceAllUsesWith(value);
    if (output == block.output)
      block.output = value;
    else
      block.returned.push_back(value);
  }
  for (Operation *op : llvm::reverse(old))
    if (isOpTriviallyDead(op))
      op->erase();
  main.setFunctionType(FunctionType::get(
      main.getContext(), main.getBody().getArgumentTypes(),
      main.getBody().back().getTerminator()->getOperandTypes()));
}

LogicalResult
llmc::compressBlock(func::FuncOp main, ModelBlock &block,
                    const llvm::DenseMap<StringAttr, unsigned> &counts,
                    llvm::function_ref<ArrayAttr(Value)> describe,
                    PassManager &passes) {
  auto model = main->getParentOfType<ModuleOp>();
  BlockModule part = buildBlockModule(main, block, getOutputs(block), describe);
  takeParams(model, *part.module, counts);
  LogicalResult result = passes.run(*part.module);
  // What the passes left is put back even if they failed: the model stays
  // whole.
  if (failed(giveParams(model, *part.module, counts, main->getIterator())))
    return failure();
  replaceBlock(main, block, part);
  return result;
}
