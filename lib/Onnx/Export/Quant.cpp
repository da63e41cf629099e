//===- Quant.cpp - export of quantization ---------------------------------===//

#include "../Types.h"
#include "ExportTable.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::onnx_detail;

/// Writes axis and block_size as far as they mean something.
template <typename OpTy>
static void writeGranularity(OpWriter &writer, WrittenNode &node, OpTy op) {
  auto isAlongAxis = [](TypedValue<RankedTensorType> value) {
    return value && value.getType().getRank() != 0;
  };
  if (isAlongAxis(op.getScale()) || isAlongAxis(op.getZeroPoint()))
    node.attr("axis", int64_t(op.getAxis()));
  if (op.getBlockSize() != 0) {
    writer.requireOpset(21);
    node.attr("block_size", int64_t(op.getBlockSize()));
  }
}

static LogicalResult exportQuantizeLinear(OpWriter &writer,
                                          QuantizeLinearOp op) {
  std::optional<int32_t> to = getDataType(op.getTo()),
                         precision = getDataType(op.getPrecision());
  if (!to || !precision)
    return writer.fail("quantizes to a type that ONNX does not have");
  writer.requireOpset(19);
  // A zero point says the type to ONNX Runtime too, which forgets output_dtype
  // when it fuses.
  bool isTyped = op.getZeroPoint() || op.getTo().isUnsignedInteger(8);
  std::string zero = writer.in(op.getZeroPoint());
  if (!isTyped && op.getScale().getType().getRank() == 0 &&
      op.getTo().isInteger(8)) {
    zero = writer.scalar(op.getTo(), 0);
    isTyped = true;
  }
  WrittenNode node =
      writer.result("QuantizeLinear", {writer.in(op.getOperand()),
                                       writer.in(op.getScale()), zero});
  writeGranularity(writer, node, op);
  if (!isTyped) {
    writer.requireOpset(21);
    node.attr("output_dtype", int64_t(*to));
  }
  if (op.getPrecision() != op.getScale().getType().getElementType()) {
    writer.requireOpset(23);
    node.attr("precision", int64_t(*precision));
  }
  if (!op.getSaturate())
    node.attr("saturate", int64_t(0));
  return success();
}

static LogicalResult exportDequantizeLinear(OpWriter &writer,
                                            DequantizeLinearOp op) {
  std::optional<int32_t> to = getDataType(op.getTo());
  if (!to)
    return writer.fail("dequantizes to a type that ONNX does not have");
  writer.requireOpset(19);
  WrittenNode node = writer.result(
      "DequantizeLinear", {writer.in(op.getOperand()), writer.in(op.getScale()),
                           writer.in(op.getZeroPoint())});
  writeGranularity(writer, node, op);
  if (op.getTo() != op.getScale().getType().getElementType()) {
    writer.requireOpset(23);
    node.attr("output_dtype", int64_t(*to));
  }
  return success();
}

static LogicalResult exportMatMulInteger(OpWriter &writer, MatMulIntegerOp op) {
  writer.result("MatMulInteger",
                {writer.in(op.getLhs()), writer.in(op.getRhs()),
                 writer.in(op.getLhsZeroPoint()),
                 writer.in(op.getRhsZeroPoint())});
  return success();
}

void onnx_detail::registerQuantExports(ExportTable &table) {
  table.add(exportQuantizeLinear);
  table.add(exportDequantizeLinear);
  table.add(exportMatMulInteger);
  table.addSimple<DynamicQuantizeLinearOp>("DynamicQuantizeLinear");
}
