//===- EmitScratch.cpp - memory that calls of @main work in ---------------===//

#include "llmc/Lower/Passes.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Parser/Parser.h"

namespace llmc {
#define GEN_PASS_DEF_EMITSCRATCH
#include "llmc/Lower/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

/// Blocks are kept between calls, one for each of as many calls as have run at
/// the same time, up to 64. 64 bytes before what is taken hold the size.
/// Buffers are memref descriptors; one of null where there is no memory, which
/// error 3 (artifact::kKernelOutOfMemory) says.
static constexpr llvm::StringLiteral scratch = R"mlir(
llvm.mlir.global internal @llmc_scratch() : !llvm.array<64 x ptr> {
  %null = llvm.mlir.zero : !llvm.array<64 x ptr>
  llvm.return %null : !llvm.array<64 x ptr>
}
llvm.func @aligned_alloc(i64, i64) -> !llvm.ptr
llvm.func @free(!llvm.ptr)
llvm.func @llmc_report_error(i64)

llvm.func internal @llmc_take_scratch(%size: i64)
    -> !llvm.struct<(ptr, ptr, i64, array<1 x i64>, array<1 x i64>)> {
  %zero = llvm.mlir.constant(0 : i64) : i64
  %one = llvm.mlir.constant(1 : i64) : i64
  %header = llvm.mlir.constant(64 : i64) : i64
  %places = llvm.mlir.constant(64 : i64) : i64
  %null = llvm.mlir.zero : !llvm.ptr
  %kept = llvm.mlir.addressof @llmc_scratch : !llvm.ptr
  llvm.br ^look(%zero : i64)
^look(%i: i64):
  %place = llvm.getelementptr %kept[%i] : (!llvm.ptr, i64) -> !llvm.ptr, !llvm.ptr
  %block = llvm.atomicrmw xchg %place, %null acq_rel : !llvm.ptr, !llvm.ptr
  %none = llvm.icmp "eq" %block, %null : !llvm.ptr
  %next = llvm.add %i, %one : i64
  %more = llvm.icmp "ult" %next, %places : i64
  llvm.cond_br %none, ^again, ^check
^again:
  llvm.cond_br %more, ^look(%next : i64), ^make
^check:
  %has = llvm.load %block : !llvm.ptr -> i64
  %fits = llvm.icmp "uge" %has, %size : i64
  llvm.cond_br %fits, ^done(%block : !llvm.ptr), ^drop
^drop:
  llvm.call @free(%block) : (!llvm.ptr) -> ()
  llvm.br ^make
^make:
  %all = llvm.add %size, %header : i64
  %new = llvm.call @aligned_alloc(%header, %all) : (i64, i64) -> !llvm.ptr
  %failed = llvm.icmp "eq" %new, %null : !llvm.ptr
  llvm.cond_br %failed, ^fail, ^keep
^fail:
  %code = llvm.mlir.constant(3 : i64) : i64
  llvm.call @llmc_report_error(%code) : (i64) -> ()
  %nothing = llvm.mlir.zero
      : !llvm.struct<(ptr, ptr, i64, array<1 x i64>, array<1 x i64>)>
  llvm.return %nothing
      : !llvm.struct<(ptr, ptr, i64, array<1 x i64>, array<1 x i64>)>
^keep:
  llvm.store %size, %new : i64, !llvm.ptr
  llvm.br ^done(%new : !llvm.ptr)
^done(%taken: !llvm.ptr):
  %begin = llvm.getelementptr %taken[64] : (!llvm.ptr) -> !llvm.ptr, i8
  %0 = llvm.mlir.poison
      : !llvm.struct<(ptr, ptr, i64, array<1 x i64>, array<1 x i64>)>
  %1 = llvm.insertvalue %begin, %0[0]
      : !llvm.struct<(ptr, ptr, i64, array<1 x i64>, array<1 x i64>)>
  %2 = llvm.insertvalue %begin, %1[1]
      : !llvm.struct<(ptr, ptr, i64, array<1 x i64>, array<1 x i64>)>
  %3 = llvm.insertvalue %zero, %2[2]
      : !llvm.struct<(ptr, ptr, i64, array<1 x i64>, array<1 x i64>)>
  %4 = llvm.insertvalue %size, %3[3, 0]
      : !llvm.struct<(ptr, ptr, i64, array<1 x i64>, array<1 x i64>)>
  %5 = llvm.insertvalue %one, %4[4, 0]
      : !llvm.struct<(ptr, ptr, i64, array<1 x i64>, array<1 x i64>)>
  llvm.return %5
      : !llvm.struct<(ptr, ptr, i64, array<1 x i64>, array<1 x i64>)>
}

llvm.func internal @llmc_return_scratch(%begin: !llvm.ptr, %aligned: !llvm.ptr,
                                        %offset: i64, %size: i64,
                                        %stride: i64) {
  %zero = llvm.mlir.constant(0 : i64) : i64
  %one = llvm.mlir.constant(1 : i64) : i64
  %places = llvm.mlir.constant(64 : i64) : i64
  %null = llvm.mlir.zero : !llvm.ptr
  %kept = llvm.mlir.addressof @llmc_scratch : !llvm.ptr
  %block = llvm.getelementptr %begin[-64] : (!llvm.ptr) -> !llvm.ptr, i8
  llvm.br ^look(%zero : i64)
^look(%i: i64):
  %place = llvm.getelementptr %kept[%i] : (!llvm.ptr, i64) -> !llvm.ptr, !llvm.ptr
  %old = llvm.cmpxchg %place, %null, %block acq_rel monotonic
      : !llvm.ptr, !llvm.ptr
  %stored = llvm.extractvalue %old[1] : !llvm.struct<(ptr, i1)>
  %next = llvm.add %i, %one : i64
  %more = llvm.icmp "ult" %next, %places : i64
  llvm.cond_br %stored, ^end, ^again
^again:
  llvm.cond_br %more, ^look(%next : i64), ^drop
^drop:
  llvm.call @free(%block) : (!llvm.ptr) -> ()
  llvm.br ^end
^end:
  llvm.return
}

llvm.func internal @llmc_free_scratch() {
  %zero = llvm.mlir.constant(0 : i64) : i64
  %one = llvm.mlir.constant(1 : i64) : i64
  %places = llvm.mlir.constant(64 : i64) : i64
  %null = llvm.mlir.zero : !llvm.ptr
  %kept = llvm.mlir.addressof @llmc_scratch : !llvm.ptr
  llvm.br ^look(%zero : i64)
^look(%i: i64):
  %place = llvm.getelementptr %kept[%i] : (!llvm.ptr, i64) -> !llvm.ptr, !llvm.ptr
  %block = llvm.atomicrmw xchg %place, %null acq_rel : !llvm.ptr, !llvm.ptr
  llvm.call @free(%block) : (!llvm.ptr) -> ()
  %next = llvm.add %i, %one : i64
  %more = llvm.icmp "ult" %next, %places : i64
  llvm.cond_br %more, ^look(%next : i64), ^end
^end:
  llvm.return
}
llvm.mlir.global_dtors dtors = [@llmc_free_scratch], priorities = [65535 : i32],
                       data = [#llvm.zero]
)mlir";

namespace {
struct EmitScratch : llmc::impl::EmitScratchBase<EmitScratch> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    if (!module.lookupSymbol(takeScratchSymbol))
      return;
    SmallVector<LLVM::CallOp> takes;
    module.walk([&](LLVM::CallOp call) {
      if (call.getCallee() == takeScratchSymbol)
        takes.push_back(call);
    });
    for (LLVM::CallOp take : takes)
      returnWithout(take);
    OwningOpRef<ModuleOp> parsed =
        parseSourceString<ModuleOp>(scratch, &getContext());
    assert(parsed && "the text above is a module");
    for (Operation &op : llvm::make_early_inc_range(*parsed->getBody())) {
      auto symbol = dyn_cast<SymbolOpInterface>(op);
      Operation *there =
          symbol ? module.lookupSymbol(symbol.getName()) : nullptr;
      auto function = dyn_cast<LLVM::LLVMFuncOp>(op);
      if (there && function && function.isExternal())
        continue;
      if (there)
        there->erase();
      op.moveBefore(module.getBody(), module.getBody()->end());
    }
  }

  /// Ends the function of `take`, whose results are null then, where there is
  /// no memory.
  static void returnWithout(LLVM::CallOp take) {
    Location loc = take.getLoc();
    Block *before = take->getBlock();
    Block *after = before->splitBlock(std::next(take->getIterator()));
    // LLVM keeps in registers what the first block has on the stack, only.
    for (auto alloca :
         llvm::make_early_inc_range(after->getOps<LLVM::AllocaOp>()))
      if (auto size = alloca.getArraySize().getDefiningOp<LLVM::ConstantOp>()) {
        size->moveBefore(take);
        alloca->moveBefore(take);
      }
    OpBuilder builder(take.getContext());
    Block *without = builder.createBlock(after);
    SmallVector<Value> results;
    for (Type type : take->getParentOfType<LLVM::LLVMFuncOp>().getResultTypes())
      results.push_back(LLVM::ZeroOp::create(builder, loc, type));
    LLVM::ReturnOp::create(builder, loc, results);

    builder.setInsertionPointToEnd(before);
    Value begin =
        LLVM::ExtractValueOp::create(builder, loc, take.getResult(), 0);
    Value null = LLVM::ZeroOp::create(builder, loc, begin.getType());
    Value failed = LLVM::ICmpOp::create(builder, loc, LLVM::ICmpPredicate::eq,
                                        begin, null);
    LLVM::CondBrOp::create(builder, loc, failed, without, after);
  }
};
} // namespace
