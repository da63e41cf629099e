//===- Slice.cpp - a narrower residual stream -----------------------------===//

#include "ResidualStream.h"
#include "llmc/Compress/Passes.h"
#include "mlir/IR/Remarks.h"
#include <cmath>
#include <deque>
#include <numeric>

namespace llmc {
#define GEN_PASS_DEF_SLICE
#include "llmc/Compress/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

namespace {
struct Slice : llmc::impl::SliceBase<Slice> {
  using SliceBase::SliceBase;

  LogicalResult initialize(MLIRContext *context) override;
  void runOnOperation() override;

private:
  int64_t chooseWidth(int64_t width) const;
  /// The part of the basis that stays, by E[y y^T]; fails if that is not
  /// finite.
  FailureOr<Matrix<float>> chooseBasis(Matrix<double> gram, int64_t width);
  /// Says why a stream stays, or nothing.
  std::string slice(ResidualStream &stream);
};
} // namespace

LogicalResult Slice::initialize(MLIRContext *context) {
  auto fail = [&] {
    return emitError(UnknownLoc::get(context)) << getArgument() << ": ";
  };
  if (!(ratio > 0 && ratio < 1))
    return fail() << "ratio is " << double(ratio)
                  << "; it must be between 0 and 1";
  if (newWidth < 0)
    return fail() << "width is " << int64_t(newWidth)
                  << "; it must be positive";
  if (multiple < 1)
    return fail() << "multiple is " << int64_t(multiple)
                  << "; it must be positive";
  return verifySkip(context, getArgument(), skip);
}

int64_t Slice::chooseWidth(int64_t width) const {
  if (newWidth)
    return newWidth;
  return std::llround((1 - ratio) * width / multiple) * multiple;
}

FailureOr<Matrix<float>> Slice::chooseBasis(Matrix<double> gram,
                                            int64_t width) {
  int64_t n = gram.rows;
  Matrix<float> basis(n, width);
  if (method == SliceMethod::Columns) {
    std::vector<int64_t> order(n);
    std::iota(order.begin(), order.end(), 0);
    llvm::sort(order, [&](int64_t a, int64_t b) {
      return std::pair(gram(b, b), a) < std::pair(gram(a, a), b);
    });
    order.resize(width);
    llvm::sort(order);
    for (auto [column, row] : llvm::enumerate(order))
      basis(row, column) = 1;
    return basis;
  }
  if (failed(findEigenvectors(gram)))
    return failure();
  for (int64_t column = 0; column < width; ++column)
    for (int64_t row = 0; row < n; ++row)
      basis(row, column) = gram(n - 1 - column, row);
  return basis;
}

std::string Slice::slice(ResidualStream &stream) {
  int64_t n = stream.width, width = chooseWidth(n);
  if (width >= n)
    return "it has " + std::to_string(n) + " columns, and " +
           std::to_string(width) + " are to stay";
  if (width < 1)
    return "of " + std::to_string(n) + " columns none is to stay";
  for (ResidualStream::Norm &norm : stream.norms) {
    if (norm.normalized)
      continue;
    if (llvm::is_contained(norm.scale, 0.0f))
      return ("'" + norm.scaleParam.getSymName() + "' has a scale of 0").str();
    return ("no statistics of what reads the norm of '" +
            norm.scaleParam.getSymName() + "'; run llmc-calibrate first")
        .str();
  }
  std::deque<Matrix<float>> bases;
  Matrix<double> sum(n, n);
  auto choose = [&] {
    auto chosen = chooseBasis(sum, width);
    if (succeeded(chosen))
      bases.push_back(std::move(*chosen));
    return succeeded(chosen);
  };
  for (ResidualStream::Segment &segment : llvm::reverse(stream.segments)) {
    if (segment.norms.empty())
      continue;
    if (basis == SliceBasis::Own)
      llvm::fill(sum.values, 0);
    // All norms that read one value normalize it alike.
    for (auto [total, value] :
         llvm::zip(sum.values, segment.norms.front()->normalized->gram))
      total += value;
    if (basis == SliceBasis::Shared)
      continue;
    if (!choose())
      return "its statistics are not finite";
    segment.basis = &bases.back();
  }
  if (basis == SliceBasis::Shared) {
    if (!choose())
      return "its statistics are not finite";
    for (ResidualStream::Segment &segment : stream.segments)
      segment.basis = &bases.back();
  }
  stream.spreadBases();

  double kept = 0, whole = 0;
  for (ResidualStream::Segment &segment : stream.segments) {
    if (segment.norms.empty())
      continue;
    const Matrix<float> &basis = *segment.basis;
    MatrixRef<const float> gram = segment.norms.front()->normalized->getGram();
    Matrix<float> product(n, width);
    multiply(1, gram, false, basis, false, 0, product);
    for (int64_t i = 0; i < n; ++i) {
      whole += gram(i, i);
      for (int64_t j = 0; j < width; ++j)
        kept += double(product(i, j)) * basis(i, j);
    }
  }

  std::string name = stream.getName().str();
  Location location = stream.sources.front().op.getLoc();
  ResidualStream::Change change =
      stream.apply(tied ? stream.segments.front().basis : nullptr);
  ++numStreams;
  numInserted += change.numInserted;
  using mlir::remark::metric;
  mlir::remark::passed(
      location,
      mlir::remark::RemarkOpts::name(getArgument()).category(compressRemarks))
      << metric("param", name) << metric("width_before", n)
      << metric("width_after", width) << metric("linears", change.numInserted)
      << metric("energy_removed", whole > 0 ? 1 - kept / whole : 0.0)
      << metric("bytes_before", change.bytesBefore)
      << metric("bytes_after", change.bytesAfter);
  return {};
}

void Slice::runOnOperation() {
  bool hasFailed = false;
  int64_t skipped = 0;
  for (ResidualStream &stream :
       findResidualStreams(getOperation(), {"sliced", false, skip, strict},
                           skipped, hasFailed)) {
    Operation *source = stream.sources.front().op;
    std::string name = stream.getName().str();
    std::string reason = slice(stream);
    if (reason.empty())
      continue;
    ++skipped;
    hasFailed |= strict;
    (strict ? source->emitError() : source->emitRemark())
        << "the residual stream of '" << name << "' is not sliced: " << reason;
  }
  numSkipped += skipped;
  if (hasFailed)
    signalPassFailure();
}
