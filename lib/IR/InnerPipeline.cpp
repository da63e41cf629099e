//===- InnerPipeline.cpp - passes that a pass runs ------------------------===//

#include "llmc/IR/InnerPipeline.h"
#include "mlir/Pass/PassInstrumentation.h"

using namespace mlir;
using namespace llmc;

namespace {

/// Tells another instrumentor what passes do.
class Forwarding : public PassInstrumentation {
public:
  explicit Forwarding(PassInstrumentor &outer) : outer(outer) {}

  void runBeforePass(Pass *pass, Operation *op) override {
    outer.runBeforePass(pass, op);
  }
  void runAfterPass(Pass *pass, Operation *op) override {
    outer.runAfterPass(pass, op);
  }
  void runAfterPassFailed(Pass *pass, Operation *op) override {
    outer.runAfterPassFailed(pass, op);
  }

private:
  PassInstrumentor &outer;
};

} // namespace

void llmc::inheritInstrumentation(PassManager &inner, AnalysisManager outer) {
  if (PassInstrumentor *instrumentor = outer.getPassInstrumentor())
    inner.addInstrumentation(std::make_unique<Forwarding>(*instrumentor));
}
