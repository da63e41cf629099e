//===- SessionTest.cpp - runs and states ----------------------------------===//

#include "ToyArtifact.h"
#include <atomic>
#include <functional>
#include <thread>

using nlohmann::json;

namespace {

class SessionTest : public ToyTest {
protected:
  std::vector<int64_t> next;
};

TEST_F(SessionTest, runs) {
  SessionPointer session = makeSession();
  EXPECT_EQ(llmc_session_capacity(session.get()), 0);
  ASSERT_EQ(run(session.get(), {{1, 2, 3}}, next), LLMC_OK)
      << llmc_last_error();
  EXPECT_EQ(next, (std::vector<int64_t>{1, 3, 6}));
  ASSERT_EQ(run(session.get(), {{5}}, next), LLMC_OK);
  EXPECT_EQ(next, (std::vector<int64_t>{11}));
}

TEST_F(SessionTest, growthKeepsWhatWasThere) {
  SessionPointer session = makeSession(/*capacity=*/2);
  std::vector<int64_t> first, second;
  for (int64_t i = 0; i < 70; ++i) {
    first.push_back(i * 7 % 16);
    second.push_back(i * 3 % 16);
    ASSERT_EQ(run(session.get(), {{first.back()}, {second.back()}}, next),
              LLMC_OK)
        << llmc_last_error();
    EXPECT_EQ(next, (std::vector<int64_t>{sumOf(first), sumOf(second)}));
  }
  // Doubled from 2, and no further than the model's context.
  EXPECT_EQ(llmc_session_capacity(session.get()), 100);
}

TEST_F(SessionTest, truncates) {
  SessionPointer session = makeSession();
  ASSERT_EQ(run(session.get(), {{1, 2, 3, 4}}, next), LLMC_OK);
  ASSERT_EQ(llmc_session_truncate(session.get(), 2), LLMC_OK);
  EXPECT_EQ(llmc_session_length(session.get()), 2);
  ASSERT_EQ(run(session.get(), {{9}}, next), LLMC_OK);
  EXPECT_EQ(next, (std::vector<int64_t>{12}));
  EXPECT_EQ(llmc_session_truncate(session.get(), 4), LLMC_ERROR_ARGUMENT);
  EXPECT_EQ(llmc_session_truncate(session.get(), -1), LLMC_ERROR_ARGUMENT);
  EXPECT_EQ(llmc_session_length(session.get()), 3);
}

TEST_F(SessionTest, changesItsBatchOnlyWhenEmpty) {
  SessionPointer session = makeSession();
  ASSERT_EQ(run(session.get(), {{1}}, next), LLMC_OK);
  EXPECT_EQ(run(session.get(), {{1}, {2}}, next), LLMC_ERROR_ARGUMENT);
  EXPECT_NE(std::string(llmc_last_error()).find("reset"), std::string::npos);
  ASSERT_EQ(llmc_session_reset(session.get()), LLMC_OK);
  ASSERT_EQ(run(session.get(), {{1}, {2}}, next), LLMC_OK) << llmc_last_error();
  EXPECT_EQ(next, (std::vector<int64_t>{1, 2}));
}

TEST_F(SessionTest, keepsToItsLimit) {
  SessionPointer session = makeSession(4, /*limit=*/6);
  ASSERT_EQ(run(session.get(), {{1, 2, 3, 4, 5}}, next), LLMC_OK);
  EXPECT_EQ(run(session.get(), {{1, 2}}, next), LLMC_ERROR_LIMIT);
  EXPECT_EQ(llmc_session_length(session.get()), 5);
  EXPECT_EQ(run(session.get(), {{1}}, next), LLMC_OK);
  EXPECT_EQ(next, (std::vector<int64_t>{0}));

  manifest["model"].erase("context_length");
  session = makeSession();
  std::vector<int64_t> many(200, 1);
  EXPECT_EQ(run(session.get(), {many}, next), LLMC_OK) << llmc_last_error();
}

TEST_F(SessionTest, takesStatesOfFixedSize) {
  manifest["states"][0]["shape"][2] = 3;
  SessionPointer session = makeSession();
  ASSERT_EQ(run(session.get(), {{1, 2}}, next), LLMC_OK) << llmc_last_error();
  EXPECT_EQ(llmc_session_capacity(session.get()), 3);
  EXPECT_EQ(run(session.get(), {{1, 2}}, next), LLMC_ERROR_LIMIT);
}

TEST_F(SessionTest, needsToKnowTheSizeOfAState) {
  manifest["states"][0]["shape"][0] = "elsewhere";
  SessionPointer session = makeSession();
  EXPECT_EQ(run(session.get(), {{1}}, next), LLMC_ERROR_FORMAT);
}

TEST_F(SessionTest, sessionsAreIndependent) {
  ModelPointer model = open();
  llmc_session *one = nullptr, *two = nullptr;
  ASSERT_EQ(llmc_session_create(model.get(), nullptr, &one), LLMC_OK);
  ASSERT_EQ(llmc_session_create(model.get(), nullptr, &two), LLMC_OK);
  SessionPointer closeOne(one), closeTwo(two);
  model.reset();
  ASSERT_EQ(run(one, {{3}}, next), LLMC_OK);
  ASSERT_EQ(run(two, {{5}}, next), LLMC_OK);
  ASSERT_EQ(run(one, {{1}}, next), LLMC_OK);
  EXPECT_EQ(next, (std::vector<int64_t>{4}));
}

TEST_F(SessionTest, anArtifactCanBeReplacedWhileItIsInUse) {
  SessionPointer old = makeSession();
  ASSERT_EQ(run(old.get(), {{3}}, next), LLMC_OK);
  makeStateless();
  SessionPointer session = makeSession();
  int64_t shape[] = {1, 2}, ids[] = {4, 5};
  llmc_tensor input = {"input_ids", LLMC_INT64, 2, shape, ids, nullptr};
  llmc_tensor outputs[2] = {};
  ASSERT_EQ(llmc_session_run(session.get(), &input, 1, outputs, 2), LLMC_OK)
      << llmc_last_error();
  EXPECT_EQ(static_cast<const float *>(outputs[0].data)[16 + 9], 10.0f);
  for (llmc_tensor &output : outputs)
    llmc_tensor_free(&output);
  ASSERT_EQ(run(old.get(), {{2}}, next), LLMC_OK);
  EXPECT_EQ(next, (std::vector<int64_t>{5}));
}

TEST_F(SessionTest, threadsShareAnArtifactOpenedTwice) {
  ModelPointer one = open();
  llmc_model *again = nullptr;
  ASSERT_EQ(llmc_model_open(directory.c_str(), &again), LLMC_OK);
  ModelPointer two(again);
  std::atomic<int> wrong{0};
  auto work = [&](llmc_model *model, int64_t token, llmc_status expected) {
    llmc_session *session = nullptr;
    if (llmc_session_create(model, nullptr, &session) != LLMC_OK)
      ++wrong;
    SessionPointer close(session);
    std::vector<int64_t> mine;
    for (int i = 0; i < 99; ++i)
      wrong += run(session, {{token}}, mine) != expected;
  };
  std::thread first(work, one.get(), 1, LLMC_OK);
  std::thread second(work, two.get(), 99, LLMC_ERROR_KERNEL);
  first.join();
  second.join();
  EXPECT_EQ(wrong, 0);
}

// A race shows with -fsanitize=thread only.
TEST_F(SessionTest, tellsItsLengthWhileItRuns) {
  SessionPointer session = makeSession(/*capacity=*/1);
  std::atomic<bool> done{false};
  std::thread other([&] {
    for (int64_t before = 0; !done;) {
      int64_t length = llmc_session_length(session.get());
      EXPECT_LE(before, length);
      EXPECT_LE(length, llmc_session_capacity(session.get()));
      before = length;
    }
  });
  for (int i = 0; i < 100; ++i)
    EXPECT_EQ(run(session.get(), {{1}}, next), LLMC_OK) << llmc_last_error();
  done = true;
  other.join();
}

TEST_F(SessionTest, threadsShareAModel) {
  ModelPointer model = open();
  auto work = [&](int64_t token, bool *good) {
    llmc_session *session = nullptr;
    *good = llmc_session_create(model.get(), nullptr, &session) == LLMC_OK;
    SessionPointer close(session);
    std::vector<int64_t> mine;
    for (int64_t i = 1; i <= 90 && *good; ++i) {
      // The one thread's errors must not reach the other.
      bool isWrong = token == 3 && i % 2 == 0;
      llmc_status status = run(session, {{isWrong ? 99 : token}}, mine);
      *good = isWrong
                  ? status == LLMC_ERROR_KERNEL
                  : status == LLMC_OK &&
                        mine[0] == llmc_session_length(session) * token % 16;
    }
  };
  bool good[2] = {};
  std::thread one(work, 3, &good[0]), two(work, 5, &good[1]);
  one.join();
  two.join();
  EXPECT_TRUE(good[0] && good[1]);
}

TEST_F(SessionTest, kernelErrorsLeaveTheSessionAsItWas) {
  SessionPointer session = makeSession();
  ASSERT_EQ(run(session.get(), {{1, 2}}, next), LLMC_OK);
  EXPECT_EQ(run(session.get(), {{3, 16}}, next), LLMC_ERROR_KERNEL);
  EXPECT_NE(std::string(llmc_last_error()).find("out of range"),
            std::string::npos);
  EXPECT_EQ(llmc_session_length(session.get()), 2);
  ASSERT_EQ(run(session.get(), {{4}}, next), LLMC_OK);
  EXPECT_EQ(next, (std::vector<int64_t>{7}));
}

TEST_F(SessionTest, reportsModulesThatBreakTheFormat) {
  struct Case {
    int32_t mode;
    llmc_status status;
    const char *message;
  } cases[] = {{1, LLMC_ERROR_FORMAT, "shares its memory"},
               {2, LLMC_ERROR_KERNEL, "77"},
               {3, LLMC_ERROR_FORMAT, "[1, 1, 17]"},
               {4, LLMC_ERROR_FORMAT, "not dense"},
               {5, LLMC_ERROR_FORMAT, "caller's"},
               {6, LLMC_ERROR_FORMAT, "not written"}};
  for (const Case &test : cases) {
    mode = test.mode;
    SessionPointer session = makeSession();
    EXPECT_EQ(run(session.get(), {{1}}, next), test.status) << test.message;
    EXPECT_NE(std::string(llmc_last_error()).find(test.message),
              std::string::npos)
        << "'" << llmc_last_error() << "' does not say '" << test.message
        << "'";
    EXPECT_EQ(llmc_session_length(session.get()), 0);
  }
}

TEST_F(SessionTest, refusesWrongInputs) {
  SessionPointer session = makeSession();
  int64_t data[8] = {}, shape[] = {1, 2}, other[] = {1, 3};
  int64_t negative[] = {1, -2}, huge[] = {int64_t(1) << 40, int64_t(1) << 40};
  const std::vector<llmc_tensor> good = {
      {"input_ids", LLMC_INT64, 2, shape, data, nullptr},
      {"attention_mask", LLMC_INT64, 2, shape, data, nullptr},
      {"position_ids", LLMC_INT64, 2, shape, data, nullptr}};
  struct Case {
    std::function<void(std::vector<llmc_tensor> &)> change;
    const char *message;
  } cases[] = {
      {[](auto &t) { t.pop_back(); }, "'position_ids' is missing"},
      {[](auto &t) { t[2].name = "tokens"; },
       "no input 'tokens'; its inputs are: input_ids, attention_mask, "
       "position_ids"},
      {[](auto &t) { t[2].name = "input_ids"; }, "given twice"},
      {[](auto &t) { t[2].name = "memory"; }, "'memory' is the session's"},
      {[](auto &t) { t[2].name = "past_length"; },
       "'past_length' is the session's"},
      {[](auto &t) { t[2].name = nullptr; }, "has no name"},
      {[](auto &t) { t[0].dtype = LLMC_INT32; },
       "the type is int32 where the model takes int64"},
      {[](auto &t) { t[0].dtype = 42; }, "not an llmc_dtype"},
      {[](auto &t) { t[0].rank = 1; }, "[batch, seq]"},
      {[](auto &t) { t[0].rank = -1; }, "-1 dimensions"},
      {[](auto &t) { t[0].shape = nullptr; }, "shape is a null pointer"},
      {[](auto &t) { t[0].data = nullptr; }, "data is a null pointer"},
      {[&](auto &t) { t[0].shape = negative; }, "[1, ?] is negative"},
      {[&](auto &t) { t[0].shape = huge; }, "too large"},
      {[&](auto &t) { t[2].shape = other; },
       "dimension 1 (seq) is 3 where input 'input_ids' has 2"},
  };
  llmc_tensor outputs[2] = {};
  for (const Case &test : cases) {
    std::vector<llmc_tensor> bad = good;
    test.change(bad);
    EXPECT_EQ(
        llmc_session_run(session.get(), bad.data(), bad.size(), outputs, 2),
        LLMC_ERROR_ARGUMENT);
    EXPECT_NE(std::string(llmc_last_error()).find(test.message),
              std::string::npos)
        << "'" << llmc_last_error() << "' does not say '" << test.message
        << "'";
  }
  EXPECT_EQ(llmc_session_run(session.get(), good.data(), 3, outputs, 1),
            LLMC_ERROR_ARGUMENT);
  EXPECT_EQ(llmc_session_run(session.get(), good.data(), 3, nullptr, 2),
            LLMC_ERROR_ARGUMENT);
  EXPECT_EQ(llmc_session_run(session.get(), nullptr, 3, outputs, 2),
            LLMC_ERROR_ARGUMENT);
  EXPECT_EQ(outputs[0].data, nullptr);
  EXPECT_EQ(llmc_session_length(session.get()), 0);
}

TEST_F(SessionTest, refusesStaticSizesThatDiffer) {
  manifest["inputs"][0]["shape"] = {1, "seq"};
  SessionPointer session = makeSession();
  EXPECT_EQ(run(session.get(), {{1}, {2}}, next), LLMC_ERROR_ARGUMENT);
  EXPECT_NE(std::string(llmc_last_error()).find("[2, 1]"), std::string::npos);
}

TEST_F(SessionTest, checksOptions) {
  ModelPointer model = open();
  llmc_session *session = nullptr;
  llmc_session_options options = LLMC_SESSION_OPTIONS_INIT;
  options.initial_capacity = 0;
  EXPECT_EQ(llmc_session_create(model.get(), &options, &session),
            LLMC_ERROR_ARGUMENT);
  options.initial_capacity = 1;
  options.struct_size = 1000;
  EXPECT_EQ(llmc_session_create(model.get(), &options, &session),
            LLMC_ERROR_ARGUMENT);
  // An older header, which had only the size: the rest is the default.
  options.struct_size = sizeof(size_t);
  options.max_length = -5;
  ASSERT_EQ(llmc_session_create(model.get(), &options, &session), LLMC_OK);
  llmc_session_close(session);
}

} // namespace
