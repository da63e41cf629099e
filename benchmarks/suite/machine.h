/* What this machine can do at most, for the rooflines of the benchmarks. */

#ifndef LLMC_BENCHMARKS_MACHINE_H
#define LLMC_BENCHMARKS_MACHINE_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
  /** Reading a buffer that no cache holds, every thread in several streams. */
  double read_gb_per_s;
  /** Multiply-adds of 32-bit floats; each is two operations. */
  double fp32_gop_per_s;
  /** The same of 8-bit integers, summed in 32 bits by the vector instructions
      that there are for it; 0 where machine.c knows none. */
  double int8_gop_per_s;
} machine_limits;

/** Measures with all threads at once. Returns 0, or -1 when there is no memory
    for `bytes`. */
int machine_measure(int threads, size_t bytes, machine_limits *limits);

#ifdef __cplusplus
}
#endif

#endif /* LLMC_BENCHMARKS_MACHINE_H */
