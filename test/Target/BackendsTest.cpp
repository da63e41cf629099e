//===- BackendsTest.cpp - loading backends, and what they say of costs ----===//

#include "llmc/Target/Backends.h"
#include "mlir/InitAllDialects.h"
#include "mlir/Parser/Parser.h"
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

  void parse() {
    Backends::registerWith(registry, backends);
    context.appendDialectRegistry(registry);
    module = parseSourceString<ModuleOp>(R"(
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
      })",
                                         &context);
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
