//===- DropStateResults.cpp - states stay where they are ------------------===//

#include "llmc/Lower/Passes.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace llmc {
#define GEN_PASS_DEF_DROPSTATERESULTS
#include "llmc/Lower/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

namespace {
struct DropStateResults : llmc::impl::DropStateResultsBase<DropStateResults> {
  void runOnOperation() override {
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!main || main.isExternal())
      return;
    BitVector states(main.getNumResults());
    Operation *terminator = main.getBody().back().getTerminator();
    for (unsigned i = 0; i < main.getNumResults(); ++i) {
      auto state = main.getResultAttrOfType<StringAttr>(i, stateAttr);
      if (!state)
        continue;
      Value argument = findArgument(main, state);
      if (!argument) {
        main.emitError("result ") << i << " is the state '" << state.getValue()
                                  << "', which no argument is";
        return signalPassFailure();
      }
      Value value = terminator->getOperand(i);
      while (auto cast = value.getDefiningOp<memref::CastOp>())
        value = cast.getSource();
      if (value != argument) {
        OpBuilder builder(terminator);
        memref::CopyOp::create(builder, terminator->getLoc(), value, argument);
      }
      states.set(i);
    }
    if (failed(main.eraseResults(states)))
      return signalPassFailure();
    terminator->eraseOperands(states);
  }

private:
  static Value findArgument(func::FuncOp main, StringAttr name) {
    for (unsigned i = 0; i < main.getNumArguments(); ++i)
      if (main.getArgAttr(i, stateAttr) && main.getArgAttr(i, nameAttr) == name)
        return main.getArgument(i);
    return {};
  }
};
} // namespace
