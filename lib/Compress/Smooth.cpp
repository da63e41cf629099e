//===- Smooth.cpp - outliers of activations moved into weights ------------===//

#include "ScaleFolding.h"
#include "mlir/IR/Remarks.h"
#include <cmath>

namespace llmc {
#define GEN_PASS_DEF_SMOOTH
#include "llmc/Compress/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

namespace {
struct Smooth : ScaleFoldingPass<Smooth, llmc::impl::SmoothBase<Smooth>> {
  using ScaleFoldingPass::ScaleFoldingPass;

  LogicalResult initialize(MLIRContext *context) override {
    if (!(alpha >= 0 && alpha <= 1))
      return emitError(UnknownLoc::get(context))
             << getArgument() << ": alpha is " << double(alpha)
             << "; it must be from 0 to 1";
    return verifySkip(context, getArgument(), skip);
  }

  std::vector<float> choose(ScaleGroup &group) {
    std::vector<float> largest(group.getNumColumns());
    std::vector<float> row(group.getNumColumns());
    for (const WeightSource &source : group.sources)
      for (int64_t i = 0; i < source.rows; ++i) {
        readWeight(source, i, 0, {row.data(), 1, group.getNumColumns()});
        for (int64_t j = 0; j < group.getNumColumns(); ++j)
          largest[j] = std::max(largest[j], std::fabs(row[j]));
      }
    std::vector<float> weights = group.collectLargest(largest),
                       inputs = group.collectLargest(group.input->absMax),
                       scales;
    for (auto [weight, input] : llvm::zip_equal(weights, inputs)) {
      float scale = std::pow(input, float(alpha)) /
                    std::pow(std::max(weight, 1e-5f), float(1 - alpha));
      // Nothing is known of columns that were always 0.
      scales.push_back(input > 0 ? std::max(scale, 1e-5f) : 1.0f);
    }
    using mlir::remark::metric;
    auto [low, high] = std::minmax_element(scales.begin(), scales.end());
    for (UsedWeight &weight : group.weights)
      mlir::remark::passed(weight.param.getLoc(),
                           mlir::remark::RemarkOpts::name(getArgument())
                               .category(compressRemarks))
          << metric("param", weight.param.getSymName())
          << metric("smallest_scale", *low) << metric("largest_scale", *high);
    return scales;
  }
};
} // namespace
