//===- ParamsToArguments.cpp - parameters become arguments of @main -------===//

#include "llmc/Lower/Passes.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/ADT/MapVector.h"
#include "llvm/Support/MathExtras.h"

namespace llmc {
#define GEN_PASS_DEF_PARAMSTOARGUMENTS
#include "llmc/Lower/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

namespace {
struct ParamsToArguments
    : llmc::impl::ParamsToArgumentsBase<ParamsToArguments> {
  void runOnOperation() override {
    auto main = getOperation().lookupSymbol<func::FuncOp>("main");
    if (!main) {
      getOperation().emitError("the module has no function @main");
      return signalPassFailure();
    }
    // Runtimes call it through its C interface.
    main->setAttr(LLVM::LLVMDialect::getEmitCWrapperAttrName(),
                  UnitAttr::get(&getContext()));
    llvm::MapVector<Attribute, SmallVector<WeightOp>> uses;
    main.walk([&](WeightOp op) { uses[op.getParamAttr()].push_back(op); });
    for (auto &[param, ops] : uses) {
      unsigned index = main.getNumArguments();
      auto attributes = DictionaryAttr::get(
          &getContext(),
          NamedAttribute(StringAttr::get(&getContext(), paramAttr), param));
      RankedTensorType type = ops.front().getType();
      unsigned width = type.getElementTypeBitWidth();
      bool isPacked = width > 1 && width < 8;
      Type argumentType = type;
      if (isPacked)
        argumentType = RankedTensorType::get(
            {int64_t(llvm::divideCeil(type.getNumElements() * width, 8))},
            IntegerType::get(&getContext(), 8, IntegerType::Unsigned));
      if (failed(main.insertArgument(index, argumentType, attributes,
                                     ops.front().getLoc())))
        return signalPassFailure();
      for (WeightOp op : ops) {
        Value value = main.getArgument(index);
        if (isPacked) {
          OpBuilder builder(op);
          value = UnpackOp::create(builder, op.getLoc(), value,
                                   type.getElementType(), type.getShape());
        }
        op.replaceAllUsesWith(value);
        op.erase();
      }
    }
  }
};
} // namespace
