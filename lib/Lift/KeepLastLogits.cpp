//===- KeepLastLogits.cpp - logits of the tokens that are asked for -------===//

#include "Lifter.h"
#include "llmc/Lift/Passes.h"
#include "llmc/Runtime/ArtifactFormat.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include <limits>

namespace llmc {
#define GEN_PASS_DEF_KEEPLASTLOGITS
#include "llmc/Lift/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

/// The dimension of [batch, sequence, hidden] that tokens are along.
static constexpr int64_t tokenAxis = 1;

/// Whether each row of the result depends on that row of operand 0 alone.
static bool isRowWise(Operation *op) {
  if (auto norm = dyn_cast<LayerNormOp>(op))
    return int64_t(norm.getAxis()) == norm.getType().getRank() - 1;
  // Logits of a part of the vocabulary, spread over all of it.
  if (auto gather = dyn_cast<GatherOp>(op))
    return int64_t(gather.getAxis()) ==
               gather.getOperand().getType().getRank() - 1 &&
           gather.getIndices().getDefiningOp<WeightOp>();
  if (auto pad = dyn_cast<PadOp>(op)) {
    ShapeContext shapes(op->getContext());
    auto pads = shapes.constants(pad.getPads());
    int64_t last = pad.getType().getRank() - 1;
    return pads && llvm::all_of(llvm::enumerate(*pads), [&](auto entry) {
             return entry.value() == 0 ||
                    int64_t(entry.index() % (last + 1)) == last;
           });
  }
  return isa<RMSNormOp, QuantizeDynamicOp, LinearOp>(op);
}

/// The first of the row-wise ops that end in `value` and serve nothing else.
static Operation *findFirst(Value value) {
  Operation *first = nullptr;
  while (Operation *op = value.getDefiningOp()) {
    if (!isRowWise(op) || !value.hasOneUse())
      break;
    first = op;
    value = op->getOperand(0);
  }
  return first;
}

namespace {
struct KeepLastLogits : llmc::impl::KeepLastLogitsBase<KeepLastLogits> {
  using KeepLastLogitsBase::KeepLastLogitsBase;

  void runOnOperation() override {
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!main || main.isExternal())
      return;
    auto returnOp =
        dyn_cast<func::ReturnOp>(main.getBody().back().getTerminator());
    std::optional<unsigned> result = findResult(main, "logits");
    if (!returnOp || !result)
      return;
    Value logits = returnOp.getOperand(*result);
    auto type = dyn_cast<RankedTensorType>(logits.getType());
    Operation *first = findFirst(logits);
    if (!type || type.getRank() != 3 || !type.isDynamicDim(tokenAxis) || !first)
      return;
    for (unsigned i = 0; i < main.getNumArguments(); ++i)
      if (auto name = main.getArgAttrOfType<StringAttr>(i, nameAttr);
          name && name.getValue() == artifact::kLogitsToKeep)
        return;

    OpBuilder b(first);
    Location loc = NameLoc::get(b.getStringAttr(artifact::kLogitsToKeep));
    Value rows;
    if (lastOnly) {
      // Unlike a slice, it has a row whatever the length is.
      rows = GatherOp::create(b, loc, first->getOperand(0),
                              createI64Constant(b, loc, {-1}), tokenAxis);
    } else {
      Value end =
          createI64Constant(b, loc, {std::numeric_limits<int64_t>::max()});
      rows = SliceOp::create(
          b, loc, first->getOperand(0), insertInput(main, b, loc), end,
          createI64Constant(b, loc, {1}), ArrayRef<int64_t>{tokenAxis});
    }
    first->setOperand(0, rows);
    // How many rows there are is no longer one of the model's own sizes.
    if (auto dims = main.getResultAttrOfType<ArrayAttr>(*result, dimsAttr)) {
      SmallVector<Attribute> names(dims.getAsRange<Attribute>());
      names[tokenAxis] = b.getStringAttr(lastOnly ? "" : "kept_length");
      main.setResultAttr(*result, dimsAttr, b.getArrayAttr(names));
    }
  }

private:
  /// Where the rows begin of which a new input says how many there are: from -0
  /// on are all of them.
  static Value insertInput(func::FuncOp main, OpBuilder &b, Location loc) {
    (void)main.insertArgument(
        main.getNumArguments(), RankedTensorType::get({}, b.getI64Type()),
        b.getDictionaryAttr(
            {b.getNamedAttr(nameAttr, b.getStringAttr(artifact::kLogitsToKeep)),
             b.getNamedAttr(dimsAttr, b.getArrayAttr({}))}),
        loc);
    return UnsqueezeOp::create(
        b, loc, NegOp::create(b, loc, main.getArguments().back()),
        ArrayRef<int64_t>{0});
  }
};
} // namespace
