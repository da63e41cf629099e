//===- LLM.cpp - export of norms, activations, rope, attention ------------===//

#include "ExportTable.h"
#include <limits>

using namespace mlir;
using namespace llmc;
using namespace llmc::onnx_detail;

static LogicalResult exportGelu(OpWriter &writer, GeluOp op) {
  writer.requireOpset(20);
  WrittenNode node = writer.result("Gelu", {writer.in(op.getOperand())});
  if (op.getTanh())
    node.attr("approximate", StringRef("tanh"));
  return success();
}

/// Swish is of opset 24 only, and runtimes fuse these two.
static LogicalResult exportSilu(OpWriter &writer, SiluOp op) {
  std::string x = writer.in(op.getOperand());
  writer.result("Mul", {x, writer.node("Sigmoid", {x})});
  return success();
}

static LogicalResult exportRMSNorm(OpWriter &writer, RMSNormOp op) {
  writer.requireOpset(23);
  writer
      .result("RMSNormalization",
              {writer.in(op.getOperand()), writer.in(op.getScale())})
      .attr("axis", int64_t(-1))
      .attr("epsilon", op.getEpsilon().convertToDouble());
  return success();
}

static LogicalResult exportLayerNorm(OpWriter &writer, LayerNormOp op) {
  writer.requireOpset(17);
  writer
      .result("LayerNormalization",
              {writer.in(op.getOperand()), writer.in(op.getScale()),
               writer.in(op.getBias())})
      .attr("axis", int64_t(op.getAxis()))
      .attr("epsilon", op.getEpsilon().convertToDouble());
  return success();
}

static LogicalResult exportRope(OpWriter &writer, RopeOp op) {
  writer.requireOpset(23);
  auto type = op.getOperand().getType(), angles = op.getCos().getType();
  std::string x = writer.in(op.getOperand()), cos = writer.in(op.getCos()),
              sin = writer.in(op.getSin());
  // ONNX wants the batch spelled out.
  if (ShapedType::isDynamic(type.getDimSize(0)) ||
      type.getDimSize(0) != angles.getDimSize(0)) {
    std::string batch = writer.node("Shape", {x})
                            .attr("start", int64_t(0))
                            .attr("end", int64_t(1));
    std::string shape = writer.node("Concat", {batch, writer.ints({1, 1})})
                            .attr("axis", int64_t(0));
    cos = writer.node("Expand", {cos, shape});
    sin = writer.node("Expand", {sin, shape});
  }
  WrittenNode node = writer.result("RotaryEmbedding", {x, cos, sin});
  if (op.getInterleaved())
    node.attr("interleaved", int64_t(1));
  int64_t rotary = 2 * angles.getShape().back();
  if (rotary == type.getShape().back())
    return success();
  if (rotary < 0 || ShapedType::isDynamic(type.getDimSize(1)))
    return writer.fail("rotates a part of the head, for which ONNX needs the "
                       "number of heads and of rotated elements");
  node.attr("rotary_embedding_dim", rotary)
      .attr("num_heads", type.getDimSize(1));
  return success();
}

/// A bool [S, T] that says which keys `causal` and `window` leave, aligned at
/// the last key. ONNX's is_causal aligns at the first, and has no window.
static std::string writeAllowedKeys(OpWriter &writer, AttentionOp op) {
  auto length = [&](Value value) {
    std::string size = writer.node("Shape", {writer.in(value)})
                           .attr("start", int64_t(2))
                           .attr("end", int64_t(3));
    return writer.node("Squeeze", {size}).name();
  };
  Type i64 = IntegerType::get(op.getContext(), 64);
  std::string queries = length(op.getQuery()), keys = length(op.getKey());
  std::string one = writer.scalar(i64, 1);
  std::string positions =
      writer.node("Range", {writer.node("Sub", {keys, queries}), keys, one});
  std::string rows =
      writer.node("Unsqueeze", {positions, writer.ints(int64_t(1))});
  std::string columns =
      writer.node("Range", {writer.scalar(i64, 0), keys, one});
  std::string allowed;
  if (op.getCausal())
    allowed = writer.node("LessOrEqual", {columns, rows});
  if (op.getWindow() != 0) {
    std::string first =
        writer.node("Sub", {rows, writer.scalar(i64, double(op.getWindow()))});
    std::string inside = writer.node("Greater", {columns, first});
    allowed =
        allowed.empty() ? inside : writer.node("And", {allowed, inside}).name();
  }
  return allowed;
}

/// The mask with a row for each query: ONNX Runtime repeats a mask over batches
/// and heads, but refuses one row for all queries.
static std::string writeMaskRows(OpWriter &writer, AttentionOp op) {
  std::string mask = writer.in(op.getMask());
  if (!op.getMask())
    return mask;
  auto type = cast<RankedTensorType>(op.getMask().getType());
  int64_t rank = type.getRank();
  if (rank >= 2 && (type.getDimSize(rank - 2) != 1 ||
                    op.getQuery().getType().getDimSize(2) == 1))
    return mask;
  std::string rows = writer.node("Shape", {writer.in(op.getQuery())})
                         .attr("start", int64_t(2))
                         .attr("end", int64_t(3));
  std::string shape = writer.node("Concat", {rows, writer.ints(int64_t(1))})
                          .attr("axis", int64_t(0));
  return writer.node("Expand", {mask, shape});
}

static LogicalResult exportAttention(OpWriter &writer, AttentionOp op) {
  writer.requireOpset(23);
  auto queryType = op.getQuery().getType(), keyType = op.getKey().getType();
  bool isSquare = !ShapedType::isDynamic(queryType.getDimSize(2)) &&
                  queryType.getDimSize(2) == keyType.getDimSize(2);
  bool native = op.getWindow() == 0 && (!op.getCausal() || isSquare);
  std::string mask = writeMaskRows(writer, op);
  if (!native) {
    std::string allowed = writeAllowedKeys(writer, op);
    if (!op.getMask()) {
      mask = allowed;
    } else if (Type type =
                   cast<ShapedType>(op.getMask().getType()).getElementType();
               type.isInteger(1)) {
      mask = writer.node("And", {mask, allowed});
    } else {
      mask = writer.node(
          "Where",
          {allowed, mask,
           writer.scalar(type, -std::numeric_limits<double>::infinity())});
    }
  }
  WrittenNode node = writer.result(
      "Attention", {writer.in(op.getQuery()), writer.in(op.getKey()),
                    writer.in(op.getValue()), mask});
  node.attr("scale", op.getScale().convertToDouble());
  if (native && op.getCausal())
    node.attr("is_causal", int64_t(1));
  if (double softcap = op.getSoftcap().convertToDouble())
    node.attr("softcap", softcap);
  return success();
}

void onnx_detail::registerLLMExports(ExportTable &table) {
  table.add(exportGelu);
  table.add(exportSilu);
  table.add(exportRMSNorm);
  table.add(exportLayerNorm);
  table.add(exportRope);
  table.add(exportAttention);
}
