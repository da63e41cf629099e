/*===- ToyModule.c - a hand-written module.so -----------------------------===*\
|*                                                                            *|
|* Follows docs/artifact.md to the letter, so that the runtime is tested      *|
|* without the compiler. The next token is the sum of all tokens so far       *|
|* modulo 16; the model remembers tokens only through its state, so a wrong   *|
|* row anywhere shows. logits[b, s, :] = table[next, :].                      *|
|*                                                                            *|
|* The weight `mode` makes it misbehave.                                      *|
|*                                                                            *|
\*===----------------------------------------------------------------------===*/

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { vocabulary = 16, heads = 2, width = 4 };

/* With room for the largest rank here; the memory holds 3 + 2 * rank words. */
typedef struct Memref {
  void *allocated, *aligned;
  int64_t offset;
  int64_t sizesAndStrides[8];
} Memref;

int64_t llmc_error;

static int64_t tokenAt(const Memref *ids, int64_t b, int64_t s) {
  return ((const int64_t *)ids->aligned)[b * ids->sizesAndStrides[1] + s];
}

void llmc_invoke(void **args) {
  int64_t *results = args[0];
  const Memref *ids = args[1];
  int64_t batch = ids->sizesAndStrides[0], seq = ids->sizesAndStrides[1];
#ifdef TOY_STATELESS
  const Memref *table = args[2], *mode = args[3];
  int64_t past = 0;
#else
  const Memref *mask = args[2], *positions = args[3], *memory = args[4];
  const Memref *table = args[6], *mode = args[7];
  int64_t past = *(int64_t *)((const Memref *)args[5])->aligned;
  int64_t total = mask->sizesAndStrides[1];
  int64_t capacity = memory->sizesAndStrides[2];
  if (total != past + seq || capacity < total) {
    llmc_error = 2;
    return;
  }
#endif
  int32_t how = *(int32_t *)mode->aligned;

  float *logits = malloc(batch * seq * vocabulary * sizeof(float) + 1);
  int64_t *length = malloc(sizeof(int64_t));
  *length = past + seq;
  int64_t shape[] = {batch,
                     seq,
                     how == 3 ? vocabulary + 1 : vocabulary,
                     seq * vocabulary,
                     vocabulary,
                     how == 4 ? 2 : 1};
  results[0] = results[1] = (int64_t)(intptr_t)logits;
  results[2] = 0;
  memcpy(results + 3, shape, sizeof(shape));
  results[9] = results[10] =
      (int64_t)(intptr_t)(how == 1 ? (void *)logits : (void *)length);
  results[11] = 0;
  if (how == 1)
    free(length);
  if (how == 5) {
    free(logits);
    results[0] = results[1] = (int64_t)(intptr_t)ids->aligned;
  }
  if (how == 6) {
    free(logits);
    results[0] = 0;
  }
  if (how == 2) {
    llmc_error = 77;
    return;
  }
  if (how >= 3)
    return;

  for (int64_t b = 0; b < batch; ++b) {
    int64_t sum = 0;
#ifndef TOY_STATELESS
    float *rows = (float *)memory->aligned + b * heads * capacity * width;
    for (int64_t s = 0; s < past; ++s)
      for (int64_t h = 0; h < heads; ++h)
        sum += (int64_t)rows[(h * capacity + s) * width + h];
#endif
    for (int64_t s = 0; s < seq; ++s) {
      int64_t token = tokenAt(ids, b, s);
      if (token < 0 || token >= vocabulary) {
        llmc_error = 1;
        return;
      }
#ifndef TOY_STATELESS
      if (tokenAt(positions, b, s) != past + s || !tokenAt(mask, b, past + s)) {
        llmc_error = 2;
        return;
      }
      /* A part of the token in each head. */
      rows[(past + s) * width] = (float)(token / 2);
      rows[(capacity + past + s) * width + 1] = (float)(token - token / 2);
#endif
      sum += token;
      memcpy(logits + (b * seq + s) * vocabulary,
             (float *)table->aligned + (sum % vocabulary) * vocabulary,
             vocabulary * sizeof(float));
    }
  }
}
