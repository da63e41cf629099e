//===- EmbeddingKernel.h - rows of a weight in panels ----------*- C++ -*-===//

#ifndef LLMC_LIB_BACKENDS_CPU_EMBEDDINGKERNEL_H
#define LLMC_LIB_BACKENDS_CPU_EMBEDDINGKERNEL_H

#include "PanelLayout.h"

namespace llmc::cpu {

/// Writes the body of `function(ids, panels..., y)`: y[..., :] is the row
/// `ids[...]` of the weight that `layout` stores. An id that is negative counts
/// from the end; one outside the weight sets llmc_error.
void emitEmbedding(mlir::func::FuncOp function, const PanelLayout &layout);

} // namespace llmc::cpu

#endif // LLMC_LIB_BACKENDS_CPU_EMBEDDINGKERNEL_H
