//===- StatisticsTest.cpp - statistics and the file they are kept in ------===//

#include "llmc/Calibrate/Statistics.h"
#include "llmc/Weights/Safetensors.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"
#include "gtest/gtest.h"

using namespace llmc;

namespace {

Statistics::Input makeInput() {
  return makeInputStatistics(10, {1, -2}, {3, 4}, {1, 2}, {2, 0.5, 0.5, 5});
}

/// Three bins: one head gives all to the nearest but 1/8 to key 3, 1/16 to
/// later ones in each of the others; the other one gives all to the nearest.
AttentionStatistics makeAttention() {
  AttentionStatistics result;
  result.heads = 2;
  result.length = 40;
  result.count = 80;
  result.mass.resize(2 * 17 * 3);
  result.mass[16 * 3] = 0.75f;
  result.mass[3 * 3 + 1] = 0.125f;
  result.mass[16 * 3 + 1] = result.mass[16 * 3 + 2] = 0.0625f;
  result.mass[17 * 3 + 16 * 3] = 1;
  return result;
}

struct TemporaryFile {
  llvm::SmallString<64> path;
  TemporaryFile() {
    EXPECT_FALSE(llvm::sys::fs::createTemporaryFile("llmc", "st", path));
  }
  ~TemporaryFile() { llvm::sys::fs::remove(path); }
  void fill(llvm::StringRef text) {
    std::error_code error;
    llvm::raw_fd_ostream(path, error) << text;
  }
};

TEST(StatisticsTest, aFileHoldsEverything) {
  Statistics statistics;
  auto shared = makeInput();
  statistics.set("q", shared);
  statistics.set("k", shared);
  statistics.set("o", makeInput());
  statistics.setCounts("embed", {3, 0, 1 << 20});
  statistics.blocks.push_back({{"q", "k", "o"}, 10, 0.25, 0.5});
  statistics.addAttention("q", makeAttention());
  TemporaryFile file;
  ASSERT_FALSE(bool(statistics.write(file.path)));

  Statistics copy;
  copy.set("old", makeInput());
  ASSERT_FALSE(bool(copy.read(file.path)));
  EXPECT_EQ(copy.lookup("old"), nullptr);
  EXPECT_EQ(copy.lookup("q"), copy.lookup("k"));
  EXPECT_NE(copy.lookup("q"), copy.lookup("o"));
  auto input = copy.lookup("k");
  ASSERT_NE(input, nullptr);
  EXPECT_EQ(input->count, 10);
  EXPECT_EQ(input->mean[1], -2);
  EXPECT_EQ(input->absMax[0], 3);
  EXPECT_EQ(input->absMean[1], 2);
  EXPECT_EQ(input->getMeanSquare(1), 5);
  EXPECT_EQ(input->getVariance(1), 1);
  EXPECT_EQ(copy.lookupCounts("embed"),
            llvm::ArrayRef<int64_t>({3, 0, 1 << 20}));
  EXPECT_TRUE(copy.lookupCounts("q").empty());
  ASSERT_EQ(copy.blocks.size(), 1u);
  EXPECT_EQ(copy.blocks[0].params, statistics.blocks[0].params);
  EXPECT_EQ(copy.blocks[0].pairInfluence, 0.5);
  const AttentionStatistics *attention = copy.lookupAttention("q");
  ASSERT_NE(attention, nullptr);
  EXPECT_EQ(attention->heads, 2);
  EXPECT_EQ(attention->length, 40);
  EXPECT_EQ(attention->count, 80);
  EXPECT_EQ(attention->mass, makeAttention().mass);
}

TEST(StatisticsTest, attentions) {
  Statistics statistics;
  statistics.addAttention("layer.q", makeAttention());
  EXPECT_EQ(statistics.lookupAttention("layer"), nullptr);
  EXPECT_EQ(statistics.lookupAttention("layer.query"), nullptr);
  // What passes make of a parameter has its name.
  const AttentionStatistics *known = statistics.lookupAttention("layer.q.u.q");
  ASSERT_NE(known, nullptr);
  EXPECT_EQ(known, statistics.lookupAttention("layer.q"));
  // Of 40 queries 20 have keys outside of 16 and 4.
  EXPECT_DOUBLE_EQ(known->getInside(0, 16, 4), 1 - 0.125 * 40 / 20);
  EXPECT_DOUBLE_EQ(known->getInside(0, 16, 2), 1 - 0.25 * 40 / 22);
  EXPECT_DOUBLE_EQ(known->getInside(0, 32, 0), 1 - 0.0625 * 40 / 8);
  EXPECT_DOUBLE_EQ(known->getInside(1, 16, 0), 1);

  // Two become one; others' sizes do not mix.
  AttentionStatistics other = makeAttention();
  other.mass.assign(other.mass.size(), 0);
  other.count = 240;
  statistics.addAttention("b", other);
  statistics.merge("b", "layer.q");
  EXPECT_EQ(statistics.lookupAttention("b"), nullptr);
  EXPECT_EQ(known->count, 320);
  EXPECT_DOUBLE_EQ(known->getInside(0, 32, 0), 1 - 0.015625 * 40 / 8);
  other.length = 33;
  statistics.addAttention("layer.q", other);
  EXPECT_EQ(known->count, 320);
}

TEST(StatisticsTest, aNewInputHasNoMismatch) {
  Statistics statistics;
  statistics.set("q", makeInput());
  statistics.setMismatch("q", {});
  statistics.setMismatch("k", {});
  EXPECT_TRUE(statistics.lookupMismatch("q"));
  statistics.set("q", statistics.lookup("q")->scaled({2, 2}));
  EXPECT_FALSE(statistics.lookupMismatch("q"));
  statistics.erase("k");
  EXPECT_FALSE(statistics.lookupMismatch("k"));
}

TEST(StatisticsTest, scaledAndSelected) {
  auto input = makeInput();
  auto scaled = input->scaled({-2, 3});
  EXPECT_EQ(scaled->mean, llvm::ArrayRef<float>({-2, -6}));
  EXPECT_EQ(scaled->absMax, llvm::ArrayRef<float>({6, 12}));
  EXPECT_EQ(scaled->gram, llvm::ArrayRef<float>({8, -3, -3, 45}));
  auto selected = input->selected({1});
  EXPECT_EQ(selected->columns, 1);
  EXPECT_EQ(selected->gram, llvm::ArrayRef<float>({5}));
}

TEST(StatisticsTest, multiplied) {
  auto input = makeInput();
  Matrix<float> v(2, 2);
  v.values = {1, 1, 0, -2};
  auto rows = input->multiplied(v);
  EXPECT_EQ(rows->columns, 2);
  EXPECT_EQ(rows->count, 10);
  EXPECT_EQ(rows->mean, llvm::ArrayRef<float>({-1, 4}));
  EXPECT_EQ(rows->absMax, llvm::ArrayRef<float>({7, 8}));
  EXPECT_EQ(rows->gram, llvm::ArrayRef<float>({8, -11, -11, 20}));
  // Integrals of |z| over normal distributions of variances 7 and 4.
  EXPECT_NEAR(rows->absMean[0], 2.2600, 1e-4);
  EXPECT_NEAR(rows->absMean[1], 4.0340, 1e-4);
}

TEST(StatisticsTest, combined) {
  auto input = makeInput();
  auto other = makeInputStatistics(3 * input->count, {5, 2}, {1, 9}, {1, 1},
                                   {6, 4, 4, 1});
  auto both = input->combined(*other);
  EXPECT_EQ(both->count, 4 * input->count);
  EXPECT_EQ(both->mean, llvm::ArrayRef<float>({4, 1}));
  EXPECT_EQ(both->absMax, llvm::ArrayRef<float>({3, 9}));
  EXPECT_EQ(both->gram, llvm::ArrayRef<float>({5, 3.125, 3.125, 2}));
}

TEST(StatisticsTest, refusesOtherFiles) {
  Statistics statistics;
  TemporaryFile file;
  Safetensors other;
  ASSERT_FALSE(bool(other.write(file.path)));
  EXPECT_NE(llvm::toString(statistics.read(file.path)).find("no statistics"),
            std::string::npos);
}

TEST(SafetensorsTest, refusesWhatTheFormatDoesNotAllow) {
  auto header = [](std::string text, std::string data = "") {
    std::string file(8, '\0');
    file[0] = char(text.size());
    return file + text + data;
  };
  const std::pair<std::string, const char *> cases[] = {
      {"", "less than 8 bytes"},
      {std::string(8, '\xff'), "its header would have"},
      {header("[1]"), "no JSON object"},
      {header("{"), "Expected"},
      {header(R"({"a":{"dtype":"F32","shape":[1]}})"), "not all there"},
      {header(R"({"a":{"dtype":"F33","shape":[1],"data_offsets":[0,4]}})",
              "1234"),
       "unknown dtype"},
      {header(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})",
              "1234"),
       "it needs 8 bytes"},
      {header(R"({"a":{"dtype":"U8","shape":[-1],"data_offsets":[0,0]}})"),
       "not all there"},
      {header(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[4,8]}})",
              "1234"),
       "data_offsets are 4 and 8 of 4"},
      {header(R"({"a":{"dtype":"U8","shape":[4294967296,4294967296],)"
              R"("data_offsets":[0,0]}})"),
       "too large"}};
  for (const auto &[text, expected] : cases) {
    TemporaryFile file;
    file.fill(text);
    auto result = Safetensors::read(file.path);
    ASSERT_FALSE(bool(result));
    std::string message = llvm::toString(result.takeError());
    EXPECT_NE(message.find(expected), std::string::npos) << message;
  }
}

} // namespace
