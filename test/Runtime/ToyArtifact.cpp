//===- ToyArtifact.cpp - artifacts around ToyModule.c ---------------------===//

#include "ToyArtifact.h"
#include <algorithm>
#include <cstdlib>
#include <fstream>

using nlohmann::json;
namespace fs = std::filesystem;

static json makeTensor(const char *name, const char *dtype, json shape) {
  return {{"name", name}, {"dtype", dtype}, {"shape", shape}};
}

void ToyTest::SetUp() {
  std::string pattern = (fs::temp_directory_path() / "llmc-XXXXXX").string();
  ASSERT_NE(mkdtemp(pattern.data()), nullptr);
  directory = pattern;
  module = TOY_MODULE;

  // A greedy model: the next token is the sum.
  for (size_t i = 0; i < 16; ++i)
    for (size_t j = 0; j < 16; ++j)
      table[i][j] = i == j ? 10.0f : -float(j);

  json state = makeTensor("memory", "float32", {"batch", 2, "capacity", 4});
  state["output"] = "memory_after";
  state["axis"] = 2;
  json tableWeight = makeTensor("table", "float32", {16, 16});
  tableWeight["offset"] = 0;
  tableWeight["bytes"] = 1024;
  json modeWeight = makeTensor("mode", "int32", json::array());
  modeWeight["offset"] = 4096;
  modeWeight["bytes"] = 4;
  manifest = {
      {"format", "llmc-artifact"},
      {"version", 1},
      {"llmc", "0.1.0"},
      {"target",
       {{"triple", TOY_TRIPLE}, {"cpu", ""}, {"features", json::array()}}},
      {"entry", "llmc_invoke"},
      {"inputs",
       {makeTensor("input_ids", "int64", {"batch", "seq"}),
        makeTensor("attention_mask", "int64", {"batch", nullptr}),
        makeTensor("position_ids", "int64", {"batch", "seq"})}},
      {"outputs",
       {makeTensor("logits", "float32", {"batch", "seq", 16}),
        makeTensor("length", "int64", json::array())}},
      {"states", {state}},
      {"past_length", true},
      {"step", {{"input", "input_ids"}, {"axis", 1}}},
      {"weights", {tableWeight, modeWeight}},
      {"model", {{"context_length", 100}, {"eos_token_ids", {15}}}}};
}

void ToyTest::TearDown() { fs::remove_all(directory); }

void ToyTest::write() {
  // New files, as the compiler makes them: those of an open model live on.
  fs::remove_all(directory);
  fs::create_directory(directory);
  fs::copy_file(module, directory / "module.so");
  std::ofstream weights(directory / "weights.bin", std::ios::binary);
  weights.write(reinterpret_cast<const char *>(table.data()), 1024);
  weights.seekp(4096);
  weights.write(reinterpret_cast<const char *>(&mode), 4);
  weights.close();
  manifest["files"] = {{"module.so", fs::file_size(directory / "module.so")},
                       {"weights.bin", 4100}};
  std::ofstream(directory / "manifest.json") << manifest;
}

void ToyTest::makeStateless() {
  module = TOY_STATELESS_MODULE;
  manifest["inputs"].erase(2);
  manifest["inputs"].erase(1);
  manifest["states"] = json::array();
  manifest["past_length"] = false;
}

llmc_status ToyTest::tryOpen() {
  llmc_model *model = nullptr;
  llmc_status status = llmc_model_open(directory.c_str(), &model);
  EXPECT_EQ(model != nullptr, status == LLMC_OK);
  llmc_model_close(model);
  return status;
}

ToyTest::ModelPointer ToyTest::open() {
  write();
  llmc_model *model = nullptr;
  EXPECT_EQ(llmc_model_open(directory.c_str(), &model), LLMC_OK)
      << llmc_last_error();
  return ModelPointer(model);
}

ToyTest::SessionPointer ToyTest::makeSession(int64_t capacity, int64_t limit) {
  // The session outlives the model's handle, as it may.
  ModelPointer model = open();
  llmc_session_options options = LLMC_SESSION_OPTIONS_INIT;
  options.initial_capacity = capacity;
  options.max_length = limit;
  llmc_session *session = nullptr;
  EXPECT_EQ(llmc_session_create(model.get(), &options, &session), LLMC_OK)
      << llmc_last_error();
  return SessionPointer(session);
}

int64_t ToyTest::sumOf(const std::vector<int64_t> &ids) {
  int64_t sum = 0;
  for (int64_t id : ids)
    sum += id;
  return sum % 16;
}

llmc_status ToyTest::run(llmc_session *session,
                         const std::vector<std::vector<int64_t>> &rows,
                         std::vector<int64_t> &next) {
  int64_t past = llmc_session_length(session);
  int64_t batch = int64_t(rows.size()), seq = int64_t(rows[0].size());
  std::vector<int64_t> ids, positions;
  for (const auto &row : rows) {
    ids.insert(ids.end(), row.begin(), row.end());
    for (int64_t i = 0; i < seq; ++i)
      positions.push_back(past + i);
  }
  std::vector<int64_t> mask(size_t(batch * (past + seq)), 1);
  int64_t shape[] = {batch, seq}, maskShape[] = {batch, past + seq};
  llmc_tensor inputs[] = {
      {"position_ids", LLMC_INT64, 2, shape, positions.data(), nullptr},
      {"attention_mask", LLMC_INT64, 2, maskShape, mask.data(), nullptr},
      {"input_ids", LLMC_INT64, 2, shape, ids.data(), nullptr}};
  llmc_tensor outputs[2] = {};
  llmc_status status = llmc_session_run(session, inputs, 3, outputs, 2);
  if (status != LLMC_OK)
    return status;

  EXPECT_STREQ(outputs[0].name, "logits");
  EXPECT_EQ(outputs[0].rank, 3);
  EXPECT_EQ(outputs[0].shape[0], batch);
  EXPECT_EQ(outputs[0].shape[1], seq);
  EXPECT_EQ(outputs[0].shape[2], 16);
  EXPECT_STREQ(outputs[1].name, "length");
  EXPECT_EQ(outputs[1].rank, 0);
  EXPECT_EQ(*static_cast<int64_t *>(outputs[1].data), past + seq);
  EXPECT_EQ(llmc_session_length(session), past + seq);
  next.clear();
  auto *logits = static_cast<const float *>(outputs[0].data);
  for (int64_t i = 0; i < batch * seq; ++i)
    next.push_back(std::max_element(logits + 16 * i, logits + 16 * i + 16) -
                   (logits + 16 * i));
  for (llmc_tensor &output : outputs) {
    llmc_tensor_free(&output);
    EXPECT_EQ(output.data, nullptr);
  }
  return status;
}
