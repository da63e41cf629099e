//===- EmitInvoke.cpp - the entry that runtimes call ----------------------===//

#include "llmc/Lower/Passes.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"

namespace llmc {
#define GEN_PASS_DEF_EMITINVOKE
#include "llmc/Lower/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

namespace {
struct EmitInvoke : llmc::impl::EmitInvokeBase<EmitInvoke> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    Location loc = module.getLoc();
    auto main = module.lookupSymbol<LLVM::LLVMFuncOp>("_mlir_ciface_main");
    if (!main) {
      module.emitError("@main has no C interface: run llmc-lower");
      return signalPassFailure();
    }
    OpBuilder builder = OpBuilder::atBlockEnd(module.getBody());
    Type pointer = LLVM::LLVMPointerType::get(&getContext());
    Type i64 = builder.getI64Type();
    LLVM::GlobalOp::create(builder, loc, i64, /*isConstant=*/false,
                           LLVM::Linkage::External, errorSymbol,
                           builder.getI64IntegerAttr(0));
    defineReport(module, builder);
    dropAttributes(module);

    Type nothing = LLVM::LLVMVoidType::get(&getContext());
    auto invoke = LLVM::LLVMFuncOp::create(
        builder, loc, invokeSymbol,
        LLVM::LLVMFunctionType::get(nothing, {pointer}));
    Block *entry = invoke.addEntryBlock(builder);
    builder.setInsertionPointToStart(entry);
    // Without results the C interface has no leading result pointer.
    Type returned = module.lookupSymbol<LLVM::LLVMFuncOp>("main")
                        .getFunctionType()
                        .getReturnType();
    int32_t first = isa<LLVM::LLVMVoidType>(returned) ? 1 : 0;
    SmallVector<Value> arguments;
    for (unsigned i = 0; i < main.getNumArguments(); ++i) {
      Value slot = LLVM::GEPOp::create(builder, loc, pointer, pointer,
                                       entry->getArgument(0),
                                       LLVM::GEPArg(int32_t(i) + first));
      arguments.push_back(LLVM::LoadOp::create(builder, loc, pointer, slot));
    }
    LLVM::CallOp::create(builder, loc, main, arguments);
    LLVM::ReturnOp::create(builder, loc, ValueRange{});
  }

  /// LLVM IR has no place for llmc's argument and result attributes.
  static void dropAttributes(ModuleOp module) {
    for (auto function : module.getOps<LLVM::LLVMFuncOp>()) {
      function.removeArgAttrsAttr();
      function.removeResAttrsAttr();
    }
  }

  /// Run-time checks call @llmc_report_error; it stores their code.
  void defineReport(ModuleOp module, OpBuilder builder) {
    auto report = module.lookupSymbol<LLVM::LLVMFuncOp>(reportSymbol);
    if (!report)
      return;
    Location loc = report.getLoc();
    report.setLinkage(LLVM::Linkage::Internal);
    Block *body = report.addEntryBlock(builder);
    builder.setInsertionPointToStart(body);
    Value flag = LLVM::AddressOfOp::create(
        builder, loc, LLVM::LLVMPointerType::get(&getContext()), errorSymbol);
    LLVM::StoreOp::create(builder, loc, body->getArgument(0), flag);
    LLVM::ReturnOp::create(builder, loc, ValueRange{});
  }
};
} // namespace
