//===- ClaimKernels.cpp - backends take ops over --------------------------===//

#include "llmc/IR/ShapeAnalysis.h"
#include "llmc/Target/Backends.h"
#include "llmc/Target/Passes.h"
#include "llmc/Weights/Blobs.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

namespace llmc {
#define GEN_PASS_DEF_CLAIMKERNELS
#include "llmc/Target/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

namespace {
struct ClaimKernels : llmc::impl::ClaimKernelsBase<ClaimKernels> {
  using ClaimKernelsBase::ClaimKernelsBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto main = module.lookupSymbol<func::FuncOp>("main");
    FailureOr<SmallVector<const Backends::Entry *>> asked = findBackends();
    if (failed(asked))
      return signalPassFailure();
    if (!main || asked->empty())
      return;
    SymbolTable table(module);
    ShapeContext shapeContext(&getContext());
    symbols = &table;
    shapes = &shapeContext;
    kernels.clear();
    bool ok = true;
    LogicalResult analysed =
        analyzeShapes(main, shapeContext, [&](Operation *op) {
          if (!offer(op, *asked) && isa<LinearOp, EmbeddingOp>(op))
            ok &= succeeded(complain(op));
          return success();
        });
    eraseDeadWeights(main);
    eraseUnusedParams(module);
    if (!ok || failed(analysed))
      signalPassFailure();
  }

private:
  FailureOr<SmallVector<const Backends::Entry *>> findBackends() {
    const Backends &loaded = Backends::of(&getContext());
    SmallVector<const Backends::Entry *> asked;
    if (backends.empty()) {
      for (const Backends::Entry &entry : loaded.getEntries())
        asked.push_back(&entry);
      return asked;
    }
    for (StringRef name : llvm::split(backends, ' ')) {
      const Backends::Entry *entry = loaded.lookup(name);
      if (!entry)
        return getOperation().emitError()
               << getArgument() << ": there is no backend '" << name
               << "': load it with --load-backend=FILE";
      asked.push_back(entry);
    }
    return asked;
  }

  LogicalResult complain(Operation *op) {
    (strict ? op->emitError() : op->emitRemark())
        << "no backend claims this op: it runs through the reference lowering";
    return failure(strict);
  }

  /// Replaces `op` by a launch if a backend claims it.
  bool offer(Operation *op, ArrayRef<const Backends::Entry *> asked) {
    for (const Backends::Entry *entry : asked) {
      std::optional<Claim> claim = entry->backend->claim(op);
      if (!claim)
        continue;
      OpBuilder builder(op);
      std::optional<SmallVector<Value>> outputs = createOutputs(builder, op);
      if (!outputs)
        return false;
      StringRef name = entry->info->name;
      SmallVector<Value> inputs = claim->inputs;
      for (PackedParam &packed : claim->packed)
        inputs.push_back(createPacked(builder, op->getLoc(),
                                      claim->param + "." + name.str() + ".",
                                      std::move(packed)));
      auto launch = LaunchOp::create(
          builder, op->getLoc(), op->getResultTypes(),
          getKernel(name, *claim, op).getSymName(), inputs, *outputs);
      op->replaceAllUsesWith(launch.getResults());
      for (auto [from, to] : llvm::zip(op->getResults(), launch.getResults())) {
        shapes->set(to, {shapes->elementType(from),
                         SmallVector<AffineExpr>(shapes->dims(from)),
                         std::nullopt});
        shapes->forget(from);
      }
      op->erase();
      ++numClaimed;
      return true;
    }
    return false;
  }

  /// An empty tensor for each result. A dynamic dimension is one that an
  /// operand has as well; nothing if there is one that none has.
  std::optional<SmallVector<Value>> createOutputs(OpBuilder &builder,
                                                  Operation *op) {
    SmallVector<Value> outputs;
    for (Value result : op->getResults()) {
      auto type = cast<RankedTensorType>(result.getType());
      SmallVector<Value> sizes;
      for (int64_t i = 0; i < type.getRank(); ++i) {
        if (!type.isDynamicDim(i))
          continue;
        sizes.push_back(findSize(builder, op, shapes->dim(result, i)));
        if (!sizes.back())
          return std::nullopt;
      }
      outputs.push_back(
          tensor::EmptyOp::create(builder, op->getLoc(), type, sizes));
    }
    return outputs;
  }

  Value findSize(OpBuilder &builder, Operation *op, AffineExpr size) {
    for (Value operand : op->getOperands())
      for (int64_t i = 0; i < shapes->rank(operand); ++i)
        if (shapes->dim(operand, i) == size) {
          Value index =
              arith::ConstantIndexOp::create(builder, op->getLoc(), i);
          return tensor::DimOp::create(builder, op->getLoc(), operand, index);
        }
    return {};
  }

  Value createPacked(OpBuilder &builder, Location loc, StringRef prefix,
                     PackedParam packed) {
    std::string symbol = (prefix + packed.suffix).str();
    if (!symbols->lookup<ParamOp>(symbol)) {
      AsmResourceBlob blob = HeapAsmResourceBlob::allocate(
          *getByteSize(packed.type), /*align=*/64, /*dataIsMutable=*/true);
      packed.fill(blob.getMutableData());
      OpBuilder top = OpBuilder::atBlockBegin(getOperation().getBody());
      auto param = ParamOp::create(
          top, loc, symbol, makeResource(packed.type, symbol, std::move(blob)),
          StringAttr());
      symbols->insert(param,
                      Block::iterator(getOperation().getBody()->begin()));
    }
    return WeightOp::create(builder, loc, packed.type, symbol);
  }

  KernelOp getKernel(StringRef backend, const Claim &claim, Operation *op) {
    Builder attributes(&getContext());
    auto key = attributes.getArrayAttr({attributes.getStringAttr(backend),
                                        attributes.getStringAttr(claim.kind),
                                        claim.config});
    KernelOp &kernel = kernels[key];
    if (kernel)
      return kernel;
    OpBuilder builder(op->getParentOfType<func::FuncOp>());
    std::string name = claim.kind + "_" + std::to_string(kernels.size() - 1);
    kernel = KernelOp::create(builder, op->getLoc(), name, backend, claim.kind,
                              claim.config, StringAttr());
    symbols->insert(kernel);
    ++numKernels;
    return kernel;
  }

  /// Weight expressions that only claimed ops read.
  static void eraseDeadWeights(func::FuncOp main) {
    SmallVector<Operation *> ops;
    main.walk([&](Operation *op) { ops.push_back(op); });
    for (Operation *op : llvm::reverse(ops))
      if (isOpTriviallyDead(op))
        op->erase();
  }

  SymbolTable *symbols = nullptr;
  ShapeContext *shapes = nullptr;
  llvm::DenseMap<Attribute, KernelOp> kernels;
};
} // namespace
