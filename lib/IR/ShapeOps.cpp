//===- ShapeOps.cpp - ops that move elements without computing on them ----===//

#include "llmc/IR/Dialect.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace llmc;

#define GET_OP_CLASSES
#include "llmc/IR/ShapeOps.cpp.inc"

void LLMCDialect::registerShapeOps() {
  addOperations<
#define GET_OP_LIST
#include "llmc/IR/ShapeOps.cpp.inc"
      >();
}

LogicalResult ShapeOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                   SmallVectorImpl<ShapeInfo> &results) {
  ArrayRef<AffineExpr> dims = shapes.dims(adaptor.getOperand());
  int64_t start = adaptor.getStart(), end = adaptor.getEnd();
  if (start < 0 || end < start || end > int64_t(dims.size()))
    return shapes.fail("start and end must satisfy 0 <= start <= end <= rank");
  ShapeInfo info{IntegerType::get(shapes.getContext(), 64),
                 {shapes.constant(end - start)},
                 std::nullopt};
  info.values = SmallVector<AffineExpr>(dims.slice(start, end - start));
  results.push_back(std::move(info));
  return success();
}

/// The quotient of the products of `dividend` and `divisor` when it is exact
/// for all sizes: equal factors cancel, the constants that remain divide.
static AffineExpr divideProducts(ShapeContext &shapes,
                                 ArrayRef<AffineExpr> dividend,
                                 ArrayRef<AffineExpr> divisor) {
  int64_t numerator = 1, denominator = 1;
  SmallVector<AffineExpr> factors;
  for (AffineExpr factor : dividend) {
    if (std::optional<int64_t> constant = getConstant(factor))
      numerator *= *constant;
    else
      factors.push_back(factor);
  }
  for (AffineExpr factor : divisor) {
    if (std::optional<int64_t> constant = getConstant(factor)) {
      denominator *= *constant;
      continue;
    }
    auto *found = llvm::find(factors, factor);
    if (found == factors.end())
      return {};
    factors.erase(found);
  }
  if (denominator == 0 || numerator % denominator != 0) {
    // A symbolic factor may still hold what the constants lack.
    if (denominator <= 0)
      return {};
    AffineExpr product = shapes.constant(numerator);
    for (AffineExpr factor : factors)
      product = product * factor;
    return product.floorDiv(denominator);
  }
  AffineExpr product = shapes.constant(numerator / denominator);
  for (AffineExpr factor : factors)
    product = product * factor;
  return product;
}

LogicalResult ReshapeOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                     SmallVectorImpl<ShapeInfo> &results) {
  ShapeInfo info{shapes.elementType(adaptor.getOperand()), {}, std::nullopt};
  std::optional<SmallVector<AffineExpr>> target =
      shapes.values(adaptor.getShape());
  if (!target)
    return shapes.fail("the number of result dimensions is not known: the "
                       "shape operand has a dynamic length");
  SmallVector<AffineExpr> operand(shapes.dims(adaptor.getOperand()));
  std::optional<size_t> inferred;
  for (auto [index, size] : llvm::enumerate(*target)) {
    if (getConstant(size) == 0 && !adaptor.getAllowzero()) {
      if (index >= operand.size())
        return shapes.fail("shape[" + Twine(index) +
                           "] is 0, but the operand has no such dimension");
      size = operand[index];
    } else if (getConstant(size) == -1) {
      if (inferred)
        return shapes.fail("shape has more than one -1");
      inferred = index;
    }
    info.dims.push_back(size);
  }
  if (inferred) {
    SmallVector<AffineExpr> others(info.dims);
    others.erase(others.begin() + *inferred);
    AffineExpr size = divideProducts(shapes, operand, others);
    info.dims[*inferred] = size ? size : shapes.freshSymbol();
  }
  if (info.dims.size() <= 1)
    info.values = shapes.values(adaptor.getOperand());
  results.push_back(std::move(info));
  return success();
}

LogicalResult TransposeOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                       SmallVectorImpl<ShapeInfo> &results) {
  ArrayRef<AffineExpr> dims = shapes.dims(adaptor.getOperand());
  ArrayRef<int64_t> perm = adaptor.getPerm();
  SmallVector<bool> seen(dims.size(), false);
  ShapeInfo info{shapes.elementType(adaptor.getOperand()), {}, std::nullopt};
  for (int64_t source : perm) {
    if (source < 0 || source >= int64_t(dims.size()) || seen[source])
      return shapes.fail("perm is not a permutation of the dimensions");
    seen[source] = true;
    info.dims.push_back(dims[source]);
  }
  if (perm.size() != dims.size())
    return shapes.fail("perm is not a permutation of the dimensions");
  results.push_back(std::move(info));
  return success();
}

LogicalResult UnsqueezeOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                       SmallVectorImpl<ShapeInfo> &results) {
  ShapeInfo info{shapes.elementType(adaptor.getOperand()),
                 SmallVector<AffineExpr>(shapes.dims(adaptor.getOperand())),
                 std::nullopt};
  for (int64_t axis : adaptor.getAxes()) {
    if (axis < 0 || axis > int64_t(info.dims.size()))
      return shapes.fail("axis " + Twine(axis) + " is outside the result");
    info.dims.insert(info.dims.begin() + axis, shapes.constant(1));
  }
  if (info.dims.size() <= 1)
    info.values = shapes.values(adaptor.getOperand());
  results.push_back(std::move(info));
  return success();
}

LogicalResult SqueezeOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                     SmallVectorImpl<ShapeInfo> &results) {
  ShapeInfo info{shapes.elementType(adaptor.getOperand()), {}, std::nullopt};
  for (auto [index, dim] : llvm::enumerate(shapes.dims(adaptor.getOperand()))) {
    if (!llvm::is_contained(adaptor.getAxes(), int64_t(index)))
      info.dims.push_back(dim);
    else if (std::optional<int64_t> size = getConstant(dim); size && *size != 1)
      return shapes.fail("dimension " + Twine(index) + " is " + Twine(*size) +
                         ", not 1");
  }
  if (info.dims.size() <= 1)
    info.values = shapes.values(adaptor.getOperand());
  results.push_back(std::move(info));
  return success();
}

LogicalResult ExpandOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                    SmallVectorImpl<ShapeInfo> &results) {
  std::optional<SmallVector<AffineExpr>> target =
      shapes.values(adaptor.getShape());
  if (!target)
    return shapes.fail("the number of result dimensions is not known: the "
                       "shape operand has a dynamic length");
  ShapeInfo info{shapes.elementType(adaptor.getOperand()), *target,
                 std::nullopt};
  ArrayRef<AffineExpr> dims = shapes.dims(adaptor.getOperand());
  if (dims.size() > info.dims.size())
    info.dims.insert(info.dims.begin(), dims.size() - info.dims.size(),
                     shapes.constant(1));
  size_t offset = info.dims.size() - dims.size();
  for (auto [index, dim] : llvm::enumerate(dims))
    info.dims[offset + index] =
        shapes.broadcast(info.dims[offset + index], dim);
  std::optional<int64_t> length =
      info.dims.size() == 1 ? getConstant(info.dims[0]) : std::nullopt;
  std::optional<SmallVector<AffineExpr>> values =
      length ? shapes.values(adaptor.getOperand()) : std::nullopt;
  if (values && *length <= 64 && values->size() == 1)
    info.values.emplace(*length, values->front());
  results.push_back(std::move(info));
  return success();
}

LogicalResult
BroadcastShapeOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                              SmallVectorImpl<ShapeInfo> &results) {
  SmallVector<AffineExpr> joined;
  for (Value shape : adaptor.getShapes()) {
    std::optional<SmallVector<AffineExpr>> values =
        shapes.rank(shape) == 1 ? shapes.values(shape) : std::nullopt;
    if (!values)
      return shapes.fail("every operand must be a vector of known length");
    if (values->size() > joined.size())
      joined.insert(joined.begin(), values->size() - joined.size(),
                    shapes.constant(1));
    size_t offset = joined.size() - values->size();
    for (auto [index, size] : llvm::enumerate(*values))
      joined[offset + index] = shapes.broadcast(joined[offset + index], size);
  }
  ShapeInfo info{IntegerType::get(shapes.getContext(), 64),
                 {shapes.constant(joined.size())},
                 joined};
  results.push_back(std::move(info));
  return success();
}

LogicalResult ConcatOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                    SmallVectorImpl<ShapeInfo> &results) {
  ValueRange inputs = adaptor.getInputs();
  if (inputs.empty())
    return shapes.fail("needs at least one input");
  int64_t axis = adaptor.getAxis(), rank = shapes.rank(inputs[0]);
  if (axis < 0 || axis >= rank)
    return shapes.fail("axis " + Twine(axis) + " is outside [0, " +
                       Twine(rank) + ")");
  ShapeInfo info{shapes.elementType(inputs[0]),
                 SmallVector<AffineExpr>(shapes.dims(inputs[0])), std::nullopt};
  for (Value input : inputs.drop_front()) {
    if (shapes.rank(input) != rank)
      return shapes.fail("inputs differ in rank");
    for (auto [index, dim] : llvm::enumerate(shapes.dims(input))) {
      if (int64_t(index) == axis)
        info.dims[index] = info.dims[index] + dim;
      else if (!getConstant(info.dims[index]))
        info.dims[index] = dim;
    }
  }
  if (rank == 1) {
    info.values.emplace();
    for (Value input : inputs) {
      std::optional<SmallVector<AffineExpr>> part = shapes.values(input);
      if (!part) {
        info.values.reset();
        break;
      }
      llvm::append_range(*info.values, *part);
    }
  }
  results.push_back(std::move(info));
  return success();
}

LogicalResult SliceOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                   SmallVectorImpl<ShapeInfo> &results) {
  ShapeInfo info{shapes.elementType(adaptor.getOperand()),
                 SmallVector<AffineExpr>(shapes.dims(adaptor.getOperand())),
                 std::nullopt};
  ArrayRef<int64_t> axes = adaptor.getAxes();
  auto starts = shapes.values(adaptor.getStarts()),
       ends = shapes.values(adaptor.getEnds());
  auto steps = shapes.constants(adaptor.getSteps());
  for (auto [index, axis] : llvm::enumerate(axes)) {
    if (axis < 0 || axis >= int64_t(info.dims.size()))
      return shapes.fail("axis " + Twine(axis) + " is outside the operand");
    AffineExpr &dim = info.dims[axis];
    std::optional<int64_t> size = getConstant(dim);
    AffineExpr length;
    if (starts && ends && steps && starts->size() == axes.size() &&
        ends->size() == axes.size() && steps->size() == axes.size()) {
      AffineExpr start = (*starts)[index], end = (*ends)[index];
      int64_t step = (*steps)[index];
      std::optional<int64_t> from = getConstant(start), to = getConstant(end);
      if (step == 0)
        return shapes.fail("steps must not be 0");
      if (size && from && to) {
        int64_t first = *from < 0 ? *from + *size : *from;
        int64_t last = *to < 0 ? *to + *size : *to;
        first = std::clamp<int64_t>(first, 0, step > 0 ? *size : *size - 1);
        last = std::clamp<int64_t>(last, step > 0 ? 0 : -1, *size);
        int64_t count = step > 0 ? (last - first + step - 1) / step
                                 : (first - last - step - 1) / -step;
        length = shapes.constant(std::max<int64_t>(count, 0));
      } else if (step == 1 && from == 0 &&
                 (end == dim || (to && *to >= INT32_MAX))) {
        length = dim;
      } else if (step == 1 && !from && !to && !size && end == dim) {
        length = dim - start;
      } else if (step == 1 && from && *from >= 0 && to && *to >= INT32_MAX) {
        // A suffix of an axis at least that long, as exporters write it.
        length = *from == 0 ? dim : AffineExpr();
      }
    }
    dim = length ? length : shapes.freshSymbol();
  }
  if (info.dims.size() == 1 && axes.size() == 1) {
    auto elements = shapes.values(adaptor.getOperand());
    auto from = shapes.constants(adaptor.getStarts());
    std::optional<int64_t> length = getConstant(info.dims[0]);
    if (elements && from && steps && length) {
      int64_t size = elements->size(), step = (*steps)[0];
      int64_t first = (*from)[0] < 0 ? (*from)[0] + size : (*from)[0];
      first = std::clamp<int64_t>(first, 0, step > 0 ? size : size - 1);
      info.values.emplace();
      for (int64_t i = 0; i < *length; ++i)
        info.values->push_back((*elements)[first + i * step]);
    }
  }
  results.push_back(std::move(info));
  return success();
}

LogicalResult GatherOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                    SmallVectorImpl<ShapeInfo> &results) {
  int64_t axis = adaptor.getAxis(), rank = shapes.rank(adaptor.getOperand());
  if (axis < 0 || axis >= rank)
    return shapes.fail("axis " + Twine(axis) + " is outside [0, " +
                       Twine(rank) + ")");
  ShapeInfo info{shapes.elementType(adaptor.getOperand()), {}, std::nullopt};
  SmallVector<AffineExpr> operand(shapes.dims(adaptor.getOperand())),
      indices(shapes.dims(adaptor.getIndices()));
  llvm::append_range(info.dims, ArrayRef(operand).take_front(axis));
  llvm::append_range(info.dims, indices);
  llvm::append_range(info.dims, ArrayRef(operand).drop_front(axis + 1));
  if (rank == 1 && indices.size() <= 1) {
    auto elements = shapes.values(adaptor.getOperand());
    auto at = shapes.constants(adaptor.getIndices());
    if (elements && at) {
      info.values.emplace();
      for (int64_t index : *at) {
        int64_t position = index < 0 ? index + elements->size() : index;
        if (position < 0 || position >= int64_t(elements->size()))
          return shapes.fail("index " + Twine(index) +
                             " is outside the axis of " +
                             Twine(elements->size()));
        info.values->push_back((*elements)[position]);
      }
    }
  }
  results.push_back(std::move(info));
  return success();
}
