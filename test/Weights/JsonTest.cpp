//===- JsonTest.cpp - JSON of files that others wrote ---------------------===//

#include "llmc/Weights/Json.h"
#include "gtest/gtest.h"

using namespace llmc;

static std::string nest(size_t depth) {
  return std::string(depth, '[') + std::string(depth, ']');
}

TEST(JsonTest, refusesWhatIsNestedDeep) {
  for (const std::string &deep :
       {nest(65), std::string(300000, '['), "{\"a\\\"\": " + nest(64) + "}",
        std::string(300000, ']') + nest(65)}) {
    llvm::Expected<llvm::json::Value> value = parseJson(deep);
    ASSERT_FALSE(bool(value));
    EXPECT_EQ(llvm::toString(value.takeError()),
              "the JSON is nested more than 64 deep");
  }
}

TEST(JsonTest, countsNoBracketsInStrings) {
  llvm::Expected<llvm::json::Value> value = parseJson(
      "[\"" + std::string(100, '[') + "\\\"{\\\\\", " + nest(63) + "]");
  ASSERT_TRUE(bool(value)) << llvm::toString(value.takeError());
  EXPECT_EQ(value->getAsArray()->size(), 2u);
}

TEST(JsonTest, countsListsThatAreOpenAtOnce) {
  std::string many = "[{}";
  for (int i = 0; i < 100; ++i)
    many += "," + nest(63);
  llvm::Expected<llvm::json::Value> value = parseJson(many + "]");
  EXPECT_TRUE(bool(value)) << llvm::toString(value.takeError());
}
