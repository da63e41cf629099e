//===- CopiesToLoops.cpp - strided copies without a runner library --------===//

#include "llmc/Lower/Passes.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace llmc {
#define GEN_PASS_DEF_COPIESTOLOOPS
#include "llmc/Lower/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

namespace {
struct CopiesToLoops : llmc::impl::CopiesToLoopsBase<CopiesToLoops> {
  void runOnOperation() override {
    getOperation().walk([](memref::CopyOp op) {
      auto isContiguous = [](Value buffer) {
        return cast<MemRefType>(buffer.getType()).getLayout().isIdentity();
      };
      if (isContiguous(op.getSource()) && isContiguous(op.getTarget()))
        return;
      OpBuilder builder(op);
      linalg::CopyOp::create(builder, op.getLoc(), op.getSource(),
                             op.getTarget());
      op.erase();
    });
  }
};
} // namespace
