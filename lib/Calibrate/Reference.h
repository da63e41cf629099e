//===- Reference.h - the model as it was beside a compressed one *- C++ -*-===//

#ifndef LLMC_LIB_CALIBRATE_REFERENCE_H
#define LLMC_LIB_CALIBRATE_REFERENCE_H

#include "BlockReads.h"
#include "BlockRunner.h"
#include "Collector.h"

namespace llmc {

/// Runs the blocks of a model as they were, on what such blocks made of the
/// samples, and compares what linears read with what they read by now.
class Reference {
public:
  Reference(BlockRunner &runner, int64_t numSamples)
      : runner(runner), states(numSamples), next(numSamples) {}

  /// Keeps a block with its weights before it changes, for `stages` to be
  /// compared one after the other.
  mlir::LogicalResult keep(const ModelBlock &block,
                           llvm::ArrayRef<BlockReads> stages);
  /// Compares a sample at the next stage, for which `results` begins with the
  /// values of its `inputs` and ends with those of its `residuals`.
  mlir::LogicalResult compare(int64_t sample,
                              llvm::ArrayRef<HostTensor> results);
  /// Keeps what was found at that stage, and goes to the one behind it.
  void finishStage(Statistics &statistics);
  /// Goes to the next block.
  mlir::LogicalResult finishBlock();

private:
  /// What is compared at a stage.
  struct Stage {
    BlockReads reads;
    std::vector<ProductCollector> inputs, residuals;
  };
  mlir::FailureOr<llvm::SmallVector<HostTensor>> run(int64_t sample);

  BlockRunner &runner;
  std::optional<CompiledBlock> block;
  std::vector<Stage> stages;
  size_t stage = 0;
  /// Where the results of that stage begin.
  size_t begin = 0;
  /// What the block was given, and what it hands on, for each sample.
  std::vector<HostTensor> states, next;
  bool hasOutput = false;
};

} // namespace llmc

#endif // LLMC_LIB_CALIBRATE_REFERENCE_H
