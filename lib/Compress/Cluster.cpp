//===- Cluster.cpp - weights that share their values ----------------------===//

#include "WeightClusterer.h"
#include "WeightQuantizer.h"
#include "llmc/Weights/Codebooks.h"

namespace llmc {
#define GEN_PASS_DEF_CLUSTER
#include "llmc/Compress/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

namespace {

/// Of numbers that one codebook is found exactly for: `begins` of Clusterer1D
/// has as many entries of 4 bytes for each of its values.
constexpr int64_t maxExact = int64_t(1) << 22;

struct Cluster : llmc::impl::ClusterBase<Cluster> {
  using ClusterBase::ClusterBase;

  bool isFixed() const {
    return method == ClusterMethod::NF4 || method == ClusterMethod::FP4;
  }

  LogicalResult initialize(MLIRContext *context) override;
  void runOnOperation() override;

private:
  WeightQuantizerOptions getQuantizerOptions() const;
  CodebookOptions getCodebookOptions(WeightQuantizer::Task &task) const;
  void cluster(WeightQuantizer &quantizer, WeightQuantizer::Task &task,
               const InputStatistics *statistics, const HessianFactor *factor);
};

WeightQuantizerOptions Cluster::getQuantizerOptions() const {
  WeightQuantizerOptions options;
  options.grid.bits = bits;
  options.grid.symmetric = true;
  options.grid.halfScales = halfScales;
  options.block = block;
  options.what = what;
  options.skip = skip;
  options.strict = strict;
  Codebooks codebooks;
  codebooks.rows = isFixed() ? 0 : rows;
  codebooks.size = int64_t(1) << bits;
  codebooks.dims = dims;
  codebooks.format = halfCodebook ? FloatFormat::F16 : FloatFormat::F32;
  codebooks.constant = isFixed();
  if (method == ClusterMethod::NF4)
    codebooks.values.assign(std::begin(nf4Values), std::end(nf4Values));
  if (method == ClusterMethod::FP4)
    codebooks.values.assign(std::begin(e2m1Values), std::end(e2m1Values));
  options.codebooks = std::move(codebooks);
  return options;
}

LogicalResult Cluster::initialize(MLIRContext *context) {
  auto fail = [&] {
    return emitError(UnknownLoc::get(context)) << getArgument() << ": ";
  };
  if (rows < 0 || block < 0 || refit < 0)
    return fail() << "rows, block and refit must not be negative";
  if (!(damping >= 0) || !std::isfinite(damping))
    return fail() << "damping is " << double(damping)
                  << "; it must not be negative";
  if (dims != 1 && dims != 2 && dims != 4)
    return fail() << "dims is " << int64_t(dims) << "; 1, 2 and 4 are defined";
  if (dims > 1 && method != ClusterMethod::KMeans)
    return fail() << "vectors have values of method=kmeans only";
  if (block % dims != 0)
    return fail() << "block is " << int64_t(block)
                  << "; it must be whole vectors of " << int64_t(dims);
  if (isFixed() && bits != 4)
    return fail() << "bits is " << int64_t(bits)
                  << "; nf4 and fp4 have values for 4";
  if (isFixed() && block == 0)
    return fail() << "nf4 and fp4 need scales; block must not be 0";
  // Sizes of lookups, before anything is shifted by so many bits.
  if (bits < 2 || bits > 8)
    return fail() << "bits is " << int64_t(bits) << "; 2 to 8 are defined";
  return WeightQuantizer::verify(context, getArgument(), getQuantizerOptions());
}

CodebookOptions Cluster::getCodebookOptions(WeightQuantizer::Task &task) const {
  CodebookOptions options;
  options.method = method;
  options.codebooks = *task.codebooks;
  options.grid = task.grid;
  options.scaleBlock = block;
  options.searchScales = block > 0 && dims == 1 && clip == ClipSearch::MSE;
  options.refit = refit;
  return options;
}

void Cluster::cluster(WeightQuantizer &quantizer, WeightQuantizer::Task &task,
                      const InputStatistics *statistics,
                      const HessianFactor *factor) {
  CodebookOptions options = getCodebookOptions(task);
  const WeightSource &source = task.source;
  if (int64_t count = options.codebooks.rows * source.columns;
      method == ClusterMethod::Exact && count > maxExact)
    return quantizer.keep(task.weight.param,
                          Twine(count) + " weights share a codebook, which " +
                              "method=exact finds for " + Twine(maxExact) +
                              " at most; let fewer rows share one");
  ClusterInput input;
  input.factor = factor;
  input.statistics = statistics;
  if (statistics && weighting == ClipWeighting::Activations)
    for (int64_t i = 0; i < statistics->columns; ++i)
      input.columnWeights.push_back(statistics->getMeanSquare(i));
  quantizer.replace(
      task, clusterWeight(source, task.block, options, input, &getContext()));
}

void Cluster::runOnOperation() {
  WeightQuantizer quantizer(getOperation(), getArgument(),
                            getQuantizerOptions());
  std::vector<WeightQuantizer::Task> tasks = quantizer.collectTasks();
  // Linears over one value need one factor.
  llvm::MapVector<const InputStatistics *, SmallVector<WeightQuantizer::Task *>>
      sharing;
  std::vector<Statistics::Input> inputs;
  for (WeightQuantizer::Task &task : tasks) {
    if (!task.weight.inLinear && compensate) {
      quantizer.keep(task.weight.param,
                     "only an embedding reads it; compensate=false is for "
                     "those");
      continue;
    }
    // All columns of a row that an embedding looks up count the same.
    bool needed = task.weight.inLinear &&
                  (compensate || weighting == ClipWeighting::Activations);
    Statistics::Input input;
    if (needed && !(input = quantizer.getStatistics(task)))
      continue;
    // The report's error of the output needs them too.
    if (!needed && task.weight.inLinear)
      input = Statistics::of(&getContext()).lookup(task.getName());
    if (input && input->columns != task.source.columns)
      input = nullptr;
    sharing[input.get()].push_back(&task);
    inputs.push_back(std::move(input));
  }
  for (auto &[input, sharers] : sharing) {
    FailureOr<HessianFactor> factor = failure();
    if (compensate)
      factor = factorHessian(*input, damping, actOrder, dims);
    for (WeightQuantizer::Task *task : sharers) {
      if (compensate && failed(factor))
        quantizer.keep(task->weight.param,
                       "the Gram matrix of its input is not positive "
                       "definite; calibrate with more tokens or raise damping");
      else
        cluster(quantizer, *task, input, compensate ? &*factor : nullptr);
    }
  }
  numWeights += quantizer.numWeights;
  numSkipped += quantizer.numSkipped;
  bytesBefore += quantizer.bytesBefore;
  bytesAfter += quantizer.bytesAfter;
  largestError.updateMax(quantizer.largestError);
  if (quantizer.hasFailed())
    signalPassFailure();
}
} // namespace
