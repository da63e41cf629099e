//===- Shape.cpp - export of ops that move elements -----------------------===//

#include "../Proto.h"
#include "../Types.h"
#include "ExportTable.h"
#include "GraphExporter.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::onnx_detail;

static LogicalResult exportCast(OpWriter &writer, CastOp op) {
  // A bool param is stored in bytes.
  if (auto weight = op.getOperand().getDefiningOp<WeightOp>();
      weight && op.getTo().isInteger(1))
    if (std::optional<std::string> name =
            writer.getExporter().addBoolParam(weight)) {
      writer.alias(op.getResult(), *name);
      return success();
    }
  std::optional<int32_t> to = getDataType(op.getTo());
  if (!to)
    return writer.fail("converts to a type that ONNX does not have");
  WrittenNode node = writer.result("Cast", {writer.in(op.getOperand())});
  node.attr("to", int64_t(*to));
  if (!op.getSaturate())
    node.attr("saturate", int64_t(0));
  if (op.getRoundMode() != "up") {
    writer.requireOpset(24);
    node.attr("round_mode", op.getRoundMode());
  }
  return success();
}

static LogicalResult exportBitCast(OpWriter &writer, BitCastOp op) {
  std::optional<int32_t> to = getDataType(op.getTo());
  if (!to)
    return writer.fail("converts to a type that ONNX does not have");
  writer.requireOpset(26);
  writer.result("BitCast", {writer.in(op.getOperand())})
      .attr("to", int64_t(*to));
  return success();
}

static LogicalResult exportShape(OpWriter &writer, ShapeOp op) {
  WrittenNode node = writer.result("Shape", {writer.in(op.getOperand())});
  int64_t rank = op.getOperand().getType().getRank();
  if (op.getStart() == 0 && int64_t(op.getEnd()) == rank)
    return success();
  writer.requireOpset(15);
  node.attr("start", int64_t(op.getStart())).attr("end", int64_t(op.getEnd()));
  return success();
}

static LogicalResult exportReshape(OpWriter &writer, ReshapeOp op) {
  WrittenNode node = writer.result(
      "Reshape", {writer.in(op.getOperand()), writer.in(op.getShape())});
  if (op.getAllowzero()) {
    writer.requireOpset(14);
    node.attr("allowzero", int64_t(1));
  }
  return success();
}

static LogicalResult exportTranspose(OpWriter &writer, TransposeOp op) {
  writer.result("Transpose", {writer.in(op.getOperand())})
      .attr("perm", op.getPerm());
  return success();
}

static LogicalResult exportUnsqueeze(OpWriter &writer, UnsqueezeOp op) {
  writer.requireOpset(13);
  writer.result("Unsqueeze",
                {writer.in(op.getOperand()), writer.ints(op.getAxes())});
  return success();
}

static LogicalResult exportSqueeze(OpWriter &writer, SqueezeOp op) {
  // Without axes Squeeze would drop every unit dimension.
  if (op.getAxes().empty()) {
    writer.result("Identity", {writer.in(op.getOperand())});
    return success();
  }
  writer.requireOpset(13);
  writer.result("Squeeze",
                {writer.in(op.getOperand()), writer.ints(op.getAxes())});
  return success();
}

static LogicalResult exportConcat(OpWriter &writer, ConcatOp op) {
  SmallVector<std::string> inputs;
  for (Value input : op.getInputs())
    inputs.push_back(writer.in(input));
  writer.result("Concat", inputs).attr("axis", int64_t(op.getAxis()));
  return success();
}

static LogicalResult exportSlice(OpWriter &writer, SliceOp op) {
  writer.requireOpset(10);
  writer.result("Slice", {writer.in(op.getOperand()), writer.in(op.getStarts()),
                          writer.in(op.getEnds()), writer.ints(op.getAxes()),
                          writer.in(op.getSteps())});
  return success();
}

static LogicalResult exportGather(OpWriter &writer, GatherOp op) {
  writer
      .result("Gather",
              {writer.in(op.getOperand()), writer.in(op.getIndices())})
      .attr("axis", int64_t(op.getAxis()));
  return success();
}

void onnx_detail::registerShapeExports(ExportTable &table) {
  table.add(exportCast);
  table.add(exportBitCast);
  table.add(exportShape);
  table.add(exportReshape);
  table.add(exportTranspose);
  table.add(exportUnsqueeze);
  table.add(exportSqueeze);
  table.addSimple<ExpandOp>("Expand");
  table.add(exportConcat);
  table.add(exportSlice);
  table.add(exportGather);
}
