//===- ReadStatistics.cpp - statistics from a file ------------------------===//

#include "llmc/Calibrate/Blocks.h"
#include "llmc/Calibrate/Passes.h"
#include "llmc/Calibrate/Statistics.h"
#include "mlir/IR/BuiltinOps.h"

namespace llmc {
#define GEN_PASS_DEF_READSTATISTICS
#include "llmc/Calibrate/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

namespace {
struct ReadStatistics : llmc::impl::ReadStatisticsBase<ReadStatistics> {
  using ReadStatisticsBase::ReadStatisticsBase;

  void runOnOperation() override {
    Statistics &statistics = Statistics::of(&getContext());
    if (llvm::Error error = statistics.read(file)) {
      emitError(UnknownLoc::get(&getContext()), getArgument() + ": ")
          << llvm::toString(std::move(error));
      return signalPassFailure();
    }
    SymbolTable symbols(getOperation());
    getOperation().walk([&](LinearOp linear) {
      if (StringAttr param = findFirstParam(linear.getWeight()))
        columns[param] = linear.getWeight().getType().getDimSize(1);
    });
    for (const auto &[name, input] : statistics.getInputs())
      if (llvm::failed(check(symbols, name, *input)))
        return signalPassFailure();
    for (const auto &[name, attention] : statistics.getAttentions())
      if (llvm::failed(findParam(symbols, name)))
        return signalPassFailure();
    markAllAnalysesPreserved();
  }

private:
  LogicalResult fail(const Twine &reason) {
    return emitError(UnknownLoc::get(&getContext()),
                     getArgument() + ": '" + file +
                         "' is of another model: " + reason);
  }
  FailureOr<ParamOp> findParam(SymbolTable &symbols, StringRef name) {
    auto param = symbols.lookup<ParamOp>(name);
    if (!param)
      return fail("there is no parameter '" + name + "'");
    return param;
  }
  LogicalResult check(SymbolTable &symbols, StringRef name,
                      const InputStatistics &input) {
    FailureOr<ParamOp> param = findParam(symbols, name);
    if (llvm::failed(param))
      return failure();
    // Of a compressed weight, whose parameters have other sides.
    if (columns.lookup(param->getSymNameAttr()) == input.columns)
      return success();
    // Stored as [out, in] or [in, out].
    RankedTensorType type = param->getType();
    if (!llvm::is_contained(type.getShape(), input.columns))
      return fail("no side of '" + name + "' has " + Twine(input.columns) +
                  " numbers");
    return success();
  }

  /// Those of the weights of linears, by the first parameter of each.
  llvm::DenseMap<StringAttr, int64_t> columns;
};
} // namespace
