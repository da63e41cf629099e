//===- Generate.cpp - text, one token after the other ---------------------===//

#include "Error.h"
#include "LanguageModel.h"
#include "Sampler.h"
#include <algorithm>
#include <chrono>
#include <optional>

using namespace llmc::runtime;

namespace {

/// One call of llmc_generate.
class Generator {
public:
  Generator(Session &session, const llmc_generate_options &options);
  llmc_generate_result run(const int64_t *prompt, size_t count,
                           llmc_token_callback callback, void *user);

private:
  void checkOptions() const;
  void prefill(const int64_t *prompt, size_t count);
  void append(int64_t token);
  bool isEnd(int64_t token) const;
  /// May `count` more tokens be fed?
  bool hasRoom() const;
  /// Leaves in `prediction` what comes next.
  void feed(const int64_t *ids, size_t count);
  int64_t chooseToken();

  Session &session;
  const llmc_generate_options &options;
  LanguageModel model;
  Sampler sampler;
  int64_t limit;
  std::vector<int64_t> eosIds;
  /// All tokens so far, for a model without states.
  std::vector<int64_t> history;
  std::optional<Prediction> prediction; ///< of the last run
  std::vector<float> buffer;
};

} // namespace

Generator::Generator(Session &session, const llmc_generate_options &options)
    : session(session), options(options), model(session), sampler(options),
      limit(session.getLimit()) {
  if (options.eos_ids)
    eosIds.assign(options.eos_ids, options.eos_ids + options.num_eos_ids);
  else
    eosIds = session.getModel().getManifest().eosIds;
  if (options.max_tokens < 0 || options.prefill_chunk < 0)
    fail(LLMC_ERROR_ARGUMENT, "max_tokens and prefill_chunk must be 0 or more");
  if (options.max_tokens == 0 && limit == 0)
    fail(LLMC_ERROR_ARGUMENT, "the artifact does not say how many tokens the "
                              "model was made for: set max_tokens");
}

void Generator::feed(const int64_t *ids, size_t count) {
  // Before the run, so that they are in memory once.
  prediction.reset();
  prediction = model.feed(ids, count, /*keep=*/1);
}

int64_t Generator::chooseToken() {
  const Logits &logits = prediction->logits;
  auto vocabulary = size_t(logits.getVocabulary());
  std::optional<size_t> needed = sampler.getNumBest(vocabulary);
  if (const std::optional<Candidates> &best = prediction->candidates;
      best && needed && *needed <= size_t(best->getCount())) {
    int64_t last = best->getRows() - 1;
    return sampler.chooseAmong(best->getLogits(last, buffer),
                               best->getIds(last), *needed);
  }
  return sampler.choose(logits.getRow(logits.getRows() - 1, buffer),
                        vocabulary);
}

void Generator::prefill(const int64_t *prompt, size_t count) {
  model.checkIds(prompt, count);
  session.checkLimit(session.getLength(), int64_t(count));
  if (!session.hasStates()) {
    history.assign(prompt, prompt + count);
    feed(history.data(), history.size());
    return;
  }
  size_t chunk = options.prefill_chunk ? size_t(options.prefill_chunk) : 512;
  for (size_t start = 0; start < count; start += chunk) {
    size_t size = std::min(chunk, count - start);
    feed(prompt + start, size);
  }
}

void Generator::append(int64_t token) {
  if (session.hasStates()) {
    feed(&token, 1);
    return;
  }
  history.push_back(token);
  feed(history.data(), history.size());
}

bool Generator::isEnd(int64_t token) const {
  return !options.ignore_eos &&
         std::find(eosIds.begin(), eosIds.end(), token) != eosIds.end();
}

bool Generator::hasRoom() const {
  int64_t length =
      session.hasStates() ? session.getLength() : int64_t(history.size());
  return limit == 0 || length < limit;
}

llmc_generate_result Generator::run(const int64_t *prompt, size_t count,
                                    llmc_token_callback callback, void *user) {
  using Clock = std::chrono::steady_clock;
  auto seconds = [](Clock::time_point from, Clock::time_point to) {
    return std::chrono::duration<double>(to - from).count();
  };
  llmc_generate_result result = {};
  result.prompt_tokens = int64_t(count);
  Clock::time_point start = Clock::now();
  prefill(prompt, count);
  Clock::time_point first;
  while (true) {
    int64_t token = chooseToken();
    Clock::time_point now = Clock::now();
    if (++result.generated_tokens == 1) {
      first = now;
      result.prefill_seconds = seconds(start, now);
    }
    result.decode_seconds = seconds(first, now);
    bool isStopped = callback && callback(user, token) != 0;
    if (isEnd(token))
      result.stop = LLMC_STOP_EOS;
    else if (isStopped)
      result.stop = LLMC_STOP_CALLBACK;
    else if (options.max_tokens &&
             result.generated_tokens == options.max_tokens)
      result.stop = LLMC_STOP_MAX_TOKENS;
    else if (!hasRoom())
      result.stop = LLMC_STOP_CONTEXT;
    else {
      append(token);
      continue;
    }
    return result;
  }
}

llmc_generate_result
llmc::runtime::generate(Session &session, const int64_t *prompt, size_t count,
                        const llmc_generate_options &options,
                        llmc_token_callback callback, void *user) {
  return Generator(session, options).run(prompt, count, callback, user);
}
