//===- WeightUses.cpp - the parameters that passes compress ---------------===//

#include "llmc/Compress/WeightUses.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/Regex.h"

using namespace mlir;
using namespace llmc;

int64_t llmc::getChosenBits(ParamOp param, int64_t standard) {
  auto bits = param->getAttrOfType<IntegerAttr>(bitsAttrName);
  return bits ? bits.getInt() : standard;
}

double llmc::getChosenSparsity(ParamOp param, double standard) {
  auto sparsity = param->getAttrOfType<FloatAttr>(sparsityAttrName);
  return sparsity ? sparsity.getValueAsDouble() : standard;
}

static bool isKept(ParamOp param) { return param->hasAttr(keptAttrName); }

bool UsedWeight::isOnly(WeightKinds kinds) const {
  return !otherUser && (kinds != WeightKinds::Linear || !inEmbedding) &&
         (kinds != WeightKinds::Embedding || !inLinear);
}

bool UsedWeight::isAny(WeightKinds kinds) const {
  return kinds == WeightKinds::All ||
         (kinds == WeightKinds::Linear ? inLinear : inEmbedding);
}

std::string UsedWeight::getObstacle(WeightKinds kinds, StringRef verb) const {
  if (otherUser)
    return ("'" + otherUser->getName().getStringRef() + "' reads it too").str();
  if (isOnly(kinds))
    return {};
  return (Twine("it is tied to ") +
          (kinds == WeightKinds::Linear ? "an embedding" : "a linear") + "; " +
          verb + " both with what=all")
      .str();
}

ParamOp llmc::findParam(Value weight) {
  while (Operation *op = weight.getDefiningOp()) {
    if (auto load = dyn_cast<WeightOp>(op))
      return SymbolTable::lookupNearestSymbolFrom<ParamOp>(load,
                                                           load.getParamAttr());
    if (op->getNumOperands() == 0)
      break;
    weight = op->getOperand(0);
  }
  return {};
}

void llmc::findComputedWeights(
    ModuleOp module, WeightKinds kinds,
    llvm::function_ref<void(Operation *, Value, const Twine &)> report) {
  auto check = [&](Operation *op, Value weight) {
    Operation *source = weight.getDefiningOp();
    if (auto transpose = dyn_cast_or_null<TransposeOp>(source))
      source = transpose.getOperand().getDefiningOp();
    if (isa_and_nonnull<WeightOpInterface>(source))
      return;
    if (ParamOp param = findParam(weight); param && isKept(param))
      return;
    if (!source)
      return report(op, weight, "an argument, not a parameter");
    report(op, weight,
           "computed by '" + source->getName().getStringRef() +
               "', not a parameter");
  };
  module.walk([&](Operation *op) {
    if (auto linear = dyn_cast<LinearOp>(op);
        linear && kinds != WeightKinds::Embedding)
      check(op, linear.getWeight());
    if (auto embedding = dyn_cast<EmbeddingOp>(op);
        embedding && kinds != WeightKinds::Linear)
      check(op, embedding.getWeight());
  });
}

LogicalResult llmc::verifySkip(MLIRContext *context, StringRef pass,
                               StringRef skip) {
  std::string problem;
  if (skip.empty() || llvm::Regex(skip).isValid(problem))
    return success();
  return emitError(UnknownLoc::get(context))
         << pass << ": skip is not a regular expression: " << problem;
}

static bool isMatrixTranspose(Operation *op) {
  auto transpose = dyn_cast<TransposeOp>(op);
  return transpose && transpose.getPerm() == ArrayRef<int64_t>{1, 0};
}

/// Notes how `use` reads the weight, where it reads it as one.
static bool noteUse(OpOperand &use, UsedWeight &weight) {
  if (auto linear = dyn_cast<LinearOp>(use.getOwner()))
    if (&use == &linear.getWeightMutable())
      return weight.inLinear = true;
  if (auto embedding = dyn_cast<EmbeddingOp>(use.getOwner()))
    if (&use == &embedding.getWeightMutable())
      return weight.inEmbedding = true;
  return false;
}

/// Tries to see `values` as the [out, in] form of the weight.
static void noteUses(UsedWeight &weight) {
  weight.inLinear = weight.inEmbedding = false;
  weight.otherUser = nullptr;
  for (Value value : weight.values)
    for (OpOperand &use : value.getUses())
      if (!noteUse(use, weight) && !weight.otherUser)
        weight.otherUser = use.getOwner();
}

SmallVector<UsedWeight> llmc::collectUsedWeights(ModuleOp module) {
  llvm::MapVector<StringAttr, SmallVector<WeightOp>> loads;
  llvm::DenseSet<StringAttr> kept;
  for (ParamOp param : module.getOps<ParamOp>()) {
    if (isKept(param))
      kept.insert(param.getSymNameAttr());
    else
      loads[param.getSymNameAttr()];
  }
  module.walk([&](WeightOp op) {
    if (op.use_empty())
      op.erase();
    else if (!kept.contains(op.getParamAttr().getAttr()))
      loads[op.getParamAttr().getAttr()].push_back(op);
  });
  SmallVector<UsedWeight> weights;
  SymbolTable symbols(module);
  for (auto &[name, ops] : loads) {
    UsedWeight weight;
    weight.param = symbols.lookup<ParamOp>(name);
    bool allTransposed = true;
    for (WeightOp op : ops)
      allTransposed &= llvm::all_of(op->getUsers(), isMatrixTranspose);
    for (WeightOp op : ops) {
      if (!allTransposed)
        weight.values.push_back(op);
      else
        for (Operation *user : op->getUsers())
          weight.values.push_back(user->getResult(0));
    }
    weight.transposed = allTransposed;
    noteUses(weight);
    if (weight.inLinear || weight.inEmbedding)
      weights.push_back(std::move(weight));
  }
  return weights;
}

/// Whether both make the same weight of the same parameters.
static bool areAlike(Operation *first, Operation *second) {
  auto getParam = [](Value operand) {
    return operand.getDefiningOp<WeightOp>().getParamAttr();
  };
  return first->getName() == second->getName() &&
         first->getAttrDictionary() == second->getAttrDictionary() &&
         llvm::equal(llvm::map_range(first->getOperands(), getParam),
                     llvm::map_range(second->getOperands(), getParam));
}

SmallVector<UsedWeight> llmc::collectPrunedWeights(ModuleOp module) {
  llvm::MapVector<StringAttr, UsedWeight> byParam;
  module.walk([&](Operation *op) {
    auto areLoads = [&] {
      return llvm::all_of(op->getOperands(), [](Value operand) {
        return bool(operand.getDefiningOp<WeightOp>());
      });
    };
    if (!isa<DensifyOp, DensifyBitmapOp>(op) || !areLoads())
      return;
    auto load = op->getOperand(0).getDefiningOp<WeightOp>();
    if (!isa<FloatType>(load.getType().getElementType()))
      return;
    UsedWeight &weight = byParam[load.getParamAttr().getAttr()];
    weight.values.push_back(op->getResult(0));
  });
  llvm::DenseMap<StringAttr, Operation *> otherUsers;
  module.walk([&](WeightOp load) {
    StringAttr name = load.getParamAttr().getAttr();
    auto found = byParam.find(name);
    if (found == byParam.end())
      return;
    Operation *first = found->second.values.front().getDefiningOp();
    for (OpOperand &use : load->getUses())
      if (Operation *user = use.getOwner();
          use.getOperandNumber() != 0 || user->getNumResults() != 1 ||
          !llvm::is_contained(found->second.values, user->getResult(0)) ||
          !areAlike(first, user))
        otherUsers.try_emplace(name, user);
  });
  SmallVector<UsedWeight> weights;
  SymbolTable symbols(module);
  for (auto &[name, weight] : byParam) {
    weight.param = symbols.lookup<ParamOp>(name);
    noteUses(weight);
    if (Operation *user = otherUsers.lookup(name))
      weight.otherUser = user;
    if (weight.inLinear || weight.inEmbedding)
      weights.push_back(std::move(weight));
  }
  return weights;
}

void llmc::replaceWeight(
    const UsedWeight &weight,
    llvm::function_ref<Value(OpBuilder &, Location)> rewrite) {
  llvm::MapVector<Operation *, Value> replacements;
  for (Value value : weight.values) {
    Operation *load = value.getDefiningOp();
    Operation *transpose = nullptr;
    if (weight.transposed) {
      transpose = load;
      load = transpose->getOperand(0).getDefiningOp();
    }
    Value &replacement = replacements[load];
    if (!replacement) {
      OpBuilder builder(load);
      replacement = rewrite(builder, load->getLoc());
    }
    value.replaceAllUsesWith(replacement);
    if (transpose)
      transpose->erase();
  }
  for (auto &[load, replacement] : replacements)
    load->erase();
}
