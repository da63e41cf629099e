//===- GenerateTest.cpp - generation and scoring --------------------------===//

#include "ToyArtifact.h"
#include <cmath>
#include <map>

using nlohmann::json;

namespace {

class GenerateTest : public ToyTest {
protected:
  /// Generates into `tokens`.
  llmc_status generate(llmc_session *session, std::vector<int64_t> prompt) {
    tokens.clear();
    auto keep = [](void *user, int64_t token) {
      auto *test = static_cast<GenerateTest *>(user);
      test->tokens.push_back(token);
      return int(test->tokens.size() == test->stopAfter);
    };
    return llmc_generate(session, prompt.data(), prompt.size(), &options, keep,
                         this, &result);
  }
  /// What the toy says after `prompt`.
  static std::vector<int64_t> expect(std::vector<int64_t> prompt,
                                     size_t count) {
    std::vector<int64_t> answer;
    for (size_t i = 0; i < count; ++i) {
      answer.push_back(sumOf(prompt));
      prompt.push_back(answer.back());
    }
    return answer;
  }

  llmc_generate_options options = LLMC_GENERATE_OPTIONS_INIT;
  llmc_generate_result result = {};
  std::vector<int64_t> tokens;
  size_t stopAfter = 0;
};

TEST_F(GenerateTest, takesTheMostProbableToken) {
  SessionPointer session = makeSession();
  options.max_tokens = 12;
  ASSERT_EQ(generate(session.get(), {1, 2, 4}), LLMC_OK) << llmc_last_error();
  EXPECT_EQ(tokens, expect({1, 2, 4}, 12));
  EXPECT_EQ(result.stop, LLMC_STOP_MAX_TOKENS);
  EXPECT_EQ(result.prompt_tokens, 3);
  EXPECT_EQ(result.generated_tokens, 12);
  // The last token has not been fed.
  EXPECT_EQ(llmc_session_length(session.get()), 3 + 11);

  // Goes on where it stopped.
  std::vector<int64_t> all = {1, 2, 4};
  all.insert(all.end(), tokens.begin(), tokens.end());
  all.push_back(6);
  options.max_tokens = 3;
  ASSERT_EQ(generate(session.get(), {tokens.back(), 6}), LLMC_OK);
  EXPECT_EQ(tokens, expect(all, 3));
}

TEST_F(GenerateTest, feedsLongPromptsInChunks) {
  SessionPointer session = makeSession();
  options.max_tokens = 5;
  options.prefill_chunk = 3;
  std::vector<int64_t> prompt = {1, 2, 4, 7, 9, 3, 2, 2, 1, 5};
  ASSERT_EQ(generate(session.get(), prompt), LLMC_OK) << llmc_last_error();
  EXPECT_EQ(tokens, expect(prompt, 5));
}

TEST_F(GenerateTest, stops) {
  SessionPointer session = makeSession(4, /*limit=*/9);
  // 8, then 0, for ever: the sum is 8 + 8 = 16 and stays.
  ASSERT_EQ(generate(session.get(), {8}), LLMC_OK) << llmc_last_error();
  EXPECT_EQ(result.stop, LLMC_STOP_CONTEXT);
  EXPECT_EQ(llmc_session_length(session.get()), 9);
  EXPECT_EQ(tokens.size(), 9u);

  ASSERT_EQ(llmc_session_reset(session.get()), LLMC_OK);
  ASSERT_EQ(generate(session.get(), {5, 10}), LLMC_OK);
  EXPECT_EQ(result.stop, LLMC_STOP_EOS);
  EXPECT_EQ(tokens, (std::vector<int64_t>{15}));

  ASSERT_EQ(llmc_session_reset(session.get()), LLMC_OK);
  options.ignore_eos = 1;
  options.max_tokens = 2;
  ASSERT_EQ(generate(session.get(), {5, 10}), LLMC_OK);
  EXPECT_EQ(result.stop, LLMC_STOP_MAX_TOKENS);
  EXPECT_EQ(tokens, (std::vector<int64_t>{15, 14}));

  ASSERT_EQ(llmc_session_reset(session.get()), LLMC_OK);
  int64_t eos[] = {3, 14};
  options.ignore_eos = 0;
  options.eos_ids = eos;
  options.num_eos_ids = 2;
  options.max_tokens = 8;
  ASSERT_EQ(generate(session.get(), {5, 10}), LLMC_OK);
  EXPECT_EQ(result.stop, LLMC_STOP_EOS);
  EXPECT_EQ(tokens, (std::vector<int64_t>{15, 14}));

  ASSERT_EQ(llmc_session_reset(session.get()), LLMC_OK);
  stopAfter = 3;
  ASSERT_EQ(generate(session.get(), {8}), LLMC_OK);
  EXPECT_EQ(result.stop, LLMC_STOP_CALLBACK);
  EXPECT_EQ(tokens.size(), 3u);
}

TEST_F(GenerateTest, runsModelsWithoutStates) {
  makeStateless();
  SessionPointer session = makeSession();
  options.max_tokens = 12;
  ASSERT_EQ(generate(session.get(), {1, 2, 4}), LLMC_OK) << llmc_last_error();
  EXPECT_EQ(tokens, expect({1, 2, 4}, 12));
  EXPECT_EQ(llmc_session_length(session.get()), 0);
  manifest["model"]["context_length"] = 5;
  session = makeSession();
  ASSERT_EQ(generate(session.get(), {8}), LLMC_OK);
  EXPECT_EQ(result.stop, LLMC_STOP_CONTEXT);
  EXPECT_EQ(tokens.size(), 5u);
}

TEST_F(GenerateTest, refusesOutputsThatAreNoCandidates) {
  json values = {{"name", "top_logits"}, {"dtype", "float32"}};
  json ids = {{"name", "top_ids"}, {"dtype", "int64"}};
  values["shape"] = ids["shape"] = {"batch", "seq", 4};
  json narrow = ids, flat = values;
  narrow["dtype"] = "int32";
  flat["shape"] = {"batch", 4};
  const json outputs = manifest["outputs"];
  for (const json &added :
       {json{values}, json{ids}, json{values, narrow}, json{flat, ids}}) {
    manifest["outputs"] = outputs;
    for (const json &output : added)
      manifest["outputs"].push_back(output);
    SessionPointer session = makeSession();
    EXPECT_EQ(generate(session.get(), {1}), LLMC_ERROR_ARGUMENT) << added;
    EXPECT_NE(std::string(llmc_last_error()).find("do not belong"),
              std::string::npos)
        << llmc_last_error();
  }
}

TEST_F(GenerateTest, refusesWrongArguments) {
  SessionPointer session = makeSession();
  EXPECT_EQ(generate(session.get(), {}), LLMC_ERROR_ARGUMENT);
  EXPECT_EQ(generate(session.get(), {1, 16}), LLMC_ERROR_ARGUMENT);
  EXPECT_NE(std::string(llmc_last_error()).find("token number 1 is 16"),
            std::string::npos);
  EXPECT_EQ(generate(session.get(), {-1}), LLMC_ERROR_ARGUMENT);
  EXPECT_EQ(generate(session.get(), std::vector<int64_t>(101, 1)),
            LLMC_ERROR_LIMIT);
  EXPECT_EQ(llmc_session_length(session.get()), 0);
  for (auto [temperature, topP, topK] :
       {std::tuple(-1.0f, 1.0f, 0), std::tuple(NAN, 1.0f, 0),
        std::tuple(1.0f, 0.0f, 0), std::tuple(1.0f, 1.5f, 0),
        std::tuple(1.0f, NAN, 0), std::tuple(1.0f, 1.0f, -1)}) {
    options.temperature = temperature;
    options.top_p = topP;
    options.top_k = topK;
    EXPECT_EQ(generate(session.get(), {1}), LLMC_ERROR_ARGUMENT);
  }
}

TEST_F(GenerateTest, needsABound) {
  manifest["model"].erase("context_length");
  SessionPointer session = makeSession();
  EXPECT_EQ(generate(session.get(), {1}), LLMC_ERROR_ARGUMENT);
  EXPECT_NE(std::string(llmc_last_error()).find("max_tokens"),
            std::string::npos);
}

TEST_F(GenerateTest, refusesModelsThatAreNoLanguageModels) {
  const json good = manifest;
  manifest["inputs"][2]["name"] = "pixel_values";
  SessionPointer session = makeSession();
  EXPECT_EQ(generate(session.get(), {1}), LLMC_ERROR_ARGUMENT);
  EXPECT_NE(std::string(llmc_last_error()).find("pixel_values"),
            std::string::npos);
  manifest = good;
  manifest["outputs"][0]["name"] = "embedding";
  session = makeSession();
  EXPECT_EQ(generate(session.get(), {1}), LLMC_ERROR_ARGUMENT);
  EXPECT_NE(std::string(llmc_last_error()).find("'logits'"), std::string::npos);
}

TEST_F(GenerateTest, reportsLogitsThatAreNotNumbers) {
  table[3][7] = NAN;
  SessionPointer session = makeSession();
  EXPECT_EQ(generate(session.get(), {1, 2}), LLMC_ERROR_KERNEL);
  EXPECT_EQ(llmc_session_length(session.get()), 0);
}

TEST_F(GenerateTest, theCallbackCannotUseTheSession) {
  SessionPointer session = makeSession();
  options.max_tokens = 1;
  auto callback = [](void *user, int64_t) {
    EXPECT_EQ(llmc_session_reset(static_cast<llmc_session *>(user)),
              LLMC_ERROR_BUSY);
    return 0;
  };
  int64_t prompt[] = {1};
  EXPECT_EQ(llmc_generate(session.get(), prompt, 1, &options, callback,
                          session.get(), nullptr),
            LLMC_OK);
  EXPECT_EQ(llmc_session_reset(session.get()), LLMC_OK);
}

//===----------------------------------------------------------------------===//
// Sampling
//===----------------------------------------------------------------------===//

class SampleTest : public GenerateTest {
protected:
  /// A distribution that does not depend on the tokens before: token i < 5
  /// with probability (i + 1) / 15, in equal shares for no others.
  void SetUp() override {
    GenerateTest::SetUp();
    for (auto &row : table)
      for (size_t i = 0; i < 16; ++i)
        row[i] = i < 5 ? std::log(float(i + 1)) : -INFINITY;
    manifest["model"].erase("context_length");
    options.temperature = 1;
    options.ignore_eos = 1;
    options.max_tokens = 2500;
  }
  /// The shares of each token in a long text.
  std::map<int64_t, double> sample() {
    SessionPointer session = makeSession();
    EXPECT_EQ(generate(session.get(), {1}), LLMC_OK) << llmc_last_error();
    std::map<int64_t, double> shares;
    for (int64_t token : tokens)
      shares[token] += 1.0 / double(tokens.size());
    return shares;
  }
};

TEST_F(SampleTest, followsTheProbabilities) {
  std::map<int64_t, double> shares = sample();
  EXPECT_EQ(shares.size(), 5u);
  for (int64_t i = 0; i < 5; ++i)
    EXPECT_NEAR(shares[i], double(i + 1) / 15, 0.025) << i;
}

TEST_F(SampleTest, temperatureSharpens) {
  options.temperature = 0.5f; // squares the probabilities
  std::map<int64_t, double> shares = sample();
  for (int64_t i = 0; i < 5; ++i)
    EXPECT_NEAR(shares[i], double((i + 1) * (i + 1)) / 55, 0.025) << i;
}

TEST_F(SampleTest, topKKeepsTheBest) {
  options.top_k = 2;
  std::map<int64_t, double> shares = sample();
  EXPECT_EQ(shares.size(), 2u);
  EXPECT_NEAR(shares[4], 5.0 / 9, 0.025);
  EXPECT_NEAR(shares[3], 4.0 / 9, 0.025);
}

TEST_F(SampleTest, topPKeepsTheSmallestSet) {
  options.top_p = 0.65f; // 5/15 + 4/15 is less, with 3/15 it is more
  std::map<int64_t, double> shares = sample();
  EXPECT_EQ(shares.size(), 3u);
  EXPECT_NEAR(shares[4], 5.0 / 12, 0.025);
  EXPECT_NEAR(shares[2], 3.0 / 12, 0.025);
}

TEST_F(SampleTest, aSeedIsAText) {
  options.max_tokens = 50;
  options.seed = 11;
  sample();
  std::vector<int64_t> first = tokens;
  sample();
  EXPECT_EQ(tokens, first);
  options.seed = 12;
  sample();
  EXPECT_NE(tokens, first);
}

//===----------------------------------------------------------------------===//
// Logits and scores
//===----------------------------------------------------------------------===//

TEST_F(GenerateTest, returnsLogitsOfAllTokens) {
  SessionPointer session = makeSession();
  std::vector<int64_t> ids = {3, 5, 6};
  llmc_tensor logits = {};
  ASSERT_EQ(llmc_session_logits(session.get(), ids.data(), 3, &logits), LLMC_OK)
      << llmc_last_error();
  ASSERT_EQ(logits.rank, 2);
  EXPECT_EQ(logits.shape[0], 3);
  EXPECT_EQ(logits.shape[1], 16);
  EXPECT_EQ(logits.dtype, LLMC_FLOAT32);
  auto *data = static_cast<const float *>(logits.data);
  EXPECT_EQ(data[0 * 16 + 3], 10.0f);
  EXPECT_EQ(data[1 * 16 + 8], 10.0f);
  EXPECT_EQ(data[2 * 16 + 14], 10.0f);
  EXPECT_EQ(data[2 * 16 + 2], -2.0f);
  llmc_tensor_free(&logits);
  EXPECT_EQ(llmc_session_length(session.get()), 3);
  EXPECT_EQ(llmc_session_logits(session.get(), ids.data(), 0, &logits),
            LLMC_ERROR_ARGUMENT);
}

TEST_F(GenerateTest, scoresEqualLogSoftmax) {
  std::vector<int64_t> ids = {3, 5, 6, 1, 0, 9, 9, 2, 11, 4};
  std::vector<double> expected;
  int64_t sum = 0;
  for (size_t i = 0; i + 1 < ids.size(); ++i) {
    sum = (sum + ids[i]) % 16;
    double total = 0;
    for (float logit : table[size_t(sum)])
      total += std::exp(double(logit));
    expected.push_back(double(table[size_t(sum)][size_t(ids[i + 1])]) -
                       std::log(total));
  }
  for (bool stateless : {false, true}) {
    if (stateless)
      makeStateless();
    for (size_t chunk : {0, 1, 3, 9, 10, 50}) {
      SessionPointer session = makeSession();
      std::vector<double> scores(ids.size() - 1);
      ASSERT_EQ(llmc_session_score(session.get(), ids.data(), ids.size(), chunk,
                                   scores.data()),
                LLMC_OK)
          << llmc_last_error();
      for (size_t i = 0; i < scores.size(); ++i)
        EXPECT_NEAR(scores[i], expected[i], 1e-9) << i << " by " << chunk;
    }
  }
}

TEST_F(GenerateTest, scoringFailsWithoutATrace) {
  SessionPointer session = makeSession(4, /*limit=*/6);
  std::vector<int64_t> ids(7, 1);
  std::vector<double> scores(6);
  EXPECT_EQ(llmc_session_score(session.get(), ids.data(), 7, 2, scores.data()),
            LLMC_ERROR_LIMIT);
  EXPECT_EQ(llmc_session_length(session.get()), 0);
}

} // namespace
