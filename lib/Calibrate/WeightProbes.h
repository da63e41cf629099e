//===- WeightProbes.h - what errors of weights do to logits -----*- C++ -*-===//

#ifndef LLMC_LIB_CALIBRATE_WEIGHTPROBES_H
#define LLMC_LIB_CALIBRATE_WEIGHTPROBES_H

#include "llmc/Calibrate/Executor.h"
#include "llmc/Calibrate/Statistics.h"
#include "llmc/IR/Dialect.h"
#include "llvm/ADT/STLFunctionalExtras.h"

namespace llmc {

/// A weight of a block, and what passes made of it.
struct ProbedWeight {
  mlir::StringAttr param;
  bool inEmbedding = false;
  /// As the parameter is stored.
  std::vector<float> values;
  /// As WeightProbe has it.
  double squaredError = 0;
};

/// What passes made of the weights of linears and embeddings of `before`, a
/// block, in `after`, the same block behind the passes. Weights that are no
/// parameter of f32 or its transpose, and those that are as they were, are left
/// out, and linears without statistics.
llvm::FailureOr<llvm::SmallVector<ProbedWeight>>
findProbedWeights(mlir::ModuleOp before, mlir::ModuleOp after);

/// States of a model one weight of which is another, on their way through its
/// blocks beside the true ones.
class WeightProbes {
public:
  /// Runs a block on a state of a sample and gives what it makes of it.
  using RunBlock = llvm::function_ref<llvm::FailureOr<HostTensor>(
      int64_t sample, const HostTensor &state)>;

  /// Probes the first `numSamples` samples.
  explicit WeightProbes(int64_t numSamples) : numSamples(numSamples) {}
  int64_t getNumSamples() const { return numSamples; }

  /// Moves all states through a block.
  llvm::LogicalResult advance(RunBlock run);

  /// Adds what a block with another weight makes of each sample.
  llvm::LogicalResult add(const ProbedWeight &weight, RunBlock run,
                          llvm::ArrayRef<HostTensor> given);

  /// Makes logits of all states, which are gone then, and measures how much
  /// the probabilities of tokens diverge from those of `expected`.
  llvm::LogicalResult measure(RunBlock run,
                              llvm::ArrayRef<HostTensor> expected);

  /// What was measured.
  std::vector<WeightProbe> getResults() const;

private:
  struct Probe {
    WeightProbe result;
    std::vector<HostTensor> states;
  };

  int64_t numSamples;
  std::vector<Probe> probes;
};

} // namespace llmc

#endif // LLMC_LIB_CALIBRATE_WEIGHTPROBES_H
