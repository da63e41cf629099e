//===- UnknownNode.cpp - nodes that the table does not have ---------------===//

#include "../Types.h"
#include "GraphImporter.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::onnx_detail;
using ::onnx::AttributeProto;

/// The attribute in MLIR's terms; null when it has a kind that llmc.onnx does
/// not carry, such as a subgraph.
static Attribute convertAttribute(OnnxNode &node, AttributeProto &attribute) {
  Builder builder(node.getContext());
  switch (attribute.type()) {
  case AttributeProto::INT:
    return builder.getI64IntegerAttr(attribute.i());
  case AttributeProto::FLOAT:
    return builder.getF32FloatAttr(attribute.f());
  case AttributeProto::STRING:
    return builder.getStringAttr(attribute.s());
  case AttributeProto::INTS:
    return builder.getDenseI64ArrayAttr(
        SmallVector<int64_t>(attribute.ints().begin(), attribute.ints().end()));
  case AttributeProto::FLOATS:
    return builder.getDenseF32ArrayAttr(SmallVector<float>(
        attribute.floats().begin(), attribute.floats().end()));
  case AttributeProto::STRINGS: {
    SmallVector<Attribute> strings;
    for (const std::string &value : attribute.strings())
      strings.push_back(builder.getStringAttr(value));
    return builder.getArrayAttr(strings);
  }
  case AttributeProto::TENSOR: {
    FailureOr<ElementsAttr> value = node.getImporter().getReader().readDense(
        *attribute.mutable_t(), node.getLoc());
    return succeeded(value) ? Attribute(*value) : Attribute();
  }
  default:
    (void)node.fail("attribute '" + attribute.name() +
                    "' has a kind that is not supported for a node that llmc "
                    "does not know");
    return {};
  }
}

LogicalResult GraphImporter::importUnknown(OnnxNode &node) {
  ::onnx::NodeProto &proto = node.getProto();
  std::string op = "'" + proto.op_type() + "'" +
                   (proto.domain().empty() ? "" : " of " + proto.domain()) +
                   " version " + std::to_string(node.getOpset());
  SmallVector<Type> types;
  SmallVector<Location> names;
  for (const std::string &output : proto.output()) {
    RankedTensorType type =
        output.empty() ? RankedTensorType() : getDeclaredType(output);
    if (!type)
      return node.fail("op " + op +
                       " is not known, and the model does not declare the type "
                       "of output '" +
                       output + "'");
    types.push_back(type);
    names.push_back(getLoc(output));
  }
  SmallVector<NamedAttribute> attributes;
  for (const AttributeProto &given : proto.attribute()) {
    const AttributeProto *attribute = findAttribute(proto, given.name());
    if (!attribute)
      continue;
    Attribute value =
        convertAttribute(node, const_cast<AttributeProto &>(*attribute));
    if (!value)
      return failure();
    attributes.push_back(builder.getNamedAttr(given.name(), value));
  }
  SmallVector<Value> operands;
  SmallVector<bool> present;
  for (Value input : node.getInputs()) {
    present.push_back(bool(input));
    if (input)
      operands.push_back(input);
  }
  Location location =
      names.size() == 1 ? names[0] : FusedLoc::get(module.getContext(), names);
  auto carried =
      OnnxOp::create(builder, location, types, operands, proto.domain(),
                     proto.op_type(), node.getOpset(), present,
                     DictionaryAttr::getWithSorted(module.getContext(), [&] {
                       llvm::sort(attributes);
                       return ArrayRef<NamedAttribute>(attributes);
                     }()));
  for (auto [index, value] : llvm::enumerate(carried.getResults()))
    node.setOutput(index, value);
  return success();
}
