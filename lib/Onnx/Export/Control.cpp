//===- Control.cpp - export of control flow and carried nodes -------------===//

#include "../Proto.h"
#include "ExportTable.h"
#include "GraphExporter.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::onnx_detail;
using ::onnx::AttributeProto;

/// ONNX has no static types to convert between.
static LogicalResult exportTensorCast(OpWriter &writer, tensor::CastOp op) {
  writer.alias(op.getResult(), writer.in(op.getSource()));
  return success();
}

/// The scalar of a condition; If takes the tensor.
static LogicalResult exportExtract(OpWriter &writer, tensor::ExtractOp op) {
  if (!op.getIndices().empty())
    return writer.fail("has indices: only the scalar of a tensor without "
                       "dimensions has an ONNX form");
  writer.alias(op.getResult(), writer.in(op.getTensor()));
  return success();
}

static LogicalResult exportIf(OpWriter &writer, scf::IfOp op) {
  if (op.getNumResults() == 0)
    return success();
  WrittenNode node = writer.result("If", {writer.in(op.getCondition())});
  for (auto [name, region] : {std::pair("then_branch", &op.getThenRegion()),
                              std::pair("else_branch", &op.getElseRegion())}) {
    AttributeProto &attribute = *node.getProto().add_attribute();
    attribute.set_name(name);
    attribute.set_type(AttributeProto::GRAPH);
    if (failed(writer.getExporter().exportSubgraph(
            region->front(), node.name() + "/" + name, *attribute.mutable_g())))
      return failure();
  }
  return success();
}

static LogicalResult exportAttribute(OpWriter &writer, NamedAttribute given,
                                     WrittenNode &node) {
  StringRef name = given.getName();
  Attribute value = given.getValue();
  if (auto integer = dyn_cast<IntegerAttr>(value)) {
    node.attr(name, integer.getInt());
  } else if (auto number = dyn_cast<FloatAttr>(value)) {
    node.attr(name, number.getValueAsDouble());
  } else if (auto string = dyn_cast<StringAttr>(value)) {
    node.attr(name, string.getValue());
  } else if (auto integers = dyn_cast<DenseI64ArrayAttr>(value)) {
    node.attr(name, integers.asArrayRef());
  } else if (auto numbers = dyn_cast<DenseF32ArrayAttr>(value)) {
    node.attr(name, numbers.asArrayRef());
  } else if (auto strings = dyn_cast<ArrayAttr>(value);
             strings && llvm::all_of(strings, llvm::IsaPred<StringAttr>)) {
    SmallVector<StringRef> values(strings.getAsValueRange<StringAttr>());
    node.attr(name, ArrayRef<StringRef>(values));
  } else if (auto elements = dyn_cast<ElementsAttr>(value)) {
    AttributeProto &attribute = *node.getProto().add_attribute();
    attribute.set_name(name.str());
    attribute.set_type(AttributeProto::TENSOR);
    if (failed(writeTensor(elements, *attribute.mutable_t())))
      return writer.fail("attribute '" + name +
                         "' has a type that ONNX does not have");
  } else {
    return writer.fail("attribute '" + name + "' has no ONNX form");
  }
  return success();
}

/// Goes out as it came in.
static LogicalResult exportCarried(OpWriter &writer, OnnxOp op) {
  SmallVector<std::string> inputs;
  auto operand = op.getInputs().begin();
  for (bool present : op.getPresent())
    inputs.push_back(present ? writer.in(*operand++) : std::string());
  WrittenNode node = writer.result(op.getOpType(), inputs, op.getDomain());
  if (op.getDomain().empty()) {
    if (failed(writer.getExporter().carryVersion(op.getVersion(), op)))
      return failure();
  } else {
    writer.getExporter().useDomain(op.getDomain(), op.getVersion());
  }
  for (NamedAttribute attribute : op.getNodeAttributes())
    if (failed(exportAttribute(writer, attribute, node)))
      return failure();
  return success();
}

void onnx_detail::registerControlExports(ExportTable &table) {
  table.add(exportTensorCast);
  table.add(exportExtract);
  table.add(exportIf);
  table.add(exportCarried);
}
