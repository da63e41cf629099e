//===- Fields.cpp - integers that are packed in bytes ---------------------===//

#include "Fields.h"
#include "../Types.h"

using namespace mlir;
using namespace llmc;
using namespace llmc::onnx_detail;

std::string onnx_detail::exportFields(OpWriter &writer, std::string data,
                                      RankedTensorType type, int64_t bits,
                                      int64_t count) {
  MLIRContext *context = type.getContext();
  int64_t rank = type.getRank(), bytes = type.getShape().back();
  auto table = [&](Type element, int64_t count,
                   llvm::function_ref<uint64_t(int64_t)> value) {
    SmallVector<APInt> values;
    for (int64_t i = 0; i < count; ++i)
      values.emplace_back(element.getIntOrFloatBitWidth(), value(i));
    return writer.constant(DenseElementsAttr::get(
        RankedTensorType::get({count}, element), values));
  };
  Type word = IntegerType::get(context, 8, IntegerType::Unsigned);
  auto shift = [&](std::string value, std::string by, StringRef direction) {
    return writer.node("BitShift", {std::move(value), std::move(by)})
        .attr("direction", direction)
        .name();
  };
  bool isBytewise = 8 % bits == 0 && bits != 8;
  if (isBytewise) {
    data = writer.node("Unsqueeze", {data, writer.ints(rank)});
    data =
        shift(data, table(word, 8 / bits, [&](int64_t i) { return i * bits; }),
              "RIGHT");
  } else if (bits != 8) {
    // Two bytes have all bits of a field.
    word = IntegerType::get(context, 32, IntegerType::Unsigned);
    Type i64 = IntegerType::get(context, 64);
    auto load = [&](int64_t next) -> std::string {
      std::string byte =
          writer
              .node("Gather",
                    {data, table(i64, count,
                                 [&](int64_t i) {
                                   return std::min(i * bits / 8 + next,
                                                   bytes - 1);
                                 })})
              .attr("axis", rank - 1);
      return writer.node("Cast", {byte})
          .attr("to", int64_t(*getDataType(word)));
    };
    std::string high = shift(load(1), writer.scalar(word, 8), "LEFT");
    data = writer.node("BitwiseOr", {load(0), high});
    data =
        shift(data, table(word, count, [&](int64_t i) { return i * bits % 8; }),
              "RIGHT");
  }
  if (bits != 8) {
    writer.requireOpset(18);
    data = writer.node("BitwiseAnd",
                       {data, writer.scalar(word, double((1 << bits) - 1))});
  }
  data = writer.node("Cast", {data})
             .attr("to", int64_t(*getDataType(IntegerType::get(context, 32))));
  if (!isBytewise)
    return data;
  SmallVector<int64_t> shape(rank - 1, 0);
  shape.push_back(bytes * 8 / bits);
  data = writer.node("Reshape", {data, writer.ints(shape)});
  if (count == bytes * 8 / bits)
    return data;
  return writer.node("Slice", {data, writer.ints(0), writer.ints(count),
                               writer.ints(rank - 1)});
}
