//===- MicrosoftQuant.cpp - block-quantized ops of com.microsoft ----------===//

#include "MicrosoftQuant.h"
#include "GraphImporter.h"
#include "OpTable.h"
#include "llmc/Weights/Blobs.h"
#include "llmc/Weights/Codebooks.h"
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
    llvm::raw_string_ostream(text)
        << "a tensor " << type << " should be " << wanted;
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
  auto resource = param ? dyn_cast<DenseResourceElementsAttr>(param.getValue())
                        : DenseResourceElementsAttr();
  if (!resource || !value.use_empty())
    return node.reshape(value, shape);
  param.setValueAttr(
      DenseResourceElementsAttr::get(wanted, resource.getRawHandle()));
  value.setType(wanted);
  node.getImporter().getShapes().forget(value);
  return value;
}

Value onnx_detail::createBlockWeight(OnnxNode &node, Value data, Value scales,
                                     Value zeros, int64_t rows, int64_t columns,
                                     int64_t bits, int64_t block) {
  if (node.hasFailed())
    return {};
  int64_t size;
  if (rows < 1 || columns < 1 || bits < 1 || bits > 8 || block < 1 ||
      block > (1 << 20) || block * bits % 8 != 0 ||
      llvm::MulOverflow(columns, bits, size)) {
    (void)node.fail("a weight of " + Twine(rows) + " x " + Twine(columns) +
                    " with " + Twine(bits) + " bits in blocks of " +
                    Twine(block) + " is not supported");
    return {};
  }
  int64_t blocks = llvm::divideCeil(columns, block);
  bool hasFloats = zeros && node.elementType(zeros) == node.elementType(scales);
  if (zeros && !hasFloats && !node.elementType(zeros).isUnsignedInteger(8)) {
    (void)node.fail("zero points that are neither packed integers nor of the "
                    "type of the scales are not supported");
    return {};
  }
  data = withShape(node, data, {rows, blocks, block * bits / 8});
  scales = withShape(node, scales, {rows, blocks});
  if (zeros)
    zeros = withShape(
        node, zeros,
        {rows,
         hasFloats ? blocks : int64_t(llvm::divideCeil(blocks * bits, 8))});
  return node.create<DequantizeOp>(data, scales, zeros, bits, block, columns);
}

static LogicalResult importMatMulNBits(OnnxNode &node) {
  if (node.hasInput(4))
    return node.fail("g_idx is not supported");
  node.requireInt("weight_prepacked", 0);
  Value x = node.input(0), scales = node.input(2), zeros = node.input(3);
  int64_t rows = node.requiredInt("N"), columns = node.requiredInt("K"),
          bits = node.intAttr("bits", 4),
          block = node.requiredInt("block_size");
  Value weight = createBlockWeight(node, node.input(1), scales, zeros, rows,
                                   columns, bits, block);
  if (node.hasFailed())
    return failure();
  if (node.rank(x) < 1)
    return node.fail("the input has no dimension");
  // Level 4 computes with integers of 8 bits.
  if (node.intAttr("accuracy_level", 0) == 4)
    x = node.create<QuantizeDynamicOp>(x, block);
  return node.result(node.create<LinearOp>(x, weight, node.input(5)));
}

/// Data of a narrow type: gathered first, then dequantized, unless blocks run
/// along the axis that is gathered from.
static LogicalResult gatherNarrow(OnnxNode &node) {
  Value data = node.input(0), ids = node.input(1), scales = node.input(2),
        zeros = node.input(3);
  int64_t rank = node.rank(data), block = node.intAttr("block_size", 128);
  int64_t axis = node.normalizeAxis(node.intAttr("gather_axis", 0), rank),
          blocked = node.normalizeAxis(node.intAttr("quantize_axis", 1), rank);
  Type type = node.elementType(scales);
  // ONNX's Gather has no types of 4 bits.
  auto widen = [&](Value value) {
    auto narrow =
        value ? dyn_cast<IntegerType>(node.elementType(value)) : IntegerType();
    if (!narrow || narrow.getWidth() >= 8)
      return value;
    Type wide = narrow.isUnsigned()
                    ? node.getBuilder().getIntegerType(8, /*isSigned=*/false)
                    : node.getBuilder().getIntegerType(8);
    return node.castTo(value, wide);
  };
  auto gather = [&](Value value) {
    return value ? node.create<GatherOp>(widen(value), ids, axis) : Value();
  };
  auto dequantize = [&](Value value, Value scale, Value zero, int64_t along) {
    return node.create<DequantizeLinearOp>(value, scale, zero, type, along,
                                           block);
  };
  if (axis == blocked)
    return node.result(gather(dequantize(data, scales, zeros, blocked)));
  int64_t along = blocked > axis ? blocked + node.rank(ids) - 1 : blocked;
  return node.result(
      dequantize(gather(data), gather(scales), gather(zeros), along));
}

static LogicalResult importGatherBlockQuantized(OnnxNode &node) {
  Value data = node.input(0), scales = node.input(2);
  int64_t bits = node.intAttr("bits", 4),
          block = node.intAttr("block_size", 128);
  if (auto type = dyn_cast<IntegerType>(node.elementType(data));
      type && type.getWidth() == 4)
    return gatherNarrow(node);
  if (!node.elementType(data).isUnsignedInteger(8))
    return node.fail("data of other types than uint8, int4 and uint4 is not "
                     "supported");
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
  Value weight = createBlockWeight(node, data, scales, node.input(3), rows,
                                   columns, bits, block);
  return node.result(node.create<EmbeddingOp>(node.input(1), weight));
}

//===----------------------------------------------------------------------===//
// Tables of 16 values
//===----------------------------------------------------------------------===//

/// The bytes as the indices of llmc.lookup, whose first of two elements is in
/// the low half of a byte: another parameter. Null when they are none.
static Value createIndices(OnnxNode &node, Value bytes,
                           ArrayRef<int64_t> shape) {
  auto weight = bytes.getDefiningOp<WeightOp>();
  ModuleOp module = node.getImporter().getModule();
  auto param =
      weight ? module.lookupSymbol<ParamOp>(weight.getParam()) : ParamOp();
  RankedTensorType type = node.type(bytes).clone(shape);
  if (!param || param.getType().getNumElements() != type.getNumElements())
    return {};
  std::string name = (param.getSymName() + ".indices").str();
  if (!module.lookupSymbol(name)) {
    SmallVector<char> copy;
    ArrayRef<char> source = getParamBytes(param, copy);
    AsmResourceBlob blob = HeapAsmResourceBlob::allocate(
        source.size(), /*align=*/64, /*dataIsMutable=*/true);
    llvm::transform(source, blob.getMutableData().begin(),
                    [](uint8_t byte) { return char(byte << 4 | byte >> 4); });
    OpBuilder builder(param);
    ParamOp::create(builder, param.getLoc(), name,
                    makeResource(type, name, std::move(blob)), StringAttr());
  }
  auto made = module.lookupSymbol<ParamOp>(name);
  if (!made || made.getType() != type)
    return {};
  return WeightOp::create(node.getBuilder(), node.getLoc(), type, name);
}

static LogicalResult importMatMulBnb4(OnnxNode &node) {
  Value x = node.input(0), bytes = node.input(1), scales = node.input(2);
  int64_t rows = node.requiredInt("N"), columns = node.requiredInt("K"),
          block = node.requiredInt("block_size"),
          kind = node.requiredInt("quant_type");
  if (node.hasFailed())
    return failure();
  if (kind != 0 && kind != 1)
    return node.fail("quant_type = " + Twine(kind) + " is not supported");
  int64_t count;
  if (rows < 1 || columns < 1 || block < 1 ||
      llvm::MulOverflow(rows, columns, count) || count % block != 0 ||
      count % 2 != 0)
    return node.fail("a weight of " + Twine(rows) + " x " + Twine(columns) +
                     " in blocks of " + Twine(block) + " is not supported");
  if (!node.elementType(bytes).isUnsignedInteger(8))
    return node.fail("the weight is not packed in uint8");
  Value table = node.castTo(
      node.constant(DenseElementsAttr::get(
          RankedTensorType::get({16}, node.getBuilder().getF32Type()),
          ArrayRef<float>(kind == 0 ? bnbFP4Values : nf4Values))),
      node.elementType(scales));
  bool isTransposed = node.intAttr("transB", 1);
  // Blocks that do not run on into the next row.
  if (isTransposed && columns % block == 0 && block % 2 == 0)
    if (Value indices =
            createIndices(node, bytes, {rows, columns / block, block / 2})) {
      scales = withShape(node, scales, {rows, columns / block});
      Value weight = node.create<LookupOp>(indices, table, scales, int64_t(4),
                                           block, columns);
      return node.result(node.create<LinearOp>(x, weight, Value()));
    }
  bytes = withShape(node, bytes, {count / 2, 1});
  scales = withShape(node, scales, {count / block, 1});
  // The first of two elements is in the high half of a byte.
  Value first = node.create<BitShiftOp>(bytes, node.scalarLike(bytes, 4), true);
  Value second = node.create<BitwiseAndOp>(bytes, node.scalarLike(bytes, 15));
  Type i32 = node.getBuilder().getI32Type();
  Value codes = node.castTo(node.concat({first, second}, 1), i32);
  Value values = node.create<GatherOp>(
      table, node.reshape(codes, {count / block, block}), int64_t(0));
  Value weight =
      node.reshape(node.create<MulOp>(values, scales), {rows, columns});
  if (isTransposed)
    return node.result(node.create<LinearOp>(x, weight, Value()));
  return node.result(node.create<MatMulOp>(x, weight));
}

//===----------------------------------------------------------------------===//
// Products of 8-bit integers
//===----------------------------------------------------------------------===//

/// The product of integers with scales and a bias that are spread over the
/// columns.
static LogicalResult scaleProduct(OnnxNode &node, Value sums, Value scale,
                                  Value columnScale, Value bias) {
  Value unit = node.create<MulOp>(scalarIfSingle(node, scale),
                                  scalarIfSingle(node, columnScale));
  Value product =
      node.create<MulOp>(node.castTo(sums, node.elementType(unit)), unit);
  return node.result(bias ? node.create<AddOp>(product, bias) : product);
}

static LogicalResult importMatMulIntegerToFloat(OnnxNode &node) {
  Value scale = scalarIfSingle(node, node.input(2));
  Value zero = scalarIfSingle(node, node.input(4));
  if (node.rank(scale) != 0 || (zero && node.rank(zero) != 0))
    return node.fail("a scale or zero point of A that is not a single number "
                     "is not supported");
  Value sums = node.create<MatMulIntegerOp>(node.input(0), node.input(1), zero,
                                            node.input(5));
  return scaleProduct(node, sums, scale, node.input(3), node.input(6));
}

static LogicalResult importDynamicQuantizeMatMul(OnnxNode &node) {
  Operation *quantized = node.createOp<DynamicQuantizeLinearOp>(node.input(0));
  if (!quantized)
    return failure();
  Value sums =
      node.create<MatMulIntegerOp>(quantized->getResult(0), node.input(1),
                                   quantized->getResult(2), node.input(3));
  return scaleProduct(node, sums, quantized->getResult(1), node.input(2),
                      node.input(4));
}

void onnx_detail::registerMicrosoftQuantBuilders(OpTable &table) {
  table.add("MatMulNBits", 1, {3, 6}, importMatMulNBits, msDomain);
  table.add("GatherBlockQuantized", 1, {3, 4}, importGatherBlockQuantized,
            msDomain);
  table.add("MatMulBnb4", 1, {3, 3}, importMatMulBnb4, msDomain);
  table.add("MatMulIntegerToFloat", 1, {4, 7}, importMatMulIntegerToFloat,
            msDomain);
  table.add("DynamicQuantizeMatMul", 1, {3, 5}, importDynamicQuantizeMatMul,
            msDomain);
}
