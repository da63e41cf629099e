/* What this machine can do at most, for the rooflines of the benchmarks.

   machine THREADS MEGABYTES

   prints the bandwidth of reading a buffer that no cache holds, every thread in
   several streams, and the rate of fused multiply-adds in 32-bit floats, both
   with all threads at once, as JSON. */

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

enum { STREAMS = 4, CHAINS = 16, LOOPS = 20000000 };

typedef uint64_t Block __attribute__((vector_size(64)));
typedef float Floats __attribute__((vector_size(64)));

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
  for (int lane = 0; lane != 16; ++lane) {
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
    for (int lane = 0; lane != 16; ++lane)
      sum += sums[c][lane];
  *(volatile float *)argument = sum;
  return NULL;
}

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

int main(int argc, char **argv) {
  int threads = argc == 3 ? atoi(argv[1]) : 0;
  size_t bytes = argc == 3 ? (size_t)atol(argv[2]) << 20 : 0;
  if (threads < 1 || bytes == 0) {
    fprintf(stderr, "usage: machine THREADS MEGABYTES\n");
    return 2;
  }
  size_t blocks = bytes / sizeof(Block) / (size_t)threads / STREAMS;
  bytes = blocks * sizeof(Block) * (size_t)threads * STREAMS;
  Block *buffer = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (buffer == MAP_FAILED) {
    perror("machine");
    return 1;
  }
  madvise(buffer, bytes, MADV_HUGEPAGE);
  memset(buffer, 1, bytes);
  Part *parts = calloc((size_t)threads, sizeof *parts);
  float *seeds = calloc((size_t)threads, sizeof *seeds);
  for (int t = 0; t != threads; ++t) {
    parts[t].begin = buffer + (size_t)t * blocks * STREAMS;
    parts[t].blocks = blocks;
    seeds[t] = 1e-9F;
  }
  double read = 1e9, compute = 1e9;
  for (int i = 0; i != 3; ++i) {
    double seconds = timed(read_part, parts, sizeof *parts, threads);
    if (seconds < read)
      read = seconds;
  }
  compute = timed(multiply_add, seeds, sizeof *seeds, threads);
  uint64_t sum = 0;
  for (int t = 0; t != threads; ++t)
    sum += parts[t].sum;
  fprintf(stderr, "checksums %llu %g\n", (unsigned long long)sum,
          (double)seeds[0]);
  printf("{\"read_gb_per_s\": %.3f, \"fp32_gop_per_s\": %.3f}\n",
         (double)bytes / read * 1e-9,
         2.0 * 16 * CHAINS * (double)LOOPS * threads / compute * 1e-9);
  return 0;
}
