//===- ProtectArguments.cpp - inputs and weights are read-only ------------===//

#include "llmc/Lower/Passes.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"

namespace llmc {
#define GEN_PASS_DEF_PROTECTARGUMENTS
#include "llmc/Lower/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

namespace {
struct ProtectArguments : llmc::impl::ProtectArgumentsBase<ProtectArguments> {
  void runOnOperation() override {
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!main)
      return;
    auto no = BoolAttr::get(&getContext(), false);
    for (unsigned i = 0; i < main.getNumArguments(); ++i)
      if (!main.getArgAttr(i, stateAttr))
        main.setArgAttr(
            i, bufferization::BufferizationDialect::kWritableAttrName, no);
  }
};
} // namespace
