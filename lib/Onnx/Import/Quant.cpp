//===- Quant.cpp - builders of quantization -------------------------------===//

#include "../Types.h"
#include "MicrosoftQuant.h"
#include "OpTable.h"
#include "Window.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::onnx_detail;

/// The type that an attribute of TensorProto.DataType names, null for 0.
static Type typeAttr(OnnxNode &node, StringRef name) {
  int64_t number = node.intAttr(name, 0);
  if (number == 0 || node.hasFailed())
    return {};
  Type type = getElementType(number, node.getContext());
  if (!type)
    (void)node.fail(name + " is " + getDataTypeName(number) +
                    ", which is not supported");
  return type;
}

Value onnx_detail::scalarIfSingle(OnnxNode &node, Value value) {
  if (value && node.rank(value) == 1 && node.dim(value, 0) == 1)
    return node.squeeze(value, {0});
  return value;
}

namespace {
/// How the scale and zero point of a node are spread over its input.
struct Granularity {
  Value scale, zeroPoint;
  int64_t axis, blockSize;

  Granularity(OnnxNode &node)
      : scale(scalarIfSingle(node, node.input(1))),
        zeroPoint(scalarIfSingle(node, node.input(2))),
        axis(node.intAttr("axis", 1)),
        blockSize(node.intAttr("block_size", 0)) {
    if (blockSize != 0) {
      // Blocks keep even a single number in its shape.
      scale = node.input(1);
      zeroPoint = node.input(2);
    }
    // The axis of a single number means nothing, and may be out of range.
    if (node.rank(scale) == 0 && (!zeroPoint || node.rank(zeroPoint) == 0))
      axis = 0;
    else
      axis = node.normalizeAxis(axis, node.rank(node.input(0)));
  }
};
} // namespace

static LogicalResult importQuantizeLinear(OnnxNode &node) {
  Value x = node.input(0);
  Granularity granularity(node);
  Type to = typeAttr(node, "output_dtype"),
       precision = typeAttr(node, "precision");
  if (granularity.zeroPoint)
    to = node.elementType(granularity.zeroPoint);
  else if (!to)
    to = node.getBuilder().getIntegerType(8, /*isSigned=*/false);
  if (!precision) {
    // The type that x / scale has.
    Type element = node.elementType(x),
         scale = node.elementType(granularity.scale);
    bool wider = isa<FloatType>(element) && element.getIntOrFloatBitWidth() >=
                                                scale.getIntOrFloatBitWidth();
    precision = wider ? element : scale;
  }
  bool saturate = node.intAttr("saturate", 1);
  return node.result(node.create<QuantizeLinearOp>(
      x, granularity.scale, granularity.zeroPoint, to, precision,
      granularity.axis, granularity.blockSize, saturate));
}

static LogicalResult importDequantizeLinear(OnnxNode &node) {
  Granularity granularity(node);
  Type to = typeAttr(node, "output_dtype");
  if (!to)
    to = node.elementType(granularity.scale);
  return node.result(node.create<DequantizeLinearOp>(
      node.input(0), granularity.scale, granularity.zeroPoint, to,
      granularity.axis, granularity.blockSize));
}

static LogicalResult importDynamicQuantizeLinear(OnnxNode &node) {
  Operation *op = node.createOp<DynamicQuantizeLinearOp>(node.input(0));
  if (!op)
    return failure();
  for (auto [index, value] : llvm::enumerate(op->getResults()))
    if (node.wantsOutput(index))
      node.setOutput(index, value);
  return success();
}

static LogicalResult importMatMulInteger(OnnxNode &node) {
  return node.result(node.create<MatMulIntegerOp>(
      node.input(0), node.input(1), node.input(2), node.input(3)));
}

/// A vector along dimension 0 of a tensor of rank `rank`; a single number
/// stays as it is.
static Value alongRows(OnnxNode &node, Value value, int64_t rank) {
  value = scalarIfSingle(node, value);
  if (!value || node.rank(value) != 1 || rank < 2)
    return value;
  return node.unsqueeze(value, llvm::to_vector(llvm::seq<int64_t>(1, rank)));
}

/// value - zero in i32.
static Value centre(OnnxNode &node, Value value, Value zero) {
  Type i32 = node.getBuilder().getI32Type();
  Value wide = node.castTo(value, i32);
  return zero ? node.create<SubOp>(wide, node.castTo(zero, i32)) : wide;
}

/// A convolution of integers in i32.
static Value convolveIntegers(OnnxNode &node, Value x, Value zero, Value weight,
                              Value weightZero, Value bias) {
  Window window = readWindow(node, x, weight);
  resolveAutoPad(node, x, window);
  Value centred = centre(node, x, scalarIfSingle(node, zero));
  Value kernel =
      centre(node, weight, alongRows(node, weightZero, node.rank(weight)));
  return node.create<ConvOp>(centred, kernel, bias, window.strides, window.pads,
                             window.dilations, node.intAttr("group", 1));
}

static LogicalResult importConvInteger(OnnxNode &node) {
  return node.result(convolveIntegers(node, node.input(0), node.input(2),
                                      node.input(1), node.input(3), Value()));
}

/// Rounds sums in i32 that count in units of `unit` to the type of `zero`.
static Value requantize(OnnxNode &node, Value sums, Value unit, Value scale,
                        Value zero) {
  Type f32 = node.getBuilder().getF32Type();
  zero = scalarIfSingle(node, zero);
  Value factor =
      node.create<DivOp>(unit, node.castTo(scalarIfSingle(node, scale), f32));
  Value scaled = node.create<MulOp>(node.castTo(sums, f32), factor);
  return node.create<QuantizeLinearOp>(
      scaled, node.scalar(f32, 1), zero, node.elementType(zero), f32,
      /*axis=*/int64_t(0), /*block_size=*/int64_t(0), /*saturate=*/true);
}

static LogicalResult importQLinearMatMul(OnnxNode &node) {
  Type f32 = node.getBuilder().getF32Type();
  Value a = node.input(0), b = node.input(3);
  Value sums = node.create<MatMulIntegerOp>(a, b, node.input(2), node.input(5));
  // One scale per row of a, one per column of b.
  Value unit =
      node.create<MulOp>(node.castTo(alongRows(node, node.input(1), 2), f32),
                         node.castTo(scalarIfSingle(node, node.input(4)), f32));
  return node.result(
      requantize(node, sums, unit, node.input(6), node.input(7)));
}

static LogicalResult importQLinearConv(OnnxNode &node) {
  Type f32 = node.getBuilder().getF32Type();
  Value x = node.input(0), weight = node.input(3);
  Value sums = convolveIntegers(node, x, node.input(2), weight, node.input(5),
                                node.input(8));
  Value unit = node.create<MulOp>(
      node.castTo(scalarIfSingle(node, node.input(1)), f32),
      node.castTo(alongRows(node, node.input(4), node.rank(x) - 1), f32));
  return node.result(
      requantize(node, sums, unit, node.input(6), node.input(7)));
}

void onnx_detail::registerQuantBuilders(OpTable &table) {
  table.add("QuantizeLinear", 10, {2, 3}, importQuantizeLinear);
  table.add("DequantizeLinear", 10, {2, 3}, importDequantizeLinear);
  table.add("DynamicQuantizeLinear", 11, {1, 1}, importDynamicQuantizeLinear);
  table.add("MatMulInteger", 10, {2, 4}, importMatMulInteger);
  table.add("ConvInteger", 10, {2, 4}, importConvInteger);
  table.add("QLinearMatMul", 10, {8, 8}, importQLinearMatMul);
  table.add("QLinearConv", 10, {8, 9}, importQLinearConv);
}
