//===- DecodeWeightTest.cpp - numbers and sizes of weight expressions -----===//

#include "llmc/Weights/DecodeWeight.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Parser/Parser.h"
#include <gtest/gtest.h>

using namespace mlir;
using namespace llmc;

namespace {
class DecodeWeightTest : public ::testing::Test {
protected:
  DecodeWeightTest() {
    context.loadDialect<LLMCDialect, func::FuncDialect>();
    context.getDiagEngine().registerHandler([&](Diagnostic &diagnostic) {
      message = diagnostic.str();
      return success();
    });
  }

  /// What @main, which computes `ops` of parameters, returns.
  Value parse(StringRef params, StringRef ops, StringRef type) {
    std::string source = (params + "\nfunc.func @main() -> " + type + " {\n" +
                          ops + "\nreturn %w : " + type + "\n}")
                             .str();
    module = parseSourceString<ModuleOp>(source, &context);
    if (!module) {
      ADD_FAILURE() << message;
      return {};
    }
    auto main = *module->getOps<func::FuncOp>().begin();
    return main.getBody().front().getTerminator()->getOperand(0);
  }

  void expect(Value weight, std::vector<float> wanted, int64_t bytes) {
    ASSERT_TRUE(weight);
    FailureOr<std::vector<float>> values = decodeWeight(weight);
    ASSERT_TRUE(succeeded(values)) << message;
    EXPECT_EQ(*values, wanted);
    EXPECT_EQ(storageBytes(weight), bytes);
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  std::string message;
};
} // namespace

TEST_F(DecodeWeightTest, Cast) {
  expect(parse("llmc.param @p = dense<[[1.5, 2.0], [-3.0, 0.25]]>"
               " : tensor<2x2xbf16>",
               "%p = llmc.weight @p : tensor<2x2xbf16>\n"
               "%c = llmc.cast %p {to = f32}"
               " : (tensor<2x2xbf16>) -> tensor<2x2xf32>\n"
               "%w = llmc.transpose %c {perm = array<i64: 1, 0>}"
               " : (tensor<2x2xf32>) -> tensor<2x2xf32>",
               "tensor<2x2xf32>"),
         {1.5, -3, 2, 0.25}, 8);
}

TEST_F(DecodeWeightTest, CastRounds) {
  // 1 + 2^-12 is between two values of f16.
  expect(parse("llmc.param @p = dense<[1.000244140625, 65536.0]>"
               " : tensor<2xf32>",
               "%p = llmc.weight @p : tensor<2xf32>\n"
               "%w = llmc.cast %p {to = f16}"
               " : (tensor<2xf32>) -> tensor<2xf16>",
               "tensor<2xf16>"),
         {1, INFINITY}, 8);
}

// 0xe4 has the indices 0, 1, 2, 3; its upper half is the padding of a block.
constexpr StringRef indices =
    "llmc.param @q = dense<[[[228]], [[27]]]> : tensor<2x1x1xui8>\n"
    "llmc.param @c = dense<[[1.0, 2.0, 3.0, 4.0], [5.0, 6.0, 7.0, 8.0]]>"
    " : tensor<2x4xf32>\n"
    "llmc.param @s = dense<[[1.0], [0.5]]> : tensor<2x1xf32>";
constexpr StringRef loads = "%q = llmc.weight @q : tensor<2x1x1xui8>\n"
                            "%c = llmc.weight @c : tensor<2x4xf32>\n"
                            "%s = llmc.weight @s : tensor<2x1xf32>\n";

TEST_F(DecodeWeightTest, Lookup) {
  expect(parse(indices,
               (loads + "%w = llmc.lookup %q, %c, %s"
                        " {bits = 2, block = 4, columns = 3}"
                        " : (tensor<2x1x1xui8>, tensor<2x4xf32>,"
                        " tensor<2x1xf32>) -> tensor<2x3xf32>")
                   .str(),
               "tensor<2x3xf32>"),
         {1, 2, 3, 4, 3.5, 3}, 2 + 32 + 8);
}

TEST_F(DecodeWeightTest, LookupInAConstant) {
  expect(parse(indices,
               (loads + "%t = llmc.constant dense<[0.5, 1.5, -2.0, 8.0]>"
                        " : tensor<4xf32>\n"
                        "%w = llmc.lookup %q, %t"
                        " {bits = 2, block = 4, columns = 4}"
                        " : (tensor<2x1x1xui8>, tensor<4xf32>)"
                        " -> tensor<2x4xf32>")
                   .str(),
               "tensor<2x4xf32>"),
         {0.5, 1.5, -2, 8, 8, -2, 1.5, 0.5}, 2);
}

TEST_F(DecodeWeightTest, Densify) {
  // Places 0, 3 and 1, 2.
  expect(parse("llmc.param @v = dense<[[1.0, 2.0], [3.0, 4.0]]>"
               " : tensor<2x2xf32>\n"
               "llmc.param @m = dense<[[12], [9]]> : tensor<2x1xui8>",
               "%v = llmc.weight @v : tensor<2x2xf32>\n"
               "%m = llmc.weight @m : tensor<2x1xui8>\n"
               "%w = llmc.densify %v, %m {pattern = \"2:4\"}"
               " : (tensor<2x2xf32>, tensor<2x1xui8>) -> tensor<2x4xf32>",
               "tensor<2x4xf32>"),
         {1, 0, 0, 2, 0, 3, 4, 0}, 16 + 2);
}

TEST_F(DecodeWeightTest, DensifyBitmap) {
  // Columns 0 and 3, and column 1; the fourth value is of no bit.
  expect(parse("llmc.param @v = dense<[1.0, 2.0, 3.0, 9.0]> : tensor<4xf32>\n"
               "llmc.param @m = dense<[[9], [2]]> : tensor<2x1xui8>\n"
               "llmc.param @s = dense<[0, 2]> : tensor<2xi32>",
               "%v = llmc.weight @v : tensor<4xf32>\n"
               "%m = llmc.weight @m : tensor<2x1xui8>\n"
               "%s = llmc.weight @s : tensor<2xi32>\n"
               "%w = llmc.densify_bitmap %v, %m, %s {columns = 4}"
               " : (tensor<4xf32>, tensor<2x1xui8>, tensor<2xi32>)"
               " -> tensor<2x4xf32>",
               "tensor<2x4xf32>"),
         {1, 0, 0, 2, 0, 3, 0, 0}, 16 + 2 + 8);
}

TEST_F(DecodeWeightTest, DensifyBitmapOfTiles) {
  // The second tile of the first row and the first of the second, of which
  // half has no values.
  expect(parse("llmc.param @v = dense<[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]>"
               " : tensor<6xf32>\n"
               "llmc.param @m = dense<[[2], [1]]> : tensor<2x1xui8>\n"
               "llmc.param @s = dense<[0, 1]> : tensor<2xi32>",
               "%v = llmc.weight @v : tensor<6xf32>\n"
               "%m = llmc.weight @m : tensor<2x1xui8>\n"
               "%s = llmc.weight @s : tensor<2xi32>\n"
               "%w = llmc.densify_bitmap %v, %m, %s"
               " {columns = 4, tile = array<i64: 2, 2>}"
               " : (tensor<6xf32>, tensor<2x1xui8>, tensor<2xi32>)"
               " -> tensor<4x4xf32>",
               "tensor<4x4xf32>"),
         {0, 0, 1, 2, 0, 0, 3, 4, 5, 6, 0, 0, 0, 0, 0, 0}, 24 + 2 + 8);
}

TEST_F(DecodeWeightTest, DequantizeOfDensify) {
  // Integers 1, 15 in places 0, 3 and 9, 7 in places 1, 2; 8 is zero.
  expect(parse("llmc.param @v = dense<[[[241]], [[121]]]> : tensor<2x1x1xui8>\n"
               "llmc.param @m = dense<[[12], [9]]> : tensor<2x1xui8>\n"
               "llmc.param @s = dense<[[2.0], [0.5]]> : tensor<2x1xf32>",
               "%v = llmc.weight @v : tensor<2x1x1xui8>\n"
               "%m = llmc.weight @m : tensor<2x1xui8>\n"
               "%s = llmc.weight @s : tensor<2x1xf32>\n"
               "%q = llmc.densify %v, %m {pattern = \"2:4\", bits = 4}"
               " : (tensor<2x1x1xui8>, tensor<2x1xui8>) -> tensor<2x1x2xui8>\n"
               "%w = llmc.dequantize %q, %s"
               " {bits = 4, block = 4, columns = 4}"
               " : (tensor<2x1x2xui8>, tensor<2x1xf32>) -> tensor<2x4xf32>",
               "tensor<2x4xf32>"),
         {-14, 0, 0, 14, 0, 0.5, -0.5, 0}, 2 + 2 + 8);
}

TEST_F(DecodeWeightTest, LowRank) {
  expect(parse("llmc.param @u = dense<[[1.0], [2.0]]> : tensor<2x1xf32>\n"
               "llmc.param @v = dense<[[3.0, 4.0]]> : tensor<1x2xf32>\n"
               "llmc.param @a = dense<[[0.5, 0.0], [0.0, -1.0]]>"
               " : tensor<2x2xf32>",
               "%u = llmc.weight @u : tensor<2x1xf32>\n"
               "%v = llmc.weight @v : tensor<1x2xf32>\n"
               "%a = llmc.weight @a : tensor<2x2xf32>\n"
               "%uv = llmc.matmul %u, %v"
               " : (tensor<2x1xf32>, tensor<1x2xf32>) -> tensor<2x2xf32>\n"
               "%w = llmc.add %a, %uv"
               " : (tensor<2x2xf32>, tensor<2x2xf32>) -> tensor<2x2xf32>",
               "tensor<2x2xf32>"),
         {3.5, 4, 6, 7}, 8 + 8 + 16);
}

TEST_F(DecodeWeightTest, SaysWhatItCannotCompute) {
  Value weight = parse("llmc.param @p = dense<1.0> : tensor<2x2xf32>",
                       "%p = llmc.weight @p : tensor<2x2xf32>\n"
                       "%w = llmc.exp %p"
                       " : (tensor<2x2xf32>) -> tensor<2x2xf32>",
                       "tensor<2x2xf32>");
  ASSERT_TRUE(weight);
  EXPECT_TRUE(failed(decodeWeight(weight)));
  EXPECT_EQ(message, "'llmc.exp' op is not known in a weight expression");
}
