//===- Lifter.cpp - what the pattern passes share -------------------------===//

#include "Lifter.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;
using namespace llmc;

Value Lifter::createI64s(Operation *root, ArrayRef<int64_t> values) {
  OpBuilder builder(root);
  Value constant = createI64Constant(builder, root->getLoc(), values);
  (void)analyzeShapes(constant.getDefiningOp(), shapes);
  return constant;
}

Value Lifter::createTransposed(Operation *root, Value value,
                               ArrayRef<int64_t> perm) {
  SmallVector<int64_t> composed(perm);
  while (auto inner = value.getDefiningOp<TransposeOp>()) {
    for (int64_t &source : composed)
      source = inner.getPerm()[source];
    value = inner.getOperand();
  }
  if (llvm::equal(composed, llvm::seq<int64_t>(0, composed.size())))
    return value;
  return create<TransposeOp>(root, value, composed);
}

void Lifter::replace(Operation *root, Value value) {
  Value old = root->getResult(0);
  Value cast;
  for (OpOperand &use : llvm::make_early_inc_range(old.getUses())) {
    // Ops of other dialects may insist on the type.
    if (value.getType() == old.getType() ||
        isa_and_nonnull<LLMCDialect>(use.getOwner()->getDialect())) {
      use.set(value);
      continue;
    }
    if (!cast)
      cast = create<tensor::CastOp>(root, old.getType(), value);
    use.set(cast);
  }
  shapes.forget(old);
  root->erase();
}

ParamOp Lifter::getParam(Value weight) {
  auto load = weight.getDefiningOp<WeightOp>();
  return load ? symbols.lookupNearestSymbolFrom<ParamOp>(load,
                                                         load.getParamAttr())
              : ParamOp();
}

std::optional<double> Lifter::getScalar(Value value) {
  ElementsAttr elements;
  if (ParamOp param = getParam(value)) {
    elements = param.getValue();
    // The bytes of a resource are read as what its type says they are.
    if (auto resource = dyn_cast<DenseResourceElementsAttr>(elements)) {
      AsmResourceBlob *blob = resource.getRawHandle().getBlob();
      if (elements.getNumElements() != 1 || !blob ||
          !isa<FloatType>(elements.getElementType()))
        return std::nullopt;
      elements = DenseElementsAttr::getFromRawBuffer(
          cast<ShapedType>(resource.getType()), blob->getData());
    }
  } else if (!matchPattern(value, m_Constant(&elements))) {
    return std::nullopt;
  }
  auto dense = dyn_cast<DenseElementsAttr>(elements);
  if (!dense || dense.getNumElements() != 1)
    return std::nullopt;
  if (isa<FloatType>(dense.getElementType()))
    return FloatAttr::getValueAsDouble(*dense.value_begin<APFloat>());
  if (dense.getElementType().isInteger(1))
    return double((*dense.value_begin<APInt>()).getZExtValue());
  if (isa<IntegerType>(dense.getElementType()))
    return double((*dense.value_begin<APInt>()).getSExtValue());
  return std::nullopt;
}

bool llmc::isClose(double a, double b, Type elementType) {
  auto floatType = dyn_cast<FloatType>(elementType);
  double epsilon =
      floatType ? std::ldexp(1.0, 1 - int(floatType.getFPMantissaWidth())) : 0;
  return std::fabs(a - b) <= 4 * epsilon * std::fabs(b);
}

bool Lifter::isScalar(Value value, double expected) {
  std::optional<double> scalar = getScalar(value);
  return scalar && isClose(*scalar, expected, shapes.elementType(value));
}

Value llmc::stripFloatCasts(Value value) {
  while (auto cast = value.getDefiningOp<CastOp>()) {
    if (!isa<FloatType>(cast.getTo()) ||
        !isa<FloatType>(getElementTypeOrSelf(cast.getOperand())))
      break;
    value = cast.getOperand();
  }
  return value;
}

bool llmc::isReshapeLike(Operation *op) {
  return isa_and_nonnull<ReshapeOp, UnsqueezeOp, SqueezeOp>(op);
}

Value llmc::getReshapeSource(Value value) {
  while (isReshapeLike(value.getDefiningOp()))
    value = value.getDefiningOp()->getOperand(0);
  return value;
}

std::optional<SlicedDim> llmc::matchSliceOfLastDim(Value value,
                                                   Lifter &lifter) {
  auto slice = value.getDefiningOp<SliceOp>();
  if (!slice || slice.getAxes().size() != 1 ||
      slice.getAxes()[0] != lifter.shapes.rank(value) - 1)
    return std::nullopt;
  auto starts = lifter.shapes.constants(slice.getStarts()),
       steps = lifter.shapes.constants(slice.getSteps());
  std::optional<int64_t> size = lifter.getSize(slice.getOperand(), -1),
                         length = lifter.getSize(value, -1);
  if (!starts || starts->size() != 1 || !steps || steps->front() != 1 ||
      !size || !length)
    return std::nullopt;
  int64_t start = starts->front();
  start = std::clamp<int64_t>(start < 0 ? start + *size : start, 0, *size);
  return SlicedDim{slice.getOperand(), start, *length};
}

static void multiply(Value value, int64_t power, Value atom, Product &product,
                     Lifter &lifter) {
  constexpr size_t maxFactors = 4;
  if (std::optional<double> scalar = lifter.getScalar(value)) {
    product.coefficient *= std::pow(*scalar, power);
    return;
  }
  if (value != atom && product.factors.size() <= maxFactors) {
    if (auto mul = value.getDefiningOp<MulOp>()) {
      multiply(mul.getLhs(), power, atom, product, lifter);
      multiply(mul.getRhs(), power, atom, product, lifter);
      return;
    }
    if (auto div = value.getDefiningOp<DivOp>())
      if (std::optional<double> divisor = lifter.getScalar(div.getRhs());
          divisor && isa<FloatType>(getElementTypeOrSelf(div.getType()))) {
        product.coefficient /= std::pow(*divisor, power);
        multiply(div.getLhs(), power, atom, product, lifter);
        return;
      }
    if (auto pow = value.getDefiningOp<PowOp>())
      if (std::optional<double> exponent = lifter.getScalar(pow.getRhs());
          exponent == 2 || exponent == 3) {
        multiply(pow.getLhs(), power * int64_t(*exponent), atom, product,
                 lifter);
        return;
      }
  }
  product.factors.append(power, value);
}

Product llmc::getProduct(Value value, Lifter &lifter, Value atom) {
  Product product;
  multiply(value, 1, atom, product, lifter);
  return product;
}

std::optional<unsigned> llmc::findResult(FunctionOpInterface function,
                                         StringRef name) {
  for (unsigned i = 0; i < function.getNumResults(); ++i)
    if (auto attribute = function.getResultAttrOfType<StringAttr>(i, nameAttr);
        attribute && attribute.getValue() == name)
      return i;
  return std::nullopt;
}

void llmc::eraseDeadOps(Region &region) {
  for (Block &block : region)
    for (Operation &op : llvm::make_early_inc_range(llvm::reverse(block))) {
      for (Region &inner : op.getRegions())
        eraseDeadOps(inner);
      if (isOpTriviallyDead(&op))
        op.erase();
    }
}

LogicalResult llmc::liftEach(ModuleOp module,
                             function_ref<bool(Operation *)> isRoot,
                             function_ref<bool(Operation *, Lifter &)> match,
                             function_ref<void()> count) {
  for (auto function : module.getOps<FunctionOpInterface>()) {
    ShapeContext shapes(module.getContext());
    if (failed(analyzeShapes(function, shapes)))
      return failure();
    Lifter lifter(module, shapes);
    SmallVector<Operation *> roots;
    function.walk([&](Operation *op) {
      if (isRoot(op))
        roots.push_back(op);
    });
    bool changed = false;
    for (Operation *root : roots)
      if (match(root, lifter)) {
        changed = true;
        count();
      }
    if (changed)
      eraseDeadOps(function.getFunctionBody());
  }
  return success();
}
