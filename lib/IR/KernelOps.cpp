//===- KernelOps.cpp - what backends take over ----------------------------===//

#include "llmc/IR/Dialect.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace llmc;

#define GET_OP_CLASSES
#include "llmc/IR/KernelOps.cpp.inc"

void LLMCDialect::registerKernelOps() {
  addOperations<
#define GET_OP_LIST
#include "llmc/IR/KernelOps.cpp.inc"
      >();
}

LogicalResult LaunchOp::verifySymbolUses(SymbolTableCollection &symbols) {
  if (!symbols.lookupNearestSymbolFrom<KernelOp>(*this, getKernelAttr()))
    return emitOpError("names '") << getKernel() << "', which is not a kernel";
  return success();
}

void LaunchOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  auto *memory = SideEffects::DefaultResource::get();
  for (OpOperand &input : getInputsMutable())
    if (isa<BaseMemRefType>(input.get().getType()))
      effects.emplace_back(MemoryEffects::Read::get(), &input, memory);
  for (OpOperand &output : getOutputsMutable())
    if (isa<BaseMemRefType>(output.get().getType()))
      effects.emplace_back(MemoryEffects::Write::get(), &output, memory);
}
