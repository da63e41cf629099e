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

/// Values that are the same for every weight.
struct Published {
  std::vector<float> values;
  /// Weights that share a scale if nothing is said; 0: a row.
  int64_t block = 64;
  bool isFloat = true;
  /// A Microscaling format: scales are powers of two.
  bool isMX = false;
};

/// Those of a method; nothing if it learns them.
std::optional<Published> getPublished(ClusterMethod method) {
  auto table = [](int exponentBits, int mantissaBits,
                  FloatSpecials specials = FloatSpecials::None) {
    return makeFloatTable(exponentBits, mantissaBits, specials);
  };
  switch (method) {
  case ClusterMethod::KMeans:
  case ClusterMethod::Exact:
    return std::nullopt;
  case ClusterMethod::NF4:
    return Published{{std::begin(nf4Values), std::end(nf4Values)},
                     64,
                     /*isFloat=*/false};
  case ClusterMethod::FP4:
    return Published{table(2, 1)};
  case ClusterMethod::FP8E4M3:
    return Published{table(4, 3, FloatSpecials::NaN), 0};
  case ClusterMethod::FP8E5M2:
    return Published{table(5, 2, FloatSpecials::IEEE), 0};
  case ClusterMethod::MXFP4:
    return Published{table(2, 1), 32, true, true};
  case ClusterMethod::MXFP6E2M3:
    return Published{table(2, 3), 32, true, true};
  case ClusterMethod::MXFP6E3M2:
    return Published{table(3, 2), 32, true, true};
  case ClusterMethod::MXFP8E4M3:
    return Published{table(4, 3, FloatSpecials::NaN), 32, true, true};
  case ClusterMethod::MXFP8E5M2:
    return Published{table(5, 2, FloatSpecials::IEEE), 32, true, true};
  }
  llvm_unreachable("no other method");
}

struct Cluster : llmc::impl::ClusterBase<Cluster> {
  using ClusterBase::ClusterBase;

  LogicalResult initialize(MLIRContext *context) override;
  void runOnOperation() override;

private:
  /// `bits` and `block`, or what the method has.
  int64_t getBits() const {
    if (bits != 0)
      return bits;
    return published ? llvm::Log2_64(published->values.size()) : 4;
  }
  int64_t getBlock() const {
    if (block >= 0)
      return block;
    return published ? published->block : 64;
  }
  bool isWeighted() const {
    return weighting == ClipWeighting::Auto
               ? compensate
               : weighting == ClipWeighting::Activations;
  }
  WeightQuantizerOptions getQuantizerOptions() const;
  CodebookOptions getCodebookOptions(WeightQuantizer::Task &task) const;
  void cluster(WeightQuantizer &quantizer, WeightQuantizer::Task &task,
               const InputStatistics *statistics, const HessianFactor *factor);

  std::optional<Published> published;
};

WeightQuantizerOptions Cluster::getQuantizerOptions() const {
  WeightQuantizerOptions options;
  options.grid.bits = getBits();
  options.grid.symmetric = true;
  options.grid.halfScales = halfScales;
  options.grid.exponents = published && published->isMX;
  options.block = getBlock();
  options.what = what;
  options.skip = skip;
  options.strict = strict;
  Codebooks codebooks;
  codebooks.rows = published ? 0 : rows;
  codebooks.size = int64_t(1) << getBits();
  codebooks.dims = dims;
  codebooks.format = halfCodebook ? FloatFormat::F16 : FloatFormat::F32;
  codebooks.constant = published.has_value();
  codebooks.scaled = published || getBlock() > 0;
  if (published) {
    codebooks.values = published->values;
    codebooks.evenTies = published->isFloat;
  }
  options.codebooks = std::move(codebooks);
  return options;
}

LogicalResult Cluster::initialize(MLIRContext *context) {
  auto fail = [&] {
    return emitError(UnknownLoc::get(context)) << getArgument() << ": ";
  };
  published = getPublished(method);
  if (rows < 0 || block < -1 || refit < 0)
    return fail() << "rows, block and refit must not be negative";
  if (!(damping >= 0) || !std::isfinite(damping))
    return fail() << "damping is " << double(damping)
                  << "; it must not be negative";
  if (dims != 1 && dims != 2 && dims != 4)
    return fail() << "dims is " << int64_t(dims) << "; 1, 2 and 4 are defined";
  if (dims > 1 && method != ClusterMethod::KMeans)
    return fail() << "vectors have values of method=kmeans only";
  if (getBlock() % dims != 0)
    return fail() << "block is " << getBlock()
                  << "; it must be whole vectors of " << int64_t(dims);
  // Sizes of lookups, before anything is shifted by so many bits.
  if (getBits() < 2 || getBits() > 8)
    return fail() << "bits is " << getBits() << "; 2 to 8 are defined";
  if (published && published->values.size() != size_t(1) << getBits())
    return fail() << "bits is " << getBits() << "; the method has "
                  << published->values.size() << " values";
  if (published && published->isMX && getBlock() != published->block)
    return fail() << "block is " << getBlock()
                  << "; MX formats have a scale for " << published->block
                  << " weights";
  return WeightQuantizer::verify(context, getArgument(), getQuantizerOptions());
}

CodebookOptions Cluster::getCodebookOptions(WeightQuantizer::Task &task) const {
  CodebookOptions options;
  options.exact = method == ClusterMethod::Exact;
  options.codebooks = *task.codebooks;
  options.grid = task.grid;
  options.searchScales =
      options.codebooks.scaled && dims == 1 && clip == ClipSearch::MSE;
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
  if (statistics && isWeighted())
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
    // All columns of a row that an embedding looks up count the same, and
    // nothing makes up for their errors.
    bool needed = task.weight.inLinear && (compensate || isWeighted());
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
    bool isCompensated = compensate && input;
    if (isCompensated)
      factor = factorHessian(*input, damping, actOrder, dims);
    for (WeightQuantizer::Task *task : sharers) {
      if (isCompensated && failed(factor))
        quantizer.keep(task->weight.param,
                       "the Gram matrix of its input is not positive "
                       "definite; calibrate with more tokens or raise damping");
      else
        cluster(quantizer, *task, input, isCompensated ? &*factor : nullptr);
    }
  }
  numWeights += quantizer.numWeights;
  numSkipped += quantizer.numSkipped;
  bytesBefore += quantizer.bytesBefore;
  bytesAfter += quantizer.bytesAfter;
  if (quantizer.hasFailed())
    signalPassFailure();
}
} // namespace
