//===- EmbeddingKernel.h - rows of a weight in panels ----------*- C++ -*-===//

#ifndef LLMC_LIB_BACKENDS_CPU_EMBEDDINGKERNEL_H
#define LLMC_LIB_BACKENDS_CPU_EMBEDDINGKERNEL_H

#include "KernelBuilder.h"
#include "PanelLayout.h"

namespace llmc::cpu {

/// What an embedding kernel computes: `kernel(ids, panels..., y)` with the row
/// `ids[...]` of the weight in y[..., :]. An id that is negative counts from
/// the end; one outside the weight sets llmc_error.
struct EmbeddingSpec {
  PanelLayout layout;
  int64_t rows = 0;             ///< of the weight
  int64_t rank = 0, idBits = 0; ///< of ids

  template <typename Visitor> void visit(Visitor &&visit) {
    visit("layout", layout);
    visit("rows", rows);
    visit("rank", rank);
    visit("id_bits", idBits);
  }
};

/// Writes the body of the kernel.
void emitEmbedding(mlir::func::FuncOp function, const EmbeddingSpec &spec,
                   const Isa &isa);

} // namespace llmc::cpu

#endif // LLMC_LIB_BACKENDS_CPU_EMBEDDINGKERNEL_H
