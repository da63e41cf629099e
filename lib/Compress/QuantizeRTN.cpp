//===- QuantizeRTN.cpp - weights rounded to the nearest integers ----------===//

#include "WeightQuantizer.h"

namespace llmc {
#define GEN_PASS_DEF_QUANTIZERTN
#include "llmc/Compress/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

namespace {

struct QuantizeRTN
    : WeightQuantizerPass<llmc::impl::QuantizeRTNBase<QuantizeRTN>> {
  using WeightQuantizerPass::WeightQuantizerPass;

  LogicalResult initialize(MLIRContext *context) override {
    if (weighting == ClipWeighting::Activations && clip == ClipSearch::None)
      return emitError(UnknownLoc::get(context))
             << getArgument() << ": weighting=activations goes with clip=mse";
    return WeightQuantizer::verify(context, getArgument(), getOptions());
  }

  void runOnOperation() override {
    WeightQuantizer quantizer(getOperation(), getArgument(), getOptions());
    std::vector<WeightQuantizer::Task> tasks = quantizer.collectTasks();
    quantizer.replaceAll(
        tasks,
        [&](WeightQuantizer::Task &task) -> std::optional<BlockwiseWeight> {
          std::vector<float> meanSquares;
          // All columns of a row that an embedding looks up count the same.
          if (weighting == ClipWeighting::Activations && task.weight.inLinear) {
            if (task.pruned) {
              quantizer.keep(task.weight.param,
                             "it is pruned; weighting=none or "
                             "llmc-quantize-gptq quantizes what is stored of "
                             "it");
              return std::nullopt;
            }
            Statistics::Input input = quantizer.getStatistics(task);
            if (!input)
              return std::nullopt;
            for (int64_t i = 0; i < input->columns; ++i)
              meanSquares.push_back(input->getMeanSquare(i));
          }
          return roundToNearest(task.source, task.block, task.grid,
                                meanSquares);
        });
    finish(quantizer);
  }
};
} // namespace
