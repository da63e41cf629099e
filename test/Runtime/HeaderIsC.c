/*===- HeaderIsC.c - llmc.h compiles as C11 -------------------------------===*/

#include "llmc/Runtime/llmc.h"

size_t sizeOfOptionsInC(void);
size_t sizeOfOptionsInC(void) {
  llmc_session_options session = LLMC_SESSION_OPTIONS_INIT;
  llmc_generate_options generate = LLMC_GENERATE_OPTIONS_INIT;
  return session.struct_size + generate.struct_size;
}
