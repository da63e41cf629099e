//===- Index.cpp - export of ops that read and write at indices -----------===//

#include "../Proto.h"
#include "ExportTable.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::onnx_detail;

static LogicalResult exportGatherElements(OpWriter &writer,
                                          GatherElementsOp op) {
  writer.requireOpset(11);
  writer
      .result("GatherElements",
              {writer.in(op.getOperand()), writer.in(op.getIndices())})
      .attr("axis", int64_t(op.getAxis()));
  return success();
}

static LogicalResult exportGatherND(OpWriter &writer, GatherNDOp op) {
  writer.requireOpset(12);
  writer
      .result("GatherND",
              {writer.in(op.getOperand()), writer.in(op.getIndices())})
      .attr("batch_dims", int64_t(op.getBatchDims()));
  return success();
}

static WrittenNode writeScatter(OpWriter &writer, StringRef opType,
                                ScatterKind kind, ValueRange operands) {
  // max and min came with opset 18, the others with 16.
  bool isExtreme = kind == ScatterKind::Max || kind == ScatterKind::Min;
  writer.requireOpset(isExtreme ? 18 : kind == ScatterKind::None ? 13 : 16);
  SmallVector<std::string> inputs;
  for (Value operand : operands)
    inputs.push_back(writer.in(operand));
  WrittenNode node = writer.result(opType, inputs);
  if (kind != ScatterKind::None)
    node.attr("reduction", stringifyScatterKind(kind));
  return node;
}

static LogicalResult exportScatterElements(OpWriter &writer,
                                           ScatterElementsOp op) {
  writeScatter(writer, "ScatterElements", op.getKind(), op->getOperands())
      .attr("axis", int64_t(op.getAxis()));
  return success();
}

static LogicalResult exportScatterND(OpWriter &writer, ScatterNDOp op) {
  writeScatter(writer, "ScatterND", op.getKind(), op->getOperands());
  return success();
}

template <typename ArgOp>
static LogicalResult exportArg(OpWriter &writer, ArgOp op) {
  writer.requireOpset(13);
  WrittenNode node = writer.result(isa<ArgMaxOp>(op) ? "ArgMax" : "ArgMin",
                                   {writer.in(op.getOperand())});
  node.attr("axis", int64_t(op.getAxis()));
  if (op.getSelectLastIndex())
    node.attr("select_last_index", int64_t(1));
  return success();
}

static LogicalResult exportTopK(OpWriter &writer, TopKOp op) {
  writer.requireOpset(11);
  writer.result("TopK", {writer.in(op.getOperand()), writer.in(op.getK())})
      .attr("axis", int64_t(op.getAxis()))
      .attr("largest", int64_t(!op.getSmallest()));
  return success();
}

template <typename CumulativeOp>
static LogicalResult exportCumulative(OpWriter &writer, CumulativeOp op) {
  bool isSum = isa<CumSumOp>(op);
  writer.requireOpset(isSum ? 14 : 26);
  std::string axis = writer.scalar(IntegerType::get(op.getContext(), 64),
                                   double(op.getAxis()));
  WrittenNode node = writer.result(isSum ? "CumSum" : "CumProd",
                                   {writer.in(op.getOperand()), axis});
  if (op.getExclusive())
    node.attr("exclusive", int64_t(1));
  if (op.getReverse())
    node.attr("reverse", int64_t(1));
  return success();
}

static LogicalResult exportPad(OpWriter &writer, PadOp op) {
  writer.requireOpset(op.getMode() == PadMode::Wrap ? 19 : 13);
  SmallVector<std::string> inputs{writer.in(op.getOperand()),
                                  writer.in(op.getPads())};
  if (op.getValue())
    inputs.push_back(writer.in(op.getValue()));
  writer.result("Pad", inputs).attr("mode", stringifyPadMode(op.getMode()));
  return success();
}

void onnx_detail::registerIndexExports(ExportTable &table) {
  table.add(exportGatherElements);
  table.add(exportGatherND);
  table.add(exportScatterElements);
  table.add(exportScatterND);
  table.add(exportArg<ArgMaxOp>);
  table.add(exportArg<ArgMinOp>);
  table.add(exportTopK);
  table.add(exportCumulative<CumSumOp>);
  table.add(exportCumulative<CumProdOp>);
  table.addSimple<NonZeroOp>("NonZero");
  table.addSimple<RangeOp>("Range");
  table.add(exportPad);
}
