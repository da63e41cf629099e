//===- Loop.cpp - export of loops and of the scalars they count with ------===//

#include "../Proto.h"
#include "ExportTable.h"
#include "GraphExporter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::onnx_detail;
using ::onnx::AttributeProto;

//===----------------------------------------------------------------------===//
// Scalars, which are tensors without dimensions in ONNX
//===----------------------------------------------------------------------===//

/// The tensor that ONNX has for a scalar; an index is an i64.
static RankedTensorType getTensorType(Type type) {
  if (auto tensor = dyn_cast<RankedTensorType>(type))
    return tensor;
  if (type.isIndex())
    type = IntegerType::get(type.getContext(), 64);
  return RankedTensorType::get({}, type);
}

static LogicalResult exportScalarConstant(OpWriter &writer,
                                          arith::ConstantOp op) {
  auto integer = dyn_cast<IntegerAttr>(op.getValue());
  if (!integer)
    return writer.fail("is no integer, which has no ONNX form");
  RankedTensorType type = getTensorType(op.getType());
  writer.alias(op.getResult(), writer.constant(DenseElementsAttr::get(
                                   type, ArrayRef<APInt>(integer.getValue()))));
  return success();
}

static LogicalResult exportCompare(OpWriter &writer, arith::CmpIOp op) {
  StringRef name;
  switch (op.getPredicate()) {
  case arith::CmpIPredicate::eq:
    name = "Equal";
    break;
  case arith::CmpIPredicate::slt:
    name = "Less";
    break;
  case arith::CmpIPredicate::sle:
    name = "LessOrEqual";
    break;
  case arith::CmpIPredicate::sgt:
    name = "Greater";
    break;
  case arith::CmpIPredicate::sge:
    name = "GreaterOrEqual";
    break;
  default:
    return writer.fail("has a predicate that has no ONNX form");
  }
  writer.requireOpset(16);
  writer.result(name, {writer.in(op.getLhs()), writer.in(op.getRhs())});
  return success();
}

static LogicalResult exportAnd(OpWriter &writer, arith::AndIOp op) {
  if (!op.getType().isInteger(1))
    return writer.fail("is not of bools, which has no ONNX form");
  writer.result("And", {writer.in(op.getLhs()), writer.in(op.getRhs())});
  return success();
}

static LogicalResult exportIndexCast(OpWriter &writer, arith::IndexCastOp op) {
  writer.alias(op.getOut(), writer.in(op.getIn()));
  return success();
}

static LogicalResult exportFromElements(OpWriter &writer,
                                        tensor::FromElementsOp op) {
  if (op.getType().getRank() != 0)
    return writer.fail("has dimensions: only a scalar has an ONNX form");
  writer.alias(op.getResult(), writer.in(op.getElements()[0]));
  return success();
}

static LogicalResult exportEmpty(OpWriter &writer, tensor::EmptyOp op) {
  SmallVector<std::string> sizes;
  auto dynamic = op.getDynamicSizes().begin();
  for (int64_t size : op.getType().getShape())
    sizes.push_back(ShapedType::isDynamic(size)
                        ? writer
                              .node("Unsqueeze", {writer.in(*dynamic++),
                                                  writer.ints(int64_t(0))})
                              .name()
                        : writer.ints(size));
  std::string shape = writer.node("Concat", sizes).attr("axis", int64_t(0));
  Type element = op.getType().getElementType();
  std::string zero = writer.scalar(element, 0);
  writer.result("Expand", {zero, shape});
  return success();
}

//===----------------------------------------------------------------------===//
// Loop
//===----------------------------------------------------------------------===//

namespace {
/// Loop tests its condition before the first iteration and after each one. So
/// the region of scf.while that tests is written twice: in front of the node,
/// and at the end of the body.
class LoopWriter {
public:
  LoopWriter(OpWriter &writer, scf::WhileOp op)
      : exporter(writer.getExporter()), writer(writer), op(op) {}

  LogicalResult run();

private:
  using Names = SmallVector<std::string>;

  LogicalResult writeTest(::onnx::GraphProto &graph, const Names &state,
                          Names &results);
  LogicalResult writeBody(::onnx::GraphProto &graph);
  std::string declare(Type type, StringRef what, ::onnx::ValueInfoProto &info);

  GraphExporter &exporter;
  OpWriter &writer;
  scf::WhileOp op;
  bool isTestWritten = false, hasFailed = false;
};
} // namespace

/// Appends the condition and what goes into the body.
LogicalResult LoopWriter::writeTest(::onnx::GraphProto &graph,
                                    const Names &state, Names &results) {
  Block &test = op.getBefore().front();
  for (auto [argument, name] : llvm::zip(test.getArguments(), state))
    exporter.setName(argument, name);
  if (isTestWritten)
    test.walk([&](Operation *inner) {
      for (Value result : inner->getResults())
        exporter.setName(result, exporter.makeUnique(exporter.getName(result)));
    });
  isTestWritten = true;
  if (failed(exporter.exportBlock(test, graph)))
    return failure();
  for (Value operand : test.getTerminator()->getOperands())
    results.push_back(exporter.getName(operand));
  return success();
}

/// Names a value of the body's interface and says its type.
std::string LoopWriter::declare(Type type, StringRef what,
                                ::onnx::ValueInfoProto &info) {
  std::string name = exporter.makeUnique((writer.out() + "/" + what).str());
  hasFailed |=
      failed(exporter.writeValueInfo(getTensorType(type), {}, name, info, op));
  return name;
}

LogicalResult LoopWriter::writeBody(::onnx::GraphProto &graph) {
  Builder builder(op.getContext());
  graph.set_name(writer.out() + "/body");
  declare(builder.getI64Type(), "iteration", *graph.add_input());
  declare(builder.getI1Type(), "condition", *graph.add_input());
  Block &body = op.getAfter().front();
  for (BlockArgument argument : body.getArguments())
    exporter.setName(argument,
                     declare(argument.getType(), "state", *graph.add_input()));
  if (hasFailed || failed(exporter.exportBlock(body, graph)))
    return failure();
  Names next, results;
  for (Value operand : body.getTerminator()->getOperands())
    next.push_back(exporter.getName(operand));
  if (failed(writeTest(graph, next, results)))
    return failure();
  for (auto [operand, result] :
       llvm::zip(op.getConditionOp()->getOperands(), results))
    writeIdentity(graph, result,
                  declare(operand.getType(), "next", *graph.add_output()));
  return success(!hasFailed);
}

LogicalResult LoopWriter::run() {
  Names state, inputs = {""};
  for (Value initial : op.getInits())
    state.push_back(writer.in(initial));
  if (failed(writeTest(writer.getGraph(), state, inputs)))
    return failure();
  writer.requireOpset(16);
  WrittenNode node = writer.result("Loop", inputs);
  AttributeProto &attribute = *node.getProto().add_attribute();
  attribute.set_name("body");
  attribute.set_type(AttributeProto::GRAPH);
  return writeBody(*attribute.mutable_g());
}

static LogicalResult exportWhile(OpWriter &writer, scf::WhileOp op) {
  return LoopWriter(writer, op).run();
}

void onnx_detail::registerLoopExports(ExportTable &table) {
  table.add(exportScalarConstant);
  table.add(exportCompare);
  table.add(exportAnd);
  table.add(exportIndexCast);
  table.add(exportFromElements);
  table.add(exportEmpty);
  table.addSimple<arith::AddIOp>("Add");
  table.addSimple<arith::SubIOp>("Sub");
  table.add(exportWhile);
}
