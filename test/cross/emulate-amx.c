/* Runs AMX's instructions on a processor without them, when preloaded: each
 * raises SIGILL, whose handler does its work. Only those that llmc's kernels
 * use. What a processor would refuse ends the process with a message. */
#define _GNU_SOURCE
#include <float.h>
#include <math.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

enum { TILES = 8, ROWS = 16, BYTES = 64 };

static __thread struct {
  uint16_t bytes[TILES]; /* of a row; 0 without a configuration */
  uint8_t rows[TILES];
  uint8_t data[TILES][ROWS][BYTES];
} state;

static void check(int isGood, const char *what, const uint8_t *code) {
  if (isGood)
    return;
  fprintf(stderr, "emulate-amx: %s, at", what);
  for (int i = 0; i < 10; ++i)
    fprintf(stderr, " %02x", code[i]);
  fprintf(stderr, "\n");
  abort();
}

static void configure(const uint8_t *from, const uint8_t *code) {
  memset(&state, 0, sizeof state);
  memcpy(state.bytes, from + 16, sizeof state.bytes);
  memcpy(state.rows, from + 48, sizeof state.rows);
  check(from[0] == 1 && from[1] == 0, "palette", code);
  for (int i = 2; i < 64; ++i)
    check((i >= 16 && i < 32) || (i >= 48 && i < 56) || from[i] == 0,
          "reserved bytes", code);
  for (int i = 0; i < TILES; ++i)
    check(state.bytes[i] <= BYTES && state.rows[i] <= ROWS &&
              !state.bytes[i] == !state.rows[i],
          "shape", code);
}

static void checkShapes(int c, int a, int b, const uint8_t *code) {
  check(state.rows[c] == state.rows[a] && state.bytes[c] == state.bytes[b] &&
            state.bytes[a] == 4 * state.rows[b] && c != a && c != b && a != b,
        "shapes", code);
}

/* C += A B for bytes of A with signs and bytes of B with or without. */
static void dot(int c, int a, int b, int isSigned) {
  for (int m = 0; m < state.rows[c]; ++m)
    for (int n = 0; n < state.bytes[c] / 4; ++n) {
      int32_t sum;
      memcpy(&sum, &state.data[c][m][4 * n], 4);
      for (int k = 0; k < state.bytes[a]; ++k) {
        uint8_t weight = state.data[b][k / 4][4 * n + k % 4];
        sum += (int8_t)state.data[a][m][k] *
               (isSigned ? (int8_t)weight : (int)weight);
      }
      memcpy(&state.data[c][m][4 * n], &sum, 4);
    }
}

/* Subnormal numbers are zeros. */
static float flush(float value) {
  return fabsf(value) < FLT_MIN ? copysignf(0, value) : value;
}

static float widen(const uint8_t *from) {
  uint32_t bits = (uint32_t)from[1] << 24 | (uint32_t)from[0] << 16;
  float value;
  memcpy(&value, &bits, 4);
  return flush(value);
}

/* C += A B for bf16: products in even places and in odd ones have a sum each.
 * An Emerald Rapids makes the same bits, but for those of a NaN. */
static void dotPairs(int c, int a, int b) {
  for (int m = 0; m < state.rows[c]; ++m)
    for (int n = 0; n < state.bytes[c] / 4; ++n) {
      float sum, parts[2] = {0, 0};
      for (int k = 0; k < state.bytes[a]; k += 2) {
        int odd = k / 2 % 2;
        parts[odd] = flush(fmaf(widen(state.data[a][m] + k),
                                widen(state.data[b][k / 4] + 4 * n + 2 * odd),
                                parts[odd]));
      }
      memcpy(&sum, &state.data[c][m][4 * n], 4);
      sum = flush(flush(sum) + flush(parts[0] + parts[1]));
      memcpy(&state.data[c][m][4 * n], &sum, 4);
    }
}

static const int names[] = {
    REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
    REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

/* See "Instruction format" in Intel's manual, volume 2. */
static void emulate(int number, siginfo_t *info, void *context) {
  greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
  const uint8_t *code = (const uint8_t *)registers[REG_RIP];
  check(code[0] == 0xc4 && (code[1] & 31) == 2 && !(code[2] & 0x80),
        "no instruction of AMX", code);
  int prefix = code[2] & 3, other = ~code[2] >> 3 & 15, op = code[3];
  int mode = code[4] >> 6, tile = code[4] >> 3 & 7, rm = code[4] & 7;
  int indexHigh = code[1] & 0x40 ? 0 : 8, baseHigh = code[1] & 0x20 ? 0 : 8;
  const uint8_t *next = code + 5;
  uint8_t *base = NULL;
  int64_t stride = 0;
  if (mode != 3) {
    int name = rm;
    if (rm == 4) {
      int sib = *next++, index = (sib >> 3 & 7) | indexHigh;
      name = sib & 7;
      if (index != 4)
        stride = registers[names[index]] * (1 << (sib >> 6));
    }
    int32_t offset = 0;
    check(mode != 0 || name != 5 || rm == 5, "address", code);
    if (mode == 1)
      offset = (int8_t)*next++;
    if (mode == 2 || (mode == 0 && rm == 5)) {
      memcpy(&offset, next, 4);
      next += 4;
    }
    base = mode == 0 && rm == 5 ? (uint8_t *)next
                                : (uint8_t *)registers[names[name | baseHigh]];
    base += offset;
  }
  if (op == 0x49 && mode != 3 && prefix == 0) {
    configure(base + stride, code);
  } else if (op == 0x49 && code[4] == 0xc0 && prefix == 0) {
    memset(&state, 0, sizeof state);
  } else if (op == 0x49 && mode == 3 && prefix == 3) {
    check(state.rows[tile], "no shape", code);
    memset(state.data[tile], 0, sizeof state.data[tile]);
  } else if (op == 0x4b && prefix >= 2) {
    check(mode != 3 && rm == 4 && state.rows[tile], "no shape", code);
    for (int i = 0; i < state.rows[tile]; ++i)
      if (prefix == 3)
        memcpy(state.data[tile][i], base + i * stride, state.bytes[tile]);
      else
        memcpy(base + i * stride, state.data[tile][i], state.bytes[tile]);
  } else {
    int isInteger = op == 0x5e && prefix >= 2;
    check((isInteger || (op == 0x5c && prefix == 2)) && mode == 3, "unknown",
          code);
    checkShapes(tile, rm, other, code);
    if (isInteger)
      dot(tile, rm, other, prefix == 3);
    else
      dotPairs(tile, rm, other);
  }
  registers[REG_RIP] = (greg_t)next;
}

__attribute__((constructor)) static void install(void) {
  struct sigaction action = {0};
  action.sa_sigaction = emulate;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGILL, &action, NULL);
}
