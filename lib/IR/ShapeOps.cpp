//===- ShapeOps.cpp - ops that move elements without computing on them ----===//

#include "llmc/IR/Dialect.h"
#include "mlir/IR/Builders.h"
#include "llvm/Support/MathExtras.h"

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
    std::optional<int64_t> constant = getConstant(factor);
    if (!constant)
      factors.push_back(factor);
    else if (llvm::MulOverflow(numerator, *constant, numerator))
      return {};
  }
  for (AffineExpr factor : divisor) {
    if (std::optional<int64_t> constant = getConstant(factor)) {
      if (llvm::MulOverflow(denominator, *constant, denominator))
        return {};
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

/// The product of `dims` but the one at `skipped`, when they are constants.
static std::optional<int64_t> getProduct(ArrayRef<AffineExpr> dims,
                                         std::optional<size_t> skipped) {
  int64_t product = 1;
  for (auto [index, dim] : llvm::enumerate(dims)) {
    if (index == skipped)
      continue;
    std::optional<int64_t> size = getConstant(dim);
    if (!size || llvm::MulOverflow(product, *size, product))
      return std::nullopt;
  }
  return product;
}

/// An error when `to`, in which the dimension at `inferred` makes up for the
/// rest, is known not to hold the elements of `from`.
static LogicalResult checkNumElements(ShapeContext &shapes,
                                      ArrayRef<AffineExpr> from,
                                      ArrayRef<AffineExpr> to,
                                      std::optional<size_t> inferred) {
  std::optional<int64_t> have = getProduct(from, std::nullopt),
                         need = getProduct(to, inferred);
  if (!have || !need)
    return success();
  if (inferred ? *need != 0 && *have % *need == 0 : *have == *need)
    return success();
  return shapes.fail("cannot shape " + Twine(*have) + " elements as " +
                     (inferred ? "a multiple of " : "") + Twine(*need));
}

/// Why the elements of a shape operand are not known.
static LogicalResult failShape(ShapeContext &shapes, Value shape) {
  std::optional<int64_t> length;
  if (shapes.rank(shape) == 1)
    length = getConstant(shapes.dim(shape, 0));
  if (length && *length > 64)
    return shapes.fail("the result has " + Twine(*length) +
                       " dimensions; up to 64 are supported");
  return shapes.fail("the number of result dimensions is not known: the "
                     "shape operand has a dynamic length");
}

LogicalResult ReshapeOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                     SmallVectorImpl<ShapeInfo> &results) {
  ShapeInfo info{shapes.elementType(adaptor.getOperand()), {}, std::nullopt};
  std::optional<SmallVector<AffineExpr>> target =
      shapes.values(adaptor.getShape());
  if (!target)
    return failShape(shapes, adaptor.getShape());
  if (shapes.rank(adaptor.getShape()) != 1)
    return shapes.fail("shape must be a vector");
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
    } else if (getConstant(size).value_or(0) < 0) {
      return shapes.fail("shape[" + Twine(index) + "] is " +
                         Twine(*getConstant(size)));
    }
    info.dims.push_back(size);
  }
  if (inferred) {
    SmallVector<AffineExpr> others(info.dims);
    others.erase(others.begin() + *inferred);
    AffineExpr size = divideProducts(shapes, operand, others);
    info.dims[*inferred] = size ? size : shapes.freshSymbol();
  }
  if (failed(checkNumElements(shapes, operand, info.dims, inferred)))
    return failure();
  if (info.dims.size() <= 1) {
    info.values = shapes.values(adaptor.getOperand());
    std::optional<int64_t> size =
        info.dims.empty() ? 1 : getConstant(info.dims[0]);
    if (info.values && int64_t(info.values->size()) != size)
      info.values.reset();
  }
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
  if (!llvm::is_sorted(adaptor.getAxes(), std::less_equal<>()))
    return shapes.fail("axes must be ascending");
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
  if (!llvm::is_sorted(adaptor.getAxes(), std::less_equal<>()))
    return shapes.fail("axes must be ascending");
  for (int64_t axis : adaptor.getAxes())
    if (axis < 0 || axis >= shapes.rank(adaptor.getOperand()))
      return shapes.fail("axis " + Twine(axis) + " is outside the operand");
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
    return failShape(shapes, adaptor.getShape());
  if (shapes.rank(adaptor.getShape()) != 1)
    return shapes.fail("shape must be a vector");
  for (auto [index, size] : llvm::enumerate(*target))
    if (getConstant(size).value_or(0) < 0)
      return shapes.fail("shape[" + Twine(index) + "] is " +
                         Twine(*getConstant(size)));
  ShapeInfo info{shapes.elementType(adaptor.getOperand()), *target,
                 std::nullopt};
  ArrayRef<AffineExpr> dims = shapes.dims(adaptor.getOperand());
  if (dims.size() > info.dims.size())
    info.dims.insert(info.dims.begin(), dims.size() - info.dims.size(),
                     shapes.constant(1));
  size_t offset = info.dims.size() - dims.size();
  for (auto [index, dim] : llvm::enumerate(dims)) {
    AffineExpr &size = info.dims[offset + index];
    if (getConstant(size) != 1 && getConstant(dim) != 1 &&
        failed(
            expectEqual(shapes, "dimensions of operand and shape", dim, size)))
      return failure();
    size = shapes.broadcast(size, dim);
  }
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
    if (failed(expectSameElementType(shapes, "one input", inputs[0], "another",
                                     input)))
      return failure();
    for (auto [index, dim] : llvm::enumerate(shapes.dims(input))) {
      if (int64_t(index) == axis)
        info.dims[index] = info.dims[index] + dim;
      else if (failed(expectEqual(
                   shapes,
                   ("dimensions " + Twine(index) + " of the inputs").str(),
                   info.dims[index], dim)))
        return failure();
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

/// Number of elements from `from` to `to` of an axis of `size`, as ONNX clamps.
static int64_t countSliced(int64_t size, int64_t from, int64_t to,
                           int64_t step) {
  if (size == 0)
    return 0;
  int64_t first = std::clamp<int64_t>(from < 0 ? from + size : from, 0,
                                      step > 0 ? size : size - 1);
  int64_t last =
      std::clamp<int64_t>(to < 0 ? to + size : to, step > 0 ? 0 : -1, size);
  if (step > 0)
    return last > first ? (last - first - 1) / step + 1 : 0;
  return first > last ? (last - first + 1) / step + 1 : 0;
}

/// The number of elements that a slice takes of an axis of `dim`, or nothing.
static AffineExpr inferSliced(ShapeContext &shapes, AffineExpr dim,
                              AffineExpr start, AffineExpr end, int64_t step) {
  std::optional<int64_t> size = getConstant(dim), from = getConstant(start),
                         to = getConstant(end);
  if (size && from && to)
    return shapes.constant(countSliced(*size, *from, *to, step));
  if (step != 1)
    return {};
  if (from == 0 && (end == dim || (to && *to >= INT32_MAX)))
    // A prefix at least as long as the axis, as exporters write it.
    return dim;
  if (from == 0 && to && *to >= 0)
    return shapes.clamp(dim, *to);
  if (from == 0 && size && !to && shapes.isNonNegative(end))
    return shapes.clamp(end, *size);
  if (!from && !to && !size && end == dim)
    return dim - start;
  return {};
}

LogicalResult SliceOp::inferShapes(ShapeContext &shapes, Adaptor adaptor,
                                   SmallVectorImpl<ShapeInfo> &results) {
  ShapeInfo info{shapes.elementType(adaptor.getOperand()),
                 SmallVector<AffineExpr>(shapes.dims(adaptor.getOperand())),
                 std::nullopt};
  ArrayRef<int64_t> axes = adaptor.getAxes();
  SmallVector<bool> seen(info.dims.size(), false);
  for (int64_t axis : axes) {
    if (axis < 0 || axis >= int64_t(info.dims.size()) || seen[axis])
      return shapes.fail("axes are not distinct dimensions of the operand");
    seen[axis] = true;
  }
  for (Value vector :
       {adaptor.getStarts(), adaptor.getEnds(), adaptor.getSteps()}) {
    std::optional<int64_t> length;
    if (shapes.rank(vector) == 1)
      length = getConstant(shapes.dim(vector, 0)).value_or(axes.size());
    if (length != int64_t(axes.size()))
      return shapes.fail("starts, ends and steps must be vectors as long as "
                         "axes");
  }
  auto starts = shapes.values(adaptor.getStarts()),
       ends = shapes.values(adaptor.getEnds());
  auto steps = shapes.constants(adaptor.getSteps());
  if (steps && llvm::is_contained(*steps, 0))
    return shapes.fail("steps must not be 0");
  auto isComplete = [&](auto &values) {
    return values && values->size() == axes.size();
  };
  for (auto [index, axis] : llvm::enumerate(axes)) {
    AffineExpr length;
    if (isComplete(starts) && isComplete(ends) && isComplete(steps))
      length = inferSliced(shapes, info.dims[axis], (*starts)[index],
                           (*ends)[index], (*steps)[index]);
    info.dims[axis] = length ? length : shapes.freshSymbol();
  }
  if (info.dims.size() == 1 && axes.size() == 1) {
    auto elements = shapes.values(adaptor.getOperand());
    auto from = shapes.constants(adaptor.getStarts());
    std::optional<int64_t> length = getConstant(info.dims[0]);
    if (elements && isComplete(from) && isComplete(steps) && length) {
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
