//===- TypeRefiner.cpp - changes types in place as they get known ---------===//

#include "TypeRefiner.h"
#include "llmc/IR/Dialect.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"

using namespace mlir;
using namespace llmc;

TypeRefiner::TypeRefiner(FunctionOpInterface function, ShapeContext &shapes)
    : function(function), shapes(shapes) {
  // The signature of a function that others call is not ours to change.
  Operation *module = function->getParentOp();
  ownsSignature =
      isa<func::FuncOp>(function) && module &&
      SymbolTable::symbolKnownUseEmpty(
          StringAttr::get(function.getContext(), function.getName()), module);
}

bool TypeRefiner::acceptsRefinedType(OpOperand &use) const {
  Operation *user = use.getOwner();
  if (isa<func::ReturnOp>(user))
    return ownsSignature && user->getParentOp() == function;
  return isa_and_nonnull<LLMCDialect>(user->getDialect()) ||
         isa<tensor::CastOp>(user);
}

static tensor::CastOp castTo(OpBuilder &builder, Value value, Type type) {
  return tensor::CastOp::create(builder, value.getLoc(), type, value);
}

unsigned TypeRefiner::refineResults(Operation *op) {
  auto branch = dyn_cast<scf::IfOp>(op);
  if (!branch && !isa_and_nonnull<LLMCDialect>(op->getDialect()))
    return 0;
  unsigned refined = 0;
  for (OpResult result : op->getResults()) {
    auto type = dyn_cast<RankedTensorType>(result.getType());
    if (!type)
      continue;
    RankedTensorType newType = getRefinedType(result, shapes);
    if (newType == type)
      continue;
    ++refined;
    OpBuilder builder(op->getContext());
    if (branch)
      for (scf::YieldOp yield : {branch.thenYield(), branch.elseYield()}) {
        builder.setInsertionPoint(yield);
        unsigned index = result.getResultNumber();
        Value operand = yield.getOperand(index);
        // The value whose type a cast for this very yield had kept.
        if (auto cast = operand.getDefiningOp<tensor::CastOp>();
            cast && cast.getSource().getType() == newType)
          yield.setOperand(index, cast.getSource());
        else
          yield.setOperand(index, castTo(builder, operand, newType));
      }
    result.setType(newType);
    SmallVector<OpOperand *> strict;
    for (OpOperand &use : result.getUses())
      if (!acceptsRefinedType(use))
        strict.push_back(&use);
    if (strict.empty())
      continue;
    builder.setInsertionPointAfter(op);
    auto cast = castTo(builder, result, type);
    shapes.set(cast.getResult(), {type.getElementType(),
                                  SmallVector<AffineExpr>(shapes.dims(result)),
                                  shapes.values(result)});
    for (OpOperand *use : strict)
      use->set(cast);
  }
  return refined;
}

void TypeRefiner::refineFunctionType() {
  if (!ownsSignature || function.isExternal())
    return;
  auto funcOp = cast<func::FuncOp>(function);
  auto returnOp =
      dyn_cast<func::ReturnOp>(funcOp.getBody().back().getTerminator());
  if (returnOp)
    funcOp.setFunctionType(FunctionType::get(funcOp.getContext(),
                                             funcOp.getArgumentTypes(),
                                             returnOp.getOperandTypes()));
}
