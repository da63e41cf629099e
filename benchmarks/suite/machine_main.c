/* machine THREADS MEGABYTES: prints the limits in machine.h as JSON. */

#include "machine.h"
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv) {
  int threads = argc == 3 ? atoi(argv[1]) : 0;
  size_t bytes = argc == 3 ? (size_t)atol(argv[2]) << 20 : 0;
  machine_limits limits;
  if (threads < 1 || bytes == 0) {
    fprintf(stderr, "usage: machine THREADS MEGABYTES\n");
    return 2;
  }
  if (machine_measure(threads, bytes, &limits) != 0) {
    perror("machine");
    return 1;
  }
  printf("{\"read_gb_per_s\": %.3f, \"fp32_gop_per_s\": %.3f, "
         "\"int8_gop_per_s\": ",
         limits.read_gb_per_s, limits.fp32_gop_per_s);
  if (limits.int8_gop_per_s > 0)
    printf("%.3f}\n", limits.int8_gop_per_s);
  else
    printf("null}\n");
  return 0;
}
