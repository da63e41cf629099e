//===- BlockRunner.h - running one block of a model -------------*- C++ -*-===//

#ifndef LLMC_LIB_CALIBRATE_BLOCKRUNNER_H
#define LLMC_LIB_CALIBRATE_BLOCKRUNNER_H

#include "Samples.h"
#include "llmc/Calibrate/Blocks.h"
#include "llmc/Calibrate/Executor.h"

namespace llmc {

/// What some outputs of a block need, compiled.
struct CompiledBlock {
  /// What the block before hands on; null if there is none.
  mlir::Value input;
  BlockModule part;
  std::unique_ptr<Executor> executor;
};

/// Runs blocks of a model on samples.
class BlockRunner {
public:
  BlockRunner(mlir::func::FuncOp main, const Samples &samples)
      : main(main), samples(samples) {}

  /// Remembers the names of the dimensions of what these blocks hand on, by
  /// the symbols of the whole model's analysis.
  mlir::LogicalResult noteDims(llvm::ArrayRef<ModelBlock> blocks);
  /// Names for `llmc.dims`; null of a value that was not noted.
  mlir::ArrayAttr getDims(mlir::Value value) const {
    return dims.lookup(value);
  }
  /// `to` stands in the place of `from`.
  void moveDims(mlir::Value from, mlir::Value to) { dims[to] = getDims(from); }

  BlockModule build(const ModelBlock &block,
                    llvm::ArrayRef<mlir::Value> outputs);
  /// Compiles what `outputs` need, after `edit` of that module.
  mlir::FailureOr<CompiledBlock> compile(
      const ModelBlock &block, llvm::ArrayRef<mlir::Value> outputs,
      llvm::function_ref<void(mlir::ModuleOp)> edit = [](mlir::ModuleOp) {});

  /// Runs a block on a sample, for which the block before handed on `state`.
  mlir::FailureOr<llvm::SmallVector<HostTensor>>
  run(CompiledBlock &block, int64_t sample, const HostTensor &state);
  /// The same on all samples, until `visit` fails.
  mlir::LogicalResult
  run(CompiledBlock &block, llvm::ArrayRef<HostTensor> states,
      llvm::function_ref<mlir::LogicalResult(int64_t,
                                             llvm::ArrayRef<HostTensor>)>
          visit);

private:
  mlir::func::FuncOp main;
  const Samples &samples;
  llvm::DenseMap<mlir::Value, mlir::ArrayAttr> dims;
};

} // namespace llmc

#endif // LLMC_LIB_CALIBRATE_BLOCKRUNNER_H
