//===- MicrosoftQLinear.cpp - ops on quantized tensors of com.microsoft ---===//
//
// ONNX Runtime's quantizer writes them: what an op of floats computes between a
// DequantizeLinear and a QuantizeLinear, which is how they come out here.
//
//===----------------------------------------------------------------------===//

#include "MicrosoftQuant.h"
#include "OpTable.h"
#include "mlir/Dialect/Utils/IndexingUtils.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::onnx_detail;

static Value dequantize(OnnxNode &node, Value value, Value scale, Value zero) {
  scale = scalarIfSingle(node, scale);
  return node.create<DequantizeLinearOp>(
      value, scale, scalarIfSingle(node, zero), node.elementType(scale),
      /*axis=*/int64_t(0), /*block_size=*/int64_t(0));
}

static Value quantize(OnnxNode &node, Value value, Value scale, Value zero,
                      Type type) {
  return node.create<QuantizeLinearOp>(
      value, scalarIfSingle(node, scale), scalarIfSingle(node, zero), type,
      node.elementType(scale), /*axis=*/int64_t(0), /*block_size=*/int64_t(0),
      /*saturate=*/true);
}

/// Zero points between them are optional, so the table cannot ask for these.
static LogicalResult requireInputs(OnnxNode &node, ArrayRef<unsigned> indices) {
  for (unsigned index : indices)
    if (!node.hasInput(index))
      return node.fail("input " + Twine(index) + " is missing");
  return success();
}

/// The result of floats that inputs (value, scale, zero point) give, with the
/// scale and the zero point from input `index` on.
static Value quantizeLike(OnnxNode &node, Value result, unsigned index) {
  return quantize(node, result, node.input(index), node.input(index + 1),
                  node.elementType(node.input(0)));
}

template <typename OpTy>
static LogicalResult importQLinearBinary(OnnxNode &node) {
  if (failed(requireInputs(node, {3, 4, 6})))
    return failure();
  Value lhs = dequantize(node, node.input(0), node.input(1), node.input(2)),
        rhs = dequantize(node, node.input(3), node.input(4), node.input(5));
  return node.result(quantizeLike(node, node.create<OpTy>(lhs, rhs), 6));
}

/// The op of the same attributes in ONNX's own domain, on images with channels
/// last if the node has them so.
static LogicalResult importAs(OnnxNode &node, const NodeBuilder &builder,
                              int64_t opset) {
  if (failed(requireInputs(node, {3})))
    return failure();
  Value x = node.input(0);
  int64_t rank = node.rank(x);
  SmallVector<int64_t> perm = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  bool channelsLast = node.intAttr("channels_last", 0) && rank >= 2;
  // Outside of the quantization, where a transpose moves bytes.
  if (channelsLast) {
    std::rotate(perm.begin() + 1, perm.end() - 1, perm.end());
    x = node.transpose(x, perm);
  }
  x = dequantize(node, x, node.input(1), node.input(2));
  OnnxNode inner(node.getImporter(), node.getProto(), opset, {x},
                 node.getLoc());
  if (node.hasFailed() || failed(builder(inner)) || inner.hasFailed())
    return failure();
  Value result = quantizeLike(node, inner.getOutputs()[0], 3);
  return node.result(channelsLast
                         ? node.transpose(result, invertPermutationVector(perm))
                         : result);
}

static LogicalResult importQLinearConcat(OnnxNode &node) {
  unsigned count = node.getNumInputs();
  if (count % 3 != 2)
    return node.fail("has " + Twine(count) +
                     " inputs: a tensor, a scale and a zero point for each "
                     "operand after those of the result");
  SmallVector<Value> values;
  for (unsigned i = 2; i < count; i += 3)
    values.push_back(
        dequantize(node, node.input(i), node.input(i + 1), node.input(i + 2)));
  if (node.hasFailed())
    return failure();
  int64_t axis =
      node.normalizeAxis(node.requiredInt("axis"), node.rank(values[0]));
  return node.result(quantize(node, node.concat(values, axis), node.input(0),
                              node.input(1), node.elementType(node.input(2))));
}

static LogicalResult importQLinearWhere(OnnxNode &node) {
  Value x = dequantize(node, node.input(1), node.input(2), node.input(3));
  Value y = dequantize(node, node.input(4), node.input(5), node.input(6));
  Value result = node.create<WhereOp>(node.input(0), x, y);
  return node.result(quantize(node, result, node.input(7), node.input(8),
                              node.elementType(node.input(1))));
}

static LogicalResult importQGemm(OnnxNode &node) {
  auto operand = [&](unsigned index, StringRef trans) {
    Value value = node.input(index);
    return node.intAttr(trans, 0) ? node.transpose(value, {1, 0}) : value;
  };
  Value sums = node.create<MatMulIntegerOp>(
      operand(0, "transA"), operand(3, "transB"),
      scalarIfSingle(node, node.input(2)), scalarIfSingle(node, node.input(5)));
  // C counts in the same units.
  if (node.hasInput(6))
    sums = node.create<AddOp>(sums, node.input(6));
  Value unit = node.create<MulOp>(scalarIfSingle(node, node.input(1)),
                                  scalarIfSingle(node, node.input(4)));
  if (double alpha = node.floatAttr("alpha", 1); alpha != 1)
    unit = node.create<MulOp>(unit, node.scalarLike(unit, alpha));
  Value result =
      node.create<MulOp>(node.castTo(sums, node.elementType(unit)), unit);
  if (!node.hasInput(7))
    return node.result(result);
  Type type = node.hasInput(8) ? node.elementType(node.input(8))
                               : node.elementType(node.input(0));
  return node.result(
      quantize(node, result, node.input(7), node.input(8), type));
}

void onnx_detail::registerMicrosoftQLinearBuilders(OpTable &table) {
  table.add("QLinearAdd", 1, {2, 8}, importQLinearBinary<AddOp>, msDomain);
  table.add("QLinearMul", 1, {2, 8}, importQLinearBinary<MulOp>, msDomain);
  table.add("QLinearConcat", 1, {5, variadic}, importQLinearConcat, msDomain);
  table.add("QLinearWhere", 1, {9, 9}, importQLinearWhere, msDomain);
  table.add("QGemm", 1, {6, 9}, importQGemm, msDomain);

  // The builders of ONNX's own ops, which other files register before.
  auto get = [&](StringRef op, int64_t opset) {
    return table.lookup("", op, opset)->builder;
  };
  auto addAs = [&](StringRef op, StringRef floatOp) {
    table.add(
        op, 1, {2, 5},
        [builder = get(floatOp, 22)](OnnxNode &node) {
          return importAs(node, builder, 22);
        },
        msDomain);
  };
  addAs("QLinearSigmoid", "Sigmoid");
  addAs("QLinearLeakyRelu", "LeakyRelu");
  addAs("QLinearAveragePool", "AveragePool");
  addAs("QLinearGlobalAveragePool", "GlobalAveragePool");
  table.add(
      "QLinearSoftmax", 1, {2, 5},
      [builder = get("Softmax", 22)](OnnxNode &node) {
        return importAs(node, builder, node.requiredInt("opset"));
      },
      msDomain);
  for (StringRef op : {"QuantizeLinear", "DequantizeLinear"})
    table.add(op, 1, {2, 3}, get(op, 22), msDomain);
}
