//===- UnitPruner.h - which units go, and what makes up for them ----*- C++
//-*-===//

#ifndef LLMC_LIB_COMPRESS_UNITPRUNER_H
#define LLMC_LIB_COMPRESS_UNITPRUNER_H

#include "UnitGroup.h"
#include "llmc/Compress/Passes.h"
#include "mlir/IR/Diagnostics.h"

namespace llmc {

/// Options that all passes which remove units have.
struct UnitPruneOptions {
  double ratio;
  PruneMethod method;
  UnitScope scope;
  Compensation compensate;
  double damping;
  /// What the number of units that stay is a multiple of.
  int64_t multiple;
  std::string skip;
  bool strict;

  /// Fails, with an error of `pass`, on values that make no sense.
  mlir::LogicalResult verify(mlir::MLIRContext *context,
                             llvm::StringRef pass) const;
};

/// Scores the units of the places of a model that were added, removes those
/// with the lowest scores, and changes the linears that summed over them.
class UnitPruner {
public:
  /// `units` is what a unit is called: "neurons".
  UnitPruner(mlir::ModuleOp module, llvm::StringRef pass, llvm::StringRef units,
             const UnitPruneOptions &options)
      : module(module), pass(pass), unitName(units), options(options) {}

  /// Adds the units along dimension `axis` of `value`, unless a place that was
  /// added has them too. Messages name the weight of `anchor`, if it is one of
  /// a linear.
  void add(mlir::Value value, int64_t axis, UnitMap units,
           mlir::Operation *anchor);

  /// Removes what is to be removed. Fails under `strict` when a place has to
  /// stay whole, or when there is none.
  mlir::LogicalResult run();

  unsigned numPlaces = 0, numSkipped = 0;
  int64_t numRemoved = 0, bytesBefore = 0, bytesAfter = 0;

private:
  /// Units that go together: one, or one of each key-value head.
  struct Choice {
    llvm::SmallVector<int32_t> units;
    double score = 0;
  };
  struct Place {
    mlir::Value value;
    int64_t axis;
    UnitMap units;
    mlir::Operation *anchor;
    /// Ascending by score.
    std::vector<Choice> choices;
    size_t numRemoved = 0;
  };

  mlir::InFlightDiagnostic complain(mlir::Operation *op) {
    return options.strict ? op->emitError() : op->emitRemark();
  }
  /// Says why a place stays as it is.
  void keep(const Place &place, const llvm::Twine &reason);
  /// Scores the units; false when the place stays whole.
  bool score(const UnitGroup &group, Place &place);
  void chooseOfEach();
  void chooseOfAll();
  void remove(Place &place);

  mlir::ModuleOp module;
  llvm::StringRef pass, unitName;
  const UnitPruneOptions &options;
  std::vector<Place> places;
  llvm::DenseSet<mlir::Operation *> covered;
  bool complained = false, hasSkipped = false;
};

/// What passes that remove units have in common; `Base` is what TableGen makes
/// of one.
template <typename Base> class UnitPrunerPass : public Base {
public:
  using Base::Base;

protected:
  void runPruner(UnitPruner &pruner) {
    bool failed = mlir::failed(pruner.run());
    this->numPlaces += pruner.numPlaces;
    this->numSkipped += pruner.numSkipped;
    this->numRemoved += pruner.numRemoved;
    this->bytesBefore += pruner.bytesBefore;
    this->bytesAfter += pruner.bytesAfter;
    if (failed)
      this->signalPassFailure();
  }
};

/// Makes up for columns that a linear's weight loses. See llmc-prune-neurons.
struct CompensatedWeight {
  /// The weight [out, in] with the columns that stay changed.
  Matrix<float> weight;
  /// What is added to the result; empty if nothing is.
  std::vector<double> bias;
};

/// The columns that `removed` has are read by nothing afterwards. Fails when
/// the statistics have no Cholesky factor.
llvm::FailureOr<CompensatedWeight> compensate(Matrix<float> weight,
                                              const InputStatistics &input,
                                              const llvm::BitVector &removed,
                                              Compensation how, double damping);

/// For each unit, what remains of the error of the output when it is removed
/// and the columns that stay make up for it (optimal brain surgery). Of
/// `numRemoved` units each is scored when those before it, which have the
/// lowest scores, are gone. `centered` if a bias makes up for means. Fails when
/// the statistics are singular.
llvm::FailureOr<std::vector<double>>
scoreOBS(const Matrix<float> &weight, const InputStatistics &input,
         const UnitMap &units, int32_t numUnits, int64_t numRemoved,
         bool centered, double damping);

/// The values of the [out, in] matrix that a linear reads.
Matrix<float> readMatrix(const MatrixParam &matrix);
/// Stores them.
void writeMatrix(const MatrixParam &matrix, const Matrix<float> &values);

/// Adds `bias` to the results of `linears`, which have one weight, `param`.
void addBias(llvm::ArrayRef<LinearOp> linears, ParamOp param,
             llvm::ArrayRef<double> bias);

} // namespace llmc

#endif // LLMC_LIB_COMPRESS_UNITPRUNER_H
