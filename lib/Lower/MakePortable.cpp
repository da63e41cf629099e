//===- MakePortable.cpp - a lowered model for other compilers -------------===//

#include "llmc/Lower/Passes.h"
#include "mlir/IR/AsmState.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

namespace llmc {
#define GEN_PASS_DEF_MAKEPORTABLE
#include "llmc/Lower/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

/// The value of a parameter as an attribute of `type`, the lowered type of what
/// compiled code would read.
static TypedAttr getValue(ParamOp param, ShapedType type) {
  auto value = cast<TypedAttr>(param.getValue());
  if (value.getType() == type)
    return value;
  SmallVector<char> copy;
  ArrayRef<char> bytes = getParamBytes(param, copy);
  return DenseResourceElementsAttr::get(
      type, param.getSymName(),
      HeapAsmResourceBlob::allocateAndCopyWithAlign(bytes, 64));
}

namespace {
struct MakePortable : llmc::impl::MakePortableBase<MakePortable> {
  using Base::Base;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto main = module.lookupSymbol<func::FuncOp>("main");
    if (!main) {
      module.emitError("the module has no function @main");
      return signalPassFailure();
    }
    replaceParams(main);
    SmallVector<func::CallOp> checks;
    module.walk([&](func::CallOp call) {
      if (call.getCallee() == reportSymbol)
        checks.push_back(call);
    });
    int64_t numDropped = 0;
    for (func::CallOp check : checks)
      if (failed(replaceCheck(check, numDropped)))
        return signalPassFailure();
    if (numDropped)
      // Not at the module: that would print all of it.
      emitRemark(module.getLoc())
          << "run-time checks left out: " << numDropped
          << (dropAsserts ? "" : " (indices are clamped, but not reported)");
    if (Operation *report = module.lookupSymbol(reportSymbol))
      report->erase();
    replaceReshapes();
    removeAttributes(main);
    for (ParamOp param : llvm::make_early_inc_range(module.getOps<ParamOp>()))
      param.erase();
    module.walk([&](Operation *op) {
      if (isa_and_nonnull<LLMCDialect>(op->getDialect())) {
        op->emitError("is not portable: lower the module with "
                      "llmc-lower-to-linalg first, without backends");
        signalPassFailure();
      }
    });
  }

private:
  static void replaceParams(func::FuncOp main) {
    auto builder = OpBuilder::atBlockBegin(&main.getBody().front());
    llvm::BitVector erased(main.getNumArguments());
    for (unsigned i = 0; i < main.getNumArguments(); ++i) {
      auto symbol = main.getArgAttrOfType<FlatSymbolRefAttr>(i, paramAttr);
      if (!symbol)
        continue;
      auto param = main->getParentOfType<ModuleOp>().lookupSymbol<ParamOp>(
          symbol.getAttr());
      BlockArgument argument = main.getArgument(i);
      auto type = cast<ShapedType>(argument.getType());
      Value constant;
      if (type.getElementType().isInteger(1)) {
        // How a resource stores these differs between versions of MLIR.
        auto bytes = type.clone(builder.getI8Type());
        constant = arith::ConstantOp::create(builder, param.getLoc(),
                                             getValue(param, bytes));
        constant =
            arith::TruncIOp::create(builder, param.getLoc(), type, constant);
      } else {
        constant = arith::ConstantOp::create(builder, param.getLoc(),
                                             getValue(param, type));
      }
      argument.replaceAllUsesWith(constant);
      erased.set(i);
    }
    (void)main.eraseArguments(erased);
  }

  /// A check is a branch that calls the report.
  LogicalResult replaceCheck(func::CallOp check, int64_t &numDropped) {
    auto branch = dyn_cast<scf::IfOp>(check->getParentOp());
    if (!branch)
      return check.emitError("expected a run-time check in an scf.if");
    bool isInThen = check->getParentRegion() == &branch.getThenRegion();
    IRRewriter rewriter(branch);
    if (branch->getParentOfType<linalg::LinalgOp>()) {
      ++numDropped;
      rewriter.eraseOp(check);
      return success();
    }
    if (dropAsserts) {
      ++numDropped;
    } else {
      Location loc = branch.getLoc();
      Value holds = branch.getCondition();
      if (isInThen)
        holds = arith::XOrIOp::create(
            rewriter, loc, holds,
            arith::ConstantOp::create(rewriter, loc,
                                      rewriter.getBoolAttr(true)));
      APInt code;
      bool isIndex = matchPattern(check.getOperand(0), m_ConstantInt(&code)) &&
                     code == int64_t(RuntimeError::IndexOutOfRange);
      cf::AssertOp::create(rewriter, loc, holds,
                           isIndex ? "llmc: an index is out of range"
                                   : "llmc: sizes do not fit");
    }
    // What is done without an error is all there is now.
    Region &good = isInThen ? branch.getElseRegion() : branch.getThenRegion();
    if (good.empty()) {
      rewriter.eraseOp(branch);
      return success();
    }
    Operation *yield = good.front().getTerminator();
    SmallVector<Value> results(yield->getOperands());
    rewriter.eraseOp(yield);
    rewriter.inlineBlockBefore(&good.front(), branch);
    rewriter.replaceOp(branch, results);
    return success();
  }

  /// A reshape to a vector needs no tensor of sizes, which would be one of
  /// `index` with a single element: IREE puts that on the device, and may not.
  void replaceReshapes() {
    getOperation().walk([](tensor::ReshapeOp op) {
      auto source = dyn_cast<RankedTensorType>(op.getSource().getType());
      auto result = dyn_cast<RankedTensorType>(op.getType());
      if (!source || !result || source.getRank() < 2 || result.getRank() != 1)
        return;
      OpBuilder builder(op);
      auto all = llvm::to_vector<2>(llvm::seq<int64_t>(0, source.getRank()));
      Value vector =
          tensor::CollapseShapeOp::create(builder, op.getLoc(), op.getSource(),
                                          ArrayRef<ReassociationIndices>{all});
      if (vector.getType() != result)
        vector = tensor::CastOp::create(builder, op.getLoc(), result, vector);
      op.replaceAllUsesWith(vector);
      op.erase();
    });
  }

  void removeAttributes(func::FuncOp main) {
    auto removeFrom = [](Operation *op) {
      SmallVector<StringAttr> names;
      for (NamedAttribute attribute : op->getDiscardableAttrs())
        names.push_back(attribute.getName());
      for (StringAttr name : names)
        op->removeDiscardableAttr(name);
    };
    removeFrom(getOperation());
    removeFrom(main);
    main.removeArgAttrsAttr();
    main.removeResAttrsAttr();
  }
};
} // namespace

void llmc::buildLowerToPortablePipeline(OpPassManager &manager,
                                        const MakePortableOptions &options) {
  manager.addPass(createDecomposeScans());
  buildLowerToLinalgPipeline(manager, /*useBackends=*/false);
  manager.addPass(createMakePortable(options));
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
}

namespace {
struct PortableOptions : PassPipelineOptions<PortableOptions> {
  Option<bool> dropAsserts{
      *this, "drop-asserts",
      llvm::cl::desc("Leave run-time checks of the host's code out as well")};
};
} // namespace

void llmc::registerPortablePipeline() {
  PassPipelineRegistration<PortableOptions>(
      "llmc-lower-to-portable",
      "Lower a model to linalg on tensors for other compilers",
      [](OpPassManager &manager, const PortableOptions &options) {
        buildLowerToPortablePipeline(manager, {options.dropAsserts});
      });
}
