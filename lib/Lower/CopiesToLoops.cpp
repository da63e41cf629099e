//===- CopiesToLoops.cpp - what upstream's conversion to loops leaves -----===//

#include "llmc/Lower/Passes.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace llmc {
#define GEN_PASS_DEF_COPIESTOLOOPS
#include "llmc/Lower/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

namespace {
/// A check of scalars whose result nothing uses any more has no operands left,
/// and so no loops to become.
void inlineBody(linalg::GenericOp op) {
  Block &body = op.getRegion().front();
  body.getTerminator()->erase();
  op->getBlock()->getOperations().splice(op->getIterator(),
                                         body.getOperations());
  op.erase();
}

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
    getOperation().walk([](linalg::GenericOp op) {
      if (op->getNumOperands() == 0)
        inlineBody(op);
    });
  }
};
} // namespace
