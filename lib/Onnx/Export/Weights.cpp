//===- Weights.cpp - export of weight expressions and their uses ----------===//

#include "../Proto.h"
#include "../Types.h"
#include "ExportTable.h"
#include "Fields.h"
#include "GraphExporter.h"
#include "llmc/IR/StaticRounding.h"
#include "llmc/Weights/DecodeWeight.h"
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

/// The bits of the integers that ONNX Runtime's block-quantized kernels take
/// for it, which may be more than it has; 0 when they do not take its blocks
/// or, beside 8 bits, its zero points.
static int64_t getKernelBits(DequantizeOp op) {
  int64_t block = op.getBlock(), bits = llvm::PowerOf2Ceil(op.getBits());
  if (block < 16 || block > 256 || !llvm::isPowerOf2_64(block) ||
      (hasFloatZeros(op) && bits > 4))
    return 0;
  return bits;
}

/// Whether MatMulNBits multiplies with it.
static bool hasKernel(DequantizeOp op) { return getKernelBits(op) != 0; }

/// Whether GatherBlockQuantized reads it.
static bool hasGather(DequantizeOp op) {
  return hasKernel(op) && !hasFloatZeros(op);
}

/// Whether the linear multiplies bytes by bytes with one scale for each row of
/// its weight: runtimes see that in a DequantizeLinear before both operands.
static bool isInteger(LinearOp op, DequantizeOp weight) {
  return weight && weight.getBits() == 8 && !hasFloatZeros(weight) &&
         weight.getScales().getType().getDimSize(1) == 1 &&
         matchStaticRounding(op.getOperand());
}

/// Whether `use` is the weight of such a linear.
static bool isInteger(OpOperand &use, DequantizeOp op) {
  auto linear = dyn_cast<LinearOp>(use.getOwner());
  return linear && &use == &linear.getWeightMutable() && isInteger(linear, op);
}

/// Whether the user computes with the packed weight; see exportLinear and
/// exportEmbedding.
static bool isFusedInto(DequantizeOp op, OpOperand &use) {
  if (auto linear = dyn_cast<LinearOp>(use.getOwner()))
    return &use == &linear.getWeightMutable() && hasKernel(op) &&
           !isInteger(linear, op);
  if (auto embedding = dyn_cast<EmbeddingOp>(use.getOwner()))
    return &use == &embedding.getWeightMutable() && hasGather(op);
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

/// Numbers of blocks, [rows, blocks], for their elements.
static std::string exportPerBlock(OpWriter &writer, std::string numbers) {
  return writer.node("Unsqueeze", {std::move(numbers), writer.ints(2)});
}

/// The first `columns` of the rows of `blocks`, [rows, blocks, block], which
/// may be padded at their ends.
static void exportRows(OpWriter &writer, std::string blocks, int64_t padded,
                       int64_t columns) {
  SmallVector<std::string> inputs = {std::move(blocks),
                                     writer.ints({0, padded})};
  if (padded == columns) {
    writer.result("Reshape", inputs);
    return;
  }
  writer.result("Slice", {writer.node("Reshape", inputs), writer.ints(0),
                          writer.ints(columns), writer.ints(1)});
}

/// Integers as wide as kernels have them, for which a runtime makes room when
/// it loads the model.
static PackedWeight exportPacked(OpWriter &writer, DequantizeOp op) {
  int64_t bits = op.getBits(), wide = getKernelBits(op);
  PackedWeight packed{writer.in(op.getData()), writer.in(op.getZeros()), wide};
  if (bits == wide)
    return packed;
  auto widen = [&](std::string data, RankedTensorType type, int64_t count) {
    return wide == 4 ? exportPairs(writer, std::move(data), type, count)
                     : exportFields(writer, std::move(data), type, bits, count);
  };
  packed.data = widen(packed.data, op.getData().getType(), op.getBlock());
  auto scales = op.getScales().getType();
  int64_t rows = scales.getDimSize(0), blocks = scales.getDimSize(1);
  if (hasFloatZeros(op))
    return packed;
  if (op.getZeros()) {
    packed.zeros = widen(packed.zeros, op.getZeros().getType(), blocks);
    return packed;
  }
  int64_t zero = 1 << (bits - 1);
  packed.zeros = writer.node(
      "Expand",
      {writer.scalarLike(op.getData(), wide == 4 ? zero * 17 : zero),
       writer.ints({rows, int64_t(llvm::divideCeil(blocks * wide, 8))})});
  return packed;
}

/// Floats, where no kernel takes integers. ONNX Runtime computes them once,
/// when it loads the model, unlike DequantizeLinear, which it runs each time.
static void exportUnpacked(OpWriter &writer, DequantizeOp op) {
  writer.getExporter().noteUnpacked(op);
  writer.requireOpset(13);
  int64_t bits = op.getBits(), block = op.getBlock();
  int64_t blocks = op.getScales().getType().getDimSize(1);
  Type element = op.getType().getElementType();
  auto toFloat = [&](std::string fields) -> std::string {
    return writer.node("Cast", {std::move(fields)})
        .attr("to", int64_t(*getDataType(element)));
  };
  std::string codes = toFloat(exportFields(
      writer, writer.in(op.getData()), op.getData().getType(), bits, block));
  std::string zeros;
  if (hasFloatZeros(op))
    zeros = exportPerBlock(writer, writer.in(op.getZeros()));
  else if (op.getZeros())
    zeros = exportPerBlock(
        writer, toFloat(exportFields(writer, writer.in(op.getZeros()),
                                     op.getZeros().getType(), bits, blocks)));
  else
    zeros = writer.scalar(element, double(1 << (bits - 1)));
  std::string values =
      writer.node("Mul", {writer.node("Sub", {codes, zeros}),
                          exportPerBlock(writer, writer.in(op.getScales()))});
  exportRows(writer, values, blocks * block, op.getColumns());
}

static LogicalResult exportDequantize(OpWriter &writer, DequantizeOp op) {
  auto isFused = [&](OpOperand &use) { return isFusedInto(op, use); };
  if (llvm::any_of(op->getUses(), isFused))
    writer.getExporter().setPacked(op, exportPacked(writer, op));
  if (!llvm::all_of(op->getUses(), [&](OpOperand &use) {
        return isFused(use) || isInteger(use, op);
      }))
    exportUnpacked(writer, op);
  return success();
}

/// Gathers from the codebook, of which row r has entry e at
/// `r / rows of a group * 2^bits + e`, and scales.
static LogicalResult exportLookup(OpWriter &writer, LookupOp op) {
  writer.getExporter().noteUnpacked(op);
  writer.requireOpset(13);
  int64_t block = op.getBlock(), dims = op.getDims();
  auto type = op.getIndices().getType();
  std::string indices = exportIndices(writer, writer.in(op.getIndices()), type,
                                      op.getBits(), block / dims);
  std::string codebook = writer.in(op.getCodebook());
  int64_t groups = op.getGroups(), rows = type.getDimSize(0);
  int64_t rank = op.getCodebook().getType().getRank();
  if (rank == 2)
    codebook = writer.node("Reshape", {codebook, writer.ints(-1)});
  if (rank == 3)
    codebook = writer.node("Reshape", {codebook, writer.ints({-1, dims})});
  if (groups != 1) {
    SmallVector<int32_t> first;
    for (int64_t row = 0; row < rows; ++row)
      first.push_back(row / (rows / groups) << op.getBits());
    auto firstType = RankedTensorType::get(
        {rows, 1, 1}, IntegerType::get(op.getContext(), 32));
    indices =
        writer.node("Add", {indices, writer.constant(DenseElementsAttr::get(
                                         firstType, ArrayRef(first)))});
  }
  std::string values = writer.node("Gather", {codebook, indices});
  // Vectors follow each other in a block.
  if (rank == 3)
    values = writer.node("Reshape", {values, writer.ints({0, 0, block})});
  if (op.getScales())
    values = writer.node(
        "Mul", {values, exportPerBlock(writer, writer.in(op.getScales()))});
  exportRows(writer, values, type.getDimSize(1) * block, op.getColumns());
  return success();
}

/// com.microsoft.MatMulNBits computes with the packed weight.
static void exportMatMulNBits(OpWriter &writer, LinearOp op,
                              DequantizeOp weight) {
  QuantizeDynamicOp rounded = getRoundedOperand(op);
  PackedWeight packed = writer.getExporter().getPacked(weight);
  WrittenNode node = writer.result(
      "MatMulNBits",
      {writer.in(rounded ? rounded.getOperand() : op.getOperand()), packed.data,
       writer.in(weight.getScales()), packed.zeros, /*g_idx=*/"",
       writer.in(op.getBias())},
      msDomain);
  node.attr("K", int64_t(weight.getColumns()))
      .attr("N", weight.getScales().getType().getDimSize(0))
      .attr("bits", packed.bits)
      .attr("block_size", int64_t(weight.getBlock()));
  // ONNX Runtime then rounds its operand in blocks of the weight's.
  if (rounded)
    node.attr("accuracy_level", int64_t(4));
  if (hasFloatZeros(weight))
    writer.getExporter().noteFloatZeros();
  else if (!rounded && packed.bits != 4)
    writer.getExporter().noteSlowLinear();
}

/// The weight [in, out], of bytes that runtimes transpose when they load it.
static std::string exportIntegers(OpWriter &writer, DequantizeOp op) {
  writer.requireOpset(13);
  int64_t rows = op.getScales().getType().getDimSize(0);
  auto flatten = [&](Value values) -> std::string {
    return writer.node("Reshape", {writer.in(values), writer.ints(rows)});
  };
  std::string data =
      writer.node("Reshape", {writer.in(op.getData()),
                              writer.ints({rows, int64_t(op.getBlock())})});
  // A block may be longer than the row.
  if (op.getBlock() != op.getColumns())
    data = writer.node("Slice", {data, writer.ints(0),
                                 writer.ints(op.getColumns()), writer.ints(1)});
  data = writer.node("Transpose", {data}).attr("perm", ArrayRef<int64_t>{1, 0});
  std::string zeros =
      op.getZeros()
          ? flatten(op.getZeros())
          : writer.node("Expand", {writer.scalarLike(op.getData(), 128),
                                   writer.ints(rows)});
  return writer.node("DequantizeLinear", {data, flatten(op.getScales()), zeros})
      .attr("axis", int64_t(1));
}

static LogicalResult exportLinear(OpWriter &writer, LinearOp op) {
  auto dequantize = op.getWeight().getDefiningOp<DequantizeOp>();
  bool integers = isInteger(op, dequantize);
  if (dequantize && hasKernel(dequantize) && !integers) {
    exportMatMulNBits(writer, op, dequantize);
    return success();
  }
  // The model's own [in, out] when it has that, else a Transpose, which
  // runtimes fold when they load a constant weight.
  auto transpose = op.getWeight().getDefiningOp<TransposeOp>();
  SmallVector<std::string> inputs = {
      writer.in(op.getOperand()),
      integers    ? exportIntegers(writer, dequantize)
      : transpose ? writer.in(transpose.getOperand())
                  : writer.getExporter().getTransposed(op.getWeight(), writer)};
  if (op.getBias())
    writer.result("Add",
                  {writer.node("MatMul", inputs), writer.in(op.getBias())});
  else
    writer.result("MatMul", inputs);
  return success();
}

static LogicalResult exportEmbedding(OpWriter &writer, EmbeddingOp op) {
  auto weight = op.getWeight().getDefiningOp<DequantizeOp>();
  if (!weight || !hasGather(weight)) {
    writer.result("Gather", {writer.in(op.getWeight()), writer.in(op.getIds())})
        .attr("axis", int64_t(0));
    return success();
  }
  // The bytes may be those of the language model head, where they have a
  // dimension of blocks.
  PackedWeight packed = writer.getExporter().getPacked(weight);
  auto scales = weight.getScales().getType();
  int64_t padded = scales.getDimSize(1) * weight.getBlock();
  std::string data = writer.node(
      "Reshape", {packed.data, writer.ints({scales.getDimSize(0),
                                            padded * packed.bits / 8})});
  SmallVector<std::string> inputs = {data, writer.in(op.getIds()),
                                     writer.in(weight.getScales()),
                                     packed.zeros};
  bool cut = padded != int64_t(weight.getColumns());
  WrittenNode node =
      cut ? writer.node("GatherBlockQuantized", inputs, msDomain)
          : writer.result("GatherBlockQuantized", inputs, msDomain);
  node.attr("gather_axis", int64_t(0))
      .attr("quantize_axis", int64_t(1))
      .attr("bits", packed.bits)
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
