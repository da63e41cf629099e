// A backend that claims nothing and adds a pass at one point of the pipeline.
#include "llmc/Target/Backend.h"
#include "mlir/Transforms/Passes.h"
#include <limits>

using namespace mlir;

namespace {
class TestBackend : public llmc::Backend {
public:
  SmallVector<llmc::Capability> getCapabilities() const override {
    return {{"nothing", {"int4", "nf4"}, {0, 64}, {"2:4"}, {"f32", "int8"}}};
  }
  double getCost(Operation *, int64_t) const override {
    return std::numeric_limits<double>::infinity();
  }
  llvm::Error setTarget(StringRef options) override {
    if (options.empty())
      return llvm::Error::success();
    return llvm::createStringError("there is no option '" + options + "'");
  }
  void extendPipeline(StringRef point, OpPassManager &manager) const override {
    if (point == llmc::pipelinePoint::afterClaim)
      manager.addPass(createCanonicalizerPass());
  }
  std::optional<llmc::Claim> claim(Operation *, llmc::ShapeContext &) override {
    return std::nullopt;
  }
  LogicalResult translate(llmc::KernelOp kernel, func::FuncOp) override {
    return kernel.emitError("the test backend has no kernels");
  }
};
} // namespace

LLMC_DEFINE_BACKEND("test", "claims nothing", TestBackend)
