//===- Samples.h - what calibration runs a model on -------------*- C++ -*-===//

#ifndef LLMC_LIB_CALIBRATE_SAMPLES_H
#define LLMC_LIB_CALIBRATE_SAMPLES_H

#include "llmc/Calibrate/Executor.h"
#include "llmc/Weights/Safetensors.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace llmc {

/// Tensors for the arguments of a model, many of each, in a mapped file.
class Samples {
public:
  /// Reads `path` for the arguments of `main`. Fails when one has no tensor,
  /// its types or sizes do not fit, or two have different numbers of samples.
  static llvm::Expected<Samples> read(mlir::func::FuncOp main,
                                      llvm::StringRef path);

  int64_t size() const { return numSamples; }

  /// Argument `argument` of sample `sample`, a batch of one, a view.
  HostTensor get(unsigned argument, int64_t sample) const;

private:
  Safetensors file;
  llvm::SmallVector<NamedTensor> tensors;
  llvm::SmallVector<mlir::Type> types;
  int64_t numSamples = 0;
};

} // namespace llmc

#endif // LLMC_LIB_CALIBRATE_SAMPLES_H
