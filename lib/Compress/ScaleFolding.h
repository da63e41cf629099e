//===- ScaleFolding.h - scales between linears and their input --*- C++ -*-===//
//
// What linears read may be divided by a number for each column if the columns
// of their weights are multiplied with it: W x = (W s) (x / s). Where a
// parameter decides how large each column is, such as the scale of a norm, the
// division goes into that, and the model computes what it did.
//
//===----------------------------------------------------------------------===//

#ifndef LLMC_LIB_COMPRESS_SCALEFOLDING_H
#define LLMC_LIB_COMPRESS_SCALEFOLDING_H

#include "BlockQuantizer.h"
#include "llmc/Calibrate/Statistics.h"

namespace llmc {

/// The linears that read one value, and what decides how large that is.
struct ScaleGroup {
  /// A parameter and its dimension along which scales go.
  struct Place {
    ParamOp param;
    int64_t dim;
  };

  /// The weights of the linears, [out, columns], and their columns.
  llvm::SmallVector<UsedWeight> weights;
  llvm::SmallVector<WeightSource> sources;
  /// What is divided: one number for each scale along the dimension.
  llvm::SmallVector<Place> producers;
  /// Which scale each column has. Heads that read one head of values share
  /// theirs; elsewhere each column has its own.
  std::vector<int64_t> scaleOf;
  int64_t numScales = 0;
  Statistics::Input input;

  int64_t getNumColumns() const { return scaleOf.size(); }
  llvm::StringRef getName(size_t i) { return weights[i].param.getSymName(); }
  /// For each column the scale that it has.
  std::vector<float> spread(llvm::ArrayRef<float> scales) const;
  /// For each scale the largest of the columns that have it.
  std::vector<float> collectLargest(llvm::ArrayRef<float> columns) const;

  /// Owns the bytes of sources that no blob owns.
  std::vector<llvm::SmallVector<char>> copies;
};

struct ScaleFoldingResult {
  int64_t numScaled = 0, numSkipped = 0;
  bool failed = false;
};

/// Asks `choose` for the scales of each group of linears, in the order of the
/// model, and folds them: numbers that are finite and positive, or none for a
/// group that is best as it is. Says of each weight that can have no scales,
/// or whose input no statistics are of, why, which is an error when `strict`.
/// Groups with a weight whose name matches `skip` are left alone. Statistics
/// are those of the inputs as they become.
ScaleFoldingResult
foldScales(mlir::ModuleOp module, llvm::StringRef skip, bool strict,
           llvm::function_ref<std::vector<float>(ScaleGroup &)> choose);

/// A pass that folds the scales that its `choose` makes for each group; `Base`
/// is what TableGen makes of it.
template <typename Derived, typename Base>
class ScaleFoldingPass : public Base {
public:
  using Base::Base;

  void runOnOperation() override {
    ScaleFoldingResult result = foldScales(
        this->getOperation(), this->skip, this->strict, [&](ScaleGroup &group) {
          return static_cast<Derived *>(this)->choose(group);
        });
    this->numScaled += result.numScaled;
    this->numSkipped += result.numSkipped;
    if (result.failed)
      this->signalPassFailure();
  }
};

} // namespace llmc

#endif // LLMC_LIB_COMPRESS_SCALEFOLDING_H
