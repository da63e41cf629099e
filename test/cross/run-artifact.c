/* Runs an artifact once: run-artifact ARTIFACT INPUTS OUTPUTS
 *
 * INPUTS has the model's inputs in its order, OUTPUTS gets its outputs: for
 * each tensor the rank and the sizes as int64, then the elements. */
#include "llmc/Runtime/llmc.h"
#include <stdio.h>
#include <stdlib.h>

enum { MAX_TENSORS = 64, MAX_RANK = 8 };

static void check(int isGood, const char *what) {
  if (isGood)
    return;
  fprintf(stderr, "error: %s\n", what);
  exit(1);
}

static size_t countBytes(const llmc_tensor *tensor) {
  size_t bytes = llmc_dtype_size(tensor->dtype);
  for (int32_t i = 0; i < tensor->rank; ++i)
    bytes *= (size_t)tensor->shape[i];
  return bytes;
}

int main(int argc, char **argv) {
  static int64_t shapes[MAX_TENSORS][MAX_RANK];
  llmc_tensor inputs[MAX_TENSORS] = {{0}}, outputs[MAX_TENSORS] = {{0}};
  llmc_model *model = NULL;
  llmc_session *session = NULL;
  check(argc == 4, "usage: run-artifact ARTIFACT INPUTS OUTPUTS");
  check(llmc_model_open(argv[1], &model) == LLMC_OK, llmc_last_error());
  size_t numInputs = llmc_model_count(model, LLMC_INPUT);
  size_t numOutputs = llmc_model_count(model, LLMC_OUTPUT);
  check(numInputs <= MAX_TENSORS && numOutputs <= MAX_TENSORS,
        "too many tensors");

  FILE *in = fopen(argv[2], "rb");
  check(in != NULL, "cannot read the inputs");
  for (size_t i = 0; i < numInputs; ++i) {
    llmc_tensor_info info;
    int64_t rank;
    llmc_model_tensor(model, LLMC_INPUT, i, &info);
    check(fread(&rank, sizeof rank, 1, in) == 1 && rank <= MAX_RANK,
          "the inputs end too early");
    inputs[i] = (llmc_tensor){info.name, info.dtype, (int32_t)rank,
                              shapes[i], NULL,       NULL};
    check(fread(shapes[i], 8, (size_t)rank, in) == (size_t)rank,
          "the inputs end too early");
    size_t bytes = countBytes(&inputs[i]);
    inputs[i].data = malloc(bytes + 1);
    check(fread(inputs[i].data, 1, bytes, in) == bytes,
          "the inputs end too early");
  }
  fclose(in);

  check(llmc_session_create(model, NULL, &session) == LLMC_OK &&
            llmc_session_run(session, inputs, numInputs, outputs, numOutputs) ==
                LLMC_OK,
        llmc_last_error());
  FILE *out = fopen(argv[3], "wb");
  check(out != NULL, "cannot write the outputs");
  for (size_t i = 0; i < numOutputs; ++i) {
    int64_t rank = outputs[i].rank;
    size_t bytes = countBytes(&outputs[i]);
    check(fwrite(&rank, sizeof rank, 1, out) == 1 &&
              fwrite(outputs[i].shape, 8, (size_t)rank, out) == (size_t)rank &&
              fwrite(outputs[i].data, 1, bytes, out) == bytes,
          "cannot write the outputs");
    llmc_tensor_free(&outputs[i]);
  }
  check(fclose(out) == 0, "cannot write the outputs");
  for (size_t i = 0; i < numInputs; ++i)
    free(inputs[i].data);
  llmc_session_close(session);
  llmc_model_close(model);
  return 0;
}
