//===- BackendsTest.cpp - loading backends, and what they say of costs ----===//

#include "llmc/Target/Backends.h"
#include "mlir/InitAllDialects.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/FormatVariadic.h"
#include <cmath>
#include <gtest/gtest.h>

using namespace mlir;
using namespace llmc;

static std::string getError(llvm::Error error) {
  return error ? llvm::toString(std::move(error)) : "";
}

namespace {
class BackendsTest : public ::testing::Test {
protected:
  BackendsTest() {
    registry.insert<LLMCDialect>();
    registerAllDialects(registry);
  }

  void parse(StringRef text) {
    Backends::registerWith(registry, backends);
    context.appendDialectRegistry(registry);
    module = parseSourceString<ModuleOp>(text, &context);
  }

  void parse() {
    parse(R"(
      llmc.param @hooks.f = dense<1.0> : tensor<512x256xf32>
      llmc.param @q = dense<1> : tensor<512x4x32xui8>
      llmc.param @s = dense<1.0> : tensor<512x4xf32>
      func.func @main(%x: tensor<?x256xf32>, %i: tensor<?xi64>) {
        %f = llmc.weight @hooks.f : tensor<512x256xf32>
        %q = llmc.weight @q : tensor<512x4x32xui8>
        %s = llmc.weight @s : tensor<512x4xf32>
        %w = llmc.dequantize %q, %s {bits = 4, block = 64, columns = 256}
          : (tensor<512x4x32xui8>, tensor<512x4xf32>) -> tensor<512x256xf32>
        %0 = llmc.linear %x, %f {tag = "dense"}
           : (tensor<?x256xf32>, tensor<512x256xf32>) -> tensor<?x512xf32>
        %1 = llmc.linear %x, %w {tag = "packed"}
           : (tensor<?x256xf32>, tensor<512x256xf32>) -> tensor<?x512xf32>
        %2 = llmc.embedding %i, %f {tag = "embedding"}
           : (tensor<?xi64>, tensor<512x256xf32>) -> tensor<?x256xf32>
        %3 = llmc.exp %x {tag = "exp"}
           : (tensor<?x256xf32>) -> tensor<?x256xf32>
        return
      })");
    ASSERT_TRUE(module);
  }

  double getCost(StringRef backend, StringRef tag, int64_t rows) {
    double cost = -1;
    module->walk([&](Operation *op) {
      auto name = op->getAttrOfType<StringAttr>("tag");
      if (name && name == tag)
        cost = backends->lookup(backend)->backend->getCost(op, rows);
    });
    return cost;
  }

  std::shared_ptr<Backends> backends = std::make_shared<Backends>();
  DialectRegistry registry;
  MLIRContext context;
  OwningOpRef<ModuleOp> module;
};
} // namespace

TEST_F(BackendsTest, costs) {
  ASSERT_EQ(getError(backends->load("cpu")), "");
  ASSERT_EQ(getError(backends->load(LLMC_HOOKS_BACKEND)), "");
  ASSERT_NO_FATAL_FAILURE(parse());
  // One row reads the weight, and fewer bits are less to read.
  EXPECT_GT(getCost("cpu", "packed", 1), 0);
  EXPECT_LT(getCost("cpu", "packed", 1), getCost("cpu", "dense", 1));
  // Many rows are arithmetic, twice as much for twice as many.
  EXPECT_GT(getCost("cpu", "dense", 4096), getCost("cpu", "dense", 1));
  EXPECT_NEAR(getCost("cpu", "dense", 1 << 20) /
                  getCost("cpu", "dense", 1 << 19),
              2, 0.1);
  // An embedding reads its rows.
  EXPECT_LT(getCost("cpu", "embedding", 1), getCost("cpu", "dense", 1));
  EXPECT_TRUE(std::isinf(getCost("cpu", "exp", 1)));

  EXPECT_EQ(getCost("hooks", "dense", 3), 3e-3);
  EXPECT_TRUE(std::isinf(getCost("hooks", "packed", 1)));

  // Of a model, by the first backend that has a kernel.
  Backends::ModelCost cost = backends->getCost(*module, 3);
  EXPECT_DOUBLE_EQ(cost.seconds, getCost("cpu", "dense", 3) +
                                     getCost("cpu", "packed", 3) +
                                     getCost("cpu", "embedding", 3));
  EXPECT_TRUE(cost.unknown.empty());
}

TEST_F(BackendsTest, costsInTheOrderOfLoading) {
  ASSERT_EQ(getError(backends->load(LLMC_HOOKS_BACKEND)), "");
  ASSERT_NO_FATAL_FAILURE(parse());
  // A linear of another parameter, and an embedding.
  EXPECT_EQ(backends->getCost(*module, 3).unknown.size(), 2u);
  ASSERT_EQ(getError(backends->load("cpu")), "");
  Backends::ModelCost cost = backends->getCost(*module, 3);
  EXPECT_DOUBLE_EQ(cost.seconds, 3e-3 + getCost("cpu", "packed", 3) +
                                     getCost("cpu", "embedding", 3));
  EXPECT_TRUE(cost.unknown.empty());
}

/// Parameter and linear number `i`, of integers with scales for blocks.
static std::pair<std::string, std::string> getPacked(size_t i, int64_t bits,
                                                     int64_t block,
                                                     bool isRounded,
                                                     StringRef tag) {
  std::string data = llvm::formatv("tensor<1024x{0}x{1}xui8>", 4096 / block,
                                   block * bits / 8),
              scales = llvm::formatv("tensor<1024x{0}xf32>", 4096 / block);
  return {llvm::formatv("llmc.param @q{0} = dense<1> : {1}\n"
                        "llmc.param @s{0} = dense<1.0> : {2}\n",
                        i, data, scales),
          llvm::formatv(R"(
      %q{0} = llmc.weight @q{0} : {1}
      %s{0} = llmc.weight @s{0} : {2}
      %w{0} = llmc.dequantize %q{0}, %s{0} {{bits = {3} : i64,
        block = {4} : i64, columns = 4096 : i64}
        : ({1}, {2}) -> tensor<1024x4096xf32>
      %r{0} = llmc.quantize_dynamic %x {{block = {4} : i64}
        : (tensor<?x4096xf32>) -> tensor<?x4096xf32>
      %y{0} = llmc.linear %{5}, %w{0} {{tag = "{6}"}
        : (tensor<?x4096xf32>, tensor<1024x4096xf32>) -> tensor<?x1024xf32>)",
                        i, data, scales, bits, block,
                        isRounded ? "r" + std::to_string(i) : "x", tag)};
}

TEST_F(BackendsTest, costsMakeSense) {
  ASSERT_EQ(getError(backends->load("cpu")), "");
  std::string params, body;
  std::vector<std::string> tags{"f32", "bf16"};
  for (bool isRounded : {false, true})
    for (auto [bits, block] :
         {std::pair(8, 4096), std::pair(8, 128), std::pair(8, 32),
          std::pair(4, 128), std::pair(4, 32), std::pair(2, 128)}) {
      tags.push_back(
          llvm::formatv("int{0}-g{1}{2}", bits, block, isRounded ? "-a8" : ""));
      auto [more, linear] =
          getPacked(tags.size(), bits, block, isRounded, tags.back());
      params += more;
      body += linear;
    }
  parse(params + R"(
    llmc.param @f = dense<1.0> : tensor<1024x4096xf32>
    llmc.param @h = dense<1.0> : tensor<1024x4096xbf16>
    func.func @main(%x: tensor<?x4096xf32>, %i: tensor<?xi64>,
                    %a: tensor<1x8x?x64xf32> {llmc.dims = ["", "", "s", ""]},
                    %m: tensor<1x1x?x8192xf32> {llmc.dims = ["", "", "s", ""]},
                    %k: tensor<1x2x?x64xf32>,
                    %l: tensor<1x2x8192x64xf32>, %b: tensor<?x4096xbf16>) {
      %f = llmc.weight @f : tensor<1024x4096xf32>
      %h = llmc.weight @h : tensor<1024x4096xbf16>
      %0 = llmc.linear %x, %f {tag = "f32"}
         : (tensor<?x4096xf32>, tensor<1024x4096xf32>) -> tensor<?x1024xf32>
      %1 = llmc.linear %b, %h {tag = "bf16"}
         : (tensor<?x4096xbf16>, tensor<1024x4096xbf16>) -> tensor<?x1024xbf16>
      %2 = llmc.embedding %i, %f {tag = "embedding"}
         : (tensor<?xi64>, tensor<1024x4096xf32>) -> tensor<?x4096xf32>
      %3 = llmc.attention %a, %k, %k
         {scale = 1.0 : f32, causal, tag = "attention"}
         : (tensor<1x8x?x64xf32>, tensor<1x2x?x64xf32>, tensor<1x2x?x64xf32>)
         -> tensor<1x8x?x64xf32>
      %4 = llmc.attention %a, %l, %l
         {scale = 1.0 : f32, causal, tag = "long attention"}
         : (tensor<1x8x?x64xf32>, tensor<1x2x8192x64xf32>,
            tensor<1x2x8192x64xf32>) -> tensor<1x8x?x64xf32>
      %5 = llmc.attention %a, %l, %l, %m {scale = 1.0 : f32, tag = "masked"}
         : (tensor<1x8x?x64xf32>, tensor<1x2x8192x64xf32>,
            tensor<1x2x8192x64xf32>, tensor<1x1x?x8192xf32>)
         -> tensor<1x8x?x64xf32>)" +
        body + "\nreturn\n}");
  ASSERT_TRUE(module);
  auto cost = [&](StringRef tag, int64_t rows) {
    double seconds = getCost("cpu", tag, rows);
    EXPECT_TRUE(std::isfinite(seconds) && seconds > 0) << tag.str();
    return seconds;
  };
  for (StringRef target : {"cpu:x86-64-v3", "cpu:x86-64-v4+avx512vnni",
                           "cpu:x86-64-v4+avx512vnni+amx-int8+amx-bf16"}) {
    SCOPED_TRACE(target.str());
    ASSERT_EQ(getError(backends->setTarget(target)), "");
    // More rows never take less time, and one alone no more than each of many.
    std::vector<std::string> all = tags;
    all.insert(all.end(),
               {"embedding", "attention", "long attention", "masked"});
    for (StringRef tag : all)
      for (int64_t rows :
           {1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 23, 24, 25, 511, 512})
        ASSERT_LE(cost(tag, rows), cost(tag, rows + 1)) << tag.str() << rows;
    for (StringRef tag : tags)
      EXPECT_LT(cost(tag, 512), 512 * cost(tag, 1)) << tag.str();
    // For one row, bits count, whatever they are multiplied with.
    for (std::string end : {"", "-a8"}) {
      EXPECT_GT(cost("f32", 1), cost("int8-g128" + end, 1));
      EXPECT_GT(cost("int8-g128" + end, 1), cost("int4-g128" + end, 1));
      EXPECT_GT(cost("int4-g128" + end, 1), cost("int2-g128" + end, 1));
      // Scales are bits, too, and work for many rows.
      for (int64_t rows : {1, 512}) {
        EXPECT_GT(cost("int8-g32" + end, rows), cost("int8-g128" + end, rows));
        EXPECT_GT(cost("int8-g128" + end, rows),
                  cost("int8-g4096" + end, rows));
        EXPECT_GT(cost("int4-g32" + end, rows), cost("int4-g128" + end, rows));
      }
    }
    EXPECT_GT(cost("f32", 1), cost("bf16", 1));
    EXPECT_GT(cost("bf16", 1), cost("int8-g128", 1));
    // For a prompt, what is multiplied counts.
    for (StringRef tag : {"int8-g32", "int4-g128", "int2-g128"})
      EXPECT_GT(cost(tag, 512), cost((tag + "-a8").str(), 512));
    // One query reads all of a context.
    EXPECT_GT(cost("long attention", 1), 10 * cost("attention", 1));
    EXPECT_LT(cost("attention", 512), cost("long attention", 512));
  }
  // Without an instruction for four products of bytes there are more of them.
  auto prompt = [&](StringRef target) {
    EXPECT_EQ(getError(backends->setTarget(target)), "");
    return cost("int4-g128-a8", 512);
  };
  EXPECT_GT(prompt("cpu:cortex-a72"), 1.3 * prompt("cpu:cortex-a76"));
}

TEST_F(BackendsTest, costsOfTiles) {
  ASSERT_EQ(getError(backends->load("cpu")), "");
  std::string params, body;
  size_t number = 0;
  for (auto [bits, block] :
       {std::pair(8, 4096), std::pair(4, 128), std::pair(4, 32)}) {
    std::string tag = llvm::formatv("int{0}-g{1}", bits, block);
    auto [more, linear] = getPacked(number++, bits, block, true, tag);
    params += more;
    body += linear;
  }
  parse(params + R"(
    llmc.param @h = dense<1.0> : tensor<1024x4096xbf16>
    func.func @main(%x: tensor<?x4096xf32>, %b: tensor<?x4096xbf16>) {
      %h = llmc.weight @h : tensor<1024x4096xbf16>
      %f = llmc.cast %h {to = f32}
         : (tensor<1024x4096xbf16>) -> tensor<1024x4096xf32>
      %n = llmc.cast %x {to = bf16}
         : (tensor<?x4096xf32>) -> tensor<?x4096xbf16>
      %w = llmc.cast %n {to = f32}
         : (tensor<?x4096xbf16>) -> tensor<?x4096xf32>
      %0 = llmc.linear %b, %h {tag = "bf16"}
         : (tensor<?x4096xbf16>, tensor<1024x4096xbf16>) -> tensor<?x1024xbf16>
      %1 = llmc.linear %w, %f {tag = "bf16, rounded"}
         : (tensor<?x4096xf32>, tensor<1024x4096xf32>) -> tensor<?x1024xf32>
      %2 = llmc.linear %x, %f {tag = "bf16, f32"}
         : (tensor<?x4096xf32>, tensor<1024x4096xf32>) -> tensor<?x1024xf32>)" +
        body + "\nreturn\n}");
  ASSERT_TRUE(module);
  StringRef vectors = "cpu:x86-64-v4+avx512vnni";
  auto gain = [&](StringRef tag, int64_t rows) {
    EXPECT_EQ(getError(backends->setTarget(vectors)), "");
    double without = getCost("cpu", tag, rows);
    EXPECT_EQ(
        getError(backends->setTarget((vectors + "+amx-int8+amx-bf16").str())),
        "");
    return without / getCost("cpu", tag, rows);
  };
  // What an Emerald Rapids gains by tiles for a prompt grows with the blocks;
  // a single row of integers does not go through them.
  EXPECT_EQ(gain("int4-g32", 1), 1);
  EXPECT_GT(gain("int4-g32", 512), 1.2);
  EXPECT_GT(gain("int4-g128", 512), gain("int4-g32", 512));
  EXPECT_GT(gain("int8-g4096", 512), gain("int4-g128", 512));
  // Only what is rounded has pairs.
  EXPECT_GT(gain("bf16", 512), 3);
  EXPECT_GT(gain("bf16, rounded", 512), 3);
  EXPECT_EQ(gain("bf16, f32", 512), 1);
  // With tiles, bytes take less time than bf16, unless blocks are small.
  double pairs = getCost("cpu", "bf16", 512);
  EXPECT_LT(getCost("cpu", "int8-g4096", 512), pairs);
  EXPECT_LT(getCost("cpu", "int4-g128", 512), pairs);
  EXPECT_GT(getCost("cpu", "int4-g32", 512), pairs);
}

TEST_F(BackendsTest, refusesAName) {
  ASSERT_EQ(getError(backends->load(LLMC_HOOKS_BACKEND)), "");
  EXPECT_EQ(getError(backends->load(LLMC_HOOKS_BACKEND)),
            "cannot load the backend '" LLMC_HOOKS_BACKEND
            "': a backend named 'hooks' is loaded already, from "
            "'" LLMC_HOOKS_BACKEND "'");
  EXPECT_EQ(backends->getEntries().size(), 1u);
}

TEST_F(BackendsTest, contextsHaveTheirOwn) {
  ASSERT_EQ(getError(backends->load(LLMC_HOOKS_BACKEND)), "");
  ASSERT_NO_FATAL_FAILURE(parse());
  EXPECT_EQ(&Backends::of(&context), backends.get());
  EXPECT_TRUE(context.getLoadedDialect("hooks"));
  DialectRegistry plain;
  plain.insert<LLMCDialect>();
  MLIRContext other(plain);
  other.loadAllAvailableDialects();
  EXPECT_TRUE(Backends::of(&other).getEntries().empty());
  EXPECT_FALSE(other.getLoadedDialect("hooks"));
}
