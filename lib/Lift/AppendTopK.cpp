//===- AppendTopK.cpp - the best tokens beside the logits -----------------===//

#include "Lifter.h"
#include "llmc/Lift/Passes.h"
#include "llmc/Runtime/ArtifactFormat.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace llmc {
#define GEN_PASS_DEF_APPENDTOPK
#include "llmc/Lift/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

namespace {
struct AppendTopK : llmc::impl::AppendTopKBase<AppendTopK> {
  using AppendTopKBase::AppendTopKBase;

  void runOnOperation() override {
    if (failed(append(getOperation())))
      signalPassFailure();
  }

private:
  LogicalResult append(ModuleOp module) {
    auto reject = [&] { return module.emitError() << getArgument() << ": "; };
    auto main = module.lookupSymbol<func::FuncOp>("main");
    if (!main || main.isExternal())
      return reject() << "there is no @main";
    auto returnOp =
        dyn_cast<func::ReturnOp>(main.getBody().back().getTerminator());
    std::optional<unsigned> result = findResult(main, "logits");
    if (!returnOp || !result)
      return reject() << "@main has no result 'logits' to choose tokens by";
    if (findResult(main, artifact::kTopLogits) ||
        findResult(main, artifact::kTopIds))
      return reject() << "@main returns the best tokens already";
    Value logits = returnOp.getOperand(*result);
    auto type = dyn_cast<RankedTensorType>(logits.getType());
    if (!type || !isa<FloatType>(type.getElementType()) || type.getRank() < 2 ||
        type.isDynamicDim(type.getRank() - 1))
      return reject() << "'logits' is " << logits.getType()
                      << ", where floats [..., vocabulary] of a known size are "
                         "needed";
    int64_t axis = type.getRank() - 1, k = count;
    if (k < 1 || k > type.getDimSize(axis))
      return reject() << "k is " << k << ", where the vocabulary has "
                      << type.getDimSize(axis) << " tokens";

    OpBuilder b(returnOp);
    Location loc = NameLoc::get(b.getStringAttr("top_k"));
    auto best =
        TopKOp::create(b, loc, logits, createI64Constant(b, loc, {k}), axis,
                       /*smallest=*/false);
    NamedAttrList attributes;
    if (auto dims = main.getResultAttrOfType<ArrayAttr>(*result, dimsAttr)) {
      SmallVector<Attribute> names(dims.getAsRange<Attribute>());
      names[axis] = b.getStringAttr("");
      attributes.set(dimsAttr, b.getArrayAttr(names));
    }
    // Right behind the logits, as states come last.
    unsigned place = *result + 1;
    returnOp->insertOperands(place, best.getResults());
    for (StringRef name : {artifact::kTopLogits, artifact::kTopIds}) {
      NamedAttrList named(attributes);
      named.set(nameAttr, b.getStringAttr(name));
      if (failed(main.insertResult(place, returnOp.getOperand(place).getType(),
                                   named.getDictionary(&getContext()))))
        return failure();
      ++place;
    }
    return success();
  }
};
} // namespace
