//===- EmitKernels.cpp - backends write the kernels -----------------------===//

#include "llmc/Target/Backends.h"
#include "llmc/Target/Passes.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace llmc {
#define GEN_PASS_DEF_EMITKERNELS
#include "llmc/Target/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

/// The type that takes both: sizes that differ become dynamic. Null for
/// buffers that differ in more.
static MemRefType join(MemRefType a, MemRefType b) {
  if (a.getRank() != b.getRank() || a.getElementType() != b.getElementType())
    return {};
  SmallVector<int64_t> shape(a.getShape());
  for (auto [size, other] : llvm::zip(shape, b.getShape()))
    if (size != other)
      size = ShapedType::kDynamic;
  return MemRefType::get(shape, a.getElementType());
}

namespace {
struct EmitKernels : llmc::impl::EmitKernelsBase<EmitKernels> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    llvm::MapVector<StringAttr, SmallVector<LaunchOp>> launches;
    module.walk([&](LaunchOp launch) {
      launches[launch.getKernelAttr().getAttr()].push_back(launch);
    });
    SymbolTable symbols(module);
    llvm::SetVector<Backend *> used;
    for (auto &[name, users] : launches)
      if (failed(emit(symbols.lookup<KernelOp>(name), users, used)))
        return signalPassFailure();
    for (KernelOp kernel :
         llvm::make_early_inc_range(module.getOps<KernelOp>()))
      kernel.erase();
    for (Backend *backend : used)
      if (failed(backend->link(module)))
        return signalPassFailure();
    auto canRunInParts = [](Backend *backend) {
      return backend->canRunInParts();
    };
    if (auto main = module.lookupSymbol<func::FuncOp>("main");
        main && !llvm::all_of(used, canRunInParts))
      for (unsigned i = 0; i < main.getNumArguments(); ++i)
        main.removeArgAttr(i, batchAttr);
  }

private:
  LogicalResult emit(KernelOp kernel, ArrayRef<LaunchOp> launches,
                     llvm::SetVector<Backend *> &used) {
    const Backends::Entry *entry =
        Backends::of(&getContext()).lookup(kernel.getBackend());
    if (!entry)
      return kernel.emitOpError("is of the backend '")
             << kernel.getBackend()
             << "', which is not loaded: use --load-backend=FILE";
    FailureOr<SmallVector<Type>> types = findTypes(launches);
    if (failed(types))
      return failure();

    OpBuilder builder(kernel);
    auto function =
        func::FuncOp::create(builder, kernel.getLoc(), kernel.getSymName(),
                             builder.getFunctionType(*types, {}));
    function.setPrivate();
    function.addEntryBlock();
    if (failed(entry->backend->translate(kernel, function)))
      return failure();
    used.insert(entry->backend.get());
    for (LaunchOp launch : launches) {
      builder.setInsertionPoint(launch);
      SmallVector<Value> arguments;
      for (auto [operand, type] : llvm::zip(launch->getOperands(), *types))
        arguments.push_back(operand.getType() == type
                                ? operand
                                : memref::CastOp::create(
                                      builder, launch.getLoc(), type, operand));
      func::CallOp::create(builder, launch.getLoc(), function, arguments);
      launch.erase();
    }
    return success();
  }

  /// The types of the kernel's arguments, which take those of all launches.
  FailureOr<SmallVector<Type>> findTypes(ArrayRef<LaunchOp> launches) {
    SmallVector<Type> types;
    for (LaunchOp launch : launches) {
      for (auto [index, type] : llvm::enumerate(launch->getOperandTypes())) {
        auto buffer = dyn_cast<MemRefType>(type);
        if (!buffer || !buffer.getLayout().isIdentity())
          return launch.emitOpError("works on tensors or strided buffers: "
                                    "bufferize first");
        if (index >= types.size())
          types.push_back(join(buffer, buffer));
        else
          types[index] = join(cast<MemRefType>(types[index]), buffer);
        if (!types[index])
          return launch.emitOpError("shares a kernel with a launch whose "
                                    "operand ")
                 << index << " has another rank or element type: the backend's "
                 << "config must tell them apart";
      }
    }
    return types;
  }
};
} // namespace
