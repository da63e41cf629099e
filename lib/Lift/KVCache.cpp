//===- KVCache.cpp - the caches of an ONNX decoder ------------------------===//

#include "llmc/Lift/KVCache.h"

using namespace mlir;
using namespace llmc;

static std::optional<KVCache> matchCache(BlockArgument past,
                                         func::ReturnOp returnOp) {
  auto type = dyn_cast<RankedTensorType>(past.getType());
  if (!type || type.getRank() != 4 || !type.isDynamicDim(KVCache::rowAxis))
    return std::nullopt;
  ConcatOp append;
  for (Operation *user : past.getUsers()) {
    if (isa<ShapeOp>(user))
      continue;
    auto concat = dyn_cast<ConcatOp>(user);
    if (!concat || append || concat->getBlock() != past.getOwner() ||
        int64_t(concat.getAxis()) != KVCache::rowAxis ||
        concat.getInputs().size() != 2 || concat.getInputs()[0] != past ||
        concat.getInputs()[1] == past)
      return std::nullopt;
    append = concat;
  }
  if (!append)
    return std::nullopt;
  std::optional<unsigned> result;
  for (OpOperand &use : append->getUses())
    if (use.getOwner() == returnOp) {
      if (result)
        return std::nullopt;
      result = use.getOperandNumber();
    }
  if (!result)
    return std::nullopt;
  return KVCache{past, append, *result};
}

SmallVector<KVCache> llmc::findKVCaches(func::FuncOp function) {
  SmallVector<KVCache> caches;
  auto returnOp =
      dyn_cast<func::ReturnOp>(function.getBody().back().getTerminator());
  if (returnOp)
    for (BlockArgument argument : function.getArguments())
      if (std::optional<KVCache> cache = matchCache(argument, returnOp))
        caches.push_back(*cache);
  return caches;
}
