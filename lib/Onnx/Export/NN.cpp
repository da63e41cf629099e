//===- NN.cpp - export of convolution and pooling -------------------------===//

#include "ExportTable.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::onnx_detail;

/// Opset 22 is the same text as 11 with more element types.
template <typename OpTy> static void writeWindow(WrittenNode &node, OpTy op) {
  node.attr("strides", op.getStrides()).attr("pads", op.getPads());
  // ONNX Runtime copies the attributes of a pool between quantized tensors to
  // an op that has no dilations, and then refuses it.
  if (llvm::any_of(op.getDilations(), [](int64_t d) { return d != 1; }))
    node.attr("dilations", op.getDilations());
}

static LogicalResult exportConv(OpWriter &writer, ConvOp op) {
  if (!isa<FloatType>(op.getType().getElementType()))
    return writer.fail("convolves integers, which ONNX has no Conv for");
  WrittenNode node = writer.result("Conv", {writer.in(op.getOperand()),
                                            writer.in(op.getWeight()),
                                            writer.in(op.getBias())});
  writeWindow(node, op);
  node.attr("group", int64_t(op.getGroup()));
  return success();
}

/// Negative pads, which a resolved output_shape may have made, become
/// output_padding.
static LogicalResult exportConvTranspose(OpWriter &writer, ConvTransposeOp op) {
  SmallVector<int64_t> pads(op.getPads()), extra(op.getOutputPadding());
  size_t spatial = extra.size();
  for (size_t i = 0; i < spatial; ++i) {
    int64_t &end = pads[spatial + i];
    if (end < 0) {
      extra[i] -= end;
      end = 0;
    }
    if (pads[i] < 0)
      return writer.fail("extends its result at the front");
  }
  writer
      .result("ConvTranspose",
              {writer.in(op.getOperand()), writer.in(op.getWeight()),
               writer.in(op.getBias())})
      .attr("strides", op.getStrides())
      .attr("pads", ArrayRef<int64_t>(pads))
      .attr("dilations", op.getDilations())
      .attr("output_padding", ArrayRef<int64_t>(extra))
      .attr("group", int64_t(op.getGroup()));
  return success();
}

static LogicalResult exportDeformConv(OpWriter &writer, DeformConvOp op) {
  writer.requireOpset(19);
  WrittenNode node = writer.result(
      "DeformConv", {writer.in(op.getOperand()), writer.in(op.getWeight()),
                     writer.in(op.getOffset()), writer.in(op.getBias()),
                     writer.in(op.getMask())});
  writeWindow(node, op);
  node.attr("group", int64_t(op.getGroup()))
      .attr("offset_group", int64_t(op.getOffsetGroup()));
  return success();
}

template <typename OpTy>
static WrittenNode writePool(OpWriter &writer, StringRef name, OpTy op) {
  WrittenNode node = writer.result(name, {writer.in(op.getOperand())});
  node.attr("kernel_shape", op.getKernelShape());
  writeWindow(node, op);
  node.attr("ceil_mode", int64_t(op.getCeilMode()));
  return node;
}

static LogicalResult exportMaxPool(OpWriter &writer, MaxPoolOp op) {
  writer.requireOpset(12);
  writePool(writer, "MaxPool", op)
      .attr("storage_order", int64_t(op.getColumnMajor()));
  return success();
}

static LogicalResult exportAveragePool(OpWriter &writer, AveragePoolOp op) {
  writer.requireOpset(19);
  writePool(writer, "AveragePool", op)
      .attr("count_include_pad", int64_t(op.getCountIncludePad()));
  return success();
}

static LogicalResult exportLpPool(OpWriter &writer, LpPoolOp op) {
  writer.requireOpset(18);
  writePool(writer, "LpPool", op).attr("p", int64_t(op.getP()));
  return success();
}

void onnx_detail::registerNNExports(ExportTable &table) {
  table.add(exportConv);
  table.add(exportConvTranspose);
  table.add(exportDeformConv);
  table.add(exportMaxPool);
  table.add(exportAveragePool);
  table.add(exportLpPool);
}
