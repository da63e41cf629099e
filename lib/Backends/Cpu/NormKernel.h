//===- NormKernel.h - norms of rows ----------------------------*- C++ -*-===//

#ifndef LLMC_LIB_BACKENDS_CPU_NORMKERNEL_H
#define LLMC_LIB_BACKENDS_CPU_NORMKERNEL_H

#include "KernelBuilder.h"
#include "NormSpec.h"

namespace llmc::cpu {

/// Reads rows of x, [..., columns], as a norm leaves them, or as they are.
class RowNorm {
public:
  RowNorm(KernelBuilder &k, const NormSpec &spec, int64_t columns, Value x,
          Value scale, Value bias)
      : k(k), spec(spec), columns(columns), x(x), scale(scale), bias(bias) {}

  /// Writes the statistics of the row at `place`, which the reads that follow
  /// are of.
  void begin(mlir::ValueRange place);
  /// A vector from `column` on, 0 where `mask`, if there is one, is not set.
  Value read(Value column, Value mask);

private:
  Value sumOf(llvm::function_ref<Value(Value)> term);
  Values getAddress(Value column) const;

  KernelBuilder &k;
  const NormSpec &spec;
  int64_t columns;
  Value x, scale, bias;
  Values place;
  Value centre, factor;
};

/// A norm that stands alone: kernel(x, scale, [bias], y), x and y [..., K].
struct NormKernelSpec {
  NormSpec norm;
  int64_t columns = 0; ///< K
  int64_t rank = 0;    ///< of x

  template <typename Visitor> void visit(Visitor &&visit) {
    visit("norm", norm);
    visit("columns", columns);
    visit("rank", rank);
  }
};

/// Writes the body of the kernel.
void emitNorm(mlir::func::FuncOp function, const NormKernelSpec &spec,
              const Isa &isa);

} // namespace llmc::cpu

#endif // LLMC_LIB_BACKENDS_CPU_NORMKERNEL_H
