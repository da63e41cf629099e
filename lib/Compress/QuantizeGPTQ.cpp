//===- QuantizeGPTQ.cpp - weights rounded for what linears read -----------===//

#include "GramQuantizer.h"
#include "WeightQuantizer.h"

namespace llmc {
#define GEN_PASS_DEF_QUANTIZEGPTQ
#include "llmc/Compress/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

namespace {

struct QuantizeGPTQ
    : WeightQuantizerPass<llmc::impl::QuantizeGPTQBase<QuantizeGPTQ>> {
  using WeightQuantizerPass::WeightQuantizerPass;

  LogicalResult initialize(MLIRContext *context) override {
    if (!(damping >= 0) || !std::isfinite(damping))
      return emitError(UnknownLoc::get(context))
             << getArgument() << ": damping is " << double(damping)
             << "; it must not be negative";
    if (sweeps < 0)
      return emitError(UnknownLoc::get(context))
             << getArgument() << ": sweeps is " << int64_t(sweeps)
             << "; it must not be negative";
    return WeightQuantizer::verify(context, getArgument(), getOptions());
  }

  void runOnOperation() override {
    WeightQuantizer quantizer(getOperation(), getArgument(), getOptions());
    std::vector<WeightQuantizer::Task> tasks = quantizer.collectTasks();
    // Linears over one value need one factor.
    llvm::MapVector<const InputStatistics *,
                    SmallVector<WeightQuantizer::Task *>>
        sharing;
    std::vector<Statistics::Input> inputs;
    for (WeightQuantizer::Task &task : tasks) {
      if (!task.weight.inLinear) {
        // Rows that are looked up are multiplied by nothing: every column
        // counts alike and none can make up for another.
        quantizer.replace(task,
                          quantizeToNearest(task.source, task.block, task.grid,
                                            {}, &getContext()));
        continue;
      }
      if (sweeps > 0 && isa_and_nonnull<DensifyBitmapOp>(task.pruned)) {
        quantizer.keep(task.weight.param,
                       "the blocks of a bitmap have values of several rows, "
                       "which sweeps do not go over; run with sweeps=0");
        continue;
      }
      if (Statistics::Input input = quantizer.getStatistics(task)) {
        sharing[input.get()].push_back(&task);
        inputs.push_back(std::move(input));
      }
    }
    GramOptions options;
    options.sweeps = sweeps;
    for (auto &[input, sharers] : sharing) {
      FailureOr<HessianFactor> factor =
          factorHessian(*input, damping, actOrder);
      for (WeightQuantizer::Task *task : sharers) {
        if (failed(factor)) {
          quantizer.keep(task->weight.param,
                         "the Gram matrix of its input is not positive "
                         "definite; calibrate with more tokens or raise "
                         "damping");
          continue;
        }
        std::optional<KeptPlaces> kept;
        if (task->pruned) {
          auto places = KeptPlaces::read(task->pruned, task->block);
          if (!places) {
            quantizer.keep(task->weight.param,
                           llvm::toString(places.takeError()));
            continue;
          }
          kept = std::move(*places);
        }
        quantizer.replace(*task, quantizeWithGram(task->source, task->block,
                                                  task->grid, *factor, options,
                                                  &getContext(),
                                                  kept ? &*kept : nullptr));
      }
    }
    finish(quantizer);
  }
};
} // namespace
