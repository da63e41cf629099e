//===- Modules.cpp - modules with one op ----------------------------------===//

#include "Modules.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MathExtras.h"

using namespace llmc::benchmarks;
using llvm::formatv;

std::vector<Format> llmc::benchmarks::getFormats() {
  std::vector<Format> formats{
      {"f32", "f32", 32}, {"bf16", "bf16", 16}, {"f16", "f16", 16}};
  for (auto [bits, block] :
       {std::pair(8, 0), std::pair(8, 32), std::pair(7, 64), std::pair(6, 64),
        std::pair(5, 64), std::pair(4, 32), std::pair(4, 128), std::pair(3, 64),
        std::pair(2, 64)}) {
    std::string name = formatv("int{0}-{1}", bits,
                               block ? "g" + std::to_string(block) : "row");
    formats.push_back({name, "int", bits, block, false});
    formats.push_back({name + "-a8", "int", bits, block, true});
  }
  for (bool rounded : {false, true}) {
    std::string suffix = rounded ? "-a8" : "";
    formats.push_back({"int4-g64" + suffix, "int", 4, 64, rounded});
    formats.push_back({"int4-g64-2of4" + suffix, "sparse", 4, 64, rounded});
  }
  formats.push_back({"int4-g32-progressive-a8", "progressive", 4, 32, true});
  formats.push_back({"nf4-g64", "nf4", 4, 64});
  return formats;
}

/// Columns of activations that share a step beside progressive scales.
static constexpr int64_t progressiveStep = 128;

std::string Shape::getName() const { return formatv("{0}x{1}", columns, rows); }

namespace {
struct Weight {
  std::string params, ops; ///< of the module, and of @main: they make %w
};
} // namespace

static Weight getWeight(const Shape &shape, const Format &format) {
  int64_t rows = shape.rows, columns = shape.columns;
  int64_t block = format.block ? format.block : columns;
  int64_t blocks = llvm::divideCeil(columns, block);
  std::string type = formatv("tensor<{0}x{1}xf32>", rows, columns);
  if (format.kind == "f32")
    return {formatv("llmc.param @w = dense<0.0> : {0}\n", type),
            formatv("%w = llmc.weight @w : {0}\n", type)};
  if (format.kind == "f16" || format.kind == "bf16") {
    std::string stored =
        formatv("tensor<{0}x{1}x{2}>", rows, columns, format.kind);
    return {formatv("llmc.param @w = dense<0.0> : {0}\n", stored),
            formatv("%h = llmc.weight @w : {0}\n"
                    "%w = llmc.cast %h {{to = f32} : ({0}) -> {1}\n",
                    stored, type)};
  }
  auto getIntegers = [&](int64_t count) -> std::string {
    return formatv("tensor<{0}x{1}x{2}xui8>", rows, blocks,
                   count * format.bits / 8);
  };
  std::string data = getIntegers(block),
              scales = formatv("tensor<{0}x{1}xf32>", rows, blocks),
              attributes = formatv("{{bits = {0} : i64, block = {1} : i64, "
                                   "columns = {2} : i64}",
                                   format.bits, block, columns);
  Weight weight{formatv("llmc.param @q = dense<0> : {0}\n"
                        "llmc.param @s = dense<0.0> : {1}\n",
                        data, scales),
                formatv("%q = llmc.weight @q : {0}\n"
                        "%s = llmc.weight @s : {1}\n",
                        data, scales)};
  if (format.kind == "sparse") {
    std::string kept = getIntegers(block / 2),
                places = formatv("tensor<{0}x{1}xui8>", rows, columns / 8);
    weight = {formatv("llmc.param @q = dense<0> : {0}\n"
                      "llmc.param @p = dense<0> : {1}\n"
                      "llmc.param @s = dense<0.0> : {2}\n",
                      kept, places, scales),
              formatv("%v = llmc.weight @q : {0}\n"
                      "%p = llmc.weight @p : {1}\n"
                      "%q = llmc.densify %v, %p {{pattern = \"2:4\", bits = "
                      "{2} : i64} : ({0}, {1}) -> {3}\n"
                      "%s = llmc.weight @s : {4}\n",
                      kept, places, format.bits, data, scales)};
  }
  if (format.kind == "progressive") {
    std::string bytes = formatv("tensor<{0}x{1}xui8>", rows, blocks),
                numbers = formatv("tensor<{0}x1xf32>", rows);
    weight = {formatv("llmc.param @q = dense<0> : {0}\n"
                      "llmc.param @m = dense<0> : {1}\n"
                      "llmc.param @r = dense<0.0> : {2}\n",
                      data, bytes, numbers),
              formatv("%q = llmc.weight @q : {0}\n"
                      "%m = llmc.weight @m : {1}\n"
                      "%f = llmc.cast %m {{to = f32} : ({1}) -> {3}\n"
                      "%r = llmc.weight @r : {2}\n"
                      "%s = llmc.mul %f, %r : ({3}, {2}) -> {3}\n",
                      data, bytes, numbers, scales)};
  }
  if (format.kind == "int" || format.kind == "sparse" ||
      format.kind == "progressive") {
    weight.ops += formatv("%w = llmc.dequantize %q, %s {0} : ({1}, {2}) -> "
                          "{3}\n",
                          attributes, data, scales, type);
    return weight;
  }
  // The 16 values of bitsandbytes' NF4, in short.
  weight.ops += formatv(
      "%c = llmc.constant dense<[-1.0, -0.696, -0.525, -0.395, -0.284, -0.185, "
      "-0.091, 0.0, 0.080, 0.161, 0.246, 0.338, 0.441, 0.563, 0.723, 1.0]> : "
      "tensor<16xf32>\n"
      "%w = llmc.lookup %q, %c, %s {0} : ({1}, tensor<16xf32>, {2}) -> {3}\n",
      attributes, data, scales, type);
  return weight;
}

std::string llmc::benchmarks::getLinear(const Shape &shape,
                                        const Format &format) {
  Weight weight = getWeight(shape, format);
  std::string x = formatv("tensor<?x{0}xf32>", shape.columns),
              y = formatv("tensor<?x{0}xf32>", shape.rows), rounding;
  int64_t step = format.kind == "progressive" ? progressiveStep
                 : format.block               ? format.block
                                              : shape.columns;
  if (format.rounded)
    rounding = formatv("%a = llmc.quantize_dynamic %x {{block = {0} : i64} : "
                       "({1}) -> {1}\n",
                       step, x);
  return formatv("{0}func.func @main(%x: {1}) -> {2} {{\n{3}{4}"
                 "%y = llmc.linear {5}, %w : ({1}, tensor<{6}x{7}xf32>) -> "
                 "{2}\nreturn %y : {2}\n}",
                 weight.params, x, y, weight.ops, rounding,
                 format.rounded ? "%a" : "%x", shape.rows, shape.columns);
}

std::string llmc::benchmarks::getEmbedding(const Shape &shape,
                                           const Format &format) {
  Weight weight = getWeight(shape, format);
  std::string y = formatv("tensor<?x{0}xf32>", shape.columns);
  return formatv("{0}func.func @main(%ids: tensor<?xi64>) -> {1} {{\n{2}"
                 "%y = llmc.embedding %ids, %w : (tensor<?xi64>, "
                 "tensor<{3}x{4}xf32>) -> {1}\nreturn %y : {1}\n}",
                 weight.params, y, weight.ops, shape.rows, shape.columns);
}

std::string llmc::benchmarks::getAttention(const Attention &attention,
                                           int64_t keys) {
  std::string q = formatv("tensor<1x{0}x?x{1}xf32>", attention.heads,
                          attention.headSize),
              k = formatv("tensor<1x{0}x{1}x{2}xf32>", attention.keyHeads, keys,
                          attention.headSize),
              y = formatv("tensor<1x?x{0}x{1}xf32>", attention.heads,
                          attention.headSize);
  std::string compute =
      formatv("%a = llmc.attention %q, %k, %v {{scale = 0.125 : f32, causal} : "
              "({0}, {1}, {1}) -> {0}\n",
              q, k);
  if (attention.isBF16) {
    auto narrow = [](llvm::StringRef type) {
      return type.drop_back(4).str() + "bf16>";
    };
    compute = formatv("%b = llmc.cast %q {{to = bf16} : ({0}) -> {2}\n"
                      "%c = llmc.cast %k {{to = bf16} : ({1}) -> {3}\n"
                      "%d = llmc.cast %v {{to = bf16} : ({1}) -> {3}\n"
                      "%e = llmc.attention %b, %c, %d {{scale = 0.125 : f32, "
                      "causal} : ({2}, {3}, {3}) -> {2}\n"
                      "%a = llmc.cast %e {{to = f32} : ({2}) -> {0}\n",
                      q, k, narrow(q), narrow(k));
  }
  return formatv("func.func @main(%q: {0}, %k: {1}, %v: {1}) -> {2} {{\n{3}"
                 "%y = llmc.transpose %a {{perm = array<i64: 0, 2, 1, 3>} : "
                 "({0}) -> {2}\nreturn %y : {2}\n}",
                 q, k, y, compute);
}
