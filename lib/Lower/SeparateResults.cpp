//===- SeparateResults.cpp - a buffer for each result of @main ------------===//

#include "llmc/Lower/Passes.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Interfaces/ViewLikeInterface.h"

namespace llmc {
#define GEN_PASS_DEF_SEPARATERESULTS
#include "llmc/Lower/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

/// What a view is a view of.
static Value getBuffer(Value value) {
  while (auto view = value.getDefiningOp<ViewLikeOpInterface>())
    value = view.getViewSource();
  return value;
}

namespace {
struct SeparateResults : llmc::impl::SeparateResultsBase<SeparateResults> {
  void runOnOperation() override {
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!main || main.isExternal())
      return;
    Operation *terminator = main.getBody().back().getTerminator();
    OpBuilder builder(terminator);
    llvm::SmallPtrSet<Value, 8> returned;
    for (OpOperand &operand : terminator->getOpOperands())
      if (isa<MemRefType>(operand.get().getType()) &&
          !returned.insert(getBuffer(operand.get())).second)
        operand.set(bufferization::CloneOp::create(
            builder, terminator->getLoc(), operand.get()));
  }
};
} // namespace
