/* Opens an artifact and prints how many inputs it has, or why it cannot. */
#include <llmc/Runtime/llmc.h>
#include <stdio.h>

int main(int argc, char **argv) {
  llmc_model *model = NULL;
  if (argc != 2)
    return 2;
  if (llmc_model_open(argv[1], &model) != LLMC_OK) {
    fprintf(stderr, "error: %s\n", llmc_last_error());
    return 1;
  }
  printf("%zu inputs\n", llmc_model_count(model, LLMC_INPUT));
  llmc_model_close(model);
  return 0;
}
