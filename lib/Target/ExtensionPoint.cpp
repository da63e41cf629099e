//===- ExtensionPoint.cpp - where backends add passes ---------------------===//

#include "llmc/Target/Backends.h"
#include "llmc/Target/Passes.h"
#include "mlir/Dialect/Affine/IR/AffineOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

namespace llmc {
#define GEN_PASS_DEF_EXTENSIONPOINT
#include "llmc/Target/Passes.h.inc"
} // namespace llmc

using namespace mlir;
using namespace llmc;

namespace {
struct ExtensionPoint : llmc::impl::ExtensionPointBase<ExtensionPoint> {
  using ExtensionPointBase::ExtensionPointBase;

  void runOnOperation() override {
    OpPassManager passes(ModuleOp::getOperationName());
    for (const Backends::Entry &entry :
         Backends::of(&getContext()).getEntries())
      entry.backend->extendPipeline(name, passes);
    if (!passes.empty() && failed(runPipeline(passes, getOperation())))
      signalPassFailure();
  }
};
} // namespace
