//===- Passes.h - the reference lowering -----------------------*- C++ -*-===//

#ifndef LLMC_LOWER_PASSES_H
#define LLMC_LOWER_PASSES_H

#include "llmc/IR/Dialect.h"
#include "llmc/IR/PassStatistics.h"
#include "llmc/Runtime/ArtifactFormat.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/IR/BuiltinOps.h"

namespace llmc {

#define GEN_PASS_DECL
#include "llmc/Lower/Passes.h.inc"

#define GEN_PASS_REGISTRATION
#include "llmc/Lower/Passes.h.inc"

/// The argument attribute that names the parameter an argument stands for.
inline constexpr llvm::StringLiteral paramAttr = "llmc.param";

/// The entry function of compiled code and its error flag.
inline constexpr llvm::StringRef invokeSymbol = artifact::kEntry;
inline constexpr llvm::StringRef errorSymbol = artifact::kErrorSymbol;

/// The function that run-time checks call, with a RuntimeError.
inline constexpr llvm::StringLiteral reportSymbol = "llmc_report_error";

/// Functions of llmc-plan-buffers: (index) -> memref<?xi8>, of at least that
/// many bytes, and its inverse.
inline constexpr llvm::StringLiteral takeScratchSymbol = "llmc_take_scratch";
inline constexpr llvm::StringLiteral returnScratchSymbol =
    "llmc_return_scratch";

/// Values of llmc_error.
enum class RuntimeError : int64_t {
  None = artifact::kKernelOk,
  IndexOutOfRange = artifact::kKernelIndexOutOfRange,
  ShapeMismatch = artifact::kKernelShapeMismatch,
  OutOfMemory = artifact::kKernelOutOfMemory,
};

/// Lowers a model from llmc ops to linalg on tensors. Ops that the backends of
/// the context claim become launches of their kernels, unless `useBackends` is
/// false: then all of it is the reference lowering. With `strict`, what takes
/// time and no backend claims is an error.
void buildLowerToLinalgPipeline(mlir::OpPassManager &manager,
                                bool useBackends = true, bool strict = false);

/// Lowers a model to linalg and other upstream dialects on tensors, without
/// anything of llmc's: for other compilers.
void buildLowerToPortablePipeline(mlir::OpPassManager &manager,
                                  const MakePortableOptions &options);

/// Continues from linalg on tensors to the LLVM dialect. With `useThreads`
/// parallel loops run on the threads of LLVM's OpenMP.
void buildLowerToLLVMPipeline(mlir::OpPassManager &manager,
                              bool useBackends = true, bool useThreads = true);

/// Registers the pipelines `llmc-lower-to-linalg` and `llmc-lower`.
void registerLowerPipelines();

/// Registers the pipeline `llmc-lower-to-portable`.
void registerPortablePipeline();

} // namespace llmc

#endif // LLMC_LOWER_PASSES_H
