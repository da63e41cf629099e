//===- UnitGroup.cpp - what is removed from a model together --------------===//

#include "UnitGroup.h"
#include "llmc/Weights/FloatFormat.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace llmc;

ModelUses::ModelUses(ModuleOp module) : module(module) {
  module.walk(
      [&](WeightOp op) { loads[op.getParamAttr().getAttr()].push_back(op); });
  main = module.lookupSymbol<func::FuncOp>("main");
  if (main && !main.isExternal())
    caches = findKVCaches(main);
}

std::optional<MatrixParam> llmc::getMatrixParam(Value value) {
  MatrixParam matrix;
  while (Operation *op = value.getDefiningOp()) {
    if (auto load = dyn_cast<WeightOp>(op)) {
      matrix.param = SymbolTable::lookupNearestSymbolFrom<ParamOp>(
          load, load.getParamAttr());
      if (!matrix.param || matrix.param.getType().getRank() != 2 ||
          !getFloatFormat(matrix.param.getType().getElementType()))
        return std::nullopt;
      return matrix;
    }
    if (auto transpose = dyn_cast<TransposeOp>(op)) {
      if (transpose.getPerm() != ArrayRef<int64_t>{1, 0})
        return std::nullopt;
      matrix.transposed = !matrix.transposed;
    } else if (!isa<CastOp>(op)) {
      return std::nullopt;
    }
    value = op->getOperand(0);
  }
  return std::nullopt;
}

static int64_t getRank(Value value) {
  return cast<RankedTensorType>(value.getType()).getRank();
}

static int64_t getSize(Value value, int64_t axis) {
  return cast<RankedTensorType>(value.getType()).getDimSize(axis);
}

//===----------------------------------------------------------------------===//
// What is known of dimensions
//===----------------------------------------------------------------------===//

LogicalResult UnitGroup::fail(Operation *op, const Twine &reason) {
  if (obstacle.empty())
    obstacle = ("'" + op->getName().getStringRef() + "' op " + reason).str();
  return failure();
}

const UnitMap *UnitGroup::find(Value value, int64_t axis) const {
  auto found = units.find({value, axis});
  return found == units.end() ? nullptr : &found->second;
}

LogicalResult UnitGroup::set(Operation *op, Value value, int64_t axis,
                             const UnitMap &added) {
  if (llvm::all_of(added, [](int32_t unit) { return unit == keptPosition; }))
    return success();
  if (getSize(value, axis) != int64_t(added.size()))
    return fail(op, "has sizes that are not known");
  UnitMap &known = units[{value, axis}];
  bool changed = false;
  known.resize(added.size(), keptPosition);
  for (auto [position, unit] : llvm::enumerate(added)) {
    if (unit == keptPosition || known[position] == unit)
      continue;
    if (known[position] != keptPosition)
      return fail(op, "mixes what would be removed with what would stay");
    known[position] = unit;
    changed = true;
  }
  if (!changed)
    return success();
  Operation *source = value.getDefiningOp();
  // A constant is copied for the op that reads it.
  if (auto constant = dyn_cast_or_null<ConstantOp>(source))
    return isa<DenseElementsAttr>(constant.getValue())
               ? success()
               : fail(op, "reads a large constant that would be narrowed");
  worklist.insert(value.getUsers().begin(), value.getUsers().end());
  if (!source)
    return visitArgument(cast<BlockArgument>(value));
  worklist.insert(source);
  return success();
}

LogicalResult UnitGroup::unify(Operation *op, Dim a, Dim b) {
  if (const UnitMap *known = find(a.first, a.second)) {
    UnitMap copy = *known;
    if (failed(set(op, b.first, b.second, copy)))
      return failure();
  }
  if (const UnitMap *known = find(b.first, b.second)) {
    UnitMap copy = *known;
    return set(op, a.first, a.second, copy);
  }
  return success();
}

LogicalResult UnitGroup::unifyBroadcast(Operation *op, Value a, Value b) {
  int64_t rankA = getRank(a), rankB = getRank(b);
  for (int64_t i = 1; i <= std::min(rankA, rankB); ++i)
    if (getSize(a, rankA - i) != 1 && getSize(b, rankB - i) != 1)
      if (failed(unify(op, {a, rankA - i}, {b, rankB - i})))
        return failure();
  return success();
}

LogicalResult UnitGroup::refuse(Operation *op, Value value, int64_t axis,
                                const Twine &reason) {
  return find(value, axis) ? fail(op, reason) : success();
}

LogicalResult UnitGroup::follow(Value value, int64_t axis, UnitMap added) {
  if (failed(set(value.getDefiningOp() ? value.getDefiningOp()
                                       : uses.main.getOperation(),
                 value, axis, added)))
    return failure();
  while (!worklist.empty()) {
    Operation *op = worklist.pop_back_val();
    visited.insert(op);
    if (failed(visit(op)))
      return failure();
  }
  return success();
}

LogicalResult UnitGroup::followKeys(AttentionOp op, const UnitMap &units) {
  keysOnly = true;
  return success(succeeded(follow(op.getKey(), 1, units)) &&
                 succeeded(follow(op.getValue(), 1, units)));
}

SmallVector<AttentionOp> UnitGroup::getAttentions() const {
  SmallVector<AttentionOp> attentions;
  for (Operation *op : visited)
    if (auto attention = dyn_cast<AttentionOp>(op))
      attentions.push_back(attention);
  return attentions;
}

SmallVector<UnitGroup::Consumer> UnitGroup::getConsumers() const {
  SmallVector<Consumer> consumers;
  for (Operation *op : visited)
    if (auto linear = dyn_cast<LinearOp>(op))
      if (const UnitMap *columns = find(linear.getWeight(), 1))
        consumers.push_back({linear, *columns});
  llvm::sort(consumers, [](const Consumer &a, const Consumer &b) {
    return a.op->getBlock() == b.op->getBlock() && a.op != b.op &&
           a.op->isBeforeInBlock(b.op);
  });
  return consumers;
}

SmallVector<ParamOp> UnitGroup::getParams() const {
  llvm::SetVector<ParamOp> params;
  for (auto &[dim, map] : units)
    if (auto load = dim.first.getDefiningOp<WeightOp>())
      params.insert(SymbolTable::lookupNearestSymbolFrom<ParamOp>(
          load, load.getParamAttr()));
  SmallVector<ParamOp> sorted = llvm::to_vector(params);
  llvm::sort(sorted,
             [](ParamOp a, ParamOp b) { return a->isBeforeInBlock(b); });
  return sorted;
}

//===----------------------------------------------------------------------===//
// How ops hand dimensions on
//===----------------------------------------------------------------------===//

/// Whether anything may read element `index` of a vector.
static bool isElementRead(Value vector, int64_t index) {
  ShapeContext shapes(vector.getContext());
  return llvm::any_of(vector.getUsers(), [&](Operation *user) {
    int64_t size = getSize(vector, 0);
    auto place = [&](int64_t i) {
      return std::clamp<int64_t>(i < 0 ? i + size : i, 0, size);
    };
    if (auto gather = dyn_cast<GatherOp>(user)) {
      auto indices = shapes.constants(gather.getIndices());
      return !indices || llvm::any_of(*indices, [&](int64_t i) {
        return place(i) == index;
      });
    }
    auto slice = dyn_cast<SliceOp>(user);
    auto starts = slice ? shapes.constants(slice.getStarts()) : std::nullopt,
         ends = slice ? shapes.constants(slice.getEnds()) : std::nullopt,
         steps = slice ? shapes.constants(slice.getSteps()) : std::nullopt;
    return !starts || !ends || !steps || steps->front() != 1 ||
           (place(starts->front()) <= index && index < place(ends->front()));
  });
}

LogicalResult UnitGroup::visit(Operation *op) {
  if (isElementwise(op)) {
    for (Value operand : op->getOperands())
      if (failed(unifyBroadcast(op, operand, op->getResult(0))))
        return failure();
    return success();
  }
  auto refuseBoth = [&](int64_t axis, const Twine &reason) {
    return success(succeeded(refuse(op, op->getOperand(0), axis, reason)) &&
                   succeeded(refuse(op, op->getResult(0), axis, reason)));
  };
  // Of ops whose result is as large as their first operand.
  auto unifyUpTo = [&](int64_t end, const Twine &reason) -> LogicalResult {
    Value operand = op->getOperand(0), result = op->getResult(0);
    for (int64_t axis = 0; axis < getRank(result); ++axis)
      if (failed(axis < end ? unify(op, {operand, axis}, {result, axis})
                            : refuseBoth(axis, reason)))
        return failure();
    return success();
  };
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case([&](LinearOp op) { return visitLinear(op); })
      .Case([&](AttentionOp op) { return visitAttention(op); })
      .Case([&](ReshapeOp op) { return visitReshape(op); })
      .Case([&](SliceOp op) { return visitSlice(op); })
      .Case([&](ConcatOp op) { return visitConcat(op); })
      .Case([&](func::ReturnOp op) { return visitReturn(op); })
      .Case([&](RopeOp) {
        return unifyUpTo(2, "rotates elements that would be removed");
      })
      .Case([&](RMSNormOp op) {
        return unifyUpTo(getRank(op) - 1, "normalizes over them");
      })
      .Case([&](LayerNormOp op) {
        return unifyUpTo(op.getAxis(), "normalizes over them");
      })
      .Case([&](SoftmaxOp op) -> LogicalResult {
        int64_t axis = op.getAxis() + (op.getAxis() < 0 ? getRank(op) : 0);
        for (int64_t i = 0; i < getRank(op); ++i)
          if (failed(i == axis ? refuseBoth(i, "sums over them")
                               : unify(op, {op.getOperand(), i}, {op, i})))
            return failure();
        return success();
      })
      .Case([&](TransposeOp op) -> LogicalResult {
        for (auto [axis, source] : llvm::enumerate(op.getPerm()))
          if (failed(unify(op, {op.getOperand(), source}, {op, int64_t(axis)})))
            return failure();
        return success();
      })
      .Case<UnsqueezeOp, SqueezeOp>([&](auto op) -> LogicalResult {
        bool adds = isa<UnsqueezeOp>(op);
        Value wide = adds ? op.getResult() : op.getOperand(),
              narrow = adds ? op.getOperand() : op.getResult();
        for (int64_t axis = 0, other = 0; axis < getRank(wide); ++axis)
          if (!llvm::is_contained(op.getAxes(), axis))
            if (failed(unify(op, {wide, axis}, {narrow, other++})))
              return failure();
        return success();
      })
      .Case(
          [&](ExpandOp op) { return unifyBroadcast(op, op.getOperand(), op); })
      .Case([&](ReduceOp op) -> LogicalResult {
        for (int64_t axis = 0, other = 0; axis < getRank(op.getOperand());
             ++axis) {
          bool reduced = llvm::is_contained(op.getAxes(), axis);
          if (failed(reduced
                         ? refuse(op, op.getOperand(), axis, "combines them")
                         : unify(op, {op.getOperand(), axis}, {op, other})))
            return failure();
          other += !reduced || op.getKeepdims();
        }
        return success();
      })
      .Case([&](GatherOp op) -> LogicalResult {
        int64_t axis = op.getAxis(), indices = getRank(op.getIndices());
        for (int64_t i = 0; i < getRank(op.getOperand()); ++i)
          if (failed(i == axis ? refuse(op, op.getOperand(), i, "indexes them")
                               : unify(op, {op.getOperand(), i},
                                       {op, i < axis ? i : i + indices - 1})))
            return failure();
        for (int64_t i = 0; i < indices; ++i)
          if (failed(refuse(op, op, axis + i, "indexes them")) ||
              failed(refuse(op, op.getIndices(), i, "has indices of them")))
            return failure();
        return success();
      })
      .Case([&](EmbeddingOp op) -> LogicalResult {
        for (int64_t i = 0; i < getRank(op.getIds()); ++i)
          if (failed(refuse(op, op.getIds(), i, "has ids of them")) ||
              failed(refuse(op, op, i, "has ids of them")))
            return failure();
        if (failed(refuse(op, op.getWeight(), 0, "indexes them")))
          return failure();
        return unify(op, {op, getRank(op) - 1}, {op.getWeight(), 1});
      })
      .Case([&](ShapeOp op) -> LogicalResult {
        for (int64_t axis = op.getStart(); axis < int64_t(op.getEnd()); ++axis)
          if (find(op.getOperand(), axis) &&
              isElementRead(op, axis - op.getStart()))
            return fail(op, "asks how many there are");
        return success();
      })
      .Case([&](WeightOp op) -> LogicalResult {
        for (WeightOp other : uses.loads[op.getParamAttr().getAttr()])
          for (int64_t axis = 0; axis < getRank(op); ++axis)
            if (other != op && failed(unify(op, {op, axis}, {other, axis})))
              return failure();
        if (!getFloatFormat(op.getType().getElementType()))
          return fail(op, "loads numbers that are not f32, f16 or bf16");
        return success();
      })
      .Default([&](Operation *op) {
        return fail(op, isa<WeightOpInterface>(op)
                            ? "makes the weight; remove parts of a model "
                              "before its weights are quantized or pruned"
                            : "is not known to compute each by itself");
      });
}

LogicalResult UnitGroup::visitLinear(LinearOp op) {
  int64_t last = getRank(op) - 1;
  for (int64_t axis = 0; axis < last; ++axis)
    if (failed(unify(op, {op.getOperand(), axis}, {op, axis})))
      return failure();
  if (failed(unify(op, {op.getOperand(), last}, {op.getWeight(), 1})) ||
      failed(unify(op, {op, last}, {op.getWeight(), 0})))
    return failure();
  return op.getBias() ? unify(op, {op, last}, {op.getBias(), 0}) : success();
}

LogicalResult UnitGroup::visitAttention(AttentionOp op) {
  Value query = op.getQuery(), key = op.getKey(), value = op.getValue(),
        result = op;
  for (Value operand : {query, key, value, result})
    for (int64_t axis : {0, 2, 3})
      if (failed(refuse(op, operand, axis,
                        "computes with elements that would be removed")))
        return failure();
  if (failed(unify(op, {key, 1}, {value, 1})))
    return failure();
  if (keysOnly) {
    if (op.getMask())
      for (int64_t axis = 0; axis < getRank(op.getMask()); ++axis)
        if (failed(refuse(op, op.getMask(), axis, "has a mask of them")))
          return failure();
    for (Value whole : {query, result})
      if (failed(refuse(op, whole, 1, "has query heads that are not apart")))
        return failure();
    return success();
  }
  if (failed(unify(op, {query, 1}, {op, 1})))
    return failure();
  if (op.getMask() && (failed(unifyBroadcast(op, op.getMask(), query)) ||
                       failed(unifyBroadcast(op, op.getMask(), op))))
    return failure();
  int64_t heads = getSize(query, 1), groups = getSize(key, 1);
  if (heads == ShapedType::kDynamic || groups == ShapedType::kDynamic)
    return fail(op, "has a number of heads that is not known");
  int64_t each = heads / groups;
  if (const UnitMap *known = find(key, 1)) {
    UnitMap repeated;
    for (int32_t unit : *known)
      repeated.insert(repeated.end(), each, unit);
    if (failed(set(op, query, 1, repeated)))
      return failure();
  }
  const UnitMap *known = find(query, 1);
  if (!known)
    return success();
  UnitMap queries = *known, first;
  for (int64_t i = 0; i < groups; ++i)
    first.push_back(queries[i * each]);
  bool whole = true;
  for (int64_t i = 0; i < heads; ++i)
    whole &= queries[i] == first[i / each];
  if (whole)
    return set(op, key, 1, first);
  std::vector<SmallVector<int32_t>> sets(groups);
  for (int64_t i = 0; i < heads; ++i)
    if (queries[i] != keptPosition)
      sets[i / each].push_back(queries[i]);
  if (!llvm::is_contained(equalCounts, sets))
    equalCounts.push_back(std::move(sets));
  return success();
}

/// For each dimension of a reshape's operand and result the run of dimensions
/// that it shares its elements with: [begin, end) of the operand's and of the
/// result's, which have equal, static products.
namespace {
struct ReshapeRun {
  int64_t operandBegin, operandEnd, resultBegin, resultEnd;
};
} // namespace

static SmallVector<ReshapeRun> getRuns(ReshapeOp op) {
  ArrayRef<int64_t> operand =
      cast<RankedTensorType>(op.getOperand().getType()).getShape();
  ArrayRef<int64_t> result = op.getType().getShape();
  ShapeContext shapes(op.getContext());
  auto target = shapes.values(op.getShape());
  auto isCopied = [&](int64_t axis) {
    return target && !op.getAllowzero() && getConstant((*target)[axis]) == 0;
  };
  SmallVector<ReshapeRun> runs;
  int64_t numA = operand.size(), numB = result.size();
  // A run that starts at (a, b) and goes in direction `step`.
  auto match = [&](int64_t a, int64_t b, int64_t step) {
    int64_t firstA = a, firstB = b;
    auto inA = [&] { return step > 0 ? a < numA : a >= 0; };
    auto inB = [&] { return step > 0 ? b < numB : b >= 0; };
    while (inA() && inB()) {
      if (step > 0 && a == b && operand[a] == result[b] &&
          (operand[a] != ShapedType::kDynamic || isCopied(b))) {
        if (operand[a] != ShapedType::kDynamic)
          runs.push_back({a, a + 1, b, b + 1});
        firstA = a += step;
        firstB = b += step;
        continue;
      }
      if (operand[a] == ShapedType::kDynamic ||
          result[b] == ShapedType::kDynamic)
        return;
      int64_t sizeA = operand[a], sizeB = result[b];
      while (sizeA != sizeB) {
        bool smaller = sizeA < sizeB;
        (smaller ? a : b) += step;
        if (!(smaller ? inA() : inB()))
          return;
        int64_t next = smaller ? operand[a] : result[b];
        if (next == ShapedType::kDynamic)
          return;
        (smaller ? sizeA : sizeB) *= next;
      }
      a += step;
      b += step;
      if (step > 0)
        runs.push_back({firstA, a, firstB, b});
      else
        runs.push_back({a + 1, firstA + 1, b + 1, firstB + 1});
      firstA = a;
      firstB = b;
    }
  };
  match(0, 0, 1);
  match(numA - 1, numB - 1, -1);
  return runs;
}

/// Finds the dimension of `shape` that alone decides which unit an element of
/// `flat`, in row-major order, belongs to.
static std::optional<std::pair<int64_t, UnitMap>>
findDecidingDim(ArrayRef<int32_t> flat, ArrayRef<int64_t> shape) {
  int64_t inner = flat.size();
  for (auto [axis, size] : llvm::enumerate(shape)) {
    if (size == 0)
      return std::nullopt;
    inner /= size;
    UnitMap along(size);
    for (int64_t i = 0; i < size; ++i)
      along[i] = flat[i * inner];
    bool decides = true;
    for (size_t i = 0; i < flat.size() && decides; ++i)
      decides = flat[i] == along[i / inner % size];
    if (decides)
      return std::pair(int64_t(axis), along);
  }
  return std::nullopt;
}

LogicalResult UnitGroup::visitReshape(ReshapeOp op) {
  SmallVector<ReshapeRun> runs = getRuns(op);
  auto carry = [&](Value from, Value to, bool forward) -> LogicalResult {
    for (int64_t axis = 0; axis < getRank(from); ++axis) {
      const UnitMap *known = find(from, axis);
      if (!known)
        continue;
      const ReshapeRun *run = llvm::find_if(runs, [&](const ReshapeRun &run) {
        return forward ? run.operandBegin <= axis && axis < run.operandEnd
                       : run.resultBegin <= axis && axis < run.resultEnd;
      });
      if (run == runs.end())
        return fail(op, "regroups them with sizes that are not known");
      int64_t begin = forward ? run->operandBegin : run->resultBegin,
              end = forward ? run->operandEnd : run->resultEnd,
              otherBegin = forward ? run->resultBegin : run->operandBegin,
              otherEnd = forward ? run->resultEnd : run->operandEnd;
      UnitMap flat;
      int64_t outer = 1, inner = 1;
      for (int64_t i = begin; i < end; ++i)
        (i < axis ? outer : inner) *= i == axis ? 1 : getSize(from, i);
      for (int64_t i = 0; i < outer; ++i)
        for (int32_t unit : *known)
          flat.insert(flat.end(), inner, unit);
      SmallVector<int64_t> sizes;
      for (int64_t i = otherBegin; i < otherEnd; ++i)
        sizes.push_back(getSize(to, i));
      auto found = findDecidingDim(flat, sizes);
      if (!found)
        return fail(op, "regroups them");
      if (failed(set(op, to, otherBegin + found->first, found->second)))
        return failure();
    }
    return success();
  };
  return success(succeeded(carry(op.getOperand(), op, true)) &&
                 succeeded(carry(op, op.getOperand(), false)));
}

/// Where a slice begins and ends in an axis that it cuts in steps of 1.
static std::optional<std::pair<int64_t, int64_t>> getRange(SliceOp op,
                                                           int64_t axis) {
  int64_t size = getSize(op.getOperand(), axis);
  auto index = llvm::find(op.getAxes(), axis) - op.getAxes().begin();
  if (index == int64_t(op.getAxes().size()))
    return std::pair<int64_t, int64_t>(0, size);
  ShapeContext shapes(op.getContext());
  auto starts = shapes.constants(op.getStarts()),
       ends = shapes.constants(op.getEnds()),
       steps = shapes.constants(op.getSteps());
  if (!starts || !ends || !steps || (*steps)[index] != 1)
    return std::nullopt;
  auto clamp = [&](int64_t place) {
    return std::clamp<int64_t>(place < 0 ? place + size : place, 0, size);
  };
  int64_t start = clamp((*starts)[index]);
  return std::pair(start, std::max(start, clamp((*ends)[index])));
}

LogicalResult UnitGroup::visitSlice(SliceOp op) {
  for (int64_t axis = 0; axis < getRank(op); ++axis) {
    if (!llvm::is_contained(op.getAxes(), axis)) {
      if (failed(unify(op, {op.getOperand(), axis}, {op, axis})))
        return failure();
      continue;
    }
    const UnitMap *whole = find(op.getOperand(), axis), *part = find(op, axis);
    if (!whole && !part)
      continue;
    auto range = getRange(op, axis);
    if (!range)
      return fail(op, "cuts them at places that are not known");
    auto [start, end] = *range;
    if (part) {
      UnitMap padded(getSize(op.getOperand(), axis), keptPosition);
      llvm::copy(*part, padded.begin() + start);
      if (failed(set(op, op.getOperand(), axis, padded)))
        return failure();
    }
    if ((whole = find(op.getOperand(), axis))) {
      UnitMap cut(whole->begin() + start, whole->begin() + end);
      if (failed(set(op, op, axis, cut)))
        return failure();
    }
  }
  return success();
}

LogicalResult UnitGroup::visitConcat(ConcatOp op) {
  int64_t joined = op.getAxis();
  for (int64_t axis = 0; axis < getRank(op); ++axis) {
    if (axis != joined) {
      // Twice, so that each input knows what the others do.
      for (int round = 0; round < 2; ++round)
        for (Value input : op.getInputs())
          if (failed(unify(op, {input, axis}, {op, axis})))
            return failure();
      continue;
    }
    bool any = find(op, axis);
    for (Value input : op.getInputs())
      any |= bool(find(input, axis));
    if (!any)
      continue;
    UnitMap all;
    for (Value input : op.getInputs()) {
      int64_t size = getSize(input, axis);
      if (size == ShapedType::kDynamic)
        return fail(op, "joins them with a size that is not known");
      const UnitMap *part = find(input, axis);
      all.insert(all.end(), size, keptPosition);
      if (part)
        llvm::copy(*part, all.end() - size);
    }
    if (failed(set(op, op, axis, all)))
      return failure();
    int64_t offset = 0;
    for (Value input : op.getInputs()) {
      int64_t size = getSize(input, axis);
      const UnitMap &whole = *find(op, axis);
      UnitMap part(whole.begin() + offset, whole.begin() + offset + size);
      if (failed(set(op, input, axis, part)))
        return failure();
      offset += size;
    }
  }
  return success();
}

LogicalResult UnitGroup::visitReturn(func::ReturnOp op) {
  for (OpOperand &operand : op->getOpOperands()) {
    auto type = dyn_cast<RankedTensorType>(operand.get().getType());
    for (int64_t axis = 0; type && axis < type.getRank(); ++axis) {
      if (!find(operand.get(), axis))
        continue;
      bool isCache = op->getParentOp() == uses.main && axis == 1 &&
                     llvm::any_of(uses.caches, [&](const KVCache &cache) {
                       return cache.result == operand.getOperandNumber();
                     });
      if (!isCache)
        return fail(op, "hands them to the caller");
    }
  }
  return success();
}

LogicalResult UnitGroup::visitArgument(BlockArgument argument) {
  bool isCache = llvm::any_of(uses.caches, [&](const KVCache &cache) {
    return cache.past == argument;
  });
  bool narrow = isCache;
  for (int64_t axis = 0; axis < getRank(argument); ++axis)
    narrow &= axis == 1 || !find(argument, axis);
  return narrow ? success()
                : fail(argument.getOwner()->getParentOp(),
                       "has an argument whose size would change");
}
