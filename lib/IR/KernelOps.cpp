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

LogicalResult LaunchOp::verify() {
  for (int64_t update : getUpdates().value_or(ArrayRef<int64_t>()))
    if (update < 0 || update >= int64_t(getOutputs().size()))
      return emitOpError("updates output ")
             << update << ", but has " << getOutputs().size();
  return success();
}

void LaunchOp::getEffects(
    SmallVectorImpl<SideEffects::EffectInstance<MemoryEffects::Effect>>
        &effects) {
  auto *memory = SideEffects::DefaultResource::get();
  for (OpOperand &input : getInputsMutable())
    if (isa<BaseMemRefType>(input.get().getType()))
      effects.emplace_back(MemoryEffects::Read::get(), &input, memory);
  for (auto [i, output] : llvm::enumerate(getOutputsMutable())) {
    if (!isa<BaseMemRefType>(output.get().getType()))
      continue;
    if (isUpdate(int64_t(i)))
      effects.emplace_back(MemoryEffects::Read::get(), &output, memory);
    effects.emplace_back(MemoryEffects::Write::get(), &output, memory);
  }
}
