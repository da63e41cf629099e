//===- Blocks.cpp - the parts that a model is a chain of ------------------===//

#include "llmc/Calibrate/Blocks.h"
#include "llmc/Weights/Blobs.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace llmc;

/// Calls `visit` for each value from outside that `op` or an op in its regions
/// reads.
static void visitOperands(Operation *op, function_ref<void(Value)> visit) {
  op->walk([&](Operation *inner) {
    for (Value operand : inner->getOperands()) {
      Operation *owner = operand.getParentBlock()->getParentOp();
      if (inner == op || !op->isAncestor(owner))
        visit(operand);
    }
  });
}

SmallVector<ModelBlock> llmc::findBlocks(func::FuncOp main) {
  Block &body = main.getBody().front();
  Operation *last = body.getTerminator();
  // What linears and embeddings compute, with the last op that reads it.
  llvm::SetVector<Value> computed;
  llvm::DenseMap<Value, Operation *> lastUse;
  SmallVector<Operation *> ops;
  for (Operation &op : body.without_terminator()) {
    bool isComputed = isa<LinearOp, EmbeddingOp>(op);
    visitOperands(&op, [&](Value value) {
      if (!computed.contains(value))
        return;
      isComputed = true;
      lastUse[value] = &op;
    });
    if (!isComputed)
      continue;
    ops.push_back(&op);
    computed.insert(op.result_begin(), op.result_end());
  }
  llvm::SmallDenseSet<Value> returned(last->operand_begin(),
                                      last->operand_end());

  SmallVector<ModelBlock> blocks(1);
  llvm::SetVector<Value> live;
  bool hasWeight = false;
  for (Operation *op : ops) {
    ModelBlock &block = blocks.back();
    block.ops.push_back(op);
    hasWeight |= isa<LinearOp, EmbeddingOp>(op);
    live.remove_if([&](Value value) { return lastUse.lookup(value) == op; });
    for (Value result : op->getResults()) {
      if (returned.contains(result))
        block.returned.push_back(result);
      if (lastUse.contains(result))
        live.insert(result);
    }
    if (!hasWeight || live.size() != 1)
      continue;
    block.output = live.front();
    blocks.emplace_back();
    blocks.back().inputs = {live.front()};
    hasWeight = false;
  }
  return blocks;
}

SmallVector<ModelBlock> llmc::findStages(const ModelBlock &block) {
  // How many linears are on the longest way to an op.
  llvm::DenseMap<Operation *, unsigned> depths;
  unsigned deepest = 0;
  for (Operation *op : block.ops) {
    unsigned depth = 0;
    visitOperands(op, [&](Value operand) {
      Operation *before = operand.getDefiningOp();
      if (auto found = depths.find(before); found != depths.end())
        depth = std::max(depth, found->second + isa<LinearOp>(before));
    });
    depths[op] = depth;
    if (isa<LinearOp>(op))
      deepest = std::max(deepest, depth);
  }
  SmallVector<ModelBlock> stages(deepest + 1);
  auto getStage = [&](Operation *op) {
    return std::min(depths.lookup(op), deepest);
  };
  for (Operation *op : block.ops)
    stages[getStage(op)].ops.push_back(op);
  for (auto [number, stage] : llvm::enumerate(stages)) {
    auto isOutside = [&, number = number](Operation *op) {
      return !depths.contains(op) || getStage(op) != number;
    };
    llvm::SetVector<Value> inputs;
    for (Operation *op : stage.ops) {
      visitOperands(op, [&](Value operand) {
        Operation *before = operand.getDefiningOp();
        if (llvm::is_contained(block.inputs, operand) ||
            (before && depths.contains(before) && isOutside(before)))
          inputs.insert(operand);
      });
      for (Value result : op->getResults())
        if (llvm::any_of(result.getUsers(), [&](Operation *user) {
              return isOutside(op->getBlock()->findAncestorOpInBlock(*user));
            }))
          stage.returned.push_back(result);
    }
    stage.inputs.assign(inputs.begin(), inputs.end());
  }
  return stages;
}

llvm::SetVector<Operation *> llmc::findNeeded(const ModelBlock &block,
                                              ArrayRef<Value> outputs) {
  llvm::SetVector<Operation *> needed;
  SmallVector<Value> worklist(outputs);
  while (!worklist.empty()) {
    Value value = worklist.pop_back_val();
    Operation *op = value.getDefiningOp();
    if (!op || llvm::is_contained(block.inputs, value) || !needed.insert(op))
      continue;
    visitOperands(op, [&](Value operand) { worklist.push_back(operand); });
  }
  SmallVector<Operation *> sorted(needed.getArrayRef());
  llvm::sort(sorted,
             [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  return {sorted.begin(), sorted.end()};
}

StringAttr llmc::findFirstParam(Value weight) {
  // In the order of operands: loads may come in any order, and values of a
  // weight come before scales and places of them.
  SmallVector<Value> worklist{weight};
  llvm::SmallDenseSet<Operation *> seen;
  while (!worklist.empty()) {
    Operation *op = worklist.pop_back_val().getDefiningOp();
    if (!op || !seen.insert(op).second)
      continue;
    if (auto load = dyn_cast<WeightOp>(op))
      return load.getParamAttr().getAttr();
    size_t first = worklist.size();
    visitOperands(op, [&](Value operand) { worklist.push_back(operand); });
    std::reverse(worklist.begin() + first, worklist.end());
  }
  return {};
}

bool llmc::isToBeRemoved(const ModelBlock &block) {
  bool hasLinear = false;
  for (Operation *op : block.ops)
    if (auto linear = dyn_cast<LinearOp>(op)) {
      StringAttr name = findFirstParam(linear.getWeight());
      auto model = linear->getParentOfType<ModuleOp>();
      if (!name || !model.lookupSymbol(name)->hasAttr(removedAttr))
        return false;
      hasLinear = true;
    }
  return hasLinear;
}

StringAttr llmc::findQueryParam(AttentionOp attention) {
  SmallVector<Value> queue{attention.getQuery()};
  llvm::SmallDenseSet<Value> seen;
  for (size_t next = 0; next < queue.size(); ++next) {
    Operation *op = queue[next].getDefiningOp();
    if (!op || !seen.insert(queue[next]).second)
      continue;
    if (auto linear = dyn_cast<LinearOp>(op))
      return findFirstParam(linear.getWeight());
    queue.append(op->operand_begin(), op->operand_end());
  }
  return {};
}

/// A parameter of the same name and type over the same bytes.
static ParamOp createView(OpBuilder &builder, ParamOp param) {
  auto view = cast<ParamOp>(builder.clone(*param));
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(param.getValue())) {
    view.setValueAttr(makeResource(
        param.getType(), param.getSymName(),
        makeBlob(getBytes(resource), 1, std::shared_ptr<const void>())));
  }
  return view;
}

BlockModule
llmc::buildBlockModule(func::FuncOp main, const ModelBlock &block,
                       ArrayRef<Value> outputs,
                       llvm::function_ref<ArrayAttr(Value)> describe) {
  auto model = main->getParentOfType<ModuleOp>();
  llvm::SetVector<Operation *> needed = findNeeded(block, outputs);

  BlockModule result;
  result.module = ModuleOp::create(model.getLoc());
  (*result.module)->setAttr(blockAttr, UnitAttr::get(main.getContext()));
  result.outputs.assign(outputs.begin(), outputs.end());
  // In the order of @main, the block's own inputs first.
  llvm::SmallDenseSet<Value> read(outputs.begin(), outputs.end());
  for (Operation *op : needed)
    visitOperands(op, [&](Value value) { read.insert(value); });
  for (Value input : block.inputs)
    if (read.contains(input))
      result.inputs.push_back(input);
  for (Value argument : main.getArguments())
    if (read.contains(argument))
      result.inputs.push_back(argument);

  OpBuilder builder = OpBuilder::atBlockEnd(result.module->getBody());
  SymbolTable symbols(model);
  llvm::SmallDenseSet<StringAttr> added;
  auto add = [&](WeightOp weight) {
    StringAttr name = weight.getParamAttr().getAttr();
    if (added.insert(name).second)
      createView(builder, symbols.lookup<ParamOp>(name));
  };
  for (Operation *op : needed)
    op->walk(add);

  auto function = func::FuncOp::create(
      builder, main.getLoc(), "main",
      builder.getFunctionType(TypeRange(ValueRange(result.inputs)),
                              TypeRange(ValueRange(outputs))));
  Block *body = function.addEntryBlock();
  IRMapping mapping;
  for (auto [index, value] : llvm::enumerate(result.inputs)) {
    mapping.map(value, body->getArgument(index));
    if (auto argument = dyn_cast<BlockArgument>(value);
        argument && argument.getOwner() == &main.getBody().front()) {
      if (DictionaryAttr attributes =
              main.getArgAttrDict(argument.getArgNumber()))
        function.setArgAttrs(index, attributes);
      continue;
    }
    std::string name = "block.input";
    if (index > 0)
      name += "." + std::to_string(index);
    function.setArgAttr(index, nameAttr, builder.getStringAttr(name));
    if (ArrayAttr dims = describe(value))
      function.setArgAttr(index, dimsAttr, dims);
  }
  builder.setInsertionPointToStart(body);
  for (Operation *op : needed)
    builder.clone(*op, mapping);
  SmallVector<Value> returned;
  for (Value output : outputs)
    returned.push_back(mapping.lookup(output));
  func::ReturnOp::create(builder, main.getLoc(), returned);
  return result;
}
