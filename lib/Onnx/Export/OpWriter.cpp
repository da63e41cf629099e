//===- OpWriter.cpp - what an export function sees of one op --------------===//

#include "OpWriter.h"
#include "GraphExporter.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::onnx_detail;
using ::onnx::AttributeProto;

static AttributeProto &addAttribute(::onnx::NodeProto &node, StringRef name,
                                    AttributeProto::AttributeType type) {
  AttributeProto &attribute = *node.add_attribute();
  attribute.set_name(name.str());
  attribute.set_type(type);
  return attribute;
}

WrittenNode &WrittenNode::attr(StringRef name, int64_t value) {
  addAttribute(*proto, name, AttributeProto::INT).set_i(value);
  return *this;
}

WrittenNode &WrittenNode::attr(StringRef name, double value) {
  addAttribute(*proto, name, AttributeProto::FLOAT).set_f(value);
  return *this;
}

WrittenNode &WrittenNode::attr(StringRef name, StringRef value) {
  addAttribute(*proto, name, AttributeProto::STRING).set_s(value.str());
  return *this;
}

WrittenNode &WrittenNode::attr(StringRef name, ArrayRef<int64_t> values) {
  addAttribute(*proto, name, AttributeProto::INTS)
      .mutable_ints()
      ->Add(values.begin(), values.end());
  return *this;
}

WrittenNode &WrittenNode::attr(StringRef name, ArrayRef<float> values) {
  addAttribute(*proto, name, AttributeProto::FLOATS)
      .mutable_floats()
      ->Add(values.begin(), values.end());
  return *this;
}

WrittenNode &WrittenNode::attr(StringRef name, ArrayRef<StringRef> values) {
  AttributeProto &attribute =
      addAttribute(*proto, name, AttributeProto::STRINGS);
  for (StringRef value : values)
    attribute.add_strings(value.str());
  return *this;
}

std::string WrittenNode::name() const { return proto->output(0); }

std::string OpWriter::in(Value value) { return exporter.getName(value); }

std::string OpWriter::out(unsigned index) {
  return exporter.getName(op->getResult(index));
}

static ::onnx::NodeProto &addNode(GraphExporter &exporter,
                                  ::onnx::GraphProto &graph, StringRef opType,
                                  OpWriter::Names inputs, StringRef domain) {
  ::onnx::NodeProto &node = *graph.add_node();
  node.set_op_type(opType.str());
  if (!domain.empty()) {
    node.set_domain(domain.str());
    exporter.useDomain(domain, 1);
  }
  while (!inputs.empty() && inputs.back().empty())
    inputs = inputs.drop_back();
  for (const std::string &input : inputs)
    node.add_input(input);
  return node;
}

WrittenNode OpWriter::result(StringRef opType, Names inputs, StringRef domain) {
  ::onnx::NodeProto &node = addNode(exporter, graph, opType, inputs, domain);
  for (unsigned i = 0; i < op->getNumResults(); ++i)
    node.add_output(out(i));
  node.set_name(node.output(0));
  return WrittenNode(node);
}

WrittenNode OpWriter::node(StringRef opType, Names inputs, StringRef domain) {
  ::onnx::NodeProto &node = addNode(exporter, graph, opType, inputs, domain);
  node.add_output(exporter.makeUnique(
      (op->getNumResults() ? out(0) : std::string("value")) + "/" +
      opType.str()));
  node.set_name(node.output(0));
  return WrittenNode(node);
}

std::string OpWriter::ints(ArrayRef<int64_t> values) {
  Builder builder(op->getContext());
  auto type =
      RankedTensorType::get({int64_t(values.size())}, builder.getI64Type());
  return constant(DenseElementsAttr::get(type, values));
}

std::string OpWriter::scalar(Type elementType, double value) {
  Builder builder(op->getContext());
  auto type = RankedTensorType::get({}, elementType);
  Attribute element =
      isa<FloatType>(elementType)
          ? Attribute(builder.getFloatAttr(elementType, value))
          : Attribute(IntegerAttr::get(
                elementType, APInt(elementType.getIntOrFloatBitWidth(),
                                   uint64_t(int64_t(value)), /*isSigned=*/true,
                                   /*implicitTrunc=*/true)));
  return constant(DenseElementsAttr::get(type, element));
}

std::string OpWriter::constant(ElementsAttr value) {
  return exporter.addConstant(value, UnknownLoc::get(op->getContext()));
}

void OpWriter::requireOpset(int64_t opset) { exporter.requireOpset(opset, op); }

void OpWriter::alias(Value value, std::string name) {
  exporter.setName(value, std::move(name));
}

LogicalResult OpWriter::fail(const Twine &message) {
  return op->emitOpError(message);
}
