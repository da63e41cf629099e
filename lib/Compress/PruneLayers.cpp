//===- PruneLayers.cpp - a model without some of its layers ---------------===//

#include "llmc/Calibrate/Blocks.h"
#include "llmc/Calibrate/Statistics.h"
#include "llmc/Compress/Passes.h"
#include "llmc/Lift/KVCache.h"
#include "llmc/Weights/Blobs.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Remarks.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"
#include "llvm/ADT/SetOperations.h"
#include "llvm/ADT/StringExtras.h"
#include <cmath>
#include <map>
#include <set>

namespace llmc {
#define GEN_PASS_DEF_PRUNELAYERS
#include "llmc/Compress/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

/// The parameters of a block's linears.
static llvm::SetVector<StringRef> getLinearParams(const ModelBlock &block) {
  llvm::SetVector<StringRef> params;
  for (Operation *op : block.ops)
    if (auto linear = dyn_cast<LinearOp>(op))
      if (StringAttr param = findFirstParam(linear.getWeight()))
        params.insert(param);
  return params;
}

/// What may be removed: blocks one after the other.
namespace {
struct Layer {
  SmallVector<ModelBlock> blocks;
  /// Of the statistics of each.
  SmallVector<size_t> statistics;

  Value getInput() const { return blocks.front().getInput(); }
  Value getOutput() const { return blocks.back().output; }
  /// The parameters of its linears.
  llvm::SetVector<StringRef> getParams() const {
    llvm::SetVector<StringRef> params;
    for (const ModelBlock &block : blocks)
      params.insert_range(getLinearParams(block));
    return params;
  }
  /// The name of its first weight.
  StringRef getName() const {
    llvm::SetVector<StringRef> params = getParams();
    return params.empty() ? StringRef() : params.front();
  }
};

struct PruneLayers : llmc::impl::PruneLayersBase<PruneLayers> {
  using PruneLayersBase::PruneLayersBase;

  LogicalResult initialize(MLIRContext *context) override;
  void runOnOperation() override;

private:
  InFlightDiagnostic complain(Operation *op) {
    complained = true;
    return strict ? op->emitError() : op->emitRemark();
  }
  /// Cuts the model into what may be removed.
  void findLayers();
  void findStatistics();
  /// Block influence; negative if it is not known.
  double getInfluence(const Layer &layer);
  SmallVector<size_t> choose();
  void keep(const Layer &layer, Operation *op, const Twine &reason);
  /// Takes those out of `chosen` that have to stay, and says why.
  void keepReturned(SmallVectorImpl<size_t> &chosen);
  void keepAsked(SmallVectorImpl<size_t> &chosen);
  /// Takes those out of `chosen` that share weights with others, and says so.
  void keepShared(SmallVectorImpl<size_t> &chosen);
  void mark(ArrayRef<size_t> chosen);
  /// The caches of these layers, and the others.
  std::pair<SmallVector<KVCache>, SmallVector<KVCache>>
  splitCaches(ArrayRef<size_t> chosen);
  void remove(ArrayRef<size_t> chosen);
  void eraseOps(ArrayRef<size_t> chosen);
  void renumberCaches();

  func::FuncOp main;
  std::vector<Layer> layers;
  bool complained = false;
};
} // namespace

LogicalResult PruneLayers::initialize(MLIRContext *context) {
  auto fail = [&](const Twine &problem) {
    return emitError(UnknownLoc::get(context))
           << getArgument() << ": " << problem;
  };
  if (count < 0 || keepFirst < 0 || keepLast < 0)
    return fail("numbers of layers cannot be negative");
  if (!(ratio > 0 && ratio < 1))
    return fail("ratio must be between 0 and 1");
  return success();
}

void PruneLayers::findLayers() {
  layers.clear();
  bool inside = false;
  for (ModelBlock &block : findBlocks(main)) {
    bool hasLinear = llvm::any_of(
        block.ops, [](Operation *op) { return isa<LinearOp>(op); });
    bool begins =
        unit == LayerUnit::Block || llvm::any_of(block.ops, [](Operation *op) {
          return isa<AttentionOp>(op);
        });
    bool fits = hasLinear && block.getInput() && block.output &&
                block.getInput().getType() == block.output.getType();
    if (!fits) {
      inside = false;
      continue;
    }
    if (begins)
      layers.emplace_back();
    inside |= begins;
    if (inside)
      layers.back().blocks.push_back(std::move(block));
  }
}

void PruneLayers::findStatistics() {
  const std::vector<BlockStatistics> &known =
      Statistics::of(&getContext()).blocks;
  // Blocks that share their weights are told apart by their order.
  size_t next = 0;
  for (Layer &layer : layers)
    for (ModelBlock &block : layer.blocks) {
      llvm::SetVector<StringRef> names = getLinearParams(block);
      size_t found = next;
      while (found < known.size() && !llvm::any_of(
                                         known[found].params,
                                         [&](const std::string &param) {
                                           return names.contains(param);
                                         }))
        ++found;
      layer.statistics.push_back(found);
      if (found < known.size())
        next = found + 1;
    }
}

double PruneLayers::getInfluence(const Layer &layer) {
  const std::vector<BlockStatistics> &known =
      Statistics::of(&getContext()).blocks;
  double sum = 0;
  for (size_t index : layer.statistics) {
    if (index >= known.size() || known[index].influence < 0)
      return -1;
    sum += known[index].influence;
  }
  size_t last = layer.statistics.back();
  if (layer.statistics.size() == 2 && layer.statistics.front() + 1 == last &&
      known[last].pairInfluence >= 0)
    return known[last].pairInfluence;
  return sum;
}

SmallVector<size_t> PruneLayers::choose() {
  SmallVector<size_t> chosen;
  findStatistics();
  if (step == LayerStep::Remove) {
    bool anyMarked = false;
    for (auto [index, layer] : llvm::enumerate(layers)) {
      if (llvm::all_of(layer.blocks, isToBeRemoved))
        chosen.push_back(index);
      else if (llvm::any_of(layer.blocks, isToBeRemoved))
        keep(layer, main,
             "only some of its blocks are marked; give unit=block");
      else
        continue;
      anyMarked = true;
    }
    if (!anyMarked)
      complain(main) << getArgument() << ": no layer is marked; run this pass "
                     << "with step=mark first";
    return chosen;
  }
  if (!numbers.empty()) {
    for (int64_t number : numbers) {
      if (number < 0 || number >= int64_t(layers.size()))
        complain(main) << getArgument() << ": there is no layer " << number
                       << "; there are " << layers.size();
      else if (!llvm::is_contained(chosen, size_t(number)))
        chosen.push_back(number);
    }
    llvm::sort(chosen);
    return chosen;
  }
  std::vector<std::pair<double, size_t>> order;
  for (size_t i = keepFirst; i + keepLast < layers.size(); ++i) {
    double influence = getInfluence(layers[i]);
    if (influence < 0) {
      complain(main) << getArgument() << ": no statistics of the blocks; run "
                     << "llmc-calibrate first, or name the layers";
      return {};
    }
    order.push_back({influence, i});
  }
  llvm::sort(order);
  size_t wanted = count ? size_t(count) : std::llround(ratio * layers.size());
  if (wanted > order.size()) {
    complain(main) << getArgument() << ": removes " << order.size()
                   << " of the " << wanted << " that were asked for; of "
                   << layers.size() << " it keeps the first " << keepFirst
                   << " and the last " << keepLast;
    wanted = order.size();
  }
  for (auto &[influence, index] : ArrayRef(order).take_front(wanted))
    chosen.push_back(index);
  llvm::sort(chosen);
  return chosen;
}

void PruneLayers::keep(const Layer &layer, Operation *op, const Twine &reason) {
  ++numSkipped;
  complain(op) << "the " << (unit == LayerUnit::Layer ? "layer" : "block")
               << " of '" << layer.getName() << "' is not removed: " << reason;
}

void PruneLayers::keepReturned(SmallVectorImpl<size_t> &chosen) {
  SmallVector<KVCache> caches = findKVCaches(main);
  Operation *terminator = main.getBody().front().getTerminator();
  llvm::erase_if(chosen, [&](size_t index) {
    for (const ModelBlock &block : layers[index].blocks)
      for (Value value : block.returned)
        for (OpOperand &use : value.getUses()) {
          bool isCache = llvm::any_of(caches, [&](const KVCache &cache) {
            return cache.result == use.getOperandNumber();
          });
          if (use.getOwner() != terminator || isCache)
            continue;
          keep(layers[index], value.getDefiningOp(),
               "the model returns this result of it");
          return true;
        }
    return false;
  });
}

std::pair<SmallVector<KVCache>, SmallVector<KVCache>>
PruneLayers::splitCaches(ArrayRef<size_t> chosen) {
  llvm::SmallDenseSet<Operation *> ops;
  for (size_t index : chosen)
    for (const ModelBlock &block : layers[index].blocks)
      ops.insert(block.ops.begin(), block.ops.end());
  SmallVector<KVCache> gone, kept;
  for (const KVCache &cache : findKVCaches(main))
    (ops.contains(cache.append) ? gone : kept).push_back(cache);
  return {gone, kept};
}

/// A cache that has the sizes which `shape` asks of another one.
static const KVCache *findEqual(ShapeOp shape, ArrayRef<KVCache> caches,
                                func::FuncOp main) {
  auto getDims = [&](Value argument) {
    return main.getArgAttrOfType<ArrayAttr>(
        cast<BlockArgument>(argument).getArgNumber(), dimsAttr);
  };
  Value past = shape.getOperand();
  ArrayAttr names = getDims(past);
  auto *found = llvm::find_if(caches, [&](const KVCache &cache) {
    ArrayAttr otherNames = getDims(cache.past);
    for (int64_t axis = shape.getStart(); axis < int64_t(shape.getEnd());
         ++axis) {
      auto type = cast<RankedTensorType>(past.getType()),
           otherType = cast<RankedTensorType>(cache.past.getType());
      if (type.getDimSize(axis) != otherType.getDimSize(axis))
        return false;
      if (!type.isDynamicDim(axis))
        continue;
      auto name = names ? dyn_cast<StringAttr>(names[axis]) : StringAttr();
      if (!name || name.empty() || !otherNames || otherNames[axis] != name)
        return false;
    }
    return true;
  });
  return found == caches.end() ? nullptr : found;
}

static SmallVector<ShapeOp> getShapes(Value past) {
  SmallVector<ShapeOp> shapes;
  for (Operation *user : past.getUsers())
    if (auto shape = dyn_cast<ShapeOp>(user))
      shapes.push_back(shape);
  return shapes;
}

void PruneLayers::keepAsked(SmallVectorImpl<size_t> &chosen) {
  // Each that stays may be what another one needs.
  for (bool changed = true; changed;) {
    changed = false;
    auto [gone, kept] = splitCaches(chosen);
    for (const KVCache &cache : gone)
      for (ShapeOp shape : getShapes(cache.past)) {
        if (changed || findEqual(shape, kept, main))
          continue;
        auto *index = llvm::find_if(chosen, [&](size_t index) {
          return llvm::any_of(layers[index].blocks, [&](ModelBlock &block) {
            return llvm::is_contained(block.ops, cache.append);
          });
        });
        keep(layers[*index], shape,
             "no other cache has the size that is asked of its cache here");
        chosen.erase(index);
        changed = true;
      }
  }
}

void PruneLayers::keepShared(SmallVectorImpl<size_t> &chosen) {
  llvm::StringMap<llvm::SmallDenseSet<Operation *>> readers;
  main.walk([&](Operation *op) {
    if (!isa<LinearOp, EmbeddingOp>(op))
      return;
    Value weight = isa<LinearOp>(op) ? cast<LinearOp>(op).getWeight()
                                     : cast<EmbeddingOp>(op).getWeight();
    if (StringAttr param = findFirstParam(weight))
      readers[param].insert(op);
  });
  llvm::erase_if(chosen, [&](size_t index) {
    llvm::SmallDenseSet<Operation *> own;
    for (const ModelBlock &block : layers[index].blocks)
      own.insert(block.ops.begin(), block.ops.end());
    for (StringRef param : layers[index].getParams())
      if (!llvm::set_is_subset(readers[param], own)) {
        keep(layers[index], main,
             "its weight '" + param + "' is read elsewhere too");
        return true;
      }
    return false;
  });
}

void PruneLayers::mark(ArrayRef<size_t> chosen) {
  SymbolTable symbols(getOperation());
  for (size_t index : chosen)
    for (StringRef param : layers[index].getParams())
      symbols.lookup(param)->setAttr(removedAttr, UnitAttr::get(&getContext()));
  numMarked += chosen.size();
}

void PruneLayers::eraseOps(ArrayRef<size_t> chosen) {
  // The later one first: it reads the result of the one before.
  for (size_t index : llvm::reverse(chosen)) {
    Layer &layer = layers[index];
    layer.getOutput().replaceAllUsesWith(layer.getInput());
    for (ModelBlock &block : llvm::reverse(layer.blocks))
      for (Operation *op : llvm::reverse(block.ops))
        op->erase();
  }
  for (Operation &op :
       llvm::make_early_inc_range(llvm::reverse(main.getBody().front())))
    if (isOpTriviallyDead(&op))
      op.erase();
}

void PruneLayers::remove(ArrayRef<size_t> chosen) {
  auto [gone, kept] = splitCaches(chosen);
  llvm::BitVector results(main.getNumResults()),
      arguments(main.getNumArguments());
  for (const KVCache &cache : gone) {
    for (ShapeOp shape : getShapes(cache.past))
      shape.getOperandMutable().assign(findEqual(shape, kept, main)->past);
    results.set(cache.result);
    arguments.set(cache.past.getArgNumber());
  }
  main.getBody().front().getTerminator()->eraseOperands(results);

  struct Removed {
    std::string name;
    Location location;
    size_t number;
    double influence;
  };
  std::vector<Removed> removed;
  for (size_t index : chosen)
    removed.push_back({layers[index].getName().str(),
                       layers[index].getOutput().getLoc(), index,
                       getInfluence(layers[index])});
  std::vector<BlockStatistics> &blocks = Statistics::of(&getContext()).blocks;
  for (size_t index : llvm::reverse(chosen))
    for (size_t entry : llvm::reverse(layers[index].statistics))
      if (entry < blocks.size()) {
        blocks.erase(blocks.begin() + entry);
        // What is behind it now has something else before it.
        if (entry < blocks.size() && unit == LayerUnit::Block)
          blocks[entry].pairInfluence = -1;
      }
  eraseOps(chosen);
  (void)main.eraseArguments(arguments);
  (void)main.eraseResults(results);

  llvm::StringMap<int64_t> bytes;
  for (ParamOp param : getOperation().getOps<ParamOp>())
    bytes[param.getSymName()] = getByteSize(param.getType()).value_or(0);
  int64_t before = 0, after = 0;
  for (auto &entry : bytes)
    before += entry.second;
  eraseUnusedParams(getOperation());
  for (ParamOp param : getOperation().getOps<ParamOp>()) {
    after += bytes[param.getSymName()];
    bytes.erase(param.getSymName());
  }
  for (auto &entry : bytes)
    Statistics::of(&getContext()).erase(entry.first());
  numRemoved += chosen.size();
  using mlir::remark::metric;
  for (const Removed &layer : removed)
    mlir::remark::passed(
        layer.location,
        mlir::remark::RemarkOpts::name(getArgument()).category(compressRemarks))
        << metric("param", layer.name) << metric("removed", "layer")
        << metric("layer", int64_t(layer.number))
        << metric("influence", layer.influence)
        << metric("bytes_before", (before - after) / int64_t(removed.size()))
        << metric("bytes_after", int64_t(0));
}

/// The runs of digits in a name: where each begins and ends.
static SmallVector<std::pair<size_t, size_t>> findNumbers(StringRef name) {
  SmallVector<std::pair<size_t, size_t>> numbers;
  for (size_t i = 0; i < name.size(); ++i) {
    if (!llvm::isDigit(name[i]))
      continue;
    size_t begin = i;
    while (i < name.size() && llvm::isDigit(name[i]))
      ++i;
    numbers.push_back({begin, i});
  }
  return numbers;
}

void PruneLayers::renumberCaches() {
  SmallVector<KVCache> caches = findKVCaches(main);
  // The number in which the names of the caches differ.
  auto getName = [](DictionaryAttr attributes) {
    auto name =
        attributes ? attributes.getAs<StringAttr>(nameAttr) : StringAttr();
    return name ? name.getValue() : StringRef();
  };
  std::map<size_t, std::set<uint64_t>> seen;
  auto visit = [&](StringRef name) {
    for (auto [place, range] : llvm::enumerate(findNumbers(name))) {
      uint64_t number;
      if (!name.slice(range.first, range.second).getAsInteger(10, number))
        seen[place].insert(number);
    }
  };
  for (const KVCache &cache : caches)
    visit(getName(main.getArgAttrDict(cache.past.getArgNumber())));
  if (seen.empty())
    return;
  auto layer = llvm::max_element(
      seen, [](auto &a, auto &b) { return a.second.size() < b.second.size(); });
  auto rename = [&](StringRef name) {
    auto numbers = findNumbers(name);
    uint64_t number;
    if (layer->first >= numbers.size())
      return name.str();
    auto [begin, end] = numbers[layer->first];
    if (name.slice(begin, end).getAsInteger(10, number))
      return name.str();
    auto place =
        std::distance(layer->second.begin(), layer->second.lower_bound(number));
    return (name.take_front(begin) + Twine(place) + name.drop_front(end)).str();
  };
  Builder b(&getContext());
  for (const KVCache &cache : caches) {
    unsigned argument = cache.past.getArgNumber();
    if (StringRef name = getName(main.getArgAttrDict(argument)); !name.empty())
      main.setArgAttr(argument, nameAttr, b.getStringAttr(rename(name)));
    if (StringRef name = getName(main.getResultAttrDict(cache.result));
        !name.empty())
      main.setResultAttr(cache.result, nameAttr, b.getStringAttr(rename(name)));
  }
}

void PruneLayers::runOnOperation() {
  complained = false;
  main = getOperation().lookupSymbol<func::FuncOp>("main");
  layers.clear();
  if (main && !main.isExternal() && llvm::hasSingleElement(main.getBody()))
    findLayers();
  if (layers.empty()) {
    complain(getOperation())
        << getArgument()
        << ": found no layers that hand on what they are given; run llmc-lift "
           "first";
  } else {
    SmallVector<size_t> chosen = choose();
    keepReturned(chosen);
    keepAsked(chosen);
    if (step == LayerStep::Mark) {
      keepShared(chosen);
      mark(chosen);
    } else if (!chosen.empty()) {
      remove(chosen);
      if (renumber)
        renumberCaches();
    }
  }
  if (complained && strict)
    signalPassFailure();
}
