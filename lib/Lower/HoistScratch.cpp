//===- HoistScratch.cpp - callers allocate what kernels work in -----------===//

#include "llmc/Lower/Passes.h"
#include "mlir/Analysis/SliceAnalysis.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

namespace llmc {
#define GEN_PASS_DEF_HOISTSCRATCH
#include "llmc/Lower/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

namespace {
/// A buffer that a function makes and releases.
struct Scratch {
  memref::AllocOp alloc;
  memref::DeallocOp dealloc;
  llvm::SetVector<Operation *> size; ///< what computes its size
};

struct HoistScratch : llmc::impl::HoistScratchBase<HoistScratch> {
  void runOnOperation() override {
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (!function.isPrivate() || function.isExternal())
        continue;
      std::optional<SymbolTable::UseRange> uses =
          SymbolTable::getSymbolUses(function, getOperation());
      SmallVector<func::CallOp> calls;
      for (SymbolTable::SymbolUse use : *uses)
        if (auto call = dyn_cast<func::CallOp>(use.getUser()))
          calls.push_back(call);
      if (calls.size() == size_t(std::distance(uses->begin(), uses->end())))
        hoist(function, calls);
    }
  }

private:
  static std::optional<Scratch> match(memref::AllocOp alloc) {
    Scratch scratch{alloc, {}, {}};
    for (Operation *user : alloc->getUsers()) {
      auto dealloc = dyn_cast<memref::DeallocOp>(user);
      if (!dealloc)
        continue;
      if (scratch.dealloc || dealloc->getBlock() != alloc->getBlock())
        return std::nullopt;
      scratch.dealloc = dealloc;
    }
    if (!scratch.dealloc)
      return std::nullopt;
    BackwardSliceOptions options;
    options.omitBlockArguments = true;
    for (Value size : alloc.getDynamicSizes())
      if (Operation *op = size.getDefiningOp()) {
        if (failed(getBackwardSlice(op, &scratch.size, options)))
          return std::nullopt;
        scratch.size.insert(op);
      }
    // Copied to where the function is called, before what it does.
    if (!llvm::all_of(scratch.size, [](Operation *op) {
          return isMemoryEffectFree(op) && op->getNumRegions() == 0;
        }))
      return std::nullopt;
    return scratch;
  }

  void hoist(func::FuncOp function, ArrayRef<func::CallOp> calls) {
    Block &body = function.getBody().front();
    SmallVector<Scratch> found;
    for (auto alloc : body.getOps<memref::AllocOp>())
      if (std::optional<Scratch> scratch = match(alloc))
        found.push_back(std::move(*scratch));
    numBuffers += found.size();
    for (func::CallOp call : calls) {
      OpBuilder builder(call);
      IRMapping mapping;
      mapping.map(body.getArguments(), call.getOperands());
      for (Scratch &scratch : found) {
        for (Operation *op : scratch.size)
          if (!mapping.contains(op))
            builder.clone(*op, mapping);
        Operation *alloc = builder.clone(*scratch.alloc, mapping);
        call->insertOperands(call->getNumOperands(), alloc->getResult(0));
        OpBuilder after(call->getContext());
        after.setInsertionPointAfter(call);
        memref::DeallocOp::create(after, call.getLoc(), alloc->getResult(0));
      }
    }
    for (Scratch &scratch : found) {
      Location loc = scratch.alloc.getLoc();
      Value argument = body.addArgument(scratch.alloc.getType(), loc);
      scratch.alloc.replaceAllUsesWith(argument);
      scratch.dealloc.erase();
      scratch.alloc.erase();
    }
    function.setType(FunctionType::get(&getContext(), body.getArgumentTypes(),
                                       function.getResultTypes()));
  }
};
} // namespace
