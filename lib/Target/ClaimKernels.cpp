//===- ClaimKernels.cpp - backends take ops over --------------------------===//

#include "llmc/IR/ShapeAnalysis.h"
#include "llmc/IR/StaticRounding.h"
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

/// The op that defines the first of values of one block.
static Operation *findFirst(ValueRange values) {
  Operation *first = values.front().getDefiningOp();
  for (Value value : values.drop_front())
    if (value.getDefiningOp()->isBeforeInBlock(first))
      first = value.getDefiningOp();
  return first;
}

/// The ops that compute `inputs` and do not stand before the first of
/// `outputs`, in order; nothing if one of them computes an output.
static std::optional<SmallVector<Operation *>> findLate(ValueRange inputs,
                                                        ValueRange outputs) {
  Operation *first = findFirst(outputs);
  llvm::SetVector<Operation *> late;
  SmallVector<Value> pending(inputs);
  while (!pending.empty()) {
    Operation *op = pending.pop_back_val().getDefiningOp();
    op = op ? first->getBlock()->findAncestorOpInBlock(*op) : nullptr;
    if (!op || op->isBeforeInBlock(first))
      continue;
    if (llvm::any_of(outputs, [&](Value output) {
          return output.getDefiningOp() == op;
        }))
      return std::nullopt;
    if (late.insert(op))
      op->walk([&](Operation *nested) {
        llvm::append_range(pending, nested->getOperands());
      });
  }
  SmallVector<Operation *> ordered(late.takeVector());
  llvm::sort(ordered,
             [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  return ordered;
}

/// Whether time is lost where no backend claims `op`.
static bool wantsKernel(Operation *op, ShapeContext &shapes) {
  // Products of columns by rows, such as angles of a rotation, sum nothing.
  if (auto matmul = dyn_cast<MatMulOp>(op))
    return getConstant(shapes.dims(matmul.getLhs()).back()) != 1;
  return isa<LinearOp, MatMulIntegerOp, ConvOp, ConvTransposeOp, DeformConvOp,
             RNNOp, GRUOp, LSTMOp, RMSNormOp, LayerNormOp, EmbeddingOp,
             AttentionOp, QuantizeDynamicOp, TopKOp>(op) ||
         (isa<DequantizeLinearOp>(op) && matchStaticRounding(op->getResult(0)));
}

bool llmc::canLaunch(ValueRange inputs, ValueRange outputs) {
  Operation *op = outputs.front().getDefiningOp();
  return llvm::all_of(outputs,
                      [&](Value output) {
                        Operation *other = output.getDefiningOp();
                        return op && other &&
                               other->getBlock() == op->getBlock();
                      }) &&
         findLate(inputs, outputs).has_value();
}

namespace {
struct ClaimKernels : llmc::impl::ClaimKernelsBase<ClaimKernels> {
  using ClaimKernelsBase::ClaimKernelsBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    main = module.lookupSymbol<func::FuncOp>("main");
    FailureOr<SmallVector<const Backends::Entry *>> asked = findBackends();
    if (failed(asked))
      return signalPassFailure();
    if (!main || (asked->empty() && !strict))
      return;
    SymbolTable table(module);
    ShapeContext shapeContext(&getContext());
    symbols = &table;
    shapes = &shapeContext;
    ok = true;
    kernels.clear();
    packedParams.clear();
    sizes.clear();
    if (failed(analyzeShapes(FunctionOpInterface(main), shapeContext)))
      return signalPassFailure();
    SmallVector<Operation *> ops;
    main.walk<WalkOrder::PreOrder>([&](Operation *op) { ops.push_back(op); });
    for (Operation *op : llvm::reverse(ops)) {
      if (isOpTriviallyDead(op)) {
        for (Value result : op->getResults())
          shapes->forget(result);
        op->erase();
      } else if (!offer(op, *asked) && wantsKernel(op, *shapes)) {
        complain(op, "no backend claims this op: it runs through the "
                     "reference lowering");
      }
    }
    eraseUnusedParams(module);
    if (!ok)
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

  void complain(Operation *op, const Twine &what) {
    (strict ? op->emitError() : op->emitRemark()) << what;
    ok &= !strict;
  }

  /// Replaces `op` by a launch if a backend claims it.
  bool offer(Operation *op, ArrayRef<const Backends::Entry *> asked) {
    for (const Backends::Entry *entry : asked) {
      std::optional<Claim> claim = entry->backend->claim(op, *shapes);
      if (!claim)
        continue;
      if (claim->outputs.empty())
        claim->outputs = op->getResults();
      SmallVector<Value> read(claim->inputs);
      llvm::copy_if(claim->updated, std::back_inserter(read),
                    [](Value value) { return bool(value); });
      std::optional<SmallVector<Operation *>> late =
          findLate(read, claim->outputs);
      if (!late)
        continue;
      for (Operation *needed : *late)
        needed->moveBefore(findFirst(claim->outputs));
      OpBuilder builder(findFirst(claim->outputs));
      std::optional<SmallVector<Value>> outputs =
          createOutputs(builder, op->getLoc(), *claim);
      if (!outputs)
        continue;
      for (StringRef shortfall : claim->shortfalls)
        complain(op, shortfall);
      StringRef name = entry->info->name;
      SmallVector<Value> inputs = claim->inputs;
      for (PackedParam &packed : claim->packed)
        inputs.push_back(createPacked(builder, op->getLoc(),
                                      claim->param + "." + name.str() + ".",
                                      std::move(packed)));
      auto launch = LaunchOp::create(
          builder, op->getLoc(), TypeRange(ValueRange(claim->outputs)),
          getKernel(name, *claim, op).getSymName(), inputs, *outputs,
          getUpdates(builder, *claim));
      for (auto [from, to] : llvm::zip(claim->outputs, launch.getResults())) {
        from.replaceAllUsesWith(to);
        shapes->set(to, {shapes->elementType(from),
                         SmallVector<AffineExpr>(shapes->dims(from)),
                         std::nullopt});
      }
      for (Value result : op->getResults())
        shapes->forget(result);
      op->erase();
      ++numClaimed;
      return true;
    }
    return false;
  }

  static DenseI64ArrayAttr getUpdates(Builder &builder, const Claim &claim) {
    SmallVector<int64_t> numbers;
    for (auto [i, value] : llvm::enumerate(claim.updated))
      if (value)
        numbers.push_back(int64_t(i));
    return numbers.empty() ? DenseI64ArrayAttr()
                           : builder.getDenseI64ArrayAttr(numbers);
  }

  /// A tensor for each output: the one that is updated, or an empty one. A
  /// dynamic dimension of that is one that an input has as well; nothing if
  /// there is one that none has.
  std::optional<SmallVector<Value>>
  createOutputs(OpBuilder &builder, Location loc, const Claim &claim) {
    SmallVector<Value> outputs;
    for (auto [i, output] : llvm::enumerate(claim.outputs)) {
      if (i < claim.updated.size() && claim.updated[i]) {
        outputs.push_back(claim.updated[i]);
        continue;
      }
      auto type = cast<RankedTensorType>(output.getType());
      SmallVector<Value> sizes;
      for (int64_t axis = 0; axis < type.getRank(); ++axis) {
        if (!type.isDynamicDim(axis))
          continue;
        sizes.push_back(
            findSize(builder, loc, claim.inputs, shapes->dim(output, axis)));
        if (!sizes.back())
          return std::nullopt;
      }
      outputs.push_back(tensor::EmptyOp::create(builder, loc, type, sizes));
    }
    return outputs;
  }

  /// A value of that size: a dimension of an argument of @main, so that later
  /// passes see at once which sizes are equal, or else of one of `values`.
  Value findSize(OpBuilder &builder, Location loc, ValueRange values,
                 AffineExpr size) {
    if (Value known = sizes.lookup(size))
      return known;
    Block &entry = main.getBody().front();
    OpBuilder top = OpBuilder::atBlockBegin(&entry);
    if (Value found = findDim(top, loc, entry.getArguments(), size))
      return sizes[size] = found;
    return findDim(builder, loc, values, size);
  }

  Value findDim(OpBuilder &builder, Location loc, ValueRange values,
                AffineExpr size) {
    for (Value value : values) {
      // Others change their type later, and tensor.dim does not follow.
      Type element = shapes->elementType(value);
      if (!(isa<FloatType>(element) && element.getIntOrFloatBitWidth() >= 16) &&
          !element.isSignlessInteger(32) && !element.isSignlessInteger(64))
        continue;
      for (int64_t i = 0; i < shapes->rank(value); ++i)
        if (shapes->dim(value, i) == size) {
          Value index = arith::ConstantIndexOp::create(builder, loc, i);
          return tensor::DimOp::create(builder, loc, value, index);
        }
    }
    return {};
  }

  /// A parameter that was packed to the same type and bytes is read again. A
  /// name says too little for that: one parameter may be data of two weights,
  /// with other scales in each.
  Value createPacked(OpBuilder &builder, Location loc, StringRef prefix,
                     PackedParam packed) {
    std::string name = (prefix + packed.suffix).str();
    AsmResourceBlob blob = HeapAsmResourceBlob::allocate(
        *getByteSize(packed.type), /*align=*/64, /*dataIsMutable=*/true);
    packed.fill(blob.getMutableData());
    for (ParamOp param : packedParams[name])
      if (param.getType() == packed.type &&
          getBytes(cast<DenseResourceElementsAttr>(param.getValue())) ==
              blob.getData())
        return WeightOp::create(builder, loc, packed.type, param.getSymName());
    OpBuilder top = OpBuilder::atBlockBegin(getOperation().getBody());
    auto param = ParamOp::create(
        top, loc, name, makeResource(packed.type, name, std::move(blob)),
        StringAttr());
    symbols->insert(param, Block::iterator(getOperation().getBody()->begin()));
    packedParams[name].push_back(param);
    return WeightOp::create(builder, loc, packed.type, param.getSymName());
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

  bool ok = true;
  func::FuncOp main;
  SymbolTable *symbols = nullptr;
  ShapeContext *shapes = nullptr;
  llvm::DenseMap<Attribute, KernelOp> kernels;
  /// By the names that were asked for.
  llvm::StringMap<SmallVector<ParamOp, 1>> packedParams;
  /// Of dimensions of arguments, at the entry of @main.
  llvm::DenseMap<AffineExpr, Value> sizes;
};
} // namespace
