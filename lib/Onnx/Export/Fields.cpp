//===- Fields.cpp - integers that are packed in bytes ---------------------===//

#include "Fields.h"
#include "../Types.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::onnx_detail;

static std::string exportTable(OpWriter &writer, Type element, int64_t count,
                               llvm::function_ref<uint64_t(int64_t)> value) {
  SmallVector<APInt> values;
  for (int64_t i = 0; i < count; ++i)
    values.emplace_back(element.getIntOrFloatBitWidth(), value(i));
  return writer.constant(
      DenseElementsAttr::get(RankedTensorType::get({count}, element), values));
}

static Type getByteType(RankedTensorType type) {
  return IntegerType::get(type.getContext(), 8, IntegerType::Unsigned);
}

static std::string exportShift(OpWriter &writer, std::string value,
                               std::string by, StringRef direction) {
  return writer.node("BitShift", {std::move(value), std::move(by)})
      .attr("direction", direction);
}

static std::string exportMask(OpWriter &writer, std::string value,
                              RankedTensorType type, int64_t mask) {
  writer.requireOpset(18);
  return writer.node(
      "BitwiseAnd", {std::move(value), writer.scalar(getByteType(type), mask)});
}

/// Bytes that begin with the fields, out of the two that a field may lie in.
static std::string exportWindows(OpWriter &writer, std::string data,
                                 RankedTensorType type, int64_t bits,
                                 int64_t count) {
  writer.requireOpset(18);
  Type byte = getByteType(type),
       index = IntegerType::get(type.getContext(), 64);
  int64_t last = type.getRank() - 1, bytes = type.getDimSize(last);
  auto gather =
      [&](llvm::function_ref<uint64_t(int64_t)> place) -> std::string {
    return writer
        .node("Gather", {data, exportTable(writer, index, count, place)})
        .attr("axis", last);
  };
  std::string low = exportShift(
      writer, gather([&](int64_t i) { return i * bits / 8; }),
      exportTable(writer, byte, count, [&](int64_t i) { return i * bits % 8; }),
      "RIGHT");
  // A shift by all 8 bits is not defined: a whole byte comes twice instead.
  std::string high = exportShift(
      writer, gather([&](int64_t i) {
        int64_t next = i * bits % 8 == 0 ? 0 : 1;
        return std::min(i * bits / 8 + next, bytes - 1);
      }),
      exportTable(writer, byte, count,
                  [&](int64_t i) { return (8 - i * bits % 8) % 8; }),
      "LEFT");
  return writer.node("BitwiseOr", {low, high});
}

std::string onnx_detail::exportFields(OpWriter &writer, std::string data,
                                      RankedTensorType type, int64_t bits,
                                      int64_t count) {
  int64_t rank = type.getRank(), bytes = type.getShape().back();
  if (bits == 8)
    return data;
  int64_t mask = (1 << bits) - 1;
  if (8 % bits != 0)
    return exportMask(writer, exportWindows(writer, data, type, bits, count),
                      type, mask);
  data =
      exportShift(writer, writer.node("Unsqueeze", {data, writer.ints(rank)}),
                  exportTable(writer, getByteType(type), 8 / bits,
                              [&](int64_t i) { return i * bits; }),
                  "RIGHT");
  data = exportMask(writer, data, type, mask);
  SmallVector<int64_t> shape(rank - 1, 0);
  shape.push_back(bytes * 8 / bits);
  data = writer.node("Reshape", {data, writer.ints(shape)});
  if (count == bytes * 8 / bits)
    return data;
  return writer.node("Slice", {data, writer.ints(0), writer.ints(count),
                               writer.ints(rank - 1)});
}

std::string onnx_detail::exportIndices(OpWriter &writer, std::string data,
                                       RankedTensorType type, int64_t bits,
                                       int64_t count) {
  Type i32 = IntegerType::get(type.getContext(), 32);
  return writer
      .node("Cast", {exportFields(writer, std::move(data), type, bits, count)})
      .attr("to", int64_t(*getDataType(i32)));
}

std::string onnx_detail::exportPairs(OpWriter &writer, std::string data,
                                     RankedTensorType type, int64_t count) {
  std::string both = exportWindows(writer, std::move(data), type, /*bits=*/6,
                                   llvm::divideCeil(count, 2));
  std::string high = exportShift(writer, exportMask(writer, both, type, 7 << 3),
                                 writer.scalar(getByteType(type), 1), "LEFT");
  return writer.node("BitwiseOr", {exportMask(writer, both, type, 7), high});
}
