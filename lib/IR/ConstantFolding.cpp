//===- ConstantFolding.cpp - ops whose operands are small constants -------===//

#include "ConstantElements.h"
#include "llmc/IR/Dialect.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/FoldInterfaces.h"
#include "llvm/ADT/bit.h"

using namespace mlir;
using namespace llmc;

bool llmc::isFoldable(Type elementType) {
  if (auto integer = dyn_cast<IntegerType>(elementType))
    return integer.getWidth() <= 32 ||
           (integer.getWidth() == 64 && integer.isSignless());
  return isa<Float16Type, BFloat16Type, Float32Type, Float64Type>(elementType);
}

static bool isUnsignedElement(Type type) {
  return type.isUnsignedInteger() || type.isInteger(1);
}

ConstantElements::ConstantElements(RankedTensorType type) : type(type) {
  if (isFloat())
    floats.resize(size());
  else
    ints.resize(size());
}

std::optional<ConstantElements> ConstantElements::get(Attribute attribute) {
  auto elements = dyn_cast_or_null<DenseElementsAttr>(attribute);
  if (!elements || elements.getNumElements() > maxFoldedElements ||
      !isFoldable(elements.getElementType()))
    return std::nullopt;
  ConstantElements result(cast<RankedTensorType>(elements.getType()));
  if (result.isFloat()) {
    for (auto [index, value] : llvm::enumerate(elements.getValues<APFloat>()))
      result.floats[index] = FloatAttr::getValueAsDouble(value);
    return result;
  }
  bool isUnsigned = isUnsignedElement(result.elementType());
  for (auto [index, value] : llvm::enumerate(elements.getValues<APInt>()))
    result.ints[index] =
        isUnsigned ? int64_t(value.getZExtValue()) : value.getSExtValue();
  return result;
}

void ConstantElements::setInt(int64_t index, int64_t value) {
  unsigned width = elementType().getIntOrFloatBitWidth();
  APInt wrapped(width, uint64_t(value), /*isSigned=*/true,
                /*implicitTrunc=*/true);
  ints[index] = isUnsignedElement(elementType())
                    ? int64_t(wrapped.getZExtValue())
                    : wrapped.getSExtValue();
}

static APFloat roundTo(double value, Type elementType) {
  APFloat result(value);
  bool losesInfo;
  result.convert(cast<FloatType>(elementType).getFloatSemantics(),
                 APFloat::rmNearestTiesToEven, &losesInfo);
  return result;
}

void ConstantElements::setFloat(int64_t index, double value) {
  floats[index] = FloatAttr::getValueAsDouble(roundTo(value, elementType()));
}

void ConstantElements::copy(int64_t index, const ConstantElements &source,
                            int64_t from) {
  if (isFloat())
    floats[index] = source.floats[from];
  else
    ints[index] = source.ints[from];
}

DenseElementsAttr ConstantElements::getAttr() const {
  if (isFloat()) {
    SmallVector<APFloat> values;
    for (double value : floats)
      values.push_back(roundTo(value, elementType()));
    return DenseElementsAttr::get(type, values);
  }
  SmallVector<APInt> values;
  for (int64_t value : ints)
    values.emplace_back(elementType().getIntOrFloatBitWidth(), uint64_t(value),
                        /*isSigned=*/true, /*implicitTrunc=*/true);
  return DenseElementsAttr::get(type, values);
}

void llmc::forEachIndex(ArrayRef<int64_t> shape,
                        function_ref<void(int64_t, ArrayRef<int64_t>)> body) {
  int64_t size = ShapedType::getNumElements(shape);
  SmallVector<int64_t> index(shape.size(), 0);
  for (int64_t linear = 0; linear < size; ++linear) {
    body(linear, index);
    for (size_t i = shape.size(); i-- > 0;) {
      if (++index[i] < shape[i])
        break;
      index[i] = 0;
    }
  }
}

int64_t llmc::broadcastIndex(ArrayRef<int64_t> shape, ArrayRef<int64_t> index) {
  int64_t linear = 0;
  size_t skipped = index.size() - shape.size();
  for (size_t i = 0; i < shape.size(); ++i)
    linear = linear * shape[i] + (shape[i] == 1 ? 0 : index[skipped + i]);
  return linear;
}

namespace {

/// The dialect's fold hook for ops without one of their own.
struct ConstantFolder : DialectFoldInterface {
  using DialectFoldInterface::DialectFoldInterface;

  LogicalResult fold(Operation *op, ArrayRef<Attribute> attributes,
                     SmallVectorImpl<OpFoldResult> &results) const final {
    // Only ops that compute: a weight expression stays an expression.
    if (op->getNumResults() != 1 || !isa<llmc::ShapeInferenceOpInterface>(op) ||
        isa<WeightOpInterface>(op))
      return failure();
    auto type = dyn_cast<RankedTensorType>(op->getResult(0).getType());
    if (!type || !type.hasStaticShape() || type.getEncoding() ||
        type.getNumElements() > maxFoldedElements ||
        !isFoldable(type.getElementType()))
      return failure();
    SmallVector<std::optional<ConstantElements>> operands;
    for (Attribute attribute : attributes)
      operands.push_back(ConstantElements::get(attribute));
    ConstantElements result(type);
    bool folded = foldMovement(op, operands, result);
    if (!folded && llvm::all_of(operands, [](auto &operand) {
          return operand.has_value();
        }))
      folded = foldElementwise(op, operands, result) ||
               foldReduction(op, operands, result);
    if (!folded)
      return failure();
    results.push_back(result.getAttr());
    return success();
  }
};

} // namespace

void LLMCDialect::registerFolding() { addInterfaces<ConstantFolder>(); }
