//===- CostModel.h - how long kernels take ---------------------*- C++ -*-===//
//
// What the compression search chooses by: not how long a kernel takes on some
// machine, but which of two is faster, and by about how much. The constants are
// therefore those of a core of a server of today, for all machines; only what a
// vector does in one instruction is the target's. benchmarks/run.py --kernels
// compares with measurements.
//
//===----------------------------------------------------------------------===//

#ifndef LLMC_LIB_BACKENDS_CPU_COSTMODEL_H
#define LLMC_LIB_BACKENDS_CPU_COSTMODEL_H

#include "AttentionKernel.h"
#include "Isa.h"
#include "PanelLayout.h"

namespace llmc::cpu {

/// What a linear multiplies.
enum class Products {
  Floats,
  Integers, ///< of 8 bits
  Pairs,    ///< x is rounded to bf16, as its weights are
};

/// All costs are seconds of one core that has its share of the memory's
/// bandwidth, as when all cores work: several need a part of that each.
class CostModel {
public:
  explicit CostModel(const Isa &isa) : isa(isa) {}

  /// Of `rows` rows of x times a weight of `outputs` rows. `step`: see
  /// LinearSpec.
  double getLinear(const PanelLayout &layout, int64_t outputs, int64_t rows,
                   Products kind, int64_t step) const;

  /// Of `rows` rows of a weight.
  double getEmbedding(const PanelLayout &layout, int64_t rows) const;

  /// Of the last `rows` queries of a sequence of `keys`.
  double getAttention(const AttentionSpec &spec, int64_t rows,
                      int64_t keys) const;

private:
  /// Vector instructions of one step of an inner loop: one column of a panel,
  /// or four in integer products.
  struct Step {
    double products;  ///< for each row: multiplications
    double additions; ///< for each row: what belongs to them
    double unpacking; ///< for each tile of rows
  };
  Step getStep(const PanelLayout &layout, bool integers) const;

  /// Seconds of products in AMX's tiles; infinite where they are not used.
  double getTileTime(const PanelLayout &layout, double panels, double rows,
                     Products kind, int64_t step) const;

  /// Seconds for vector instructions, of which `products` multiply.
  double getTime(double products, double others) const;

  Isa isa;
};

} // namespace llmc::cpu

#endif // LLMC_LIB_BACKENDS_CPU_COSTMODEL_H
