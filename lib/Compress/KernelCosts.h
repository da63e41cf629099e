//===- KernelCosts.h - seconds of ops by the format of a weight -*- C++ -*-===//

#ifndef LLMC_LIB_COMPRESS_KERNELCOSTS_H
#define LLMC_LIB_COMPRESS_KERNELCOSTS_H

#include "llmc/Compress/Passes.h"
#include "llmc/Compress/WeightUses.h"
#include "llmc/Target/Backends.h"

namespace llmc {

/// How weights will be stored, and what will become of what linears read.
struct StoredFormat {
  int64_t bits, block;
  bool symmetric;
  ScaleStorage scales;
  /// Indices into one codebook of the weight instead of integers.
  bool codebook;
  /// Zero points are floats; symmetric ones are not stored.
  bool floatZeros;
};

/// Asks the context's backends what ops take now, and with other weights: for
/// that it builds the op, with parameters that hold nothing, beside the one
/// that is there, and erases it again.
class KernelCosts {
public:
  /// `roundsOperands` says that llmc-quantize-activations will run.
  KernelCosts(mlir::ModuleOp module, int64_t rows, bool roundsOperands)
      : module(module), backends(Backends::of(module.getContext())), rows(rows),
        roundsOperands(roundsOperands) {}

  /// Seconds of the op with the weight that it has; infinite without a kernel.
  double get(mlir::Operation *op);
  /// Seconds of a linear or embedding with its weight in another format.
  double get(mlir::Operation *op, const StoredFormat &format);

private:
  mlir::Value createWeight(mlir::OpBuilder &builder, mlir::OpOperand &weight,
                           const StoredFormat &format);
  mlir::Value createScales(mlir::OpBuilder &builder, mlir::Location location,
                           mlir::RankedTensorType type, ScaleStorage storage);
  mlir::Value createParam(mlir::OpBuilder &builder, mlir::Location location,
                          llvm::ArrayRef<int64_t> shape, mlir::Type element,
                          double value);
  double ask(mlir::OpBuilder &builder, mlir::Operation *op, mlir::Value weight);

  mlir::ModuleOp module;
  const Backends &backends;
  int64_t rows;
  bool roundsOperands;
};

/// The linears and embeddings that read a weight.
llvm::SmallVector<mlir::Operation *> getReaders(const UsedWeight &weight);

} // namespace llmc

#endif // LLMC_LIB_COMPRESS_KERNELCOSTS_H
