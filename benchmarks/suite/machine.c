/* Measures the limits in machine.h. Compile it for the machine it runs on. */

#include "machine.h"
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

/* Sums that do not wait for each other, as many as the registers hold. */
#if defined(__AVX512F__)
enum { LANES = 16, CHAINS = 16 };
#else
enum { LANES = 8, CHAINS = 12 };
#endif
enum { STREAMS = 4, LOOPS = 20000000 };

typedef uint64_t Block __attribute__((vector_size(64)));
typedef float Floats __attribute__((vector_size(4 * LANES)));

typedef struct {
  const Block *begin;
  size_t blocks; /* of each stream */
  uint64_t sum;
} Part;

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void *read_part(void *argument) {
  Part *part = argument;
  Block sums[STREAMS] = {0};
  for (size_t i = 0; i != part->blocks; ++i)
    for (int s = 0; s != STREAMS; ++s)
      sums[s] += part->begin[(size_t)s * part->blocks + i];
  for (int s = 0; s != STREAMS; ++s)
    for (int lane = 0; lane != 8; ++lane)
      part->sum += sums[s][lane];
  return NULL;
}

static void *multiply_add(void *argument) {
  Floats sums[CHAINS], factor, term;
  /* The compiler must not know the values, or it computes the result. */
  float seed = *(volatile float *)argument;
  for (int lane = 0; lane != LANES; ++lane) {
    factor[lane] = 1 - seed;
    term[lane] = seed;
  }
  for (int c = 0; c != CHAINS; ++c)
    sums[c] = term * (float)c;
  for (int i = 0; i != LOOPS; ++i)
#pragma clang loop unroll(full)
    for (int c = 0; c != CHAINS; ++c)
      sums[c] = sums[c] * factor + term;
  float sum = 0;
  for (int c = 0; c != CHAINS; ++c)
    for (int lane = 0; lane != LANES; ++lane)
      sum += sums[c][lane];
  *(volatile float *)argument = sum;
  return NULL;
}

/* Words, and how four products of bytes are added to each of a vector; HIDE
   keeps the compiler from sharing products among sums. */
#if defined(__AVX512VNNI__)
typedef __m512i Words;
#define DOT(sum, a, b) _mm512_dpbusd_epi32(sum, a, b)
#define HIDE(x) __asm__ volatile("" : "+v"(x))
#elif defined(__AVXVNNI__)
typedef __m256i Words;
#define DOT(sum, a, b) _mm256_dpbusd_avx_epi32(sum, a, b)
#define HIDE(x) __asm__ volatile("" : "+x"(x))
#elif defined(__AVX2__)
typedef __m256i Words;
#define DOT(sum, a, b)                                                         \
  _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(a, b),          \
                                          _mm256_set1_epi16(1)))
#define HIDE(x) __asm__ volatile("" : "+x"(x))
#elif defined(__ARM_FEATURE_DOTPROD)
typedef int32x4_t Words;
#define DOT(sum, a, b)                                                         \
  vdotq_s32(sum, vreinterpretq_s8_s32(a), vreinterpretq_s8_s32(b))
#define HIDE(x) __asm__ volatile("" : "+w"(x))
#endif

#ifdef DOT
static void *dot(void *argument) {
  Words sums[CHAINS], a, b;
  memset(&a, 3, sizeof a);
  memset(&b, 5, sizeof b);
  memset(sums, 0, sizeof sums);
  for (int i = 0; i != LOOPS; ++i)
#pragma clang loop unroll(full)
    for (int c = 0; c != CHAINS; ++c) {
      HIDE(a);
      sums[c] = DOT(sums[c], a, b);
    }
  uint32_t words[sizeof sums / 4], sum = 0;
  memcpy(words, sums, sizeof sums);
  for (size_t i = 0; i != sizeof words / 4; ++i)
    sum += words[i];
  *(volatile float *)argument = (float)sum;
  return NULL;
}
#endif

/* Seconds that all threads need, each with its own argument. */
static double timed(void *(*work)(void *), void *arguments, size_t size,
                    int threads) {
  pthread_t *ids = calloc((size_t)threads, sizeof *ids);
  double start = now();
  for (int t = 0; t != threads; ++t)
    pthread_create(&ids[t], NULL, work, (char *)arguments + (size_t)t * size);
  for (int t = 0; t != threads; ++t)
    pthread_join(ids[t], NULL);
  double seconds = now() - start;
  free(ids);
  return seconds;
}

int machine_measure(int threads, size_t bytes, machine_limits *limits) {
  size_t blocks = bytes / sizeof(Block) / (size_t)threads / STREAMS;
  bytes = blocks * sizeof(Block) * (size_t)threads * STREAMS;
  Block *buffer = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (buffer == MAP_FAILED)
    return -1;
  madvise(buffer, bytes, MADV_HUGEPAGE);
  memset(buffer, 1, bytes);
  Part *parts = calloc((size_t)threads, sizeof *parts);
  float *seeds = calloc((size_t)threads, sizeof *seeds);
  for (int t = 0; t != threads; ++t) {
    parts[t].begin = buffer + (size_t)t * blocks * STREAMS;
    parts[t].blocks = blocks;
    seeds[t] = 1e-9F;
  }
  double read = 1e9;
  for (int i = 0; i != 3; ++i) {
    double seconds = timed(read_part, parts, sizeof *parts, threads);
    if (seconds < read)
      read = seconds;
  }
  double steps = 2.0 * CHAINS * (double)LOOPS * threads * 1e-9;
  limits->read_gb_per_s = (double)bytes / read * 1e-9;
  limits->fp32_gop_per_s =
      LANES * steps / timed(multiply_add, seeds, sizeof *seeds, threads);
#ifdef DOT
  limits->int8_gop_per_s =
      (double)sizeof(Words) * steps / timed(dot, seeds, sizeof *seeds, threads);
#else
  limits->int8_gop_per_s = 0;
#endif
  free(seeds);
  free(parts);
  munmap(buffer, bytes);
  return 0;
}
