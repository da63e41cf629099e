//===- MatchOutputs.cpp - weights for inputs that have changed ------------===//

#include "FloatWeights.h"
#include "HessianFactor.h"
#include "llmc/Compress/Passes.h"
#include "mlir/IR/Remarks.h"

namespace llmc {
#define GEN_PASS_DEF_MATCHOUTPUTS
#include "llmc/Compress/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

namespace {
struct MatchOutputs : llmc::impl::MatchOutputsBase<MatchOutputs> {
  using MatchOutputsBase::MatchOutputsBase;

  LogicalResult initialize(MLIRContext *context) override;
  void runOnOperation() override;

private:
  Matrix<float> match(MatrixRef<const float> weight,
                      const InputMismatch &mismatch,
                      MatrixRef<const float> inverse) const;
};

LogicalResult MatchOutputs::initialize(MLIRContext *context) {
  auto fail = [&] {
    return emitError(UnknownLoc::get(context)) << getArgument() << ": ";
  };
  for (auto [name, value] :
       {std::pair<StringRef, double>("input", input), {"residual", residual}})
    if (!(value >= 0 && value <= 1))
      return fail() << name << " is " << value << "; it must be from 0 to 1";
  if (!(damping >= 0))
    return fail() << "damping is " << double(damping)
                  << "; it must not be negative";
  return verifySkip(context, getArgument(), skip);
}

Matrix<float> MatchOutputs::match(MatrixRef<const float> weight,
                                  const InputMismatch &mismatch,
                                  MatrixRef<const float> inverse) const {
  // E[t x^T] for what is missing, t.
  Matrix<float> missing(weight.rows, weight.columns), result = missing;
  multiply(input, weight, false, mismatch.input->ref(), false, 0, missing);
  for (size_t i = 0; i < mismatch.residual.values.size(); ++i)
    missing.values[i] += float(residual) * mismatch.residual.values[i];
  for (int64_t i = 0; i < weight.rows; ++i)
    for (int64_t j = 0; j < weight.columns; ++j)
      result(i, j) = weight(i, j);
  multiply(1, missing, false, inverse, false, 1, result);
  return result;
}

void MatchOutputs::runOnOperation() {
  FloatWeights all(getOperation(),
                   {"match", "matched", WeightKinds::Linear, skip, strict});
  Statistics &statistics = Statistics::of(&getContext());
  std::vector<FloatWeight> weights = all.collect(
      /*needsStatistics=*/true, [&](const FloatWeight &weight) -> std::string {
        ParamOp param = weight.param;
        const InputMismatch *mismatch =
            statistics.lookupMismatch(param.getSymName());
        if (!mismatch)
          return "nothing is known of how its input has changed; run this pass "
                 "in then of llmc-calibrate with reference=true, before others "
                 "that change what it reads";
        if (!mismatch->residual.values.empty() &&
            mismatch->residual.rows != weight.rows)
          return "its result has another size than what it is added to";
        return {};
      });
  // Of the input that weights share.
  Statistics::Input last;
  Matrix<float> inverse;
  for (FloatWeight &weight : weights) {
    if (weight.input != last) {
      last = weight.input;
      FailureOr<DampedHessian> damped = dampHessian(*last, damping);
      Matrix<double> sum(last->columns, last->columns);
      inverse = Matrix<float>();
      if (succeeded(damped)) {
        llvm::copy(damped->hessian.values, sum.values.begin());
        if (succeeded(invertPositive(sum.ref()))) {
          inverse = Matrix<float>(last->columns, last->columns);
          llvm::copy(sum.values, inverse.values.begin());
        }
      }
    }
    if (inverse.values.empty()) {
      all.keep(weight, "the Gram matrix of its input is not positive definite "
                       "with this damping");
      continue;
    }
    StringRef name = weight.param.getSymName();
    Matrix<float> before = readFloats(weight),
                  after =
                      match(before, *statistics.lookupMismatch(name), inverse);
    storeFloats(weight, after);
    ++numWeights;
    using mlir::remark::metric;
    mlir::remark::passed(
        weight.param.getLoc(),
        mlir::remark::RemarkOpts::name(getArgument()).category(compressRemarks))
        << metric("param", name)
        << metric("relative_change", WeightErrors(before, after).getRelative());
  }
  numSkipped += all.getNumSkipped();
  if (all.hasFailed())
    signalPassFailure();
}
} // namespace
