//===- Calibrate.cpp - statistics of a model on data ----------------------===//

#include "AttentionCollector.h"
#include "BlockReads.h"
#include "BlockRunner.h"
#include "Collector.h"
#include "CompressBlock.h"
#include "Reference.h"
#include "WeightProbes.h"
#include "llmc/Calibrate/Passes.h"
#include "llmc/Calibrate/Statistics.h"
#include "llmc/IR/InnerPipeline.h"
#include "llmc/Weights/Blobs.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include <cmath>
#include <limits>

namespace llmc {
#define GEN_PASS_DEF_CALIBRATE
#include "llmc/Calibrate/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

namespace {

/// One pass of all samples through a model.
class Calibration {
public:
  Calibration(func::FuncOp main, const Samples &samples, bool progress,
              PassManager *probe, int64_t numProbes, int64_t numAttended)
      : main(main), samples(samples), progress(progress),
        numAttended(numAttended), statistics(Statistics::of(main.getContext())),
        runner(main, samples), probe(probe), probes(numProbes) {}

  /// Collects the statistics of all blocks, and compresses each by `then`
  /// unless that is null; stage by stage, if `compared`, beside the model as it
  /// was.
  LogicalResult run(PassManager *then, bool compared);

private:
  /// Finds where the queries of a block's attentions look.
  LogicalResult measureAttentions(const ModelBlock &block);
  LogicalResult findLogits();
  /// Moves states of probes through a block, and adds those of its weights.
  LogicalResult probeWeights(const ModelBlock &block);
  /// Collects what `reads` of a block needs, with `handOn` what the block hands
  /// on, and how both differ from `compared`, unless that is null.
  LogicalResult collect(const ModelBlock &block, const BlockReads &reads,
                        bool handOn, Reference *compared = nullptr);
  /// Probes the weights of a block too, if they are.
  LogicalResult collectBlock(const ModelBlock &block, bool handOn);
  void note(const BlockReads &reads);
  /// Makes statistics of what was collected for these weights; before the end
  /// not of those that several blocks read.
  void finishInputs(ArrayRef<StringAttr> params, bool atEnd);
  /// The same of all that are left.
  void finishShared();
  /// Whether a block has to stay as it is, which a remark says.
  bool isShared(unsigned index);
  LogicalResult compress(unsigned index, PassManager &then);
  LogicalResult compressStages(unsigned index, PassManager &then,
                               Reference &reference);
  /// Leaves a block out, but not of `reference`, unless that is null.
  LogicalResult passOver(const ModelBlock &block, Reference *reference);
  /// Takes what a block made of a sample.
  void advance(int64_t sample, const HostTensor &output);
  /// Goes to the next block.
  void finishBlock();

  func::FuncOp main;
  const Samples &samples;
  bool progress;
  /// On how many samples attentions are measured.
  int64_t numAttended;
  Statistics &statistics;
  /// What probes look at: the result of @main that is called so.
  Value logits;
  BlockRunner runner;
  SmallVector<ModelBlock> blocks;
  /// How many blocks read a parameter.
  llvm::DenseMap<StringAttr, unsigned> counts;
  /// What the block that runs was given, the one before it was given, and the
  /// next one is given, for each sample.
  std::vector<HostTensor> given, givenBefore, handedOn;
  double cosines = 0, pairCosines = 0;
  /// What weights are probed with; null if they are not.
  PassManager *probe;
  WeightProbes probes;
  /// Of weights that the block that runs reads, and of those of several blocks.
  llvm::DenseMap<StringAttr, std::shared_ptr<InputCollector>> collectors;
  llvm::DenseMap<StringAttr, std::vector<int64_t>> tokenCounts;
};

LogicalResult Calibration::measureAttentions(const ModelBlock &block) {
  std::vector<std::pair<StringAttr, AttentionCollector>> attentions;
  SmallVector<Value> outputs;
  for (Operation *op : block.ops) {
    auto attention = dyn_cast<AttentionOp>(op);
    StringAttr param = attention ? findQueryParam(attention) : StringAttr();
    if (!param)
      continue;
    attentions.emplace_back(param, attention);
    outputs.append({attention.getQuery(), attention.getKey()});
    if (attention.getMask())
      outputs.push_back(attention.getMask());
  }
  if (attentions.empty() || numAttended == 0)
    return success();
  auto compiled = runner.compile(block, outputs);
  if (failed(compiled))
    return failure();
  for (int64_t sample = 0; sample < numAttended; ++sample) {
    auto results = runner.run(*compiled, sample, given[sample]);
    if (failed(results))
      return failure();
    ArrayRef<HostTensor> left = *results;
    for (auto &[param, collector] : attentions) {
      collector.add(left.take_front(collector.getNumOperands()));
      left = left.drop_front(collector.getNumOperands());
    }
  }
  for (auto &[param, collector] : attentions)
    if (std::optional<AttentionStatistics> means = collector.getMeans())
      statistics.addAttention(param, std::move(*means));
  return success();
}

LogicalResult Calibration::collect(const ModelBlock &block,
                                   const BlockReads &reads, bool handOn,
                                   Reference *compared) {
  SmallVector<Value> outputs;
  // Weights that share an input share a collector, unless an earlier block read
  // them too.
  SmallVector<llvm::SetVector<InputCollector *>> groups;
  for (auto &[value, params] : reads.inputs) {
    outputs.push_back(value);
    int64_t columns = cast<RankedTensorType>(value.getType()).getShape().back();
    auto fresh = std::make_shared<InputCollector>(columns);
    auto &group = groups.emplace_back();
    for (StringAttr param : params)
      group.insert(collectors.try_emplace(param, fresh).first->second.get());
  }
  for (auto &[value, params] : reads.ids)
    outputs.push_back(value);
  for (auto &[param, size] : reads.vocabulary)
    tokenCounts.try_emplace(param, size);
  if (handOn && block.output)
    outputs.push_back(block.output);
  if (compared)
    for (auto &[param, sum] : reads.residuals)
      outputs.push_back(sum.residual);
  if (outputs.empty())
    return success();

  auto compiled = runner.compile(block, outputs);
  if (failed(compiled))
    return failure();
  return runner.run(
      *compiled, given, [&](int64_t sample, ArrayRef<HostTensor> results) {
        LogicalResult result =
            compared ? compared->compare(sample, results) : success();
        for (auto &group : groups) {
          for (InputCollector *collector : group)
            collector->add(results.front());
          results = results.drop_front();
        }
        for (auto &[value, params] : reads.ids) {
          for (StringAttr param : params)
            countIds(results.front(), tokenCounts[param]);
          results = results.drop_front();
        }
        if (handOn && block.output)
          advance(sample, results.front());
        return result;
      });
}

LogicalResult Calibration::collectBlock(const ModelBlock &block, bool handOn) {
  BlockReads reads = findReads(block);
  if (failed(collect(block, reads, handOn)))
    return failure();
  note(reads);
  if (!probe)
    return success();
  if (!block.output)
    finishShared();
  return probeWeights(block);
}

LogicalResult Calibration::findLogits() {
  for (OpOperand &operand :
       main.getBody().front().getTerminator()->getOpOperands()) {
    auto name = main.getResultAttrOfType<StringAttr>(operand.getOperandNumber(),
                                                     nameAttr);
    if (name && name == "logits" &&
        isa<Float32Type>(getElementTypeOrSelf(operand.get())))
      logits = operand.get();
  }
  if (!logits)
    return emitError(main.getLoc(),
                     "llmc-calibrate: probe needs a result of f32 "
                     "that is named 'logits'");
  return success();
}

LogicalResult Calibration::probeWeights(const ModelBlock &block) {
  bool isLast = !block.output;
  Value output = isLast ? logits : block.output;
  auto compiled = runner.compile(block, output);
  if (failed(compiled))
    return failure();
  auto runOn = [&](CompiledBlock &block, int64_t sample,
                   const HostTensor &state) -> FailureOr<HostTensor> {
    auto results = runner.run(block, sample, state);
    if (failed(results))
      return failure();
    return std::move(results->back());
  };
  auto run = [&](int64_t sample, const HostTensor &state) {
    return runOn(*compiled, sample, state);
  };
  std::vector<HostTensor> expected;
  if (isLast) {
    for (int64_t sample = 0; sample < probes.getNumSamples(); ++sample) {
      FailureOr<HostTensor> result = run(sample, given[sample]);
      if (failed(result))
        return failure();
      expected.push_back(std::move(*result));
    }
    if (failed(probes.measure(run, expected)))
      return failure();
  } else if (failed(probes.advance(run))) {
    return failure();
  }

  BlockModule before = runner.build(block, output),
              after = runner.build(block, output);
  if (failed(probe->run(*after.module)))
    return failure();
  auto weights = findProbedWeights(*before.module, *after.module);
  if (failed(weights))
    return failure();
  for (ProbedWeight &weight : *weights) {
    auto changed = runner.compile(block, output, [&](ModuleOp module) {
      auto param = SymbolTable(module).lookup<ParamOp>(weight.param);
      param.setValueAttr(makeResource(
          param.getType(), param.getSymName(),
          makeBlob(
              ArrayRef(reinterpret_cast<const char *>(weight.values.data()),
                       weight.values.size() * sizeof(float)),
              alignof(float), std::shared_ptr<const void>())));
    });
    if (failed(changed) || failed(probes.add(
                               weight,
                               [&](int64_t sample, const HostTensor &state) {
                                 return runOn(*changed, sample, state);
                               },
                               given)))
      return failure();
    if (isLast &&
        failed(probes.measure([](int64_t, const HostTensor &state)
                                  -> FailureOr<HostTensor> { return state; },
                              expected)))
      return failure();
  }
  if (isLast)
    statistics.probes = probes.getResults();
  return success();
}

void Calibration::note(const BlockReads &reads) {
  for (auto &[value, params] : reads.inputs)
    finishInputs(params, /*atEnd=*/false);
  for (auto &[param, size] : reads.vocabulary)
    statistics.setCounts(param, tokenCounts[param]);
  statistics.blocks.push_back({reads.params});
}

void Calibration::finishInputs(ArrayRef<StringAttr> params, bool atEnd) {
  llvm::DenseMap<InputCollector *, Statistics::Input> inputs;
  for (StringAttr param : params) {
    auto found = collectors.find(param);
    if (found == collectors.end() || (!atEnd && counts.lookup(param) > 1))
      continue;
    Statistics::Input &input = inputs[found->second.get()];
    if (!input)
      input = found->second->getMeans();
    statistics.set(param, input);
    collectors.erase(found);
  }
}

void Calibration::finishShared() {
  SmallVector<StringAttr> shared;
  for (auto &[param, collector] : collectors)
    shared.push_back(param);
  finishInputs(shared, /*atEnd=*/true);
}

void Calibration::advance(int64_t sample, const HostTensor &output) {
  // NaN where there is nothing of this shape to compare with.
  auto addCosines = [&](const std::vector<HostTensor> &states, double &sum) {
    bool comparable = !states.empty() && output.elementType.isF32() &&
                      states[sample].elementType == output.elementType &&
                      states[sample].shape == output.shape;
    sum += comparable ? sumCosines(states[sample], output)
                      : std::numeric_limits<double>::quiet_NaN();
  };
  addCosines(given, cosines);
  addCosines(givenBefore, pairCosines);
  handedOn[sample] = output;
}

void Calibration::finishBlock() {
  BlockStatistics &block = statistics.blocks.back();
  for (const HostTensor &state : handedOn)
    if (state.data && !state.shape.empty() && state.shape.back() > 0)
      block.count += state.getNumElements() / state.shape.back();
  if (block.count && !std::isnan(cosines))
    block.influence = 1 - cosines / block.count;
  if (block.count && !std::isnan(pairCosines))
    block.pairInfluence = 1 - pairCosines / block.count;
  cosines = pairCosines = 0;
  givenBefore = std::move(given);
  given = std::move(handedOn);
  handedOn.assign(samples.size(), HostTensor());
}

bool Calibration::isShared(unsigned index) {
  StringAttr shared = findSharedWeight(blocks[index], counts);
  if (shared)
    blocks[index].ops.front()->emitRemark("llmc-calibrate: block ")
        << index << " is left as it is: other blocks read its weight " << shared
        << " too; compress it behind this pass";
  return static_cast<bool>(shared);
}

LogicalResult Calibration::compress(unsigned index, PassManager &then) {
  ModelBlock &block = blocks[index];
  if (failed(collectBlock(block, /*handOn=*/false)))
    return failure();
  if (isShared(index))
    return success();
  return compressBlock(
      main, block, counts, [&](Value v) { return runner.getDims(v); }, then);
}

LogicalResult Calibration::compressStages(unsigned index, PassManager &then,
                                          Reference &reference) {
  ModelBlock &block = blocks[index];
  BlockReads all = findReads(block);
  if (isShared(index)) {
    if (failed(reference.keep(block, {})) ||
        failed(collect(block, all, /*handOn=*/false)))
      return failure();
    note(all);
    return reference.finishBlock();
  }
  SmallVector<ModelBlock> stages = findStages(block);
  std::vector<BlockReads> reads;
  for (const ModelBlock &stage : stages)
    reads.push_back(findReads(stage));
  if (failed(reference.keep(block, reads)))
    return failure();
  for (size_t number = 0; number < stages.size(); ++number) {
    ModelBlock &stage = stages[number];
    // What it reads was replaced with the stages before.
    BlockReads current = findReads(stage);
    if (failed(collect(block, current, /*handOn=*/false, &reference)))
      return failure();
    for (auto &[value, params] : current.inputs)
      finishInputs(params, /*atEnd=*/false);
    reference.finishStage(statistics);
    SmallVector<Value> before = stage.returned;
    if (failed(compressBlock(
            main, stage, counts, [&](Value v) { return runner.getDims(v); },
            then)))
      return failure();
    statistics.clearMismatches();
    auto replace = [&](Value &value) {
      auto found = llvm::find(before, value);
      if (found != before.end())
        value = stage.returned[found - before.begin()];
    };
    if (block.output)
      replace(block.output);
    for (ModelBlock &later : llvm::drop_begin(stages, number + 1))
      llvm::for_each(later.inputs, replace);
  }
  note(all);
  return reference.finishBlock();
}

LogicalResult Calibration::passOver(const ModelBlock &block,
                                    Reference *reference) {
  if (reference &&
      (failed(reference->keep(block, {})) || failed(reference->finishBlock())))
    return failure();
  note(findReads(block));
  handedOn = given;
  cosines = pairCosines = std::numeric_limits<double>::quiet_NaN();
  finishBlock();
  return success();
}

LogicalResult Calibration::run(PassManager *then, bool compared) {
  if (probe && failed(findLogits()))
    return failure();
  blocks = findBlocks(main);
  counts = countBlocks(blocks);
  if (failed(runner.noteDims(blocks)))
    return failure();
  given.assign(samples.size(), HostTensor());
  handedOn = given;
  Reference reference(runner, samples.size());
  for (unsigned index = 0; index < blocks.size(); ++index) {
    if (progress)
      llvm::errs() << "llmc-calibrate: block " << index + 1 << " of "
                   << blocks.size() << "\n";
    ModelBlock &block = blocks[index];
    if (isToBeRemoved(block)) {
      if (failed(passOver(block, compared ? &reference : nullptr)))
        return failure();
      continue;
    }
    Value before = block.output;
    if (failed(measureAttentions(block)) ||
        failed(!then      ? collectBlock(block, /*handOn=*/true)
               : compared ? compressStages(index, *then, reference)
                          : compress(index, *then)))
      return failure();
    if (then && before) {
      runner.moveDims(before, block.output);
      blocks[index + 1].inputs = {block.output};
      auto compiled = runner.compile(block, block.output);
      if (failed(compiled) ||
          failed(runner.run(*compiled, given,
                            [&](int64_t sample, ArrayRef<HostTensor> results) {
                              advance(sample, results.front());
                              return success();
                            })))
        return failure();
    }
    finishBlock();
  }
  finishShared();
  return success();
}

struct Calibrate : llmc::impl::CalibrateBase<Calibrate> {
  using CalibrateBase::CalibrateBase;

  void runOnOperation() override {
    if (llvm::failed(calibrate()))
      signalPassFailure();
  }

private:
  LogicalResult fail(const Twine &reason) {
    return emitError(UnknownLoc::get(&getContext()),
                     getArgument() + ": " + reason);
  }
  LogicalResult calibrate();
  /// Drops statistics of parameters that are no more.
  void dropReplaced();
};

LogicalResult Calibrate::calibrate() {
  ModuleOp module = getOperation();
  auto main = module.lookupSymbol<func::FuncOp>("main");
  if (!main || main.isExternal())
    return fail("the module has no function @main");
  if (!ExecutorFactory::of(&getContext()))
    return fail("this program cannot run models");
  if (inputs.empty())
    return fail("inputs names no file of samples");
  auto samples = Samples::read(main, inputs);
  if (!samples)
    return fail(llvm::toString(samples.takeError()));

  PassManager passes(&getContext(), ModuleOp::getOperationName());
  inheritInstrumentation(passes, getAnalysisManager());
  if (!then.empty() && failed(parsePassPipeline(then, passes)))
    return fail("then is no pass pipeline: " + then);
  if (reference && then.empty())
    return fail("reference is for models that then compresses");
  Statistics &statistics = Statistics::of(&getContext());
  statistics.clear();
  PassManager probePasses(&getContext(), ModuleOp::getOperationName());
  if (!probe.empty()) {
    if (failed(parsePassPipeline(probe, probePasses)))
      return fail("probe is no pass pipeline: " + probe);
    if (probeSamples < 1 || probeSamples > samples->size())
      return fail("probe-samples is " + Twine(int64_t(probeSamples)) +
                  " and there are " + Twine(samples->size()) + " samples");
    if (!then.empty())
      return fail("probe is for the model as it is; calibrate again with then");
  }
  if (attentionSamples < 0)
    return fail("attention-samples is " + Twine(int64_t(attentionSamples)) +
                "; it must not be negative");
  if (failed(Calibration(main, *samples, progress,
                         probe.empty() ? nullptr : &probePasses, probeSamples,
                         std::min<int64_t>(attentionSamples, samples->size()))
                 .run(then.empty() ? nullptr : &passes, reference)))
    return failure();
  numBlocks += statistics.blocks.size();
  numSamples += samples->size();
  llvm::DenseSet<const InputStatistics *> different;
  for (const auto &[param, input] : statistics.getInputs())
    different.insert(input.get());
  numInputs += different.size();
  if (!output.empty())
    if (llvm::Error error = statistics.write(output))
      return fail(llvm::toString(std::move(error)));
  if (then.empty())
    return success();
  dropReplaced();
  // Blocks brought masks and the like of their own.
  PassManager cleanup(&getContext());
  cleanup.addPass(createCSEPass());
  return cleanup.run(module);
}

void Calibrate::dropReplaced() {
  SymbolTable symbols(getOperation());
  Statistics &statistics = Statistics::of(&getContext());
  SmallVector<std::string> replaced;
  for (const auto &[param, input] : statistics.getInputs())
    if (!symbols.lookup(param))
      replaced.push_back(param);
  for (StringRef param : replaced)
    statistics.erase(param);
}

} // namespace
