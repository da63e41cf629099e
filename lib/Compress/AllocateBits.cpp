//===- AllocateBits.cpp - bits of each weight under a budget --------------===//

#include "GramQuantizer.h"
#include "Knapsack.h"
#include "WeightQuantizer.h"
#include "llmc/Weights/Blobs.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/StringSet.h"

namespace llmc {
#define GEN_PASS_DEF_ALLOCATEBITS
#include "llmc/Compress/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

namespace {

/// Rows of a weight on which errors are measured.
constexpr int64_t mostRows = 256;

/// As the default of llmc-quantize-gptq.
constexpr double damping = 0.1;

/// Some rows of a weight, evenly spaced.
Matrix<float> sampleRows(const WeightSource &source) {
  int64_t stride = llvm::divideCeil(source.rows, mostRows);
  Matrix<float> rows(llvm::divideCeil(source.rows, stride), source.columns);
  for (int64_t row = 0; row < rows.rows; ++row)
    readWeight(source, row * stride, 0,
               rows.ref().block(row, 0, 1, source.columns));
  return rows;
}

struct AllocateBits : llmc::impl::AllocateBitsBase<AllocateBits> {
  using AllocateBitsBase::AllocateBitsBase;

  LogicalResult initialize(MLIRContext *context) override;
  void runOnOperation() override;

private:
  WeightQuantizerOptions getOptions(int64_t bits) const;
  int64_t getBytes(WeightQuantizer::Task &task, int64_t bits) const;
  /// What errors of weights cost: of those that were probed a squared error of
  /// 1, of the others one that is as large as the output.
  class Costs {
  public:
    explicit Costs(const Statistics &statistics);
    double get(StringRef param, bool inEmbedding, double error,
               double norm) const;
    /// Whether others were probed and this one was not, so that its costs
    /// compare with theirs only roughly.
    bool isGuessed(StringRef param, bool inEmbedding) const {
      return !probed.empty() && !probed.count({param.str(), inEmbedding});
    }

  private:
    std::map<std::pair<std::string, bool>, double> probed;
    /// Weights of linears that are part of a block, and what is typical there.
    llvm::StringSet<> inBlock;
    double typical = 1;
  };
  /// Nothing, after saying so, if a weight cannot be judged.
  SmallVector<KnapsackChoice> judge(WeightQuantizer::Task &task,
                                    WeightQuantizer &quantizer,
                                    const Costs &costs);

  std::vector<int64_t> candidates;
  bool hasGuessed = false;
  /// Linears over one value need one factor; of the last one.
  Statistics::Input factored;
  FailureOr<HessianFactor> factor;
};

LogicalResult AllocateBits::initialize(MLIRContext *context) {
  auto fail = [&](const Twine &reason) {
    return emitError(UnknownLoc::get(context))
           << getArgument() << ": " << reason;
  };
  if (budget <= 0)
    return fail("budget is " + Twine(int64_t(budget)) +
                "; it must be a number of bytes");
  candidates.assign(bits.begin(), bits.end());
  if (candidates.empty())
    candidates = {2, 3, 4, 5, 6, 8};
  llvm::sort(candidates);
  for (int64_t candidate : candidates)
    if (failed(WeightQuantizer::verify(context, getArgument(),
                                       getOptions(candidate))))
      return failure();
  return success();
}

WeightQuantizerOptions AllocateBits::getOptions(int64_t bits) const {
  WeightQuantizerOptions options;
  options.grid.bits = bits;
  options.grid.symmetric = symmetric;
  options.grid.halfScales = scales == ScaleStorage::F16;
  options.grid.clip = ClipSearch::MSE;
  options.block = block;
  options.what = what;
  options.skip = skip;
  options.strict = strict;
  return options;
}

int64_t AllocateBits::getBytes(WeightQuantizer::Task &task,
                               int64_t bits) const {
  BlockFormat format{task.source.rows, task.source.columns, task.block, bits};
  int64_t number = format.rows * format.getNumBlocks();
  return format.getDataBytes() + (symmetric ? 0 : format.getZerosBytes()) +
         (scales == ScaleStorage::F32 ? format.getScalesBytes(task.grid.format)
          : scales == ScaleStorage::F16 ? 2 * number
                                        : number + 2 * format.rows);
}

AllocateBits::Costs::Costs(const Statistics &statistics) {
  for (const WeightProbe &probe : statistics.probes)
    if (probe.squaredError > 0)
      probed[{probe.param, probe.inEmbedding}] =
          std::max(probe.divergence, 0.0) / probe.squaredError;
  std::vector<double> influences;
  for (const BlockStatistics &block : statistics.blocks) {
    if (block.influence < 0)
      continue;
    influences.push_back(block.influence);
    inBlock.insert_range(block.params);
  }
  if (influences.empty())
    return;
  auto median = influences.begin() + influences.size() / 2;
  std::nth_element(influences.begin(), median, influences.end());
  typical = 2 * *median;
}

double AllocateBits::Costs::get(StringRef param, bool inEmbedding, double error,
                                double norm) const {
  auto found = probed.find({param.str(), inEmbedding});
  if (found != probed.end())
    return found->second * error;
  double relative = norm > 0 ? error / norm : 0;
  return !inEmbedding && inBlock.contains(param) ? typical * relative
                                                 : relative;
}

SmallVector<KnapsackChoice> AllocateBits::judge(WeightQuantizer::Task &task,
                                                WeightQuantizer &quantizer,
                                                const Costs &costs) {
  MLIRContext *context = &getContext();
  Matrix<float> rows = sampleRows(task.source);
  WeightSource sample{reinterpret_cast<const char *>(rows.values.data()),
                      FloatFormat::F32, rows.rows, rows.columns};
  bool usesGram =
      task.weight.inLinear && weighting == ClipWeighting::Activations;
  if (usesGram) {
    Statistics::Input input = quantizer.getStatistics(task);
    if (!input)
      return {};
    if (input != factored) {
      factored = input;
      factor = factorHessian(*input, damping, /*descending=*/true);
    }
    if (failed(factor)) {
      quantizer.keep(task.weight.param,
                     "the Gram matrix of its input is not positive definite; "
                     "calibrate with more tokens");
      return {};
    }
  }
  auto noteGuess = [&](bool inEmbedding, StringRef use) {
    if (!costs.isGuessed(task.getName(), inEmbedding))
      return;
    hasGuessed = true;
    (strict ? task.weight.param.emitError() : task.weight.param.emitRemark())
        << "'" << task.getName() << "' was not probed as the weight of " << use
        << ": what its errors cost is estimated";
  };
  if (task.weight.inLinear)
    noteGuess(/*inEmbedding=*/false, "a linear");
  if (task.weight.inEmbedding)
    noteGuess(/*inEmbedding=*/true, "an embedding");
  SmallVector<KnapsackChoice> choices;
  for (int64_t bits : candidates) {
    GridOptions grid = task.grid;
    grid.bits = bits;
    grid.format = FloatFormat::F32;
    double cost = 0, scale = double(task.source.rows) / rows.rows;
    auto add = [&](bool inEmbedding, double error, double norm) {
      cost +=
          costs.get(task.getName(), inEmbedding, error * scale, norm * scale);
    };
    bool finite = true;
    if (usesGram) {
      QuantizedWeight result =
          quantizeWithGram(sample, task.block, grid, *factor, {}, context);
      finite = result.finite;
      add(/*inEmbedding=*/false, result.outputError, result.outputNorm);
    }
    if (!usesGram || task.weight.inEmbedding) {
      QuantizedWeight result =
          quantizeToNearest(sample, task.block, grid, {}, context);
      finite &= result.finite;
      add(task.weight.inEmbedding, result.squaredError, result.squaredNorm);
    }
    if (!finite) {
      quantizer.keep(task.weight.param, "it holds values that are not finite");
      return {};
    }
    choices.push_back({getBytes(task, bits), cost});
  }
  return choices;
}

void AllocateBits::runOnOperation() {
  ModuleOp module = getOperation();
  int64_t left = budget;
  for (ParamOp param : module.getOps<ParamOp>()) {
    param->removeAttr(bitsAttrName);
    left -= *getByteSize(param.getType());
  }
  // The fewest bits, for which a weight that gets smaller at all does.
  WeightQuantizer quantizer(module, getArgument(),
                            getOptions(candidates.front()));
  std::vector<WeightQuantizer::Task> tasks = quantizer.collectTasks();
  // Probes measured errors of outputs, not those of weights.
  Costs costs(weighting == ClipWeighting::None ? Statistics()
                                               : Statistics::of(&getContext()));
  hasGuessed = false;
  std::vector<WeightQuantizer::Task *> judged;
  std::vector<SmallVector<KnapsackChoice>> items;
  int64_t smallest = 0;
  for (WeightQuantizer::Task &task : tasks) {
    if (task.pruned) {
      quantizer.keep(task.weight.param, "it is pruned");
      continue;
    }
    SmallVector<KnapsackChoice> choices = judge(task, quantizer, costs);
    if (choices.empty())
      continue;
    left += *getByteSize(task.weight.param.getType());
    smallest += choices.front().bytes;
    judged.push_back(&task);
    items.push_back(std::move(choices));
  }
  numSkipped += quantizer.numSkipped;
  if (quantizer.hasFailed() || (strict && hasGuessed))
    return signalPassFailure();
  std::optional<std::vector<size_t>> chosen =
      chooseWithin({left, std::nullopt}, items);
  if (!chosen) {
    emitError(module.getLoc())
        << getArgument() << ": budget is " << int64_t(budget) << " bytes; with "
        << candidates.front() << " bits parameters take "
        << budget - left + smallest;
    return signalPassFailure();
  }
  Builder builder(&getContext());
  for (auto [task, choices, index] : llvm::zip(judged, items, *chosen)) {
    ParamOp param = task->weight.param;
    param->setAttr(bitsAttrName, builder.getI64IntegerAttr(candidates[index]));
    ++numWeights;
    left -= choices[index].bytes;
    using mlir::remark::metric;
    mlir::remark::passed(
        param.getLoc(),
        mlir::remark::RemarkOpts::name(getArgument()).category(compressRemarks))
        << metric("param", param.getSymName())
        << metric("bits", candidates[index])
        << metric("bytes", choices[index].bytes)
        << metric("cost", choices[index].cost);
  }
  bytesAfter += budget - left;
}

} // namespace
