//===- ShapeInference.cpp - symbolic shapes and shape arithmetic ----------===//

#include "llmc/IR/ShapeInference.h"
#include "llmc/IR/Dialect.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Matchers.h"
#include <algorithm>

using namespace mlir;
using namespace llmc;

/// Shape vectors are this short; longer integer tensors are data.
static constexpr int64_t maxTrackedElements = 64;

/// Sizes of real models are sums of a few products. Where one is computed from
/// itself again and again, as in a chain of squares, its expression doubles
/// with each op.
static constexpr unsigned maxSizeNodes = 128;

std::optional<int64_t> llmc::getConstant(AffineExpr expr) {
  if (auto constant = dyn_cast_or_null<AffineConstantExpr>(expr))
    return constant.getValue();
  return std::nullopt;
}

bool llmc::isTrackedElementType(Type type) {
  return type.isSignlessInteger(1) || type.isSignlessInteger(32) ||
         type.isSignlessInteger(64);
}

/// Takes from `budget` what a walk over `expr` visits; false when it runs out.
static bool isWithin(AffineExpr expr, unsigned &budget) {
  if (budget == 0)
    return false;
  --budget;
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  return !binary || (isWithin(binary.getLHS(), budget) &&
                     isWithin(binary.getRHS(), budget));
}

/// Whether an expression is too large to compute with.
static bool isTooLarge(AffineExpr expr) {
  unsigned budget = maxSizeNodes;
  return !isWithin(expr, budget);
}

RankedTensorType ShapeInfo::getType() const {
  SmallVector<int64_t> shape;
  for (AffineExpr dim : dims) {
    std::optional<int64_t> size = getConstant(dim);
    shape.push_back(size && *size >= 0 ? *size : ShapedType::kDynamic);
  }
  return RankedTensorType::get(shape, elementType);
}

AffineExpr ShapeContext::constant(int64_t value) {
  return getAffineConstantExpr(value, context);
}

AffineExpr ShapeContext::freshSymbol() {
  symbolNames.emplace_back();
  return getAffineSymbolExpr(symbolNames.size() - 1, context);
}

AffineExpr ShapeContext::freshElement() {
  AffineExpr symbol = freshSymbol();
  elementSymbols.resize(symbolNames.size());
  elementSymbols.set(symbolNames.size() - 1);
  return symbol;
}

AffineExpr ShapeContext::namedSymbol(StringRef name) {
  auto [entry, inserted] = symbolsByName.try_emplace(name);
  if (inserted) {
    entry->second = freshSymbol();
    symbolNames.back() = name.str();
  }
  return entry->second;
}

StringRef ShapeContext::symbolName(unsigned position) const {
  return position < symbolNames.size() ? StringRef(symbolNames[position])
                                       : StringRef();
}

ArrayRef<AffineExpr> ShapeContext::dims(Value value) {
  auto found = knownDims.find(value);
  if (found != knownDims.end())
    return found->second;
  SmallVector<AffineExpr> result;
  for (int64_t size : cast<RankedTensorType>(value.getType()).getShape())
    result.push_back(ShapedType::isDynamic(size) ? freshSymbol()
                                                 : constant(size));
  return knownDims.try_emplace(value, std::move(result)).first->second;
}

std::optional<SmallVector<AffineExpr>> ShapeContext::values(Value value) {
  auto found = knownValues.find(value);
  if (found != knownValues.end())
    return found->second;
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || type.getRank() > 1 ||
      !isTrackedElementType(type.getElementType()))
    return std::nullopt;

  std::optional<SmallVector<AffineExpr>> result;
  DenseIntElementsAttr elements;
  if (matchPattern(value, m_Constant(&elements))) {
    if (elements.getNumElements() > maxTrackedElements)
      return std::nullopt;
    result.emplace();
    bool isUnsigned = type.getElementType().isInteger(1);
    for (const APInt &element : elements.getValues<APInt>())
      result->push_back(constant(isUnsigned ? element.getZExtValue()
                                            : element.getSExtValue()));
  } else if (auto op = value.getDefiningOp<llmc::ShapeInferenceOpInterface>()) {
    SmallVector<ShapeInfo> infos;
    if (succeeded(op.inferResultShapes(*this, infos)))
      result = infos[cast<OpResult>(value).getResultNumber()].values;
    // As for a constant, which folding may make of it.
    if (result && int64_t(result->size()) > maxTrackedElements)
      return std::nullopt;
  }
  if (!result) {
    // Nothing is known of the elements, but their number may be.
    if (!type.hasStaticShape() || type.getNumElements() > maxTrackedElements)
      return std::nullopt;
    result.emplace();
    for (int64_t i = 0; i < type.getNumElements(); ++i)
      result->push_back(freshElement());
  }
  for (AffineExpr &expr : *result) {
    expr = simplify(expr);
    if (isTooLarge(expr))
      expr = freshElement();
  }
  knownValues.try_emplace(value, *result);
  return result;
}

std::optional<SmallVector<int64_t>> ShapeContext::constants(Value value) {
  std::optional<SmallVector<AffineExpr>> exprs = values(value);
  if (!exprs)
    return std::nullopt;
  SmallVector<int64_t> result;
  for (AffineExpr expr : *exprs) {
    std::optional<int64_t> constant = getConstant(expr);
    if (!constant)
      return std::nullopt;
    result.push_back(*constant);
  }
  return result;
}

void ShapeContext::set(Value value, const ShapeInfo &info) {
  SmallVector<AffineExpr> &dims = knownDims[value];
  dims = info.dims;
  for (AffineExpr &dim : dims) {
    dim = simplify(dim);
    if (isTooLarge(dim))
      dim = freshSymbol();
  }
  if (!info.values || int64_t(info.values->size()) > maxTrackedElements)
    return;
  SmallVector<AffineExpr> &values = knownValues[value];
  values = *info.values;
  for (AffineExpr &element : values) {
    element = simplify(element);
    if (isTooLarge(element))
      element = freshElement();
  }
}

void ShapeContext::forget(Value value) {
  knownDims.erase(value);
  knownValues.erase(value);
}

AffineExpr ShapeContext::broadcast(AffineExpr a, AffineExpr b) {
  if (a == b || getConstant(b) == 1)
    return a;
  if (getConstant(a) == 1)
    return b;
  if (getConstant(a))
    return a;
  if (getConstant(b))
    return b;
  for (auto [part, whole] : {std::pair(a, b), std::pair(b, a)})
    if (auto found = clamps.find(part);
        found != clamps.end() && found->second.first == whole)
      return whole;
  auto parts = [&](AffineExpr expr) {
    auto found = broadcastParts.find(expr);
    return found != broadcastParts.end() ? found->second
                                         : Parts{expr.getAsOpaquePointer()};
  };
  Parts left = parts(a), right = parts(b), both;
  std::set_union(left.begin(), left.end(), right.begin(), right.end(),
                 std::back_inserter(both));
  if (both == left || both == right)
    return both == left ? a : b;
  AffineExpr &symbol = broadcastSymbols[both];
  if (!symbol) {
    symbol = freshSymbol();
    broadcastParts[symbol] = both;
  }
  return symbol;
}

AffineExpr ShapeContext::clamp(AffineExpr size, int64_t bound) {
  // min(size, 1) says nothing of a size that it is broadcast with.
  if (bound < 2)
    return bound == 0 ? constant(0) : freshSymbol();
  AffineExpr &symbol = clampSymbols[{size, bound}];
  if (!symbol) {
    symbol = freshSymbol();
    clamps[symbol] = {size, bound};
  }
  return symbol;
}

LogicalResult ShapeContext::fail(const Twine &message) {
  if (op)
    return op->emitOpError() << message;
  if (location)
    return emitError(*location) << message;
  return failure();
}

LogicalResult llmc::inferBroadcast(ShapeContext &shapes, ValueRange operands,
                                   Type elementType,
                                   SmallVectorImpl<ShapeInfo> &results) {
  ShapeInfo info{elementType, {}, std::nullopt};
  for (Value operand : operands) {
    ArrayRef<AffineExpr> dims = shapes.dims(operand);
    if (dims.size() > info.dims.size())
      info.dims.insert(info.dims.begin(), dims.size() - info.dims.size(),
                       shapes.constant(1));
    for (auto [offset, dim] : llvm::enumerate(llvm::reverse(dims))) {
      AffineExpr &result = info.dims[info.dims.size() - 1 - offset];
      std::optional<int64_t> a = getConstant(result), b = getConstant(dim);
      if (a && b && *a != *b && *a != 1 && *b != 1)
        return shapes.fail("operand shapes do not broadcast: dimension " +
                           Twine(offset + 1) + " from the end is " + Twine(*a) +
                           " and " + Twine(*b));
      result = shapes.broadcast(result, dim);
    }
  }
  results.push_back(std::move(info));
  return success();
}

LogicalResult llmc::inferSameShape(ShapeContext &shapes, Value operand,
                                   Type elementType,
                                   SmallVectorImpl<ShapeInfo> &results) {
  results.push_back({elementType, SmallVector<AffineExpr>(shapes.dims(operand)),
                     std::nullopt});
  return success();
}

LogicalResult llmc::expectSameElementType(ShapeContext &shapes, StringRef name,
                                          Value a, StringRef other, Value b) {
  if (!a || !b || shapes.elementType(a) == shapes.elementType(b))
    return success();
  std::string text;
  llvm::raw_string_ostream(text)
      << name << " has elements of " << shapes.elementType(a) << ", " << other
      << " of " << shapes.elementType(b);
  return shapes.fail(text);
}

LogicalResult llmc::expectEqual(ShapeContext &shapes, StringRef what,
                                AffineExpr a, AffineExpr b) {
  std::optional<int64_t> left = getConstant(a), right = getConstant(b);
  if (left && right && *left != *right)
    return shapes.fail(what + " differ: " + Twine(*left) + " and " +
                       Twine(*right));
  return success();
}

FailureOr<int64_t> llmc::normalizeAxis(ShapeContext &shapes, int64_t axis,
                                       int64_t rank) {
  if (axis < -rank || axis >= rank) {
    (void)shapes.fail("axis " + Twine(axis) + " is outside a tensor of rank " +
                      Twine(rank));
    return failure();
  }
  return axis < 0 ? axis + rank : axis;
}

bool llmc::areCompatibleTypes(TypeRange inferred, TypeRange actual) {
  if (inferred.size() != actual.size())
    return false;
  for (auto [left, right] : llvm::zip(inferred, actual)) {
    auto a = dyn_cast<ShapedType>(left), b = dyn_cast<ShapedType>(right);
    if (!a || !b || a.getElementType() != b.getElementType() ||
        failed(verifyCompatibleShape(a, b)))
      return false;
  }
  return true;
}
