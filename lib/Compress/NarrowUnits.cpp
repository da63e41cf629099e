//===- NarrowUnits.cpp - removing the units of a group --------------------===//

#include "UnitGroup.h"
#include "llmc/Weights/Blobs.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace llmc;

SmallVector<int64_t> UnitGroup::select(const UnitMap &units,
                                       const llvm::BitVector &kept) {
  SmallVector<int64_t> positions;
  for (auto [position, unit] : llvm::enumerate(units))
    if (unit == keptPosition || kept[unit])
      positions.push_back(position);
  return positions;
}

static RankedTensorType resize(RankedTensorType type, int64_t axis,
                               int64_t size) {
  SmallVector<int64_t> shape(type.getShape());
  shape[axis] = size;
  return type.clone(shape);
}

/// The elements of `source`, of `elementBytes` each, at `positions` along
/// `axis`.
static std::vector<char> gather(ArrayRef<char> source, ArrayRef<int64_t> shape,
                                int64_t axis, ArrayRef<int64_t> positions,
                                int64_t elementBytes) {
  int64_t outer = 1, inner = elementBytes;
  for (auto [i, size] : llvm::enumerate(shape))
    (int64_t(i) < axis ? outer : inner) *= int64_t(i) == axis ? 1 : size;
  std::vector<char> result(outer * positions.size() * inner);
  char *to = result.data();
  for (int64_t i = 0; i < outer; ++i)
    for (int64_t position : positions) {
      std::memcpy(to, source.data() + (i * shape[axis] + position) * inner,
                  inner);
      to += inner;
    }
  return result;
}

void llmc::selectParam(ParamOp param, int64_t axis,
                       ArrayRef<int64_t> positions) {
  RankedTensorType type = param.getType();
  SmallVector<char> copy;
  auto bytes = std::make_shared<std::vector<char>>(
      gather(getParamBytes(param, copy), type.getShape(), axis, positions,
             type.getElementTypeBitWidth() / 8));
  replaceValue(param, makeResource(resize(type, axis, positions.size()),
                                   param.getSymName(),
                                   makeBlob(*bytes, alignof(float), bytes)));
}

static DenseElementsAttr narrow(DenseElementsAttr constant, int64_t axis,
                                ArrayRef<int64_t> positions) {
  auto type = resize(cast<RankedTensorType>(constant.getType()), axis,
                     positions.size());
  if (constant.isSplat())
    return constant.resizeSplat(type);
  SmallVector<Attribute> all(constant.getValues<Attribute>()), kept;
  int64_t inner = 1, size = constant.getType().getDimSize(axis);
  for (int64_t later : constant.getType().getShape().drop_front(axis + 1))
    inner *= later;
  for (int64_t outer = 0; outer < int64_t(all.size()); outer += size * inner)
    for (int64_t position : positions)
      kept.append(all.begin() + outer + position * inner,
                  all.begin() + outer + (position + 1) * inner);
  return DenseElementsAttr::get(type, kept);
}

void UnitGroup::rewriteShape(OpOperand &shape, Value result,
                             const llvm::BitVector &kept) {
  OpBuilder b(shape.getOwner());
  Location loc = shape.getOwner()->getLoc();
  ShapeContext shapes(b.getContext());
  auto constants = shapes.constants(shape.get());
  auto reshape = dyn_cast<ReshapeOp>(shape.getOwner());
  int64_t rank = cast<RankedTensorType>(result.getType()).getRank();
  // An expansion may have a shape of fewer dimensions.
  int64_t size = cast<RankedTensorType>(shape.get().getType()).getDimSize(0);
  SmallVector<Value> parts;
  int64_t done = 0;
  auto addPart = [&](int64_t end) {
    if (end > done)
      parts.push_back(SliceOp::create(
          b, loc, shape.get(), createI64Constant(b, loc, {done}),
          createI64Constant(b, loc, {end}), createI64Constant(b, loc, {1}),
          ArrayRef<int64_t>{0}));
  };
  bool changed = false;
  for (int64_t axis = 0; axis < rank; ++axis) {
    const UnitMap *map = find(result, axis);
    int64_t place = axis - (rank - size);
    if (!map || place < 0)
      continue;
    int64_t count = select(*map, kept).size();
    if (constants) {
      int64_t &old = (*constants)[place];
      // What is inferred or copied still is.
      if (old > 0 || (old == 0 && reshape && reshape.getAllowzero())) {
        old = count;
        changed = true;
      }
      continue;
    }
    addPart(place);
    parts.push_back(createI64Constant(b, loc, {count}));
    done = place + 1;
    changed = true;
  }
  if (!changed)
    return;
  if (constants)
    return shape.set(createI64Constant(b, loc, *constants));
  addPart(size);
  shape.set(ConcatOp::create(b, loc, parts, 0));
}

void UnitGroup::rewriteSlice(SliceOp op, const llvm::BitVector &kept) {
  OpBuilder b(op);
  ShapeContext shapes(b.getContext());
  auto starts = shapes.constants(op.getStarts()),
       ends = shapes.constants(op.getEnds());
  bool changed = false;
  for (auto [i, axis] : llvm::enumerate(op.getAxes())) {
    const UnitMap *map = find(op.getOperand(), axis);
    if (!map)
      continue;
    auto clamp = [&](int64_t place) {
      int64_t size = map->size();
      return std::clamp<int64_t>(place < 0 ? place + size : place, 0, size);
    };
    auto move = [&](int64_t &place) {
      UnitMap before(map->begin(), map->begin() + clamp(place));
      place = select(before, kept).size();
    };
    move((*starts)[i]);
    move((*ends)[i]);
    changed = true;
  }
  if (!changed)
    return;
  op.getStartsMutable().assign(createI64Constant(b, op.getLoc(), *starts));
  op.getEndsMutable().assign(createI64Constant(b, op.getLoc(), *ends));
}

void UnitGroup::narrowConstants(Operation *op, const llvm::BitVector &kept) {
  for (OpOperand &operand : op->getOpOperands()) {
    auto constant = operand.get().getDefiningOp<ConstantOp>();
    if (!constant)
      continue;
    auto value = dyn_cast<DenseElementsAttr>(constant.getValue());
    bool changed = false;
    for (int64_t axis = 0; value && axis < value.getType().getRank(); ++axis)
      if (const UnitMap *map = find(constant, axis)) {
        value = narrow(value, axis, select(*map, kept));
        changed = true;
      }
    if (!changed)
      continue;
    OpBuilder b(op);
    operand.set(
        ConstantOp::create(b, constant.getLoc(), value.getType(), value));
  }
}

void UnitGroup::narrowParams(const llvm::BitVector &kept) {
  llvm::DenseMap<ParamOp, WeightOp> loads;
  for (auto &[dim, map] : units)
    if (auto load = dim.first.getDefiningOp<WeightOp>())
      loads[SymbolTable::lookupNearestSymbolFrom<ParamOp>(
          load, load.getParamAttr())] = load;
  for (ParamOp param : getParams())
    for (int64_t axis = 0; axis < param.getType().getRank(); ++axis)
      if (const UnitMap *map = find(loads[param], axis))
        selectParam(param, axis, select(*map, kept));
}

void UnitGroup::apply(const llvm::BitVector &kept, Statistics &statistics) {
  // One input of several linears stays one.
  llvm::DenseMap<const InputStatistics *, Statistics::Input> narrowed;
  llvm::SetVector<ParamOp> done;
  for (Consumer &consumer : getConsumers()) {
    auto matrix = getMatrixParam(consumer.op.getWeight());
    if (!matrix || !done.insert(matrix->param))
      continue;
    StringRef name = matrix->param.getSymName();
    Statistics::Input input = statistics.lookup(name);
    if (!input || input->columns != int64_t(consumer.units.size()))
      continue;
    Statistics::Input &result = narrowed[input.get()];
    if (!result)
      result = input->selected(select(consumer.units, kept));
    statistics.set(name, result);
  }

  llvm::SetVector<Operation *> constants;
  for (Operation *op : visited) {
    for (Value operand : op->getOperands())
      if (auto constant = operand.getDefiningOp<ConstantOp>())
        constants.insert(constant);
    if (auto reshape = dyn_cast<ReshapeOp>(op))
      rewriteShape(reshape.getShapeMutable(), reshape, kept);
    else if (auto expand = dyn_cast<ExpandOp>(op))
      rewriteShape(expand.getShapeMutable(), expand, kept);
    else if (auto slice = dyn_cast<SliceOp>(op))
      rewriteSlice(slice, kept);
    narrowConstants(op, kept);
  }
  narrowParams(kept);
  for (auto &[dim, map] : units)
    if (!dim.first.getDefiningOp<ConstantOp>()) {
      Value value = dim.first;
      value.setType(resize(cast<RankedTensorType>(value.getType()), dim.second,
                           select(map, kept).size()));
    }
  for (Operation *constant : constants)
    if (constant->use_empty())
      constant->erase();
  if (uses.main && !uses.main.isExternal())
    uses.main.setFunctionType(FunctionType::get(
        uses.main.getContext(), uses.main.getBody().getArgumentTypes(),
        uses.main.getBody().back().getTerminator()->getOperandTypes()));
}
