//===- CpuBackend.cpp - kernels for CPUs ----------------------------------===//

#include "AttentionKernel.h"
#include "Config.h"
#include "CostModel.h"
#include "EmbeddingKernel.h"
#include "LinearKernel.h"
#include "LinearMatch.h"
#include "NormKernel.h"
#include "TopKKernel.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "llvm/Support/FormatVariadic.h"
#include <limits>

using namespace mlir;
using namespace llmc;
using namespace llmc::cpu;

namespace {
class CpuBackend : public Backend {
public:
  CpuBackend() { llvm::cantFail(setTarget("")); }

  SmallVector<Capability> getCapabilities() const override {
    SmallVector<std::string> formats{"f32", "f16", "bf16"};
    for (int64_t bits = 2; bits <= 8; ++bits)
      formats.push_back("int" + std::to_string(bits));
    for (int64_t bits = 2; bits <= 8; ++bits)
      formats.push_back("lookup" + std::to_string(bits));
    formats.push_back("nf4");
    SmallVector<int64_t> blocks{0, 16, 32, 64, 128, 256};
    SmallVector<std::string> activations{"f32", "f16", "bf16", "int8"};
    return {{"linear", formats, blocks, {}, activations},
            {"linear",
             {"int4", "int8"},
             {0, 32, 64, 128, 256},
             {"2:4"},
             activations},
            {"embedding", formats, blocks, {}, {}},
            {"attention", {}, {}, {}, {"f32", "f16", "bf16"}},
            {"norm", {}, {}, {}, {"f32"}},
            {"top_k", {}, {}, {}, {"f32"}}};
  }

  /// See CostModel.h. An attention over an unknown number of keys has as many
  /// as it has queries.
  double getCost(Operation *op, int64_t rows) const override {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    CostModel model(isa);
    if (llvm::isa<AttentionOp>(op)) {
      ShapeContext shapes(op->getContext());
      auto function = op->getParentOfType<FunctionOpInterface>();
      if (!function || failed(analyzeShapes(function, shapes)))
        return infinity;
      std::optional<AttentionMatch> match = matchAttention(op, shapes);
      if (!match)
        return infinity;
      int64_t keys =
          cast<ShapedType>(op->getOperand(1).getType()).getDimSize(2);
      return model.getAttention(match->spec, rows,
                                ShapedType::isDynamic(keys) ? rows : keys);
    }
    Value weight = getWeight(op);
    auto linear = dyn_cast<LinearOp>(op);
    std::optional<PanelLayout> layout;
    if (linear)
      layout = getLayout(linear, isa.lanes);
    else if (weight)
      layout = PanelLayout::of(weight, isa.lanes);
    if (!layout)
      return infinity;
    if (!linear)
      return model.getEmbedding(*layout, rows);
    QuantizeDynamicOp rounding = getRounding(linear, *layout);
    Products kind = Products::Floats;
    if (rounding || getStaticRounding(linear, *layout))
      kind = Products::Integers;
    else if (layout->isPaired() &&
             (getElementTypeOrSelf(linear.getOperand()).isBF16() ||
              getRoundingCast(linear)))
      kind = Products::Pairs;
    return model.getLinear(*layout,
                           cast<ShapedType>(weight.getType()).getDimSize(0),
                           rows, kind, getStepColumns(rounding, *layout));
  }

  bool canRunInParts() const override { return true; }

  llvm::Error setTarget(StringRef options) override {
    llvm::Expected<CpuTarget> target = CpuTarget::parse(options);
    if (!target)
      return target.takeError();
    isa = Isa::of(*target);
    return llvm::Error::success();
  }

  std::optional<Claim> claim(Operation *op, ShapeContext &shapes) override {
    if (auto embedding = dyn_cast<EmbeddingOp>(op))
      return claimEmbedding(embedding);
    if (llvm::isa<AttentionOp, TransposeOp, CastOp>(op))
      return claimAttention(op, shapes);
    if (std::optional<NormMatch> norm = matchNorm(op, shapes))
      return claimNorm(op, *norm);
    if (std::optional<TopKSpec> topK = matchTopK(op))
      return claimTopK(op, *topK);
    std::optional<LinearMatch> match = matchLinear(op, shapes, isa.lanes);
    if (!match)
      return std::nullopt;
    Claim claim;
    for (Value weight : match->weights)
      sayIfLarger(claim, weight, match->spec.layout);
    claim.kind = "linear";
    claim.config = ConfigWriter::write(op->getContext(), match->spec);
    claim.inputs = match->inputs;
    claim.outputs = match->outputs;
    claim.param = getParamName(match->weights.front());
    claim.packed =
        match->spec.layout.pack(match->weights, match->spec.isGated());
    if (match->spec.hasBias)
      claim.packed.push_back(match->spec.layout.packBiases(
          match->weights, match->biases, match->spec.isGated()));
    return claim;
  }

  LogicalResult translate(KernelOp kernel, func::FuncOp function) override {
    StringRef kind = kernel.getKind();
    bool isKnown =
        kind == "linear" ? emit<LinearSpec>(kernel, function, emitLinear)
        : kind == "attention"
            ? emit<AttentionSpec>(kernel, function, emitAttention)
        : kind == "norm"  ? emit<NormKernelSpec>(kernel, function, emitNorm)
        : kind == "top_k" ? emit<TopKSpec>(kernel, function, emitTopK)
        : kind == "embedding"
            ? emit<EmbeddingSpec>(kernel, function, emitEmbedding)
            : false;
    if (!isKnown)
      return kernel.emitOpError("is not one that the backend 'cpu' claims: its "
                                "kind or its config is another one");
    // The C library has these functions for one number at a time only.
    RewritePatternSet patterns(function.getContext());
    auto isVector = [](StringRef name) {
      return llvm::is_contained({"math.exp", "math.tanh"}, name);
    };
    populateMathF32ExpansionPatterns(patterns, isVector);
    populateMathPolynomialApproximationPatterns(patterns, isVector);
    return applyPatternsGreedily(function, std::move(patterns));
  }

private:
  template <typename Spec>
  bool emit(KernelOp kernel, func::FuncOp function,
            void (*emitter)(func::FuncOp, const Spec &, const Isa &)) {
    std::optional<Spec> spec = ConfigReader::read<Spec>(kernel.getConfig());
    if (spec)
      emitter(function, *spec, isa);
    return spec.has_value();
  }

  static std::optional<Claim> claimAttention(Operation *op,
                                             ShapeContext &shapes) {
    std::optional<AttentionMatch> match = matchAttention(op, shapes);
    if (!match)
      return std::nullopt;
    Claim claim;
    claim.kind = "attention";
    claim.inputs = match->inputs;
    claim.outputs = match->outputs;
    claim.updated = match->updated;
    claim.shortfalls = match->shortfalls;
    claim.config = ConfigWriter::write(op->getContext(), match->spec);
    return claim;
  }

  static Claim claimNorm(Operation *op, const NormMatch &match) {
    auto type = cast<ShapedType>(match.inputs[0].getType());
    Claim claim;
    claim.kind = "norm";
    claim.inputs = match.inputs;
    claim.config = ConfigWriter::write(
        op->getContext(),
        NormKernelSpec{match.spec, match.columns, type.getRank()});
    return claim;
  }

  static Claim claimTopK(Operation *op, const TopKSpec &spec) {
    Claim claim;
    claim.kind = "top_k";
    claim.inputs = {op->getOperand(0)};
    claim.config = ConfigWriter::write(op->getContext(), spec);
    return claim;
  }

  std::optional<Claim> claimEmbedding(EmbeddingOp op) {
    std::optional<PanelLayout> layout =
        PanelLayout::of(op.getWeight(), isa.lanes);
    if (!layout)
      return std::nullopt;
    Claim claim;
    sayIfLarger(claim, op.getWeight(), *layout);
    claim.kind = "embedding";
    claim.inputs = {op.getIds()};
    claim.param = getParamName(op.getWeight());
    claim.packed = layout->pack(op.getWeight());
    auto ids = op.getIds().getType();
    claim.config = ConfigWriter::write(
        op.getContext(),
        EmbeddingSpec{*layout, op.getWeight().getType().getDimSize(0),
                      ids.getRank(), ids.getElementTypeBitWidth()});
    return claim;
  }

  static void sayIfLarger(Claim &claim, Value weight,
                          const PanelLayout &layout) {
    if (auto dequantize = weight.getDefiningOp<DequantizeOp>();
        dequantize && int64_t(dequantize.getBits()) != layout.bits)
      claim.shortfalls.push_back(
          llvm::formatv(
              "the weight '{0}' has integers of {1} bits in blocks of "
              "{2}: its kernel reads them with {3} bits, as lines of "
              "panels are in one block",
              getParamName(weight), dequantize.getBits(), layout.block,
              layout.bits)
              .str());
    if (layout.isSparse)
      return;
    if (std::optional<std::string> pattern = getPattern(weight))
      claim.shortfalls.push_back(
          ("the weight '" + getParamName(weight) + "' is " + *pattern +
           ", for which CPUs have no instructions: its kernel reads it "
           "unpacked, as a dense one")
              .str());
  }

  /// The weight of an op that there is a kernel for; null for any other op.
  static Value getWeight(Operation *op) {
    if (auto linear = dyn_cast<LinearOp>(op))
      return linear.getWeight();
    if (auto embedding = dyn_cast<EmbeddingOp>(op))
      return embedding.getWeight();
    return {};
  }

  Isa isa;
};
} // namespace

LLMC_DEFINE_BACKEND("cpu", "vector kernels for CPUs", CpuBackend)
