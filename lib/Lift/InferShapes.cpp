//===- InferShapes.cpp - refine tensor types by symbolic shapes -----------===//

#include "TypeRefiner.h"
#include "llmc/Lift/Passes.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace llmc {
#define GEN_PASS_DEF_INFERSHAPES
#include "llmc/Lift/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

namespace {

struct InferShapes : llmc::impl::InferShapesBase<InferShapes> {
  void runOnOperation() override {
    for (auto function : getOperation().getOps<FunctionOpInterface>()) {
      ShapeContext shapes(&getContext());
      TypeRefiner refiner(function, shapes);
      if (failed(analyzeShapes(function, shapes, [&](Operation *op) {
            numRefined += refiner.refineResults(op);
            return success();
          })))
        return signalPassFailure();
      refiner.refineFunctionType();
    }
  }
};

} // namespace
