//===- QuantizeHQQ.cpp - zero points by half-quadratic splitting ----------===//

#include "VectorClones.h"
#include "WeightQuantizer.h"
#include <cmath>
#include <limits>

namespace llmc {
#define GEN_PASS_DEF_QUANTIZEHQQ
#include "llmc/Compress/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

namespace {

struct HQQOptions {
  float p, beta, kappa;
  int64_t rounds;
};

/// A block whose scale is known: `exact` has its weights in parts of it.
struct ScaledBlock {
  const float *exact;
  int64_t count, stride;
  float scale, levels;

  LLMC_ALWAYS_INLINE float getCode(int64_t i, float zero) const {
    float code = roundToInteger(exact[i] + zero);
    code = code < 0 ? 0 : code;
    return code > levels ? levels : code;
  }
  /// What is missing to the weight.
  LLMC_ALWAYS_INLINE float getError(int64_t i, float code, float zero) const {
    return (exact[i] - (code - zero)) * scale;
  }
};

// No members have initial values where a function is compiled for several
// machines: clang leaves out the constructors that these would call.

/// Sums over a block for one zero point.
struct RoundSums {
  float error;   ///< of magnitudes
  float largest; ///< of these
  float points;  ///< of the zero points for which there were no error
};

LLMC_VECTOR_CLONES
RoundSums sumRound(const ScaledBlock &block, float zero) {
  float errors[blockLanes] = {}, largest[blockLanes] = {},
        points[blockLanes] = {};
  for (int64_t i = 0; i < block.stride; i += blockLanes)
    for (int64_t j = 0; j < blockLanes; ++j) {
      float counts = i + j < block.count ? 1.0f : 0.0f;
      float code = block.getCode(i + j, zero);
      float error = counts * std::fabs(block.getError(i + j, code, zero));
      errors[j] += error;
      largest[j] = error > largest[j] ? error : largest[j];
      points[j] += counts * (code - block.exact[i + j]);
    }
  RoundSums sums = {0, 0, 0};
  for (int64_t j = 0; j < blockLanes; ++j) {
    sums.error += errors[j];
    sums.largest = largest[j] > sums.largest ? largest[j] : sums.largest;
    sums.points += points[j];
  }
  return sums;
}

/// The sum of errors behind the shrinkage, which leaves only large ones.
float sumShrunk(const ScaledBlock &block, float zero, float p, float beta) {
  float sum = 0;
  for (int64_t i = 0; i < block.count; ++i) {
    float error = block.getError(i, block.getCode(i, zero), zero);
    float magnitude = std::fabs(error);
    float left = magnitude - std::pow(magnitude, p - 1) / beta;
    if (left > 0)
      sum += std::copysign(left, error);
  }
  return sum;
}

/// As zero points are stored.
float roundZero(float zero, const GridOptions &grid) {
  if (grid.halfScales)
    zero = halfToFloat(floatToHalf(zero));
  char stored[4];
  storeFloat(stored, grid.format, 0, zero);
  return loadFloat(stored, grid.format, 0);
}

/// The zero point of the block, from that of its range on.
float findZero(const ScaledBlock &block, float zero, const GridOptions &grid,
               const HQQOptions &options) {
  float least = std::numeric_limits<float>::infinity(), best = zero,
        beta = options.beta;
  for (int64_t round = 0;; ++round, beta *= options.kappa) {
    RoundSums sums = sumRound(block, zero);
    if (!(sums.error < least))
      return best;
    least = sums.error;
    best = zero;
    if (round == options.rounds)
      return best;
    // Nearly always no error is large enough.
    float points = sums.points;
    if (sums.largest > std::pow(beta, -1 / (2 - options.p)))
      points += sumShrunk(block, zero, options.p, beta) / block.scale;
    zero = roundZero(points / float(block.count), grid);
  }
}

LLMC_VECTOR_CLONES
void encode(const ScaledBlock &block, const float *values, float zero,
            uint8_t *codes, LaneErrors &sums) {
  for (int64_t i = 0; i < block.stride; i += blockLanes)
    for (int64_t j = 0; j < blockLanes; ++j) {
      float counts = i + j < block.count ? 1.0f : 0.0f;
      float value = values[i + j], code = block.getCode(i + j, zero);
      codes[i + j] = uint8_t(int(code));
      float error = counts * std::fabs(value - (code - zero) * block.scale);
      sums.largest[j] = error > sums.largest[j] ? error : sums.largest[j];
      sums.squared[j] += double(error) * error;
      sums.norm[j] += double(value) * value;
    }
}

void quantize(BlockTask &task, const GridOptions &grid,
              const HQQOptions &options, LaneErrors &errors) {
  int levels = grid.getLevels();
  // Divided one by one: their difference may be infinite.
  task.scale =
      grid.roundScale(task.range.highest / levels - task.range.lowest / levels);
  // A block of zeros, or of values too small for the format's scales.
  bool isZero = task.scale == 0;
  if (isZero)
    task.scale = 1;
  SmallVector<float, 256> exact(task.stride);
  for (int64_t i = 0; i < task.stride; ++i)
    exact[i] = task.values[i] / task.scale;
  ScaledBlock block{exact.data(), task.count, task.stride, task.scale,
                    float(levels)};
  task.zero =
      isZero
          ? 0
          : findZero(block, roundZero(0 - task.range.lowest / task.scale, grid),
                     grid, options);
  encode(block, task.values, task.zero, task.codes.data(), errors);
}

struct QuantizeHQQ
    : WeightQuantizerPass<llmc::impl::QuantizeHQQBase<QuantizeHQQ>> {
  using WeightQuantizerPass::WeightQuantizerPass;

  LogicalResult initialize(MLIRContext *context) override;
  void runOnOperation() override;

private:
  WeightQuantizerOptions getOptions() const {
    WeightQuantizerOptions options;
    options.grid.bits = bits;
    options.grid.floatZeros = true;
    options.grid.halfScales = halfScales;
    options.block = block;
    options.what = what;
    options.skip = skip;
    options.strict = strict;
    return options;
  }
};

LogicalResult QuantizeHQQ::initialize(MLIRContext *context) {
  auto check = [&](bool isGood, StringRef name, auto value, StringRef rule) {
    if (isGood)
      return success();
    return LogicalResult(emitError(UnknownLoc::get(context))
                         << getArgument() << ": " << name << " is " << value
                         << "; it must be " << rule);
  };
  if (failed(check(p > 0 && p <= 1, "p", double(p), "above 0 and at most 1")) ||
      failed(check(beta > 0 && std::isfinite(beta), "beta", double(beta),
                   "positive")) ||
      failed(check(kappa >= 1 && std::isfinite(kappa), "kappa", double(kappa),
                   "at least 1")) ||
      failed(check(rounds >= 0, "rounds", int64_t(rounds), "0 or more")))
    return failure();
  return WeightQuantizer::verify(context, getArgument(), getOptions());
}

void QuantizeHQQ::runOnOperation() {
  HQQOptions options{float(p), float(beta), float(kappa), rounds};
  WeightQuantizer quantizer(getOperation(), getArgument(), getOptions());
  std::vector<WeightQuantizer::Task> tasks = quantizer.collectTasks();
  quantizer.replaceAll(
      tasks,
      [&](WeightQuantizer::Task &task) -> std::optional<BlockwiseWeight> {
        return BlockwiseWeight{&task.source, task.block, task.grid,
                               [&](BlockTask &each, LaneErrors &errors) {
                                 quantize(each, task.grid, options, errors);
                               }};
      });
  finish(quantizer);
}

} // namespace
