//===- LinearKernel.h - products with weights in panels --------*- C++ -*-===//

#ifndef LLMC_LIB_BACKENDS_CPU_LINEARKERNEL_H
#define LLMC_LIB_BACKENDS_CPU_LINEARKERNEL_H

#include "KernelBuilder.h"
#include "LinearSpec.h"

namespace llmc::cpu {

/// Rows of x that meet all panels before others do, at most.
constexpr int64_t mostPartRows = 256;

/// x as the products read it: [rows, pitch], and numbers of each block of a
/// row, [rows, blocks].
struct PreparedRows {
  Value values; ///< f32, or words of four integers of 8 bits or of two bf16
  int64_t pitch;
  Value steps; ///< f32: what the integers are multiples of; null for floats
  /// Of `values`, null where no zero point needs it: f32, or i32 that are
  /// multiplied by minus the zero point where all weights have the same one.
  Value sums;
  llvm::SmallVector<Value> allocated;
};

/// Some rows of x times some panels.
struct Tile {
  Value firstRow, firstPanel;
  int64_t rows = 0, panels = 0;
};

/// Writes code that normalizes and rounds x, [rows, K], as `spec` says, to
/// multiples of `step` if it has one.
PreparedRows emitPreparedRows(KernelBuilder &k, const LinearSpec &spec, Value x,
                              Value rows, Value normScale, Value normBias,
                              Value step);

/// Whether AMX multiplies what is rounded to bf16, for any number of rows: its
/// sums are not those of vectors. Its tiles have 32 columns.
inline bool canUsePairTiles(const LinearSpec &spec, const Isa &isa) {
  return spec.pairs && isa.hasPairTiles && isa.lanes == 16 &&
         spec.layout.columns % 32 == 0;
}

/// Whether products of floats take the columns of x that a sparse weight keeps.
inline bool selectsFloats(const PanelLayout &layout, const Isa &isa) {
  return layout.isSparse && isa.selectsLanes();
}

/// Whether products read x, rounded to bf16, in pairs.
inline bool readsPairs(const LinearSpec &spec, const Isa &isa) {
  return canUsePairTiles(spec, isa) ||
         (spec.pairs && isa.pairDot != PairDot::None);
}

/// `activation(x)` of a vector of f32.
Value emitActivation(KernelBuilder &k, Activation activation, Value x);

/// Writes the body of the kernel that `spec` describes. A result is the same
/// for any number of rows and threads.
void emitLinear(mlir::func::FuncOp function, const LinearSpec &spec,
                const Isa &isa);

} // namespace llmc::cpu

#endif // LLMC_LIB_BACKENDS_CPU_LINEARKERNEL_H
