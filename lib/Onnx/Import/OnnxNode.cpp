//===- OnnxNode.cpp - what a builder sees of one ONNX node ----------------===//

#include "OnnxNode.h"
#include "GraphImporter.h"
#include "llmc/IR/ShapeAnalysis.h"
#include "llmc/Weights/Blobs.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/Matchers.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::onnx_detail;
using ::onnx::AttributeProto;

OnnxNode::OnnxNode(GraphImporter &importer, ::onnx::NodeProto &proto,
                   int64_t opset, SmallVector<Value> inputs, Location location)
    : importer(importer), proto(proto), opset(opset), inputs(std::move(inputs)),
      location(location) {
  // A trailing absent input is no input.
  while (!this->inputs.empty() && !this->inputs.back())
    this->inputs.pop_back();
}

StringRef OnnxNode::getOpType() const { return proto.op_type(); }

OpBuilder &OnnxNode::getBuilder() const { return importer.getBuilder(); }

LogicalResult OnnxNode::fail(const Twine &message) {
  failed = true;
  return emitError(location) << message;
}

//===----------------------------------------------------------------------===//
// Outputs and types
//===----------------------------------------------------------------------===//

unsigned OnnxNode::getNumOutputs() const { return proto.output_size(); }

bool OnnxNode::wantsOutput(unsigned index) const {
  return index < getNumOutputs() && !proto.output(index).empty();
}

void OnnxNode::setOutput(unsigned index, Value value) {
  if (!value) {
    assert(failed && "an output without a value");
    return;
  }
  if (outputs.size() <= index)
    outputs.resize(index + 1);
  outputs[index] = value;
}

LogicalResult OnnxNode::result(Value value) {
  setOutput(0, value);
  return success(!failed);
}

RankedTensorType OnnxNode::declaredType(unsigned output) const {
  return wantsOutput(output) ? importer.getDeclaredType(proto.output(output))
                             : RankedTensorType();
}

RankedTensorType OnnxNode::type(Value value) const {
  if (!value)
    return RankedTensorType::get({}, Float32Type::get(getContext()));
  return cast<RankedTensorType>(value.getType());
}

int64_t OnnxNode::dim(Value value, int64_t index) const {
  RankedTensorType valueType = type(value);
  return index >= 0 && index < valueType.getRank() ? valueType.getDimSize(index)
                                                   : ShapedType::kDynamic;
}

int64_t OnnxNode::staticDim(Value value, int64_t index, StringRef what) {
  if (failed)
    return 1;
  if (index >= rank(value)) {
    (void)fail(what + " is missing: a tensor has rank " + Twine(rank(value)));
    return 1;
  }
  int64_t size = dim(value, index);
  if (!ShapedType::isDynamic(size))
    return size;
  (void)fail(what + " must be known at import");
  return 1;
}

int64_t OnnxNode::normalizeAxis(int64_t axis, int64_t rank) {
  if (axis >= -rank && axis < rank)
    return axis < 0 ? axis + rank : axis;
  if (!failed)
    (void)fail("axis " + Twine(axis) + " is outside a tensor of rank " +
               Twine(rank));
  return 0;
}

SmallVector<int64_t> OnnxNode::normalizeAxes(ArrayRef<int64_t> axes,
                                             int64_t rank) {
  SmallVector<int64_t> result;
  for (int64_t axis : axes)
    result.push_back(normalizeAxis(axis, rank));
  return result;
}

//===----------------------------------------------------------------------===//
// Attributes
//===----------------------------------------------------------------------===//

const AttributeProto *OnnxNode::findAttr(StringRef name, int type) {
  const AttributeProto *attribute = importer.findAttribute(proto, name);
  if (!attribute)
    return nullptr;
  if (attribute->type() == type)
    return attribute;
  if (!failed)
    (void)fail("attribute '" + name + "' has the wrong type");
  return nullptr;
}

bool OnnxNode::hasAttr(StringRef name) const {
  return importer.findAttribute(proto, name);
}

int64_t OnnxNode::intAttr(StringRef name, int64_t defaultValue) {
  const AttributeProto *attribute = findAttr(name, AttributeProto::INT);
  return attribute ? attribute->i() : defaultValue;
}

int64_t OnnxNode::requiredInt(StringRef name) {
  if (!failed && !hasAttr(name))
    (void)fail("attribute '" + name + "' is missing");
  return intAttr(name, 0);
}

double OnnxNode::floatAttr(StringRef name, double defaultValue) {
  const AttributeProto *attribute = findAttr(name, AttributeProto::FLOAT);
  return attribute ? attribute->f() : defaultValue;
}

StringRef OnnxNode::stringAttr(StringRef name, StringRef defaultValue) {
  const AttributeProto *attribute = findAttr(name, AttributeProto::STRING);
  return attribute ? StringRef(attribute->s()) : defaultValue;
}

SmallVector<int64_t> OnnxNode::intsAttr(StringRef name) {
  const AttributeProto *attribute = findAttr(name, AttributeProto::INTS);
  if (!attribute)
    return {};
  return SmallVector<int64_t>(attribute->ints().begin(),
                              attribute->ints().end());
}

SmallVector<double> OnnxNode::floatsAttr(StringRef name) {
  const AttributeProto *attribute = findAttr(name, AttributeProto::FLOATS);
  if (!attribute)
    return {};
  return SmallVector<double>(attribute->floats().begin(),
                             attribute->floats().end());
}

SmallVector<StringRef> OnnxNode::stringsAttr(StringRef name) {
  const AttributeProto *attribute = findAttr(name, AttributeProto::STRINGS);
  if (!attribute)
    return {};
  return SmallVector<StringRef>(attribute->strings().begin(),
                                attribute->strings().end());
}

Value OnnxNode::tensorAttr(StringRef name) {
  // The reader takes large bytes out of the proto, which is ours to consume.
  auto *attribute =
      const_cast<AttributeProto *>(findAttr(name, AttributeProto::TENSOR));
  if (!attribute || failed)
    return {};
  Value value = importer.importTensor(*attribute->mutable_t(),
                                      proto.output_size() ? proto.output(0)
                                                          : std::string(),
                                      location, /*initializer=*/false);
  failed |= !value;
  return value;
}

::onnx::GraphProto *OnnxNode::graphAttr(StringRef name) {
  auto *attribute =
      const_cast<AttributeProto *>(findAttr(name, AttributeProto::GRAPH));
  if (attribute)
    return attribute->mutable_g();
  if (!failed)
    (void)fail("attribute '" + name + "' is missing");
  return nullptr;
}

void OnnxNode::requireInt(StringRef name, int64_t value) {
  int64_t given = intAttr(name, value);
  if (given != value && !failed)
    (void)fail(name + " = " + Twine(given) + " is not supported");
}

//===----------------------------------------------------------------------===//
// Constants
//===----------------------------------------------------------------------===//

std::optional<SmallVector<int64_t>> OnnxNode::constantInts(Value value) {
  return value ? importer.getShapes().constants(value) : std::nullopt;
}

/// The value of a constant, or of a param: a vector of floats is one.
static ElementsAttr getElements(OnnxNode &node, Value value) {
  if (!value)
    return {};
  ElementsAttr elements;
  if (matchPattern(value, m_Constant(&elements)))
    return elements;
  if (auto weight = value.getDefiningOp<WeightOp>())
    if (auto param = node.getImporter().getModule().lookupSymbol<ParamOp>(
            weight.getParam()))
      return param.getValue();
  return {};
}

std::optional<SmallVector<double>> OnnxNode::constantFloats(Value value) {
  ElementsAttr elements = getElements(*this, value);
  auto floatType =
      elements ? dyn_cast<FloatType>(elements.getElementType()) : FloatType();
  if (!floatType)
    return std::nullopt;
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(elements))
    elements = DenseElementsAttr::getFromRawBuffer(resource.getType(),
                                                   getBytes(resource));
  SmallVector<double> result;
  for (APFloat element : elements.getValues<APFloat>()) {
    bool losesInfo;
    element.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven,
                    &losesInfo);
    result.push_back(element.convertToDouble());
  }
  return result;
}

SmallVector<int64_t> OnnxNode::requiredInts(unsigned index, StringRef what) {
  if (failed || !hasInput(index))
    return {};
  if (std::optional<SmallVector<int64_t>> values = constantInts(input(index)))
    return *values;
  (void)fail(what + " must be known at import");
  return {};
}

std::optional<SmallVector<int64_t>> OnnxNode::intsAttrOrInput(StringRef name,
                                                              unsigned index) {
  if (hasAttr(name))
    return intsAttr(name);
  if (hasInput(index))
    return requiredInts(index, name);
  return std::nullopt;
}

Value OnnxNode::ints(ArrayRef<int64_t> values) {
  return failed ? Value() : createI64Constant(getBuilder(), location, values);
}

Value OnnxNode::scalar(Type elementType, double value) {
  return failed
             ? Value()
             : createScalarConstant(getBuilder(), location, elementType, value);
}

Value OnnxNode::splat(RankedTensorType type, double value) {
  if (failed)
    return {};
  Value element = scalar(type.getElementType(), value);
  auto elements =
      cast<DenseElementsAttr>(element.getDefiningOp<ConstantOp>().getValue());
  element.getDefiningOp()->erase();
  return constant(
      DenseElementsAttr::get(type, elements.getSplatValue<Attribute>()));
}

Value OnnxNode::constant(ElementsAttr value) {
  if (failed)
    return {};
  return ConstantOp::create(getBuilder(), location,
                            cast<RankedTensorType>(value.getType()), value);
}

//===----------------------------------------------------------------------===//
// Ops
//===----------------------------------------------------------------------===//

Operation *OnnxNode::finish(OperationState &state, InferTypes inferTypes) {
  SmallVector<Type> types;
  // Errors of inference and of the verifier are emitted at the location; the
  // importer puts the node's name in front.
  if (mlir::failed(inferTypes(getContext(), location, state.operands,
                              state.attributes.getDictionary(getContext()),
                              state.getRawProperties(), state.regions,
                              types))) {
    failed = true;
    return nullptr;
  }
  state.types.assign(types.begin(), types.end());
  Operation *op = getBuilder().create(state);
  ShapeContext &shapes = importer.getShapes();
  if (mlir::failed(op->getName().verifyInvariants(op)) ||
      mlir::failed(analyzeShapes(op, shapes))) {
    failed = true;
    op->erase();
    return nullptr;
  }
  // The graph around the op says more than its operands' types do.
  for (Value result : op->getResults())
    result.setType(getRefinedType(result, shapes));
  return op;
}

bool OnnxNode::haveEqualSize(Value a, int64_t i, Value b, int64_t j) const {
  ShapeContext &shapes = importer.getShapes();
  return a && b && i < rank(a) && j < rank(b) &&
         shapes.areEqual(shapes.dim(a, i), shapes.dim(b, j)) == true;
}

Value OnnxNode::castTo(Value value, Type elementType) {
  if (!value || this->elementType(value) == elementType)
    return value;
  return create<CastOp>(value, elementType);
}

Value OnnxNode::refine(Value value, RankedTensorType type) {
  if (failed || value.getType() == type)
    return value;
  auto op = tensor::CastOp::create(getBuilder(), location, type, value);
  (void)analyzeShapes(op, importer.getShapes());
  return op;
}

Value OnnxNode::transpose(Value value, ArrayRef<int64_t> perm) {
  return create<TransposeOp>(value, perm);
}

Value OnnxNode::reshape(Value value, ArrayRef<int64_t> shape) {
  return create<ReshapeOp>(value, ints(shape));
}

Value OnnxNode::unsqueeze(Value value, ArrayRef<int64_t> axes) {
  return create<UnsqueezeOp>(value, axes);
}

Value OnnxNode::squeeze(Value value, ArrayRef<int64_t> axes) {
  return create<SqueezeOp>(value, axes);
}

Value OnnxNode::slice(Value value, int64_t axis, int64_t start, int64_t end) {
  return create<SliceOp>(value, ints(start), ints(end), ints(1),
                         ArrayRef<int64_t>(axis));
}

Value OnnxNode::dimOf(Value value, int64_t axis) {
  if (int64_t size = dim(value, axis); !ShapedType::isDynamic(size))
    return ints(size);
  return create<ShapeOp>(value, axis, axis + 1);
}

Value OnnxNode::shapeOf(Value value) {
  return create<ShapeOp>(value, int64_t(0), rank(value));
}

Value OnnxNode::concat(ArrayRef<Value> values, int64_t axis) {
  return create<ConcatOp>(ValueRange(values), axis);
}

Value OnnxNode::reduce(ReduceKind kind, Value value, ArrayRef<int64_t> axes,
                       bool keepdims) {
  return create<ReduceOp>(value, kind, axes, keepdims);
}
