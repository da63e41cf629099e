//===- LanguageModel.cpp - tokens in, logits out --------------------------===//

#include "LanguageModel.h"
#include "Error.h"
#include "HalfFloat.h"
#include <algorithm>
#include <cmath>
#include <cstring>

using namespace llmc::runtime;

//===----------------------------------------------------------------------===//
// Logits
//===----------------------------------------------------------------------===//

Logits::Logits(OutputTensor output) : tensor(std::move(output)) {
  rows = countRows(tensor);
  vocabulary = tensor.shape.back();
  if (tensor.shape[0] != 1 || rows < 1)
    fail(LLMC_ERROR_KERNEL, "the logits have the shape ",
         formatShape(tensor.shape.data(), tensor.shape.size()),
         " for a batch of one");
}

int64_t Logits::countRows(const OutputTensor &tensor) {
  // LanguageModel has checked the rank.
  return tensor.shape.size() == 3 ? tensor.shape[1] : 1;
}

void Logits::read(int64_t row, float *values) const {
  auto convert = [&](const auto *data, auto &&function) {
    data += row * vocabulary;
    for (int64_t i = 0; i < vocabulary; ++i)
      values[i] = function(data[i]);
  };
  switch (tensor.spec->dtype) {
  case LLMC_FLOAT32:
    return convert(static_cast<const float *>(tensor.data),
                   [](float value) { return value; });
  case LLMC_FLOAT64:
    return convert(static_cast<const double *>(tensor.data),
                   [](double value) { return float(value); });
  case LLMC_FLOAT16:
    return convert(static_cast<const uint16_t *>(tensor.data), halfToFloat);
  case LLMC_BFLOAT16:
    return convert(static_cast<const uint16_t *>(tensor.data), bfloatToFloat);
  default:
    fail(LLMC_ERROR_ARGUMENT, "the output '", tensor.spec->name, "' of type ",
         llmc_dtype_name(tensor.spec->dtype), " cannot be logits");
  }
}

const float *Logits::getRow(int64_t row, std::vector<float> &buffer) const {
  if (tensor.spec->dtype == LLMC_FLOAT32)
    return static_cast<const float *>(tensor.data) + row * vocabulary;
  buffer.resize(size_t(vocabulary));
  read(row, buffer.data());
  return buffer.data();
}

Candidates::Candidates(OutputTensor values, OutputTensor ids)
    : values(std::move(values)), ids(std::move(ids)) {
  if (this->ids.shape.back() != getCount() || getCount() < 1 ||
      Logits::countRows(this->ids) != getRows())
    fail(LLMC_ERROR_KERNEL, "'", artifact::kTopLogits, "' and '",
         artifact::kTopIds, "' do not have the same shape");
}

//===----------------------------------------------------------------------===//
// LanguageModel
//===----------------------------------------------------------------------===//

LanguageModel::LanguageModel(Session &session) : session(session) {
  const Manifest &manifest = session.getModel().getManifest();
  for (const TensorSpec &spec : manifest.inputs) {
    Input input{&spec, Input::Ids};
    if (spec.name == "attention_mask")
      input.role = Input::Mask;
    else if (spec.name == "position_ids")
      input.role = Input::Positions;
    else if (spec.name == artifact::kLogitsToKeep)
      input.role = Input::Keep;
    else if (spec.name != "input_ids")
      fail(LLMC_ERROR_ARGUMENT, "the model has the input '", spec.name,
           "', which only llmc_session_run can fill");
    bool isInteger = spec.dtype == LLMC_INT64 || spec.dtype == LLMC_INT32;
    if (input.role != Input::Keep && (spec.shape.size() != 2 || !isInteger))
      fail(LLMC_ERROR_ARGUMENT, "the input '", spec.name, "' is ",
           llmc_dtype_name(spec.dtype),
           formatShape(spec.shape.data(), spec.shape.size(),
                       spec.symbols.data()),
           " where a language model takes int64 or int32 [batch, sequence]");
    inputs.push_back(input);
  }
  if (session.getModel().findInput("input_ids") < 0)
    fail(LLMC_ERROR_ARGUMENT, "the model has no input 'input_ids': it takes "
                              "no text");

  std::optional<size_t> logits = findOutput("logits");
  if (!logits)
    fail(LLMC_ERROR_ARGUMENT,
         "the model has no output 'logits': it is no language model");
  const TensorSpec &spec = manifest.outputs[*logits];
  size_t rank = spec.shape.size();
  if (rank != 2 && rank != 3)
    fail(LLMC_ERROR_ARGUMENT, "the output 'logits' has the shape ",
         formatShape(spec.shape.data(), rank, spec.symbols.data()),
         " instead of [batch, sequence, vocabulary]");
  logitsIndex = *logits;
  findCandidates();
}

std::optional<size_t> LanguageModel::findOutput(const char *name) const {
  const std::vector<TensorSpec> &outputs =
      session.getModel().getManifest().outputs;
  for (size_t i = 0; i < outputs.size(); ++i)
    if (outputs[i].name == name)
      return i;
  return std::nullopt;
}

void LanguageModel::findCandidates() {
  topLogitsIndex = findOutput(artifact::kTopLogits);
  topIdsIndex = findOutput(artifact::kTopIds);
  if (!topLogitsIndex && !topIdsIndex)
    return;
  const std::vector<TensorSpec> &outputs =
      session.getModel().getManifest().outputs;
  size_t rank = outputs[logitsIndex].shape.size();
  if (!topLogitsIndex || !topIdsIndex ||
      outputs[*topLogitsIndex].shape.size() != rank ||
      outputs[*topIdsIndex].shape.size() != rank ||
      outputs[*topIdsIndex].dtype != LLMC_INT64)
    fail(LLMC_ERROR_ARGUMENT, "the outputs '", artifact::kTopLogits, "' and '",
         artifact::kTopIds,
         "' do not belong to the logits: both must be there with as many "
         "dimensions, and the second one int64");
}

void LanguageModel::checkIds(const int64_t *ids, size_t count) const {
  if (!ids || count == 0)
    fail(LLMC_ERROR_ARGUMENT, "there are no tokens: give at least one");
  int64_t vocabulary =
      session.getModel().getManifest().outputs[logitsIndex].shape.back();
  for (size_t i = 0; i < count; ++i)
    if (ids[i] < 0 || (vocabulary >= 0 && ids[i] >= vocabulary))
      fail(LLMC_ERROR_ARGUMENT, "token number ", i, " is ", ids[i],
           ", which is not in the model's vocabulary");
}

Prediction LanguageModel::feed(const int64_t *ids, size_t count, int64_t keep) {
  int64_t past = session.getLength();
  std::vector<llmc_tensor> tensors;
  // In words of 8 bytes, whatever the type: that aligns it.
  std::vector<std::vector<int64_t>> buffers(inputs.size());
  std::vector<int64_t> shapes(2 * inputs.size(), 1);
  for (size_t i = 0; i < inputs.size(); ++i) {
    const TensorSpec &spec = *inputs[i].spec;
    if (inputs[i].role == Input::Keep) {
      tensors.push_back(
          {spec.name.c_str(), spec.dtype, 0, nullptr, &keep, nullptr});
      continue;
    }
    // The mask covers what the session holds, too.
    int64_t before = inputs[i].role == Input::Mask ? past : 0;
    int64_t size = before + int64_t(count);
    buffers[i].resize(size_t(size));
    auto *narrow = reinterpret_cast<char *>(buffers[i].data());
    for (int64_t n = 0; n < size; ++n) {
      int64_t value = inputs[i].role == Input::Ids    ? ids[n]
                      : inputs[i].role == Input::Mask ? 1
                                                      : past + n;
      int32_t value32 = int32_t(value);
      if (spec.dtype == LLMC_INT64)
        buffers[i][n] = value;
      else
        std::memcpy(narrow + n * 4, &value32, 4);
    }
    shapes[2 * i + 1] = size;
    tensors.push_back({spec.name.c_str(), spec.dtype, 2, &shapes[2 * i],
                       buffers[i].data(), nullptr});
  }
  std::vector<OutputTensor> outputs =
      session.run(tensors.data(), tensors.size());
  Prediction prediction{Logits(std::move(outputs[logitsIndex])), std::nullopt};
  if (topLogitsIndex)
    prediction.candidates.emplace(std::move(outputs[*topLogitsIndex]),
                                  std::move(outputs[*topIdsIndex]));
  return prediction;
}

Logits LanguageModel::feedForAll(const int64_t *ids, size_t count) {
  Logits logits = feed(ids, count, /*keep=*/0).logits;
  if (logits.getRows() != int64_t(count))
    fail(LLMC_ERROR_ARGUMENT, "the model returned ", logits.getRows(),
         " rows of logits for ", count,
         " tokens: export it with the logits of every token");
  return logits;
}

//===----------------------------------------------------------------------===//
// Scoring
//===----------------------------------------------------------------------===//

void llmc::runtime::scoreTokens(Session &session, const int64_t *ids,
                                size_t count, size_t chunk,
                                double *logProbabilities) {
  LanguageModel model(session);
  model.checkIds(ids, count);
  session.checkLimit(session.getLength(), int64_t(count));
  if (!session.hasStates())
    chunk = count;
  std::vector<float> buffer;
  for (size_t start = 0; start < count; start += chunk) {
    size_t size = std::min(chunk, count - start);
    Logits logits = model.feedForAll(ids + start, size);
    auto vocabulary = size_t(logits.getVocabulary());
    for (size_t i = start; i < start + size && i + 1 < count; ++i) {
      const float *row = logits.getRow(int64_t(i - start), buffer);
      double greatest = *std::max_element(row, row + vocabulary);
      double total = 0;
      for (size_t token = 0; token < vocabulary; ++token)
        total += std::exp(double(row[token]) - greatest);
      if (size_t(ids[i + 1]) >= vocabulary)
        fail(LLMC_ERROR_ARGUMENT, "token number ", i + 1, " is ", ids[i + 1],
             ", which is not in the model's vocabulary");
      logProbabilities[i] =
          double(row[size_t(ids[i + 1])]) - greatest - std::log(total);
    }
  }
}
