//===- ScaleAWQ.cpp - weights scaled by how much they matter --------------===//

#include "ScaleFolding.h"
#include "mlir/IR/Remarks.h"
#include "mlir/IR/Threading.h"
#include <cmath>

namespace llmc {
#define GEN_PASS_DEF_SCALEAWQ
#include "llmc/Compress/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

namespace {

/// Candidates are 0, 1 / steps, ... (steps - 1) / steps.
constexpr int steps = 20;

/// Rows of the weights of a group on which candidates are compared. The sum
/// over all of them is that many times as large, more or less.
constexpr int64_t mostRows = 512;

/// The error of what some rows compute when they are scaled and rounded.
class ErrorMeter {
public:
  ErrorMeter(const ScaleGroup &group, int64_t block, const GridOptions &options,
             MLIRContext *context)
      : gram(group.input->getGram()), options(options), context(context) {
    int64_t columns = group.getNumColumns();
    this->block = block ? block : columns;
    int64_t total = 0, stride;
    for (const WeightSource &source : group.sources)
      total += source.rows;
    stride = std::max<int64_t>(total / mostRows, 1);
    rows = Matrix<float>(llvm::divideCeil(total, stride), columns);
    int64_t row = 0, next = 0, first = 0;
    for (const WeightSource &source : group.sources) {
      for (; next < first + source.rows; next += stride)
        readWeight(source, next - first, 0,
                   rows.ref().block(row++, 0, 1, columns));
      first += source.rows;
    }
    errors = products = Matrix<float>(rows.rows, columns);
    this->options.format = group.sources.front().format;
  }

  /// tr(E G E^T) with E = dequantized(quantized(W s)) / s - W.
  double measure(ArrayRef<float> scales) {
    int64_t columns = rows.columns;
    int64_t stride = llvm::alignTo(block, blockLanes);
    parallelFor(context, 0, rows.rows, [&](size_t row) {
      std::vector<float> values(stride), rounded(stride);
      for (int64_t first = 0; first < columns; first += block) {
        int64_t count = std::min(block, columns - first);
        std::fill(values.begin(), values.end(), 0.0f);
        for (int64_t i = 0; i < count; ++i)
          values[i] = rows(row, first + i) * scales[first + i];
        Grid grid = findGrid(values.data(), nullptr, stride,
                             findRange(values.data(), stride), options);
        roundToGrid(values.data(), count, grid, options.bits, rounded.data());
        for (int64_t i = 0; i < count; ++i)
          errors(row, first + i) = (rounded[i] - values[i]) / scales[first + i];
      }
    });
    multiply(1.0f, errors.ref(), false, gram, false, 0.0f, products.ref());
    double sum = 0;
    for (size_t i = 0; i < errors.values.size(); ++i)
      sum += double(errors.values[i]) * products.values[i];
    return sum;
  }

private:
  MatrixRef<const float> gram;
  GridOptions options;
  MLIRContext *context;
  int64_t block;
  Matrix<float> rows, errors, products;
};

struct ScaleAWQ
    : ScaleFoldingPass<ScaleAWQ, llmc::impl::ScaleAWQBase<ScaleAWQ>> {
  using ScaleFoldingPass::ScaleFoldingPass;

  LogicalResult initialize(MLIRContext *context) override {
    BlockFormat format{1, 1, block ? int64_t(block) : 8, bits};
    if (llvm::Error error = format.verify())
      return emitError(UnknownLoc::get(context))
             << getArgument() << ": " << llvm::toString(std::move(error));
    return verifySkip(context, getArgument(), skip);
  }

  std::vector<float> choose(ScaleGroup &group);
};

/// mean(|x|)^r of each scale, so that the largest times the smallest is 1.
std::vector<float> makeScales(ArrayRef<float> magnitudes, double r) {
  std::vector<float> scales;
  for (float magnitude : magnitudes)
    scales.push_back(std::max(std::pow(magnitude, float(r)), 1e-4f));
  auto [smallest, largest] = std::minmax_element(scales.begin(), scales.end());
  float unit = std::sqrt(*smallest * *largest);
  for (float &scale : scales)
    scale /= unit;
  return scales;
}

std::vector<float> ScaleAWQ::choose(ScaleGroup &group) {
  GridOptions options;
  // Of several choices that which errs the most.
  options.bits = 8;
  for (UsedWeight &weight : group.weights)
    options.bits = std::min(options.bits, getChosenBits(weight.param, bits));
  options.symmetric = symmetric;
  ErrorMeter meter(group, block, options, &getContext());
  // Of columns that share a scale the mean.
  std::vector<float> magnitudes(group.numScales);
  for (int64_t i = 0; i < group.getNumColumns(); ++i)
    magnitudes[group.scaleOf[i]] +=
        group.input->absMean[i] * group.numScales / group.getNumColumns();
  double before = 0, least = 0, ratio = 0;
  std::vector<float> best;
  for (int step = 0; step < steps; ++step) {
    double r = double(step) / steps;
    std::vector<float> scales = makeScales(magnitudes, r);
    double error = meter.measure(group.spread(scales));
    if (step == 0)
      before = least = error;
    if (error < least) {
      least = error;
      ratio = r;
      best = std::move(scales);
    }
  }
  using mlir::remark::metric;
  for (UsedWeight &weight : group.weights)
    mlir::remark::passed(
        weight.param.getLoc(),
        mlir::remark::RemarkOpts::name(getArgument()).category(compressRemarks))
        << metric("param", weight.param.getSymName()) << metric("ratio", ratio)
        << metric("output_error_left",
                  before > 0 ? std::sqrt(least / before) : 1.0);
  return best;
}
} // namespace
