//===- Pruner.h - what all passes that prune do -----------------*- C++ -*-===//

#ifndef LLMC_LIB_COMPRESS_PRUNER_H
#define LLMC_LIB_COMPRESS_PRUNER_H

#include "FloatWeights.h"
#include "SparsePattern.h"

namespace llmc {

/// The options that all passes which prune have.
struct PruneOptions {
  llvm::StringRef pass;
  double sparsity;
  llvm::StringRef pattern;
  PruneStore store;
  WeightKinds what;
  llvm::StringRef skip;
  bool strict;

  /// Reports what no model could be pruned with.
  llvm::LogicalResult verify(mlir::MLIRContext *context) const;
};

/// A weight that can be pruned.
using PrunedWeight = FloatWeight;

class Pruner {
public:
  struct Totals {
    int64_t weights = 0, bytesBefore = 0, bytesAfter = 0;
  };

  /// `options` were verified.
  Pruner(mlir::ModuleOp module, const PruneOptions &options);

  /// Replaces the weights of a matrix by their scores. Fails where statistics
  /// are not finite.
  using Scorer = llvm::function_ref<llvm::LogicalResult(const PrunedWeight &,
                                                        MatrixRef<float>)>;
  /// Prunes the weights of the lowest scores, without other changes.
  void pruneByScore(PruneScope scope, bool needsStatistics, Scorer score);

  /// The weights that can be pruned, in the order of the module. Says why the
  /// others cannot. Those of whose input nothing is known are among them only
  /// if `needsStatistics` is false.
  std::vector<PrunedWeight> collect(bool needsStatistics);

  /// [out, in].
  Matrix<float> read(const PrunedWeight &weight) const {
    return readFloats(weight);
  }

  /// Puts `pruned` in the place of a weight that was `original`.
  void store(PrunedWeight &weight, MatrixRef<const float> original,
             MatrixRef<const float> pruned);

  /// Says why a weight stays as it is.
  void keep(const PrunedWeight &weight, const llvm::Twine &reason) {
    weights.keep(weight, reason);
  }

  /// What llmc-allocate-sparsity chose for a weight, or the option.
  double getSparsity(const PrunedWeight &weight) const {
    return getChosenSparsity(weight.param, options.sparsity);
  }
  const SparsePattern &getPattern() const { return pattern; }
  const Totals &getTotals() const { return totals; }
  /// Whether something stayed that must not.
  bool hasFailed() const {
    return weights.hasFailed() || (options.strict && hasIgnored);
  }
  int64_t getNumSkipped() const { return weights.getNumSkipped(); }

private:
  /// Says that no part that was chosen for one of them counts.
  void ignoreSparsity(llvm::ArrayRef<PrunedWeight> weights,
                      llvm::StringRef reason);

  mlir::ModuleOp module;
  PruneOptions options;
  SparsePattern pattern;
  mlir::SymbolTable symbols;
  FloatWeights weights;
  Totals totals;
  bool hasIgnored = false;
};

/// What passes that prune weights have in common; `Base` is what TableGen makes
/// of one.
template <typename Base> class PrunerPass : public Base {
public:
  using Base::Base;

protected:
  PruneOptions getOptions() const {
    return {this->getArgument(), this->sparsity, this->pattern, this->store,
            this->what,          this->skip,     this->strict};
  }

  /// Adds to the pass's statistics, and fails if something stayed that must
  /// not.
  void finish(const Pruner &pruner) {
    const Pruner::Totals &totals = pruner.getTotals();
    this->numWeights += totals.weights;
    this->numSkipped += pruner.getNumSkipped();
    this->bytesBefore += totals.bytesBefore;
    this->bytesAfter += totals.bytesAfter;
    if (pruner.hasFailed())
      this->signalPassFailure();
  }
};

} // namespace llmc

#endif // LLMC_LIB_COMPRESS_PRUNER_H
