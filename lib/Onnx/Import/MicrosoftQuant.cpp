//===- MicrosoftQuant.cpp - block-quantized ops of com.microsoft ----------===//

#include "GraphImporter.h"
#include "OpTable.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::onnx_detail;

/// The value in another shape with the same elements. A param that nothing
/// uses yet gets the shape itself, so that a weight expression holds it.
static Value withShape(OnnxNode &node, Value value, ArrayRef<int64_t> shape) {
  RankedTensorType type = node.type(value), wanted = type.clone(shape);
  if (node.hasFailed() || type == wanted)
    return value;
  if (!type.hasStaticShape() ||
      type.getNumElements() != wanted.getNumElements()) {
    std::string text;
    llvm::raw_string_ostream(text) << "a tensor " << type << " should be "
                                   << wanted;
    (void)node.fail(text);
    return {};
  }
  if (auto reshape = value.getDefiningOp<ReshapeOp>();
      reshape && reshape.getOperand().getType() == wanted)
    return reshape.getOperand();
  auto weight = value.getDefiningOp<WeightOp>();
  auto param = weight ? node.getImporter().getModule().lookupSymbol<ParamOp>(
                            weight.getParam())
                      : ParamOp();
  auto resource =
      param ? dyn_cast<DenseResourceElementsAttr>(param.getValue())
            : DenseResourceElementsAttr();
  if (!resource || !value.use_empty())
    return node.reshape(value, shape);
  param.setValueAttr(
      DenseResourceElementsAttr::get(wanted, resource.getRawHandle()));
  value.setType(wanted);
  node.getImporter().getShapes().forget(value);
  return value;
}

/// The weight [rows, columns] that packed data, scales and zero points say.
static Value createWeight(OnnxNode &node, Value data, Value scales,
                          Value zeros, int64_t rows, int64_t columns,
                          int64_t bits, int64_t block) {
  if (node.hasFailed())
    return {};
  if (rows < 1 || columns < 1 || bits < 1 || bits > 8 || block < 1 ||
      block > (1 << 20) || block * bits % 8 != 0) {
    (void)node.fail("a weight of " + Twine(rows) + " x " + Twine(columns) +
                    " with " + Twine(bits) + " bits in blocks of " +
                    Twine(block) + " is not supported");
    return {};
  }
  int64_t blocks = llvm::divideCeil(columns, block);
  if (zeros && !node.elementType(zeros).isUnsignedInteger(8)) {
    (void)node.fail("zero points that are not packed integers are not "
                    "supported");
    return {};
  }
  data = withShape(node, data, {rows, blocks, block * bits / 8});
  scales = withShape(node, scales, {rows, blocks});
  if (zeros)
    zeros = withShape(node, zeros,
                      {rows, int64_t(llvm::divideCeil(blocks * bits, 8))});
  return node.create<DequantizeOp>(data, scales, zeros, bits, block, columns);
}

static LogicalResult importMatMulNBits(OnnxNode &node) {
  if (node.hasInput(4))
    return node.fail("g_idx is not supported");
  node.requireInt("weight_prepacked", 0);
  Value weight = createWeight(
      node, node.input(1), node.input(2), node.input(3), node.requiredInt("N"),
      node.requiredInt("K"), node.intAttr("bits", 4),
      node.requiredInt("block_size"));
  return node.result(
      node.create<LinearOp>(node.input(0), weight, node.input(5)));
}

static LogicalResult importGatherBlockQuantized(OnnxNode &node) {
  Value data = node.input(0), scales = node.input(2);
  int64_t bits = node.intAttr("bits", 4),
          block = node.intAttr("block_size", 128);
  if (!node.elementType(data).isUnsignedInteger(8))
    return node.fail("data that is not packed in uint8 is not supported");
  if (node.rank(data) != 2 || node.rank(scales) != 2)
    return node.fail("data and scales must be matrices");
  int64_t axis = node.intAttr("quantize_axis", 1);
  if (node.intAttr("gather_axis", 0) != 0 || (axis != 1 && axis != -1))
    return node.fail("only gather_axis = 0 with quantize_axis = 1 is "
                     "supported");
  int64_t rows = node.staticDim(data, 0, "the vocabulary"),
          bytes = node.staticDim(data, 1, "the size of a row");
  if (node.hasFailed())
    return failure();
  if (bits != 2 && bits != 4 && bits != 8)
    return node.fail("bits = " + Twine(bits) + " is not supported");
  int64_t columns = bytes * 8 / bits;
  if (block < 1 || columns % block != 0)
    return node.fail("block_size does not divide the " + Twine(columns) +
                     " columns");
  Value weight = createWeight(node, data, scales, node.input(3), rows, columns,
                              bits, block);
  return node.result(node.create<EmbeddingOp>(node.input(1), weight));
}

void onnx_detail::registerMicrosoftQuantBuilders(OpTable &table) {
  table.add("MatMulNBits", 1, {3, 6}, importMatMulNBits, msDomain);
  table.add("GatherBlockQuantized", 1, {3, 4}, importGatherBlockQuantized,
            msDomain);
}
