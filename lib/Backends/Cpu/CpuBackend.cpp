//===- CpuBackend.cpp - kernels for CPUs ----------------------------------===//

#include "EmbeddingKernel.h"
#include "LinearKernel.h"
#include "llmc/Target/Backend.h"
#include "mlir/IR/Builders.h"
#include "llvm/TargetParser/Host.h"
#include "llvm/TargetParser/X86TargetParser.h"
#include <limits>

using namespace mlir;
using namespace llmc;
using namespace llmc::cpu;

namespace {
class CpuBackend : public Backend {
public:
  CpuBackend() { llvm::cantFail(setTarget("")); }

  SmallVector<Capability> getCapabilities() const override {
    SmallVector<std::string> formats{"f32", "int2", "int4", "int8"};
    SmallVector<int64_t> blocks{16, 32, 64, 128, 256};
    return {{"linear", formats, blocks, {}, {"f32"}},
            {"embedding", formats, blocks, {}, {}}};
  }

  /// The time to read the weight once, or to do the arithmetic, whichever is
  /// longer, with figures of one core of a current server. An embedding reads
  /// its rows only.
  double getCost(Operation *op, int64_t rows) const override {
    constexpr double bytesPerSecond = 12e9, flopsPerSecond = 80e9;
    Value weight = getWeight(op);
    if (!weight || !getLayout(op))
      return std::numeric_limits<double>::infinity();
    auto type = cast<ShapedType>(weight.getType());
    double bytes = double(storageBytes(weight));
    if (isa<EmbeddingOp>(op))
      return bytes * double(rows) / double(type.getDimSize(0)) / bytesPerSecond;
    return std::max(bytes / bytesPerSecond, 2.0 * double(rows) *
                                                double(type.getNumElements()) /
                                                flopsPerSecond);
  }

  llvm::Error setTarget(StringRef options) override {
    // Two vectors of f32 a step; 512 bits where the processor has them.
    lanes = hasWideVectors(options) ? 16 : 8;
    return llvm::Error::success();
  }

  std::optional<Claim> claim(Operation *op) override {
    std::optional<PanelLayout> layout = getLayout(op);
    if (!layout)
      return std::nullopt;
    Claim claim;
    claim.kind = op->getName().stripDialect().str();
    claim.inputs = {op->getOperand(0)};
    Value weight = getWeight(op), bias;
    if (auto linear = dyn_cast<LinearOp>(op); linear && linear.getBias())
      claim.inputs.push_back(bias = linear.getBias());
    claim.param = getParamName(weight);
    claim.packed = layout->pack(weight);
    auto type = cast<ShapedType>(op->getOperand(0).getType());
    Builder b(op->getContext());
    claim.config = b.getDictionaryAttr(
        {b.getNamedAttr("layout", layout->toConfig(op->getContext())),
         b.getNamedAttr("rank", b.getI64IntegerAttr(type.getRank())),
         b.getNamedAttr("type", TypeAttr::get(type.getElementType())),
         b.getNamedAttr("bias", b.getBoolAttr(bool(bias)))});
    return claim;
  }

  LogicalResult translate(KernelOp kernel, func::FuncOp function) override {
    DictionaryAttr config = kernel.getConfig();
    PanelLayout layout =
        PanelLayout::fromConfig(config.getAs<DictionaryAttr>("layout"));
    if (kernel.getKind() == "linear")
      emitLinear(function, layout, config.getAs<BoolAttr>("bias").getValue());
    else
      emitEmbedding(function, layout);
    return success();
  }

private:
  /// The weight of an op that there is a kernel for; null for any other op.
  static Value getWeight(Operation *op) {
    if (auto linear = dyn_cast<LinearOp>(op))
      return linear.getWeight();
    if (auto embedding = dyn_cast<EmbeddingOp>(op))
      return embedding.getWeight();
    return {};
  }

  /// How the kernel for `op` would read its weight; nothing without a kernel.
  std::optional<PanelLayout> getLayout(Operation *op) const {
    Value weight = getWeight(op);
    if (!weight || !cast<ShapedType>(weight.getType()).hasStaticShape() ||
        !getElementTypeOrSelf(op->getResult(0).getType()).isF32())
      return std::nullopt;
    return PanelLayout::of(weight, lanes);
  }

  /// Whether the processor `name`, or this one if empty, has AVX-512.
  static bool hasWideVectors(StringRef name) {
    if (name.empty())
      return llvm::sys::getHostCPUFeatures().lookup("avx512f");
    llvm::SmallVector<StringRef> features;
    if (llvm::X86::parseArchX86(name) == llvm::X86::CK_None)
      return false;
    llvm::X86::getFeaturesForCPU(name, features);
    return llvm::is_contained(features, "avx512f");
  }

  /// The name that the weight's packed parameters get: that of the parameter
  /// which the expression begins with.
  static std::string getParamName(Value weight) {
    while (!weight.getDefiningOp<WeightOp>())
      weight = weight.getDefiningOp()->getOperand(0);
    return weight.getDefiningOp<WeightOp>().getParam().str();
  }

  int64_t lanes;
};
} // namespace

LLMC_DEFINE_BACKEND("cpu", "vector kernels for this machine's CPU", CpuBackend)
