//===- WeightProbes.cpp - what errors of weights do to logits -------------===//

#include "WeightProbes.h"
#include "llmc/Weights/Blobs.h"
#include "llmc/Weights/DecodeWeight.h"
#include "mlir/IR/Threading.h"
#include <algorithm>
#include <cmath>

using namespace mlir;
using namespace llmc;

namespace {

/// The weights of linears and embeddings, in order.
SmallVector<std::pair<Value, bool>> findWeights(ModuleOp module) {
  SmallVector<std::pair<Value, bool>> weights;
  module.walk([&](Operation *op) {
    if (auto linear = dyn_cast<LinearOp>(op))
      weights.push_back({linear.getWeight(), false});
    if (auto embedding = dyn_cast<EmbeddingOp>(op))
      weights.push_back({embedding.getWeight(), true});
  });
  return weights;
}

/// tr(E G E^T) for errors E of the weight of a linear, [out, in].
double getOutputError(Matrix<float> &errors, const InputStatistics &input) {
  Matrix<float> products(errors.rows, errors.columns);
  multiply(1.0f, errors.ref(), false, input.getGram(), false, 0.0f,
           products.ref());
  double sum = 0;
  for (size_t i = 0; i < errors.values.size(); ++i)
    sum += double(errors.values[i]) * products.values[i];
  return sum;
}

MatrixRef<const float> getRows(const HostTensor &tensor) {
  int64_t columns = tensor.shape.back();
  return {static_cast<const float *>(tensor.data.get()),
          columns ? tensor.getNumElements() / columns : 0, columns};
}

/// log(sum(exp(logits))) of a row.
double getLogSum(const float *logits, int64_t count) {
  float largest = *std::max_element(logits, logits + count);
  double sum = 0;
  for (int64_t i = 0; i < count; ++i)
    sum += std::exp(logits[i] - largest);
  return largest + std::log(sum);
}

/// The mean over rows of sum(p * log(p / q)), for the probabilities p of
/// `expected` and q of `other`.
double getDivergence(const HostTensor &expected, const HostTensor &other) {
  MatrixRef<const float> p = getRows(expected), q = getRows(other);
  std::vector<double> parts(p.rows);
  parallelFor(expected.elementType.getContext(), 0, p.rows, [&](size_t row) {
    const float *a = &p(row, 0), *b = &q(row, 0);
    double logA = getLogSum(a, p.columns), logB = getLogSum(b, p.columns);
    double sum = 0;
    for (int64_t i = 0; i < p.columns; ++i)
      sum += std::exp(float(a[i] - logA)) * (double(a[i]) - b[i]);
    parts[row] = sum + logB - logA;
  });
  double total = 0;
  for (double part : parts)
    total += part;
  return total / p.rows;
}

} // namespace

FailureOr<SmallVector<ProbedWeight>> llmc::findProbedWeights(ModuleOp before,
                                                             ModuleOp after) {
  const Statistics &statistics = Statistics::of(before.getContext());
  SmallVector<ProbedWeight> result;
  llvm::SmallDenseSet<std::pair<StringAttr, unsigned>> seen;
  for (auto [weight, other] :
       llvm::zip_equal(findWeights(before), findWeights(after))) {
    auto [value, inEmbedding] = weight;
    auto transpose = value.getDefiningOp<TransposeOp>();
    auto load =
        (transpose ? transpose.getOperand() : value).getDefiningOp<WeightOp>();
    auto type = cast<RankedTensorType>(value.getType());
    if (!load || !type.hasStaticShape() || type.getRank() != 2 ||
        !type.getElementType().isF32() ||
        !seen.insert({load.getParamAttr().getAttr(), unsigned(inEmbedding)})
             .second)
      continue;
    FailureOr<std::vector<float>> old = decodeWeight(value),
                                  now = decodeWeight(other.first);
    if (failed(old) || failed(now))
      return failure();
    if (*old == *now)
      continue;
    ProbedWeight probed{load.getParamAttr().getAttr(), inEmbedding, {}, 0};
    Matrix<float> errors(type.getDimSize(0), type.getDimSize(1));
    for (size_t i = 0; i < now->size(); ++i) {
      errors.values[i] = (*now)[i] - (*old)[i];
      probed.squaredError += double(errors.values[i]) * errors.values[i];
    }
    if (!inEmbedding) {
      Statistics::Input input = statistics.lookup(load.getParam());
      if (!input || input->columns != errors.columns)
        continue;
      probed.squaredError = getOutputError(errors, *input);
    }
    probed.values = std::move(*now);
    if (transpose)
      for (int64_t row = 0; row < errors.rows; ++row)
        for (int64_t column = 0; column < errors.columns; ++column)
          probed.values[column * errors.rows + row] =
              errors(row, column) + (*old)[row * errors.columns + column];
    result.push_back(std::move(probed));
  }
  return result;
}

LogicalResult WeightProbes::advance(RunBlock run) {
  for (Probe &probe : probes)
    for (auto [sample, state] : llvm::enumerate(probe.states)) {
      FailureOr<HostTensor> next = run(sample, state);
      if (failed(next))
        return failure();
      state = std::move(*next);
    }
  return success();
}

LogicalResult WeightProbes::add(const ProbedWeight &weight, RunBlock run,
                                ArrayRef<HostTensor> given) {
  Probe probe{{weight.param.str(), weight.inEmbedding, 0, weight.squaredError},
              {}};
  for (int64_t sample = 0; sample < numSamples; ++sample) {
    FailureOr<HostTensor> state = run(sample, given[sample]);
    if (failed(state))
      return failure();
    probe.states.push_back(std::move(*state));
  }
  probes.push_back(std::move(probe));
  return success();
}

LogicalResult WeightProbes::measure(RunBlock run,
                                    ArrayRef<HostTensor> expected) {
  for (Probe &probe : probes) {
    for (auto [sample, state] : llvm::enumerate(probe.states)) {
      FailureOr<HostTensor> logits = run(sample, state);
      if (failed(logits))
        return failure();
      probe.result.divergence +=
          getDivergence(expected[sample], *logits) / numSamples;
    }
    probe.states.clear();
  }
  return success();
}

std::vector<WeightProbe> WeightProbes::getResults() const {
  std::vector<WeightProbe> results;
  for (const Probe &probe : probes)
    results.push_back(probe.result);
  return results;
}
