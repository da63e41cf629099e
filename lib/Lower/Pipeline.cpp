//===- Pipeline.cpp - the order of the reference lowering -----------------===//

#include "llmc/Lift/Passes.h"
#include "llmc/Lower/Passes.h"
#include "llmc/Target/Backend.h"
#include "llmc/Target/Passes.h"
#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Bufferization/Pipelines/Passes.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/Func/Transforms/Passes.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace llmc;

static void addExtensionPoint(OpPassManager &manager, bool useBackends,
                              StringRef name) {
  if (useBackends)
    manager.addPass(createExtensionPoint({name.str()}));
}

void llmc::buildLowerToLinalgPipeline(OpPassManager &manager, bool useBackends,
                                      bool strict) {
  manager.addPass(createFindBatch());
  manager.addPass(createSplitLowRank());
  addExtensionPoint(manager, useBackends, pipelinePoint::beforeClaim);
  if (useBackends)
    manager.addPass(createClaimKernels({/*backends=*/"", strict}));
  addExtensionPoint(manager, useBackends, pipelinePoint::afterClaim);
  manager.addPass(createTransposeWeights());
  manager.addPass(createParamsToArguments());
  manager.addPass(createInferShapes());
  manager.addPass(createDecompose());
  manager.addPass(createInferShapes());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createExplicitBroadcast());
  manager.addPass(createLowerToLinalg());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
}

static void addBufferization(OpPassManager &manager) {
  bufferization::OneShotBufferizePassOptions options;
  options.bufferizeFunctionBoundaries = true;
  // A loop may carry a tensor whose next value is made in a buffer of its own.
  options.allowReturnAllocsFromLoops = true;
  options.functionBoundaryTypeConversion =
      bufferization::LayoutMapOption::IdentityLayoutMap;
  manager.addPass(createProtectArguments());
  manager.addPass(bufferization::createEmptyTensorEliminationPass());
  manager.addPass(bufferization::createOneShotBufferizePass(options));
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  manager.addPass(createDropStateResults());
  manager.addPass(createSeparateResults());
  // Every buffer has one owner; what @main returns belongs to the caller.
  bufferization::BufferDeallocationPipelineOptions deallocation;
  bufferization::buildBufferDeallocationPipeline(manager, deallocation);
  manager.addNestedPass<func::FuncOp>(
      bufferization::createOptimizeAllocationLivenessPass());
}

void llmc::buildLowerToLLVMPipeline(OpPassManager &manager, bool useBackends,
                                    bool useThreads) {
  addExtensionPoint(manager, useBackends, pipelinePoint::beforeBufferization);
  manager.addPass(createFuseElementwise());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  addBufferization(manager);
  manager.addPass(createConvertBufferizationToMemRefPass());
  manager.addPass(createCopiesToLoops());
  addExtensionPoint(manager, useBackends, pipelinePoint::afterBufferization);
  manager.addPass(createOutlineKernels());
  manager.addPass(createEmitKernels());
  manager.addPass(createHoistScratch());
  manager.addPass(memref::createResolveShapedTypeResultDimsPass());
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCSEPass());
  manager.addPass(createPlanBuffers());
  if (useThreads) {
    manager.addPass(createSplitBatch());
    manager.addPass(createParallelizeKernels());
    manager.addPass(createConvertSCFToOpenMPPass());
    manager.addPass(createInlineScopes());
  }
  manager.addPass(createCanonicalizerPass());
  manager.addPass(createCarryAccumulators());
  manager.addPass(createConvertLinalgToLoopsPass());
  addExtensionPoint(manager, useBackends, pipelinePoint::beforeLLVM);
  manager.addPass(memref::createExpandStridedMetadataPass());
  manager.addPass(memref::createExpandOpsPass());
  manager.addPass(createLowerAffinePass());
  manager.addPass(createSCFToControlFlowPass());
  manager.addPass(createConvertVectorToLLVMPass());
  // Only f32 and f64 arithmetic needs no library function on every target.
  math::MathExtendToSupportedTypesOptions mathTypes;
  mathTypes.extraTypeStrs = {"f32"};
  manager.addPass(math::createMathExtendToSupportedTypes(mathTypes));
  arith::ArithEmulateUnsupportedFloatsOptions arithTypes;
  arithTypes.sourceTypeStrs = {"bf16", "f16"};
  manager.addPass(arith::createArithEmulateUnsupportedFloats(arithTypes));
  arith::ArithExpandOpsPassOptions expansion;
  expansion.includeBf16 = true;
  manager.addPass(arith::createArithExpandOpsPass(expansion));
  manager.addPass(createConvertMathToLLVMPass());
  manager.addPass(createConvertMathToLibmPass());
  manager.addPass(createConvertIndexToLLVMPass());
  manager.addPass(createArithToLLVMConversionPass());
  manager.addPass(createConvertFuncToLLVMPass());
  manager.addPass(createConvertControlFlowToLLVMPass());
  manager.addPass(createFinalizeMemRefToLLVMConversionPass());
  manager.addPass(createConvertOpenMPToLLVMPass());
  manager.addPass(createReconcileUnrealizedCastsPass());
  manager.addPass(createEmitScratch());
  manager.addPass(createEmitInvoke());
}

void llmc::registerLowerPipelines() {
  PassPipelineRegistration<>(
      "llmc-lower-to-linalg", "Lower a model from llmc to linalg on tensors",
      [](OpPassManager &manager) { buildLowerToLinalgPipeline(manager); });
  PassPipelineRegistration<>("llmc-lower",
                             "Lower a model from llmc to the LLVM dialect",
                             [](OpPassManager &manager) {
                               buildLowerToLinalgPipeline(manager);
                               buildLowerToLLVMPipeline(manager);
                             });
}
