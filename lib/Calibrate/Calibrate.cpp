//===- Calibrate.cpp - statistics of a model on data ----------------------===//

#include "Collector.h"
#include "CompressBlock.h"
#include "Samples.h"
#include "WeightProbes.h"
#include "llmc/Calibrate/Passes.h"
#include "llmc/Calibrate/Statistics.h"
#include "llmc/IR/ShapeAnalysis.h"
#include "llmc/Weights/Blobs.h"
#include "llmc/Weights/FloatFormat.h"
#include "mlir/Pass/PassManager.h"
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

/// The names of dimensions of values, from the symbols of the whole model's
/// analysis; dimensions that have no name in @main are left without one.
class DimNames {
public:
  LogicalResult analyze(func::FuncOp main) {
    shapes.emplace(main.getContext());
    return analyzeShapes(FunctionOpInterface(main), *shapes);
  }

  /// Remembers them before the model changes.
  void note(Value value) {
    OpBuilder builder(value.getContext());
    SmallVector<StringRef> texts;
    for (AffineExpr dim : shapes->dims(value)) {
      auto symbol = dyn_cast<AffineSymbolExpr>(dim);
      texts.push_back(symbol ? shapes->symbolName(symbol.getPosition()) : "");
    }
    names[value] = builder.getStrArrayAttr(texts);
  }

  /// Forgets the model; the names that were noted stay.
  void release() { shapes.reset(); }

  ArrayAttr get(Value value) const { return names.lookup(value); }
  void move(Value from, Value to) { names[to] = names.lookup(from); }

private:
  std::optional<ShapeContext> shapes;
  llvm::DenseMap<Value, ArrayAttr> names;
};

/// The linears and embeddings of a block by what they read.
struct BlockReads {
  /// Weights' names by the operand of their linears, ids of their embeddings.
  llvm::MapVector<Value, SmallVector<StringAttr>> inputs, ids;
  llvm::MapVector<StringAttr, int64_t> vocabulary;
  std::vector<std::string> params;
};

/// The first parameter that a weight is made of, null if it is none's.
StringAttr findParam(Value weight) {
  WeightOp first;
  ModelBlock alone;
  for (Operation *op : findNeeded(alone, weight))
    if (auto load = dyn_cast<WeightOp>(op); load && !first)
      first = load;
  return first ? first.getParamAttr().getAttr() : StringAttr();
}

BlockReads findReads(const ModelBlock &block) {
  BlockReads reads;
  for (Operation *op : block.ops) {
    if (auto linear = dyn_cast<LinearOp>(op)) {
      StringAttr param = findParam(linear.getWeight());
      Type element = linear.getOperand().getType().getElementType();
      if (!param || !getFloatFormat(element)) {
        auto remark = linear->emitRemark(
            "llmc-calibrate: no statistics of its input are collected: ");
        if (param)
          remark << "its elements are " << element;
        else
          remark << "its weight is made of no parameter";
        continue;
      }
      reads.inputs[linear.getOperand()].push_back(param);
      reads.params.push_back(param.str());
    }
    if (auto embedding = dyn_cast<EmbeddingOp>(op)) {
      StringAttr param = findParam(embedding.getWeight());
      if (!param)
        continue;
      reads.ids[embedding.getIds()].push_back(param);
      reads.vocabulary[param] =
          cast<RankedTensorType>(embedding.getWeight().getType()).getDimSize(0);
      reads.params.push_back(param.str());
    }
  }
  return reads;
}

/// One pass of all samples through a model.
class Calibration {
public:
  Calibration(func::FuncOp main, const Samples &samples, bool progress,
              PassManager *probe, int64_t numProbes)
      : main(main), samples(samples), progress(progress),
        statistics(Statistics::of(main.getContext())), probe(probe),
        probes(numProbes) {}

  /// Collects the statistics of all blocks, and compresses each by `then`
  /// unless that is null.
  LogicalResult run(PassManager *then);

private:
  /// What some outputs of a block need, compiled.
  struct CompiledBlock {
    const ModelBlock &block;
    BlockModule part;
    std::unique_ptr<Executor> executor;
  };
  FailureOr<CompiledBlock> compile(
      const ModelBlock &block, ArrayRef<Value> outputs,
      llvm::function_ref<void(ModuleOp)> edit = [](ModuleOp) {});
  BlockModule buildModule(const ModelBlock &block, ArrayRef<Value> outputs);
  /// Runs a block on a sample, of which it is given `state`.
  FailureOr<SmallVector<HostTensor>>
  runSample(CompiledBlock &block, int64_t sample, const HostTensor &state);
  /// Runs a block on all samples.
  LogicalResult
  runSamples(CompiledBlock &block,
             llvm::function_ref<void(int64_t, ArrayRef<HostTensor>)> visit);
  LogicalResult findLogits();
  /// Moves states of probes through a block, and adds those of its weights.
  LogicalResult probeWeights(CompiledBlock &block);
  /// Collects the statistics of a block and, with `handOn`, what it hands on.
  LogicalResult collect(const ModelBlock &block, bool handOn);
  void note(const BlockReads &reads);
  /// Makes statistics of what was collected for these weights; before the end
  /// not of those that several blocks read.
  void finishInputs(ArrayRef<StringAttr> params, bool atEnd);
  /// The same of all that are left.
  void finishShared();
  LogicalResult compress(unsigned index, PassManager &then);
  /// Takes what a block made of a sample.
  void advance(int64_t sample, const HostTensor &output);
  /// Goes to the next block.
  void finishBlock();

  func::FuncOp main;
  const Samples &samples;
  bool progress;
  Statistics &statistics;
  /// What probes look at: the result of @main that is called so.
  Value logits;
  DimNames names;
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

BlockModule Calibration::buildModule(const ModelBlock &block,
                                     ArrayRef<Value> outputs) {
  return buildBlockModule(main, block, outputs,
                          [&](Value value) { return names.get(value); });
}

FailureOr<Calibration::CompiledBlock>
Calibration::compile(const ModelBlock &block, ArrayRef<Value> outputs,
                     llvm::function_ref<void(ModuleOp)> edit) {
  CompiledBlock compiled{block, buildModule(block, outputs), nullptr};
  edit(*compiled.part.module);
  auto executor =
      ExecutorFactory::of(main.getContext())->compile(*compiled.part.module);
  if (failed(executor))
    return failure();
  compiled.executor = std::move(*executor);
  return compiled;
}

FailureOr<SmallVector<HostTensor>>
Calibration::runSample(CompiledBlock &block, int64_t sample,
                       const HostTensor &state) {
  SmallVector<HostTensor> arguments;
  for (Value input : block.part.inputs) {
    if (input == block.block.input) {
      arguments.push_back(state);
      continue;
    }
    arguments.push_back(
        samples.get(cast<BlockArgument>(input).getArgNumber(), sample));
    // A pass may have taken heads of a cache, which is empty.
    HostTensor &tensor = arguments.back();
    auto type = cast<RankedTensorType>(input.getType());
    for (int64_t dim = 1; dim < type.getRank(); ++dim)
      if (tensor.getNumElements() == 0 && !type.isDynamicDim(dim))
        tensor.shape[dim] = type.getDimSize(dim);
  }
  auto results = block.executor->run(arguments);
  if (!results)
    return emitError(main.getLoc(), "llmc-calibrate: sample ")
           << sample << ": " << llvm::toString(results.takeError());
  return std::move(*results);
}

LogicalResult Calibration::runSamples(
    CompiledBlock &block,
    llvm::function_ref<void(int64_t, ArrayRef<HostTensor>)> visit) {
  for (int64_t sample = 0; sample < samples.size(); ++sample) {
    auto results = runSample(block, sample, given[sample]);
    if (failed(results))
      return failure();
    visit(sample, *results);
  }
  return success();
}

LogicalResult Calibration::collect(const ModelBlock &block, bool handOn) {
  BlockReads reads = findReads(block);
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
  if (probe && !block.output)
    outputs.push_back(logits);
  if (outputs.empty()) {
    note(reads);
    return success();
  }

  auto compiled = compile(block, outputs);
  if (failed(compiled))
    return failure();
  if (failed(runSamples(*compiled,
                        [&](int64_t sample, ArrayRef<HostTensor> results) {
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
                        })))
    return failure();
  note(reads);
  if (!probe)
    return success();
  if (!block.output)
    finishShared();
  return probeWeights(*compiled);
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

LogicalResult Calibration::probeWeights(CompiledBlock &block) {
  auto runOn = [&](CompiledBlock &block, int64_t sample,
                   const HostTensor &state) -> FailureOr<HostTensor> {
    auto results = runSample(block, sample, state);
    if (failed(results))
      return failure();
    return std::move(results->back());
  };
  auto run = [&](int64_t sample, const HostTensor &state) {
    return runOn(block, sample, state);
  };
  bool isLast = !block.block.output;
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

  Value output = isLast ? logits : block.block.output;
  BlockModule before = buildModule(block.block, output),
              after = buildModule(block.block, output);
  if (failed(probe->run(*after.module)))
    return failure();
  auto weights = findProbedWeights(*before.module, *after.module);
  if (failed(weights))
    return failure();
  for (ProbedWeight &weight : *weights) {
    auto changed = compile(block.block, output, [&](ModuleOp module) {
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

LogicalResult Calibration::compress(unsigned index, PassManager &then) {
  ModelBlock &block = blocks[index];
  if (StringAttr shared = findSharedWeight(block, counts)) {
    block.ops.front()->emitRemark("llmc-calibrate: block ")
        << index << " is left as it is: other blocks read its weight " << shared
        << " too; compress it behind this pass";
    return success();
  }
  Value before = block.output;
  if (failed(compressBlock(
          main, block, counts, [&](Value v) { return names.get(v); }, then)))
    return failure();
  if (before) {
    names.move(before, block.output);
    blocks[index + 1].input = block.output;
  }
  return success();
}

LogicalResult Calibration::run(PassManager *then) {
  if (probe && failed(findLogits()))
    return failure();
  blocks = findBlocks(main);
  counts = countBlocks(blocks);
  if (failed(names.analyze(main)))
    return failure();
  for (const ModelBlock &block : blocks)
    if (block.output)
      names.note(block.output);
  names.release();
  given.assign(samples.size(), HostTensor());
  handedOn = given;
  for (unsigned index = 0; index < blocks.size(); ++index) {
    if (progress)
      llvm::errs() << "llmc-calibrate: block " << index + 1 << " of "
                   << blocks.size() << "\n";
    if (failed(collect(blocks[index], /*handOn=*/!then)))
      return failure();
    if (then) {
      if (failed(compress(index, *then)))
        return failure();
      const ModelBlock &block = blocks[index];
      if (block.output) {
        auto compiled = compile(block, block.output);
        if (failed(compiled) ||
            failed(runSamples(
                *compiled, [&](int64_t sample, ArrayRef<HostTensor> results) {
                  advance(sample, results.front());
                })))
          return failure();
      }
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
  if (!then.empty() && failed(parsePassPipeline(then, passes)))
    return fail("then is no pass pipeline: " + then);
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
  if (failed(Calibration(main, *samples, progress,
                         probe.empty() ? nullptr : &probePasses, probeSamples)
                 .run(then.empty() ? nullptr : &passes)))
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
