//===- Pruned.cpp - export of weights that are stored in part -------------===//

#include "../Types.h"
#include "ExportTable.h"
#include "Fields.h"
#include "GraphExporter.h"
#include "llmc/Weights/Blobs.h"
#include "llmc/Weights/BlockFormat.h"
#include "llmc/Weights/DecodeWeight.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::onnx_detail;

/// Writes what is not stored, too, and says so.
template <typename OpTy>
static LogicalResult exportDense(OpWriter &writer, OpTy op) {
  RankedTensorType type = op.getType();
  AsmResourceBlob blob = HeapAsmResourceBlob::allocate(
      *getByteSize(type), /*align=*/64, /*dataIsMutable=*/true);
  char *out = blob.getMutableData().data();
  if (type.getElementType().isUnsignedInteger(8)) {
    SmallVector<char> copy;
    FailureOr<ArrayRef<char>> bytes = decodeBytes(op, op.getResult(), copy);
    if (failed(bytes))
      return failure();
    llvm::copy(*bytes, out);
  } else {
    FailureOr<std::vector<float>> values = decodeWeight(op.getResult());
    if (failed(values))
      return failure();
    FloatFormat format = *getFloatFormat(type.getElementType());
    for (auto [index, value] : llvm::enumerate(*values))
      storeFloat(out, format, index, value);
  }
  op->emitRemark() << "'" << op->getName()
                   << "' op has no small form in ONNX: the file has the "
                      "columns that are not stored, too";
  writer.alias(
      op.getResult(),
      writer.getExporter().addConstant(
          makeResource(type, "densified", std::move(blob)), op.getLoc()));
  return success();
}

/// The bytes of a parameter; nothing when `value` is not one.
static ArrayRef<char> getStored(OpWriter &writer, Value value,
                                SmallVectorImpl<char> &copy) {
  auto load = value.getDefiningOp<WeightOp>();
  return load ? getParamBytes(writer.getExporter().getParam(load), copy)
              : ArrayRef<char>();
}

/// Whether each place is one of m columns that no other value of the group has:
/// ONNX says nothing of other indices.
static bool hasProperPlaces(OpWriter &writer, DensifyOp op) {
  SmallVector<char> copy;
  ArrayRef<char> bytes = getStored(writer, op.getMeta(), copy);
  RankedTensorType meta = op.getMeta().getType();
  if (int64_t(bytes.size()) != meta.getNumElements())
    return false;
  auto [n, m] = op.getNM();
  SmallVector<uint8_t> places(op.getValues().getType().getDimSize(1));
  for (int64_t row = 0; row < meta.getDimSize(0); ++row) {
    unpackBits(reinterpret_cast<const uint8_t *>(bytes.data()) +
                   row * meta.getDimSize(1),
               op.getPlaceBits(), places);
    uint32_t taken = 0;
    for (auto [i, place] : llvm::enumerate(places)) {
      if (i % n == 0)
        taken = 0;
      if (place >= m || (taken >> place & 1))
        return false;
      taken |= 1u << place;
    }
  }
  return true;
}

/// Scatters the values of each row. Runtimes do it once, when they load the
/// model, as all of it is constant.
static LogicalResult exportDensify(OpWriter &writer, DensifyOp op) {
  RankedTensorType type = op.getType();
  if (op.getBits() || !type.hasStaticShape() || !hasProperPlaces(writer, op))
    return exportDense(writer, op);
  writer.getExporter().noteUnpacked(op);
  writer.requireOpset(18);
  auto [n, m] = op.getNM();
  int64_t kept = op.getValues().getType().getDimSize(1);
  std::string places =
      exportIndices(writer, writer.in(op.getMeta()), op.getMeta().getType(),
                    op.getPlaceBits(), kept);
  SmallVector<int32_t> first;
  for (int64_t i = 0; i < kept; ++i)
    first.push_back(i / n * m);
  auto firstType =
      RankedTensorType::get({kept}, IntegerType::get(op.getContext(), 32));
  std::string columns =
      writer.node("Add", {places, writer.constant(DenseElementsAttr::get(
                                      firstType, ArrayRef(first)))});
  std::string zeros =
      writer.node("Expand", {writer.scalar(type.getElementType(), 0),
                             writer.ints(type.getShape())});
  writer.result("ScatterElements", {zeros, columns, writer.in(op.getValues())})
      .attr("axis", int64_t(1));
  return success();
}

/// Whether `starts` counts the bits of the rows before, and each bit has its
/// value. Without any bit there would be nothing to gather from.
static bool hasProperStarts(OpWriter &writer, DensifyBitmapOp op) {
  SmallVector<char> maskCopy, startsCopy;
  ArrayRef<char> mask = getStored(writer, op.getMask(), maskCopy),
                 starts = getStored(writer, op.getStarts(), startsCopy);
  RankedTensorType type = op.getMask().getType();
  if (!type.hasStaticShape() || int64_t(mask.size()) != type.getNumElements() ||
      int64_t(starts.size()) != 4 * type.getDimSize(0))
    return false;
  auto [height, width] = op.getTileSizes();
  int64_t tiles = int64_t(op.getColumns()) / width, count = 0;
  for (int64_t row = 0; row < type.getDimSize(0); ++row) {
    int32_t start;
    std::memcpy(&start, starts.data() + row * 4, 4);
    if (start != count)
      return false;
    for (int64_t tile = 0; tile < tiles; ++tile)
      count += mask[row * type.getDimSize(1) + tile / 8] >> tile % 8 & 1;
  }
  int64_t values = op.getValues().getType().getNumElements();
  return count > 0 && count * height * width <= values &&
         values % (height * width) == 0;
}

/// Counts the bits before each column, which is the number of its value, and
/// gathers. As for llmc.densify, runtimes do it when they load the model.
static LogicalResult exportDensifyBitmap(OpWriter &writer, DensifyBitmapOp op) {
  if (!hasProperStarts(writer, op))
    return exportDense(writer, op);
  writer.getExporter().noteUnpacked(op);
  writer.requireOpset(18);
  RankedTensorType type = op.getType();
  Type i1 = IntegerType::get(op.getContext(), 1);
  auto [height, width] = op.getTileSizes();
  bool isTiled = height * width != 1;
  std::string bits =
      exportIndices(writer, writer.in(op.getMask()), op.getMask().getType(),
                    /*bits=*/1, int64_t(op.getColumns()) / width);
  std::string before =
      writer
          .node("CumSum",
                {bits, writer.scalar(IntegerType::get(op.getContext(), 32), 1)})
          .attr("exclusive", int64_t(1));
  std::string starts =
      writer.node("Unsqueeze", {writer.in(op.getStarts()), writer.ints(1)});
  // Those that are not stored read the first value, and lose it.
  std::string numbers =
      writer.node("Mul", {writer.node("Add", {before, starts}), bits});
  std::string values = writer.in(op.getValues());
  SmallVector<int64_t> shape{-1};
  if (isTiled)
    shape.append({height, width});
  if (isTiled || op.getValues().getType().getRank() != 1)
    values = writer.node("Reshape", {values, writer.ints(shape)});
  std::string gathered = writer.node("Gather", {values, numbers});
  std::string isStored =
      writer.node("Cast", {bits}).attr("to", int64_t(*getDataType(i1)));
  if (isTiled)
    isStored = writer.node("Unsqueeze", {isStored, writer.ints({2, 3})});
  SmallVector<std::string> choice = {isStored, gathered,
                                     writer.scalar(type.getElementType(), 0)};
  if (!isTiled) {
    writer.result("Where", choice);
    return success();
  }
  std::string rows = writer.node("Transpose", {writer.node("Where", choice)})
                         .attr("perm", ArrayRef<int64_t>{0, 2, 1, 3});
  writer.result("Reshape", {rows, writer.ints(type.getShape())});
  return success();
}

void onnx_detail::registerPrunedExports(ExportTable &table) {
  table.add(exportDensify);
  table.add(exportDensifyBitmap);
}
