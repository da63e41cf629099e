//===- Api.cpp - the C interface ------------------------------------------===//

#include "Error.h"
#include "LanguageModel.h"
#include "Session.h"
#include <algorithm>
#include <atomic>
#include <cstring>

using namespace llmc::runtime;

struct llmc_model {
  std::shared_ptr<const Model> model;
};

struct llmc_session {
  Session session;
  std::atomic<bool> busy{false};
};

namespace {

/// Holds a session for the time of a call.
class Hold {
public:
  explicit Hold(llmc_session *handle) : handle(handle) {
    if (!handle)
      fail(LLMC_ERROR_ARGUMENT, "session is a null pointer");
    if (handle->busy.exchange(true))
      fail(LLMC_ERROR_BUSY, "the session is in use: a session runs one call "
                            "at a time");
  }
  ~Hold() { handle->busy = false; }
  Hold(const Hold &) = delete;
  Hold &operator=(const Hold &) = delete;
  Session &operator*() const { return handle->session; }
  Session *operator->() const { return &handle->session; }

private:
  llmc_session *handle;
};

/// Gives back what the session gained, unless kept.
class Rollback {
public:
  explicit Rollback(Session &session)
      : session(session), length(session.getLength()) {}
  ~Rollback() {
    if (!kept)
      session.truncate(length);
  }
  void keep() { kept = true; }

private:
  Session &session;
  int64_t length;
  bool kept = false;
};

/// What llmc_tensor::owner points to.
struct OwnedTensor {
  std::string name;
  std::vector<int64_t> shape;
  Block block;
};

void checkPointer(const void *pointer, const char *name) {
  if (!pointer)
    fail(LLMC_ERROR_ARGUMENT, name, " is a null pointer");
}

/// The caller's options over the defaults: an older caller's struct is
/// shorter.
template <typename Options>
Options completeOptions(const Options *given, Options defaults) {
  if (!given)
    return defaults;
  if (given->struct_size < sizeof(size_t) ||
      given->struct_size > sizeof(Options))
    fail(LLMC_ERROR_ARGUMENT, "options: struct_size is ", given->struct_size,
         " where this runtime knows ", sizeof(Options),
         ": use the _INIT macro, and a runtime that is not older than the "
         "header");
  std::memcpy(&defaults, given, given->struct_size);
  return defaults;
}

llmc_tensor releaseTensor(std::unique_ptr<OwnedTensor> owned, llmc_dtype dtype,
                          void *data) {
  llmc_tensor tensor = {
      owned->name.c_str(), dtype, int32_t(owned->shape.size()),
      owned->shape.data(), data,  owned.get()};
  owned.release();
  return tensor;
}

} // namespace

const char *llmc_last_error(void) { return getLastError(); }
const char *llmc_version(void) { return LLMC_VERSION; }

void llmc_tensor_free(llmc_tensor *tensor) {
  if (!tensor || !tensor->owner)
    return;
  delete static_cast<OwnedTensor *>(tensor->owner);
  *tensor = {};
}

//===----------------------------------------------------------------------===//
// Models
//===----------------------------------------------------------------------===//

llmc_status llmc_model_open(const char *directory, llmc_model **model) {
  return guarded([&] {
    checkPointer(directory, "directory");
    checkPointer(model, "model");
    *model = new llmc_model{std::make_shared<const Model>(directory)};
  });
}

void llmc_model_close(llmc_model *model) { delete model; }

size_t llmc_model_count(const llmc_model *model, llmc_port port) {
  size_t count = 0;
  (void)guarded([&] {
    checkPointer(model, "model");
    count = model->model->getSpecs(port).size();
  });
  return count;
}

llmc_status llmc_model_tensor(const llmc_model *model, llmc_port port,
                              size_t index, llmc_tensor_info *info) {
  return guarded([&] {
    checkPointer(model, "model");
    checkPointer(info, "info");
    const std::vector<TensorSpec> &specs = model->model->getSpecs(port);
    if (index >= specs.size())
      fail(LLMC_ERROR_ARGUMENT, "there is no number ", index, " among ",
           specs.size());
    const TensorSpec &spec = specs[index];
    *info = {spec.name.c_str(), spec.dtype,          int32_t(spec.shape.size()),
             spec.shape.data(), spec.symbols.data(), spec.axis};
  });
}

int64_t llmc_model_context_length(const llmc_model *model) {
  return model ? model->model->getManifest().contextLength : 0;
}

size_t llmc_model_eos_ids(const llmc_model *model, const int64_t **ids) {
  if (!model)
    return 0;
  const std::vector<int64_t> &eosIds = model->model->getManifest().eosIds;
  if (ids)
    *ids = eosIds.data();
  return eosIds.size();
}

const char *llmc_model_metadata(const llmc_model *model) {
  return model ? model->model->getManifest().metadata.c_str() : "{}";
}

uint64_t llmc_model_weight_bytes(const llmc_model *model) {
  return model ? uint64_t(model->model->getManifest().weightsBytes) : 0;
}

//===----------------------------------------------------------------------===//
// Sessions
//===----------------------------------------------------------------------===//

llmc_status llmc_session_create(llmc_model *model,
                                const llmc_session_options *options,
                                llmc_session **session) {
  return guarded([&] {
    checkPointer(model, "model");
    checkPointer(session, "session");
    llmc_session_options complete = completeOptions<llmc_session_options>(
        options, LLMC_SESSION_OPTIONS_INIT);
    *session = new llmc_session{Session(model->model, complete)};
  });
}

void llmc_session_close(llmc_session *session) { delete session; }

llmc_status llmc_session_run(llmc_session *session, const llmc_tensor *inputs,
                             size_t num_inputs, llmc_tensor *outputs,
                             size_t num_outputs) {
  return guarded([&] {
    Hold held(session);
    size_t count = held->getModel().getManifest().outputs.size();
    if (num_outputs != count)
      fail(LLMC_ERROR_ARGUMENT, "the model has ", count,
           " outputs, and there "
           "is room for ",
           num_outputs);
    if (count)
      checkPointer(outputs, "outputs");
    Rollback rollback(*held);
    std::vector<OutputTensor> results = held->run(inputs, num_inputs);
    std::vector<std::unique_ptr<OwnedTensor>> owned;
    for (OutputTensor &result : results)
      owned.push_back(std::make_unique<OwnedTensor>(
          OwnedTensor{result.spec->name, std::move(result.shape),
                      std::move(result.block)}));
    // From here on nothing can fail.
    rollback.keep();
    for (size_t i = 0; i < count; ++i)
      outputs[i] = releaseTensor(std::move(owned[i]), results[i].spec->dtype,
                                 results[i].data);
  });
}

int64_t llmc_session_length(const llmc_session *session) {
  return session ? session->session.getLength() : 0;
}

int64_t llmc_session_capacity(const llmc_session *session) {
  return session ? session->session.getCapacity() : 0;
}

llmc_status llmc_session_truncate(llmc_session *session, int64_t length) {
  return guarded([&] { Hold(session)->truncate(length); });
}

llmc_status llmc_session_reset(llmc_session *session) {
  return guarded([&] { Hold(session)->truncate(0); });
}

//===----------------------------------------------------------------------===//
// Language models
//===----------------------------------------------------------------------===//

llmc_status llmc_session_logits(llmc_session *session, const int64_t *ids,
                                size_t num_ids, llmc_tensor *logits) {
  return guarded([&] {
    Hold held(session);
    checkPointer(logits, "logits");
    LanguageModel model(*held);
    model.checkIds(ids, num_ids);
    held->checkLimit(held->getLength(), int64_t(num_ids));
    Rollback rollback(*held);
    Logits result = model.feedForAll(ids, num_ids);
    int64_t rows = result.getRows(), vocabulary = result.getVocabulary();
    auto owned = std::make_unique<OwnedTensor>(OwnedTensor{
        "logits", {rows, vocabulary}, allocateBlock(rows * vocabulary * 4)});
    auto *data = static_cast<float *>(owned->block.get());
    for (int64_t row = 0; row < rows; ++row)
      result.read(row, data + row * vocabulary);
    rollback.keep();
    *logits = releaseTensor(std::move(owned), LLMC_FLOAT32, data);
  });
}

llmc_status llmc_session_score(llmc_session *session, const int64_t *ids,
                               size_t num_ids, size_t chunk,
                               double *log_probabilities) {
  return guarded([&] {
    Hold held(session);
    if (num_ids > 1)
      checkPointer(log_probabilities, "log_probabilities");
    Rollback rollback(*held);
    scoreTokens(*held, ids, num_ids, chunk ? chunk : 256, log_probabilities);
    rollback.keep();
  });
}

llmc_status llmc_generate(llmc_session *session, const int64_t *prompt,
                          size_t num_prompt,
                          const llmc_generate_options *options,
                          llmc_token_callback callback, void *user,
                          llmc_generate_result *result) {
  return guarded([&] {
    Hold held(session);
    llmc_generate_options complete = completeOptions<llmc_generate_options>(
        options, LLMC_GENERATE_OPTIONS_INIT);
    Rollback rollback(*held);
    llmc_generate_result done =
        generate(*held, prompt, num_prompt, complete, callback, user);
    rollback.keep();
    if (result)
      *result = done;
  });
}
