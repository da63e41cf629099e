//===- ArtifactTest.cpp - compiled ahead of time, run by the runtime ------===//

#include "llmc/Lower/Artifact.h"
#include "llmc/IR/Dialect.h"
#include "llmc/Lower/Executable.h"
#include "llmc/Runtime/llmc.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/InitAllDialects.h"
#include "mlir/InitAllExtensions.h"
#include "mlir/Parser/Parser.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/JSON.h"
#include "gtest/gtest.h"
#include <filesystem>
#include <fstream>

using namespace mlir;
using namespace llmc;
namespace fs = std::filesystem;

namespace {

class ArtifactTest : public testing::Test {
protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "llmc-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    directory = pattern;
    DialectRegistry registry;
    registerAllDialects(registry);
    registerAllExtensions(registry);
    registry.insert<LLMCDialect>();
    Executable::registerDialects(registry);
    context.appendDialectRegistry(registry);
    context.printOpOnDiagnostic(false);
    context.getDiagEngine().registerHandler(
        [this](Diagnostic &diagnostic) { errors += diagnostic.str() + "\n"; });
  }
  void TearDown() override {
    llmc_session_close(session);
    llmc_model_close(model);
    fs::remove_all(directory);
  }

  std::string target() const { return directory / "model.llmc"; }

  LogicalResult compile(StringRef ir) {
    errors.clear();
    auto module = parseSourceString<ModuleOp>(ir, &context);
    if (!module) {
      ADD_FAILURE() << errors;
      return failure();
    }
    return compileArtifact(*module, target(), options);
  }
  void open() {
    ASSERT_EQ(llmc_model_open(target().c_str(), &model), LLMC_OK)
        << llmc_last_error();
    ASSERT_EQ(llmc_session_create(model, nullptr, &session), LLMC_OK)
        << llmc_last_error();
  }
  /// Runs on one float32 input `x`; each output's elements.
  std::vector<std::vector<float>> run(std::vector<float> &x,
                                      std::vector<int64_t> shape) {
    llmc_tensor input = {"x",          LLMC_FLOAT32, int32_t(shape.size()),
                         shape.data(), x.data(),     nullptr};
    std::vector<llmc_tensor> outputs(llmc_model_count(model, LLMC_OUTPUT));
    status =
        llmc_session_run(session, &input, 1, outputs.data(), outputs.size());
    std::vector<std::vector<float>> values;
    for (llmc_tensor &output : outputs) {
      if (status == LLMC_OK) {
        int64_t count = 1;
        for (int32_t i = 0; i < output.rank; ++i)
          count *= output.shape[i];
        auto *data = static_cast<float *>(output.data);
        values.emplace_back(data, data + count);
      }
      llmc_tensor_free(&output);
    }
    return values;
  }
  /// What is in the test's directory besides `target()`.
  size_t countLeftovers() {
    size_t count = 0;
    for (auto &entry : fs::directory_iterator(directory))
      count += entry.path() != target();
    return count;
  }

  fs::path directory;
  MLIRContext context;
  std::string errors;
  ArtifactOptions options;
  llmc_model *model = nullptr;
  llmc_session *session = nullptr;
  llmc_status status = LLMC_OK;
};

constexpr const char *linear = R"(
llmc.param @unused = dense<7.0> : tensor<100xf32>
llmc.param @bias = dense<0.5> : tensor<3xf32>
llmc.param @w = dense<[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]> : tensor<3x2xf32>
func.func @main(%x: tensor<?x2xf32> {llmc.name = "x", llmc.dims = ["batch", ""]})
    -> (tensor<?x3xf32> {llmc.name = "y", llmc.dims = ["batch", ""]}) {
  %w = llmc.weight @w : tensor<3x2xf32>
  %b = llmc.weight @bias : tensor<3xf32>
  %y = llmc.linear %x, %w, %b
     : (tensor<?x2xf32>, tensor<3x2xf32>, tensor<3xf32>) -> tensor<?x3xf32>
  return %y : tensor<?x3xf32>
})";

TEST_F(ArtifactTest, runsWhatItCompiled) {
  ASSERT_TRUE(succeeded(compile(linear))) << errors;
  EXPECT_EQ(countLeftovers(), 0u);
  EXPECT_FALSE(fs::exists(target() + "/module.o"));
  // Two weights, each on its page; the unused one is not there.
  EXPECT_LT(fs::file_size(target() + "/weights.bin"), 2u * 4096);
  open();
  llmc_tensor_info info;
  ASSERT_EQ(llmc_model_tensor(model, LLMC_OUTPUT, 0, &info), LLMC_OK);
  EXPECT_STREQ(info.name, "y");
  EXPECT_STREQ(info.symbols[0], "batch");
  EXPECT_EQ(info.shape[1], 3);
  std::vector<float> x = {1, 1, 2, 3};
  EXPECT_EQ(run(x, {2, 2}), (std::vector<std::vector<float>>{
                                {3.5, 7.5, 11.5, 8.5, 18.5, 28.5}}));
  x = {1, 0};
  EXPECT_EQ(run(x, {1, 2}), (std::vector<std::vector<float>>{{1.5, 3.5, 5.5}}));
  x.clear();
  EXPECT_EQ(run(x, {0, 2}), (std::vector<std::vector<float>>{{}}));
  EXPECT_EQ(status, LLMC_OK);
}

TEST_F(ArtifactTest, everyLevelAndAnOlderCpu) {
  for (unsigned level : {0, 1, 3}) {
    options.optLevel = level;
    options.target = "cpu:x86-64";
#if !defined(__x86_64__)
    options.target = "host";
#endif
    ASSERT_TRUE(succeeded(compile(linear))) << errors;
    open();
    std::vector<float> x = {1, 1};
    EXPECT_EQ(run(x, {1, 2}),
              (std::vector<std::vector<float>>{{3.5, 7.5, 11.5}}));
    llmc_session_close(session);
    llmc_model_close(model);
    session = nullptr;
    model = nullptr;
  }
}

TEST_F(ArtifactTest, writesToNeitherInputsNorWeights) {
  ASSERT_TRUE(succeeded(compile(R"(
    llmc.param @w = dense<[1.0, 2.0, 3.0, 4.0]> : tensor<4xf32>
    func.func @main(%x: tensor<4xf32> {llmc.name = "x"})
        -> (tensor<4xf32>, tensor<4xf32>) {
      %w = llmc.weight @w : tensor<4xf32>
      %c0 = arith.constant 0 : index
      %v = arith.constant 9.0 : f32
      %y = tensor.insert %v into %x[%c0] : tensor<4xf32>
      %z = tensor.insert %v into %w[%c0] : tensor<4xf32>
      return %y, %z : tensor<4xf32>, tensor<4xf32>
    })")))
      << errors;
  open();
  std::vector<float> x = {5, 6, 7, 8};
  EXPECT_EQ(run(x, {4}),
            (std::vector<std::vector<float>>{{9, 6, 7, 8}, {9, 2, 3, 4}}));
  EXPECT_EQ(x, (std::vector<float>{5, 6, 7, 8}));
}

TEST_F(ArtifactTest, resultsHaveMemoryOfTheirOwn) {
  ASSERT_TRUE(succeeded(compile(R"(
    llmc.param @w = dense<[1.0, 2.0]> : tensor<2xf32>
    func.func @main(%x: tensor<2xf32> {llmc.name = "x"})
        -> (tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>) {
      %w = llmc.weight @w : tensor<2xf32>
      %k = llmc.constant dense<[3.0, 4.0]> : tensor<2xf32>
      return %x, %x, %w, %k
          : tensor<2xf32>, tensor<2xf32>, tensor<2xf32>, tensor<2xf32>
    })")))
      << errors;
  open();
  std::vector<float> x = {5, 6};
  EXPECT_EQ(run(x, {2}),
            (std::vector<std::vector<float>>{{5, 6}, {5, 6}, {1, 2}, {3, 4}}))
      << llmc_last_error();
}

TEST_F(ArtifactTest, reportsRunTimeErrors) {
  ASSERT_TRUE(succeeded(compile(R"(
    func.func @main(%x: tensor<?xf32> {llmc.name = "x"}) -> tensor<?xf32> {
      %i = llmc.constant dense<3> : tensor<1xi64>
      %y = llmc.gather %x, %i {axis = 0}
         : (tensor<?xf32>, tensor<1xi64>) -> tensor<1xf32>
      %z = tensor.cast %y : tensor<1xf32> to tensor<?xf32>
      return %z : tensor<?xf32>
    })")))
      << errors;
  open();
  std::vector<float> x = {5, 6, 7, 8};
  EXPECT_EQ(run(x, {4}), (std::vector<std::vector<float>>{{8}}));
  run(x, {3});
  EXPECT_EQ(status, LLMC_ERROR_KERNEL);
  EXPECT_EQ(run(x, {4}), (std::vector<std::vector<float>>{{8}}));
}

//===----------------------------------------------------------------------===//
// The directory
//===----------------------------------------------------------------------===//

TEST_F(ArtifactTest, replacesAnArtifactAndNothingElse) {
  ASSERT_TRUE(succeeded(compile(linear))) << errors;
  ASSERT_TRUE(succeeded(compile(linear))) << errors;
  EXPECT_EQ(countLeftovers(), 0u);
  open();
  fs::remove(target() + "/manifest.json");
  EXPECT_TRUE(failed(compile(linear)));
  EXPECT_NE(errors.find("exists and is not an artifact"), std::string::npos)
      << errors;
  EXPECT_TRUE(fs::exists(target() + "/weights.bin"));
  // What others have a manifest.json in.
  for (const char *other : {R"({"name": "a web app"})", "{,}", "[]", ""}) {
    std::ofstream(target() + "/manifest.json") << other;
    EXPECT_TRUE(failed(compile(linear))) << other;
    EXPECT_NE(errors.find("exists and is not an artifact"), std::string::npos)
        << errors;
    EXPECT_TRUE(fs::exists(target() + "/weights.bin"));
  }
  fs::remove_all(target());
  std::ofstream(target()) << "a file";
  EXPECT_TRUE(failed(compile(linear)));
  EXPECT_TRUE(fs::is_regular_file(target()));
}

TEST_F(ArtifactTest, keepsWhatOthersPutIntoAnArtifact) {
  ASSERT_TRUE(succeeded(compile(linear))) << errors;
  for (std::string name : {"notes.txt", "folder/notes.txt"}) {
    std::string path = target() + "/" + name;
    fs::create_directories(fs::path(path).parent_path());
    std::ofstream(path) << "mine";
    EXPECT_TRUE(failed(compile(linear)));
    EXPECT_NE(errors.find("'" + name + "' that is not the artifact's"),
              std::string::npos)
        << errors;
    EXPECT_TRUE(fs::exists(path));
    EXPECT_EQ(countLeftovers(), 0u);
    fs::remove(path);
  }
  EXPECT_TRUE(succeeded(compile(linear))) << errors;
}

TEST_F(ArtifactTest, errorsLeaveNothingBehind) {
  struct Case {
    const char *ir, *message;
  } cases[] = {
      {"", "no function @main"},
      {R"(func.func @main(%x: tensor<2xi4>) -> tensor<2xi4> {
            return %x : tensor<2xi4>
          })",
       "an artifact has no tensors of 'i4'"},
      {R"(llmc.param @w = dense<1> : tensor<2xi4>
          func.func @main() -> tensor<2xi8> {
            %w = llmc.weight @w : tensor<2xi4>
            %y = llmc.cast %w {to = i8} : (tensor<2xi4>) -> tensor<2xi8>
            return %y : tensor<2xi8>
          })",
       "an artifact has no weights of 'i4'"},
      {R"(func.func private @elsewhere() -> f32
          func.func @main() -> tensor<f32> {
            %v = func.call @elsewhere() : () -> f32
            %y = tensor.from_elements %v : tensor<f32>
            return %y : tensor<f32>
          })",
       "undefined symbol: elsewhere"},
      {R"(func.func @main(%s: tensor<1x2x?x4xf32> {llmc.state = "present"})
              -> tensor<f32> {
            %y = llmc.constant dense<1.0> : tensor<f32>
            return %y : tensor<f32>
          })",
       "states need the argument 'past_length'"},
  };
  for (const Case &test : cases) {
    EXPECT_TRUE(failed(compile(test.ir))) << test.message;
    EXPECT_NE(errors.find(test.message), std::string::npos) << errors;
    EXPECT_FALSE(fs::exists(target())) << test.message;
    EXPECT_EQ(countLeftovers(), 0u) << test.message;
  }
}

TEST_F(ArtifactTest, reportsTargetsThatDoNotExist) {
  options.target = "cpu:abacus";
  EXPECT_TRUE(failed(compile(linear)));
  EXPECT_NE(errors.find("no CPU 'abacus'"), std::string::npos) << errors;
  options.target = "abacus";
  EXPECT_TRUE(failed(compile(linear)));
  EXPECT_NE(errors.find("unknown target 'abacus'"), std::string::npos)
      << errors;
  options.target = "host";
  options.optLevel = 4;
  EXPECT_TRUE(failed(compile(linear)));
  EXPECT_NE(errors.find("no optimization level 4"), std::string::npos)
      << errors;
}

TEST_F(ArtifactTest, carriesTheModelsConfiguration) {
  options.modelDirectory = directory / "source";
  fs::create_directory(options.modelDirectory);
  std::ofstream(options.modelDirectory + "/config.json")
      << R"({"model_type": "llama", "max_position_embeddings": 2048,
             "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": null})";
  std::ofstream(options.modelDirectory + "/tokenizer.json") << "{}";
  ASSERT_TRUE(succeeded(compile(linear))) << errors;
  open();
  EXPECT_EQ(llmc_model_context_length(model), 2048);
  const int64_t *ids = nullptr;
  ASSERT_EQ(llmc_model_eos_ids(model, &ids), 1u);
  EXPECT_EQ(ids[0], 2);
  EXPECT_TRUE(fs::exists(target() + "/tokenizer.json"));
  EXPECT_TRUE(fs::exists(target() + "/config.json"));
  llmc_session_close(session);
  llmc_model_close(model);
  session = nullptr;

  // The generation's own configuration goes before.
  std::ofstream(options.modelDirectory + "/generation_config.json")
      << R"({"eos_token_id": [5, 6]})";
  ASSERT_TRUE(succeeded(compile(linear))) << errors;
  open();
  ASSERT_EQ(llmc_model_eos_ids(model, &ids), 2u);
  EXPECT_EQ(ids[1], 6);

  for (const std::string &bad :
       {std::string("{,}"), std::string(300000, '[')}) {
    std::ofstream(options.modelDirectory + "/config.json") << bad;
    EXPECT_TRUE(failed(compile(linear)));
    EXPECT_NE(errors.find("config.json"), std::string::npos) << errors;
  }
}

} // namespace
