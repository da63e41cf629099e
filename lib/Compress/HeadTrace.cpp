//===- HeadTrace.cpp - which weights make heads of attentions -------------===//

#include "HeadTrace.h"
#include "llmc/Weights/FloatFormat.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace llmc;

LinearOp llmc::findOutputLinear(AttentionOp attention) {
  Value value = attention;
  while (value.hasOneUse()) {
    Operation *user = *value.getUsers().begin();
    if (auto linear = dyn_cast<LinearOp>(user))
      return linear;
    if (!isa<TransposeOp, ReshapeOp, CastOp>(user))
      break;
    value = user->getResult(0);
  }
  return {};
}

static ArrayRef<int64_t> getShape(Value value) {
  return cast<RankedTensorType>(value.getType()).getShape();
}

HeadTrace HeadTrace::ofHeads(Value value) {
  HeadTrace trace;
  trace.value = value;
  ArrayRef<int64_t> shape = getShape(value);
  for (int64_t head = 0; head < shape[1]; ++head)
    for (int64_t i = 0; i < shape[3]; ++i)
      trace.places.push_back({anywhere, head, anywhere, i});
  return trace;
}

HeadTrace HeadTrace::ofColumns(LinearOp linear) {
  HeadTrace trace;
  trace.value = linear.getOperand();
  ArrayRef<int64_t> shape = getShape(trace.value);
  for (int64_t column = 0; column < shape.back(); ++column) {
    trace.places.emplace_back(shape.size(), anywhere);
    trace.places.back().back() = column;
  }
  return trace;
}

std::vector<int64_t> HeadTrace::getPlaces(int64_t axis) const {
  std::vector<int64_t> along;
  for (const Place &place : places)
    along.push_back(place[axis]);
  return along;
}

LogicalResult HeadTrace::run() {
  while (true) {
    Operation *op = value.getDefiningOp();
    if (op && isa<LinearOp, AttentionOp>(op)) {
      // Nothing but the coordinates that are asked for may be known.
      for (const Place &place : places)
        for (auto [axis, at] : llvm::enumerate(place)) {
          bool asked =
              axis + 1 == place.size() || (isa<AttentionOp>(op) && axis == 1);
          if ((at != anywhere) != asked) {
            obstacle = op;
            return failure();
          }
        }
      return success();
    }
    if (!op || failed(step(op))) {
      obstacle = op;
      return failure();
    }
  }
}

LogicalResult HeadTrace::step(Operation *op) {
  ShapeContext shapes(op->getContext());
  auto isScalar = [](Value operand) {
    auto type = cast<RankedTensorType>(operand.getType());
    return type.hasStaticShape() && type.getNumElements() == 1;
  };
  return llvm::TypeSwitch<Operation *, LogicalResult>(op)
      .Case([&](CastOp op) {
        value = op.getOperand();
        return success();
      })
      .Case<MulOp, DivOp>([&](auto op) {
        bool right = isScalar(op->getOperand(1));
        if (!right && !(isa<MulOp>(op) && isScalar(op->getOperand(0))))
          return failure();
        Value next = op->getOperand(right ? 0 : 1);
        if (getShape(next).size() != places.front().size())
          return failure();
        value = next;
        return success();
      })
      .Case([&](RopeOp op) {
        if (rope)
          return failure();
        rope = op;
        value = op.getOperand();
        return success();
      })
      .Case<RMSNormOp, LayerNormOp>([&](Operation *op) {
        isNormalized = true;
        value = op->getOperand(0);
        return success();
      })
      .Case([&](TransposeOp op) {
        for (Place &place : places) {
          Place before(place);
          for (auto [axis, source] : llvm::enumerate(op.getPerm()))
            place[source] = before[axis];
        }
        value = op.getOperand();
        return success();
      })
      .Case([&](UnsqueezeOp op) {
        for (Place &place : places) {
          Place before;
          for (auto [axis, at] : llvm::enumerate(place))
            if (!llvm::is_contained(op.getAxes(), axis))
              before.push_back(at);
          place = before;
        }
        value = op.getOperand();
        return success();
      })
      .Case([&](GatherOp op) {
        auto index = shapes.constants(op.getIndices());
        if (!getShape(op.getIndices()).empty() || !index)
          return failure();
        int64_t at = index->front(), axis = op.getAxis();
        if (at < 0)
          at += getShape(op.getOperand())[axis];
        for (Place &place : places)
          place.insert(place.begin() + axis, at);
        value = op.getOperand();
        return success();
      })
      .Case([&](SliceOp op) {
        auto starts = shapes.constants(op.getStarts()),
             steps = shapes.constants(op.getSteps());
        for (auto [i, axis] : llvm::enumerate(op.getAxes())) {
          int64_t size = getShape(op.getOperand())[axis];
          if (!starts || !steps || (*steps)[i] != 1 ||
              ShapedType::isDynamic(size))
            return failure();
          int64_t start = (*starts)[i];
          start =
              std::clamp<int64_t>(start < 0 ? start + size : start, 0, size);
          for (Place &place : places) {
            if (place[axis] == anywhere)
              return failure();
            place[axis] += start;
          }
        }
        value = op.getOperand();
        return success();
      })
      .Case([&](ReshapeOp op) { return stepReshape(op); })
      .Case([&](ConcatOp op) { return stepConcat(op); })
      .Default([](Operation *) { return failure(); });
}

/// Elements are told apart by the last axes, whose sizes are known; those
/// before are regrouped among themselves.
LogicalResult HeadTrace::stepReshape(ReshapeOp op) {
  ArrayRef<int64_t> from = getShape(op.getOperand()), to = getShape(op);
  size_t first = to.size();
  for (size_t axis = 0; axis < to.size(); ++axis)
    if (places.front()[axis] != anywhere) {
      first = axis;
      break;
    }
  int64_t size = 1, operandSize = 1;
  for (int64_t dim : to.drop_front(first)) {
    if (ShapedType::isDynamic(dim))
      return failure();
    size *= dim;
  }
  size_t operandFirst = from.size();
  while (operandSize < size && operandFirst > 0) {
    int64_t dim = from[--operandFirst];
    if (ShapedType::isDynamic(dim) || dim == 0)
      return failure();
    operandSize *= dim;
  }
  if (operandSize != size)
    return failure();
  for (Place &place : places) {
    int64_t flat = 0;
    for (size_t axis = 0; axis < to.size(); ++axis) {
      if ((place[axis] == anywhere) != (axis < first))
        return failure();
      if (axis >= first)
        flat = flat * to[axis] + place[axis];
    }
    place.assign(from.size(), anywhere);
    for (size_t axis = from.size(); axis-- > operandFirst;) {
      place[axis] = flat % from[axis];
      flat /= from[axis];
    }
  }
  value = op.getOperand();
  return success();
}

/// What is appended to a cache.
LogicalResult HeadTrace::stepConcat(ConcatOp op) {
  Value added;
  for (Value input : op.getInputs()) {
    Value source = input;
    while (auto cast = source.getDefiningOp<CastOp>())
      source = cast.getOperand();
    if (isa<BlockArgument>(source))
      continue;
    if (added)
      return failure();
    added = input;
  }
  if (!added || places.front()[op.getAxis()] != anywhere)
    return failure();
  value = added;
  return success();
}

static std::string describe(Operation *op) {
  return op ? ("'" + op->getName().getStringRef() + "' op").str()
            : "an argument of the function";
}

std::string HeadWeight::read(StringRef advice) {
  auto found = getMatrixParam(linear.getWeight());
  if (!found)
    return ("the weight of 'llmc.linear' is not a parameter of floats; " +
            advice)
        .str();
  matrix = *found;
  if (!linear.getBias())
    return {};
  if (auto load = linear.getBias().getDefiningOp<WeightOp>())
    bias = SymbolTable::lookupNearestSymbolFrom<ParamOp>(load,
                                                         load.getParamAttr());
  if (!bias || bias.getType().getRank() != 1 ||
      !getFloatFormat(bias.getType().getElementType()))
    return "the bias of 'llmc.linear' is not a parameter of floats";
  return {};
}

std::string HeadWeight::findRows(Value heads, StringRef what,
                                 StringRef advice) {
  HeadTrace trace = HeadTrace::ofHeads(heads);
  if (failed(trace.run()) || !isa<LinearOp>(trace.getSource()))
    return (describe(trace.getSource()) + " is between " + what +
            " and the linear that makes them")
        .str();
  linear = cast<LinearOp>(trace.getSource());
  places = trace.getPlaces(linear.getType().getRank() - 1);
  isNormalized = trace.isNormalized;
  rope = trace.rope;
  return read(advice);
}

std::string HeadWeight::findColumns(AttentionOp attention, StringRef advice) {
  linear = findOutputLinear(attention);
  if (!linear)
    return "no linear alone reads its heads";
  HeadTrace trace = HeadTrace::ofColumns(linear);
  if (failed(trace.run()) || trace.getSource() != attention)
    return describe(trace.getSource()) + " is between the heads and the linear "
                                         "that reads them";
  int64_t size = attention.getType().getDimSize(3);
  std::vector<int64_t> heads = trace.getPlaces(1),
                       elements = trace.getPlaces(3);
  places.resize(heads.size());
  for (size_t column = 0; column < heads.size(); ++column)
    places[heads[column] * size + elements[column]] = column;
  return read(advice);
}
