//===- Pipeline.cpp - the order of lifting --------------------------------===//

#include "llmc/Lift/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace llmc;

void llmc::buildLiftPipeline(OpPassManager &manager) {
  manager.addPass(createFoldShapes());
  manager.addPass(createCSEPass());
  // Its reshapes may merge with others when they are simplified.
  manager.addPass(createLiftQuantizeDynamic());
  manager.addPass(createSimplify());
  // Simplifying may uncover constants, and those more to simplify.
  manager.addPass(createFoldShapes());
  manager.addPass(createSimplify());
  manager.addPass(createCSEPass());
  manager.addPass(createLiftNorm());
  manager.addPass(createLiftGelu());
  manager.addPass(createLiftSilu());
  manager.addPass(createLiftPacked());
  manager.addPass(createLiftDensify());
  manager.addPass(createLiftDequantize());
  manager.addPass(createLiftLinear());
  manager.addPass(createLiftEmbedding());
  manager.addPass(createLiftRope());
  manager.addPass(createLiftIndexGrid());
  manager.addPass(createLiftAttention());
  manager.addPass(createFoldShapes());
  manager.addPass(createSimplify());
  manager.addPass(createCSEPass());
}

void llmc::registerLiftPipelines() {
  PassPipelineRegistration<>(
      "llmc-lift", "Lift a graph of ONNX ops to the ops of language models",
      buildLiftPipeline);
}
