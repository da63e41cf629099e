/*===- llmc.h - the C interface of the llmc runtime -----------------------===*\
|*                                                                            *|
|* Opens an artifact that llmc-compile wrote, runs it and generates text. It  *|
|* needs neither MLIR nor LLVM. docs/runtime.md has a complete program;       *|
|* docs/artifact.md says what an artifact holds.                              *|
|*                                                                            *|
|* Every function that can fail returns an llmc_status, and                   *|
|* llmc_last_error() then has a sentence about it. No exception leaves the    *|
|* library. Pointers that a function writes to are untouched when it fails,   *|
|* unless its comment says otherwise.                                         *|
|*                                                                            *|
|* Threads: a model never changes after it was opened and may be shared. A    *|
|* session belongs to one thread at a time; a call that finds it in use fails *|
|* with LLMC_ERROR_BUSY. Sessions of one model may live in several threads,   *|
|* where their compiled code takes turns.                                     *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#ifndef LLMC_RUNTIME_LLMC_H
#define LLMC_RUNTIME_LLMC_H

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define LLMC_API __attribute__((visibility("default")))
#else
#define LLMC_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/*===----------------------------------------------------------------------===*\
|* Errors                                                                     *|
\*===----------------------------------------------------------------------===*/

typedef enum llmc_status {
  LLMC_OK = 0,
  /** An argument is wrong: a name, a type, a shape, a null pointer. */
  LLMC_ERROR_ARGUMENT = 1,
  /** A file is missing, unreadable or shorter than the manifest says. */
  LLMC_ERROR_FILE = 2,
  /** The manifest or the module breaks the artifact format. */
  LLMC_ERROR_FORMAT = 3,
  /** The artifact's format version is not this runtime's. */
  LLMC_ERROR_VERSION = 4,
  /** The artifact was compiled for another machine. */
  LLMC_ERROR_TARGET = 5,
  /** More tokens than the session may hold. */
  LLMC_ERROR_LIMIT = 6,
  /** The compiled code reported an error. */
  LLMC_ERROR_KERNEL = 7,
  LLMC_ERROR_MEMORY = 8,
  /** The session is already running a call. */
  LLMC_ERROR_BUSY = 9,
  /** A defect of the runtime itself. */
  LLMC_ERROR_INTERNAL = 10
} llmc_status;

/** What went wrong in this thread's latest failed call; "" before any. Valid
    until the thread's next failed call. */
LLMC_API const char *llmc_last_error(void);

/** The version of this library, for example "0.1.0". */
LLMC_API const char *llmc_version(void);

/*===----------------------------------------------------------------------===*\
|* Tensors                                                                    *|
\*===----------------------------------------------------------------------===*/

/** Element types. An integer, so that whatever a caller passes can be checked.
    LLMC_BOOL is one byte, 0 or 1. */
typedef int32_t llmc_dtype;
enum {
  LLMC_FLOAT64 = 1,
  LLMC_FLOAT32 = 2,
  LLMC_FLOAT16 = 3,
  LLMC_BFLOAT16 = 4,
  LLMC_INT64 = 5,
  LLMC_INT32 = 6,
  LLMC_INT16 = 7,
  LLMC_INT8 = 8,
  LLMC_UINT64 = 9,
  LLMC_UINT32 = 10,
  LLMC_UINT16 = 11,
  LLMC_UINT8 = 12,
  LLMC_BOOL = 13,
  LLMC_FLOAT8_E4M3FN = 14,
  LLMC_FLOAT8_E4M3FNUZ = 15,
  LLMC_FLOAT8_E5M2 = 16,
  LLMC_FLOAT8_E5M2FNUZ = 17
};

/** numpy's (and ml_dtypes') name of a type, or NULL for no such type. */
LLMC_API const char *llmc_dtype_name(llmc_dtype dtype);

/** Bytes of one element, or 0 for no such type. */
LLMC_API size_t llmc_dtype_size(llmc_dtype dtype);

/** A dense, row-major tensor. */
typedef struct llmc_tensor {
  const char *name;
  llmc_dtype dtype;
  int32_t rank;
  const int64_t *shape;
  /** May be NULL when the tensor has no elements. */
  void *data;
  /** The runtime's; leave it NULL in tensors of your own. */
  void *owner;
} llmc_tensor;

/** Frees a tensor that the runtime returned, name and shape included, and
    clears the struct. Does nothing for NULL and for tensors without owner. */
LLMC_API void llmc_tensor_free(llmc_tensor *tensor);

/** What a model says of an input, output or state. Lives as long as the
    model. */
typedef struct llmc_tensor_info {
  const char *name;
  llmc_dtype dtype;
  int32_t rank;
  /** The size of each dimension, -1 where it may vary. */
  const int64_t *shape;
  /** The name of each dimension that varies, "" elsewhere. Dimensions of equal
      name must have equal size. */
  const char *const *symbols;
  /** States: the dimension that grows with the sequence. -1 for others. */
  int32_t axis;
} llmc_tensor_info;

/*===----------------------------------------------------------------------===*\
|* Models                                                                     *|
\*===----------------------------------------------------------------------===*/

typedef struct llmc_model llmc_model;

typedef int32_t llmc_port;
enum { LLMC_INPUT = 0, LLMC_OUTPUT = 1, LLMC_STATE = 2 };

/** Opens the artifact in `directory`. The weights are mapped, not read. */
LLMC_API llmc_status llmc_model_open(const char *directory, llmc_model **model);

/** Closes a model. Its sessions stay valid: the last one to go releases the
    mapped files. Does nothing for NULL. */
LLMC_API void llmc_model_close(llmc_model *model);

/** How many inputs, outputs or states the model has. */
LLMC_API size_t llmc_model_count(const llmc_model *model, llmc_port port);

/** Describes input, output or state number `index`. */
LLMC_API llmc_status llmc_model_tensor(const llmc_model *model, llmc_port port,
                                       size_t index, llmc_tensor_info *info);

/** The most tokens the model was made for, or 0 when the artifact does not
    say. */
LLMC_API int64_t llmc_model_context_length(const llmc_model *model);

/** The token ids that end a text; `ids` may be NULL. */
LLMC_API size_t llmc_model_eos_ids(const llmc_model *model,
                                   const int64_t **ids);

/** The manifest's "model" object as JSON text, "{}" without one. */
LLMC_API const char *llmc_model_metadata(const llmc_model *model);

/** Bytes of the weights file. */
LLMC_API uint64_t llmc_model_weight_bytes(const llmc_model *model);

/*===----------------------------------------------------------------------===*\
|* Sessions                                                                   *|
\*===----------------------------------------------------------------------===*/

/** One sequence (or batch of sequences) in progress: it owns the model's
    states, such as the KV cache, and remembers how many tokens they hold. */
typedef struct llmc_session llmc_session;

typedef struct llmc_session_options {
  /** sizeof(llmc_session_options), so that the struct can grow. */
  size_t struct_size;
  /** Room for this many tokens from the start; it doubles when needed. */
  int64_t initial_capacity;
  /** The most tokens the session may hold; 0 is the model's context length.
      A model that does not say has no limit. */
  int64_t max_length;
  /** How many threads compute; 0 leaves it to OpenMP: as OMP_NUM_THREADS says,
      or one for each processor. Results do not depend on it. */
  int32_t threads;
} llmc_session_options;

/* clang-format off */
#define LLMC_SESSION_OPTIONS_INIT {sizeof(llmc_session_options), 256, 0, 0}
/* clang-format on */

/** `options` may be NULL. */
LLMC_API llmc_status llmc_session_create(llmc_model *model,
                                         const llmc_session_options *options,
                                         llmc_session **session);

/** Does nothing for NULL. */
LLMC_API void llmc_session_close(llmc_session *session);

/** Runs the model once. `inputs` are the model's inputs in any order, by name.
    `outputs`, of `num_outputs` = the model's number of outputs, gets them in
    the model's order; each is the caller's to free with llmc_tensor_free. In a
    model with states the new tokens are appended to the session; after an
    error the session holds what it held before. */
LLMC_API llmc_status llmc_session_run(llmc_session *session,
                                      const llmc_tensor *inputs,
                                      size_t num_inputs, llmc_tensor *outputs,
                                      size_t num_outputs);

/** How many tokens the session's states hold; 0 in a model without states. This
    and llmc_session_capacity may be asked while the session runs. */
LLMC_API int64_t llmc_session_length(const llmc_session *session);

/** How many tokens they have room for now. */
LLMC_API int64_t llmc_session_capacity(const llmc_session *session);

/** Forgets all tokens but the first `length`. */
LLMC_API llmc_status llmc_session_truncate(llmc_session *session,
                                           int64_t length);

/** Forgets all tokens. */
LLMC_API llmc_status llmc_session_reset(llmc_session *session);

/*===----------------------------------------------------------------------===*\
|* Language models                                                            *|
|*                                                                            *|
|* These fill input_ids, attention_mask and position_ids by name, for a batch *|
|* of one, and read the output `logits`. A model with states goes on from     *|
|* what the session holds; one without states sees the given tokens only, and *|
|* generation then runs the whole sequence again for each token.              *|
\*===----------------------------------------------------------------------===*/

/** Appends `num_ids` tokens and returns float32 logits [num_ids, vocabulary],
    to be freed with llmc_tensor_free. */
LLMC_API llmc_status llmc_session_logits(llmc_session *session,
                                         const int64_t *ids, size_t num_ids,
                                         llmc_tensor *logits);

/** Appends `num_ids` tokens; `log_probabilities[i]`, for i < num_ids - 1, gets
    the natural logarithm of the probability of ids[i + 1] after all before
    it. Runs `chunk` tokens at a time in a model with states (0: 256), which
    bounds the memory for logits. After an error the session holds what it
    held before, and the contents of `log_probabilities` are unspecified. */
LLMC_API llmc_status llmc_session_score(llmc_session *session,
                                        const int64_t *ids, size_t num_ids,
                                        size_t chunk,
                                        double *log_probabilities);

typedef struct llmc_generate_options {
  /** sizeof(llmc_generate_options), so that the struct can grow. */
  size_t struct_size;
  /** The most tokens to generate; 0: until an end token or the context's
      end. */
  int64_t max_tokens;
  /** 0 always takes the most probable token; the fields below then do not
      matter. */
  float temperature;
  /** Sample from this many most probable tokens only; 0: from all. */
  int32_t top_k;
  /** Sample from the most probable tokens that together reach this
      probability; 1: from all. */
  float top_p;
  /** Equal seeds give equal texts. */
  uint64_t seed;
  /** Tokens that end the text. NULL: those of the model. */
  const int64_t *eos_ids;
  size_t num_eos_ids;
  /** Not 0: go on past end tokens. */
  int32_t ignore_eos;
  /** Tokens of the prompt to run at a time in a model with states; 0: 512. */
  int32_t prefill_chunk;
} llmc_generate_options;

/* clang-format off */
#define LLMC_GENERATE_OPTIONS_INIT \
  {sizeof(llmc_generate_options), 0, 0.0f, 0, 1.0f, 0, NULL, 0, 0, 0}
/* clang-format on */

typedef enum llmc_stop {
  LLMC_STOP_MAX_TOKENS = 0,
  LLMC_STOP_EOS = 1,
  /** The session may hold no more tokens. */
  LLMC_STOP_CONTEXT = 2,
  /** The callback asked for it. */
  LLMC_STOP_CALLBACK = 3
} llmc_stop;

typedef struct llmc_generate_result {
  int64_t prompt_tokens;
  int64_t generated_tokens;
  double prefill_seconds;
  /** The time from the first generated token to the last. */
  double decode_seconds;
  llmc_stop stop;
} llmc_generate_result;

/** Gets each token as soon as it is chosen, an end token included. Another
    value than 0 stops the generation. It must not use the session. */
typedef int (*llmc_token_callback)(void *user, int64_t token);

/** Appends the prompt and generates. `options`, `callback` and `result` may be
    NULL. The session then holds the prompt and every generated token but the
    last: to go on, begin the next prompt with it. After an error the session
    holds what it held before, though tokens may have gone to the callback. */
LLMC_API llmc_status llmc_generate(llmc_session *session, const int64_t *prompt,
                                   size_t num_prompt,
                                   const llmc_generate_options *options,
                                   llmc_token_callback callback, void *user,
                                   llmc_generate_result *result);

#ifdef __cplusplus
}
#endif

#endif /* LLMC_RUNTIME_LLMC_H */
