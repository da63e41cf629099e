//===- InlineScopes.cpp - scopes of the stack that hold nothing -----------===//

#include "llmc/Lower/Passes.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"

namespace llmc {
#define GEN_PASS_DEF_INLINESCOPES
#include "llmc/Lower/Passes.h.inc"
} // namespace llmc

using namespace mlir;

namespace {
struct InlineScopes : llmc::impl::InlineScopesBase<InlineScopes> {
  void runOnOperation() override {
    SmallVector<memref::AllocaScopeOp> scopes;
    getOperation().walk(
        [&](memref::AllocaScopeOp scope) { scopes.push_back(scope); });
    for (memref::AllocaScopeOp scope : scopes) {
      bool allocates =
          scope->walk([](memref::AllocaOp) { return WalkResult::interrupt(); })
              .wasInterrupted();
      if (allocates)
        continue;
      Block &body = scope.getBodyRegion().front();
      scope->replaceAllUsesWith(body.getTerminator()->getOperands());
      body.getTerminator()->erase();
      scope->getBlock()->getOperations().splice(scope->getIterator(),
                                                body.getOperations());
      scope->erase();
    }
  }
};
} // namespace
