//===- TopKKernel.h - the largest of a row and their places ----*- C++ -*-===//

#ifndef LLMC_LIB_BACKENDS_CPU_TOPKKERNEL_H
#define LLMC_LIB_BACKENDS_CPU_TOPKKERNEL_H

#include "KernelBuilder.h"

namespace llmc::cpu {

/// What a top k kernel computes: kernel(x, values, ids), x [..., columns], the
/// others [..., count]; llmc.top_k of the last dimension, of f32.
struct TopKSpec {
  int64_t count = 0;   ///< k
  int64_t columns = 0; ///< of a row
  int64_t rank = 0;    ///< of x

  template <typename Visitor> void visit(Visitor &&visit) {
    visit("count", count);
    visit("columns", columns);
    visit("rank", rank);
  }
};

/// The kernel for `op`, if it is such a top k of few.
std::optional<TopKSpec> matchTopK(mlir::Operation *op);

/// Writes the body of the kernel.
void emitTopK(mlir::func::FuncOp function, const TopKSpec &spec,
              const Isa &isa);

} // namespace llmc::cpu

#endif // LLMC_LIB_BACKENDS_CPU_TOPKKERNEL_H
