//===- Weights.cpp - export of weight expressions and their uses ----------===//

#include "../Proto.h"
#include "../Types.h"
#include "ExportTable.h"
#include "Fields.h"
#include "GraphExporter.h"
#include "llmc/Weights/Blobs.h"
#include "llmc/Weights/BlockFormat.h"
#include "mlir/IR/Matchers.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::onnx_detail;

static constexpr llvm::StringLiteral msDomain = "com.microsoft";

static LogicalResult exportConstant(OpWriter &writer, ConstantOp op) {
  writer.alias(op.getResult(),
               writer.getExporter().addConstant(op.getValue(), op.getLoc()));
  return success();
}

static LogicalResult exportWeight(OpWriter &writer, WeightOp op) {
  writer.alias(op.getResult(), writer.getExporter().addParam(op));
  return success();
}

//===----------------------------------------------------------------------===//
// Dequantized weights
//===----------------------------------------------------------------------===//

/// What ONNX Runtime's block-quantized kernels take.
static bool hasKernel(DequantizeOp op) {
  return llvm::is_contained({2, 4, 8}, op.getBits()) && op.getBlock() >= 16 &&
         op.getBlock() <= 256 && llvm::isPowerOf2_64(op.getBlock());
}

/// Whether the user computes with the packed weight; see exportLinear and
/// exportEmbedding.
static bool isFusedInto(DequantizeOp op, OpOperand &use) {
  if (auto linear = dyn_cast<LinearOp>(use.getOwner()))
    return &use == &linear.getWeightMutable() && hasKernel(op);
  if (auto embedding = dyn_cast<EmbeddingOp>(use.getOwner()))
    return &use == &embedding.getWeightMutable() && hasKernel(op);
  return false;
}

/// The operand of a linear that rounds it as MatMulNBits does, if it is one.
static QuantizeDynamicOp getRoundedOperand(LinearOp op) {
  auto rounded = op.getOperand().getDefiningOp<QuantizeDynamicOp>();
  auto weight = op.getWeight().getDefiningOp<DequantizeOp>();
  return rounded && weight && hasKernel(weight) &&
                 rounded.getBlock() == weight.getBlock()
             ? rounded
             : QuantizeDynamicOp();
}

/// Packed zero points as a tensor of narrow integers `type`, [rows, blocks].
/// The rows of a param fill whole bytes; those of a tensor do not.
static ElementsAttr repackZeros(ParamOp param, RankedTensorType type) {
  auto bytes = param.getValue();
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(bytes))
    bytes = DenseElementsAttr::getFromRawBuffer(resource.getType(),
                                                getBytes(resource));
  SmallVector<uint8_t> packed;
  for (const APInt &byte : bytes.getValues<APInt>())
    packed.push_back(byte.getZExtValue());
  int64_t rows = type.getDimSize(0), blocks = type.getDimSize(1);
  unsigned bits = type.getElementTypeBitWidth();
  SmallVector<APInt> values;
  SmallVector<uint8_t> codes(blocks);
  for (int64_t row = 0; row < rows; ++row) {
    unpackBits(packed.data() + row * llvm::divideCeil(blocks * bits, 8), bits,
               codes);
    for (uint8_t code : codes)
      values.emplace_back(bits, code);
  }
  return DenseElementsAttr::get(type, values);
}

/// The same elements as a tensor of ONNX's own narrow integers, for which the
/// standard DequantizeLinear is defined. Rows are padded to whole blocks.
static LogicalResult exportDequantize(OpWriter &writer, DequantizeOp op) {
  if (llvm::all_of(op->getUses(),
                   [&](OpOperand &use) { return isFusedInto(op, use); }))
    return success();
  int64_t bits = op.getBits();
  if (bits != 2 && bits != 4 && bits != 8)
    return writer.fail("with " + Twine(bits) +
                       " bits has no ONNX form; 2, 4 and 8 bits have one");
  writer.requireOpset(bits == 2 ? 25 : 21);
  Type elementType =
      IntegerType::get(op.getContext(), bits, IntegerType::Unsigned);
  auto scalesType = op.getScales().getType();
  int64_t rows = scalesType.getDimSize(0), blocks = scalesType.getDimSize(1);
  int64_t padded = blocks * op.getBlock();

  auto data = op.getData().getDefiningOp<WeightOp>();
  auto zeros =
      op.getZeros() ? op.getZeros().getDefiningOp<WeightOp>() : WeightOp();
  if (!data || (op.getZeros() && !zeros))
    return writer.fail("has data that is not a param, which has no ONNX form");
  GraphExporter &exporter = writer.getExporter();
  std::string dataName = exporter.addReinterpreted(
      data, RankedTensorType::get({rows, padded}, elementType));
  std::string zerosName;
  auto zerosType = RankedTensorType::get({rows, blocks}, elementType);
  if (!zeros)
    zerosName = exporter.addConstant(
        DenseElementsAttr::get(
            zerosType,
            IntegerAttr::get(elementType, APInt(bits, 1ull << (bits - 1)))),
        op.getLoc());
  else if (blocks * bits % 8 == 0)
    zerosName = exporter.addReinterpreted(zeros, zerosType);
  else
    zerosName = exporter.addConstant(
        repackZeros(exporter.getParam(zeros), zerosType), op.getLoc());
  SmallVector<std::string> inputs = {dataName, writer.in(op.getScales()),
                                     zerosName};
  bool cut = padded != int64_t(op.getColumns());
  WrittenNode node = cut ? writer.node("DequantizeLinear", inputs)
                         : writer.result("DequantizeLinear", inputs);
  node.attr("axis", int64_t(1)).attr("block_size", int64_t(op.getBlock()));
  if (cut)
    writer.result("Slice", {node.name(), writer.ints(0),
                            writer.ints(op.getColumns()), writer.ints(1)});
  return success();
}

/// The indices, [rows, blocks * block] of i32.
static std::string exportIndices(OpWriter &writer, LookupOp op) {
  int64_t block = op.getBlock();
  auto type = op.getIndices().getType();
  std::string fields = exportFields(writer, writer.in(op.getIndices()), type,
                                    op.getBits(), block);
  return writer.node("Reshape",
                     {fields, writer.ints({0, type.getDimSize(1) * block})});
}

/// Gathers from the codebook, of which row r has entry e at
/// `r / rows of a group * 2^bits + e`, and scales.
static LogicalResult exportLookup(OpWriter &writer, LookupOp op) {
  writer.requireOpset(13);
  std::string indices = exportIndices(writer, op);
  std::string codebook = writer.in(op.getCodebook());
  int64_t groups = op.getGroups(), rows = op.getType().getDimSize(0);
  if (op.getCodebook().getType().getRank() == 2)
    codebook = writer.node("Reshape", {codebook, writer.ints(-1)});
  if (groups != 1) {
    SmallVector<int32_t> first;
    for (int64_t row = 0; row < rows; ++row)
      first.push_back(row / (rows / groups) << op.getBits());
    auto type =
        RankedTensorType::get({rows, 1}, IntegerType::get(op.getContext(), 32));
    indices =
        writer.node("Add", {indices, writer.constant(DenseElementsAttr::get(
                                         type, ArrayRef(first)))});
  }
  int64_t blocks = op.getIndices().getType().getDimSize(1),
          padded = blocks * op.getBlock();
  bool cut = padded != int64_t(op.getColumns());
  auto last = [&](bool isLast, StringRef name,
                  ArrayRef<std::string> inputs) -> WrittenNode {
    return isLast ? writer.result(name, inputs) : writer.node(name, inputs);
  };
  std::string value =
      last(!cut && !op.getScales(), "Gather", {codebook, indices});
  if (op.getScales()) {
    value = writer.node(
        "Reshape", {value, writer.ints({0, blocks, int64_t(op.getBlock())})});
    std::string scales =
        writer.node("Unsqueeze", {writer.in(op.getScales()), writer.ints(2)});
    value = writer.node("Mul", {value, scales});
    value = last(!cut, "Reshape", {value, writer.ints({0, padded})});
  }
  if (cut)
    writer.result("Slice", {value, writer.ints(0), writer.ints(op.getColumns()),
                            writer.ints(1)});
  return success();
}

/// com.microsoft.MatMulNBits computes with the packed weight.
static std::string exportMatMulNBits(OpWriter &writer, LinearOp op,
                                     DequantizeOp weight, bool last) {
  QuantizeDynamicOp rounded = getRoundedOperand(op);
  SmallVector<std::string> inputs = {
      writer.in(rounded ? rounded.getOperand() : op.getOperand()),
      writer.in(weight.getData()), writer.in(weight.getScales()),
      writer.in(weight.getZeros())};
  WrittenNode node = last ? writer.result("MatMulNBits", inputs, msDomain)
                          : writer.node("MatMulNBits", inputs, msDomain);
  node.attr("K", int64_t(weight.getColumns()))
      .attr("N", weight.getScales().getType().getDimSize(0))
      .attr("bits", int64_t(weight.getBits()))
      .attr("block_size", int64_t(weight.getBlock()));
  // ONNX Runtime then rounds its operand in blocks of the weight's.
  if (rounded)
    node.attr("accuracy_level", int64_t(4));
  return node;
}

static LogicalResult exportLinear(OpWriter &writer, LinearOp op) {
  bool last = !op.getBias();
  std::string product;
  auto dequantize = op.getWeight().getDefiningOp<DequantizeOp>();
  auto transpose = op.getWeight().getDefiningOp<TransposeOp>();
  if (dequantize && hasKernel(dequantize)) {
    product = exportMatMulNBits(writer, op, dequantize, last);
  } else {
    // The model's own [in, out] when it has that, else a Transpose, which
    // runtimes fold when they load a constant weight.
    std::string weight =
        transpose ? writer.in(transpose.getOperand())
                  : writer.getExporter().getTransposed(op.getWeight(), writer);
    SmallVector<std::string> inputs = {writer.in(op.getOperand()), weight};
    product =
        last ? writer.result("MatMul", inputs) : writer.node("MatMul", inputs);
  }
  if (!last)
    writer.result("Add", {product, writer.in(op.getBias())});
  return success();
}

static LogicalResult exportEmbedding(OpWriter &writer, EmbeddingOp op) {
  auto weight = op.getWeight().getDefiningOp<DequantizeOp>();
  if (!weight || !hasKernel(weight)) {
    writer.result("Gather", {writer.in(op.getWeight()), writer.in(op.getIds())})
        .attr("axis", int64_t(0));
    return success();
  }
  // The bytes may be those of the language model head, where they have a
  // dimension of blocks.
  auto dataType = weight.getData().getType();
  int64_t rowBytes = dataType.getDimSize(1) * dataType.getDimSize(2);
  std::string data =
      writer.node("Reshape", {writer.in(weight.getData()),
                              writer.ints({dataType.getDimSize(0), rowBytes})});
  SmallVector<std::string> inputs = {data, writer.in(op.getIds()),
                                     writer.in(weight.getScales()),
                                     writer.in(weight.getZeros())};
  int64_t padded = dataType.getDimSize(1) * weight.getBlock();
  bool cut = padded != int64_t(weight.getColumns());
  WrittenNode node =
      cut ? writer.node("GatherBlockQuantized", inputs, msDomain)
          : writer.result("GatherBlockQuantized", inputs, msDomain);
  node.attr("gather_axis", int64_t(0))
      .attr("quantize_axis", int64_t(1))
      .attr("bits", int64_t(weight.getBits()))
      .attr("block_size", int64_t(weight.getBlock()));
  if (cut)
    writer.result("Slice", {node.name(), writer.ints(0),
                            writer.ints(weight.getColumns()), writer.ints(-1)});
  return success();
}

/// What the op's description says, node by node, unless MatMulNBits does it.
static LogicalResult exportQuantizeDynamic(OpWriter &writer,
                                           QuantizeDynamicOp op) {
  if (llvm::all_of(op->getUsers(), [&](Operation *user) {
        auto linear = dyn_cast<LinearOp>(user);
        return linear && getRoundedOperand(linear) == op;
      }))
    return success();
  auto type = op.getType();
  int64_t rank = type.getRank(), block = op.getBlock();
  if (type.isDynamicDim(rank - 1))
    return writer.fail("needs a static last dimension to have an ONNX form");
  writer.requireOpset(18);
  int64_t columns = type.getDimSize(rank - 1);
  int64_t blocks = llvm::divideCeil(columns, block), left = columns % block;
  Type element = type.getElementType();
  std::string x = writer.in(op.getOperand());
  if (left != 0)
    x = writer.node("Pad", {x, writer.ints({0, block - left}),
                            writer.scalar(element, 0), writer.ints(rank - 1)});
  SmallVector<int64_t> shape(rank - 1, 0);
  shape.append({blocks, block});
  x = writer.node("Reshape", {x, writer.ints(shape)});
  Type f32 = Float32Type::get(op.getContext());
  auto cast = [&](std::string value, Type to) -> std::string {
    if (element == f32)
      return value;
    return writer.node("Cast", {std::move(value)})
        .attr("to", int64_t(*getDataType(to)));
  };
  auto number = [&](double value) { return writer.scalar(f32, value); };
  x = cast(x, f32);
  std::string magnitude =
      writer.node("ReduceMax", {writer.node("Abs", {x}), writer.ints(rank)})
          .attr("keepdims", int64_t(1));
  std::string isTiny = writer.node("Less", {magnitude, number(0x1p-120)});
  std::string inverse = writer.node("Div", {number(127), magnitude});
  inverse = writer.node("Where", {isTiny, number(0), inverse});
  std::string code = writer.node("Round", {writer.node("Mul", {x, inverse})});
  std::string step = writer.node("Div", {magnitude, number(127)});
  std::string value = cast(writer.node("Mul", {code, step}), element);
  shape.assign(rank - 1, 0);
  shape.push_back(blocks * block);
  if (left == 0) {
    writer.result("Reshape", {value, writer.ints(shape)});
    return success();
  }
  value = writer.node("Reshape", {value, writer.ints(shape)});
  writer.result("Slice", {value, writer.ints(0), writer.ints(columns),
                          writer.ints(rank - 1)});
  return success();
}

void onnx_detail::registerWeightExports(ExportTable &table) {
  table.add(exportQuantizeDynamic);
  table.add(exportConstant);
  table.add(exportWeight);
  table.add(exportDequantize);
  table.add(exportLookup);
  table.add(exportLinear);
  table.add(exportEmbedding);
}
