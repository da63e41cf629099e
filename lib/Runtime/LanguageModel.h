//===- LanguageModel.h - tokens in, logits out -----------------*- C++ -*-===//

#ifndef LLMC_LIB_RUNTIME_LANGUAGEMODEL_H
#define LLMC_LIB_RUNTIME_LANGUAGEMODEL_H

#include "Session.h"
#include <optional>

namespace llmc::runtime {

/// Logits [1, rows, vocabulary] of one run.
class Logits {
public:
  explicit Logits(OutputTensor tensor);
  /// The rows of logits, or of what belongs to them.
  static int64_t countRows(const OutputTensor &tensor);

  int64_t getRows() const { return rows; }
  int64_t getVocabulary() const { return vocabulary; }
  /// Writes one row as float32.
  void read(int64_t row, float *values) const;
  /// One row as float32: where it is, or in `buffer`.
  const float *getRow(int64_t row, std::vector<float> &buffer) const;

private:
  OutputTensor tensor;
  int64_t rows, vocabulary;
};

/// The best tokens of each row, the best one first, which a model may return
/// beside all logits.
class Candidates {
public:
  Candidates(OutputTensor values, OutputTensor ids);

  /// How many each row has.
  int64_t getCount() const { return values.getVocabulary(); }
  const float *getLogits(int64_t row, std::vector<float> &buffer) const {
    return values.getRow(row, buffer);
  }
  const int64_t *getIds(int64_t row) const {
    return static_cast<const int64_t *>(ids.data) + row * getCount();
  }
  int64_t getRows() const { return values.getRows(); }

private:
  Logits values;
  OutputTensor ids;
};

/// What one run says of the tokens that come next.
struct Prediction {
  Logits logits;
  std::optional<Candidates> candidates;
};

/// Knows a model's inputs and outputs by their usual names. Fails for a model
/// that needs other inputs.
class LanguageModel {
public:
  explicit LanguageModel(Session &session);

  /// Runs `count` tokens as a batch of one, after what the session holds. A
  /// model that can be asked returns the logits of the last `keep` only, all
  /// for 0.
  Prediction feed(const int64_t *ids, size_t count, int64_t keep);
  /// Logits for all, and fails unless there are logits for every token.
  Logits feedForAll(const int64_t *ids, size_t count);
  /// Fails for ids that cannot be tokens of the model.
  void checkIds(const int64_t *ids, size_t count) const;

private:
  struct Input {
    const TensorSpec *spec;
    enum { Ids, Mask, Positions, Keep } role;
  };

  std::optional<size_t> findOutput(const char *name) const;
  /// Fails unless there are `top_logits` and `top_ids` such as fit the logits,
  /// or neither.
  void findCandidates();

  Session &session;
  std::vector<Input> inputs;
  size_t logitsIndex;
  std::optional<size_t> topLogitsIndex, topIdsIndex;
};

/// Appends tokens and writes their log-probabilities; see llmc_session_score.
void scoreTokens(Session &session, const int64_t *ids, size_t count,
                 size_t chunk, double *logProbabilities);

/// See llmc_generate.
llmc_generate_result generate(Session &session, const int64_t *prompt,
                              size_t count,
                              const llmc_generate_options &options,
                              llmc_token_callback callback, void *user);

} // namespace llmc::runtime

#endif // LLMC_LIB_RUNTIME_LANGUAGEMODEL_H
