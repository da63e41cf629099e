//===- NN.cpp - export of convolution and pooling -------------------------===//

#include "ExportTable.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::onnx_detail;

static LogicalResult exportConv(OpWriter &writer, ConvOp op) {
  writer
      .result("Conv", {writer.in(op.getOperand()), writer.in(op.getWeight()),
                       writer.in(op.getBias())})
      .attr("strides", op.getStrides())
      .attr("pads", op.getPads())
      .attr("dilations", op.getDilations())
      .attr("group", int64_t(op.getGroup()));
  return success();
}

void onnx_detail::registerNNExports(ExportTable &table) {
  table.add(exportConv);
}
