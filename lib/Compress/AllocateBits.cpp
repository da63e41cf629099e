//===- AllocateBits.cpp - bits of each weight within bounds ---------------===//

#include "GramQuantizer.h"
#include "KernelCosts.h"
#include "Knapsack.h"
#include "WeightQuantizer.h"
#include "llmc/Weights/Blobs.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/Remarks.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/Format.h"
#include <cmath>

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

/// Times are picoseconds, of which sums are exact.
constexpr double timeUnit = 1e-12;
double getMilliseconds(int64_t time) { return double(time) * timeUnit * 1e3; }

/// Rounded up, so that it is enough.
std::string describeMilliseconds(double milliseconds) {
  std::string text;
  llvm::raw_string_ostream(text)
      << llvm::format("%.10g ms", std::ceil(milliseconds * 1e6) / 1e6);
  return text;
}

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

  /// What may become of a weight.
  struct Item {
    WeightQuantizer::Task *task;
    SmallVector<int64_t> bits;
    SmallVector<Operation *> readers;
  };
  /// Finds how long the ops take that read the weight, and drops choices for
  /// which there are fewer kernels than for others.
  void addTimes(Item &item, SmallVector<KnapsackChoice> &choices,
                KernelCosts &kernels);
  /// How long all other ops take.
  int64_t getRestTime(ArrayRef<Item> items, KernelCosts &kernels);
  void complainUnknown(Operation *op, const Twine &when);
  /// Says which bound is out of reach.
  void complainBounds(const KnapsackBudget &left,
                      MutableArrayRef<SmallVector<KnapsackChoice>> choices);
  std::optional<int64_t> getTimeBound() const {
    return latency > 0 ? std::optional(int64_t(latency * 1e-3 / timeUnit))
                       : std::nullopt;
  }

  std::vector<int64_t> candidates;
  bool hasUnknown = false;
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
  if (budget < 0)
    return fail("budget is " + Twine(int64_t(budget)) +
                "; it must be a number of bytes");
  // Picoseconds of more than a day would not be a number of 64 bits.
  if (!(latency >= 0 && latency <= 1e8))
    return emitError(UnknownLoc::get(context))
           << getArgument() << ": latency is " << double(latency)
           << "; it must be milliseconds, at most 1e8";
  if (budget == 0 && latency == 0)
    return fail("give it a budget of bytes, a latency, or both");
  if (rows < 1)
    return fail("rows is " + Twine(int64_t(rows)) + "; it must be at least 1");
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
  int64_t floatBytes = scales == ScaleStorage::F32
                           ? format.getScalesBytes(task.grid.format)
                           : 2 * number;
  int64_t scaleBytes =
      scales == ScaleStorage::Int8 ? number + 2 * format.rows : floatBytes;
  if (codebooks)
    return format.getDataBytes() + (block ? scaleBytes : 0) +
           (getFloatBytes(task.grid.format) << bits);
  int64_t zeroBytes = symmetric    ? 0
                      : floatZeros ? floatBytes
                                   : format.getZerosBytes();
  return format.getDataBytes() + scaleBytes + zeroBytes;
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

void AllocateBits::complainUnknown(Operation *op, const Twine &when) {
  hasUnknown = true;
  (strict ? op->emitError() : op->emitRemark())
      << "no backend has a kernel for this op" << when
      << ": what it takes is not known and does not count";
}

void AllocateBits::addTimes(Item &item, SmallVector<KnapsackChoice> &choices,
                            KernelCosts &kernels) {
  SmallVector<Backends::ModelCost> sums;
  size_t fewest = item.readers.size();
  for (int64_t bits : item.bits) {
    Backends::ModelCost &sum = sums.emplace_back();
    for (Operation *op : item.readers)
      sum.add(op, kernels.get(op, {bits, block, symmetric, scales, codebooks,
                                   floatZeros}));
    fewest = std::min(fewest, sum.unknown.size());
  }
  size_t kept = 0;
  for (auto [i, sum] : llvm::enumerate(sums)) {
    if (sum.unknown.size() > fewest)
      continue;
    if (kept == 0)
      for (Operation *op : sum.unknown)
        complainUnknown(op, " with a quantized weight");
    choices[kept] = choices[i];
    choices[kept].time = std::ceil(sum.seconds / timeUnit);
    item.bits[kept++] = item.bits[i];
  }
  choices.truncate(kept);
  item.bits.truncate(kept);
}

int64_t AllocateBits::getRestTime(ArrayRef<Item> items, KernelCosts &kernels) {
  llvm::DenseSet<Operation *> readers;
  for (const Item &item : items)
    readers.insert_range(item.readers);
  SmallVector<Operation *> others;
  for (auto function : getOperation().getOps<func::FuncOp>())
    function.walk([&](Operation *op) {
      if (!readers.contains(op))
        others.push_back(op);
    });
  Backends::ModelCost sum;
  for (Operation *op : others)
    sum.add(op, kernels.get(op));
  for (Operation *op : sum.unknown)
    complainUnknown(op, "");
  return std::ceil(sum.seconds / timeUnit);
}

void AllocateBits::complainBounds(
    const KnapsackBudget &left,
    MutableArrayRef<SmallVector<KnapsackChoice>> choices) {
  int64_t bytes = 0, time = 0;
  for (ArrayRef<KnapsackChoice> some : choices) {
    auto least = [&](auto member) {
      return std::invoke(
          member, *llvm::min_element(some, [&](auto &a, auto &b) {
            return std::invoke(member, a) < std::invoke(member, b);
          }));
    };
    bytes += least(&KnapsackChoice::bytes);
    time += least(&KnapsackChoice::time);
  }
  auto inMilliseconds = [&](int64_t needed) {
    return describeMilliseconds(latency + getMilliseconds(needed - *left.time));
  };
  auto diagnostic = emitError(getOperation().getLoc()) << getArgument() << ": ";
  if (left.bytes && bytes > *left.bytes) {
    diagnostic << "budget is " << int64_t(budget) << " bytes; with "
               << candidates.front() << " bits parameters take "
               << budget - *left.bytes + bytes;
    return;
  }
  std::string given = describeMilliseconds(latency);
  if (time > *left.time) {
    diagnostic << "latency is " << given << "; the fastest choice takes "
               << inMilliseconds(time);
    return;
  }
  diagnostic << "no choice was found within a budget of " << int64_t(budget)
             << " bytes and a latency of " << given;
  for (SmallVector<KnapsackChoice> &some : choices)
    for (KnapsackChoice &choice : some)
      choice.cost = choice.time;
  if (auto fastest = chooseWithin({left.bytes, std::nullopt}, choices)) {
    time = 0;
    for (auto [some, index] : llvm::zip(choices, *fastest))
      time += some[index].time;
    diagnostic << "; the fastest one within the budget takes "
               << inMilliseconds(time);
  }
}

void AllocateBits::runOnOperation() {
  ModuleOp module = getOperation();
  std::optional<int64_t> timeBound = getTimeBound();
  if (timeBound && Backends::of(&getContext()).getEntries().empty()) {
    emitError(module.getLoc())
        << getArgument()
        << ": a latency is that of a backend's kernels: load one with "
           "--load-backend=FILE";
    return signalPassFailure();
  }
  int64_t restBytes = 0;
  for (ParamOp param : module.getOps<ParamOp>()) {
    param->removeAttr(bitsAttrName);
    restBytes += *getByteSize(param.getType());
  }
  // The fewest bits, for which a weight that gets smaller at all does.
  WeightQuantizer quantizer(module, getArgument(),
                            getOptions(candidates.front()));
  std::vector<WeightQuantizer::Task> tasks = quantizer.collectTasks();
  // Probes measured errors of outputs, not those of weights.
  Costs costs(weighting == ClipWeighting::None ? Statistics()
                                               : Statistics::of(&getContext()));
  KernelCosts kernels(module, rows, operands == LinearOperands::Int8);
  hasGuessed = hasUnknown = false;
  std::vector<Item> items;
  std::vector<SmallVector<KnapsackChoice>> choices;
  for (WeightQuantizer::Task &task : tasks) {
    if (task.pruned) {
      quantizer.keep(task.weight.param, "it is pruned");
      continue;
    }
    SmallVector<KnapsackChoice> judged = judge(task, quantizer, costs);
    if (judged.empty())
      continue;
    Item item{&task, SmallVector<int64_t>(ArrayRef(candidates)),
              getReaders(task.weight)};
    if (timeBound)
      addTimes(item, judged, kernels);
    restBytes -= *getByteSize(task.weight.param.getType());
    items.push_back(std::move(item));
    choices.push_back(std::move(judged));
  }
  int64_t restTime = timeBound ? getRestTime(items, kernels) : 0;
  numSkipped += quantizer.numSkipped;
  if (quantizer.hasFailed() || (strict && (hasGuessed || hasUnknown)))
    return signalPassFailure();
  KnapsackBudget left;
  if (budget > 0)
    left.bytes = budget - restBytes;
  if (timeBound)
    left.time = *timeBound - restTime;
  std::optional<std::vector<size_t>> chosen = chooseWithin(left, choices);
  if (!chosen) {
    complainBounds(left, choices);
    return signalPassFailure();
  }
  int64_t bytes = restBytes, time = restTime;
  for (auto [some, index] : llvm::zip(choices, *chosen)) {
    bytes += some[index].bytes;
    time += some[index].time;
  }
  Builder builder(&getContext());
  for (auto [item, some, index] : llvm::zip(items, choices, *chosen)) {
    ParamOp param = item.task->weight.param;
    param->setAttr(bitsAttrName, builder.getI64IntegerAttr(item.bits[index]));
    using mlir::remark::metric;
    auto remark = mlir::remark::passed(
        param.getLoc(), mlir::remark::RemarkOpts::name(getArgument())
                            .category(compressRemarks));
    remark << metric("param", param.getSymName())
           << metric("bits", item.bits[index])
           << metric("bytes", some[index].bytes)
           << metric("cost", some[index].cost);
    if (timeBound)
      remark << metric("milliseconds", getMilliseconds(some[index].time))
             << metric("model_milliseconds", getMilliseconds(time));
  }
  numWeights += items.size();
  bytesAfter += bytes;
  if (timeBound)
    nanosecondsAfter += llvm::divideCeil(time, 1000);
}

} // namespace
